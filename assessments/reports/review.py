"""A draft as people review it: answers, the findings that rest on them, and what was said of both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from assessments.models import AnswerRow, Comment, Thread, User
from assessments.reports.draft import DraftState
from assessments.reports.projection import Item, Tone
from assessments.scoring.wording import answer_in_words
from bulletin.encoding.conditions import UNSURE
from bulletin.encoding.schema import Question

PRESSING: frozenset[Tone] = frozenset({"contact", "action", "improvement"})
"""The tones of findings that ask for something."""


@dataclass(frozen=True)
class Told:
    """A thread with its comments, the oldest first, and whether something in it is new."""

    thread: Thread
    comments: Sequence[Comment]
    is_new: bool

    @property
    def is_open(self) -> bool:
        return self.thread.resolved_at is None


@dataclass(frozen=True)
class Row:
    """A question that is asked: what was answered, what rests on it, and what was said of it."""

    question: Question
    answer: str
    row: AnswerRow | None
    findings: tuple[Item, ...]
    threads: tuple[Told, ...]
    is_unsure: bool
    is_new: bool

    @property
    def pressing(self) -> tuple[Item, ...]:
        """The findings that ask for something."""
        return tuple(item for item in self.findings if item.tone in PRESSING)

    @property
    def quiet(self) -> tuple[Item, ...]:
        """The others."""
        return tuple(item for item in self.findings if item.tone not in PRESSING)

    def passes(self, filters: set[str]) -> bool:
        """Whether it shows under all of the filters."""
        told = {
            "changed": self.is_new or any(one.is_new for one in self.threads),
            "unsure": self.is_unsure,
            "action": bool(self.pressing),
            "open": any(one.is_open for one in self.threads),
        }
        return all(told[name] for name in filters)


@dataclass(frozen=True)
class Review:
    """All that the review page shows."""

    rows: tuple[Row, ...]
    findings: tuple[tuple[Item, tuple[Told, ...]], ...]
    whole: tuple[Told, ...]
    open_threads: int


def review(
    state: DraftState,
    threads: Iterable[Thread],
    *,
    by: User,
    looked_at: datetime | None,
    section: str = "",
    filters: set[str] = frozenset(),  # type: ignore[assignment]  # never written to
) -> Review:
    """The draft as `by` reviews it. What others answered or wrote after `looked_at` is new to them.

    `threads` come with their comments and authors. A filter leaves out what does not pass it; findings and comments
    on the whole show where nothing narrows the questions down to a section.
    """
    told = [_told(thread, by, looked_at) for thread in threads]
    by_subject: dict[tuple[str, str], list[Told]] = {}
    for one in told:
        by_subject.setdefault((one.thread.about, one.thread.subject), []).append(one)
    items = {item.rule: item for section_of in state.projection.sections for item in section_of.items}
    resting = _resting(state, items)
    rows = tuple(
        _row(
            state,
            name,
            resting.get(name, ()),
            by_subject.get(("question", name), []),
            by=by,
            looked_at=looked_at,
        )
        for name in state.advisory.asked
    )
    findings = tuple(
        (item, tuple(by_subject.get(("finding", rule), ())))
        for rule, item in items.items()
        if item.tone in PRESSING or ("finding", rule) in by_subject
    )
    whole = tuple(by_subject.get(("whole", ""), ()))
    narrow = bool(section or filters)
    return Review(
        rows=tuple(
            row
            for row in rows
            if row.question.section == (section or row.question.section) and row.passes(filters)
        ),
        findings=() if narrow else findings,
        whole=() if narrow else whole,
        open_threads=sum(one.is_open for one in told),
    )


def _told(thread: Thread, by: User, looked_at: datetime | None) -> Told:
    comments = list(thread.comments.all())
    is_new = any(one.author_id != by.pk and _after(one.written_at, looked_at) for one in comments)
    return Told(thread, comments, is_new)


def _after(moment: datetime, looked_at: datetime | None) -> bool:
    return looked_at is None or moment > looked_at


def _resting(state: DraftState, items: Mapping[str, Item]) -> dict[str, tuple[Item, ...]]:
    """For each question the findings that rest on its answer and say something of it."""
    found: dict[str, list[Item]] = {}
    for finding in state.advisory.findings:
        if finding.outcome != "not_applicable" and not finding.decided_by:
            for question in finding.rests_on:
                found.setdefault(question, []).append(items[finding.rule.id])
    return {question: tuple(them) for question, them in found.items()}


def _row(
    state: DraftState,
    name: str,
    findings: tuple[Item, ...],
    threads: list[Told],
    *,
    by: User,
    looked_at: datetime | None,
) -> Row:
    row = state.rows.get(name)
    answer = state.advisory.answers.get(name)
    others = row is not None and getattr(row, "answered_by_id", None) != by.pk
    return Row(
        question=state.edition.question[name],
        answer=answer_in_words(state.edition, name, answer),
        row=row,
        findings=findings,
        threads=tuple(threads),
        is_unsure=answer == UNSURE,
        is_new=row is not None and others and _after(row.answered_at, looked_at),
    )
