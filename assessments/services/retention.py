"""Setting how long an office keeps its records, legal holds, and deleting records by age or all together."""

from __future__ import annotations

import calendar
import json
import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.core.files.storage import default_storage
from django.db import DatabaseError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from assessments.models import (
    AdviceEntry,
    AdviceRequest,
    Answer,
    Assessment,
    Attestation,
    Comment,
    DeskEntry,
    Finding,
    Office,
    Reminder,
    Share,
    ShareContent,
    ShorterRetention,
    StoredPdf,
    User,
    Withdrawal,
)
from assessments.models.assessments import RESTORABLE, AssessmentQuerySet
from assessments.models.retention import DELAY
from assessments.records.attested import sha256_of
from assessments.records.clock import moment_in_words
from assessments.services import audit
from assessments.services.after_commit import after_commit
from assessments.services.attesting import NotTheMember
from assessments.services.audit import Action, delete_addresses, unheld_addresses
from assessments.services.email_changes import delete_expired
from assessments.services.outbox import drop_mail, queue_mail
from assessments.services.purging import purging
from assessments.services.sharing import delete_content, share_path, withdraw

log = logging.getLogger(__name__)

ADDRESSES_KEPT = timedelta(days=90)
"""How long the audit trail keeps network addresses."""
FOLDERS: dict[str, type[Attestation | Share]] = {"attestations": Attestation, "shares": Share}
"""The folders of stored PDFs. Within them each record has a folder named by its key (see services/printing.py)."""


class OnHold(Exception):
    """The office is under a legal hold, which stops all deletion."""


@dataclass
class Purged:
    """How many were deleted, or would be: assessments by the reason (see `expired_of`), all else by its kind."""

    deleted: int = 0
    unchanged: int = 0
    attested: int = 0
    withdrawn: int = 0
    addresses: int = 0
    files: int = 0
    held: int = 0
    no_storage: bool = False
    """Whether the file storage could not be read."""
    failed: list[int] = field(default_factory=list)
    failed_offices: list[int] = field(default_factory=list)


# --- What an office, or an administrator, chooses ---------------------------------------------


@transaction.atomic
def set_retention(*, office: Office, drafts_months: int, attested_years: int, by: User) -> None:
    """Choose how long an office keeps drafts and attested assessments. Raises NotTheMember.

    A longer period starts now. A shorter one starts after a day, and the member is emailed, because someone else may
    have used their session. Choosing the current periods again cancels it.
    """
    locked = _locked(office)
    if locked.member_id != by.pk:
        raise NotTheMember
    chosen = {"keep_drafts_months": drafts_months, "keep_attested_years": attested_years}
    present = {name: getattr(locked, name) for name in chosen}
    longer = {name: period for name, period in chosen.items() if period > present[name]}
    if longer:
        Office.objects.filter(pk=office.pk).update(**longer)
        audit.append(office=locked, action=Action.RETENTION_CHANGED, about=locked, by=by)
    if chosen == present | longer:
        if _drop_shorter(locked) and not longer:
            audit.append(office=locked, action=Action.RETENTION_KEPT, about=locked, by=by)
    elif not ShorterRetention.objects.filter(office=locked, **chosen).exists():
        # Otherwise the button was selected twice.
        _drop_shorter(locked)
        starts_at = timezone.now() + DELAY
        ShorterRetention.objects.create(office=locked, **chosen, chosen_by=by, starts_at=starts_at)
        words = {"starts": moment_in_words(starts_at)}
        queue_mail(to=locked.member, name="retention", path=_page(locked), words=words)
        audit.append(office=locked, action=Action.RETENTION_CHOSEN, about=locked, by=by)


def _drop_shorter(office: Office) -> bool:
    """Drop an office's coming shorter periods and the email about them; return whether there were any."""
    drop_mail(paths=[_page(office)])
    return bool(ShorterRetention.objects.filter(office=office).delete()[0])


def _page(office: Office) -> str:
    return reverse("retention", kwargs={"pk": office.pk})


@transaction.atomic
def start_shorter_retention(*, office: Office, now: datetime) -> bool:
    """Start an office's shorter retention periods if they are due; return whether they were."""
    locked = _locked(office)
    shorter = ShorterRetention.objects.filter(office=locked, starts_at__lte=now).first()
    if shorter is None:
        return False
    Office.objects.filter(pk=locked.pk).update(
        keep_drafts_months=shorter.keep_drafts_months, keep_attested_years=shorter.keep_attested_years
    )
    shorter.delete()
    audit.append(office=locked, action=Action.RETENTION_CHANGED, about=locked, by=None)
    return True


def count_older(*, office: Office, drafts_months: int, attested_years: int) -> int:
    """How many more assessments would be deleted now if these were the office's retention periods."""
    now = timezone.now()

    def expired_keys(office: Office) -> set[int]:
        return {key for expired in expired_of(office, now=now).values() for key in _keys(expired)}

    proposed = Office(pk=office.pk, keep_drafts_months=drafts_months, keep_attested_years=attested_years)
    return len(expired_keys(proposed) - expired_keys(office))


@transaction.atomic
def set_hold(*, office: Office, reason: str, file_number: str, by: User) -> bool:
    """Set an office's legal hold, which stops all deletion of its records; return false if it has one already.

    The event is in the portal's own audit trail, because the office does not see who set the hold, or why. No event
    has text that someone wrote, so this one has the SHA-256 of the reason and the file number.
    """
    _locked(office)
    changed = Office.objects.filter(pk=office.pk, held_at__isnull=True).update(
        held_at=timezone.now(), held_by=by, hold_reason=reason, hold_file_number=file_number
    )
    if changed:
        text = json.dumps([reason, file_number], ensure_ascii=False)
        audit.append(office=None, action=Action.HOLD_SET, about=office, by=by, record_hash=sha256_of(text))
    return bool(changed)


@transaction.atomic
def lift_hold(*, office: Office, seen: str, by: User) -> bool:
    """Lift an office's legal hold, and delete its reason and file number.

    `seen` is the `hold_mark` of the hold that the page showed. Return false if the office does not have that hold.
    """
    locked = _locked(office)
    if not locked.hold_mark or locked.hold_mark != seen:
        return False
    Office.objects.filter(pk=office.pk).update(
        held_at=None, held_by=None, hold_reason="", hold_file_number=""
    )
    audit.append(office=None, action=Action.HOLD_LIFTED, about=office, by=by)
    return True


def _locked(office: Office) -> Office:
    """Read the office and lock its row. Every deletion holds this lock, so that no hold is set during it."""
    return Office.objects.select_for_update(no_key=True).get(pk=office.pk)


@transaction.atomic
def erase(*, office: Office, by: User) -> int:
    """Delete all of an office's assessments and shares for good; return the number of assessments.

    Shares are withdrawn first. The audit trail is kept, without network addresses. Raises NotTheMember and OnHold.
    """
    locked = _locked(office)
    if locked.member_id != by.pk:
        raise NotTheMember
    if locked.held_at is not None:
        raise OnHold
    keys = _lock(Assessment.objects.filter(account__office=locked))
    for share in Share.objects.standing().filter(attestation__assessment__in=keys):
        withdraw(share=share, by=by)
    _delete(keys)
    audit.append(office=locked, action=Action.ERASED, about=locked, by=by)
    # After the event, so that the event's own address is deleted as well.
    delete_addresses(until=timezone.now(), office=locked)
    return len(keys)


# --- What has been kept long enough -----------------------------------------------------------


def before(now: datetime, *, months: int) -> datetime:
    """The same time of day in Toronto a number of months earlier; the last day of a month that is too short."""
    local = timezone.localtime(now)
    year, month = divmod(local.year * 12 + local.month - 1 - months, 12)
    day = min(local.day, calendar.monthrange(year, month + 1)[1])
    return local.replace(year=year, month=month + 1, day=day)


def expired_of(office: Office, *, now: datetime) -> dict[str, AssessmentQuerySet]:
    """An office's assessments whose time is up, by the reason.

    Somebody deleted them, or nobody has changed the draft for as long as drafts are kept, or they were attested
    longer ago than attested ones are kept.
    """
    assessments = Assessment.objects.filter(account__office=office)
    drafts_until = before(now, months=office.keep_drafts_months)
    attested_until = before(now, months=12 * office.keep_attested_years)
    answered = Answer.objects.filter(draft=OuterRef("pk"), answered_at__gt=drafts_until)
    commented = Comment.objects.filter(thread__assessment=OuterRef("pk"), written_at__gt=drafts_until)
    drafts = assessments.drafts()
    return {
        "deleted": drafts.filter(deleted_at__lte=now - RESTORABLE),
        "unchanged": drafts.filter(
            ~Exists(answered), ~Exists(commented), deleted_at__isnull=True, started_at__lte=drafts_until
        ),
        "attested": assessments.filter(attestation__attested_at__lte=attested_until),
    }


def count_expired() -> Purged:
    """How much `purge_expired` would delete now."""
    now = timezone.now()
    counted = Purged(held=Office.objects.filter(held_at__isnull=False).count())
    for office in Office.objects.filter(held_at__isnull=True):
        for reason, expired in expired_of(office, now=now).items():
            setattr(counted, reason, getattr(counted, reason) + expired.count())
    counted.withdrawn = _unheld_withdrawn().count()
    counted.addresses = unheld_addresses(until=now - ADDRESSES_KEPT).count()
    try:
        counted.files = len(_expired_files(now))
    except OSError:
        counted.no_storage = True
    return counted


def purge_expired() -> Purged:
    """Delete everything that has been kept long enough, each assessment in a transaction of its own.

    An assessment or office that cannot be purged stops no other; the next run tries it again.
    """
    now = timezone.now()
    purged = Purged(held=Office.objects.filter(held_at__isnull=False).count())
    for office in Office.objects.filter(shorter_retention__starts_at__lte=now).order_by("pk"):
        with _logged(office, purged.failed_offices):
            start_shorter_retention(office=office, now=now)
    for office in Office.objects.filter(held_at__isnull=True).order_by("pk"):
        for reason, expired in expired_of(office, now=now).items():
            count = sum(_purge(office, reason, key, now, purged.failed) for key in _keys(expired))
            setattr(purged, reason, getattr(purged, reason) + count)
        with _logged(office, purged.failed_offices):
            purged.withdrawn += _purge_withdrawn(office)
    purged.addresses = delete_addresses(until=now - ADDRESSES_KEPT)
    delete_expired(now=now)
    try:
        names = _expired_files(now)
        remove_files(names)
        purged.files = sum(not default_storage.exists(name) for name in names)
    except OSError as error:
        log.error("The file storage cannot be looked at: %s", type(error).__name__)
        purged.no_storage = True
    return purged


def _keys(assessments: AssessmentQuerySet) -> list[int]:
    return list(assessments.order_by("pk").values_list("pk", flat=True))


def _purge(office: Office, reason: str, key: int, now: datetime, failed: list[int]) -> bool:
    """Delete one assessment if it is still expired and its office is under no hold; return whether it was deleted.

    The key of one that cannot be deleted is added to `failed`.
    """
    try:
        with transaction.atomic():
            locked = _locked(office)
            _lock(Assessment.objects.filter(pk=key))
            if locked.held_at is not None:
                return False
            assessment = expired_of(locked, now=now)[reason].filter(pk=key).first()
            if assessment is None:
                return False
            _delete([key])
            audit.append(office=locked, action=Action.PURGED, about=assessment, by=None)
    except DatabaseError as error:
        # Not the error's own message, which may quote a row.
        log.error("Assessment %s is not deleted yet: %s", key, type(error).__name__)
        failed.append(key)
        return False
    return True


def _unheld_withdrawn() -> QuerySet[Share]:
    """The withdrawn shares that still have content or a question, and whose office is under no legal hold.

    They were withdrawn under a hold that has since been lifted, or before withdrawals deleted the question.
    """
    return Share.objects.filter(
        Q(content__isnull=False) | Q(request__isnull=False),
        withdrawal__isnull=False,
        attestation__assessment__account__office__held_at__isnull=True,
    )


@transaction.atomic
def _purge_withdrawn(office: Office) -> int:
    locked = _locked(office)
    withdrawn = _unheld_withdrawn().filter(attestation__assessment__account__office=locked)
    return delete_content(list(withdrawn.values_list("pk", flat=True)))


@contextmanager
def _logged(office: Office, failed: list[int]) -> Iterator[None]:
    """Log a fault of the database, and add the office's key to `failed`, so that the others are purged."""
    try:
        yield
    except DatabaseError as error:
        # Not the error's own message, which may quote a row.
        log.error("Office %s is not purged yet: %s", office.pk, type(error).__name__)
        failed.append(office.pk)


def _lock(assessments: AssessmentQuerySet) -> list[int]:
    """Lock assessments, their attestations and shares, in the order in which others lock; return the keys."""
    keys = _keys(assessments)
    attestations = Attestation.objects.filter(assessment__in=keys).order_by("pk")
    shares = Share.objects.filter(attestation__assessment__in=keys).order_by("pk")
    entries = DeskEntry.objects.filter(share__attestation__assessment__in=keys).order_by("pk")
    for rows in (
        attestations.select_for_update(),
        shares.select_for_update(of=("self",)),
        entries.select_for_update(of=("self",)),
        Assessment.objects.filter(pk__in=keys).order_by("pk").select_for_update(of=("self",)),
    ):
        list(rows.values_list("pk"))
    return keys


def _delete(keys: Collection[int]) -> None:
    """Delete assessments with all records that refer to them, and on commit their files."""
    of_attestation = Q(attestation__assessment__in=keys)
    stored = StoredPdf.objects.filter(of_attestation | Q(share__attestation__assessment__in=keys))
    names = list(stored.values_list("name", flat=True))
    shares = Share.objects.filter(of_attestation).values_list("pk", flat=True)
    drop_mail(paths=[share_path(pk) for pk in shares])
    with purging():
        AdviceEntry.objects.filter(request__share__attestation__assessment__in=keys).delete()
        for model in (AdviceRequest, Withdrawal, ShareContent):
            model._default_manager.filter(share__attestation__assessment__in=keys).delete()
        stored.delete()
        for owned in (Share, Reminder, Finding):
            owned._default_manager.filter(of_attestation).delete()
        Attestation.objects.filter(assessment__in=keys).delete()
        # This deletes their answers, threads with comments, marks, looks and notices as well.
        Assessment.objects.filter(pk__in=keys).delete()
    after_commit("deleting stored files", remove_files, names)


# --- Files ------------------------------------------------------------------------------------


def remove_files(names: Collection[str]) -> None:
    """Delete stored files; `purge_expired` tries again those that cannot be deleted now."""
    for name in names:
        try:
            default_storage.delete(name)
        except OSError as error:
            log.error("A stored file is not deleted yet: %s", type(error).__name__)


def _expired_files(now: datetime) -> list[str]:
    return [*_withdrawn_files(), *_forgotten_files(), *_left_by_health_checks(until=now - timedelta(days=1))]


def _left_by_health_checks(*, until: datetime) -> Iterator[str]:
    """Files that `/health/ready` wrote and could not delete, since its process was killed."""
    with suppress(FileNotFoundError):
        for name in default_storage.listdir("health")[1]:
            with suppress(FileNotFoundError):
                if default_storage.get_modified_time(f"health/{name}") <= until:
                    yield f"health/{name}"


def _withdrawn_files() -> Iterator[str]:
    """The files left of withdrawn shares, including any without a row because printing was interrupted."""
    withdrawn = Withdrawal.objects.filter(
        share__attestation__assessment__account__office__held_at__isnull=True
    )
    folders = set(_folders("shares"))
    for key in withdrawn.order_by("share").values_list("share", flat=True):
        if str(key) in folders:
            for name in default_storage.listdir(f"shares/{key}")[1]:
                yield f"shares/{key}/{name}"


def _forgotten_files() -> Iterator[str]:
    """The files of records that are deleted. Storage failed at that moment, or a print was just ending."""
    for folder, model in FOLDERS.items():
        keys = [int(key) for key in _folders(folder) if key.isascii() and key.isdecimal()]
        existing = set(model._default_manager.filter(pk__in=keys).values_list("pk", flat=True))
        for key in sorted(set(keys) - existing):
            for name in default_storage.listdir(f"{folder}/{key}")[1]:
                yield f"{folder}/{key}/{name}"


def _folders(folder: str) -> list[str]:
    try:
        return default_storage.listdir(folder)[0]
    except FileNotFoundError:
        return []
