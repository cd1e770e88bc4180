"""Reviewing an office's self-check: its answers, its findings and the comments of colleagues."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.messages.storage.base import Message
from django.db.models import Prefetch
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from assessments.forms.reviewing import EVERYTHING, FILTERS, CommentForm, FilterForm, ReplyForm
from assessments.forms.section import element_id
from assessments.models import Assessment, AuditEvent, Comment, Look, Thread, User
from assessments.models.reviews import MAX_COMMENT
from assessments.records.clock import moment_in_words
from assessments.reports.review import Review
from assessments.reports.review import review as review_report
from assessments.services import reviewing as services
from assessments.services.audit import Action
from assessments.views.not_saved import keep_typed
from assessments.views.workspace import Workspace, with_workspace

THREAD_TAG = "t-"
"""The prefix of a message's tag that ends in a thread's key: the page shows the message beside that thread."""
UNANSWERED, WHOLE, FINISH = "unanswered", "whole", "finish"
"""The ids of the list of questions left, the comments on the whole self-check, and the last part of the page."""


@dataclass(frozen=True)
class Step:
    """The place of an item among those to go through, with the ids of the items before and after it.

    `previous` is empty for the first item. `next` of the last one is the end of the page.
    """

    number: int
    of: int
    previous: str
    next: str

    @property
    def is_last(self) -> bool:
        return self.number == self.of


@require_safe
@with_workspace
def review(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """What needs attention, item by item; or all answers, findings and comments, with filters."""
    return _page(request, workspace)


def _page(request: HttpRequest, workspace: Workspace, **typed: Any) -> HttpResponse:
    """The review page. `typed` is a refused comment: its text, where it was typed, and the reason."""
    assessment, by = _assessment_and_person(workspace)
    filters = FilterForm(request.GET, edition=workspace.state.edition)
    section, show = filters.chosen
    attention = filters.attention
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
        attention=attention,
        section=section,
        filters=show,
        writing_on=(typed["about"], typed["subject"]) if "about" in typed else None,
        at_thread=typed.get("thread", filters.at_thread),
        messages=beside,
        reopened=_reopened(assessment, threads, by),
    )
    steps = _steps(reviewed) if attention else {}
    sections = [
        (
            part,
            [
                (
                    row,
                    element_id(row.question.id),
                    workspace.question_url(row.question.id),
                    steps.get(element_id(row.question.id)),
                )
                for row in rows
            ],
        )
        for part, rows in reviewed.sections
    ]
    is_narrow = bool(section or show)
    advisory = workspace.state.advisory
    context = workspace.context(
        review=reviewed,
        attention=attention,
        counts=_counts(reviewed),
        # The steps have only what is pressing; the advisory lists every thing to do.
        to_do=workspace.state.count_of_acts if steps else 0,
        first=next(iter(steps), ""),
        sections=sections,
        findings=[(row, steps.get(f"f-{row.item.rule}")) for row in reviewed.findings],
        left=[(question, workspace.question_url(question.id)) for question in reviewed.unanswered],
        left_step=steps.get(UNANSWERED),
        whole_step=steps.get(WHOLE),
        items=len(steps),
        filters=filters,
        query=filters.query,
        everything=f"{workspace.url('review')}?{EVERYTHING}",
        show=[(name, label, name in show) for name, label in FILTERS.items()],
        is_narrow=is_narrow,
        shows_whole=bool(reviewed.whole) or typed.get("about") == "whole" or not (is_narrow or attention),
        looked_at=looked_at,
        typed=typed,
        typed_at=_field(typed),
        typed_is_quiet=typed.get("subject") in {row.item.rule for row in reviewed.quiet},
        messages=top,
        longest=MAX_COMMENT,
        longest_in_words=f"{MAX_COMMENT:,}",
        unanswered=len(advisory.unanswered),
        made=timezone.now().isoformat(),
    )
    return render(request, "review/review.html", context)


def _steps(reviewed: Review) -> dict[str, Step]:
    """The items to go through by their ids, in the order of the page."""
    ids = [element_id(row.question.id) for row in reviewed.questions]
    ids += [UNANSWERED] * bool(reviewed.unanswered)
    ids += [f"f-{row.item.rule}" for row in reviewed.findings]
    ids += [WHOLE] * bool(reviewed.whole)
    before, after = ["", *ids], [*ids[1:], FINISH]
    return {
        place: Step(number, len(ids), before[number - 1], after[number - 1])
        for number, place in enumerate(ids, 1)
    }


def _counts(reviewed: Review) -> list[tuple[str, str]]:
    """What needs attention, counted in words; each count with the id of the first item that it counts."""
    threads = [(row, f"t-{row.thread.pk}") for row in reviewed.threads]
    questions = [(row, element_id(row.question.id)) for row in reviewed.questions]
    findings = [(row.item.tone, f"f-{row.item.rule}") for row in reviewed.findings]
    ids = {
        ("answer new to you", "answers new to you"): [place for row, place in questions if row.is_new],
        ("new comment", "new comments"): [place for row, place in threads if row.is_new],
        ("open comment", "open comments"): [place for row, place in threads if row.is_open],
        ("“I’m not sure” answer", "“I’m not sure” answers"): [
            place for row, place in questions if row.is_unsure
        ],
        ("question left", "questions left"): [UNANSWERED] * len(reviewed.unanswered),
        ("point to raise", "points to raise"): [place for tone, place in findings if tone == "contact"],
    }
    return [(f"{len(ids_of)} {words[len(ids_of) > 1]}", ids_of[0]) for words, ids_of in ids.items() if ids_of]


def _field(typed: Mapping[str, Any]) -> str:
    """The id of the text box that has the refused comment."""
    if "thread" in typed:
        return f"reply-{typed['thread']}"
    about, subject = typed.get("about", ""), typed.get("subject", "")
    return f"c-{_anchor(about, subject)}"


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
    """Redirect to the same view of the review, at `place`. The view always shows the thread."""
    query = FilterForm(request.GET, edition=workspace.state.edition).query
    if thread is not None:
        query += f"{'&' if query else ''}at={thread}"
    return redirect(workspace.url("review") + (f"?{query}" if query else "") + (f"#{place}" if place else ""))


def _assessment_and_person(workspace: Workspace) -> tuple[Assessment, User]:
    """The assessment, and the person who works on it. Raises Http404 for an anonymous check, which nobody reviews."""
    if not isinstance(workspace.self_check, Assessment) or workspace.by is None:
        raise Http404
    return workspace.self_check, workspace.by


def _attempt(request: HttpRequest, act: Callable[[], object]) -> HttpResponse | None:
    """Run `act` and return None. If the draft is deleted or its term has ended, return a page with what was typed."""
    try:
        act()
    except services.DraftGone:
        return keep_typed(request, "not_yours", status=404)
    except services.NotSaved as error:
        return keep_typed(request, error.why)
    return None


def _thread_moved(thread: Thread) -> str:
    if thread.resolved_at is None:
        return "Someone else reopened these comments after you opened this page. Nothing was changed."
    when = moment_in_words(thread.resolved_at)
    return f"{thread.resolved_by} resolved these comments on {when}, after you opened this page. Nothing was changed."


@require_POST
@with_workspace
def note_look(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Record that the person has seen the self-check as it was when the page was made."""
    assessment, by = _assessment_and_person(workspace)
    shown_at = None
    with suppress(ValueError):
        shown_at = parse_datetime(request.POST.get("made", "")[:40])
    services.look(
        assessment=assessment, by=by, at=shown_at if shown_at and timezone.is_aware(shown_at) else None
    )
    messages.success(
        request, "Everything is marked as seen. Later answers and comments will be marked as new."
    )
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
    """Start a thread. A GET leads back to the review: a browser sends one to reload the page of a refused comment."""
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
    """Add a comment to a thread that is still as the person saw it."""
    existing, (_, by) = _visible_thread(workspace, thread), _assessment_and_person(workspace)
    if request.method != "POST":
        return _back(request, workspace, f"t-{existing.pk}", existing.pk)
    form = ReplyForm(request.POST)
    if not form.is_valid():
        return _page(request, workspace, thread=existing.pk, **_refused_text(request, form))
    text, seen = form.cleaned_data["text"], _version_seen(request)
    try:
        response = _attempt(request, lambda: services.reply(thread=existing, text=text, by=by, seen=seen))
    except services.ThreadMoved as moved:
        who = moved.thread.resolved_by
        reason = f"{who} resolved these comments after you opened this page. Send the reply to reopen them."
        return _page(request, workspace, thread=existing.pk, text=text, error=reason)
    return response or _back(request, workspace, f"t-{existing.pk}", existing.pk)


@require_POST
@with_workspace
def resolve_or_reopen(request: HttpRequest, workspace: Workspace, thread: int) -> HttpResponse:
    """Resolve or reopen a thread that is still as the person saw it."""
    existing, (_, by) = _visible_thread(workspace, thread), _assessment_and_person(workspace)
    act, seen = services.reopen if "reopen" in request.POST else services.resolve, _version_seen(request)
    place = f"{THREAD_TAG}{existing.pk}"
    try:
        response = _attempt(request, lambda: act(thread=existing, seen=seen, by=by))
    except services.ThreadMoved as moved:
        response = None
        messages.warning(request, _thread_moved(moved.thread), extra_tags=place)
    return response or _back(request, workspace, place, existing.pk)
