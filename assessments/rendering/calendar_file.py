"""The dates of an advisory as a calendar file (iCalendar, RFC 5545).

PURE: it reads no clock. Equal input gives equal bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal
from uuid import NAMESPACE_URL, uuid5

from icalendar import Calendar, Event

from assessments.rendering.projection import Projection
from assessments.scoring.advisory import Advisory

PRODUCT = "-//Social media self-check//Dates of an advisory//EN"
LASTING = "until_campaign_ends"
"""The deadline of what holds until the campaign period ends."""
FIRST_SEQUENCE = datetime(2020, 1, 1, tzinfo=UTC)
"""The moment that SEQUENCE counts seconds from. Seconds since 1970 would outgrow its 32 bits in 2038."""


@dataclass(frozen=True)
class DatedEntry:
    """One thing to do, or one point to raise, by a day; or all that holds until a day.

    The rule and the kind name it, so that it is the same one after its day has moved.
    """

    kind: Literal["contact", "act", "until"]
    rule: str
    day: date
    title: str
    details: str

    @property
    def key(self) -> str:
        return f"{self.kind}-{self.rule}"


def dated_entries(advisory: Advisory, projection: Projection) -> tuple[DatedEntry, ...]:
    """The points to raise and the things to do that an advisory gives a day for, as it lists them.

    The last is what the member is to do until the campaign period ends: one entry, on its last day.
    """
    closing = f"From the self-check of {projection.as_of_text}."
    if projection.account:
        closing = f"From the self-check of {projection.subject}, {projection.as_of_text}."
    acts = tuple(_acts(advisory, projection, closing))
    # Where the thing to do is to contact the Commissioner, one entry says so.
    contacts = (c for c in _contacts(advisory, projection, closing) if c.rule not in {a.rule for a in acts})
    return (*contacts, *acts, *_until(advisory, projection, closing))


def _contacts(advisory: Advisory, projection: Projection, closing: str) -> Iterable[DatedEntry]:
    filing = advisory.answers.get(advisory.edition.sheet.timing.filing)
    # A contact is due before the filing only while that day is known and ahead.
    due = {finding.rule.id for finding in advisory.contacts if finding.contact == "before_filing"}
    if isinstance(filing, date):
        for group in projection.contacts:
            for item, about in group.items:
                if item.rule in due:
                    title = f"Contact the Integrity Commissioner about {item.citation}"
                    details = f"{group.when}. Discuss {about}. {closing}"
                    yield DatedEntry("contact", item.rule, filing, title, details)


def _acts(advisory: Advisory, projection: Projection, closing: str) -> Iterable[DatedEntry]:
    due = {deadline.rule.id: deadline.due for deadline in advisory.deadlines}
    for group in projection.acts:
        for act in group.acts:
            day = due.get(act.rules[0]) if act.is_to_do else None
            if day:
                when = act.due or f"{group.heading}."
                details = f"{when} {act.citation}. {closing}"
                yield DatedEntry("act", act.rules[0], day, act.text, details)


def _until(advisory: Advisory, projection: Projection, closing: str) -> Iterable[DatedEntry]:
    end = advisory.election.campaign_ends
    # Editions for the first engine give these a day each, so `_acts` has them.
    lasting = {d.rule.id for d in advisory.deadlines if d.rule.deadline == LASTING and d.due is None}
    acts = [act for act in projection.acts_to_do if act.rules[0] in lasting]
    if end is None or end < advisory.as_of or not acts:
        return
    count = f"{len(acts)} things to do" if len(acts) > 1 else acts[0].text
    what = "; ".join(f"{act.text} ({act.citation})" for act in acts)
    details = f"The campaign period ends today. Until then: {what}. {closing}"
    yield DatedEntry("until", LASTING, end, f"Last day: {count}", details)


def calendar_file(
    entries: Iterable[DatedEntry],
    cancelled: Iterable[DatedEntry] = (),
    *,
    source: str,
    revised_at: datetime,
) -> bytes:
    """The entries as events of whole days, and `cancelled` as events that are cancelled.

    `source` is an address that names the account or the self-check: with an entry's key it makes the event's UID. A
    calendar replaces an event by one with the same UID and a higher SEQUENCE, which `revised_at` gives.
    """
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    for status, of_status in (("CONFIRMED", entries), ("CANCELLED", cancelled)):
        for entry in of_status:
            calendar.add_component(_event(entry, status, source, revised_at))
    return bytes(calendar.to_ical())


def _event(entry: DatedEntry, status: str, source: str, revised_at: datetime) -> Event:
    event = Event()
    # Hashed, so that a calendar that shows UIDs does not show which rules a self-check is about.
    event.add("uid", str(uuid5(NAMESPACE_URL, f"{source}#{entry.key}")))
    event.add("sequence", int((revised_at - FIRST_SEQUENCE).total_seconds()))
    event.add("dtstamp", revised_at.astimezone(UTC).replace(microsecond=0))
    # A date without a time, and so without a time zone: it is the day in Toronto wherever the calendar is opened.
    event.add("dtstart", entry.day)
    event.add("summary", entry.title)
    event.add("description", entry.details)
    event.add("status", status)
    # It does not make the day look busy.
    event.add("transp", "TRANSPARENT")
    return event
