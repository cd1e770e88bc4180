"""Reviewing an office's draft: its answers, its findings and the comments of colleagues."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from django.contrib import messages
from django.contrib.messages.storage.base import Message
from django.db.models import Prefetch
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from assessments.forms.reviewing import FILTERS, CommentForm, FilterForm
from assessments.forms.section import element_id
from assessments.models import Assessment, AuditEvent, Comment, Look, Thread, User
from assessments.models.reviews import MAX_COMMENT
from assessments.records.clock import moment_in_words
from assessments.reports.review import review as review_report
from assessments.services import reviewing as services
from assessments.services.audit import Action
from assessments.views.not_saved import keep_typed
from assessments.views.workspace import Workspace, with_workspace

THREAD_TAG = "t-"
"""The prefix of a message's tag that ends in a thread's key: the page shows the message beside that thread."""


@require_safe
@with_workspace
def review(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Answers, findings and comments side by side, with filters."""
    return _page(request, workspace)


def _page(request: HttpRequest, workspace: Workspace, **typed: Any) -> HttpResponse:
    """The review page. `typed` is a refused comment: its text, where it was typed, and the reason."""
    assessment, by = _assessment_and_person(workspace)
    filters = FilterForm(request.GET, edition=workspace.state.edition)
    section, show = filters.chosen
    written = Comment.objects.select_related("author").prefetch_related("author__former_names")
    threads = list(
        Thread.objects.visible_to(by)
        .filter(assessment=assessment)
        .select_related("resolved_by")
        .prefetch_related(Prefetch("comments", written), "resolved_by__former_names")
    )
    last_look = Look.objects.filter(assessment=assessment, user=by).first()
    looked_at = last_look.looked_at if last_look else None
    top, beside = _messages(request)
    reviewed = review_report(
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
                (row, element_id(row.question.id), _change_url(workspace, part.id, row.question.id))
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
        longest_in_words=f"{MAX_COMMENT:,}",
        unanswered=len(workspace.state.advisory.unanswered),
        made=timezone.now().isoformat(),
    )
    return render(request, "review/review.html", context)


def _field(typed: Mapping[str, Any]) -> str:
    """The id of the text field that has the refused comment."""
    if "thread" in typed:
        return f"reply-{typed['thread']}"
    about, subject = typed.get("about", ""), typed.get("subject", "")
    return f"c-{subject if about == 'finding' else _anchor(about, subject)}"


def _messages(request: HttpRequest) -> tuple[list[Message], dict[int, str]]:
    """The messages at the top of the page, and the text beside each thread that has one, by the thread's key."""
    top, beside = [], {}
    for message in messages.get_messages(request):
        _, mark, thread = (message.extra_tags or "").partition(THREAD_TAG)
        if mark:
            beside[int(thread)] = str(message)
        else:
            top.append(message)
    return top, beside


def _reopened(assessment: Assessment, threads: list[Thread], by: User) -> dict[int, AuditEvent]:
    """For each open thread that was resolved before, by its key: the event of the last time someone reopened it."""
    reopened = [thread.pk for thread in threads if thread.resolved_at is None and thread.version > 1]
    if not reopened:
        return {}
    office = assessment.account.office_id
    events = AuditEvent.objects.visible_to(by).of_chain(office).filter(action=Action.REOPENED)
    about = events.filter(record_type=Thread._meta.model_name, record_id__in=reopened)
    named = about.order_by("number").prefetch_related("actor__former_names")
    return {event.record_id: event for event in named}


def _back(
    request: HttpRequest, workspace: Workspace, place: str = "", thread: int | None = None
) -> HttpResponse:
    """Redirect to the review page with the same filters, at `place`. They never hide the thread."""
    filters = FilterForm(request.GET, edition=workspace.state.edition)
    query = filters.query
    if query and thread is not None:
        query += f"&at={thread}"
    return redirect(workspace.url("review") + (f"?{query}" if query else "") + (f"#{place}" if place else ""))


def _change_url(workspace: Workspace, section: str, question: str) -> str:
    return f"{workspace.url('section', section=section)}?ready#{element_id(question)}"


def _assessment_and_person(workspace: Workspace) -> tuple[Assessment, User]:
    """The assessment, and the person who works on it. Raises Http404 for an anonymous check, which nobody reviews."""
    if not isinstance(workspace.self_check, Assessment) or workspace.by is None:
        raise Http404
    return workspace.self_check, workspace.by


def _attempt(request: HttpRequest, act: Callable[[], object]) -> HttpResponse | None:
    """Run `act`. If the draft is deleted or its term has ended, return a page with what was typed; else None."""
    try:
        act()
    except services.DraftGone:
        return keep_typed(request, "not_yours", status=404)
    except services.NotSaved as error:
        return keep_typed(request, error.why)
    return None


def _changed_meanwhile(thread: Thread) -> str:
    if thread.resolved_at is None:
        return "Somebody opened these comments again in the meantime. Nothing was changed."
    when = moment_in_words(thread.resolved_at)
    return f"{thread.resolved_by} resolved these comments in the meantime, on {when}. Nothing was changed."


@require_POST
@with_workspace
def note_look(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Record that the person has looked at the draft, as it was when the page was made."""
    assessment, by = _assessment_and_person(workspace)
    shown_at = None
    with suppress(ValueError):
        shown_at = parse_datetime(request.POST.get("made", "")[:40])
    services.look(
        assessment=assessment, by=by, at=shown_at if shown_at and timezone.is_aware(shown_at) else None
    )
    messages.success(request, "Noted. What changes from now on is shown as new to you.")
    return _back(request, workspace)


@require_POST
@with_workspace
def ready(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Mark a draft ready for review, or remove the mark."""
    assessment, by = _assessment_and_person(workspace)
    act = services.mark_ready if "ready" in request.POST else services.unmark_ready
    return _attempt(request, lambda: act(assessment=assessment, by=by)) or _back(request, workspace)


@require_http_methods(["GET", "HEAD", "POST"])
@with_workspace
def comment(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Start a thread. A GET, as when a browser reloads the page of a refused comment, leads back to the review."""
    assessment, by = _assessment_and_person(workspace)
    if request.method != "POST":
        return _back(request, workspace)
    about, subject = request.POST.get("about", ""), request.POST.get("subject", "")
    edition = workspace.state.edition
    known: dict[str, Any] = {"question": edition.question, "finding": edition.rule, "whole": {"": None}}
    if subject not in known.get(about, {}):
        raise Http404
    form = CommentForm(request.POST)
    if not form.is_valid():
        return _page(request, workspace, about=about, subject=subject, **_refused_text(request, form))
    text, created = form.cleaned_data["text"], []

    def act() -> None:
        created.append(
            services.comment(assessment=assessment, about=about, subject=subject, text=text, by=by).pk
        )

    return _attempt(request, act) or _back(request, workspace, _anchor(about, subject), *created)


def _refused_text(request: HttpRequest, form: CommentForm) -> dict[str, Any]:
    """The refused text and the reason."""
    return {"text": request.POST.get("text", ""), "error": form.errors["text"][0]}


def _anchor(about: str, subject: str) -> str:
    """The id on the page of a question, a finding or the whole."""
    return element_id(subject) if about == "question" else f"f-{subject}" if about == "finding" else "whole"


def _visible_thread(workspace: Workspace, pk: int) -> Thread:
    assessment, by = _assessment_and_person(workspace)
    threads = Thread.objects.visible_to(by).filter(assessment=assessment)
    return get_object_or_404(threads.select_related("assessment__account__office"), pk=pk)


def _version_seen(request: HttpRequest) -> int:
    """The version of the thread that the form was made from; 0 if the form does not have a valid one."""
    seen = request.POST.get("seen", "")
    return int(seen) if seen.isascii() and seen.isdecimal() and len(seen) < 10 else 0


@require_http_methods(["GET", "HEAD", "POST"])
@with_workspace
def reply(request: HttpRequest, workspace: Workspace, thread: int) -> HttpResponse:
    """Add a comment to a thread, if its state is still the one that the person saw."""
    existing, (_, by) = _visible_thread(workspace, thread), _assessment_and_person(workspace)
    if request.method != "POST":
        return _back(request, workspace, f"t-{existing.pk}", existing.pk)
    form = CommentForm(request.POST)
    if not form.is_valid():
        return _page(request, workspace, thread=existing.pk, **_refused_text(request, form))
    text, seen = form.cleaned_data["text"], _version_seen(request)
    try:
        response = _attempt(request, lambda: services.reply(thread=existing, text=text, by=by, seen=seen))
    except services.ThreadMoved as moved:
        who = moved.thread.resolved_by
        reason = f"{who} resolved this in the meantime. Send your reply and open it again?"
        return _page(request, workspace, thread=existing.pk, text=text, error=reason)
    return response or _back(request, workspace, f"t-{existing.pk}", existing.pk)


@require_POST
@with_workspace
def resolve_or_reopen(request: HttpRequest, workspace: Workspace, thread: int) -> HttpResponse:
    """Resolve a thread or reopen it, if its state is still the one that the person saw."""
    existing, (_, by) = _visible_thread(workspace, thread), _assessment_and_person(workspace)
    act, seen = services.reopen if "reopen" in request.POST else services.resolve, _version_seen(request)
    place = f"{THREAD_TAG}{existing.pk}"
    try:
        response = _attempt(request, lambda: act(thread=existing, seen=seen, by=by))
    except services.ThreadMoved as moved:
        response = None
        messages.warning(request, _changed_meanwhile(moved.thread), extra_tags=place)
    return response or _back(request, workspace, place, existing.pk)
