"""The list of a self-check's answers, to check them before the advisory."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from assessments.models import AnswerRow
from assessments.records.state import Progress
from assessments.reports.screens import is_guarded
from assessments.scoring.wording import answer_in_words
from assessments.views.questionnaire import BACK
from assessments.views.workspace import Workspace, with_workspace
from bulletin.encoding.conditions import UNSURE
from bulletin.encoding.schema import Question


@dataclass(frozen=True)
class Line:
    """One question in the list of answers. `address` is where its answer can be given, changed and confirmed."""

    question: Question
    answer: str
    row: AnswerRow | None
    address: str
    is_to_confirm: bool

    @property
    def has_answer(self) -> bool:
        return self.row is not None and self.row.value is not None


@dataclass(frozen=True)
class SectionLines:
    """The answers of one section that are sure. `guarded` is the address of the warning before its questions."""

    progress: Progress
    lines: tuple[Line, ...]
    guarded: str


@require_safe
@with_workspace
def answers(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """All answers in short: unsure and missing ones and those to confirm come first, then the rest by section."""
    state = workspace.state
    unsure, missing, to_confirm, sections = list[Line](), list[Line](), list[Line](), list[SectionLines]()
    for progress in state.sections:
        section = progress.section.id
        if workspace.is_open and is_guarded(state, section):
            sections.append(SectionLines(progress, (), workspace.url("section", section=section)))
            continue
        sure = list[Line]()
        for line in _lines(workspace, section):
            if state.advisory.answers.get(line.question.id) == UNSURE:
                unsure.append(line)
            elif line.question.id in state.advisory.unanswered:
                missing.append(line)
            else:
                (to_confirm if line.is_to_confirm else sure).append(line)
        sections.append(SectionLines(progress, tuple(sure), ""))
    not_asked = [
        (question, answer_in_words(state.edition, question.id, answer), row)
        for question, answer, row in state.not_asked
    ]
    context = workspace.context(
        first=(
            ("Not sure", unsure),
            ("Not answered", missing),
            ("To confirm", to_confirm),
        ),
        sections=sections,
        not_asked=not_asked,
    )
    return render(request, "assessments/answers.html", context)


def _lines(workspace: Workspace, section: str) -> list[Line]:
    """The questions that a section asks now."""
    state = workspace.state
    return [
        Line(
            question,
            answer_in_words(state.edition, question.id, state.advisory.answers.get(question.id)),
            state.rows.get(question.id),
            workspace.question_url(question.id, back=BACK),
            workspace.is_open and question.id in state.carried,
        )
        for question in state.questions_of(section)
        if question.id in state.advisory.asked
    ]
