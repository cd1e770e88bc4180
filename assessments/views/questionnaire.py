"""The pages of a self-check, anonymous or an office's: tasks, sections, answers, advisory."""

from __future__ import annotations

import json

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from assessments.forms.details import DetailsForm
from assessments.forms.section import CHOOSE, SEEN, SectionForm, element_id
from assessments.models import AnonymousCheck
from assessments.reports.data import advisory_json, answer_data
from assessments.reports.draft import DraftState
from assessments.reports.pdf import GUARDED, advisory_pdf
from assessments.reports.press import PressError
from assessments.scoring.wording import answer_in_words
from assessments.services.answering import Saved, save_answers
from assessments.services.drafts import delete_check, describe_check
from assessments.views.desk import COOKIE, Desk, with_draft


@require_GET
@with_draft
def tasks(request: HttpRequest, desk: Desk) -> HttpResponse:
    """The sections as a list of tasks, and how far each has come."""
    rows = [(p, desk.url("section", section=p.section.id)) for p in desk.state.sections]
    return render(request, "assessments/tasks.html", desk.context(rows=rows))


@require_http_methods(["GET", "HEAD", "POST"])
@with_draft
def section(request: HttpRequest, desk: Desk, section: str) -> HttpResponse:
    """One section's questions; a POST saves what was changed, whatever else is wrong."""
    if section not in {progress.section.id for progress in desk.state.sections}:
        raise Http404
    if request.method != "POST":
        if section == GUARDED and "ready" not in request.GET and _untouched(desk, section):
            return render(request, "assessments/guard.html", desk.context())
        return _section_page(request, desk, SectionForm(desk.state, section))
    form = SectionForm(desk.state, section, request.POST)
    form.is_valid()
    saved = save_answers(draft=desk.draft, changes=form.changes, by=desk.by)
    after = Desk(desk.draft, desk.by)
    if request.headers.get("HX-Request"):
        return _fragments(request, after, form, saved)
    if form.problems or saved.conflicts:
        form.tell(saved.conflicts)
        return _section_page(request, after, form)
    return redirect(_next(after, form, request.POST))


def _untouched(desk: Desk, section: str) -> bool:
    return not any(question.id in desk.state.rows for question in desk.state.questions_of(section))


def _section_page(request: HttpRequest, desk: Desk, form: SectionForm) -> HttpResponse:
    here = next(p for p in desk.state.sections if p.section.id == form.section)
    context = desk.context(
        here=here,
        here_address=desk.url("section", section=form.section),
        form=form,
        conflicts=[slot for slot in form.slots.values() if slot.conflict],
    )
    return render(request, "assessments/section.html", context)


def _next(desk: Desk, form: SectionForm, posted: QueryDict) -> str:
    """Where to go after a save: to questions that just came up here, else to the next section that needs answers."""
    shown = {name.removeprefix(SEEN) for name in posted}
    fresh = [q for q in desk.state.advisory.asked if q in form.slots and q not in shown]
    if fresh:
        return f"{desk.url('section', section=form.section)}?ready#{form.slots[fresh[0]].id}"
    if CHOOSE in posted:
        return f"{desk.url('section', section=form.section)}?ready"
    if "list" in posted:
        return desk.url("tasks")
    order = [progress.section.id for progress in desk.state.sections]
    later = [
        p for p in desk.state.sections if order.index(p.section.id) > order.index(form.section) and p.asked
    ]
    return desk.url("section", section=later[0].section.id) if later else desk.url("answers")


def _fragments(request: HttpRequest, desk: Desk, form: SectionForm, saved: Saved) -> HttpResponse:
    """What changes on an open page after an autosave, and nothing else: what someone is typing stays untouched."""
    fresh = SectionForm(desk.state, form.section)
    shown = {name.removeprefix(SEEN) for name in request.POST if name.startswith(SEEN)}
    form.tell(saved.conflicts)
    appeared = [fresh.slots[q] for q in fresh.slots if fresh.slots[q].shown and q not in shown]
    trouble = len(form.problems) + len(saved.conflicts)
    context = desk.context(
        form=form,
        conflicts=saved.conflicts,
        trouble=trouble,
        appeared=appeared,
        gone=[slot for q, slot in fresh.slots.items() if not slot.shown and q in shown],
        stamped=[fresh.slots[q] for q in saved.versions if q in fresh.slots],
        told=[form.slots[q] for q in form.slots if q in shown and fresh.slots[q].shown],
    )
    return render(request, "assessments/_saved.html", context)


@require_GET
@with_draft
def answers(request: HttpRequest, desk: Desk) -> HttpResponse:
    """All answers by section, each with a link to change it."""
    state = desk.state
    rows = []
    for progress in state.sections:
        address = desk.url("section", section=progress.section.id)
        questions = [q for q in state.questions_of(progress.section.id) if q.id in state.advisory.asked]
        told = [
            (q, _in_words(state, q.id), state.rows.get(q.id), f"{address}?ready#{element_id(q.id)}")
            for q in questions
        ]
        rows.append((progress, told))
    return render(request, "assessments/answers.html", desk.context(rows=rows))


def _in_words(state: DraftState, question: str) -> str:
    return answer_in_words(state.edition, question, state.advisory.answers.get(question))


@require_GET
@with_draft
def advisory(request: HttpRequest, desk: Desk) -> HttpResponse:
    """The advisory on the answers so far."""
    return render(request, "assessments/advisory.html", desk.context(a=desk.state.projection))


@require_GET
@with_draft
def advisory_file(request: HttpRequest, desk: Desk, form: str) -> HttpResponse:
    """The advisory to keep: as a PDF or as JSON, or the answers to go on with later."""
    if form == "json":
        return _file(advisory_json(desk.state.advisory, indent=2), "application/json", "advisory.json")
    if form == "answers":
        return _file(_answers_document(desk), "application/json", "answers.json")
    try:
        return _file(advisory_pdf(desk.state.projection), "application/pdf", "advisory.pdf")
    except PressError as error:
        context = desk.context(a=desk.state.projection, problem=str(error))
        return render(request, "assessments/advisory.html", context, status=503)


def _answers_document(desk: Desk) -> bytes:
    state = desk.state
    document = {
        "edition": state.edition.id,
        "account": desk.draft.about,
        "election": state.election.id,
        "answers": {q: answer_data(answer) for q, answer in state.answers.items()},
        "notes": {q: row.note for q, row in state.rows.items() if row.note},
    }
    return json.dumps(document, ensure_ascii=False, indent=2).encode() + b"\n"


def _file(content: bytes, content_type: str, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@with_draft
def details(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Which account the check is about, and the election that it reckons with."""
    if not isinstance(desk.draft, AnonymousCheck):
        raise Http404
    form = DetailsForm(request.POST or None, check=desk.draft)
    if request.method == "POST" and form.is_valid():
        describe_check(check=desk.draft, **form.cleaned_data)
        return redirect(desk.url("tasks"))
    return render(request, "assessments/details.html", desk.context(form=form))


@require_POST
@with_draft
def delete(request: HttpRequest, desk: Desk) -> HttpResponse:  # noqa: ARG001  # as every view
    """Delete the browser's own check, now."""
    if not isinstance(desk.draft, AnonymousCheck):
        raise Http404
    delete_check(check=desk.draft)
    response = redirect("deleted")
    response.delete_cookie(COOKIE, samesite="Lax")
    return response
