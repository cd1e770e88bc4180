"""The values of conditions in every state of the questions that they rest on, all at once.

A state gives each question no answer, "unsure" or an answer of some kind, and says whether the campaign period is
over. A set of states is one integer with a bit for each, a mask, so that Python's own operations on integers weigh a
condition in millions of states. The logic is that of conditions.py and of assessments/scoring/assess.py, which
cannot be used here; tests/bulletin/test_proof.py compares them.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property, reduce
from operator import and_, or_
from typing import NamedTuple

from .conditions import Answer, Condition, Fact
from .schema import CAMPAIGN_OVER, Edition, Question
from .variables import OVER, Filling, Joined, Literal, State, Variable, flat, variables_of


class Masks(NamedTuple):
    """Where a condition is true, and where it is false. Elsewhere it is undetermined, and there:

    `unanswered`: a question without an answer is in the way. `no_look_up`: a question that nobody can look up is.
    `answerable`: one of the questions in the way is asked, without an answer and not optional, where each that is
    pending is replaced by those in the way of its being asked.
    """

    true: int
    false: int
    unanswered: int = 0
    no_look_up: int = 0
    answerable: int = 0


class States:
    """All states of the questions that conditions of an edition rest on, through facts and through `asked`.

    Raises TooManyStates.
    """

    def __init__(self, edition: Edition, *conditions: Condition) -> None:
        questions, stated = _behind(edition, conditions)
        self._facts = {fact.id: fact.when for fact in edition.facts_behind(*stated)}
        stated += [when for when in self._facts.values() if not isinstance(when, str)]
        self.variables = variables_of(questions, stated, with_calendar=CAMPAIGN_OVER in self._facts)
        last = self.variables[-1:]
        self.count = last[0].stride * len(last[0].states) if last else 1
        self.every = (1 << self.count) - 1
        self._variable = {question.id: v for v in self.variables for question in v.questions}
        self._position = edition.position
        self._weighed: dict[Condition, Masks] = {}
        self._where: dict[tuple[int, tuple[int, ...]], int] = {}

    def where(self, variable: Variable, positions: Iterable[int]) -> int:
        """Where a variable is in one of its states, which are given by their positions."""
        key = (variable.stride, tuple(positions))
        if key not in self._where:
            block = (1 << variable.stride) - 1
            mask = reduce(or_, (block << at * variable.stride for at in key[1]), 0)
            width = variable.stride * len(variable.states)
            while width < self.count:
                mask |= mask << width
                width *= 2
            self._where[key] = mask & self.every
        return self._where[key]

    # Conditions

    def weigh(self, condition: Condition) -> Masks:
        """The value of a condition in each state. An answer to a question that is not asked does not count."""
        masks = self._weighed.get(condition)
        if masks is None:
            masks = self._weighed[condition] = self._weigh(flat(condition))
        return masks

    def _weigh(self, joined: Joined) -> Masks:
        parts: dict[object, Masks] = {}
        for part in joined.parts:
            if isinstance(part, Joined):
                parts[part] = self._weigh(part)
            elif isinstance(part.term, Fact):
                parts[part] = self._fact(part.term.name, part.holds)
            else:
                variable = self._variable[part.term.question]
                key = (variable, part.shape)
                if key not in parts:  # the other questions of the variable are weighed with the first
                    parts[key] = self._literal(variable, part, joined.is_any)
        if len(parts) == 1:
            return next(iter(parts.values()))
        if joined.is_any:
            true = reduce(or_, (part.true for part in parts.values()), 0)
            false = reduce(and_, (part.false for part in parts.values()), self.every)
        else:
            true = reduce(and_, (part.true for part in parts.values()), self.every)
            false = reduce(or_, (part.false for part in parts.values()), 0)
        undetermined = self.every ^ (true | false)
        in_the_way = zip(*(part[2:] for part in parts.values()), strict=True)
        return Masks(true, false, *(undetermined & reduce(or_, masks) for masks in in_the_way))

    def _fact(self, name: str, holds: bool) -> Masks:
        when = self._facts[name]
        if isinstance(when, str):
            calendar = self.variables[-1]
            over = calendar.position[OVER]
            masks = Masks(self.where(calendar, (over,)), self.where(calendar, (1 - over,)))
        else:
            masks = self.weigh(when)
        return masks if holds else masks._replace(true=masks.false, false=masks.true)

    def _literal(self, variable: Variable, literal: Literal, is_any: bool) -> Masks:
        """A term about each of the questions of a variable, joined."""
        positions: dict[bool | None, list[int]] = {True: [], False: [], None: []}
        for at, state in enumerate(variable.states):
            values = {literal.value(kind) for kind in state}
            value = is_any if is_any in values else None if None in values else not is_any
            positions[value].append(at)
        question = variable.questions[0]
        asked = self.weigh(question.asked)
        true = self.where(variable, positions[True]) & (self.every ^ asked.false)
        false = self.where(variable, positions[False]) & (self.every ^ asked.false)
        undetermined = self.every ^ (true | false)
        blank = self.where(variable, [at for at, state in enumerate(variable.states) if None in state])
        can_be_answered = asked.answerable
        if not question.optional:
            can_be_answered |= self.every ^ (asked.false | asked.unanswered)
        return Masks(
            true,
            false,
            undetermined & (blank | asked.false),
            0 if question.look_up else undetermined,
            undetermined & blank & can_be_answered,
        )

    # What follows for all states

    def in_every_completion(self, mask: int) -> int:
        """The states that are in `mask` whatever definite answers replace "unsure" and missing ones."""
        for variable in self.variables:
            by_completions: dict[tuple[int, ...], list[int]] = {}
            for at, state in enumerate(variable.states):
                by_completions.setdefault(variable.completions(state), []).append(at)
            sides = {at: self._side(mask, variable, at) for at in variable.definite}
            mask = 0
            for completions, positions in by_completions.items():
                common = reduce(and_, (sides[at] for at in completions))
                for at in positions:
                    mask |= common << at * variable.stride
        return mask

    def depends_on(self, variable: Variable, mask: int) -> bool:
        """Whether another answer can move a state into `mask` or out of it, where all answers are definite."""
        sides = {self._side(mask & self._definite, variable, at) for at in variable.definite}
        return len(sides) > 1

    def _side(self, mask: int, variable: Variable, at: int) -> int:
        """The part of `mask` where a variable is in one state, moved to where it is in its first."""
        return (mask & self.where(variable, (at,))) >> at * variable.stride

    @cached_property
    def _definite(self) -> int:
        return reduce(and_, (self.where(v, v.definite) for v in self.variables), self.every)

    # One state

    def smallest(self, mask: int, filling: Filling | None = None) -> tuple[int, int]:
        """The number of a state in `mask` with the fewest answers, and how many these are.

        `mask` is not empty. With a filling, each of its states is one that the filling can follow.
        """
        by_entries = {0: self.every}
        for variable in self.variables:
            before, by_entries = by_entries, {}
            for at, state in enumerate(variable.states):
                here = self.where(variable, (at,))
                more = variable.entries(state, _of(variable, filling))
                for entries, states in before.items():
                    by_entries[entries + more] = by_entries.get(entries + more, 0) | (states & here)
        fewest = min(entries for entries, states in by_entries.items() if states & mask)
        states = by_entries[fewest] & mask
        return (states & -states).bit_length() - 1, fewest

    def answers(self, number: int, filling: Filling | None = None) -> dict[str, Answer]:
        """The fewest answers that there can be in a state, by its number, in the order of the questions."""
        answers: dict[str, Answer] = {}
        for variable in self.variables:
            answers |= variable.answers(_state(variable, number), _of(variable, filling))
        return dict(sorted(answers.items(), key=lambda item: self._position[item[0]]))

    def campaign_over(self, number: int) -> bool | None:
        """Whether the campaign period is over in a state, by its number. None if nothing depends on that."""
        calendar = next((variable for variable in self.variables if not variable.questions), None)
        return None if calendar is None else _state(calendar, number) == OVER


def _state(variable: Variable, number: int) -> State:
    return variable.states[number // variable.stride % len(variable.states)]


def _of(variable: Variable, filling: Filling | None) -> Filling | None:
    return filling if filling and filling.variable is variable else None


def _behind(edition: Edition, conditions: Iterable[Condition]) -> tuple[list[Question], list[Condition]]:
    """The questions that conditions rest on, and the conditions with those of asking these questions."""
    stated = list(conditions)
    names = dict.fromkeys(edition.questions_behind(*stated))
    waiting = list(names)
    while waiting:
        asked = edition.question[waiting.pop()].asked
        stated.append(asked)
        more = dict.fromkeys(name for name in edition.questions_behind(asked) if name not in names)
        names |= more
        waiting += more
    return [question for question in edition.questions if question.id in names], stated
