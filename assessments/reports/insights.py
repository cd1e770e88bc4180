"""What shares come to together, for the annual report: counts, and bars that print and pass the policy of pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from statistics import median

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

FEW = 5
"""Counts below this are not told where the report leaves the office: so few could be known again."""
FEWER = f"fewer than {FEW}"
BAR, GAP, LABELS, WIDTH = 22, 8, 250, 640
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
    """How long requests for advice took to be answered."""

    asked: int
    waiting: int
    median: timedelta | None
    longest: timedelta | None

    @property
    def words(self) -> str:
        if not self.asked:
            return "No advice was asked for."
        told = [f"Advice was asked for {_times(self.asked)}; {self.waiting} of these wait for an answer."]
        if self.median is not None and self.longest is not None:
            told.append(f"Half were answered within {_long(self.median)}, all within {_long(self.longest)}.")
        return " ".join(told)


def answering(took: Sequence[timedelta], *, waiting: int) -> Answering:
    """From how long each answer took, and how many there are still to come."""
    if not took:
        return Answering(waiting, waiting, None, None)
    middle = timedelta(seconds=median(span.total_seconds() for span in took))
    return Answering(len(took) + waiting, waiting, middle, max(took))


@dataclass(frozen=True)
class Insights:
    """All that is told of some shares."""

    period: str
    shares: int | None
    withdrawn: int | None
    tables: tuple[Table, ...]
    answering: str

    @property
    def count_words(self) -> str:
        shares, withdrawn = Row("", self.shares).told, Row("", self.withdrawn).told
        return f"Shared and standing: {shares}. Withdrawn, and counted nowhere else: {withdrawn}."


def rounded(insights: Insights) -> Insights:
    """The same with counts under five left out, in a way that none can be worked out from the others.

    Where one count of a table that adds up is left out, the next smallest is left out as well: it could be had by
    taking away the others from the whole.
    """
    return replace(
        insights,
        shares=_rounded(insights.shares),
        withdrawn=_rounded(insights.withdrawn),
        tables=tuple(replace(one, rows=_hidden(one.rows)) for one in insights.tables),
        answering="" if insights.shares is None or insights.shares < FEW else insights.answering,
    )


def _rounded(count: int | None) -> int | None:
    # None at all is nobody's secret.
    return None if count is not None and 0 < count < FEW else count


def _hidden(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    hidden = {row.label for row in rows if row.count and row.count < FEW}
    told = sorted(
        (row for row in rows if row.count and row.label not in hidden), key=lambda row: row.count or 0
    )
    if len(hidden) == 1 and told:
        hidden.add(told[0].label)
    return tuple(replace(row, count=None) if row.label in hidden else row for row in rows)


def table(title: str, of: str, says: str, counts: Mapping[str, int], labels: Mapping[str, str]) -> Table:
    """A table of counts in the order of their labels; what has no label comes last, by its own name."""
    keys = [*(key for key in labels if counts.get(key)), *(key for key in counts if key not in labels)]
    return Table(title, of, says, tuple(Row(labels.get(key, key), counts[key]) for key in keys))


def _short(label: str) -> str:
    return label if len(label) <= 34 else f"{label[:33]}…"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _long(span: timedelta) -> str:
    hours = span.total_seconds() / 3_600
    if hours < 1:
        return "an hour"
    if hours < 48:
        return f"{round(hours)} hours"
    return f"{round(hours / 24)} days"
