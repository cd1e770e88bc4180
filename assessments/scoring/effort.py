"""How long the rest of a self-check takes."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil

from bulletin.encoding.filling import sentences_of
from bulletin.encoding.schema import Question

from .advisory import Advisory

WORDS_A_MINUTE = 200
"""How many words a person reads carefully on a screen."""
SECONDS_AN_ANSWER = 6
"""The time to decide on an answer and give it."""


def minutes_left(advisory: Advisory) -> int:
    """About how many minutes it takes to read and answer the unanswered questions, rounded up.

    A question that may yet come to be asked counts half. Without any answers, this is the time that the whole takes.
    """
    question = advisory.edition.question
    now = _minutes(question[name] for name in advisory.unanswered)
    return ceil(now + _minutes(question[name] for name in advisory.pending) / 2)


def _minutes(questions: Iterable[Question]) -> float:
    """The minutes for the words that everyone reads, with the first sentence of the hint, and for the answers."""
    texts = [f"{q.asks} {sentences_of(q.hint)[0]} {' '.join(q.choices.values())}" for q in questions]
    words = sum(len(text.split()) for text in texts)
    return words / WORDS_A_MINUTE + len(texts) * SECONDS_AN_ANSWER / 60
