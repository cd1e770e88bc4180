"""Dates and answers in words."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from bulletin.encoding.conditions import UNSURE, Answer
from bulletin.encoding.elections import Election
from bulletin.encoding.filling import filled
from bulletin.encoding.schema import Edition, Question

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July",
    "August", "September", "October", "November", "December",
)  # fmt: skip  # strftime would use the machine's locale


def long_date(day: date) -> str:
    """A date like `21 August 2026`."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def election_in_words(election: Election) -> str:
    """An election as a sentence names it: `the City by-election of 8 March 2027`, if its voting day is known."""
    day = election.voting_day if election.undated else None
    return f"the {election.name} of {long_date(day)}" if day else f"the {election.name}"


def in_election(question: Question, election: Election) -> Question:
    """A question with the election and its days filled in. A sentence with a day that is not known is left out."""
    texts = {name: getattr(question, name) for name in ("asks", "hint", "example")}
    first, last = election.nominations_open, election.nominations_close
    values = {
        "election": election_in_words(election),
        "nominations": f"{long_date(first)} to {long_date(last)}" if first and last else "",
        "campaign_ends": long_date(election.campaign_ends) if election.campaign_ends else "",
    }
    new = {name: filled(text, values) or None for name, text in texts.items() if text and "{" in text}
    return question.model_copy(update=new) if new else question


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


def change_in_words(edition: Edition, change: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """The words of each changed answer, as they follow “This point is settled once”.

    Like `you know the platform's terms of use`.
    """
    return tuple(edition.question[question].changed[value] for question, value in change)
