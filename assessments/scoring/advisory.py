"""The result of an assessment: its findings, deadlines and scores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple

from bulletin.encoding.conditions import Answer, Verdict
from bulletin.encoding.elections import Election
from bulletin.encoding.schema import Contact, Edition, Force, Outcome, Overall, Rule

from .contradictions import Contradiction

When = Contact | Literal["unstated"]
"""When to contact the Integrity Commissioner. `unstated` is for a share without the answers that decide the time."""


WHEN_ORDER: tuple[When, ...] = ("now", "before_acting", "before_filing", "before_launch", "unstated")
"""The times for contact, the most pressing first."""
FORCE_ORDER: tuple[Force, ...] = ("must", "consider", "should", "note")
"""The forces, the most pressing first."""


class Finding(NamedTuple):
    """One rule's outcome.

    `rests_on` names the questions that decide the outcome. `in_the_way` names those of them that keep the outcome
    open; it is empty once the outcome is settled. `decided_by` has the other rules whose findings decide the
    outcome; only the closing rule has any.
    """

    rule: Rule
    outcome: Outcome
    contact: When | None
    rests_on: frozenset[str]
    in_the_way: frozenset[str]
    decided_by: tuple[Rule, ...] = ()

    @property
    def is_look_up(self) -> bool:
        """Whether the Commissioner would be asked, if the member could not look up what is unsure."""
        return self.outcome == "check" and self.rule.unsure == "ask"


class Deadline(NamedTuple):
    """When to act on a finding.

    `due` is None if the deadline has words only, and no date. `is_now` means that the time is now or has passed.
    """

    rule: Rule
    due: date | None
    text: str
    is_now: bool


class Count(NamedTuple):
    """How many rules count as `applicable` (COUNTED in assess.py; never notes), and how many are `consistent`."""

    consistent: int
    applicable: int


def traced(questions: Iterable[str], pending: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """`questions` without the pending ones, which are traced back to those in the way of their being asked."""
    first, seen, waiting = set[str](), set[str](), list(questions)
    while waiting:
        question = waiting.pop()
        if question in pending and question not in seen:
            waiting += pending[question]
        elif question not in pending:
            first.add(question)
        seen.add(question)
    return frozenset(first)


@dataclass(frozen=True, slots=True)
class Advisory:
    """The whole result for one account on one day. Questions are in the edition's order everywhere.

    `given` has every answer given, `answers` those that count, and `asked` the questions that are asked.
    `unanswered` has the asked questions that have no answer and are not optional. `pending` has the unanswered
    questions that may still come to be asked, each with those in the way of that. `needed` has those of the
    unanswered that keep a finding unanswered. `check` has the questions answered "unsure" that keep a finding at
    `check`. `ignored` has the questions that are answered but not asked. `questioned` has dates that cannot be right
    for the election, each with the question and the reason. `contradictions` has whatever cannot be right, those
    dates included. `is_part` marks the part that a share has.
    """

    edition: Edition
    election: Election
    as_of: date
    answers: Mapping[str, Answer]
    given: Mapping[str, Answer]
    asked: tuple[str, ...]
    facts: Mapping[str, Verdict]
    findings: tuple[Finding, ...]
    deadlines: tuple[Deadline, ...]
    overall: Overall
    complete: bool
    score: Count
    sections: Mapping[str, Count]
    unanswered: tuple[str, ...]
    pending: Mapping[str, frozenset[str]]
    needed: tuple[str, ...]
    check: tuple[str, ...]
    ignored: tuple[str, ...]
    questioned: tuple[tuple[str, str], ...] = ()
    contradictions: tuple[Contradiction, ...] = ()
    is_part: bool = False

    @property
    def contacts(self) -> tuple[Finding, ...]:
        """The findings to contact the Commissioner about: by time, then by force, then in the edition's order.

        In an edition for the first engine only the last counts.
        """
        carrying = [finding for finding in self.findings if finding.contact]
        if self.edition.sheet.engine == 1:
            return tuple(carrying)
        return tuple(
            sorted(
                carrying,
                key=lambda f: (WHEN_ORDER.index(f.contact or "unstated"), FORCE_ORDER.index(f.rule.force)),
            )
        )

    @property
    def meanwhile(self) -> tuple[tuple[Rule, str], ...]:
        """What to stop or leave until there is an answer: for each `ask`, then for each `check` in place of one."""
        waiting = [
            *(finding for finding in self.contacts if finding.outcome == "ask"),
            *(finding for finding in self.findings if finding.is_look_up),
        ]
        texts = [(finding.rule, self.edition.advice[finding.rule.id].meanwhile) for finding in waiting]
        return tuple((rule, text) for rule, text in texts if text)

    def traced(self, questions: Iterable[str]) -> frozenset[str]:
        """The questions to answer first: each that is pending is replaced by those in the way of its being asked."""
        return traced(questions, self.pending)

    def because(self, finding: Finding) -> dict[str, Answer | None]:
        """The answers that a finding rests on, in the questions' order. A question without an answer has None."""
        if len(finding.rests_on) < 2:
            return {question: self.answers.get(question) for question in finding.rests_on}
        position = self.edition.position
        return {
            question: self.answers.get(question)
            for question in sorted(finding.rests_on, key=position.__getitem__)
        }
