"""What would settle a finding: the smallest set of changes to the answers after which its rule asks for nothing.

A change is to an answer that counts and that the member can change, as the edition says, which has words for each
answer that may be proposed. The rule's conditions say which answers can matter. A condition is true if all literals
of one of its ways hold, so every change that settles a rule has at least what one of these ways lacks. Each is then
scored, since a change can also change what is asked, and with it which answers count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import NamedTuple

from bulletin.encoding.conditions import (
    UNSURE,
    Always,
    Answer,
    AtMost,
    Condition,
    Either,
    Every,
    Fact,
    Has,
    Is,
    Not,
)
from bulletin.encoding.schema import Outcome, Rule

from .advisory import Advisory, Finding
from .assess import TO_DO, assess

Change = tuple[tuple[str, str], ...]
"""Questions with the answers that they would have instead, in the questions' order."""

MAX_CHANGES = 4
"""Changes that are proposed together at most."""
SETTLED: tuple[Outcome, ...] = ("consistent", "not_applicable")
"""The outcomes of a rule that asks for nothing, the better one first."""


class _Literal(NamedTuple):
    """A term about one answer, or the opposite of one."""

    term: Is | Has | AtMost
    holds: bool

    @property
    def question(self) -> str:
        return self.term.question

    def holds_for(self, answer: Answer | None) -> bool:
        return answer is not None and answer != UNSURE and self.term.holds_for(answer) == self.holds


_Way = frozenset[_Literal]
"""Literals that make a condition true together."""


def explain(advisory: Advisory, search: Search | None = None) -> dict[str, Change]:
    """By rule, in the order of the findings, the smallest change that settles a finding with a contact or an action.

    Of equally small changes it is one that makes the rule met, if any does, then the first by the questions' order
    and the order of their values. A rule without a change of at most MAX_CHANGES answers has no entry. A share has no
    entries, because they would tell of what was left out. `search` is of the same advisory, and saves work where
    `same_act` has it too.
    """
    return _changes(advisory, (f for f in advisory.findings if f.contact or f.outcome == "action"), search)


def same_act(advisory: Advisory, search: Search | None = None) -> tuple[tuple[str, ...], ...]:
    """The rules of the deadlines, in groups that the same smallest change settles by the same deadline.

    A rule without such a change is alone. The groups are in the order of their first deadlines, and the rules of each
    in the order of the deadlines.
    """
    changes = _changes(advisory, (f for f in advisory.findings if f.outcome in TO_DO), search)
    groups: dict[object, list[str]] = {}
    for deadline in advisory.deadlines:
        rule, when = deadline.rule.id, deadline[1:]
        groups.setdefault((changes.get(rule, rule), when), []).append(rule)
    return tuple(map(tuple, groups.values()))


def _changes(advisory: Advisory, findings: Iterable[Finding], search: Search | None) -> dict[str, Change]:
    if advisory.is_part:
        return {}
    search = search or Search(advisory)
    changes = {finding.rule.id: search.smallest(finding.rule) for finding in findings}
    return {rule: change for rule, change in changes.items() if change}


class Search:
    """The search for changes to the answers of one advisory. It remembers what it found and scored."""

    def __init__(self, advisory: Advisory) -> None:
        self._advisory, self._edition = advisory, advisory.edition
        self._over = advisory.election.is_over(advisory.as_of)
        self._options = {
            q.id: tuple(value for value in q.values if value in q.changed and value != advisory.answers[q.id])
            for q in self._edition.questions
            if q.can_change and q.id in advisory.answers
        }
        self._outcomes: dict[Change, dict[str, Outcome]] = {}
        self._smallest: dict[str, Change | None] = {}

    def smallest(self, rule: Rule) -> Change | None:
        """The smallest change that settles a rule, or None."""
        if rule.id not in self._smallest:
            # Without an answer that can change, as in a first revision, there is nothing to search for.
            self._smallest[rule.id] = self._searched(rule) if any(self._options.values()) else None
        return self._smallest[rule.id]

    def _searched(self, rule: Rule) -> Change | None:
        own = set(self._edition.questions_behind(rule.applies, rule.met))
        ways = [*self._ways(rule.applies, holds=False), *(self._ways(rule.met) if rule.met else ())]
        # Changes still to be tried, by their number, each with the questions that decide whether its way can hold.
        waiting: list[dict[Change, set[str]]] = [{} for _ in range(MAX_CHANGES + 1)]
        for way in ways:
            behind = self._behind_asking(way) & own
            for change in self._completing(way):
                waiting[len(change)].setdefault(change, set()).update(behind)
        for size, changes in enumerate(waiting):
            if settling := self._best(rule, changes):
                return settling
            if size < MAX_CHANGES:
                for change, behind in changes.items():
                    for longer in self._extended(change, behind):
                        waiting[size + 1].setdefault(longer, set()).update(behind)
        return None

    def _ways(self, condition: Condition, *, holds: bool = True) -> set[_Way]:
        """The ways in which a condition (or its opposite) can come to be true by at most MAX_CHANGES changes."""
        match condition:
            case Always():
                return {frozenset()} if holds else set()
            case Not(part):
                return self._ways(part, holds=not holds)
            case Fact(name):
                when = self._edition.fact[name].when
                if isinstance(when, str):
                    return {frozenset()} if self._over == holds else set()
                return self._ways(when, holds=holds)
            case Either(parts) | Every(parts):
                by_part = [self._ways(part, holds=holds) for part in parts]
                if isinstance(condition, Either) == holds:
                    return set().union(*by_part)
                ways: set[_Way] = {frozenset()}
                for others in by_part:
                    joined = {way | other for way in ways for other in others}
                    ways = {way for way in joined if self._is_possible(way)}
                return ways
        way = frozenset((_Literal(condition, holds),))
        return {way} if self._is_possible(way) else set()

    def _is_possible(self, way: _Way) -> bool:
        lacking = {literal.question for literal in way if not self._holds(literal)}
        return len(lacking) <= MAX_CHANGES and all(self._values(question, way) for question in lacking)

    def _best(self, rule: Rule, changes: Iterable[Change]) -> Change | None:
        """The best of equally many changes that settle a rule."""
        settling = [
            (SETTLED.index(outcome), self._place(change), change)
            for change in changes
            if (outcome := self._outcome(rule, change)) in SETTLED
        ]
        return min(settling)[2] if settling else None

    def _place(self, change: Change) -> tuple[list[int], list[int]]:
        position, question = self._edition.position, self._edition.question
        return [position[q] for q, _ in change], [question[q].values.index(value) for q, value in change]

    def _outcome(self, rule: Rule, change: Change) -> Outcome:
        """The outcome of a rule after a change."""
        if change not in self._outcomes:
            after = assess(
                self._edition,
                {**self._advisory.given, **dict(change)},
                as_of=self._advisory.as_of,
                election=self._advisory.election,
            )
            self._outcomes[change] = {finding.rule.id: finding.outcome for finding in after.findings}
        return self._outcomes[change][rule.id]

    def _sorted(self, change: Mapping[str, str]) -> Change:
        return tuple(sorted(change.items(), key=lambda pair: self._edition.position[pair[0]]))

    def _completing(self, way: _Way) -> Iterator[Change]:
        """Each choice of the changes after which all literals of a way hold, if their answers count."""
        lacking = {literal.question for literal in way if not self._holds(literal)}
        values = [self._values(question, way) for question in lacking]
        for chosen in product(*values):
            yield self._sorted(dict(zip(lacking, chosen, strict=True)))

    def _extended(self, change: Change, questions: Iterable[str]) -> Iterator[Change]:
        """A change with each further one that may let more answers count."""
        changed = dict(change)
        for question in questions:
            if question not in changed:
                for value in self._options.get(question, ()):
                    yield self._sorted({**changed, question: value})

    def _behind_asking(self, way: _Way) -> set[str]:
        """The questions that decide whether those of a way are asked."""
        behind, waiting = set[str](), [literal.question for literal in way]
        while waiting:
            for question in self._edition.questions_behind(self._edition.question[waiting.pop()].asked):
                if question not in behind:
                    behind.add(question)
                    waiting.append(question)
        return behind

    def _holds(self, literal: _Literal) -> bool:
        """Whether a literal holds for the answer that was given, whether or not that answer counts."""
        return literal.holds_for(self._advisory.given.get(literal.question))

    def _values(self, question: str, way: _Way) -> list[str]:
        """The other answers to a question with which all its literals in a way hold."""
        literals = [literal for literal in way if literal.question == question]
        return [
            value
            for value in self._options.get(question, ())
            if all(literal.holds_for(value) for literal in literals)
        ]
