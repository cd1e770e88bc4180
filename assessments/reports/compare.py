"""What changed between two assessments of an account, in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.timezone import localdate, localtime

from assessments.models import Assessment
from assessments.records.state import AssessmentState
from assessments.rendering.projection import Item, cite
from assessments.scoring.wording import answer_in_words, long_date


@dataclass(frozen=True)
class Change:
    """Something that is not the same in both: an answer with its note, or a finding's outcome."""

    citation: str
    what: str
    before: str
    after: str
    note: bool = False


@dataclass(frozen=True)
class Comparison:
    """Two assessments side by side, the earlier first."""

    earlier: AssessmentState
    later: AssessmentState
    answers: tuple[Change, ...]
    outcomes: tuple[Change, ...]

    @property
    def earlier_is(self) -> str:
        return _which(self.earlier)

    @property
    def later_is(self) -> str:
        return _which(self.later)

    @property
    def is_same(self) -> bool:
        return not self.answers and not self.outcomes


NOT_THERE = "Not in this edition"
NOT_ASKED = "Not asked"


def compare(earlier: AssessmentState, later: AssessmentState) -> Comparison:
    """The changes from one to the other; questions and rules are matched by their ids, whatever the editions."""
    return Comparison(earlier, later, tuple(_answers(earlier, later)), tuple(_outcomes(earlier, later)))


def _which(state: AssessmentState) -> str:
    attestation = state.self_check.attestation_or_none if isinstance(state.self_check, Assessment) else None
    if attestation is not None:
        return f"attested on {_moment(attestation.attested_at)}"
    return f"the draft of {_moment(state.self_check.started_at)}, as of today"


def _moment(at: datetime) -> str:
    return f"{long_date(localdate(at))}, {localtime(at):%H:%M}"


def _answers(earlier: AssessmentState, later: AssessmentState) -> list[Change]:
    changes = []
    for question in dict.fromkeys([*later.edition.question, *earlier.edition.question]):
        before, after = _answer(earlier, question), _answer(later, question)
        of = later.edition.question.get(question) or earlier.edition.question[question]
        if before != after:
            changes.append(Change(cite(of.paragraphs), of.short, before, after))
        was, now = _note(earlier, question), _note(later, question)
        if was != now:
            changes.append(Change(cite(of.paragraphs), of.short, was or "None", now or "None", note=True))
    return changes


def _answer(state: AssessmentState, question: str) -> str:
    if question not in state.edition.question:
        return NOT_THERE
    if question not in state.advisory.asked:
        return NOT_ASKED
    told = answer_in_words(state.edition, question, state.advisory.answers.get(question))
    return told[:1].upper() + told[1:]


def _note(state: AssessmentState, question: str) -> str:
    row = state.rows.get(question)
    return row.note if row else ""


def _outcomes(earlier: AssessmentState, later: AssessmentState) -> list[Change]:
    was, now = _items(earlier), _items(later)
    changes = []
    for rule in dict.fromkeys([*now, *was]):
        before, after = was.get(rule), now.get(rule)
        of = after or before
        if of and _said(before) != _said(after):
            changes.append(Change(of.citation, of.title, _said(before), _said(after)))
    return changes


def _items(state: AssessmentState) -> dict[str, Item]:
    return {item.rule: item for section in state.projection.sections for item in section.items}


def _said(item: Item | None) -> str:
    if item is None:
        return NOT_THERE
    return f"{item.status}. {item.contact}." if item.contact else f"{item.status}."
