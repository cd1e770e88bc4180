"""A self-check under review: its answers, the findings that rest on them, and the comments on both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime

from assessments.models import AnswerRow, AuditEvent, Comment, Thread, User
from assessments.records.state import AssessmentState
from assessments.rendering.findings import Item, Tone
from assessments.scoring.wording import answer_in_words
from bulletin.encoding.conditions import UNSURE
from bulletin.encoding.schema import Question, Section

PRESSING: frozenset[Tone] = frozenset({"contact", "action", "improvement"})
"""The tones of findings that need a change or a conversation."""
URGENT: frozenset[Tone] = frozenset({"contact", "action"})
"""The tones of points to raise and things to do: the review opens on these."""
NO_FILTERS: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ThreadRow:
    """A thread with its comments, the oldest first. `is_new` is true if the reviewer has not seen all of it.

    `message` is the result of what the reviewer just did to the thread, or empty. `reopened` is the event of the
    person who last reopened it, or None.
    """

    thread: Thread
    comments: Sequence[Comment]
    is_new: bool
    message: str = ""
    reopened: AuditEvent | None = None

    @property
    def is_open(self) -> bool:
        return self.thread.resolved_at is None

    @property
    def needs_attention(self) -> bool:
        return self.is_open or self.is_new

    def passes(self, filters: AbstractSet[str]) -> bool:
        """Whether a thread on the whole self-check passes all filters. It has no answer or finding to match."""
        matches = {"changed": self.is_new, "open": self.is_open}
        return all(matches.get(name, False) for name in filters)


@dataclass(frozen=True)
class QuestionRow:
    """A question that is asked now, or that was asked earlier and has comments.

    `findings` rest on its answer. `answer_row` is None if it has never been answered.
    """

    question: Question
    answer: str
    answer_row: AnswerRow | None
    findings: tuple[Item, ...]
    threads: tuple[ThreadRow, ...]
    is_asked: bool
    is_unsure: bool
    is_new: bool

    @property
    def pressing(self) -> tuple[Item, ...]:
        """The findings that need a change or a conversation."""
        return tuple(item for item in self.findings if item.tone in PRESSING)

    @property
    def quiet(self) -> tuple[Item, ...]:
        """The findings that need neither."""
        return tuple(item for item in self.findings if item.tone not in PRESSING)

    @property
    def needs_attention(self) -> bool:
        """Whether to show it first: new to the reviewer, not sure, or with comments to read or resolve.

        An answer behind a point to raise or a thing to do is not listed for that: the finding names it.
        """
        return self.is_new or self.is_unsure or any(thread.needs_attention for thread in self.threads)

    def passes(self, filters: AbstractSet[str]) -> bool:
        """Whether the question passes all filters."""
        matches = {
            "changed": self.is_new or any(thread.is_new for thread in self.threads),
            "unsure": self.is_unsure,
            "action": bool(self.pressing),
            "open": any(thread.is_open for thread in self.threads),
        }
        return all(matches[name] for name in filters)


@dataclass(frozen=True)
class FindingRow:
    """A finding with the comments on it."""

    item: Item
    section: str
    threads: tuple[ThreadRow, ...]
    is_unsure: bool

    @property
    def is_pressing(self) -> bool:
        return self.item.tone in PRESSING

    @property
    def is_prominent(self) -> bool:
        """Whether the page shows it in full: it needs a change or a conversation, or somebody commented on it."""
        return self.is_pressing or bool(self.threads)

    @property
    def needs_attention(self) -> bool:
        """Whether to show it first: a point to raise, a thing to do, or comments to read or resolve."""
        return self.item.tone in URGENT or any(thread.needs_attention for thread in self.threads)

    def passes(self, filters: AbstractSet[str]) -> bool:
        """Whether the finding passes all filters."""
        matches = {
            "changed": any(thread.is_new for thread in self.threads),
            "unsure": self.is_unsure,
            "action": self.is_pressing,
            "open": any(thread.is_open for thread in self.threads),
        }
        return all(matches[name] for name in filters)


@dataclass(frozen=True)
class Review:
    """What the review page shows: the answers by section, the findings, then the comments on the whole self-check.

    `findings` are the prominent ones, `quiet` the others. `unanswered` are the questions without an answer that have
    no row of their own; they are only listed in the view of what needs attention.
    """

    sections: tuple[tuple[Section, tuple[QuestionRow, ...]], ...]
    findings: tuple[FindingRow, ...]
    quiet: tuple[FindingRow, ...]
    whole: tuple[ThreadRow, ...]
    unanswered: tuple[Question, ...] = ()

    @property
    def questions(self) -> tuple[QuestionRow, ...]:
        return tuple(row for _, rows in self.sections for row in rows)

    @property
    def threads(self) -> tuple[ThreadRow, ...]:
        """The threads shown, in the order of the page."""
        on_questions = [thread for row in self.questions for thread in row.threads]
        on_findings = [thread for row in (*self.findings, *self.quiet) for thread in row.threads]
        return (*on_questions, *on_findings, *self.whole)

    @property
    def is_empty(self) -> bool:
        return not (self.sections or self.findings or self.quiet or self.whole or self.unanswered)


def review(
    state: AssessmentState,
    threads: Iterable[Thread],
    *,
    by: User,
    looked_at: datetime | None,
    attention: bool = False,
    section: str = "",
    filters: AbstractSet[str] = NO_FILTERS,
    writing_on: tuple[str, str] | None = None,
    at_thread: int = 0,
    messages: Mapping[int, str] | None = None,
    reopened: Mapping[int, AuditEvent] | None = None,
) -> Review:
    """A self-check as `by` reviews it. What others answered or wrote after `looked_at` is new to them.

    Marking a draft ready is not a look: a draft that is returned would otherwise make old answers new again.

    `threads` come with their comments and authors. With `attention`, only what needs the reviewer's attention is
    kept; otherwise only what passes the filters. Two things are always kept: `writing_on`, the kind and id of what
    `by` is writing a comment on, and `at_thread`, the thread that they just wrote in. `messages` and `reopened` are
    by thread.
    """
    thread_rows = [
        replace(
            _thread_row(thread, by, _latest(looked_at, _answered_at(state, thread, by))),
            message=(messages or {}).get(thread.pk, ""),
            reopened=(reopened or {}).get(thread.pk),
        )
        for thread in threads
    ]
    by_subject: dict[tuple[str, str], list[ThreadRow]] = {}
    for row in thread_rows:
        by_subject.setdefault((row.thread.about, row.thread.subject), []).append(row)
    always_shown = {writing_on} | {
        (row.thread.about, row.thread.subject) for row in thread_rows if row.thread.pk == at_thread
    }
    items = {item.rule: item for section_of in state.projection.sections for item in section_of.items}
    findings_by_question = _findings_by_question(state, items)
    commented = {*by_subject} | ({writing_on} if writing_on else set())
    listed = set(state.advisory.asked) | {subject for about, subject in commented if about == "question"}
    questions = [
        _question_row(
            state,
            name,
            findings_by_question.get(name, ()),
            by_subject.get(("question", name), []),
            by=by,
            looked_at=looked_at,
        )
        for name in sorted(listed & state.edition.question.keys(), key=state.edition.position.__getitem__)
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

    def shows(about: str, subject: str, of_section: str, row: QuestionRow | FindingRow) -> bool:
        if (about, subject) in always_shown:
            return True
        return row.needs_attention if attention else section in ("", of_section) and row.passes(filters)

    questions = [row for row in questions if shows("question", row.question.id, row.question.section, row)]
    findings = [row for row in findings if shows("finding", row.item.rule, row.section, row)]
    return Review(
        sections=tuple(
            (part, tuple(row for row in questions if row.question.section == part.id))
            for part in state.edition.sheet.sections
            if any(row.question.section == part.id for row in questions)
        ),
        findings=tuple(row for row in findings if row.is_prominent),
        quiet=tuple(row for row in findings if not row.is_prominent),
        whole=tuple(
            row
            for row in by_subject.get(("whole", ""), [])
            if writing_on == ("whole", "")
            or row.thread.pk == at_thread
            or (row.needs_attention if attention else not section and row.passes(filters))
        ),
        unanswered=_unanswered(state, questions) if attention else (),
    )


def _unanswered(state: AssessmentState, shown: Iterable[QuestionRow]) -> tuple[Question, ...]:
    rows = {row.question.id for row in shown}
    return tuple(state.question(name) for name in state.advisory.unanswered if name not in rows)


def _latest(*moments: datetime | None) -> datetime | None:
    return max((moment for moment in moments if moment is not None), default=None)


def _answered_at(state: AssessmentState, thread: Thread, by: User) -> datetime | None:
    """When `by` answered the question that a thread is about, and so had the question in front of them."""
    row = state.rows.get(thread.subject) if thread.about == Thread.About.QUESTION else None
    return row.answered_at if row is not None and _author(row) == by.pk else None


def _author(row: AnswerRow) -> int | None:
    return getattr(row, "answered_by_id", None)


def _thread_row(thread: Thread, by: User, looked_at: datetime | None) -> ThreadRow:
    """A thread with its comments; whoever wrote in it or resolved it has seen the earlier comments."""
    comments = list(thread.comments.all())
    own = [comment.written_at for comment in comments if comment.author_id == by.pk]
    since = _latest(looked_at, *own, thread.resolved_at if thread.resolved_by_id == by.pk else None)
    is_new = any(comment.author_id != by.pk and _is_later(comment.written_at, since) for comment in comments)
    return ThreadRow(thread, comments, is_new)


def _is_later(moment: datetime, looked_at: datetime | None) -> bool:
    return looked_at is None or moment > looked_at


def _findings_by_question(state: AssessmentState, items: Mapping[str, Item]) -> dict[str, tuple[Item, ...]]:
    """For each question, the findings that rest on its answer, but for those that other rules' findings decide."""
    findings: dict[str, list[Item]] = {}
    for finding in state.advisory.findings:
        if finding.outcome != "not_applicable" and not finding.decided_by:
            for question in finding.rests_on:
                findings.setdefault(question, []).append(items[finding.rule.id])
    return {question: tuple(group) for question, group in findings.items()}


def _rests_on_unsure(state: AssessmentState, rule: str) -> bool:
    """Whether a rule's finding rests on an answer that is "not sure"."""
    rests_on = {
        question
        for finding in state.advisory.findings
        if finding.rule.id == rule and finding.outcome != "not_applicable"
        for question in finding.rests_on
    }
    return any(state.advisory.answers.get(question) == UNSURE for question in rests_on)


def _question_row(
    state: AssessmentState,
    name: str,
    findings: tuple[Item, ...],
    threads: list[ThreadRow],
    *,
    by: User,
    looked_at: datetime | None,
) -> QuestionRow:
    row = state.rows.get(name)
    is_asked = name in state.advisory.asked
    answer = state.advisory.answers.get(name)
    return QuestionRow(
        question=state.question(name),
        answer=answer_in_words(state.edition, name, answer),
        answer_row=row,
        findings=findings,
        threads=tuple(threads),
        is_asked=is_asked,
        is_unsure=answer == UNSURE,
        is_new=is_asked
        and row is not None
        and _author(row) != by.pk
        and _is_later(row.answered_at, looked_at),
    )
