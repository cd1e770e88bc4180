"""Which things to do in an advisory are marked as done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from assessments.models import Assessment, DoneMark
from assessments.rendering.findings import Act
from assessments.rendering.projection import Projection
from bulletin.encoding.schema import Edition


@dataclass(frozen=True)
class ActState:
    """Whether a thing to do is done: the last mark on it, and the address of the question to answer again."""

    mark: DoneMark | None
    again: str


@dataclass(frozen=True)
class DoneReport:
    """The marks of a self-check, by rule.

    `settled` has the marks on rules that no longer ask for anything, each with the rule's title. `count` is how many
    things to do are done. `again` gives the address of a question; it is None if answers cannot be changed.
    """

    by_rule: Mapping[str, DoneMark]
    settled: tuple[tuple[str, DoneMark], ...]
    count: int
    again: Callable[[str], str] | None

    def of(self, act: Act) -> ActState:
        """The state of a thing to do, which is done when all its rules are marked."""
        marks = [self.by_rule[rule] for rule in act.rules if rule in self.by_rule]
        mark = max(marks, key=lambda mark: mark.marked_at) if len(marks) == len(act.rules) else None
        question = act.items[0].ask_again
        return ActState(mark, self.again(question) if self.again and question else "")


def done_report(
    assessment: Assessment, projection: Projection, edition: Edition, *, again: Callable[[str], str] | None
) -> DoneReport:
    """The marks of an assessment, matched with its advisory. Marks on rules that the edition lacks are left out."""
    marks = assessment.done_marks.with_names()
    by_rule = {mark.rule: mark for mark in marks if mark.rule in edition.rule}
    acts = [act for group in projection.acts for act in group.acts if act.is_to_do]
    to_do = {rule for act in acts for rule in act.rules}
    return DoneReport(
        by_rule,
        tuple((edition.rule[rule].title, mark) for rule, mark in by_rule.items() if rule not in to_do),
        sum(by_rule.keys() >= set(act.rules) for act in acts),
        again,
    )
