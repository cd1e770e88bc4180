"""A draft as people review it: answers, the findings that rest on them, and what was said of both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime

from assessments.models import AnswerRow, Assessment, AuditEvent, Comment, Thread, User
from assessments.records.state import AssessmentState
from assessments.rendering.projection import Item, Tone
from assessments.scoring.wording import answer_in_words
from bulletin.encoding.conditions import UNSURE
from bulletin.encoding.schema import Question, Section

PRESSING: frozenset[Tone] = frozenset({"contact", "action", "improvement"})
"""The tones of findings that ask for something."""
NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Told:
    """A thread with its comments, the oldest first, and whether something in it is new.

    `says` is what just came of an act on it; `reopened` tells who opened it again last, if anybody did.
    """

    thread: Thread
    comments: Sequence[Comment]
    is_new: bool
    says: str = ""
    reopened: AuditEvent | None = None

    @property
    def is_open(self) -> bool:
        return self.thread.resolved_at is None

    def passes(self, filters: AbstractSet[str]) -> bool:
        """Whether it shows by itself under all of the filters: it has no answer, and asks for nothing."""
        told = {"changed": self.is_new, "open": self.is_open}
        return all(told.get(name, False) for name in filters)


@dataclass(frozen=True)
class Row:
    """A question that is asked, or was commented on while it was; what was answered, and what rests on that."""

    question: Question
    answer: str
    row: AnswerRow | None
    findings: tuple[Item, ...]
    threads: tuple[Told, ...]
    is_asked: bool
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

    def passes(self, filters: AbstractSet[str]) -> bool:
        """Whether it shows under all of the filters."""
        told = {
            "changed": self.is_new or any(one.is_new for one in self.threads),
            "unsure": self.is_unsure,
            "action": bool(self.pressing),
            "open": any(one.is_open for one in self.threads),
        }
        return all(told[name] for name in filters)


@dataclass(frozen=True)
class FindingRow:
    """A finding, and what was said of it."""

    item: Item
    section: str
    threads: tuple[Told, ...]
    is_unsure: bool

    @property
    def is_pressing(self) -> bool:
        return self.item.tone in PRESSING

    @property
    def stands_out(self) -> bool:
        """Whether it is shown at once: it asks for something, or somebody said something of it."""
        return self.is_pressing or bool(self.threads)

    def passes(self, filters: AbstractSet[str]) -> bool:
        """Whether it shows under all of the filters."""
        told = {
            "changed": any(one.is_new for one in self.threads),
            "unsure": self.is_unsure,
            "action": self.is_pressing,
            "open": any(one.is_open for one in self.threads),
        }
        return all(told[name] for name in filters)


@dataclass(frozen=True)
class Review:
    """All that the review page shows: the answers by section, then the findings, then what was said of the whole."""

    sections: tuple[tuple[Section, tuple[Row, ...]], ...]
    findings: tuple[FindingRow, ...]
    quiet: tuple[FindingRow, ...]
    whole: tuple[Told, ...]
    open_threads: int

    @property
    def is_empty(self) -> bool:
        return not (self.sections or self.findings or self.quiet or self.whole)


def review(
    state: AssessmentState,
    threads: Iterable[Thread],
    *,
    by: User,
    looked_at: datetime | None,
    section: str = "",
    filters: AbstractSet[str] = NOTHING,
    kept: tuple[str, str] | None = None,
    at: int = 0,
    says: Mapping[int, str] | None = None,
    reopened: Mapping[int, AuditEvent] | None = None,
) -> Review:
    """The draft as `by` reviews it. What others answered or wrote after `looked_at` is new to them.

    `threads` come with their comments and authors. A filter leaves out what does not pass it, whether question,
    finding or comment on the whole. `kept` is what somebody is just writing about, and `at` the thread that they
    just wrote in: these show in any case.
    """
    looked_at = _latest(looked_at, _said_ready(state, by))
    told = [
        replace(
            _told(thread, by, _latest(looked_at, _answered(state, thread, by))),
            says=(says or {}).get(thread.pk, ""),
            reopened=(reopened or {}).get(thread.pk),
        )
        for thread in threads
    ]
    by_subject: dict[tuple[str, str], list[Told]] = {}
    for one in told:
        by_subject.setdefault((one.thread.about, one.thread.subject), []).append(one)
    stays = {kept} | {(one.thread.about, one.thread.subject) for one in told if one.thread.pk == at}
    items = {item.rule: item for section_of in state.projection.sections for item in section_of.items}
    resting = _resting(state, items)
    asked = set(state.advisory.asked)
    spoken_of = {*by_subject} | ({kept} if kept else set())
    named = asked | {subject for about, subject in spoken_of if about == "question"}
    rows = [
        _row(
            state,
            name,
            resting.get(name, ()),
            by_subject.get(("question", name), []),
            by=by,
            looked_at=looked_at,
        )
        for name in sorted(named & state.edition.question.keys(), key=state.edition.position.__getitem__)
    ]
    findings = [
        FindingRow(
            item,
            state.edition.rule[rule].section,
            tuple(by_subject.get(("finding", rule), ())),
            _rests_on_unsure(state, rule),
        )
        for rule, item in items.items()
    ]

    def shows(about: str, subject: str, of: str, one: Row | FindingRow) -> bool:
        return (about, subject) in stays or (section in ("", of) and one.passes(filters))

    shown = [row for row in rows if shows("question", row.question.id, row.question.section, row)]
    found = [one for one in findings if shows("finding", one.item.rule, one.section, one)]
    whole = by_subject.get(("whole", ""), [])
    return Review(
        sections=tuple(
            (part, tuple(row for row in shown if row.question.section == part.id))
            for part in state.edition.sheet.sections
            if any(row.question.section == part.id for row in shown)
        ),
        findings=tuple(one for one in found if one.stands_out),
        quiet=tuple(one for one in found if not one.stands_out),
        whole=tuple(
            one
            for one in whole
            if kept == ("whole", "") or one.thread.pk == at or (not section and one.passes(filters))
        ),
        open_threads=sum(one.is_open for one in told),
    )


def _latest(*moments: datetime | None) -> datetime | None:
    return max((moment for moment in moments if moment is not None), default=None)


def _said_ready(state: AssessmentState, by: User) -> datetime | None:
    """When `by` said of the draft that it can be reviewed, and so had looked at it."""
    draft = state.self_check
    return draft.ready_at if isinstance(draft, Assessment) and draft.ready_by_id == by.pk else None


def _answered(state: AssessmentState, thread: Thread, by: User) -> datetime | None:
    """When `by` answered the question that a thread is on, and so had it before them."""
    row = state.rows.get(thread.subject) if thread.about == Thread.About.QUESTION else None
    return row.answered_at if row is not None and _author(row) == by.pk else None


def _author(row: AnswerRow) -> int | None:
    return getattr(row, "answered_by_id", None)


def _told(thread: Thread, by: User, looked_at: datetime | None) -> Told:
    """A thread; whoever wrote in it, or resolved it, has seen what stood there by then."""
    comments = list(thread.comments.all())
    mine = [one.written_at for one in comments if one.author_id == by.pk]
    since = _latest(looked_at, *mine, thread.resolved_at if thread.resolved_by_id == by.pk else None)
    return Told(
        thread, comments, any(one.author_id != by.pk and _after(one.written_at, since) for one in comments)
    )


def _after(moment: datetime, looked_at: datetime | None) -> bool:
    return looked_at is None or moment > looked_at


def _resting(state: AssessmentState, items: Mapping[str, Item]) -> dict[str, tuple[Item, ...]]:
    """For each question the findings that rest on its answer and say something of it."""
    found: dict[str, list[Item]] = {}
    for finding in state.advisory.findings:
        if finding.outcome != "not_applicable" and not finding.decided_by:
            for question in finding.rests_on:
                found.setdefault(question, []).append(items[finding.rule.id])
    return {question: tuple(them) for question, them in found.items()}


def _rests_on_unsure(state: AssessmentState, rule: str) -> bool:
    """Whether a finding rests on an answer that someone was not sure of."""
    rests_on = {
        question
        for finding in state.advisory.findings
        if finding.rule.id == rule and finding.outcome != "not_applicable"
        for question in finding.rests_on
    }
    return any(state.advisory.answers.get(question) == UNSURE for question in rests_on)


def _row(
    state: AssessmentState,
    name: str,
    findings: tuple[Item, ...],
    threads: list[Told],
    *,
    by: User,
    looked_at: datetime | None,
) -> Row:
    row = state.rows.get(name)
    is_asked = name in state.advisory.asked
    answer = state.advisory.answers.get(name)
    return Row(
        question=state.edition.question[name],
        answer=answer_in_words(state.edition, name, answer),
        row=row,
        findings=findings,
        threads=tuple(threads),
        is_asked=is_asked,
        is_unsure=answer == UNSURE,
        is_new=is_asked and row is not None and _author(row) != by.pk and _after(row.answered_at, looked_at),
    )
