"""Saving answers so that nobody overwrites what they have not seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, overload

from django.db import IntegrityError, transaction
from django.utils import timezone

from assessments.models import AnonymousCheck, AnswerRow, Assessment, Attestation, User
from assessments.models.checks import a_day_from_now
from assessments.services import audit
from assessments.services.audit import Action

SelfCheck = AnonymousCheck | Assessment


class NotSaved(Exception):
    """A draft takes in nothing more; `why` is the word that pages know the reason by."""

    why = ""


class DraftGone(NotSaved):
    """The draft was deleted, or moved elsewhere, while someone was answering."""

    why = "ended"


class TermEnded(NotSaved):
    """The office's term has ended: what it keeps can be read, and takes in nothing more."""

    why = "closed"


class Attested(NotSaved):
    """The member attested the assessment: what it says is not changed any more."""

    why = "attested"


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
def save_answers(
    *,
    draft: SelfCheck,
    changes: Iterable[Change],
    by: User | None,
    confirmed: Mapping[str, int] | None = None,
) -> Saved:
    """Save each change whose answer is still as it was seen; leave the others and tell of them.

    To save what is stored already changes nothing and is no conflict, so a save may be sent twice. The changes are
    independent of one another: one conflict keeps back nothing else. `confirmed` gives questions whose answers were
    copied from an earlier assessment and are right, with the version that was seen of each. Raises DraftGone,
    TermEnded and Attested.
    """
    draft = lock_draft(draft)
    written: dict[str, Any] = {"answered_at": timezone.now()}
    if isinstance(draft, Assessment):
        written |= {"answered_by": by, "carried": False}
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
            if came_first := _insert(draft, change.question, values):
                saved.conflicts[change.question] = came_first
                continue
        elif not draft.answers.filter(pk=row.pk, version=change.seen).update(**values):
            saved.conflicts[change.question] = row
            continue
        saved.versions[change.question] = version + 1
        changed = True
    if isinstance(draft, Assessment):
        changed = _confirm(draft, confirmed or {}, saved, written) or changed
    if changed and isinstance(draft, AnonymousCheck):
        draft.ends_at = a_day_from_now()
        draft.save(update_fields=["ends_at"])
    elif changed and isinstance(draft, Assessment):
        audit.append(
            office=draft.account.office, action=Action.ANSWERS_SAVED, about=draft, by=by, coalesce=True
        )
    return saved


def _insert(draft: SelfCheck, question: str, values: dict[str, Any]) -> AnswerRow | None:
    """Add a first answer; return the one that came first, should there be another in spite of the lock."""
    try:
        with transaction.atomic():
            draft.answers.create(question=question, **values)
    except IntegrityError:
        row: AnswerRow = draft.answers.get(question=question)
        same = (row.value, row.note) == (values["value"], values["note"])
        return None if same else row
    return None


def _confirm(draft: Assessment, confirmed: Mapping[str, int], saved: Saved, written: dict[str, Any]) -> bool:
    """Take answers that were copied from an earlier assessment for this one's; whether there were any."""
    any_was = False
    for question, seen in confirmed.items():
        copied = draft.answers.filter(question=question, version=seen, carried=True)
        if question not in saved.versions and copied.update(**written, version=seen + 1):
            saved.versions[question] = seen + 1
            any_was = True
    return any_was


@overload
def lock_draft(draft: AnonymousCheck, *, attested_too: bool = False) -> AnonymousCheck: ...
@overload
def lock_draft(draft: Assessment, *, attested_too: bool = False, deleted_too: bool = False) -> Assessment: ...
def lock_draft(draft: SelfCheck, *, attested_too: bool = False, deleted_too: bool = False) -> SelfCheck:
    """The draft as it is now, to ourselves until the transaction ends: two writes to one draft take turns.

    Raises DraftGone, TermEnded and, unless `attested_too`, Attested; with `deleted_too` DraftGone only where nothing
    is left of it.
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
    if assessment.deleted_at is not None and not deleted_too:
        raise DraftGone
    if assessment.account.office.ends_on is not None:
        raise TermEnded
    # A query of its own: what was joined to the lock could be as old as the wait for it.
    if not attested_too and Attestation.objects.filter(assessment=assessment).exists():
        raise Attested
    return assessment
