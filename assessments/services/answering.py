"""Saving answers so that nobody overwrites what they have not seen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from assessments.models import AnonymousCheck, AnswerRow, Assessment, User
from assessments.models.checks import a_day_from_now

Draft = AnonymousCheck | Assessment


@dataclass(frozen=True)
class Change:
    """An answer and note as someone now has them.

    `value` is as an answers document gives it (None for no answer); `seen` is the version that the page was made
    from, 0 where there was no answer yet.
    """

    question: str
    value: Any
    note: str
    seen: int


@dataclass(frozen=True)
class Conflict:
    """A change that was not saved, because the answer had changed since: `stored` is what stands now."""

    change: Change
    stored: AnswerRow


@dataclass
class Saved:
    """What became of a save: the versions that now stand, and the changes that were not saved."""

    versions: dict[str, int] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)


def save_answers(*, draft: Draft, changes: Iterable[Change], by: User | None) -> Saved:
    """Save each change whose answer is still as it was seen; leave the others and tell of them.

    To save what is stored already changes nothing and is no conflict, so a save may be sent twice. The changes are
    independent of one another: one conflict keeps back nothing else.
    """
    saved = Saved()
    with transaction.atomic():
        rows: dict[str, AnswerRow] = {row.question: row for row in draft.answers.all()}
        changed = False
        for change in changes:
            row = rows.get(change.question)
            if row is None and change.value is None and not change.note:
                continue
            if row is not None and row.value == change.value and row.note == change.note:
                saved.versions[change.question] = row.version
                continue
            if version := _save(draft, row, change, by):
                saved.versions[change.question] = version
                changed = True
            else:
                stored = draft.answers.get(question=change.question)
                saved.conflicts.append(Conflict(change, stored))
        if changed and isinstance(draft, AnonymousCheck):
            draft.ends_at = a_day_from_now()
            draft.save(update_fields=["ends_at"])
    return saved


def _save(draft: Draft, row: AnswerRow | None, change: Change, by: User | None) -> int:
    """Write one change if the version it was made on still stands; return the new version, or 0."""
    written: dict[str, Any] = {"value": change.value, "note": change.note, "answered_at": timezone.now()}
    if isinstance(draft, Assessment):
        written["answered_by"] = by
    if row is not None:
        version = change.seen + 1
        matching = draft.answers.filter(pk=row.pk, version=change.seen)
        return version if matching.update(version=version, **written) else 0
    try:
        with transaction.atomic():
            draft.answers.create(question=change.question, version=1, **written)
    except IntegrityError:
        return 0  # someone was first
    return 1
