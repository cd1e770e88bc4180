"""Writing the audit trail: every service that writes an office's or a person's record calls `append` last.

Not in the trail are anonymous checks, which leave nothing lasting, and what concerns a person's own pages alone: what
they have seen, and whether they want mail.
"""

from __future__ import annotations

import secrets
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Any

from django.db import models, transaction
from django.db.transaction import TransactionManagementError
from django.utils import timezone

from assessments.models import Action, AuditAddress, AuditEvent, AuditHead, Office, User
from assessments.models.audit import address_hash, event_hash
from assessments.services.purging import purging

__all__ = ["Action", "append", "current_address", "delete_addresses", "take_note", "unheld_addresses"]

current_address: ContextVar[str] = ContextVar("current_address", default="")
"""The network address that the current request comes from; empty outside of requests (see views/address.py)."""
ONE_SITTING = timedelta(minutes=10)
"""Autosaves by one person within this time are one event."""


@transaction.atomic
def take_note(*, office: Office | None, action: Action, about: models.Model, by: User) -> None:
    """Append that someone looked at, or took away, what is another person's; the same look is noted once."""
    append(office=office, action=action, about=about, by=by, coalesce=True)


def append(
    *,
    office: Office | None,
    action: Action,
    about: models.Model,
    by: User | None,
    coalesce: bool = False,
) -> None:
    """Append to an office's chain, or to the portal's where there is no office, within the caller's transaction.

    With `coalesce` nothing is appended where the last event about this record is the same person's, the same action
    and less than ten minutes old. Raises TransactionManagementError outside of a transaction.

    To be called last: the chain is locked until the transaction ends, and all other writes of the office wait. While
    they wait, PostgreSQL still has references to check: a service that locks rows which others refer to does so with
    `no_key=True`, or the two would wait for one another.
    """
    if not transaction.get_connection().in_atomic_block:
        raise TransactionManagementError("An audit event belongs in the transaction of what it tells of.")
    kind = str(about._meta.model_name)
    if coalesce and _was_just_told(office, action, kind, about.pk, by):
        return
    head = _locked_head(office)
    address = current_address.get()
    salt = secrets.token_hex(16) if address else ""
    columns: dict[str, Any] = {
        "office_id": office.pk if office else None,
        "number": head.count + 1,
        "at": timezone.now(),
        "actor_id": by.pk if by else None,
        "action": action.value,
        "record_type": kind,
        "record_id": about.pk,
        "address_hash": address_hash(address, salt) if address else "",
        "previous": head.hash,
    }
    event = AuditEvent.objects.create(**columns, hash=event_hash(columns))
    if address:
        AuditAddress.objects.create(event=event, address=address, salt=salt)
    AuditHead.objects.filter(pk=head.pk).update(count=event.number, hash=event.hash)


def _was_just_told(office: Office | None, action: Action, kind: str, pk: Any, by: User | None) -> bool:
    events = AuditEvent.objects.filter(record_type=kind, record_id=pk, office=office)
    last = events.order_by("-number").first()
    return (
        last is not None
        and (last.action, last.actor_id) == (action.value, by.pk if by else None)
        and timezone.now() - last.at < ONE_SITTING
    )


def _locked_head(office: Office | None) -> AuditHead:
    """The head of a chain, to ourselves until the transaction ends: appends take turns, and no chain forks."""
    heads = AuditHead.objects.select_for_update().filter(office=office)
    head = heads.first()
    if head is None:
        # Of two that begin a chain at once, one finds the other's.
        AuditHead.objects.bulk_create([AuditHead(office=office)], ignore_conflicts=True)
        head = heads.get()
    return head


def unheld_addresses(*, until: datetime, office: Office | None = None) -> models.QuerySet[AuditAddress]:
    """The network addresses of the events up to a moment, of all chains or of one office, that no hold keeps."""
    found = AuditAddress.objects.filter(event__at__lte=until, event__office__held_at__isnull=True)
    return found.filter(event__office=office) if office else found


def delete_addresses(*, until: datetime, office: Office | None = None) -> int:
    """Delete the network addresses of the events up to a moment; return how many. The chains stay whole."""
    with purging():
        return unheld_addresses(until=until, office=office).delete()[0]
