"""The pages of a self-check, anonymous or an office's: tasks, sections, answers and advisory."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from assessments.forms.confirming import ToConfirm, offered_together
from assessments.forms.details import DetailsForm
from assessments.forms.elections import ElectionForm
from assessments.forms.naming import NameForm
from assessments.forms.section import CHOOSE, STILL, UNCHANGED, SectionForm, element_id
from assessments.models import AnonymousCheck, Assessment
from assessments.records.state import answers_document
from assessments.rendering.data import advisory_json
from assessments.rendering.documents import advisory_pdf
from assessments.reports.carried import CarriedReport, OfficeSource, carried_report, office_source
from assessments.reports.done import done_report
from assessments.reports.screens import is_guarded
from assessments.services.answering import NotSaved, Saved, save_answers
from assessments.services.carrying import carried_over, move_draft
from assessments.services.check_pdfs import pdf_of_check
from assessments.services.drafts import change_election, delete_check, describe_check, name_check
from assessments.services.printing import pdf_of
from assessments.views.confirming import not_confirmed, say_what_is_confirmed
from assessments.views.downloads import file_response, pdf_response
from assessments.views.not_saved import keep_typed
from assessments.views.workspace import COOKIE, DRAFT, READY, Workspace, own_check, with_workspace

LEAVING = {"go", "list", UNCHANGED}
"""The buttons that go to another page, once everything is saved."""
BACK = "back"
"""Marks an address or a form: the person came from the list of answers, and returns there."""
CONFIRM_EACH = "Confirm each answer from earlier before you continue. If an answer has changed, change it."
"""What a page says that is shown again because a save confirms only what somebody changed."""


@require_safe
@with_workspace
def tasks(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """The sections as a list of tasks with their progress; after attestation, the attested self-check."""
    rows = [
        (p, workspace.url("section", section=p.section.id), _offered(workspace, p.section.id))
        for p in workspace.state.sections
    ]
    threads = workspace.self_check.threads.all() if isinstance(workspace.self_check, Assessment) else None
    open_threads = threads.open().count() if threads is not None else 0
    if workspace.attestation is not None:
        shares = workspace.attestation.shares.select_related("withdrawal", "request").prefetch_related(
            "request__entries__author__former_names"
        )
        return render(
            request,
            "assessments/attested.html",
            workspace.context(open_threads=open_threads, threads=threads, shares=shares),
        )
    together = [
        (p.section.title, to_confirm) for p, _, to_confirm in rows if to_confirm and to_confirm.together
    ]
    context = workspace.context(
        rows=rows,
        sections_to_confirm=[title for title, _ in together],
        count_together=sum(len(to_confirm.together) for _, to_confirm in together),
        count_alone=sum(to_confirm.alone for _, _, to_confirm in rows if to_confirm),
        count_guarded=sum(p.carried for p, _, to_confirm in rows if to_confirm is None),
        office=office_source_of(workspace),
        open_threads=open_threads,
        report=_left_behind(workspace),
        contact_settled=workspace.state.progress.contact_settled,
    )
    return render(request, "assessments/tasks.html", context)


def _offered(workspace: Workspace, section: str) -> ToConfirm | None:
    """What the list of sections offers to confirm: nothing where a warning comes first or nothing can change."""
    if not workspace.is_open or is_guarded(workspace.state, section):
        return None
    return ToConfirm.of(workspace.state, section)


def office_source_of(workspace: Workspace) -> OfficeSource | None:
    """Why a new draft has no answers about the office, where the office has some elsewhere; else None."""
    draft, state = workspace.self_check, workspace.state
    if not isinstance(draft, Assessment) or draft.copied_from_id or not workspace.is_open:
        return None
    if any(state.edition.question[question].of_office for question in state.answers):
        return None
    source = office_source(draft)
    return source if source and source.why_not else None


def _left_behind(workspace: Workspace) -> CarriedReport | None:
    """What the next assessment did not take over from the last one, as far as it has no answer yet."""
    draft = workspace.self_check
    if not isinstance(draft, Assessment) or draft.copied_from is None:
        return None
    carried = carried_over(draft.copied_from, draft)
    missing = [
        left
        for left in carried.left_behind
        if carried.names.get(left.question) not in workspace.state.answers
    ]
    return carried_report(workspace.state, left_behind=missing, changed=(), count=0)


@require_http_methods(["GET", "HEAD", "POST"])
@with_workspace
def section(request: HttpRequest, workspace: Workspace, section: str) -> HttpResponse:
    """One section's questions. A POST saves every valid change, even if other inputs have errors."""
    if section not in {progress.section.id for progress in workspace.state.sections}:
        raise Http404
    if request.method != "POST":
        if not workspace.is_open:
            return closed(request, workspace)
        if READY not in request.GET and is_guarded(workspace.state, section):
            return render(request, "assessments/guard.html", workspace.context(onwards=f"?{READY}"))
        form = SectionForm(workspace.state, workspace.state.questions_of(section))
        return section_page(request, workspace, section, form)
    return _save(request, workspace, section)


def _save(request: HttpRequest, workspace: Workspace, section: str) -> HttpResponse:
    """Save a section's changes and confirm what the pressed button confirms. Continue, or show what is left."""
    if why := workspace.why_stale(request.POST.get(DRAFT, workspace.mark)):
        return keep_typed(request, why)
    form = SectionForm(workspace.state, workspace.state.questions_of(section), request.POST)
    form.is_valid()
    is_leaving = bool(LEAVING & request.POST.keys())
    offered = {}
    if UNCHANGED in request.POST:
        offered = offered_together(workspace.state, request.POST, section=section)
    confirmed = form.still_right | form.versions_of(offered)
    try:
        save_name(workspace, form)
        saved = save_answers(
            draft=workspace.self_check, changes=form.changes, by=workspace.by, confirmed=confirmed
        )
    except NotSaved as error:
        return keep_typed(request, error.why)
    after = workspace.refreshed()
    remaining = form.after(after.state, saved)
    refused = not_confirmed(after.state, confirmed, saved)
    in_trouble = bool(remaining.problems or remaining.conflicts)
    if request.headers.get("HX-Request"):
        appeared = any(slot.shown and q not in form.on_page for q, slot in remaining.slots.items())
        stays = appeared or not is_leaving or bool(_stays_to_confirm(after, section, request.POST))
        if in_trouble or (stays and not refused):
            return _fragments(request, after, form, section=section, remaining=remaining, saved=saved)
    elif in_trouble:
        return section_page(request, after, section, remaining)
    if confirmed:
        say_what_is_confirmed(request, after.state, confirmed, saved)
    onwards = after.question_url(refused[0]) if refused else _next(after, section, form, request.POST)
    if request.headers.get("HX-Request"):
        # Everything is saved, so htmx goes to the next page, or loads this one again as it is now.
        return HttpResponse(headers={"HX-Refresh": "true"} if refused else {"HX-Redirect": onwards})
    if not refused and _stays_to_confirm(after, section, request.POST):
        messages.info(request, CONFIRM_EACH)
    return redirect(onwards)


def _stays_to_confirm(workspace: Workspace, section: str, posted: QueryDict) -> str:
    """The first answer to confirm before a person continues past its section; empty if all are confirmed.

    A person who goes to the list, or came from the list of answers, sees there what is left.
    """
    if not {"go", UNCHANGED} & posted.keys() or BACK in posted:
        return ""
    here = workspace.state.questions_of(section)
    return next((question.id for question in here if question.id in workspace.state.carried), "")


def closed(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Show the answers instead of a page that would change them, and say why."""
    if workspace.in_term:
        messages.info(
            request, "This self-check is attested. You can read it, but its answers can no longer change."
        )
    else:
        messages.info(
            request, "This term has ended. You can read its self-checks, but no longer change them."
        )
    return redirect(workspace.url("answers"))


def section_page(request: HttpRequest, workspace: Workspace, section: str, form: SectionForm) -> HttpResponse:
    """A section's page with its form. `restart` also shows it, under its own address."""
    here = next(p for p in workspace.state.sections if p.section.id == section)
    add_what_is_beside(workspace, form)
    context = workspace.context(
        here=here,
        is_first=here == workspace.state.sections[0],
        here_address=workspace.url("section", section=section),
        to_confirm=ToConfirm.of(workspace.state, section),
        form=form,
        back=BACK in request.GET or BACK in request.POST,
    )
    return render(request, "assessments/section.html", context)


def save_name(workspace: Workspace, form: SectionForm) -> None:
    """Save the platform and name of an anonymous check's account, where a page sent them.

    Raises DraftGone, TooLarge, AddressFull and NoRoom.
    """
    check = workspace.self_check
    if isinstance(check, AnonymousCheck) and form.posted and {"platform", "handle"} <= form.posted.keys():
        form.names = NameForm(form.posted, check=check)
        if form.names.new_name:
            name_check(check=check, **form.names.new_name)


def add_what_is_beside(workspace: Workspace, form: SectionForm) -> None:
    """Add to a page the account's name, and to each question its contradictions and open comments.

    The page of the first section asks for the name if an anonymous check has none.
    """
    check, first = workspace.self_check, workspace.state.edition.sheet.sections[0].id
    has_first = any(slot.question.section == first for slot in form.slots.values())
    if isinstance(check, AnonymousCheck) and has_first and not (form.names or check.platform or check.handle):
        form.names = NameForm(check=check)
    for slot in form.slots.values():
        slot.contradictions = workspace.contradictions_beside(slot.question.id)
    if isinstance(workspace.self_check, Assessment):
        for question, count in workspace.self_check.threads.all().open_on_questions().items():
            if question in form.slots:
                slot = form.slots[question]
                slot.open_comments, slot.review = count, f"{workspace.url('review')}#{slot.id}"


def _next(workspace: Workspace, section: str, form: SectionForm, posted: QueryDict) -> str:
    """The address to go to after a save: questions that just appeared in this section, or else the next page.

    The next page is where the person came from or asked to go. Otherwise, it is this section again, as long as it has
    answers to confirm, or else the next section with something to answer or confirm.
    """
    here = workspace.url("section", section=section) + f"?{READY}" + (f"&{BACK}" if BACK in posted else "")
    new = [q for q in workspace.state.advisory.asked if q in form.slots and q not in form.on_page]
    if new:
        return f"{here}#{form.slots[new[0]].id}"
    if CHOOSE in posted:
        return here
    if STILL in posted:
        to_confirm = [q for q in form.slots if q in workspace.state.carried]
        return f"{here}#{element_id(to_confirm[0] if to_confirm else str(posted[STILL]))}"
    if BACK in posted:
        return workspace.url("answers")
    if "list" in posted:
        return workspace.url("tasks")
    if stays_at := _stays_to_confirm(workspace, section, posted):
        return f"{here}#{element_id(stays_at)}"
    order = [progress.section.id for progress in workspace.state.sections]
    at = order.index(section)
    earlier, later = workspace.state.sections[:at], workspace.state.sections[at + 1 :]
    left = [p for p in later if not p.is_done] + [p for p in earlier if p.carried]
    return workspace.url("section", section=left[0].section.id) if left else workspace.url("answers")


def _fragments(
    request: HttpRequest,
    workspace: Workspace,
    form: SectionForm,
    *,
    section: str,
    remaining: SectionForm,
    saved: Saved,
) -> HttpResponse:
    """The parts of an open page that change after an autosave, so that what someone is typing stays untouched.

    `form` is the form that was posted; `remaining` is the section after the save, with what could not be saved.
    """
    add_what_is_beside(workspace, remaining)
    on_page = [slot for q, slot in remaining.slots.items() if q in form.on_page]
    context = workspace.context(
        here=next(p for p in workspace.state.sections if p.section.id == section),
        form=remaining,
        stopped=bool(LEAVING & request.POST.keys()),
        trouble=len(remaining.problems) + len(remaining.conflicts),
        to_confirm=ToConfirm.of(workspace.state, section),
        left_to_confirm=[
            slot
            for q, slot in remaining.slots.items()
            if q in workspace.state.carried and {"go", UNCHANGED} & request.POST.keys()
        ],
        appeared=[slot for q, slot in remaining.slots.items() if slot.shown and q not in form.on_page],
        no_longer_asked=[slot for slot in on_page if not slot.shown],
        chosen=[slot for slot in on_page if slot.shown and slot.question.id in form.chosen],
        # The versions of the answers on this page, not of what a colleague may have saved since.
        saved_versions=[
            (remaining.slots[q], version)
            for q, version in saved.versions.items()
            if remaining.slots[q].shown and q not in form.chosen
        ],
        doubtful=[slot for slot in on_page if slot.contradictions and slot.question.id in saved.versions],
        with_problems=[slot for slot in on_page if slot.shown and slot.question.id not in form.chosen],
    )
    return render(request, "assessments/_saved.html", context)


@require_safe
@with_workspace
def advisory(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """The advisory on the answers so far."""
    kept, projection = workspace.self_check, workspace.state.projection
    if not isinstance(kept, Assessment):
        return render(request, "assessments/advisory.html", workspace.context(a=projection))
    again = workspace.question_url if workspace.is_open else None
    report = done_report(kept, workspace.state, again=again)
    return render(request, "assessments/advisory.html", workspace.context(a=projection, done=report))


@require_safe
@with_workspace
def advisory_file(request: HttpRequest, workspace: Workspace, form: str) -> HttpResponseBase:
    """Download the advisory as a PDF or as JSON, or the answers as a file to continue from later."""
    check, attestation = workspace.self_check, workspace.attestation
    if form == "pdf" and isinstance(check, AnonymousCheck):
        # Before `workspace.state`, which takes time: this check has to wait for its turn first.
        return _pdf_response(request, workspace, lambda: pdf_of_check(check), timezone.localdate())
    state = workspace.state
    if form == "pdf":
        make = partial(pdf_of, attestation) if attestation else lambda: advisory_pdf(state.projection)
        return _pdf_response(request, workspace, make, state.as_of)
    # The names of files are recorded in many places, so they do not name the account.
    day = state.as_of.isoformat()
    if form == "json" and attestation is not None:
        return file_response(attestation.record.encode(), "application/json", f"attested-{day}.json")
    if form == "json":
        return file_response(
            advisory_json(state.advisory, indent=2), "application/json", f"advisory-{day}.json"
        )
    return file_response(answers_document(state), "application/json", f"answers-{day}.json")


def _pdf_response(
    request: HttpRequest, workspace: Workspace, make: Callable[[], bytes], day: date
) -> HttpResponseBase:
    return pdf_response(
        request,
        make,
        f"advisory-{day.isoformat()}.pdf",
        back=workspace.url("advisory"),
        note="The advisory on the page is complete.",
    )


@require_http_methods(["GET", "HEAD", "POST"])
@with_workspace
def details(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """The election that a draft is about and, for an anonymous check, the name of its account."""
    draft, posted = workspace.self_check, request.POST if request.method == "POST" else None
    if posted is None and not workspace.is_open:
        return closed(request, workspace)
    form: DetailsForm | ElectionForm
    if isinstance(draft, AnonymousCheck):
        form = DetailsForm(posted, check=draft)
    else:
        form = ElectionForm(posted, draft=draft)
    if form.is_valid():
        try:
            if isinstance(draft, AnonymousCheck):
                describe_check(check=draft, **form.cleaned_data)
            elif workspace.by:
                change_election(assessment=draft, by=workspace.by, **form.cleaned_data)
        except NotSaved as error:
            return keep_typed(request, error.why)
        return redirect(workspace.url("tasks"))
    return render(request, "assessments/details.html", workspace.context(form=form))


@require_POST
@with_workspace
def move(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Move a draft to the newest revision of the questions, and say which answers did not come along."""
    if workspace.newer is None and workspace.is_open:
        # A second press of the button, or a colleague's.
        return redirect(workspace.url("tasks"))
    try:
        carried = move_draft(draft=workspace.self_check, by=workspace.by)
    except NotSaved as error:
        return keep_typed(request, error.why)
    moved = workspace.moved()
    report = carried_report(
        moved.state,
        left_behind=carried.left_behind,
        changed=carried.changed,
        count=len(carried.answers),
    )
    # Shown here, and not after a redirect: what is left behind is kept nowhere.
    heading = f"This self-check now uses revision {moved.state.edition.sheet.revision} of the questions"
    return render(request, "assessments/carried.html", moved.context(heading=heading, report=report))


@require_POST
def delete(request: HttpRequest) -> HttpResponse:
    """Delete the browser's own check now. Without a check, the page still says that it is deleted."""
    check = own_check(request)
    if check is not None:
        delete_check(check=check)
    response = redirect("deleted")
    response.delete_cookie(COOKIE, samesite="Lax")
    return response
