"""A self-check one screen at a time: what a screen asks, which comes next, and what the last answers made clear."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from assessments.models import AnswerRow, User
from assessments.records.state import AssessmentState
from assessments.scoring.advisory import Finding
from assessments.scoring.settled import progress
from assessments.scoring.wording import long_date
from bulletin.encoding.elections import Election
from bulletin.encoding.schema import Question


@dataclass(frozen=True)
class Screen:
    """One question, or the questions that belong together.

    `name` is the question's id or the group's name. `questions` are all its questions, and `asked` are those it asks
    now. `later` are those it asks once the contacts are settled, because they cannot change them. `needed` are the
    unanswered questions that do not wait.
    """

    name: str
    questions: tuple[Question, ...]
    asked: tuple[Question, ...]
    later: tuple[Question, ...]
    needed: tuple[Question, ...]

    @property
    def section(self) -> str:
        return self.questions[0].section

    @property
    def is_group(self) -> bool:
        return len(self.asked) > 1

    @property
    def in_short(self) -> bool:
        """Whether each row shows the question's short name, as for facts that a person sees at a glance."""
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
    needed = _needed(state, asked)
    open_now = set(state.advisory.unanswered)
    later = tuple(q for q in asked if q.id in open_now and q not in needed) if needed else ()
    return Screen(group or name, questions, tuple(q for q in asked if q not in later), later, needed)


def _needed(state: AssessmentState, asked: Iterable[Question]) -> tuple[Question, ...]:
    """The unanswered questions that can still change the contacts; once these are settled, all unanswered questions.

    Questions that "No to the rest" answers together are always among them.
    """
    now = state.progress
    in_the_way = state.advisory.traced(now.in_the_way)
    open_now = [question for question in asked if question.id in state.advisory.unanswered]
    return tuple(q for q in open_now if now.contact_settled or q.rest_is_no or q.id in in_the_way)


def guarded_questions(state: AssessmentState) -> frozenset[str]:
    """The questions that a warning precedes."""
    guarded = state.edition.guarded_sections
    return frozenset(question.id for question in state.edition.questions if question.section in guarded)


def is_guarded(state: AssessmentState, section: str) -> bool:
    """Whether a warning precedes a section. It does until someone answers a question there."""
    if section not in state.edition.guarded_sections:
        return False
    return not any(question.id in state.rows for question in state.questions_of(section))


def next_name(state: AssessmentState, *, leave_guarded: bool = False) -> str | None:
    """The name of the next screen: unanswered questions first, then answers to confirm; None if all is done.

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
    return min(len(open_now) + (pending + 1) // 2, len(state.advisory.unanswered))


def is_between(election: Election, day: date) -> bool:
    """Whether voting is over but the campaign period is not, so that a person may mean this election or the next."""
    return election.voting_day is not None and election.voting_day < day and not election.is_over(day)


def filing_is_open(state: AssessmentState) -> bool:
    """Whether a filing date, which is optional, could still change when a contact is due."""
    advisory, filing = state.advisory, state.edition.sheet.timing.filing
    may_come = filing in advisory.asked or filing in advisory.pending
    moving = any(finding.rule.contact == "before_filing" for finding in advisory.contacts)
    return moving and may_come and filing not in advisory.given


def newly_clear(state: AssessmentState) -> tuple[str, ...]:
    """What the last saved answers made clear, in the words of the edition's facts."""
    facts, before = state.advisory.facts, state.before_last_save.facts
    return tuple(
        fact.says
        for fact in state.edition.sheet.facts
        if fact.says and facts[fact.id].value is True and before[fact.id].value is not True
    )


@dataclass(frozen=True)
class Point:
    """A point to raise with the Commissioner, or a thing to do: its title, and by when."""

    title: str
    when: str
    is_new: bool


def newest_point(state: AssessmentState) -> Point | None:
    """The point that the last saved answers added, or else the most pressing one; None if there are no points."""
    before = state.before_last_save
    contacts, deadlines = state.advisory.contacts, state.advisory.deadlines
    known = {finding.rule.id for finding in before.contacts}
    known_to_do = {deadline.rule.id for deadline in before.deadlines}
    points = [
        Point(finding.rule.title, _contact_in_words(state, finding), finding.rule.id not in known)
        for finding in contacts
    ]
    points += [
        Point(deadline.rule.title, deadline.text, deadline.rule.id not in known_to_do)
        for deadline in deadlines
    ]
    return next((point for point in points if point.is_new), points[0] if points else None)


def _contact_in_words(state: AssessmentState, finding: Finding) -> str:
    when = finding.contact
    words = state.edition.sheet.words.contact[when].title if when and when != "unstated" else ""
    filing = state.advisory.answers.get(state.edition.sheet.timing.filing)
    return (
        f"{words}, on {long_date(filing)}" if when == "before_filing" and isinstance(filing, date) else words
    )
