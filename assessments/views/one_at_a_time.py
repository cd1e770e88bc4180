"""A self-check one screen at a time, and the page shown once no answer can change the contacts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from assessments.forms.confirming import CONFIRM, ToConfirm, offered_together
from assessments.forms.section import CHOOSE, UNCHANGED, SectionForm, element_id
from assessments.models import AnonymousCheck
from assessments.records.state import AssessmentState
from assessments.reports.screens import (
    Screen,
    checks_for_contacts,
    filing_is_open,
    guarded_questions,
    is_between,
    is_guarded,
    name_before,
    newly_clear,
    next_name,
    screen_name,
    screen_named,
    until_settled,
)
from assessments.services.answering import AnswerVersion, Change, NotSaved, save_answers
from assessments.services.drafts import describe_check
from assessments.views.confirming import not_confirmed, say_what_is_confirmed
from assessments.views.not_saved import keep_typed
from assessments.views.questionnaire import (
    CONFIRM_EACH,
    add_what_is_beside,
    closed,
    office_source_of,
    save_name,
)
from assessments.views.workspace import DRAFT, READY, Workspace, with_workspace
from bulletin.encoding.filling import sentences_of
from bulletin.shelf import calendar

GO, REST = "go", "rest"
"""The names of two buttons. They continue with the answers as they are, and answer "no" to the rest of a group."""
LATER, STOP = "later", "stop"
"""Marks in addresses and forms: this person leaves the guarded questions for later; the page on settled contacts
comes after this screen."""
NOTED = "noted"
"""Marks an address after a save of notes alone, which makes nothing clear."""
UNSETTLED = "unsettled"
"""Marks a form whose page came before the contacts were settled."""
REST_ANSWER = "no"


@dataclass(frozen=True)
class Marks:
    """What the address of a page keeps about one person's order of questions. No session or record has it.

    So two people who work on the same self-check, or one person on two devices, do not affect each other.
    """

    later: bool = False
    stop: bool = False
    noted: bool = False

    @classmethod
    def of(cls, request: HttpRequest) -> Self:
        given = request.GET | request.POST if request.method == "POST" else request.GET
        return cls(LATER in given, STOP in given, NOTED in given)

    def url(self, address: str, *, ready: bool = False, stop: bool | None = None, anchor: str = "") -> str:
        wanted = {
            READY: ready,
            LATER: self.later,
            STOP: self.stop if stop is None else stop,
            NOTED: self.noted,
        }
        query = "&".join(name for name, is_wanted in wanted.items() if is_wanted)
        return address + (f"?{query}" if query else "") + (f"#{anchor}" if anchor else "")


@require_safe
@with_workspace
def next_screen(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Redirect to the next question. If it is not clear which election is meant, ask that first."""
    if not workspace.is_open:
        return closed(request, workspace)
    state = workspace.state
    # An office chooses the election where it starts a self-check.
    if workspace.is_anonymous and not state.rows and is_between(state.election, state.as_of):
        return redirect(workspace.url("election"))
    return redirect(_next(workspace, Marks.of(request)))


@require_http_methods(["GET", "HEAD", "POST"])
@with_workspace
def which_election(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Ask which election an anonymous check is about."""
    check, today = workspace.self_check, workspace.state.as_of
    if not isinstance(check, AnonymousCheck):
        raise Http404
    elections = [election for election in calendar().elections if not election.is_over(today)]
    chosen = request.POST.get("election")
    if chosen not in {election.id for election in elections}:
        context = workspace.context(
            elections=[(e, e.voting_day and e.voting_day < today) for e in elections],
            nothing_chosen=request.method == "POST",
        )
        return render(request, "assessments/which_election.html", context)
    if why := workspace.why_stale(request.POST.get(DRAFT, workspace.mark)):
        return keep_typed(request, why)
    try:
        # The same choice again, such as a second press, keeps the days that were given for that election.
        if chosen != check.election:
            describe_check(check=check, election=chosen)
    except NotSaved as error:
        return keep_typed(request, error.why)
    return redirect(_next(workspace.refreshed(), Marks.of(request)))


def _next(workspace: Workspace, marks: Marks) -> str:
    name = next_name(workspace.state, leave_guarded=marks.later)
    if name is None:
        return workspace.url("advisory")
    return marks.url(workspace.url("ask", screen=name), stop=False)


@require_http_methods(["GET", "HEAD", "POST"])
@with_workspace
def ask(request: HttpRequest, workspace: Workspace, screen: str) -> HttpResponse:
    """One screen. Each answer is a button that saves it, with the other inputs on the page, and continues."""
    here = screen_named(workspace.state, screen)
    if here is None:
        raise Http404
    marks = Marks.of(request)
    if request.method != "POST":
        return _opened(request, workspace, here, marks)
    if why := workspace.why_stale(request.POST.get(DRAFT, workspace.mark)):
        return keep_typed(request, why)
    form = SectionForm(workspace.state, here.questions, request.POST, keep_amounts=GO in request.POST)
    form.is_valid()
    rest = rest_of(form)
    in_rest = {change.question for change in rest}
    confirmed = _confirmed(workspace.state, form, here)
    try:
        save_name(workspace, form)
        saved = save_answers(
            draft=workspace.self_check,
            changes=[change for change in form.changes if change.question not in in_rest],
            by=workspace.by,
            confirmed=confirmed,
            unless_answered=rest,
        )
    except NotSaved as error:
        return keep_typed(request, error.why)
    after = workspace.refreshed()
    # The form says what its page was shown with, so that a second press of the same button leads to the same page.
    if UNSETTLED in request.POST and after.state.progress.contact_settled:
        marks = replace(marks, stop=True)
    same = workspace.state.answers == after.state.answers
    marks = replace(marks, noted=same and workspace.state.notes != after.state.notes)
    remaining = form.after(after.state, saved)
    if remaining.problems or remaining.conflicts:
        now = screen_named(after.state, screen) or here
        return screen_page(request, after, now, remaining, marks)
    was_offered = [question for question in confirmed if CONFIRM + question in request.POST]
    refused = not_confirmed(after.state, was_offered, saved)
    if UNCHANGED in request.POST or refused:
        say_what_is_confirmed(request, after.state, was_offered, saved)
    if refused:
        return redirect(marks.url(after.url("ask", screen=screen_name(after.state, refused[0])), ready=True))
    _say_what_stays(request, after.state, form, not_saved=in_rest - saved.versions.keys())
    return redirect(_onwards(request, workspace, after, form, screen=here, marks=marks))


def _confirmed(state: AssessmentState, form: SectionForm, screen: Screen) -> dict[str, AnswerVersion]:
    """The earlier answers that the pressed button confirms, each with the version that the page showed."""
    posted = form.posted or QueryDict()
    confirmed = {q: seen for q, seen in form.seen.items() if q in form.pressed} | form.still_right
    if UNCHANGED in posted:
        confirmed |= form.versions_of(offered_together(state, posted, section=screen.section))
    return confirmed


def _say_what_stays(
    request: HttpRequest, after: AssessmentState, form: SectionForm, *, not_saved: set[str]
) -> None:
    """Say which answers "No to the rest" did not replace, and that Continue confirms nothing."""
    # Another "no", such as that of the same press sent twice, is what the person wanted.
    if kept := [q for q in not_saved if after.answers.get(q) != REST_ANSWER]:
        messages.info(
            request,
            "1 of these questions already had an answer. That answer is kept."
            if len(kept) == 1
            else f"{len(kept)} of these questions already had answers. Those answers are kept.",
        )
    if GO in request.POST and form.on_page & after.carried:
        messages.info(request, CONFIRM_EACH)


def rest_of(form: SectionForm) -> list[Change]:
    """The changes that answer "no" to the unanswered questions on the page, if "No to the rest" was pressed.

    Their notes are saved too.
    """
    if form.posted is None or REST not in form.posted:
        return []
    typed = {change.question: change for change in form.changes}
    return [
        # A page whose own draft no longer exists has seen none of the answers that are stored now.
        Change(q, REST_ANSWER, slot.note, AnswerVersion() if form.all_changed else slot.seen)
        for q, slot in form.slots.items()
        if q in form.on_page and slot.question.rest_is_no and not slot.is_answered and not slot.has_problem
        if q not in typed or typed[q].value is None
    ]


def _onwards(
    request: HttpRequest,
    before: Workspace,
    after: Workspace,
    form: SectionForm,
    *,
    screen: Screen,
    marks: Marks,
) -> str:
    """The address to go to after a save.

    A person stays on the screen if a question on it was just added or has no answer, if a new answer on it does not
    fit another fact, such as a filing date outside the nomination days, or if they came back to a group to change an
    answer. The page on settled contacts comes after the screen that settles them.
    """
    state, here = after.state, after.url("ask", screen=screen.name)
    asked = [question.id for question in screen.questions if question.id in state.advisory.asked]
    # An optional question is never next, so it comes now, even after a second press.
    came_up = [
        q
        for q in asked
        if q not in form.on_page
        and (q not in before.state.advisory.asked or (state.question(q).optional and q not in state.answers))
    ]
    # Someone who continues without an answer may get this screen again, if it is next.
    left = [
        q
        for q in asked
        if q in form.on_page & set(state.advisory.unanswered) and not {GO, UNCHANGED} & request.POST.keys()
    ]
    doubtful = [q for q in asked if q in form.on_page and _doubts(after, q) - _doubts(before, q)]
    to_confirm = [q for q in asked if q in state.carried]
    # A press that confirms the last answer leads on, as one that answers the last question does.
    confirms = (form.pressed | form.still_right.keys()) & before.state.carried
    was_complete = not any(question in before.state.advisory.unanswered for question in form.on_page)
    changed_in_a_group = (
        was_complete
        and len(form.on_page) > 1
        and not {GO, REST, UNCHANGED} & request.POST.keys()
        and (to_confirm or not confirms)
    )
    if CHOOSE in request.POST or changed_in_a_group or came_up or left or doubtful:
        stay_at = (
            came_up
            or left
            or doubtful
            or (to_confirm if confirms else [q for q in asked if q in form.pressed])
        )
        return marks.url(here, anchor=element_id(stay_at[0]) if stay_at else "")
    if form.pressed and not form.pressed & set(state.advisory.asked):
        messages.info(
            request, "Your answer is kept but not counted, because this question is no longer asked."
        )
    if marks.stop:
        return Marks(marks.later).url(after.url("settled"))
    return _next(after, marks)


def _doubts(workspace: Workspace, question: str) -> set[str]:
    """What the page says beside a question about answers that do not fit together."""
    return {contradiction.text for contradiction in workspace.contradictions_beside(question)}


def _opened(request: HttpRequest, workspace: Workspace, screen: Screen, marks: Marks) -> HttpResponse:
    if not workspace.is_open:
        return closed(request, workspace)
    if not screen.asked:
        if any(question.id in workspace.state.advisory.pending for question in screen.questions):
            messages.info(request, "That question isn't asked yet. It depends on another answer.")
        else:
            messages.info(request, "Another answer makes that question unnecessary.")
        return redirect(_next(workspace, marks))
    if READY not in request.GET and is_guarded(workspace.state, screen.section):
        return _guard(request, workspace, screen, marks)
    return screen_page(request, workspace, screen, SectionForm(workspace.state, screen.questions), marks)


def _guard(request: HttpRequest, workspace: Workspace, screen: Screen, marks: Marks) -> HttpResponse:
    """The warning before guarded questions, each time until one of them is answered."""
    here = workspace.url("ask", screen=screen.name)
    context = workspace.context(
        onwards=marks.url(here, ready=True),
        # Someone who left them for later is here because no other question is left.
        leave="" if marks.later else Marks(later=True).url(workspace.url("next")),
        only_these_left=set(workspace.state.advisory.unanswered) <= set(guarded_questions(workspace.state)),
        one_at_a_time=True,
    )
    return render(request, "assessments/guard.html", context)


def screen_page(
    request: HttpRequest, workspace: Workspace, screen: Screen, form: SectionForm, marks: Marks
) -> HttpResponse:
    """The page of a screen with its form. `restart` also shows it, under its own address."""
    state = workspace.state
    add_what_is_beside(workspace, form)
    asked = {question.id for question in screen.asked}
    shown = [slot for q, slot in form.slots.items() if slot.shown and (q in asked or slot.has_problem)]
    section = next(s for s in state.edition.sheet.sections if s.id == screen.section)
    before = name_before(state, screen, by=workspace.by)
    blank = [slot for slot in shown if not slot.is_answered]
    to_confirm = ToConfirm.of(state, screen.section)
    context = workspace.context(
        screen=screen,
        form=form,
        shown=shown,
        section=section,
        intro=sentences_of(section.intro)[0],
        here_address=workspace.url("ask", screen=screen.name),
        marks=marks,
        to_confirm=to_confirm,
        beside=to_confirm.beside(slot.question.id for slot in shown),
        back=marks.url(workspace.url("ask", screen=before), ready=True) if before else workspace.url("tasks"),
        by_section=workspace.question_url(shown[0].question.id if shown else screen.questions[0].id),
        rest=[slot for slot in blank if slot.question.rest_is_no],
        # An answer to confirm that has buttons is confirmed by its own.
        can_continue=not any(slot.question.id in state.carried and slot.has_buttons for slot in shown)
        and (
            not blank
            or not all(slot.has_buttons for slot in shown)
            or (screen.is_group and not screen.needed)
        ),
        clear=() if marks.noted else newly_clear(state),
        # In a group, the browser scrolls to the first question without an answer.
        clear_at=blank[0].id if screen.is_group and blank else "",
        is_first=section == state.edition.sheet.sections[0],
        # Said once, where a self-check begins.
        office=None if state.answers else office_source_of(workspace),
        is_settled=state.progress.contact_settled,
        # Whoever leaves questions for later first answers some that the contacts do not turn on.
        until_settled=0 if state.progress.contact_settled or marks.later else until_settled(state, screen),
    )
    return render(request, "assessments/ask.html", context)


@require_safe
@with_workspace
def settled(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """What to contact the Commissioner about, and when, once no unanswered question can change that."""
    if not workspace.is_open:
        return redirect(workspace.url("advisory"))
    state, marks = workspace.state, Marks.of(request)
    if not state.progress.contact_settled:
        return redirect(_next(workspace, marks))
    context = workspace.context(
        a=state.projection,
        # What is left cannot change this, so it is said as when nothing is left.
        no_contacts=state.edition.sheet.words.nothing.contact,
        contact_block=state.edition.sheet.contact,
        to_check=checks_for_contacts(state),
        filing_is_open=filing_is_open(state),
        onwards=_next(workspace, marks),
    )
    return render(request, "assessments/settled.html", context)
