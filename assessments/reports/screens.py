"""The way through a self-check one screen at a time: what each screen asks, and which comes next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from assessments.models import AnswerRow, User
from assessments.records.state import AssessmentState
from assessments.scoring.settled import progress
from bulletin.encoding.schema import Question


@dataclass(frozen=True)
class Screen:
    """One question, or the questions that belong together.

    `name` is the question's id or the group's name. `questions` has all of them, `asked` those that the screen asks
    now, and `later` those that it asks once the contacts are settled, because they have no part in that.
    """

    name: str
    questions: tuple[Question, ...]
    asked: tuple[Question, ...]
    later: tuple[Question, ...] = ()

    @property
    def section(self) -> str:
        return self.questions[0].section

    @property
    def is_group(self) -> bool:
        return len(self.asked) > 1

    @property
    def in_short(self) -> bool:
        """Whether each row has the question's short name: for facts that one sees at a glance."""
        return all(question.rest_is_no for question in self.asked)


def screen_named(state: AssessmentState, name: str) -> Screen | None:
    """The screen of a group, or of a question; None if the edition has neither."""
    question = state.edition.question.get(name)
    group = question.together if question else name
    ids = [q.id for q in state.edition.questions if q.together == group] if group else [name]
    if not ids:
        return None
    questions = tuple(state.question(q) for q in ids)
    asked = tuple(q for q in questions if q.id in state.advisory.asked)
    first = tuple(q for q in asked if _comes_first(state, q)) or asked
    return Screen(group or name, questions, first, tuple(q for q in asked if q not in first))


def _comes_first(state: AssessmentState, question: Question) -> bool:
    """Whether a question is not left until the contacts are settled.

    What one press can answer stays together, and so does what has an answer.
    """
    if question.rest_is_no or question.optional or question.id not in state.advisory.unanswered:
        return True
    now = state.progress
    return now.contact_settled or question.id in state.advisory.traced(now.in_the_way)


def guarded_questions(state: AssessmentState) -> frozenset[str]:
    """The questions before which a warning comes."""
    guarded = state.edition.guarded_sections
    return frozenset(question.id for question in state.edition.questions if question.section in guarded)


def is_guarded(state: AssessmentState, section: str) -> bool:
    """Whether a warning comes before a section: until someone has answered anything in it."""
    if section not in state.edition.guarded_sections:
        return False
    return not any(question.id in state.rows for question in state.questions_of(section))


def next_name(state: AssessmentState, *, leave_guarded: bool = False) -> str | None:
    """The name of the next screen: what is unanswered, then what is to be confirmed; None if all is done.

    With `leave_guarded`, guarded questions come only when no other is left.
    """
    later = guarded_questions(state) if leave_guarded else ()
    question = progress(state.advisory, later=later).next
    if question is None:
        question = next((q for q in state.advisory.asked if q in state.carried), None)
    return screen_name(state, question) if question else None


def screen_name(state: AssessmentState, question: str) -> str:
    """The name of the screen that a question is on."""
    return state.edition.question[question].together or question


def name_before(state: AssessmentState, screen: Screen, *, by: User | None) -> str | None:
    """The screen that a person saved last before this one; None if there is none."""
    own = {question.id for question in screen.questions}
    mine: dict[str, datetime] = {
        q: row.answered_at
        for q, row in state.rows.items()
        if q in state.advisory.asked and row.value is not None and _is_by(row, by)
    }
    since = min((at for q, at in mine.items() if q in own), default=None)
    earlier = [(at, q) for q, at in mine.items() if q not in own and (since is None or at < since)]
    return screen_name(state, max(earlier)[1]) if earlier else None


def _is_by(row: AnswerRow, by: User | None) -> bool:
    return by is None or (
        getattr(row, "answered_by_id", None) == by.pk and not getattr(row, "carried", False)
    )


def until_settled(state: AssessmentState) -> int:
    """About how many questions come before the contacts are settled.

    These are the open questions that can still bring or move a contact. One that may yet come to be asked counts
    half.
    """
    in_the_way = state.progress.in_the_way
    open_now = state.advisory.traced(in_the_way) & set(state.advisory.unanswered)
    pending = sum(question in state.advisory.pending for question in in_the_way)
    return len(open_now) + (pending + 1) // 2


def filing_is_open(state: AssessmentState) -> bool:
    """Whether a filing date, which nobody need give, could still change when a contact is due."""
    advisory, filing = state.advisory, state.edition.sheet.timing.filing
    may_come = filing in advisory.asked or filing in advisory.pending
    moving = any(finding.rule.contact == "before_filing" for finding in advisory.contacts)
    return moving and may_come and filing not in advisory.given
