"""What shares come to together, for the annual report: counts, and bars that print and pass the policy of pages."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from statistics import median

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

FEW = 5
"""Where the report leaves the office, counts are rounded to multiples of this, and smaller ones are not told: so few
could be known again."""
FEWER = f"fewer than {FEW}"
BAR, GAP, LABELS, WIDTH = 22, 8, 310, 600
"""Pixels of a chart: a bar, the gap under it, the room for labels, and all of it."""


@dataclass(frozen=True)
class Row:
    """Something that is counted; `count` is None where it is not told."""

    label: str
    count: int | None

    @property
    def told(self) -> str:
        return FEWER if self.count is None else f"{self.count:,}"


@dataclass(frozen=True)
class Table:
    """Counts of one kind, with what they are of, and their sum where it is told."""

    title: str
    of: str
    says: str
    rows: tuple[Row, ...]

    @property
    def is_empty(self) -> bool:
        return not self.rows

    @property
    def chart(self) -> SafeString:
        """The counts as bars. Whoever cannot see them has the table beside it, and a title that says so."""
        most = max((row.count or 0 for row in self.rows), default=0) or 1
        height = len(self.rows) * (BAR + GAP) + GAP
        room = WIDTH - LABELS - 60
        bars = format_html_join(
            "",
            '<text x="{}" y="{}" text-anchor="end" font-size="14" fill="currentColor">{}</text>'
            '<rect x="{}" y="{}" width="{}" height="{}" fill="currentColor" fill-opacity="{}"/>'
            '<text x="{}" y="{}" font-size="14" fill="currentColor">{}</text>',
            (
                (
                    LABELS - 8,
                    y + 16,
                    _short(row.label),
                    LABELS,
                    y,
                    (width := max(1, round(room * (row.count or 0) / most))),
                    BAR,
                    "0.25" if row.count is None else "0.75",
                    LABELS + width + 8,
                    y + 16,
                    "<5" if row.count is None else f"{row.count:,}",
                )
                for row, y in ((row, GAP + at * (BAR + GAP)) for at, row in enumerate(self.rows))
            ),
        )
        return format_html(
            '<svg class="chart" viewBox="0 0 {} {}" role="img" xmlns="http://www.w3.org/2000/svg">'
            "<title>Bars for: {}. The table says the same.</title>{}</svg>",
            WIDTH,
            height,
            self.title,
            bars,
        )


@dataclass(frozen=True)
class Answering:
    """How long requests for advice took to be answered; `half` and `all` are of those that were."""

    asked: Row
    waiting: Row
    answered: Row
    half: timedelta | None
    all: timedelta | None

    @property
    def words(self) -> str:
        if self.asked.count == 0:
            return "No advice was asked for."
        told = [f"Requests for advice: {self.asked.told}. Of these wait for an answer: {self.waiting.told}."]
        if self.half is not None:
            times = f"half were answered within {_long(self.half)}"
            if self.all is not None:
                times += f", all within {_long(self.all)}"
            told.append(f"Of those that were answered ({self.answered.told}), {times}.")
        return " ".join(told)


def answering(took: Sequence[timedelta], *, waiting: int) -> Answering:
    """From how long each answer took, and how many there are still to come."""
    asked, wait, answered = Row("", len(took) + waiting), Row("", waiting), Row("", len(took))
    if not took:
        return Answering(asked, wait, answered, None, None)
    middle = timedelta(seconds=median(span.total_seconds() for span in took))
    return Answering(asked, wait, answered, middle, max(took))


@dataclass(frozen=True)
class Insights:
    """All that is told of some shares; how many were withdrawn only where it can be known."""

    period: str
    shares: Row
    withdrawn: Row | None
    tables: tuple[Table, ...]
    answering: Answering

    @property
    def count_words(self) -> str:
        words = f"Shared and standing: {self.shares.told}."
        if self.withdrawn is not None:
            words += f" Withdrawn, and counted nowhere else: {self.withdrawn.told}."
        return words


def rounded(insights: Insights) -> Insights:
    """The same for people outside of the office: each count to the nearest five, and none that is smaller.

    Rounded counts do not add up, so that what is not told cannot be had by taking the others away. The longest time
    is one person's, and is left out; half of the times too, where there are few.
    """
    times = insights.answering
    few = times.answered.count is None or times.answered.count < FEW
    return replace(
        insights,
        shares=_rounded(insights.shares),
        withdrawn=_rounded(insights.withdrawn) if insights.withdrawn else None,
        tables=tuple(replace(one, rows=tuple(map(_rounded, one.rows))) for one in insights.tables),
        answering=Answering(
            _rounded(times.asked),
            _rounded(times.waiting),
            _rounded(times.answered),
            None if few else times.half,
            None,
        ),
    )


def _rounded(row: Row) -> Row:
    # None at all is nobody's secret.
    if not row.count:
        return row
    return replace(row, count=None if row.count < FEW else FEW * ((row.count + FEW // 2) // FEW))


def table(title: str, of: str, says: str, counts: Mapping[str, int], labels: Mapping[str, str]) -> Table:
    """A table of counts in the order of their labels; what has no label comes last, by its own name."""
    keys = [*(key for key in labels if counts.get(key)), *(key for key in counts if key not in labels)]
    return Table(title, of, says, tuple(Row(labels.get(key, key), counts[key]) for key in keys))


def _short(label: str) -> str:
    return label if len(label) <= 45 else f"{label[:44]}…"


def _long(span: timedelta) -> str:
    """A time in words that is no shorter than it."""
    hours = math.ceil(span.total_seconds() / 3_600)
    if hours <= 1:
        return "an hour"
    return f"{hours} hours" if hours < 48 else f"{math.ceil(hours / 24)} days"
