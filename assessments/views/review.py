"""Reviewing an office's draft: what was answered, what it comes to, and what colleagues say of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from django.contrib import messages
from django.contrib.messages.storage.base import Message
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from assessments.forms.reviewing import FILTERS, CommentForm, FilterForm
from assessments.forms.section import element_id
from assessments.models import Assessment, AuditEvent, Look, Thread, User
from assessments.models.reviews import MAX_COMMENT
from assessments.reports.review import review as report
from assessments.services import reviewing as services
from assessments.services.audit import Action
from assessments.views.not_saved import keep_typed
from assessments.views.workspace import Workspace, with_draft

BESIDE = "t-"
"""What the tags of a message begin with that stands beside a thread, and not at the top of the page."""


@require_safe
@with_draft
def review(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Answers, findings and comments side by side, narrowed down by filters."""
    return _page(request, workspace)


def _page(request: HttpRequest, workspace: Workspace, **typed: Any) -> HttpResponse:
    """The review page; `typed` is a comment that could not be taken, where it was written, and why."""
    assessment, by = _of(workspace)
    filters = FilterForm(request.GET, edition=workspace.state.edition)
    section, show = filters.chosen
    threads = list(
        Thread.objects.visible_to(by)
        .filter(assessment=assessment)
        .select_related("resolved_by")
        .prefetch_related("comments__author")
    )
    look = Look.objects.filter(assessment=assessment, user=by).first()
    looked_at = look.looked_at if look else None
    top, beside = _messages(request)
    reviewed = report(
        workspace.state,
        threads,
        by=by,
        looked_at=looked_at,
        section=section,
        filters=show,
        writing_on=(typed["about"], typed["subject"]) if "about" in typed else None,
        at_thread=typed.get("thread", filters.at_thread),
        messages=beside,
        reopened=_reopened(assessment, threads, by),
    )
    sections = [
        (
            part,
            [
                (row, element_id(row.question.id), _change(workspace, part.id, row.question.id))
                for row in rows
            ],
        )
        for part, rows in reviewed.sections
    ]
    is_narrow = bool(section or show)
    context = workspace.context(
        review=reviewed,
        sections=sections,
        filters=filters,
        query=filters.query,
        show=[(name, label, name in show) for name, label in FILTERS.items()],
        is_narrow=is_narrow,
        shows_whole=bool(reviewed.whole) or not is_narrow or typed.get("about") == "whole",
        looked_at=looked_at,
        typed=typed,
        typed_at=_field(typed),
        typed_is_quiet=typed.get("subject") in {row.item.rule for row in reviewed.quiet},
        messages=top,
        longest=MAX_COMMENT,
        longest_said=f"{MAX_COMMENT:,}",
        unanswered=len(workspace.state.advisory.unanswered),
        made=timezone.now().isoformat(),
    )
    return render(request, "review/review.html", context)


def _field(typed: Mapping[str, Any]) -> str:
    """The id of the field that was typed into."""
    if "thread" in typed:
        return f"reply-{typed['thread']}"
    about, subject = typed.get("about", ""), typed.get("subject", "")
    return f"c-{subject if about == 'finding' else _place(about, subject)}"


def _messages(request: HttpRequest) -> tuple[list[Message], dict[int, str]]:
    """What there is to say at the top of the page, and beside which threads."""
    top, beside = [], {}
    for message in messages.get_messages(request):
        _, mark, thread = (message.extra_tags or "").partition(BESIDE)
        if mark:
            beside[int(thread)] = str(message)
        else:
            top.append(message)
    return top, beside


def _reopened(assessment: Assessment, threads: list[Thread], by: User) -> dict[int, AuditEvent]:
    """Of each open thread that was resolved before: who opened it again, and when."""
    turned = [thread.pk for thread in threads if thread.resolved_at is None and thread.version > 1]
    if not turned:
        return {}
    office = assessment.account.office_id
    events = AuditEvent.objects.visible_to(by).of_chain(office).filter(action=Action.REOPENED)
    about = events.filter(record_type=Thread._meta.model_name, record_id__in=turned).select_related("actor")
    return {event.record_id: event for event in about.order_by("number")}


def _back(
    request: HttpRequest, workspace: Workspace, place: str = "", thread: int | None = None
) -> HttpResponse:
    """To the review page as it was narrowed down, at a place that shows however that is."""
    filters = FilterForm(request.GET, edition=workspace.state.edition)
    query = filters.query
    if query and thread is not None:
        query += f"&at={thread}"
    return redirect(workspace.url("review") + (f"?{query}" if query else "") + (f"#{place}" if place else ""))


def _change(workspace: Workspace, section: str, question: str) -> str:
    return f"{workspace.url('section', section=section)}?ready#{element_id(question)}"


def _of(workspace: Workspace) -> tuple[Assessment, User]:
    """The assessment and the person; an anonymous check has neither reviewers nor an address here."""
    if not isinstance(workspace.self_check, Assessment) or workspace.by is None:
        raise Http404
    return workspace.self_check, workspace.by


def _tried(request: HttpRequest, act: Callable[[], object]) -> HttpResponse | None:
    """Do something; where the draft is gone or its term has ended, give back what was typed."""
    try:
        act()
    except services.DraftGone:
        return keep_typed(request, "not_yours", status=404)
    except services.NotSaved as error:
        return keep_typed(request, error.why)
    return None


def _what_stands(thread: Thread) -> str:
    if thread.resolved_at is None:
        return "Somebody opened these comments again in the meantime. Nothing was changed."
    when = date_format(timezone.localtime(thread.resolved_at), "j F Y, H:i")
    return f"{thread.resolved_by} resolved these comments in the meantime, on {when}. Nothing was changed."


@require_POST
@with_draft
def look(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """I have looked at this."""
    assessment, by = _of(workspace)
    made = None
    with suppress(ValueError):
        made = parse_datetime(request.POST.get("made", "")[:40])
    services.look(assessment=assessment, by=by, at=made if made and timezone.is_aware(made) else None)
    messages.success(request, "Noted. What changes from now on is shown as new to you.")
    return _back(request, workspace)


@require_POST
@with_draft
def ready(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Mark a draft ready for review, or take it back."""
    assessment, by = _of(workspace)
    act = services.mark_ready if "ready" in request.POST else services.unmark_ready
    return _tried(request, lambda: act(assessment=assessment, by=by)) or _back(request, workspace)


@require_http_methods(["GET", "HEAD", "POST"])
@with_draft
def comment(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Begin a thread. A browser that loads a refused comment's address again is led back to the page."""
    assessment, by = _of(workspace)
    if request.method != "POST":
        return _back(request, workspace)
    about, subject = request.POST.get("about", ""), request.POST.get("subject", "")
    edition = workspace.state.edition
    known: dict[str, Any] = {"question": edition.question, "finding": edition.rule, "whole": {"": None}}
    if subject not in known.get(about, {}):
        raise Http404
    form = CommentForm(request.POST)
    if not form.is_valid():
        return _page(request, workspace, about=about, subject=subject, **_wrong(request, form))
    text, begun = form.cleaned_data["text"], []

    def act() -> None:
        begun.append(
            services.comment(assessment=assessment, about=about, subject=subject, text=text, by=by).pk
        )

    return _tried(request, act) or _back(request, workspace, _place(about, subject), *begun)


def _wrong(request: HttpRequest, form: CommentForm) -> dict[str, Any]:
    """What was typed, and what is wrong with it."""
    return {"text": request.POST.get("text", ""), "error": form.errors["text"][0]}


def _place(about: str, subject: str) -> str:
    """Where on the page something is."""
    return element_id(subject) if about == "question" else f"f-{subject}" if about == "finding" else "whole"


def _thread(workspace: Workspace, pk: int) -> Thread:
    assessment, by = _of(workspace)
    found = Thread.objects.visible_to(by).filter(assessment=assessment)
    return get_object_or_404(found.select_related("assessment__account__office"), pk=pk)


def _seen(request: HttpRequest) -> int:
    """The version of a thread that a form was made from, or 0."""
    seen = request.POST.get("seen", "")
    return int(seen) if seen.isascii() and seen.isdecimal() and len(seen) < 10 else 0


@require_http_methods(["GET", "HEAD", "POST"])
@with_draft
def reply(request: HttpRequest, workspace: Workspace, thread: int) -> HttpResponse:
    """Add a comment to a thread, as it was seen."""
    found, (_, by) = _thread(workspace, thread), _of(workspace)
    if request.method != "POST":
        return _back(request, workspace, f"t-{found.pk}", found.pk)
    form = CommentForm(request.POST)
    if not form.is_valid():
        return _page(request, workspace, thread=found.pk, **_wrong(request, form))
    text, seen = form.cleaned_data["text"], _seen(request)
    try:
        answer = _tried(request, lambda: services.reply(thread=found, text=text, by=by, seen=seen))
    except services.ThreadMoved as met:
        who = met.thread.resolved_by
        says = f"{who} resolved this in the meantime. Send your reply and open it again?"
        return _page(request, workspace, thread=found.pk, text=text, error=says)
    return answer or _back(request, workspace, f"t-{found.pk}", found.pk)


@require_POST
@with_draft
def settle(request: HttpRequest, workspace: Workspace, thread: int) -> HttpResponse:
    """Resolve a thread, or open it again, as it was seen."""
    found, (_, by) = _thread(workspace, thread), _of(workspace)
    act, seen = services.reopen if "reopen" in request.POST else services.resolve, _seen(request)
    place = f"{BESIDE}{found.pk}"
    try:
        answer = _tried(request, lambda: act(thread=found, seen=seen, by=by))
    except services.ThreadMoved as met:
        answer = None
        messages.warning(request, _what_stands(met.thread), extra_tags=place)
    return answer or _back(request, workspace, place, found.pk)
