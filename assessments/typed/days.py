"""Days as Canadians write them, in English and in French."""

from __future__ import annotations

import re
from datetime import date

from assessments.typed.folding import fold
from assessments.typed.mending import mended_line

_MONTHS = (
    ("january", "janvier"),
    ("february", "fevrier"),
    ("march", "mars"),
    ("april", "avril"),
    ("may", "mai"),
    ("june", "juin"),
    ("july", "juillet"),
    ("august", "aout"),
    ("september", "septembre", "sept"),
    ("october", "octobre"),
    ("november", "novembre"),
    ("december", "decembre"),
)
_WEEKDAYS = (
    *("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
    *("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
)
_YEAR_FIRST = re.compile(r"([0-9]{4})\s?[-/. ]\s?([0-9]{1,2})\s?[-/. ]\s?([0-9]{1,2})")
_TOGETHER = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_YEAR_LAST = re.compile(r"([0-9]{1,2})\s?[-/. ]\s?([0-9]{1,2})\s?[-/. ]\s?([0-9]{4})")


class NoDay(ValueError):
    """The typed text is not a day."""


class UnclearDay(NoDay):
    """The typed text may mean two days. The message says how to enter each."""


def read_typed_day(text: str) -> date:
    """Read a day: year first, with the month in letters, or in any order that can only be read in one way.

    Raises NoDay, and UnclearDay for a day such as 08/12/2026.
    """
    folded = fold(mended_line(text), accents=False)
    if match := _YEAR_FIRST.fullmatch(folded) or _TOGETHER.fullmatch(folded):
        return _day(*map(int, match.groups()))
    if match := _YEAR_LAST.fullmatch(folded):
        first, second, year = map(int, match.groups())
        days = sorted({day for day in (_or_none(year, second, first), _or_none(year, first, second)) if day})
        if not days:
            raise NoDay(text)
        if len(days) > 1:
            raise UnclearDay(f"“{mended_line(text)}” could mean two dates. Enter {days[0]} or {days[1]}")
        return days[0]
    return _in_words(folded)


def _in_words(folded: str) -> date:
    """A day with its month in letters, such as “14 août 2026” or “Fri., Aug. 14th, 2026”."""
    month = day = year = None
    for word in re.findall(r"[a-z]+|[0-9]+(?:st|nd|rd|th|er|e)?\b|[^\s,.\-/]", folded):
        number = int(digits[0]) if (digits := re.match("[0-9]+", word)) else None
        is_weekday = len(word) >= 3 and any(name.startswith(word) for name in _WEEKDAYS)
        # “mar.” is Tuesday in French, and March in both languages.
        if word in ("le", "the", "of", "de") or (is_weekday and not _month(word)):
            continue
        if number is None:
            if month or not (month := _month(word)):
                raise NoDay(folded)
        elif len(word) == 4 and word.isdigit() and year is None:
            year = number
        elif number <= 31 and day is None:
            day = number
        else:
            raise NoDay(folded)
    if not (month and day and year):
        raise NoDay(folded)
    return _day(year, month, day)


def _month(word: str) -> int | None:
    """The number of a month, from its name or from three or more letters that begin no other month."""
    matches = {
        number
        for number, names in enumerate(_MONTHS, start=1)
        if any(name == word or (len(word) >= 3 and name.startswith(word)) for name in names)
    }
    return matches.pop() if len(matches) == 1 else None


def _day(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise NoDay(f"{year}-{month}-{day}") from None


def _or_none(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
