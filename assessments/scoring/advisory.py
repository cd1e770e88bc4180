"""The result of an assessment: its findings, deadlines and scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple

from bulletin.encoding.conditions import Answer, Verdict
from bulletin.encoding.schema import Contact, Edition, Election, Outcome, Overall, Rule

When = Contact | Literal["unstated"]
"""When to contact the Integrity Commissioner. `unstated` is for a share without the answers that decide the time."""


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


@dataclass(frozen=True, slots=True)
class Advisory:
    """The whole result for one account on one day. Questions are in the edition's order everywhere.

    `answers` has the answers that count, and `asked` the questions that are asked. `unanswered` has the asked
    questions that have no answer and are not optional, and `needed` those of them that keep a finding unanswered.
    `check` has the questions answered "unsure" that keep a finding at `check`. `ignored` has the questions that are
    answered but not asked.
    """

    edition: Edition
    election: Election
    as_of: date
    answers: Mapping[str, Answer]
    asked: tuple[str, ...]
    facts: Mapping[str, Verdict]
    findings: tuple[Finding, ...]
    deadlines: tuple[Deadline, ...]
    overall: Overall
    complete: bool
    score: Count
    sections: Mapping[str, Count]
    unanswered: tuple[str, ...]
    needed: tuple[str, ...]
    check: tuple[str, ...]
    ignored: tuple[str, ...]

    @property
    def contacts(self) -> tuple[Finding, ...]:
        """The findings to contact the Integrity Commissioner about, in the findings' order."""
        return tuple(finding for finding in self.findings if finding.contact)

    def because(self, finding: Finding) -> dict[str, Answer | None]:
        """The answers that a finding rests on, in the questions' order. A question without an answer has None."""
        if len(finding.rests_on) < 2:
            return {question: self.answers.get(question) for question in finding.rests_on}
        position = self.edition.position
        return {
            question: self.answers.get(question)
            for question in sorted(finding.rests_on, key=position.__getitem__)
        }
