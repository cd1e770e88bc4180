"""Proving the audit trail: each chain is walked from its first event, and the first fault is named.

What a chain proves on its own is that no row in it was changed, taken out or put in, and, by its head, that none is
missing at the end. Someone who has the database to themselves could write a whole chain anew. That shows against an
anchor: how far each chain had come at some earlier time, kept in another place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from assessments.models import AuditEvent, AuditHead
from assessments.models.audit import CHAINED, address_hash, event_hash

PORTAL = "portal"
"""The name of the chain of what belongs to no office; an office's is its key."""
AT_ONCE = 1_000
"""Rows that are held in memory, and after which progress is told."""


@dataclass(frozen=True)
class Mark:
    """How far a chain has come: how many events, and the hash of the last."""

    count: int = 0
    hash: str = ""


@dataclass(frozen=True)
class Walked:
    """What became of a walk along a chain: how far it came, and the first fault in words, if there is one."""

    chain: str
    mark: Mark
    fault: str = ""


class _Fault(Exception):
    pass


def chains(anchor: Mapping[str, Mark]) -> list[str]:
    """The names of the chains that there are, or were when the anchor was written; the portal's first."""
    keys: set[int | None] = {*AuditHead.objects.values_list("office", flat=True)}
    keys |= {*AuditEvent.objects.order_by().values_list("office", flat=True).distinct()}
    names = {PORTAL if key is None else str(key) for key in keys} | anchor.keys()
    return sorted(names, key=lambda name: (name != PORTAL, len(name), name))


def count_events() -> int:
    """How many events the heads count, to tell progress by."""
    return sum(AuditHead.objects.values_list("count", flat=True))


def walk(
    chain: str, *, anchor: Mark | None = None, advance: Callable[[int], object] = lambda _: None
) -> Walked:
    """Walk a chain in constant memory, and tell how it ended. People can go on working meanwhile."""
    office = None if chain == PORTAL else int(chain)
    head, last = _head(office), Mark()
    try:
        for columns, address in _rows(office):
            last = _next(last, columns, address)
            for name, mark in {"the head of its chain": head, "the anchor": anchor}.items():
                if mark and mark.count == last.count and mark.hash != last.hash:
                    raise _Fault(f"Event {last.count} is not the one that {name} names.")
            if last.count % AT_ONCE == 0:
                advance(AT_ONCE)
        _see_the_end(last, office, head, anchor)
    except _Fault as fault:
        return Walked(chain, last, str(fault))
    except (TypeError, ValueError):
        # Nothing that a service writes, so it was put there by hand.
        return Walked(chain, last, f"Event {last.count + 1} was changed: it cannot be read.")
    advance(last.count % AT_ONCE)
    return Walked(chain, last)


def _head(office: int | None) -> Mark:
    head = AuditHead.objects.filter(office=office).first()
    return Mark(head.count, head.hash) if head else Mark()


def _rows(office: int | None) -> Iterator[tuple[dict[str, Any], tuple[str, str] | None]]:
    """The events of a chain in order, each with its address and salt where they are still kept."""
    names = (*CHAINED, "hash", "address__address", "address__salt")
    rows = AuditEvent.objects.of_chain(office).order_by("number").values_list(*names)
    for *columns, address, salt in rows.iterator(chunk_size=AT_ONCE):
        yield (
            dict(zip((*CHAINED, "hash"), columns, strict=True)),
            None if address is None else (address, salt),
        )


def _next(last: Mark, columns: dict[str, Any], address: tuple[str, str] | None) -> Mark:
    """The mark after one more event."""
    number, wanted = columns["number"], last.count + 1
    if number > wanted:
        raise _Fault(f"Event {wanted} is missing.")
    if number < wanted:
        raise _Fault(f"Event {number} was changed: its number is there twice, or was never given.")
    if event_hash(columns) != columns["hash"]:
        raise _Fault(f"Event {number} was changed.")
    if columns["previous"] != last.hash:
        raise _Fault(
            f"Event {number} does not follow event {last.count}: one of them was put in place of another."
        )
    if address and address_hash(*address) != columns["address_hash"]:
        raise _Fault(f"The network address of event {number} was changed.")
    return Mark(number, columns["hash"])


def _see_the_end(last: Mark, office: int | None, head: Mark, anchor: Mark | None) -> None:
    """See that nothing is missing at the end, and that nothing is there that nobody counted."""
    for name, mark in {"the head of the chain": head, "the anchor": anchor}.items():
        if mark and last.count < mark.count:
            raise _Fault(
                f"Events are missing at the end: {name} counts {mark.count}, and there are {last.count}."
            )
    # Looked up again, since people may have gone on working.
    if last.count > head.count and last.count > (now := _head(office)).count:
        raise _Fault(f"Events were put in at the end: the head of the chain counts {now.count}.")
