"""Reviewing an office's draft: what was answered, what it comes to, and what colleagues say of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.views.decorators.http import require_POST, require_safe

from assessments.forms.reviewing import FILTERS, CommentForm, FilterForm
from assessments.forms.section import element_id
from assessments.models import Assessment, Look, Thread, User
from assessments.reports.review import review as report
from assessments.services import reviewing as services
from assessments.views.desk import Desk, keep_typed, with_draft


@require_safe
@with_draft
def review(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Answers, findings and comments side by side, narrowed down by filters."""
    return _page(request, desk)


def _page(request: HttpRequest, desk: Desk, *, status: int = 200, **typed: Any) -> HttpResponse:
    """The review page; `typed` is a comment that could not be taken, where it was written, and why."""
    assessment, by = _of(desk)
    filters = FilterForm(request.GET, edition=desk.state.edition)
    section, show = filters.chosen
    threads = Thread.objects.visible_to(by).filter(assessment=assessment)
    look = Look.objects.filter(assessment=assessment, user=by).first()
    looked_at = look.looked_at if look else None
    told = report(
        desk.state,
        threads.select_related("resolved_by").prefetch_related("comments__author"),
        by=by,
        looked_at=looked_at,
        section=section,
        filters=show,
    )
    rows = [
        (row, element_id(row.question.id), _change(desk, row.question.section, row.question.id))
        for row in told.rows
    ]
    context = desk.context(
        review=told,
        rows=rows,
        filters=filters,
        show=[(name, label, name in show) for name, label in FILTERS.items()],
        is_narrow=bool(section or show),
        looked_at=looked_at,
        typed=typed,
        made=timezone.now().isoformat(),
    )
    return render(request, "review/review.html", context, status=status)


def _change(desk: Desk, section: str, question: str) -> str:
    return f"{desk.url('section', section=section)}?ready#{element_id(question)}"


def _of(desk: Desk) -> tuple[Assessment, User]:
    """The assessment and the person; an anonymous check has neither reviewers nor an address here."""
    if not isinstance(desk.draft, Assessment) or desk.by is None:
        raise Http404
    return desk.draft, desk.by


def _tried(request: HttpRequest, act: Callable[[], object]) -> HttpResponse | None:
    """Do something; where the draft is gone or its term has ended, give back what was typed."""
    try:
        act()
    except services.DraftGone:
        return keep_typed(request, "not_yours", status=404)
    except services.NotSaved as error:
        return keep_typed(request, error.why)
    except services.Met as met:
        messages.warning(request, _what_stands(met.thread))
    return None


def _what_stands(thread: Thread) -> str:
    if thread.resolved_at is None:
        return "Somebody opened these comments again in the meantime. Nothing was changed."
    when = date_format(timezone.localtime(thread.resolved_at), "j F Y, H:i")
    return f"{thread.resolved_by} resolved these comments in the meantime, on {when}. Nothing was changed."


@require_POST
@with_draft
def look(request: HttpRequest, desk: Desk) -> HttpResponse:
    """I have looked at this."""
    assessment, by = _of(desk)
    made = None
    with suppress(ValueError):
        made = parse_datetime(request.POST.get("made", "")[:40])
    services.look(assessment=assessment, by=by, at=made if made and timezone.is_aware(made) else None)
    messages.success(request, "Noted. What changes from now on is shown as new to you.")
    return redirect(desk.url("review"))


@require_POST
@with_draft
def ready(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Mark a draft ready for review, or take it back."""
    assessment, by = _of(desk)
    act = services.mark_ready if "ready" in request.POST else services.take_back
    return _tried(request, lambda: act(assessment=assessment, by=by)) or redirect(desk.url("review"))


@require_POST
@with_draft
def comment(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Begin a thread."""
    assessment, by = _of(desk)
    about, subject = request.POST.get("about", ""), request.POST.get("subject", "")
    edition = desk.state.edition
    known: dict[str, Any] = {"question": edition.question, "finding": edition.rule, "whole": {"": None}}
    if subject not in known.get(about, {}):
        raise Http404
    form = CommentForm(request.POST)
    if not form.is_valid():
        text, error = request.POST.get("text", ""), form.errors["text"][0]
        return _page(request, desk, status=200, about=about, subject=subject, text=text, error=error)
    text = form.cleaned_data["text"]
    act = lambda: services.comment(assessment=assessment, about=about, subject=subject, text=text, by=by)  # noqa: E731
    return _tried(request, act) or redirect(f"{desk.url('review')}#{_place(about, subject)}")


def _place(about: str, subject: str) -> str:
    """Where on the page something is."""
    return element_id(subject) if about == "question" else f"f-{subject}" if about == "finding" else "whole"


def _thread(desk: Desk, pk: int) -> Thread:
    assessment, by = _of(desk)
    found = Thread.objects.visible_to(by).filter(assessment=assessment)
    return get_object_or_404(found.select_related("assessment__account__office"), pk=pk)


@require_POST
@with_draft
def reply(request: HttpRequest, desk: Desk, thread: int) -> HttpResponse:
    """Add a comment to a thread."""
    found, (_, by) = _thread(desk, thread), _of(desk)
    form = CommentForm(request.POST)
    if not form.is_valid():
        text, error = request.POST.get("text", ""), form.errors["text"][0]
        return _page(request, desk, thread=found.pk, text=text, error=error)
    text = form.cleaned_data["text"]
    answer = _tried(request, lambda: services.reply(thread=found, text=text, by=by))
    return answer or redirect(f"{desk.url('review')}#{_place(found.about, found.subject)}")


@require_POST
@with_draft
def settle(request: HttpRequest, desk: Desk, thread: int) -> HttpResponse:
    """Resolve a thread, or open it again, as it was seen."""
    found, (_, by) = _thread(desk, thread), _of(desk)
    act = services.reopen if "reopen" in request.POST else services.resolve
    seen = request.POST.get("seen", "")
    version = int(seen) if seen.isascii() and seen.isdecimal() and len(seen) < 10 else 0
    answer = _tried(request, lambda: act(thread=found, seen=version, by=by))
    return answer or redirect(f"{desk.url('review')}#{_place(found.about, found.subject)}")
