"""A self-check one screen at a time: what a screen asks, which comes next, and what the last answers made clear."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from assessments.models import AnswerRow, User
from assessments.records.state import AssessmentState
from assessments.scoring.advisory import Advisory, Finding
from assessments.scoring.assess import assess
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
    """Whether a warning precedes a section. It does until someone answers or confirms a question there."""
    if section not in state.edition.guarded_sections:
        return False
    rows = [state.rows[question.id] for question in state.questions_of(section) if question.id in state.rows]
    return all(getattr(row, "carried", False) for row in rows)


def next_name(state: AssessmentState, *, leave_guarded: bool = False) -> str | None:
    """The name of the next screen: unanswered questions first, then answers to confirm; None if all is done.

    With `leave_guarded`, guarded questions come only when no other is left to answer or confirm.
    """
    later = guarded_questions(state) if leave_guarded else ()
    unanswered = progress(state.advisory, later=later).next
    left = [unanswered] if unanswered else []
    left += [question for question in state.advisory.asked if question in state.carried]
    # The first that is not left for later; if all are, the first.
    return screen_name(state, min(left, key=lambda question: question in later)) if left else None


def screen_name(state: AssessmentState, question: str) -> str:
    """The name of the screen that a question is on."""
    return state.edition.question[question].together or question


def name_before(state: AssessmentState, screen: Screen, *, by: User | None) -> str | None:
    """The screen that a person saved last before this one, if any."""
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


def until_settled(state: AssessmentState, screen: Screen) -> int:
    """The most questions that can come before the contacts are settled, from this screen on.

    These are the unanswered questions that can still add or move a contact, and those that another answer may add.
    What one press answers together with any of them counts too.
    """
    advisory, in_the_way = state.advisory, state.progress.in_the_way
    coming = (in_the_way | advisory.traced(in_the_way)) & {*advisory.unanswered, *advisory.pending}
    groups = {state.edition.question[question].together for question in coming} - {None}
    beside = {
        question
        for question in advisory.unanswered
        if state.edition.question[question].rest_is_no and state.edition.question[question].together in groups
    }
    return len(coming | beside | {question.id for question in screen.needed})


def is_between(election: Election, day: date) -> bool:
    """Whether voting has ended but the campaign period has not: a person may mean this election or the next."""
    return election.voting_day is not None and election.voting_day < day and not election.is_over(day)


def filing_is_open(state: AssessmentState) -> bool:
    """Whether a filing date, which is optional, could still change when a contact is due."""
    advisory, filing = state.advisory, state.edition.sheet.timing.filing
    may_come = filing in advisory.asked or filing in advisory.pending
    if not may_come or filing in advisory.given:
        return False
    # All days ahead count alike.
    answers = {**advisory.given, filing: state.as_of + timedelta(days=1)}
    dated = assess(state.edition, answers, as_of=state.as_of, election=state.election)
    return _times(dated) != _times(advisory) or not progress(dated).contact_settled


def _times(advisory: Advisory) -> list[tuple[str, str | None]]:
    """For each point to raise, the rule and when the contact is due."""
    return [(finding.rule.id, finding.contact) for finding in advisory.contacts]


def checks_for_contacts(state: AssessmentState) -> tuple[Question, ...]:
    """The facts to check that can bring or move a contact: those that would do so if they had no answer yet."""
    advisory = state.advisory
    known = {q: answer for q, answer in advisory.given.items() if q not in advisory.check}
    unchecked = assess(state.edition, known, as_of=state.as_of, election=state.election)
    in_the_way = progress(unchecked).in_the_way
    return tuple(state.question(q) for q in advisory.check if q in in_the_way)


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
    """A point to raise with the Commissioner, or a thing to do: its title and deadline."""

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
