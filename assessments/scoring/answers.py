"""Read answers of each kind, and say what is wrong with an invalid answer."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from bulletin.encoding.conditions import UNSURE, Answer
from bulletin.encoding.nearest import nearest
from bulletin.encoding.schema import MAX_AMOUNT, Question

MAX_NOTE = 2_000
"""Characters in a note."""

_AMOUNT = re.compile(r"[0-9]{1,7}(\.[0-9]+)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class AnswerError(ValueError):
    """A value is not a valid answer to its question. The message says what would be."""


def read_answer(question: Question, value: Any) -> Answer | None:
    """Read `value`, from JSON, as the answer to `question`. None means no answer.

    Amounts are returned with two decimals and choices in the question's order, so that equal answers compare equal.
    Raises AnswerError.
    """
    if isinstance(value, str) and value in question.whole_answers:
        return value
    if value is None or (question.kind == "choices" and value == []):
        return None
    match question.kind:
        case "ynu" | "choice":
            raise _not_a_choice(question, value)
        case "choices":
            return _chosen(question, value)
        case "date":
            return read_day(value)
        case "money":
            return _amount(value)


def _or_unsure(question: Question, words: list[str]) -> str:
    words = [*words, UNSURE] if question.may_be_unsure else words
    return f"{', '.join(words[:-1])} or {words[-1]}"


def _not_a_choice(question: Question, value: Any) -> AnswerError:
    hint = nearest(value, question.values) if isinstance(value, str) else ""
    return AnswerError(f"the answer is one of {_or_unsure(question, list(question.values))}{hint}")


def _chosen(question: Question, value: Any) -> tuple[str, ...]:
    known = question.values
    if not isinstance(value, list):
        raise AnswerError(
            f"the answer is a list of {', '.join(known)}"
            + (", or unsure on its own" if question.unsure else "")
        )
    for choice in value:
        if choice == UNSURE and question.unsure:
            raise AnswerError(f'"{UNSURE}" goes alone; write it instead of the list')
        if not isinstance(choice, str) or choice not in known:
            hint = nearest(choice, known) if isinstance(choice, str) else ""
            raise AnswerError(f"{shown(choice)} is not one of {', '.join(known)}{hint}")
    return tuple(choice for choice in known if choice in value)


def read_day(value: Any) -> date:
    """Read a date like 2026-08-21. Raises AnswerError."""
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise AnswerError("this day does not exist; write a date such as 2026-08-21") from None
    raise AnswerError("not a date; write one such as 2026-08-21")


def _amount(value: Any) -> Decimal:
    wrong = AnswerError("enter an amount from 0 to 1,000,000.00 dollars, such as 620.00, or unsure")
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise wrong
    if isinstance(value, str) and not _AMOUNT.fullmatch(value):
        raise wrong
    try:
        amount = value if isinstance(value, Decimal) else Decimal(str(value))
    except InvalidOperation:
        raise wrong from None
    if not amount.is_finite() or not 0 <= amount <= MAX_AMOUNT:
        raise wrong
    exponent = amount.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -2:
        raise AnswerError("the answer has at most two decimals, like 620.00")
    return abs(amount.quantize(Decimal("0.01")))


def too_long(text: str, *, longest: int) -> str | None:
    """The fault of a text with too many characters, or None."""
    if len(text) <= longest:
        return None
    return f"use at most {longest:,} characters; this text has {len(text):,}"


def plain(text: str) -> str:
    """A text as a message can show it: short, on one line, and without invisible characters."""
    cut = text if len(text) <= 60 else f"{text[:57]}..."
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in cut)


def shown(value: Any) -> str:
    """A value as a message can show it: short, on one line, and without invisible characters."""
    match value:
        case str():
            return '"' + plain(value).replace('"', '\\"') + '"'
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case list():
            return "a list"
        case dict():
            return "an object"
        case _:
            text = str(value)
            return text if len(text) <= 60 else f"{text[:57]}..."
