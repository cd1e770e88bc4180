"""Moments in the form that people read: in Toronto's time, with the zone."""

from __future__ import annotations

from datetime import date, datetime, time

from django.utils import timezone

from assessments.scoring.wording import long_date


def moment_in_words(moment: datetime) -> str:
    """A moment in a sentence or a document, such as “29 November 2026, 21:30 EST”."""
    local = timezone.localtime(moment)
    return f"{long_date(local.date())}, {local:%H:%M %Z}"


def moment_in_table(moment: datetime) -> str:
    """A moment in a table for people, such as “2026-11-29 21:30 EST”."""
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M %Z}"


def time_in_table(moment: datetime) -> str:
    """The time of day of a moment in a table for people, such as “21:30 EST”."""
    return f"{timezone.localtime(moment):%H:%M %Z}"


def moment_in_json(moment: datetime) -> str:
    """A moment for programs: in Toronto's time, with the offset from UTC."""
    return timezone.localtime(moment).isoformat()


def day_in_pdf(day: date) -> str:
    """A day as the date of a document: the beginning of the day in Toronto, with its offset from UTC."""
    return timezone.make_aware(datetime.combine(day, time.min)).isoformat()
