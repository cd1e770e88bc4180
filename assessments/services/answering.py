"""Saving answers so that nobody overwrites what they have not seen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils import timezone

from assessments.models import AnonymousCheck, AnswerRow, Assessment, User
from assessments.models.checks import a_day_from_now
from assessments.services.audit import Action, record

Draft = AnonymousCheck | Assessment


class DraftGone(Exception):
    """The draft was deleted, or moved elsewhere, while someone was answering."""


class TermEnded(Exception):
    """The office's term has ended: what it keeps can be read, and takes in nothing more."""


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

    def is_stored(self, row: AnswerRow | None) -> bool:
        """Whether a row holds this already; no row holds what is nothing."""
        if row is None:
            return self.value is None and not self.note
        return bool(row.value == self.value and row.note == self.note)


@dataclass
class Saved:
    """What became of a save: the versions of the changes that now stand, and what stands in the way of the others.

    A conflict is a change whose answer had changed since it was seen: the row is what stands now.
    """

    versions: dict[str, int] = field(default_factory=dict)
    conflicts: dict[str, AnswerRow] = field(default_factory=dict)


@transaction.atomic
def save_answers(*, draft: Draft, changes: Iterable[Change], by: User | None) -> Saved:
    """Save each change whose answer is still as it was seen; leave the others and tell of them.

    To save what is stored already changes nothing and is no conflict, so a save may be sent twice. The changes are
    independent of one another: one conflict keeps back nothing else. Raises DraftGone, and TermEnded.
    """
    draft = lock_draft(draft)
    written: dict[str, Any] = {"answered_at": timezone.now()}
    if isinstance(draft, Assessment):
        written["answered_by"] = by
    saved, changed = Saved(), False
    rows: dict[str, AnswerRow] = {row.question: row for row in draft.answers.all()}
    for change in changes:
        row = rows.get(change.question)
        version = row.version if row else 0
        if change.is_stored(row):
            saved.versions[change.question] = version
            continue
        values = {**written, "value": change.value, "note": change.note, "version": version + 1}
        if row is None:
            # Whatever was seen is gone with all that it said, so there is nothing to overwrite.
            draft.answers.create(question=change.question, **values)
        elif not draft.answers.filter(pk=row.pk, version=change.seen).update(**values):
            saved.conflicts[change.question] = row
            continue
        saved.versions[change.question] = version + 1
        changed = True
    if changed and isinstance(draft, AnonymousCheck):
        draft.ends_at = a_day_from_now()
        draft.save(update_fields=["ends_at"])
    elif changed and isinstance(draft, Assessment):
        record(office=draft.account.office, action=Action.ANSWERS_SAVED, record=draft, by=by, coalesce=True)
    return saved


def lock_draft(draft: Draft) -> Draft:
    """The draft as it is now, to ourselves until the transaction ends: two writes to one draft take turns.

    Raises DraftGone, and TermEnded.
    """
    try:
        if isinstance(draft, AnonymousCheck):
            return AnonymousCheck.objects.select_for_update().get(pk=draft.pk)
        drafts = Assessment.objects.select_for_update(of=("self",), no_key=True).select_related(
            "account__office"
        )
        assessment = drafts.get(pk=draft.pk)
    except (AnonymousCheck.DoesNotExist, Assessment.DoesNotExist):
        raise DraftGone from None
    if assessment.account.office.ends_on is not None:
        raise TermEnded
    return assessment
