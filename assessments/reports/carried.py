"""Answers that come from an earlier self-check: what became of them, and which still have to be confirmed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from django.db.models import Exists, OuterRef
from django.utils import timezone

from assessments.models import Answer, Assessment
from assessments.records.state import AssessmentState, election_of
from bulletin.encoding.carry import LeftBehind
from bulletin.encoding.elections import Election
from bulletin.encoding.schema import Edition, Question
from bulletin.publish import encoded
from bulletin.shelf import questions


@dataclass(frozen=True)
class CarriedReport:
    """The questions whose answers were left behind, by their short names, for each reason.

    `changed` has the questions that kept their answers and have other words now. `count` is the number of answers
    that were carried.
    """

    left_behind: tuple[tuple[str, tuple[str, ...]], ...]
    changed: tuple[Question, ...]
    count: int

    def __bool__(self) -> bool:
        return bool(self.left_behind or self.changed)


def carried_report(
    state: AssessmentState, *, left_behind: Iterable[LeftBehind], changed: Iterable[str], count: int
) -> CarriedReport:
    """Report on answers that were carried to a self-check. A question that is not on file goes by its id."""
    on_file = questions()
    reasons: dict[str, list[str]] = {}
    for left in left_behind:
        title = on_file[left.question][1].short if left.question in on_file else left.question
        reasons.setdefault(left.why, []).append(title)
    reworded = set(changed)
    named = tuple((why, tuple(titles)) for why, titles in reasons.items())
    return CarriedReport(
        named, tuple(state.question(q) for q in state.edition.question if q in reworded), count
    )


@lru_cache(maxsize=16)
def confirmed_alone(edition: Edition) -> frozenset[str]:
    """The questions whose earlier answers are each confirmed by itself, as the edition marks them.

    A revision from before this mark follows the newest revision on file.
    """
    on_file = questions()
    return frozenset(
        question.id
        for question in edition.questions
        if question.confirmed_alone or (question.id in on_file and on_file[question.id][1].confirmed_alone)
    )


def confirmed_together(state: AssessmentState, section: str) -> tuple[Question, ...]:
    """The questions of a section whose earlier answers still have to be confirmed, and can be with one press."""
    alone = confirmed_alone(state.edition)
    return tuple(q for q in state.questions_of(section) if q.id in state.carried and q.id not in alone)


@dataclass(frozen=True)
class OfficeSource:
    """The office's newest self-check with answers about the office, from which a new one is filled in.

    `why_not` says why nothing is filled in: it uses another edition of the bulletin, or is about another election. It
    is empty if the answers can be used.
    """

    self_check: Assessment
    why_not: Literal["", "edition", "election"]

    @property
    def edition(self) -> Edition:
        return encoded(self.self_check.edition)

    @property
    def election(self) -> Election:
        return election_of(self.self_check, as_of=timezone.localdate(self.self_check.started_at))


def office_source(draft: Assessment) -> OfficeSource | None:
    """The self-check of the same office that a draft is filled in from; None if no earlier one has such answers."""
    of_office = {name for name, (_, question) in questions().items() if question.of_office}
    of_office |= {question.id for question in encoded(draft.edition).questions if question.of_office}
    about_office = Answer.objects.filter(draft=OuterRef("pk"), question__in=of_office, value__isnull=False)
    earlier = Assessment.objects.filter(
        Exists(about_office), account__office=draft.account.office_id, deleted_at=None, pk__lt=draft.pk
    )
    newest = earlier.select_related("account", "edition").defer("edition__content").first()
    if newest is None:
        return None
    if newest.edition.edition_id != draft.edition.edition_id:
        return OfficeSource(newest, "edition")
    same_election = (newest.election, newest.voting_day) == (draft.election, draft.voting_day)
    return OfficeSource(newest, "" if same_election else "election")
