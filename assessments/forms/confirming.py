"""Confirming answers from an earlier self-check: what a page offers, and what it sends back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from assessments.records.state import AssessmentState
from assessments.reports.carried import confirmed_alone, confirmed_together
from assessments.scoring.wording import answer_in_words
from assessments.services.answering import AnswerVersion
from bulletin.encoding.schema import Question

CONFIRM = "confirm."
"""Prefix of the names of hidden inputs: the version that the page shows of an answer to confirm."""


@dataclass(frozen=True)
class EarlierAnswer:
    """An answer to confirm: its words, the version that the page shows, and the account it is from."""

    question: Question
    answer: str
    version: AnswerVersion
    account: str


@dataclass(frozen=True)
class ToConfirm:
    """The answers to confirm in one section: those that one press confirms, and the number of others."""

    together: tuple[EarlierAnswer, ...]
    alone: int

    @classmethod
    def of(cls, state: AssessmentState, section: str) -> ToConfirm:
        """What there is to confirm in a section."""
        together = tuple(_earlier(state, question) for question in confirmed_together(state, section))
        left = sum(state.edition.question[question].section == section for question in state.carried)
        return cls(together, left - len(together))

    def __bool__(self) -> bool:
        return bool(self.together or self.alone)

    def beside(self, on_page: Iterable[str]) -> tuple[EarlierAnswer, ...]:
        """Those that one press confirms and that are not on the page."""
        shown = set(on_page)
        return tuple(answer for answer in self.together if answer.question.id not in shown)


def _earlier(state: AssessmentState, question: Question) -> EarlierAnswer:
    row = state.rows[question.id]
    words = answer_in_words(state.edition, question.id, state.advisory.answers.get(question.id))
    return EarlierAnswer(question, words, AnswerVersion.of_row(row), getattr(row, "carried_from", ""))


def offered_together(
    state: AssessmentState, posted: Mapping[str, str], *, section: str = ""
) -> dict[str, AnswerVersion]:
    """The answers that a page offered to confirm with one press, in a section or in all, each with its version.

    Others are left out, as are those whose questions are not asked now.
    """
    alone = confirmed_alone(state.edition)
    offered = {}
    for question in state.advisory.asked:
        version = AnswerVersion.read(posted.get(CONFIRM + question, ""))
        in_section = section in ("", state.edition.question[question].section)
        if version and in_section and question not in alone:
            offered[question] = version
    return offered
