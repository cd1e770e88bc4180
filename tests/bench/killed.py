"""What happens to autosaves, attestations and shares when the web process is killed at any moment.

`python -m tests.bench.killed` on SQLite, `python -m tests.postgres python -m tests.bench.killed` on PostgreSQL.

A browser saves answers, attests and shares, each as soon as the one before is answered. At a random moment its server
is killed with SIGKILL: in turn all of it, and only its workers, which it replaces. The benchmark counts acknowledged
writes that the database lacks (lost), and records that do not match their hash, lack findings or content, or break
the audit chain (torn). Then the last request is sent again to a new server, as people do, and it counts what was
written twice (doubled). In the end, the whole audit trail is verified, as `manage.py verify_audit` does.
"""

import contextlib
import io
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import django
import requests
from django.core.management import CommandError, call_command

from tests.bench.own import places, tables
from tests.hosts import (
    PASSWORD,
    Acknowledged,
    Browser,
    faults,
    free_port,
    killed,
    share_of,
    wait_for,
    web_host,
)

KILLS = 50


def walk(browser: Browser, draft: int, acknowledged: Acknowledged) -> None:
    """Save, attest and share, until the server is killed."""
    with contextlib.suppress(requests.RequestException):
        for _ in range(12):
            browser.note(draft, acknowledged)
        browser.post(*browser.attestation(draft))
        acknowledged.attested = True
        browser.post(*share_of(draft))
        acknowledged.shared = True


def kill_workers(server: subprocess.Popen[bytes]) -> None:
    """Kill the processes that a server has started."""
    for pid in Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)


def main() -> None:
    """Measure and print one line."""
    with tempfile.TemporaryDirectory() as scratch:
        os.environ.update(places(scratch), DEBUG="true", DJANGO_SETTINGS_MODULE="config.settings")
        django.setup()
        tables()
        run()


def run() -> None:
    from django.db import connection  # noqa: PLC0415

    from tests.cast import account_of, answered, office_of, person  # noqa: PLC0415

    member = person("member", password=PASSWORD)
    office = office_of(member)
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    chance = random.Random(7)  # noqa: S311
    totals = Counter(acknowledged=0, lost=0, torn=0, doubled=0)
    longest = 0.0
    for at in range(KILLS + 1):
        draft = answered(account_of(office, handle=f"@{at}"), member).pk
        server = web_host(port)
        wait_for(address)
        browser, acknowledged = Browser([address]), Acknowledged()
        # Sign in before the server can be killed.
        browser.enter(member.email)
        walking = threading.Thread(target=walk, args=(browser, draft, acknowledged))
        began = time.monotonic()
        walking.start()
        if at == 0:
            # The first walk is not interrupted: it shows how long one takes.
            walking.join()
            longest = time.monotonic() - began
        else:
            time.sleep(chance.uniform(0, longest))
            (kill_workers if at % 2 else killed)(server)
        walking.join()
        killed(server)
        connection.close()
        counts = faults(draft, acknowledged)
        # Without the sign-in.
        totals["acknowledged"] += browser.acknowledged - 1
        if browser.last and not acknowledged.shared:
            again = web_host(port)
            wait_for(address)
            with contextlib.suppress(RuntimeError, requests.RequestException):
                browser.post(*browser.last)
            killed(again)
            connection.close()
            counts |= faults(draft, acknowledged)
        totals.update(counts)
    figures = ", ".join(f"{name} {count}" for name, count in totals.items())
    sys.stdout.write(
        f"{connection.vendor}: {KILLS} kills, a walk takes {longest:.1f} s: {figures}; {_trail()}\n"
    )


def _trail() -> str:
    """Whether the audit trail verifies, with the records and files that it is about."""
    try:
        call_command("verify_audit", stdout=io.StringIO(), stderr=io.StringIO())
    except CommandError as fault:
        return f"the audit trail does not verify: {fault}"
    return "the audit trail verifies"


if __name__ == "__main__":
    main()
