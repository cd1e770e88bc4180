"""Answers that cannot all be right. They are pointed out beside their questions, and block nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from bulletin.encoding.conditions import Answer, Circumstances
from bulletin.encoding.elections import Election
from bulletin.encoding.filling import filled
from bulletin.encoding.schema import Edition

from .wording import election_in_words, long_date


class Contradiction(NamedTuple):
    """What to say beside each of some questions. `is_of_election`: the election or its dates may be what is wrong."""

    questions: tuple[str, ...]
    text: str
    is_of_election: bool = False


AFTER_VOTE = "You entered {date} as your filing date. That is after voting day of {election}."
"""The note for an edition that has no words for a filing date after the voting day of a by-election."""


def questioned(
    edition: Edition, answers: Mapping[str, Answer], election: Election
) -> tuple[tuple[str, str], ...]:
    """The filing date, if it is outside the nomination days of the election, with the reason.

    A by-election has no nomination days here; its filing date cannot come after its voting day.
    """
    filing = answers.get(edition.sheet.timing.filing)
    if not isinstance(filing, date):
        return ()
    first, last = election.nominations_open, election.nominations_close or election.voting_day
    if first is None and election.nominations_close and edition.sheet.engine > 1:
        # Ontario's nominations open on the first of May of the year; the calendar waits for the Clerk to confirm it.
        first = date(election.nominations_close.year, 5, 1)
    if (first is None or first <= filing) and (last is None or filing <= last):
        return ()
    days = [f"from {long_date(first)}"] if first else []
    days += [f"{'to' if first else 'until'} {long_date(last)}"] if last else []
    words = {"date": long_date(filing), "days": " ".join(days), "election": election_in_words(election)}
    after_vote = edition.sheet.after_vote_note or AFTER_VOTE
    note = after_vote if election.undated else edition.sheet.filing_note
    return ((edition.sheet.timing.filing, filled(note, words)),)


def contradictions(
    edition: Edition, situation: Circumstances, election: Election, *, as_of: date
) -> tuple[Contradiction, ...]:
    """Everything in the answers that count that cannot be right, in the edition's order."""
    sheet = edition.sheet
    points = [
        Contradiction(contradiction.questions, contradiction.says)
        for contradiction in sheet.contradictions
        if contradiction.when.weigh(situation).value
    ]
    voted = election.voting_day is not None and as_of > election.voting_day
    if sheet.vote_note and voted and sheet.timing.wished.weigh(situation).value and election.voting_day:
        words = {"date": long_date(election.voting_day), "election": election_in_words(election)}
        wish = tuple(edition.questions_behind(sheet.timing.wished))
        points.append(Contradiction(wish, filled(sheet.vote_note, words), is_of_election=True))
    points += [
        Contradiction((question,), why, is_of_election=True)
        for question, why in questioned(edition, situation.answers, election)
    ]
    return tuple(points)
