"""Saving answers so that no one overwrites an answer that they have not seen."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self, overload

from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.utils import timezone

from assessments.models import AnonymousCheck, AnswerRow, Assessment, Attestation, CheckPdf, User
from assessments.models.checks import a_day_from_now
from assessments.services import audit
from assessments.services.audit import Action, current_address

SelfCheck = AnonymousCheck | Assessment

MAX_CHECK_BYTES = 100_000
"""The most bytes that one anonymous check may take. A long note on each question takes about 60,000."""

MAX_CHECKS_BYTES = 200_000_000
"""The most bytes that all anonymous checks may take, including those that have ended but are not deleted yet. Without
this limit, one stranger could fill the disk, and then no one could save anything."""


MAX_ADDRESS_BYTES = 2_000_000
"""The most bytes by which the anonymous checks of one network address may grow in an hour. A hundred people in one
building take about half. Without this limit, one stranger could use all the space with many small saves."""

HOUR = 3_600


class NotSaved(Exception):
    """The draft accepts no more answers; `why` is the code by which pages explain it."""

    why = ""


class DraftGone(NotSaved):
    """The draft was deleted or moved into an office while someone was answering."""

    why = "ended"


class TermEnded(NotSaved):
    """The office's term has ended: its records can be read, but not changed."""

    why = "closed"


class Attested(NotSaved):
    """The member attested the self-check, so it can no longer be changed."""

    why = "attested"


class Moved(NotSaved):
    """The draft moved to another revision of the questions since its page was opened."""

    why = "moved"


class TooLarge(NotSaved):
    """An anonymous check would take more than MAX_CHECK_BYTES."""

    why = "too_large"


class NoRoom(NotSaved):
    """All anonymous checks together would take more than MAX_CHECKS_BYTES."""

    why = "no_room"


class AddressFull(NotSaved):
    """The checks of a network address would grow by more than MAX_ADDRESS_BYTES in an hour."""

    why = "address_full"


@dataclass(frozen=True)
class AnswerVersion:
    """A version of an answer, as a page remembers it: a number and a mark of the answer and its note.

    Stored answers are numbered from 1, each change one higher; 0 is a question that has no stored answer. Equal
    answers with equal notes have the same mark, so it shows whether someone changed what a page shows.
    """

    number: int = 0
    mark: str = ""

    @classmethod
    def of(cls, number: int, value: Any, note: str) -> Self:
        """The version with a number, of an answer as an answers document gives it."""
        content = json.dumps([value, note], sort_keys=True)
        return cls(number, hashlib.sha256(content.encode()).hexdigest()[:12])

    @classmethod
    def of_row(cls, row: AnswerRow | None) -> Self:
        """The version of a stored answer, or of none."""
        return cls.of(row.version, row.value, row.note) if row else cls.of(0, None, "")

    @classmethod
    def read(cls, text: str) -> Self | None:
        """Read a version as `str` writes it, with or without the mark; None for anything else."""
        number, _, mark = text.partition(".")
        return cls(int(number), mark) if re.fullmatch("[0-9]{1,9}", number) else None

    def is_of(self, row: AnswerRow) -> bool:
        """Whether a row still has the answer and note of this version, even if somebody saved them again."""
        now = AnswerVersion.of_row(row)
        return self.mark == now.mark if self.mark else self.number == now.number

    def __str__(self) -> str:
        return f"{self.number}.{self.mark}"


@dataclass(frozen=True)
class Change:
    """One person's answer and note to a question, to be saved.

    `value` has the form of an answers document (None for no answer). `seen` is the version that the person's page
    showed, by default that of a question without an answer.
    """

    question: str
    value: Any
    note: str
    seen: AnswerVersion = AnswerVersion()

    def is_stored(self, row: AnswerRow | None) -> bool:
        """Whether the row already has this value and note; an empty change needs no row."""
        if row is None:
            return self.value is None and not self.note
        return bool(row.value == self.value and row.note == self.note)

    def gives_way_to(self, row: AnswerRow | None) -> bool:
        """Whether the row has an answer, and leaving the change out loses no note."""
        return row is not None and row.value is not None and self.note in ("", row.note)


@dataclass
class Saved:
    """The outcome of a save, by question: the new version of each answer saved, and the conflicts.

    A conflict is a change that was not saved because the stored answer had changed since the person saw it. Its row
    is the stored answer. `not_confirmed` has the answers that were to be confirmed but had changed since.
    """

    versions: dict[str, AnswerVersion] = field(default_factory=dict)
    conflicts: dict[str, AnswerRow] = field(default_factory=dict)
    not_confirmed: dict[str, AnswerRow] = field(default_factory=dict)


@transaction.atomic
def save_answers(
    *,
    draft: SelfCheck,
    changes: Iterable[Change],
    by: User | None,
    confirmed: Mapping[str, AnswerVersion] | None = None,
    unless_answered: Iterable[Change] = (),
) -> Saved:
    """Save each change whose stored answer is still the version seen; return the others as conflicts.

    Each change is saved or refused on its own. Saving what is already stored is no conflict, so a save may be sent
    twice: it changes nothing, except that it confirms an answer from an earlier self-check. `confirmed` names
    questions whose answers were copied from an earlier self-check and are still right, with the version seen of each.
    One that somebody has changed since is not confirmed. `unless_answered` has changes that one press makes to many
    questions: where somebody has given any answer by now, that answer stays, and there is no conflict unless a note
    would be lost. `draft` has the edition whose questions were answered. Raises DraftGone, TermEnded, Attested,
    Moved, TooLarge, AddressFull and NoRoom.
    """
    draft = _locked_on_its_edition(draft)
    columns: dict[str, Any] = {"answered_at": timezone.now()}
    if isinstance(draft, Assessment):
        columns |= {"answered_by": by, "carried": False, "carried_from": ""}
    saved, changed = Saved(), False
    rows: dict[str, AnswerRow] = {row.question: row for row in draft.answers.all()}
    for change in (*changes, *(c for c in unless_answered if not c.gives_way_to(rows.get(c.question)))):
        row = rows.get(change.question)
        stored = row.version if row else 0
        is_stored = change.is_stored(row)
        if is_stored and not getattr(row, "carried", False):
            saved.versions[change.question] = AnswerVersion.of(stored, change.value, change.note)
            continue
        values = {**columns, "value": change.value, "note": change.note, "version": stored + 1}
        if row is None:
            # There is no answer yet, so nothing can be overwritten.
            if existing := _insert(draft, change.question, values):
                saved.conflicts[change.question] = existing
                continue
        elif not draft.answers.filter(pk=row.pk, version=stored if is_stored else change.seen.number).update(
            **values
        ):
            saved.conflicts[change.question] = row
            continue
        saved.versions[change.question] = AnswerVersion.of(stored + 1, change.value, change.note)
        changed = True
    if isinstance(draft, Assessment):
        changed = _confirm(draft, confirmed or {}, saved, columns) or changed
    if changed and isinstance(draft, AnonymousCheck):
        draft.ends_at = a_day_from_now()
        draft.save(update_fields=["ends_at"])
        note_change(draft)
    elif changed and isinstance(draft, Assessment):
        audit.append(
            office=draft.account.office, action=Action.ANSWERS_SAVED, about=draft, by=by, coalesce=True
        )
    return saved


def note_change(check: AnonymousCheck) -> None:
    """Record how much a changed check takes, and delete its PDF.

    Raises TooLarge, AddressFull and NoRoom if it grew too large.

    A check that becomes smaller is never refused. Call this within the transaction that changed the check, so that a
    refusal undoes the change. Simultaneous transactions do not see each other, so each may take all checks together
    over the limit by one check.
    """
    CheckPdf.objects.filter(draft=check).delete()
    before, check.size = check.size, check.measured_size()
    if check.size > before:
        if check.size > MAX_CHECK_BYTES:
            raise TooLarge
        _count_growth(check.size - before)
        if AnonymousCheck.objects.total_size() - before + check.size > MAX_CHECKS_BYTES:
            raise NoRoom
    AnonymousCheck.objects.filter(pk=check.pk).update(size=check.size)


def _count_growth(size: int) -> None:
    """Count the bytes by which a check grows, for the network address of this request. Raises AddressFull.

    The count is in the cache that all hosts share, for each hour of the clock, and stores no address with a check. A
    refusal undoes the transaction and with it the count.
    """
    address = current_address.get()
    if not address:
        return
    key = f"check-bytes:{address}:{int(time.time()) // HOUR}"
    cache.add(key, 0, HOUR)
    # This locks the count until the transaction ends, so that two requests at the same time take turns.
    cache.touch(key, HOUR)
    grown = int(cache.get(key, 0)) + size
    if grown > MAX_ADDRESS_BYTES:
        raise AddressFull
    cache.set(key, grown, HOUR)


def _locked_on_its_edition(draft: SelfCheck) -> SelfCheck:
    """Lock a draft as `lock_self_check` does. Raises Moved if it is no longer on the edition that was answered."""
    locked = lock_self_check(draft)
    if locked.edition_id != draft.edition_id:
        raise Moved
    return locked


def _insert(draft: SelfCheck, question: str, values: dict[str, Any]) -> AnswerRow | None:
    """Add a question's first answer. Return the other answer, if somebody added a different one just before."""
    try:
        with transaction.atomic():
            draft.answers.create(question=question, **values)
    except IntegrityError:
        row: AnswerRow = draft.answers.get(question=question)
        same = (row.value, row.note) == (values["value"], values["note"])
        return None if same else row
    return None


def _confirm(
    draft: Assessment, confirmed: Mapping[str, AnswerVersion], saved: Saved, columns: dict[str, Any]
) -> bool:
    """Confirm answers that were copied from an earlier assessment; return whether any was."""
    any_confirmed = False
    left = confirmed.keys() - saved.versions.keys() - saved.conflicts.keys()
    for row in draft.answers.filter(question__in=left):
        seen = confirmed[row.question]
        if not seen.is_of(row):
            saved.not_confirmed[row.question] = row
        elif draft.answers.filter(pk=row.pk, version=seen.number, carried=True).update(
            **columns, version=seen.number + 1
        ):
            saved.versions[row.question] = replace(seen, number=seen.number + 1)
            any_confirmed = True
    return any_confirmed


@overload
def lock_self_check(draft: AnonymousCheck, *, attested_too: bool = False) -> AnonymousCheck: ...
@overload
def lock_self_check(
    draft: Assessment, *, attested_too: bool = False, deleted_too: bool = False
) -> Assessment: ...
def lock_self_check(draft: SelfCheck, *, attested_too: bool = False, deleted_too: bool = False) -> SelfCheck:
    """Read a self-check and lock its row until the transaction ends, so that two writes to it take turns.

    Raises DraftGone, TermEnded and, unless `attested_too`, Attested. With `deleted_too`, a deleted draft is returned
    as long as its row exists.
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
    # A separate query: what is joined to the locked row may be from before the wait for its lock.
    if not attested_too and Attestation.objects.filter(assessment=assessment).exists():
        raise Attested
    return assessment
