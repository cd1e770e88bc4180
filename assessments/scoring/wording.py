"""Dates and answers in words."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from bulletin.encoding.conditions import UNSURE, Answer
from bulletin.encoding.schema import Edition, Question

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July",
    "August", "September", "October", "November", "December",
)  # fmt: skip  # strftime would use the machine's locale


def long_date(day: date) -> str:
    """A date like `21 August 2026`."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def choice_words(edition: Edition, question: Question) -> dict[str, str]:
    """The label of each choice of a question. “I'm not sure” is last, if the question allows it."""
    words = edition.sheet.words
    labels = {"yes": words.yes, "no": words.no} if question.kind == "ynu" else dict(question.choices)
    return {**labels, UNSURE: words.unsure} if question.may_be_unsure else labels


def answer_in_words(edition: Edition, question_id: str, answer: Answer | None) -> str:
    """An answer in words: the labels of choices, an amount in dollars, or a date in full."""
    question = edition.question[question_id]
    match answer:
        case None:
            return "no answer yet"
        case str():
            return choice_words(edition, question)[answer]
        case Decimal():
            return f"${answer:,.2f}"
        case date():
            return long_date(answer)
        case tuple():
            return "; ".join(question.choices[choice] for choice in answer)
