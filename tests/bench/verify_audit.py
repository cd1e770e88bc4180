"""How long it takes to prove an audit trail: `python -m tests.bench.verify_audit`.

Walks 100,000 events of one office, each with an address, as `manage.py verify_audit` does. The baseline reads the
same rows and hashes their plain text. Seconds are the best of some runs: use the ratio. Also prints the peak memory
of a walk over a tenth of the events, and over all. On PostgreSQL: run it with tests.postgres.
"""

import hashlib
import os
import sys
import time
import tracemalloc
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import django
from django.core.management import call_command

from tests.postgres import STARTED_FOR_US

EVENTS, RUNS, BATCH = 100_000, 3, 5_000


def fill(office: Any, count: int) -> None:
    """Append events as the service would, many at once."""
    from django.utils import timezone  # noqa: PLC0415 - after django.setup

    from assessments.models import Action, AuditAddress, AuditEvent, AuditHead  # noqa: PLC0415
    from assessments.models.audit import address_hash, event_hash  # noqa: PLC0415

    previous, began = "", timezone.now() - timedelta(seconds=count)
    for first in range(1, count + 1, BATCH):
        events, addresses = [], []
        for number in range(first, first + BATCH):
            salt = f"{number:032x}"
            columns = {
                "office_id": office.pk,
                "number": number,
                "at": began + timedelta(seconds=number),
                "actor_id": office.member_id,
                "action": Action.ANSWERS_SAVED.value,
                "record_type": "assessment",
                "record_id": number % 50 + 1,
                "address_hash": address_hash("192.0.2.7", salt),
                "previous": previous,
            }
            previous = event_hash(columns)
            events.append(AuditEvent(**columns, hash=previous))
            addresses.append(AuditAddress(event_id=previous, address="192.0.2.7", salt=salt))
        AuditEvent.objects.bulk_create(events)
        AuditAddress.objects.bulk_create(addresses)
    AuditHead.objects.create(office=office, count=count, hash=previous)


def plain(office: Any) -> None:
    """Read the same rows in the same order, and hash the text of each."""
    from assessments.models import AuditEvent  # noqa: PLC0415
    from assessments.models.audit import CHAINED  # noqa: PLC0415

    rows = AuditEvent.objects.of_chain(office.pk).order_by("number").values_list(*CHAINED, "hash")
    for row in rows.iterator(chunk_size=1_000):
        hashlib.sha256(repr(row).encode()).digest()


def seconds(*works: Callable[[], Any]) -> list[float]:
    """The seconds that each of `works` takes: the best of some runs, by turns."""
    best = [float("inf")] * len(works)
    for _ in range(RUNS):
        for at, work in enumerate(works):
            began = time.perf_counter()
            work()
            best[at] = min(best[at], time.perf_counter() - began)
    return best


def peak_memory(work: Callable[[], Any]) -> float:
    """The peak of Python's memory during some work, in megabytes."""
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1_000_000


def main() -> None:
    """Measure and print."""
    os.environ["DATABASE_URL"] = os.environ.get(STARTED_FOR_US) or "sqlite://:memory:"
    os.environ |= {"DEBUG": "false", "SECRET_KEY": "only for figures"}
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.db import connection  # noqa: PLC0415

    from assessments.models import Office, User  # noqa: PLC0415
    from assessments.services.audit_proof import walk  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    offices = []
    for name, count in (("small", EVENTS // 10), ("large", EVENTS)):
        member = User.objects.create_user(f"{name}@example.ca", name=name)
        offices.append(Office.objects.create(name=name, member=member, starts_on=date(2022, 11, 15)))
        fill(offices[-1], count)
    small, large = offices
    walked = walk(str(large.pk))
    if walked.fault or walked.mark.count != EVENTS:
        sys.exit(f"The chain does not hold: {walked}")
    proof, floor = seconds(lambda: walk(str(large.pk)), lambda: plain(large))
    print(f"{EVENTS:,} events on {connection.vendor}, Python {sys.version.split()[0]}")
    print(f"proved      {proof:6.2f} s")
    print(f"plain hash  {floor:6.2f} s")
    print(f"ratio       {proof / floor:6.1f}")
    for office, count in ((small, EVENTS // 10), (large, EVENTS)):
        print(f"{peak_memory(lambda: walk(str(office.pk))):6.1f} MB held for {count:,} events")  # noqa: B023 - called at once


if __name__ == "__main__":
    main()
