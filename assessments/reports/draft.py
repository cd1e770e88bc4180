"""A draft as it stands today: its answers, its advisory so far, and how far it has come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from math import ceil

from assessments.models import AnonymousCheck, AnswerRow, Assessment
from assessments.reports.projection import Projection, project
from assessments.scoring.advisory import Advisory
from assessments.scoring.answers import AnswerError, read_answer
from assessments.scoring.assess import assess
from assessments.scoring.document import Document
from bulletin.encoding.conditions import UNSURE, Answer
from bulletin.encoding.schema import Edition, Election, Question, Section
from bulletin.publish import encoded
from bulletin.shelf import calendar

SECONDS_A_QUESTION = 12
"""A reader in a hurry takes about as long for a question and its hint; fifty of them make ten minutes."""


@dataclass(frozen=True)
class Progress:
    """How far one section has come: of the questions asked in it, how many are answered."""

    section: Section
    asked: tuple[str, ...]
    answered: int
    unsure: int

    @property
    def left(self) -> int:
        return len(self.asked) - self.answered

    @property
    def status(self) -> str:
        """In words: what is said in a list of tasks."""
        if not self.asked:
            return "Nothing to answer"
        if not self.answered:
            return "Not started"
        return "In progress" if self.left else "Done"

    @property
    def is_done(self) -> bool:
        return not self.left


@dataclass(frozen=True)
class DraftState:
    """All that a page needs to show of a draft, as of one day."""

    draft: AnonymousCheck | Assessment
    edition: Edition
    election: Election
    as_of: date
    rows: Mapping[str, AnswerRow]
    answers: Mapping[str, Answer]

    @cached_property
    def advisory(self) -> Advisory:
        return assess(self.edition, self.answers, as_of=self.as_of, election=self.election)

    @cached_property
    def document(self) -> Document:
        notes = {question: row.note for question, row in self.rows.items() if row.note}
        return Document(self.edition, self.answers, notes, self.draft.about, self.as_of, self.election)

    @cached_property
    def projection(self) -> Projection:
        return project(self.advisory, self.document)

    @cached_property
    def sections(self) -> tuple[Progress, ...]:
        asked, unanswered = self.advisory.asked, set(self.advisory.unanswered)
        progress = []
        for section in self.edition.sheet.sections:
            # An optional question is shown and never waited for.
            here = tuple(
                q
                for q in asked
                if self._section_of(q) == section.id and not self.edition.question[q].optional
            )
            answered = [q for q in here if q not in unanswered]
            unsure = sum(self.advisory.answers.get(q) == UNSURE for q in answered)
            progress.append(Progress(section, here, len(answered), unsure))
        return tuple(progress)

    def _section_of(self, question: str) -> str:
        return self.edition.question[question].section

    @property
    def sections_asked(self) -> int:
        """How many sections have anything to answer."""
        return sum(bool(progress.asked) for progress in self.sections)

    @property
    def sections_done(self) -> int:
        """How many of those are done."""
        return sum(bool(progress.asked) and progress.is_done for progress in self.sections)

    @property
    def minutes_left(self) -> int:
        """Minutes for what is still unanswered, rounded up; more questions may come up."""
        return ceil(len(self.advisory.unanswered) * SECONDS_A_QUESTION / 60)

    def questions_of(self, section: str) -> tuple[Question, ...]:
        return tuple(q for q in self.edition.questions if q.section == section)


def draft_state(draft: AnonymousCheck | Assessment, *, as_of: date) -> DraftState:
    """The draft as of a day. Its edition must be loaded with it; this asks the database for its answers alone."""
    edition = encoded(draft.edition)
    elections = calendar()
    rows = {row.question: row for row in draft.answers.all() if row.question in edition.question}
    return DraftState(
        draft=draft,
        edition=edition,
        election=elections.get(draft.election) or elections.default_for(as_of),
        as_of=as_of,
        rows=rows,
        answers={name: answer for name, row in rows.items() if (answer := _stored(edition, row)) is not None},
    )


def _stored(edition: Edition, row: AnswerRow) -> Answer | None:
    try:
        return read_answer(edition.question[row.question], row.value)
    except AnswerError:
        # Only what was read as an answer is ever stored. Should a row not be one, it must not pass for one.
        return None
