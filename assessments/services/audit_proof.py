"""Proving the audit trail: each chain is walked from its first event, and the first fault is named.

A chain alone proves that no event in it was changed, removed or inserted, and its head proves that none is missing at
the end. Someone who controls the database could still rebuild a whole chain. An anchor shows that: a copy, kept
elsewhere, of how far each chain had come at an earlier time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.files.storage import default_storage
from django.db.models import Exists, OuterRef

from assessments.models import Attestation, AuditEvent, AuditHead, Share, StoredPdf
from assessments.models.audit import CHAINED, address_hash, event_hash
from assessments.records.attested import sha256_of

PORTAL = "portal"
"""The name of the chain of events that belong to no office; an office's chain is named by its key."""
CHUNK_SIZE = 1_000
"""Events read into memory together; progress is reported after as many."""


@dataclass(frozen=True)
class Mark:
    """How far a chain has come: how many events, and the hash of the last."""

    count: int = 0
    hash: str = ""


@dataclass(frozen=True)
class Walked:
    """The result of walking a chain: how far the walk came, and the first fault in words, empty if there is none."""

    chain: str
    mark: Mark
    fault: str = ""


class _Fault(Exception):
    pass


def chains(anchor: Mapping[str, Mark]) -> list[str]:
    """The names of the chains that exist now or existed when the anchor was written; the portal's first."""
    keys: set[int | None] = {*AuditHead.objects.values_list("office", flat=True)}
    keys |= {*AuditEvent.objects.order_by().values_list("office", flat=True).distinct()}
    names = {PORTAL if key is None else str(key) for key in keys} | anchor.keys()
    return sorted(names, key=lambda name: (name != PORTAL, len(name), name))


def count_events() -> int:
    """How many events the heads count: the total for a progress bar."""
    return sum(AuditHead.objects.values_list("count", flat=True))


def walk(
    chain: str, *, anchor: Mark | None = None, advance: Callable[[int], object] = lambda _: None
) -> Walked:
    """Walk a chain in constant memory and return the result. People can go on working during the walk."""
    office = None if chain == PORTAL else int(chain)
    head, last = _head(office), Mark()
    try:
        for columns, address in _rows(office):
            last = _check_next(last, columns, address)
            for name, mark in {"the head of its chain": head, "the anchor": anchor}.items():
                if mark and mark.count == last.count and mark.hash != last.hash:
                    raise _Fault(f"Event {last.count} is not the one that {name} names.")
            if last.count % CHUNK_SIZE == 0:
                advance(CHUNK_SIZE)
        _check_end(last, office, head, anchor)
    except _Fault as fault:
        return Walked(chain, last, str(fault))
    except (TypeError, ValueError):
        # No service writes such values, so they were put there by hand.
        return Walked(chain, last, f"Event {last.count + 1} was changed: it cannot be read.")
    advance(last.count % CHUNK_SIZE)
    return Walked(chain, last)


def _head(office: int | None) -> Mark:
    head = AuditHead.objects.filter(office=office).first()
    return Mark(head.count, head.hash) if head else Mark()


def _rows(office: int | None) -> Iterator[tuple[dict[str, Any], tuple[str, str] | None]]:
    """The events of a chain in order, each with its network address and salt while they are kept."""
    names = (*CHAINED, "record_hash", "hash", "address__address", "address__salt")
    rows = AuditEvent.objects.of_chain(office).order_by("number").values_list(*names)
    for *columns, address, salt in rows.iterator(chunk_size=CHUNK_SIZE):
        yield (
            dict(zip((*CHAINED, "record_hash", "hash"), columns, strict=True)),
            None if address is None else (address, salt),
        )


def _check_next(last: Mark, columns: dict[str, Any], address: tuple[str, str] | None) -> Mark:
    """Check that an event follows the last one; return the mark after it."""
    number, expected = columns["number"], last.count + 1
    if number > expected:
        raise _Fault(f"Event {expected} is missing.")
    if number < expected:
        raise _Fault(f"Event {number} was changed: its number occurs twice, or was never assigned.")
    if event_hash(columns) != columns["hash"]:
        raise _Fault(f"Event {number} was changed.")
    if columns["previous"] != last.hash:
        raise _Fault(
            f"Event {number} does not follow event {last.count}: one of them replaces another event."
        )
    if address and address_hash(*address) != columns["address_hash"]:
        raise _Fault(f"The network address of event {number} was changed.")
    return Mark(number, columns["hash"])


def _check_end(last: Mark, office: int | None, head: Mark, anchor: Mark | None) -> None:
    """Check that no event is missing at the end, and that the head counts every event there is."""
    for name, mark in {"the head of the chain": head, "the anchor": anchor}.items():
        if mark and last.count < mark.count:
            raise _Fault(
                f"Events are missing at the end: {name} counts {mark.count}, and there are {last.count}."
            )
    # The head is read again, since people may have gone on working.
    if last.count > head.count and last.count > (now := _head(office)).count:
        raise _Fault(f"Events were inserted at the end: the head of the chain counts {now.count}.")


# --- Records and files ------------------------------------------------------------------------


@dataclass
class Compared:
    """The result of comparing what was attested, shared and printed with the events about it.

    `older` counts those from before events had a hash. They are compared with their own hash only. `missing` counts
    PDFs without a file; they are printed again on request.
    """

    records: int = 0
    older: int = 0
    files: int = 0
    missing: int = 0
    faults: list[str] = field(default_factory=list)


def compare_records() -> Compared:
    """Compare every record and stored file that still exists with its own hash and with the hash in its event.

    Raises OSError if the file storage cannot be read.
    """
    compared = Compared()
    for attestation in _with_event(Attestation.objects.order_by("pk"), "attested"):
        _compare(compared, f"Attestation {attestation.pk}", attestation, attestation.record)
    withdrawn = _events("share_withdrawn", Share)
    shares = Share.objects.order_by("pk").select_related("content").annotate(was_withdrawn=Exists(withdrawn))
    for share in _with_event(shares, "shared"):
        content = share.content.record if hasattr(share, "content") else None
        _compare(compared, f"Share {share.pk}", share, content)
        if content is None and not share.was_withdrawn:
            compared.faults.append(
                f"Share {share.pk} has no content, and no event says that it was withdrawn."
            )
    first = AuditEvent.objects.exclude(record_hash="").order_by("at").values_list("at", flat=True).first()
    for pdf in _with_event(StoredPdf.objects.order_by("pk").select_related("share__withdrawal"), "printed"):
        is_older = pdf.has_event or first is None or pdf.made_at < first
        if not pdf.event_hash and is_older:
            compared.older += 1
        elif not pdf.event_hash:
            compared.faults.append(f"Stored PDF {pdf.pk} has no event: it was inserted by hand.")
        elif pdf.event_hash != pdf.sha256:
            compared.faults.append(f"Stored PDF {pdf.pk} does not match the hash in its event.")
        _compare_file(compared, pdf)
    return compared


def _with_event(rows: Any, action: str) -> Iterator[Any]:
    """Rows with `has_event` and `event_hash`: whether an event says that this was done, and the hash in it."""
    events = _events(action, rows.model)
    annotated = rows.annotate(has_event=Exists(events), event_hash=events.values("record_hash")[:1])
    yield from annotated.iterator(chunk_size=100)


def _events(action: str, model: Any) -> Any:
    """The events of an action about each row of a model, the first one first, for a subquery."""
    about = AuditEvent.objects.filter(record_type=model._meta.model_name, record_id=OuterRef("pk"))
    return about.filter(action=action).order_by("number")


def _compare(compared: Compared, name: str, row: Any, record: str | None) -> None:
    compared.records += 1
    compared.older += row.has_event and not row.event_hash
    if not row.has_event:
        compared.faults.append(f"{name} has no event: it was inserted by hand.")
    elif row.event_hash and row.event_hash != row.sha256:
        compared.faults.append(f"{name} does not match the hash in its event.")
    if record is not None and sha256_of(record) != row.sha256:
        compared.faults.append(f"The record of {name.lower()} was changed: it does not match its hash.")


def _compare_file(compared: Compared, pdf: StoredPdf) -> None:
    if pdf.share is not None and hasattr(pdf.share, "withdrawal"):
        # Its file is deleted, or about to be.
        return
    compared.files += 1
    try:
        with default_storage.open(pdf.name) as file:
            content = file.read()
    except FileNotFoundError:
        compared.missing += 1
        return
    if hashlib.sha256(content).hexdigest() != pdf.sha256:
        compared.faults.append(f"The file of stored PDF {pdf.pk} was changed.")
