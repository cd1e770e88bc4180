"""Writing the audit trail: every service that writes an office's or a person's record calls `append` last.

Two things are not in the trail: anonymous checks, of which nothing lasting is kept, and what concerns a person's own
pages alone, such as what they have seen and whether they want email.
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

__all__ = ["Action", "append", "append_access", "current_address", "delete_addresses", "unheld_addresses"]

current_address: ContextVar[str] = ContextVar("current_address", default="")
"""The network address of the current request; empty outside of requests (set by middleware/address.py)."""
ONE_SITTING = timedelta(minutes=10)
"""Events that are coalesced, such as one person's autosaves, are one event within this time."""


@transaction.atomic
def append_access(*, office: Office | None, action: Action, about: models.Model, by: User) -> None:
    """Append that someone viewed or downloaded another person's record, once for repeated views."""
    append(office=office, action=action, about=about, by=by, coalesce=True)


def append(
    *,
    office: Office | None,
    action: Action,
    about: models.Model,
    by: User | None,
    coalesce: bool = False,
    record_hash: str = "",
) -> None:
    """Append an event to an office's chain, or to the portal's without an office, within the caller's transaction.

    `record_hash` is the SHA-256 of what was attested, shared or printed, or of why a hold was set. With `coalesce`,
    nothing is appended where the last event about this record is the same person's, the same action and less than ten
    minutes old. Raises TransactionManagementError outside of a transaction.

    Call it last: it locks the chain until the transaction ends, and all other writes of the office wait for it. At
    its end PostgreSQL still locks the rows that the new event refers to, to check the references. So a service that
    locks rows which others refer to does so with `no_key=True`; otherwise the two would wait for one another.
    """
    if not transaction.get_connection().in_atomic_block:
        raise TransactionManagementError(
            "An audit event belongs in the transaction of the write that it describes."
        )
    kind = str(about._meta.model_name)
    if coalesce and _was_just_appended(office, action, kind, about.pk, by):
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
        "record_hash": record_hash,
        "address_hash": address_hash(address, salt) if address else "",
        "previous": head.hash,
    }
    event = AuditEvent.objects.create(**columns, hash=event_hash(columns))
    if address:
        AuditAddress.objects.create(event=event, address=address, salt=salt)
    AuditHead.objects.filter(pk=head.pk).update(count=event.number, hash=event.hash)


def _was_just_appended(office: Office | None, action: Action, kind: str, pk: Any, by: User | None) -> bool:
    events = AuditEvent.objects.filter(record_type=kind, record_id=pk, office=office)
    last = events.order_by("-number").first()
    return (
        last is not None
        and (last.action, last.actor_id) == (action.value, by.pk if by else None)
        and timezone.now() - last.at < ONE_SITTING
    )


def _locked_head(office: Office | None) -> AuditHead:
    """Lock the head of a chain until the transaction ends, so that appends take turns and no chain forks."""
    heads = AuditHead.objects.select_for_update().filter(office=office)
    head = heads.first()
    if head is None:
        # If two transactions begin the same chain, the second uses the first's head.
        AuditHead.objects.bulk_create([AuditHead(office=office)], ignore_conflicts=True)
        head = heads.get()
    return head


def unheld_addresses(*, until: datetime, office: Office | None = None) -> models.QuerySet[AuditAddress]:
    """The network addresses of the events up to a moment, of all chains or one office's, under no legal hold."""
    addresses = AuditAddress.objects.filter(event__at__lte=until, event__office__held_at__isnull=True)
    return addresses.filter(event__office=office) if office else addresses


def delete_addresses(*, until: datetime, office: Office | None = None) -> int:
    """Delete the network addresses of the events up to a moment; return how many. The chains stay valid."""
    with purging():
        return unheld_addresses(until=until, office=office).delete()[0]
