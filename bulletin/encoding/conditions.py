"""The closed, three-valued language in which an edition states its conditions.

    always | FACT | QUESTION is CHOICE | QUESTION has CHOICE | QUESTION at most 500.00

These terms are joined by `and`, `or`, `not` and brackets. `and` and `or` are never mixed without brackets, so that
nobody has to know which binds tighter. The language has nothing else: no arithmetic and no calls, and a condition is
never run as code.

A condition is true, false or undetermined (Kleene's strong logic). A term is undetermined if its answer is missing
or "unsure". Every verdict names the questions that it rests on.
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
"""The answer "I'm not sure". It counts as an answer, but leaves the conditions that use it undetermined."""

Answer = str | Decimal | date | tuple[str, ...]

MAX_LENGTH = 1_000
"""Characters in one condition. The longest in the Toronto edition has about 300."""
MAX_DEPTH = 10
"""Levels of brackets and `not`s inside one another. A person cannot check more."""


class ConditionError(ValueError):
    """A text is not a condition. The message says where it goes wrong and what is expected there."""


class Verdict(NamedTuple):
    """The value of a condition, and the questions that decide it.

    `value` is True, False or None (undetermined). `rests_on` names the deciding questions: for a true `or` those of
    its true parts, for a false `and` those of its false parts, otherwise those of all parts. For an undetermined
    condition, `rests_on` names the questions that keep it undetermined.
    """

    value: bool | None
    rests_on: frozenset[str]


class Circumstances(Protocol):
    """The answers and facts that a condition is weighed against."""

    @property
    def answers(self) -> Mapping[str, Answer]:
        """The answers that count, by question. A question without an answer has no entry."""

    def fact(self, name: str) -> Verdict:
        """The verdict of a fact of the edition or of the calendar."""


_NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Always:
    """True in every situation."""

    def weigh(self, circumstances: Circumstances) -> Verdict:
        return Verdict(True, _NOTHING)

    def terms(self) -> Iterator[Term]:
        yield from ()

    def __str__(self) -> str:
        return "always"


@dataclass(frozen=True)
class Fact:
    """A fact of the edition, by name. It rests on the questions that its own condition rests on."""

    name: str

    def weigh(self, circumstances: Circumstances) -> Verdict:
        return circumstances.fact(self.name)

    def terms(self) -> Iterator[Term]:
        yield self

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class _OfAnswer:
    """The base of the three terms about one answer. Undetermined while the answer is missing or unsure."""

    question: str

    @cached_property
    def _verdicts(self) -> Mapping[bool | None, Verdict]:
        rests_on = frozenset((self.question,))
        return {value: Verdict(value, rests_on) for value in (True, False, None)}

    def weigh(self, circumstances: Circumstances) -> Verdict:
        answer = circumstances.answers.get(self.question)
        if answer is None or answer == UNSURE:
            return self._verdicts[None]
        return self._verdicts[self.holds_for(answer)]

    def holds_for(self, answer: Answer) -> bool:
        raise NotImplementedError

    def terms(self) -> Iterator[Term]:
        yield self  # type: ignore[misc]  # only its three subclasses are instantiated


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
    """The answer includes this choice."""

    choice: str

    def holds_for(self, answer: Answer) -> bool:
        return isinstance(answer, tuple) and self.choice in answer

    def __str__(self) -> str:
        return f"{self.question} has {self.choice}"


@dataclass(frozen=True)
class AtMost(_OfAnswer):
    """The answer is this amount or less, in Canadian dollars."""

    amount: Decimal

    def holds_for(self, answer: Answer) -> bool:
        return isinstance(answer, Decimal) and answer <= self.amount

    def __str__(self) -> str:
        return f"{self.question} at most {self.amount}"


@dataclass(frozen=True)
class Not:
    """The opposite value. Undetermined stays undetermined."""

    part: Condition

    def weigh(self, circumstances: Circumstances) -> Verdict:
        value, rests_on = self.part.weigh(circumstances)
        return Verdict(None if value is None else not value, rests_on)

    def terms(self) -> Iterator[Term]:
        yield from self.part.terms()

    def __str__(self) -> str:
        return f"not {_bracketed(self.part)}"


def _strongest(verdicts: list[Verdict], *, decisive: bool) -> Verdict:
    """The verdict of joined parts.

    Its value is `decisive` if any part has that value, else undetermined if any part is, else the opposite of
    `decisive`. It rests on the questions of exactly those parts that have the resulting value.
    """
    value: bool | None = not decisive
    for verdict in verdicts:
        if verdict.value is decisive:
            value = decisive
            break
        if verdict.value is None:
            value = None
    deciding = [verdict.rests_on for verdict in verdicts if verdict.value is value]
    return Verdict(value, deciding[0] if len(deciding) == 1 else _NOTHING.union(*deciding))


@dataclass(frozen=True)
class Either:
    """`or`: true if any part is true, false if all parts are false."""

    parts: tuple[Condition, ...]

    def weigh(self, circumstances: Circumstances) -> Verdict:
        return _strongest([part.weigh(circumstances) for part in self.parts], decisive=True)

    def terms(self) -> Iterator[Term]:
        for part in self.parts:
            yield from part.terms()

    def __str__(self) -> str:
        return " or ".join(_bracketed(part) for part in self.parts)


@dataclass(frozen=True)
class Every:
    """`and`: false if any part is false, true if all parts are true."""

    parts: tuple[Condition, ...]

    def weigh(self, circumstances: Circumstances) -> Verdict:
        return _strongest([part.weigh(circumstances) for part in self.parts], decisive=False)

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
    re.ASCII,  # rejects look-alike digits and spaces from other scripts
)
_WORDS = frozenset({"and", "or", "not", "is", "has", "at", "most", "always"})


@lru_cache(maxsize=1_000)
def parse(text: str) -> Condition:
    """Read `text` as a condition. The same text gives the same object.

    Raises ConditionError if the text is not a condition. This is quick even for hostile text, because length and
    depth are limited before anything is built.
    """
    if len(text) > MAX_LENGTH:
        raise ConditionError(f"the condition has {len(text)} characters; use at most {MAX_LENGTH}")
    return _Parser(text).parse()


class _Parser:
    """A recursive descent parser over at most MAX_LENGTH characters and MAX_DEPTH levels."""

    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[int, str]] = []
        at = 0
        while at < len(text):
            match = _TOKEN.match(text, at)
            if not match:
                raise ConditionError(
                    f"at character {at + 1}: {text[at : at + 12]!r} is not part of the language; "
                    "write names in lower case and amounts like 500.00"
                )
            if match.lastgroup != "space":
                self.tokens.append((at, match.group()))
            at = match.end()
        self.at = 0

    def parse(self) -> Condition:
        if not self.tokens:
            raise ConditionError("the condition is empty; write `always` for one that is always true")
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
                f"at character {place + 1}: more than {MAX_DEPTH} nested brackets or `not`s; "
                "define a part of this as a fact"
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
