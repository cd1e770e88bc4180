"""The election calendar. It is no part of an edition: bulletins name one election at most, and terms go on."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

from pydantic import Field

from .checks import check_unique_ids
from .schema import Day, Id, Line, Strict, Text
from .source import Source

DAYS_AFTER_BY_ELECTION = 45
"""How long the campaign period of a by-election goes on after its voting day (Municipal Elections Act, s. 88.24)."""


class Election(Strict):
    """One municipal election. Its dates are days in Toronto.

    An election without a voting day in the calendar, such as a by-election, has the dates that a self-check gives.
    `given` says that a person gave the end of the campaign period.
    """

    id: Id
    name: Line
    nominations_open: Day | None = None
    nominations_close: Day | None = None
    voting_day: Day | None = None
    campaign_ends: Day | None = None
    confirmed: bool
    source: Text
    last_confirmed: Day
    note: Text
    undated: bool = False
    given: bool = False

    def is_over(self, day: date) -> bool:
        """Whether the campaign period has ended. It has not if nobody has given its end."""
        return self.campaign_ends is not None and day > self.campaign_ends

    def with_dates(self, *, voting_day: date | None = None, campaign_ends: date | None = None) -> Election:
        """This election with the days that a person gives. Only an undated election takes a voting day."""
        days: dict[str, object] = {}
        if voting_day and self.undated:
            # The calendar ends with the year 9999.
            days_after = min(DAYS_AFTER_BY_ELECTION, (date.max - voting_day).days)
            ends = voting_day + timedelta(days=days_after)
            days |= {"voting_day": voting_day, "campaign_ends": ends}
        if campaign_ends:
            days |= {"campaign_ends": campaign_ends, "given": True}
        return self.model_copy(update=days) if days else self


class Calendar(Strict):
    """The elections, earliest first."""

    elections: tuple[Election, ...] = Field(min_length=1)

    def get(self, election_id: str) -> Election | None:
        return next((election for election in self.elections if election.id == election_id), None)

    def default_for(self, day: date) -> Election:
        """The first dated election whose campaign period ends on or after `day`, or the last one if none does."""
        dated = [election for election in self.elections if not election.undated]
        return next((election for election in dated if not election.is_over(day)), dated[-1])


def check_elections(source: Source, elections: tuple[Election | None, ...]) -> None:
    """Record elections that are out of order, and dates that are missing, or out of order within an election."""
    check_unique_ids(source, source.content, ())
    before: Election | None = None
    for at, election in enumerate(elections):
        if election is None:
            continue
        if election.given:
            source.fault((at, "given"), "people enter this on a self-check; remove it")
        _check_days(source, at, election)
        if election.undated or election.campaign_ends is None:
            continue
        if before and before.campaign_ends and election.campaign_ends <= before.campaign_ends:
            message = f"list the earliest election first; this one does not end after {before.id}"
            source.fault((at, "campaign_ends"), message)
        before = election
    if elections and all(election.undated for election in elections if election):
        source.fault((), "at least one election must have dates")


def _check_days(source: Source, at: int, election: Election) -> None:
    days = [
        ("nominations_open", election.nominations_open),
        ("nominations_close", election.nominations_close),
        ("voting_day", election.voting_day),
        ("campaign_ends", election.campaign_ends),
    ]
    known = [(key, day) for key, day in days if day]
    if election.undated and known:
        source.fault((at, known[0][0]), "an undated election has no dates; each self-check gives its own")
    for (earlier, first), (later, second) in pairwise(known):
        if second < first:
            source.fault((at, later), f"{second} is before {earlier} ({first}); it must come after")
    for key, day in days:
        if day is None and key != "nominations_open" and not election.undated:
            source.fault((at, key), "this key is missing")
