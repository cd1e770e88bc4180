"""`python -m tests.fuzz [--seed N] [--requests N] [--only CASE]`, on SQLite; on PostgreSQL by tests.postgres."""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import django

from tests.bench.own import places

if TYPE_CHECKING:
    from tests.fuzz.run import Report

SEED, REQUESTS, MALFORMED = 20261130, 10_000, 400
SAMPLES = 3
"""Requests that the report names for each fault."""


def ready(scratch: str) -> None:
    """Set Django up as in production, behind a proxy, with a database and files in `scratch`."""
    os.environ.update(
        places(scratch),
        DEBUG="false",
        SECRET_KEY="only the fuzzer signs with this",
        ALLOWED_HOSTS="portal.example.ca",
        PORTAL_URL="https://portal.example.ca",
        PROXIES="1",
        TASKS="immediate",
        DJANGO_SETTINGS_MODULE="tests.served_settings",
    )
    django.setup()
    from django.core.management import call_command  # noqa: PLC0415

    for command in ("migrate", "createcachetable", "load_editions"):
        call_command(command, verbosity=0)


def main() -> int:
    """Run, and print the report. Returns 1 if there were faults."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--requests", type=int, default=REQUESTS, help="stop after so many requests")
    parser.add_argument("--malformed", type=int, default=MALFORMED, help="requests over a socket, besides")
    parser.add_argument("--only", type=int, metavar="CASE", help="repeat one case")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        ready(scratch)
        from django.conf import settings  # noqa: PLC0415
        from django.db import connection, transaction  # noqa: PLC0415

        from tests.fuzz.raw import RawReport, attack  # noqa: PLC0415
        from tests.fuzz.run import printed_as_html, run  # noqa: PLC0415
        from tests.fuzz.world import make_world  # noqa: PLC0415

        settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
        # Hashes that are slow on purpose would take a fifth of the time.
        settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
        command = f"python -m tests.fuzz --seed {options.seed}"
        if connection.vendor == "postgresql":
            command = f"python -m tests.postgres {command}"
        print(f"{connection.vendor}, seed {options.seed}", flush=True)
        numbers = itertools.count() if options.only is None else [options.only]
        with transaction.atomic():
            with printed_as_html():
                world = make_world(options.seed)
            tell = partial(print, flush=True)
            report = run(
                world,
                numbers,
                seed=options.seed,
                requests=options.requests,
                tell=tell,
                really_print=options.only is None,
            )
            transaction.set_rollback(True)
        connection.close()
        raw = RawReport()
        if options.only is None:
            raw = attack(options.seed, options.malformed, Path(scratch))
    _tell(report, command)
    malformed = ", ".join(f"{status} {count}" for status, count in sorted(raw.statuses.items()))
    print(f"\nmalformed requests over a socket: {malformed or 'none'}; slowest {raw.slowest:.1f} s")
    print(*raw.faults, sep="\n")
    count = len(report.faults) + len(raw.faults)
    print(
        f"{report.requests + raw.statuses.total():,} requests in {time.monotonic() - began:.0f} s, {count} faults"
    )
    return 1 if count else 0


def _tell(report: Report, command: str) -> None:
    for name, counts in report.counts.items():
        if name != "route":
            print(f"by {name}: " + ", ".join(f"{key} {count:,}" for key, count in sorted(counts.items())))
    print(
        f"URL patterns: {len(report.counts['route'])}. Audit chains verified: {report.chains:,}. "
        f"PDFs printed: {report.printed}, {report.marked} of them with the person's own marks."
    )
    print("slowest:", *(f"  {seconds:.2f} s {what}" for seconds, what in report.slowest), sep="\n")
    for fault, samples in report.kinds().items():
        print(f"\n{len(samples)} × {fault}")
        for number, ask in samples[:SAMPLES]:
            print(f"  {ask}\n    {command} --only {number}" if number >= 0 else f"  {ask}")


if __name__ == "__main__":
    sys.exit(main())
