"""What waits for a person, and the mail about it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Exists, Max, OuterRef, Q, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import SimpleLazyObject
from django.views.decorators.http import require_POST, require_safe

from assessments.models import Assessment, Comment, Look, Notice, Thread, User
from assessments.services import notices as services
from assessments.views.register import signed_in


def waiting_count(request: HttpRequest) -> dict[str, Any]:
    """Context processor: how many notices someone has not seen; asked for only where a page shows it."""
    return {
        "waiting_count": SimpleLazyObject(lambda: Notice.objects.visible_to(request.user).unseen().count())
    }


@require_safe
@signed_in
def waiting(request: HttpRequest, by: User) -> HttpResponse:
    """Drafts to review, comments to answer, and notices."""
    seen = Look.objects.filter(assessment=OuterRef("pk"), user=by, looked_at__gte=OuterRef("ready_at"))
    mine = Assessment.objects.visible_to(by).select_related("account", "ready_by")
    to_review = mine.filter(ready_at__isnull=False).exclude(ready_by=by).exclude(Exists(seen))
    last = Comment.objects.filter(thread=OuterRef("pk")).order_by("-written_at", "-pk").values("author")[:1]
    threads = (
        Thread.objects.visible_to(by).open().annotate(last_by=Subquery(last), at=Max("comments__written_at"))
    )
    context = {
        "to_review": to_review.order_by("-ready_at"),
        "threads": threads.filter(~Q(last_by=by.pk)).select_related("assessment__account").order_by("-at"),
        "notices": Notice.objects.visible_to(by).select_related("assessment__account", "by")[:50],
    }
    return render(request, "review/waiting.html", context)


@require_POST
@signed_in
def seen(request: HttpRequest, by: User) -> HttpResponse:
    """Take all notices for seen."""
    services.mark_seen(by=by)
    messages.success(request, "All notices are marked as seen.")
    return redirect("waiting")


@require_POST
@signed_in
def mail(request: HttpRequest, by: User) -> HttpResponse:
    """Turn mail about notices on or off."""
    wanted = "wanted" in request.POST
    services.set_mail(user=by, wanted=wanted)
    messages.success(
        request, "You get mail about what waits." if wanted else "You get no mail about what waits."
    )
    return redirect("waiting")
