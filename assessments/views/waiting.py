"""A person's list of drafts to review, threads to answer and notices, and their choice of emails about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db.models import BigIntegerField, Case, Exists, OuterRef, Q, QuerySet, Subquery, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import SimpleLazyObject
from django.views.decorators.http import require_POST, require_safe

from assessments.models import Assessment, Comment, Look, Notice, Office, Thread, User
from assessments.reports.access_reviews import current_review, offices_to_review
from assessments.services import notices as services
from assessments.views.access import signed_in
from bulletin.publish import encoded

Kind = Notice.Kind
EARLIER = 30
"""How many seen notices the page lists at most."""


@dataclass(frozen=True)
class WaitingItems:
    """A person's list. It has each item once, and no item from a term that has ended."""

    to_review: QuerySet[Assessment]
    threads: QuerySet[Thread]
    notices: QuerySet[Notice]
    to_confirm: QuerySet[Office]

    def count(self) -> int:
        """The number of items, in one query."""
        kinds: tuple[QuerySet[Any], ...] = (self.to_review, self.threads, self.notices, self.to_confirm)
        keys = [items.order_by().values("pk") for items in kinds]
        return keys[0].union(*keys[1:], all=True).count()


def _waiting_items(by: User) -> WaitingItems:
    looked = Look.objects.filter(assessment=OuterRef("pk"), user=by, looked_at__gte=OuterRef("ready_at"))
    mine = Assessment.objects.visible_to(by).filter(account__office__ends_on__isnull=True)
    to_review = mine.drafts().filter(ready_at__isnull=False).exclude(ready_by=by).exclude(Exists(looked))
    last = Comment.objects.filter(thread=OuterRef("pk")).order_by("-written_at", "-pk")
    threads = (
        Thread.objects.filter(assessment__in=mine)
        .open()
        .annotate(last_by=Subquery(last.values("author")[:1]), last=Subquery(last.values("pk")[:1]))
        .exclude(last_by=by.pk)
    )
    # These notices are left out: the page already lists the draft or the thread.
    listed = Q(kind=Kind.READY, assessment__in=to_review.values("pk")) | Q(
        kind=Kind.COMMENT, assessment__in=threads.values("assessment")
    )
    notices = Notice.objects.visible_to(by).unseen().exclude(listed)
    return WaitingItems(to_review, threads, notices, offices_to_review(current_review()).filter(member=by))


def waiting_count(request: HttpRequest) -> dict[str, Any]:
    """Context processor: the number of items on the page `waiting`, counted only if a template uses it."""
    # A request for a host name that is not ours is refused before it gets a user.
    by = getattr(request, "user", None)
    return {
        "waiting_count": SimpleLazyObject(lambda: _waiting_items(by).count() if isinstance(by, User) else 0)
    }


@require_safe
@signed_in
def waiting(request: HttpRequest, by: User) -> HttpResponse:
    """The drafts to review, the threads to answer, and the notices."""
    items = _waiting_items(by)
    threads = list(items.threads.select_related("assessment__account", "assessment__edition").order_by("-pk"))
    comments = Comment.objects.prefetch_related("author__former_names")
    last = comments.in_bulk([thread.last for thread in threads])  # type: ignore[attr-defined]  # annotated
    to_review = items.to_review.select_related("account").order_by("-ready_at")
    seen = Notice.objects.visible_to(by).filter(seen_at__isnull=False)
    context = {
        "count": items.count(),
        "to_confirm": items.to_confirm,
        "review": current_review(),
        "to_review": to_review.prefetch_related("ready_by__former_names"),
        "threads": [(thread, _subject(thread), last[thread.last]) for thread in threads],  # type: ignore[attr-defined]
        "notices": [*_placed(items.notices), *_placed(seen)[:EARLIER]],
        "new_notices": Notice.objects.visible_to(by).unseen().exists(),
    }
    return render(request, "review/waiting.html", context)


def _subject(thread: Thread) -> str:
    """What a thread is about, in words."""
    edition = encoded(thread.assessment.edition)
    if thread.about == Thread.About.QUESTION and thread.subject in edition.question:
        return f"the question “{edition.question[thread.subject].short}”"
    if thread.about == Thread.About.FINDING and thread.subject in edition.rule:
        return f"the point “{edition.rule[thread.subject].title}”"
    return "the whole self-check"


def _placed(notices: QuerySet[Notice]) -> QuerySet[Notice]:
    """Notices annotated with their `thread`. A notice does not store it: it is inferred from who did what by then."""
    same = {"thread__assessment": OuterRef("assessment"), "author": OuterRef("by")}
    written = Comment.objects.filter(**same, written_at__lte=OuterRef("at")).order_by("-written_at", "-pk")
    resolved = Thread.objects.filter(
        assessment=OuterRef("assessment"), resolved_by=OuterRef("by"), resolved_at__lte=OuterRef("at")
    ).order_by("-resolved_at")
    place = Case(
        When(kind=Kind.COMMENT, then=Subquery(written.values("thread")[:1])),
        When(kind=Kind.RESOLVED, then=Subquery(resolved.values("pk")[:1])),
        output_field=BigIntegerField(),
    )
    related = notices.select_related("assessment__account").prefetch_related("by__former_names")
    return related.annotate(thread=place)


@require_POST
@signed_in
def mark_seen(request: HttpRequest, by: User) -> HttpResponse:
    """Mark all notices as seen."""
    services.mark_seen(by=by)
    messages.success(request, "All notices are marked as seen.")
    return redirect("waiting")


@require_POST
@signed_in
def set_mail(request: HttpRequest, by: User) -> HttpResponse:
    """Turn email about notices on or off."""
    wanted = "wanted" in request.POST
    services.set_mail(user=by, wanted=wanted)
    messages.success(
        request, "Emails about your items are on." if wanted else "Emails about your items are off."
    )
    return redirect("waiting")
