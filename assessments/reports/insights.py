"""A summary of many shares for the annual report: counts, with bars that print and obey the pages' CSP."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from statistics import median

FEW = 5
"""In a report that leaves the office, counts are rounded to multiples of this and smaller counts are hidden, since
members could be recognized from them."""
FEWER = f"fewer than {FEW}"


@dataclass(frozen=True)
class Row:
    """A count and its label; `count` is None if it is hidden because it is small."""

    label: str
    count: int | None

    @property
    def count_text(self) -> str:
        return FEWER if self.count is None else f"{self.count:,}"


@dataclass(frozen=True)
class ShownRow:
    """A row as a page or a PDF shows it. `bar` is the length of its bar in twentieths of the longest; 0 for none."""

    label: str
    count_text: str
    bar: int


@dataclass(frozen=True)
class Table:
    """Counts of shares. `heading` is above the labels, `explanation` says how the shares were counted."""

    title: str
    heading: str
    explanation: str
    rows: tuple[Row, ...]

    @property
    def shown(self) -> list[ShownRow]:
        """The rows, each with a bar in proportion to its count. A hidden count has none."""
        largest = max((row.count or 0 for row in self.rows), default=0) or 1
        bars = (max(1, round(20 * row.count / largest)) if row.count else 0 for row in self.rows)
        return [ShownRow(row.label, row.count_text, bar) for row, bar in zip(self.rows, bars, strict=True)]


@dataclass(frozen=True)
class AnswerTimes:
    """How long the office took to answer requests for advice.

    `asked` counts all requests, `waiting` those that need an answer, `closed` those that were dealt with without one.
    `middle` (the median) and `longest` are times
    of those that were answered; each is None if there is no such request, or if the time is hidden.
    """

    asked: Row
    waiting: Row
    closed: Row
    answered: Row
    middle: timedelta | None
    longest: timedelta | None

    @property
    def words(self) -> str:
        if self.asked.count == 0:
            return "No member asked for advice."
        sentences = [f"Requests for advice: {self.asked.count_text}."]
        sentences.append(f"Waiting for a reply: {self.waiting.count_text}.")
        if self.closed.count != 0:
            sentences.append(f"Dealt with, no reply: {self.closed.count_text}.")
        if self.middle is None:
            return " ".join(sentences)
        answered, middle = self.answered.count_text, _duration_words(self.middle)
        longest = _duration_words(self.longest) if self.longest is not None else ""
        if self.answered.count == 1:
            sentences.append(f"Replied to: 1, within {middle}.")
        elif middle == longest:
            sentences.append(f"Replied to: {answered}, all within {longest}.")
        else:
            sentences.append(f"Replied to: {answered}. Half of the replies came within {middle}.")
            if longest:
                sentences.append(f"All replies came within {longest}.")
        return " ".join(sentences)


def answer_times(durations: Sequence[timedelta], *, waiting: int, closed: int = 0) -> AnswerTimes:
    """The times to answer: `durations` has one for each answered request, `waiting` and `closed` count the others."""
    answered = len(durations)
    rows = Row("", answered + waiting + closed), Row("", waiting), Row("", closed), Row("", answered)
    if not durations:
        return AnswerTimes(*rows, None, None)
    middle = timedelta(seconds=median(duration.total_seconds() for duration in durations))
    return AnswerTimes(*rows, middle, max(durations))


@dataclass(frozen=True)
class Insights:
    """The counts of a selection of shares; `withdrawn` is None if the selection cannot count withdrawn shares."""

    period: str
    shares: Row
    withdrawn: Row | None
    tables: tuple[Table, ...]
    answer_times: AnswerTimes

    @property
    def filled_tables(self) -> tuple[Table, ...]:
        """The tables that have rows."""
        return tuple(table for table in self.tables if table.rows)

    @property
    def count_words(self) -> str:
        words = f"Shares counted: {self.shares.count_text}."
        if self.withdrawn is not None:
            words += f" Withdrawn shares, not counted: {self.withdrawn.count_text}."
        return words


def rounded(insights: Insights) -> Insights:
    """The same insights for people outside the office: counts rounded to the nearest five, smaller ones hidden.

    Rounded counts do not add up, so a hidden count cannot be found by subtracting the others from a sum. The longest
    time to answer belongs to one request and is left out; so is the median if few requests were answered.
    """
    times = insights.answer_times
    is_few = times.answered.count is None or times.answered.count < FEW
    return replace(
        insights,
        shares=_rounded(insights.shares),
        withdrawn=_rounded(insights.withdrawn) if insights.withdrawn else None,
        tables=tuple(replace(table, rows=tuple(map(_rounded, table.rows))) for table in insights.tables),
        answer_times=AnswerTimes(
            _rounded(times.asked),
            _rounded(times.waiting),
            _rounded(times.closed),
            _rounded(times.answered),
            None if is_few else times.middle,
            None,
        ),
    )


def _rounded(row: Row) -> Row:
    # Zero reveals nothing about anybody.
    if not row.count:
        return row
    return replace(row, count=None if row.count < FEW else FEW * ((row.count + FEW // 2) // FEW))


def counts_table(
    title: str, heading: str, explanation: str, counts: Mapping[str, int], labels: Mapping[str, str]
) -> Table:
    """A table of counts in the order of their labels; keys without a label come last, under their own names."""
    keys = [*(key for key in labels if counts.get(key)), *(key for key in counts if key not in labels)]
    return Table(title, heading, explanation, tuple(Row(labels.get(key, key), counts[key]) for key in keys))


def _duration_words(duration: timedelta) -> str:
    """A duration in words, rounded up to a whole hour, or to a whole day from two days on."""
    hours = math.ceil(duration.total_seconds() / 3_600)
    if hours <= 1:
        return "an hour"
    return f"{hours} hours" if hours < 48 else f"{math.ceil(hours / 24)} days"
