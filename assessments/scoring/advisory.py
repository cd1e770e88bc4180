"""What an assessment comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple

from bulletin.encoding.conditions import Answer, Verdict
from bulletin.encoding.schema import Contact, Edition, Election, Outcome, Overall, Rule

When = Contact | Literal["unstated"]
"""When to contact the Integrity Commissioner; of what a member shared, the answers that tell may be left out."""


class Finding(NamedTuple):
    """One rule's outcome.

    `rests_on` names the questions that decide the outcome; `in_the_way` those of them that keep it open (none
    once it is settled). `decided_by` are the other rules whose findings decide it: the rule reckoned last has them.
    """

    rule: Rule
    outcome: Outcome
    contact: When | None
    rests_on: frozenset[str]
    in_the_way: frozenset[str]
    decided_by: tuple[Rule, ...] = ()


class Deadline(NamedTuple):
    """By when something is to be done.

    `due` is None where only words can tell; `at_once` says that the time is now or has passed.
    """

    rule: Rule
    due: date | None
    text: str
    at_once: bool


class Count(NamedTuple):
    """Of the `applicable` rules (notes aside, and only settled or looked-up ones), how many are `consistent`."""

    consistent: int
    applicable: int


@dataclass(frozen=True, slots=True)
class Advisory:
    """The whole result for one account on one day. Questions stand in the edition's order everywhere.

    `answers` are those that count; `unanswered` the questions asked, not optional, without an answer; `needed`
    those of them that keep a finding unanswered; `check` the unsure ones that keep a finding at check;
    `ignored` the answered questions that are not asked; `asked` the questions that are.
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
        """The findings for which to contact the Integrity Commissioner, in the findings' order."""
        return tuple(finding for finding in self.findings if finding.contact)

    def because(self, finding: Finding) -> dict[str, Answer | None]:
        """The answers that a finding rests on, in the questions' order; None for those still open."""
        if len(finding.rests_on) < 2:
            return {question: self.answers.get(question) for question in finding.rests_on}
        position = self.edition.position
        return {
            question: self.answers.get(question)
            for question in sorted(finding.rests_on, key=position.__getitem__)
        }
