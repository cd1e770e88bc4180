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
_SHORT_YEAR = re.compile(r"[0-9]{1,2}\s?[-/. ]\s?[0-9]{1,2}\s?[-/. ]\s?[0-9]{2}")


class NoDay(ValueError):
    """The typed text is not a day."""


class UnclearDay(NoDay):
    """The typed text may mean two days, lacks a year or is in no calendar. The message says what to enter."""


def read_typed_day(text: str) -> date:
    """Read a day: year first, with the month in letters, or in any order that can only be read in one way.

    Raises NoDay, and UnclearDay for a day such as 08/12/2026, 8/14/26 or 31 June 2026.
    """
    text = mended_line(text)
    folded, quoted = fold(text, accents=False), f"“{text[:40]}”"
    if match := _YEAR_FIRST.fullmatch(folded) or _TOGETHER.fullmatch(folded):
        days = {_day(*map(int, match.groups()))}
    elif match := _YEAR_LAST.fullmatch(folded):
        first, second, year = map(int, match.groups())
        days = {_day(year, second, first), _day(year, first, second)}
    elif _SHORT_YEAR.fullmatch(folded):
        raise UnclearDay(f"{quoted} needs a year of four digits, such as 2026")
    else:
        month, day, written_year = _in_words(folded)
        if not written_year:
            raise UnclearDay(f"{quoted} has no year. Add the year, such as 2026")
        if len(written_year) == 2:
            raise UnclearDay(f"{quoted} needs a year of four digits, such as 2026")
        days = {_day(int(written_year), month, day)}
    existing = sorted(each for each in days if each)
    if not existing:
        raise UnclearDay(
            f"There is no such day as {quoted}. Enter the date as year-month-day, such as 2026-08-21"
        )
    if len(existing) > 1:
        raise UnclearDay(f"{quoted} could mean two dates. Enter {existing[0]} or {existing[1]}")
    return existing[0]


def _in_words(folded: str) -> tuple[int, int, str]:
    """The month, the day and the year, which may be empty or short, as in “14 août 2026” or “Fri., Aug. 14th”."""
    month = day = None
    year = ""
    for word in re.findall(r"[a-z]+|[0-9]+(?:st|nd|rd|th|er|e)?\b|[^\s,.\-/]", folded):
        number = int(digits[0]) if (digits := re.match("[0-9]+", word)) else None
        is_weekday = len(word) >= 3 and any(name.startswith(word) for name in _WEEKDAYS)
        # “mar.” is Tuesday in French, and March in both languages.
        if word in ("le", "the", "of", "de") or (is_weekday and not _month(word)):
            continue
        if number is None:
            if month or not (month := _month(word)):
                raise NoDay(folded)
        elif len(word) == 4 and word.isdigit() and not year:
            year = word
        elif number <= 31 and day is None:
            day = number
        elif len(word) == 2 and month and not year:
            year = word
        else:
            raise NoDay(folded)
    if not (month and day):
        raise NoDay(folded)
    return month, day, year


def _month(word: str) -> int | None:
    """The number of a month, from its name or from three or more letters that begin no other month."""
    matches = {
        number
        for number, names in enumerate(_MONTHS, start=1)
        if any(name == word or (len(word) >= 3 and name.startswith(word)) for name in names)
    }
    return matches.pop() if len(matches) == 1 else None


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
