"""The closed, three-valued language in which an edition states its conditions.

    always | FACT | QUESTION is CHOICE | QUESTION has CHOICE | QUESTION at most 500.00

joined by `and`, `or`, `not` and brackets; `and` and `or` are never mixed without brackets, so that nobody has
to know which binds tighter. There is nothing else: no arithmetic, no calls, and nothing is ever evaluated as code.

A condition is true, false or undetermined (Kleene's strong logic). An answer that is missing or "unsure" leaves
its term undetermined. Every verdict keeps the questions that it rests on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import NamedTuple, Protocol

UNSURE = "unsure"
"""The answer "I'm not sure": a real answer, yet it leaves whatever rests on it undetermined."""

Answer = str | Decimal | date | tuple[str, ...]

MAX_LENGTH = 1_000
"""Characters of one condition; the longest of the bulletin's has some 300."""
MAX_DEPTH = 10
"""Brackets and `not`s inside one another; a person cannot check more."""


class ConditionError(ValueError):
    """A text that is no condition; the message says where and what would be right."""


class Verdict(NamedTuple):
    """What a condition comes to, and why.

    `value` is True, False or None (undetermined). `rests_on` names the questions that decide it: those of the
    true parts of a true `or`, of the false parts of a false `and`, of all parts where all are needed. For an
    undetermined condition they are the questions in its way.
    """

    value: bool | None
    rests_on: frozenset[str]


class Circumstances(Protocol):
    """What a condition is weighed against."""

    @property
    def answers(self) -> Mapping[str, Answer]:
        """The answers that count, by question; no entry is no answer."""

    def fact(self, name: str) -> Verdict:
        """The verdict of a fact of the edition or of the calendar."""


_NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Always:
    """True in every situation."""

    def weigh(self, situation: Circumstances) -> Verdict:
        return Verdict(True, _NOTHING)

    def terms(self) -> Iterator[Term]:
        yield from ()

    def __str__(self) -> str:
        return "always"


@dataclass(frozen=True)
class Fact:
    """A fact of the edition, by name; its reasons shine through."""

    name: str

    def weigh(self, situation: Circumstances) -> Verdict:
        return situation.fact(self.name)

    def terms(self) -> Iterator[Term]:
        yield self

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class _OfAnswer:
    """What the three terms about one answer share: undetermined while it is missing or unsure."""

    question: str

    @cached_property
    def _verdicts(self) -> Mapping[bool | None, Verdict]:
        rests_on = frozenset((self.question,))
        return {value: Verdict(value, rests_on) for value in (True, False, None)}

    def weigh(self, situation: Circumstances) -> Verdict:
        answer = situation.answers.get(self.question)
        if answer is None or answer == UNSURE:
            return self._verdicts[None]
        return self._verdicts[self.holds_for(answer)]

    def holds_for(self, answer: Answer) -> bool:
        raise NotImplementedError

    def terms(self) -> Iterator[Term]:
        yield self  # type: ignore[misc]  # only its three children are ever made


@dataclass(frozen=True)
class Is(_OfAnswer):
    """The answer is this choice."""

    choice: str

    def holds_for(self, answer: Answer) -> bool:
        return answer == self.choice

    def __str__(self) -> str:
        return f"{self.question} is {self.choice}"


@dataclass(frozen=True)
class Has(_OfAnswer):
    """This choice is among those answered."""

    choice: str

    def holds_for(self, answer: Answer) -> bool:
        return isinstance(answer, tuple) and self.choice in answer

    def __str__(self) -> str:
        return f"{self.question} has {self.choice}"


@dataclass(frozen=True)
class AtMost(_OfAnswer):
    """The amount answered, in Canadian dollars, is this or less."""

    amount: Decimal

    def holds_for(self, answer: Answer) -> bool:
        return isinstance(answer, Decimal) and answer <= self.amount

    def __str__(self) -> str:
        return f"{self.question} at most {self.amount}"


@dataclass(frozen=True)
class Not:
    """The opposite; undetermined stays undetermined."""

    part: Condition

    def weigh(self, situation: Circumstances) -> Verdict:
        value, rests_on = self.part.weigh(situation)
        return Verdict(None if value is None else not value, rests_on)

    def terms(self) -> Iterator[Term]:
        yield from self.part.terms()

    def __str__(self) -> str:
        return f"not {_bracketed(self.part)}"


def _strongest(verdicts: list[Verdict], *, decisive: bool) -> Verdict:
    """Of joined parts: the decisive value if one has it, else undetermined if one is, else the other value.

    The reasons are those of all the parts that share the value, and of no others.
    """
    value: bool | None = not decisive
    for verdict in verdicts:
        if verdict.value is decisive:
            value = decisive
            break
        if verdict.value is None:
            value = None
    reasons = [verdict.rests_on for verdict in verdicts if verdict.value is value]
    return Verdict(value, reasons[0] if len(reasons) == 1 else _NOTHING.union(*reasons))


@dataclass(frozen=True)
class Either:
    """`or`: true once one part is true, false when all are."""

    parts: tuple[Condition, ...]

    def weigh(self, situation: Circumstances) -> Verdict:
        return _strongest([part.weigh(situation) for part in self.parts], decisive=True)

    def terms(self) -> Iterator[Term]:
        for part in self.parts:
            yield from part.terms()

    def __str__(self) -> str:
        return " or ".join(_bracketed(part) for part in self.parts)


@dataclass(frozen=True)
class Every:
    """`and`: false once one part is false, true when all are."""

    parts: tuple[Condition, ...]

    def weigh(self, situation: Circumstances) -> Verdict:
        return _strongest([part.weigh(situation) for part in self.parts], decisive=False)

    def terms(self) -> Iterator[Term]:
        for part in self.parts:
            yield from part.terms()

    def __str__(self) -> str:
        return " and ".join(_bracketed(part) for part in self.parts)


Term = Fact | Is | Has | AtMost
Condition = Always | Fact | Is | Has | AtMost | Not | Either | Every


def _bracketed(part: Condition) -> str:
    return f"({part})" if isinstance(part, Either | Every) else str(part)


_TOKEN = re.compile(
    r"(?P<space>\s+)|(?P<bracket>[()])|(?P<amount>\d+\.\d\d(?![\w.]))|(?P<name>[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)?)",
    re.ASCII,  # no digits or spaces that only look like ours
)
_WORDS = frozenset({"and", "or", "not", "is", "has", "at", "most", "always"})


@lru_cache(maxsize=1_000)
def parse(text: str) -> Condition:
    """The condition that `text` states; the same text gives the same object.

    Raises ConditionError for anything that is not one, quickly even for hostile text: the length and the
    depth are bounded before anything is built.
    """
    if len(text) > MAX_LENGTH:
        raise ConditionError(f"the condition has {len(text)} characters; at most {MAX_LENGTH} are read")
    return _Parser(text).whole()


class _Parser:
    """Recursive descent over at most MAX_LENGTH characters and MAX_DEPTH levels."""

    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[int, str]] = []
        at = 0
        while at < len(text):
            found = _TOKEN.match(text, at)
            if not found:
                raise ConditionError(
                    f"at character {at + 1}: {text[at : at + 12]!r} is no part of the language; "
                    "write names in lower case and amounts like 500.00"
                )
            if found.lastgroup != "space":
                self.tokens.append((at, found.group()))
            at = found.end()
        self.at = 0

    def whole(self) -> Condition:
        if not self.tokens:
            raise ConditionError("the condition is empty; write `always` for one that always holds")
        condition = self.joined(0)
        if self.at < len(self.tokens):
            raise self.wrong("`and`, `or` or the end")
        return condition

    def peek(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        self.at += 1
        return token

    def wrong(self, wanted: str) -> ConditionError:
        if self.at >= len(self.tokens):
            return ConditionError(f"the condition ends too soon; next should be {wanted}")
        place, token = self.tokens[self.at]
        return ConditionError(f"at character {place + 1}: `{token}` is out of place; next should be {wanted}")

    def expect(self, word: str) -> None:
        if self.peek() != word:
            raise self.wrong(f"`{word}`")
        self.take()

    def joined(self, depth: int) -> Condition:
        parts = [self.single(depth)]
        joint = self.peek()
        if joint not in ("and", "or"):
            return parts[0]
        while self.peek() in ("and", "or"):
            if self.peek() != joint:
                raise self.wrong("a bracket around one of the two: `and` and `or` are not mixed without")
            self.take()
            parts.append(self.single(depth))
        return Every(tuple(parts)) if joint == "and" else Either(tuple(parts))

    def single(self, depth: int) -> Condition:
        if depth > MAX_DEPTH:
            place = self.tokens[self.at - 1][0]
            raise ConditionError(
                f"at character {place + 1}: more than {MAX_DEPTH} brackets or `not`s inside one "
                "another; give a part a name as a fact"
            )
        word = self.peek()
        if word == "(":
            self.take()
            inner = self.joined(depth + 1)
            self.expect(")")
            return inner
        if word == "not":
            self.take()
            return Not(self.single(depth + 1))
        if word == "always":
            self.take()
            return Always()
        if not word or not word[0].isalpha() or word in _WORDS:
            raise self.wrong("a question, a fact, `not`, `always` or an opening bracket")
        self.take()
        return self.about(word) if "." in word else Fact(word)

    def about(self, question: str) -> Condition:
        word = self.peek()
        make: dict[str, Callable[[str, str], Condition]] = {"is": Is, "has": Has}
        if word in make:
            self.take()
            choice = self.peek()
            if not choice or not choice[0].isalpha() or "." in choice or choice in _WORDS:
                raise self.wrong("a choice")
            return make[word](question, self.take())
        if word == "at":
            self.take()
            self.expect("most")
            if not self.peek()[:1].isdigit():
                raise self.wrong("an amount like 500.00")
            return AtMost(question, Decimal(self.take()))
        raise self.wrong("`is`, `has` or `at most`")
