"""Which things to do in an advisory are marked as done."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from assessments.models import Assessment, DoneMark
from assessments.records.state import AssessmentState
from assessments.rendering.findings import Act


@dataclass(frozen=True)
class ActState:
    """Whether a thing to do is done: the last mark on it, and the address of the question to answer again.

    `earlier` is the last mark, if an answer behind the thing was saved after it: the thing is then open again.
    """

    mark: DoneMark | None
    earlier: DoneMark | None
    again: str


@dataclass(frozen=True)
class DoneReport:
    """The marks of a self-check, by rule.

    `outdated` has the rules with a mark that is older than the last save of an answer that their findings rest on.
    `settled` has the marks on rules that no longer ask for anything, each with the rule's title. `count` is how many
    things to do are done. `again` gives the address of a question; it is None if answers cannot be changed.
    """

    by_rule: Mapping[str, DoneMark]
    outdated: frozenset[str]
    settled: tuple[tuple[str, DoneMark], ...]
    count: int
    again: Callable[[str], str] | None

    def of(self, act: Act) -> ActState:
        """The state of a thing to do, which is done when all its rules are marked and no mark is outdated."""
        marks = [self.by_rule[rule] for rule in act.rules if rule in self.by_rule]
        mark = max(marks, key=lambda mark: mark.marked_at) if len(marks) == len(act.rules) else None
        is_outdated = not self.outdated.isdisjoint(act.rules)
        question = act.items[0].ask_again
        again = self.again(question) if self.again and question else ""
        return ActState(None if is_outdated else mark, mark if is_outdated else None, again)


def done_rules(state: AssessmentState, marks: Iterable[DoneMark]) -> frozenset[str]:
    """The rules with a mark that is not older than the last save of an answer that their findings rest on."""
    by_rule = {mark.rule: mark for mark in marks if mark.rule in state.edition.rule}
    return frozenset(by_rule) - _outdated(state, by_rule)


def _outdated(state: AssessmentState, by_rule: Mapping[str, DoneMark]) -> frozenset[str]:
    saved = {rule: state.saved_at([rule]) for rule in by_rule}
    return frozenset(rule for rule, at in saved.items() if at and by_rule[rule].marked_at < at)


def done_report(
    assessment: Assessment, state: AssessmentState, *, again: Callable[[str], str] | None
) -> DoneReport:
    """The marks of an assessment, matched with its advisory. Marks on rules that the edition lacks are left out."""
    marks = assessment.done_marks.with_names()
    edition = state.edition
    by_rule = {mark.rule: mark for mark in marks if mark.rule in edition.rule}
    outdated = _outdated(state, by_rule)
    acts = state.projection.acts_to_do
    to_do = {rule for act in acts for rule in act.rules}
    return DoneReport(
        by_rule,
        outdated,
        tuple((edition.rule[rule].title, mark) for rule, mark in by_rule.items() if rule not in to_do),
        sum(by_rule.keys() - outdated >= set(act.rules) for act in acts),
        again,
    )
