"""The questions that some conditions rest on, as variables with few states each.

Answers that no condition tells apart are of one kind. Questions that the conditions name only together are one
variable: its states are the sets of kinds that occur among its questions, since `and` and `or` see no more than that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import combinations
from math import prod
from typing import NamedTuple

from .conditions import UNSURE, Always, Answer, AtMost, Condition, Either, Every, Fact, Has, Not, Term
from .schema import MAX_AMOUNT, Question

MAX_STATES = 1 << 25
"""States of all variables together that are tried at most. Toronto's rule 14 has seven million."""
WIDE = 16
"""States of one variable that take no more memory than planned for. With more, fewer are tried in all."""
CENT = Decimal("0.01")

Kind = Answer | None
"""An answer that stands for all that the conditions do not distinguish from it. None is no answer."""
State = frozenset[Kind]
"""The kinds that occur among the questions of a variable."""
INDEFINITE: State = frozenset({None, UNSURE})
BEFORE, OVER = State({"no"}), State({"yes"})
"""The states of the variable without questions, which says whether the campaign period is over."""


class TooManyStates(Exception):
    """The conditions rest on more states than can be tried. The message says how many there are, at least."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count:,} states of its questions or more")


@dataclass(frozen=True, eq=False)
class Variable:
    """One question, or several that only count together, with its states.

    States of all variables are numbered. `stride` is by how much that number grows from one state of this variable to
    its next one. In the first state there is no answer.
    """

    questions: tuple[Question, ...]
    states: tuple[State, ...]
    stride: int

    @cached_property
    def position(self) -> Mapping[State, int]:
        """Each state's position in `states`."""
        return {state: at for at, state in enumerate(self.states)}

    @cached_property
    def definite(self) -> tuple[int, ...]:
        """The positions of the states in which each question has a definite answer."""
        return tuple(at for at, state in enumerate(self.states) if not state & INDEFINITE)

    def fillings(self) -> Iterator[Filling]:
        """Each way to answer one more question that leads to another state."""
        kinds = {kind for state in self.states for kind in state if kind is not None}
        for at, state in enumerate(self.states):
            if None not in state:
                continue
            for kind in sorted(kinds, key=str):
                if kind not in state and len(state) < len(self.questions):
                    yield Filling(self, at, self.position[state | {kind}], kind, is_last=False)
                if len(state) > 1 or len(self.questions) == 1:
                    yield Filling(self, at, self.position[state - {None} | {kind}], kind, is_last=True)

    def completions(self, state: State) -> tuple[int, ...]:
        """The positions of what a state can become as definite answers replace "unsure" and missing ones."""
        if not state & INDEFINITE:
            return (self.position[state],)
        if len(self.questions) == 1:
            return self.definite
        return tuple(at for at in self.definite if state - INDEFINITE <= self.states[at])

    def entries(self, state: State, filling: Filling | None = None) -> int:
        """How many answers it takes, at least, to be in a state, or to be in it so that `filling` can follow."""
        if None not in state:
            return len(self.questions)
        return len(self.questions) - 1 if filling and filling.is_last else len(state) - 1

    def answers(self, state: State, filling: Filling | None = None) -> dict[str, Answer]:
        """The fewest answers with which it is in a state, or in it so that `filling` can follow."""
        kinds = sorted((kind for kind in state if kind is not None), key=str)
        answered = self.questions[: self.entries(state, filling)]
        return {question.id: kinds[min(at, len(kinds) - 1)] for at, question in enumerate(answered)}


class Filling(NamedTuple):
    """One more answer to a question of a variable: the positions of the states before and after, and its kind.

    `is_last`: no question of the variable is left without an answer.
    """

    variable: Variable
    before: int
    after: int
    kind: Answer
    is_last: bool


# Conditions in one form


class Literal(NamedTuple):
    """A term, or the opposite of one."""

    term: Term
    holds: bool

    @property
    def shape(self) -> tuple[object, ...]:
        """What is asked of the answer, whatever the question."""
        return (self.holds, type(self.term), *str(self.term).split()[1:])

    def value(self, kind: Kind) -> bool | None:
        """Whether it holds for an answer. Undetermined without one, and if it is unsure."""
        if kind is None or kind == UNSURE or isinstance(self.term, Fact):
            return None
        return self.term.holds_for(kind) == self.holds


class Joined(NamedTuple):
    """Parts joined by `or` (`is_any`) or by `and`. No part is joined in the same way as the whole."""

    is_any: bool
    parts: tuple[Literal | Joined, ...]


def flat(condition: Condition, *, holds: bool = True) -> Joined:
    """A condition or its opposite, with each `not` moved to a term. Its value and what is in its way are the same."""
    match condition:
        case Always():
            return Joined(not holds, ())
        case Not():
            return flat(condition.part, holds=not holds)
        case Either() | Every():
            is_any = isinstance(condition, Either) == holds
            parts: list[Literal | Joined] = []
            for part in condition.parts:
                inner = flat(part, holds=holds)
                parts += inner.parts if inner.is_any == is_any or len(inner.parts) == 1 else (inner,)
            return Joined(is_any, tuple(parts))
        case _:
            return Joined(False, (Literal(condition, holds),))


def _nodes(joined: Joined) -> Iterator[Joined]:
    yield joined
    for part in joined.parts:
        if isinstance(part, Joined):
            yield from _nodes(part)


# Questions as variables


def variables_of(
    questions: Iterable[Question], conditions: Iterable[Condition], *, with_calendar: bool
) -> list[Variable]:
    """The questions as variables. `conditions` are all that use them. The calendar's variable is the last.

    Raises TooManyStates.
    """
    groups = _groups(questions, conditions)
    _limit(prod(len(kinds) for _, kinds in groups), max((len(kinds) for _, kinds in groups), default=0))
    variables: list[Variable] = []
    stride = 1
    for group, kinds in groups:
        sizes = range(1, min(len(group), len(kinds)) + 1)
        states = tuple(State(some) for size in sizes for some in combinations(kinds, size))
        variables.append(Variable(tuple(group), states, stride))
        stride *= len(states)
    if with_calendar:
        variables.append(Variable((), (BEFORE, OVER), stride))
        stride *= 2
    _limit(stride, max((len(variable.states) for variable in variables), default=0))
    return variables


def _limit(count: int, widest: int) -> None:
    if count * max(widest, WIDE) > MAX_STATES * WIDE:
        raise TooManyStates(count)


def _groups(
    questions: Iterable[Question], conditions: Iterable[Condition]
) -> list[tuple[list[Question], tuple[Kind, ...]]]:
    """The questions of each variable, and the kinds of answers to them.

    Questions are one variable if each `and` and `or` that names one of them names all, in the same way, and if they
    are asked and marked alike. They have two definite kinds at most: with more, what a set of kinds can become would
    depend on how many questions have each.
    """
    nodes = [node for condition in dict.fromkeys(conditions) for node in _nodes(flat(condition))]
    uses: dict[str, set[object]] = {question.id: set() for question in questions}
    terms: dict[str, set[Term]] = {question.id: set() for question in questions}
    for at, node in enumerate(nodes):
        for part in node.parts:
            if isinstance(part, Literal) and not isinstance(part.term, Fact):
                terms[part.term.question].add(part.term)
                uses[part.term.question].add((at, *part.shape))
    groups: dict[object, tuple[list[Question], tuple[Kind, ...]]] = {}
    for question in questions:
        definite = definite_kinds(question, terms[question.id])
        kinds: tuple[Kind, ...] = (None, *definite, *((UNSURE,) if question.may_be_unsure else ()))
        marks = (question.look_up, question.optional, question.asked, frozenset(uses[question.id]))
        alike = (kinds, *marks) if len(definite) <= 2 else question.id
        groups.setdefault(alike, ([], kinds))[0].append(question)
    return list(groups.values())


def definite_kinds(question: Question, terms: Collection[Term]) -> list[Answer]:
    """An answer of each kind that the terms about a question tell apart, without "unsure". Raises TooManyStates."""
    values: Iterable[Answer] = question.values
    if question.kind == "money":
        amounts = sorted({min(term.amount, MAX_AMOUNT) for term in terms if isinstance(term, AtMost)})
        values = [amount for amount in (*amounts, amounts[-1] + CENT) if amount <= MAX_AMOUNT]
    elif question.kind == "choices":
        named = {term.choice for term in terms if isinstance(term, Has)}
        _limit(1 << len(named), 1 << len(named))
        chosen = [choice for choice in question.choices if choice in named]
        others = tuple(choice for choice in question.choices if choice not in named)[:1]
        some = [subset for size in range(len(chosen) + 1) for subset in combinations(chosen, size)]
        values = [subset or others for subset in some if subset or others]
    kinds: dict[tuple[bool | None, ...], Answer] = {}
    for value in values:
        kinds.setdefault(tuple(Literal(term, True).value(value) for term in terms), value)
    return list(kinds.values())
