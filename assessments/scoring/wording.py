"""Dates and answers as people read them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from bulletin.encoding.conditions import UNSURE, Answer
from bulletin.encoding.schema import Edition

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July",
    "August", "September", "October", "November", "December",
)  # fmt: skip  # strftime would follow the machine's locale


def long_date(day: date) -> str:
    """`21 August 2026`."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def answer_in_words(edition: Edition, question_id: str, answer: Answer | None) -> str:
    """An answer as its question words it: a choice's label, an amount in dollars, a date in full."""
    words, question = edition.sheet.words, edition.question[question_id]
    match answer:
        case None:
            return "no answer yet"
        case str() if answer == UNSURE:
            return words.unsure
        case str() if question.kind == "ynu":
            return words.yes if answer == "yes" else words.no
        case str():
            return question.choices[answer]
        case Decimal():
            return f"${answer:,.2f}"
        case date():
            return long_date(answer)
        case tuple():
            return "; ".join(question.choices[choice] for choice in answer)
