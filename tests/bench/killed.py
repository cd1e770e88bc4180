"""What becomes of autosaves, attestations and shares when the web process is killed at any moment.

`python -m tests.bench.killed` on SQLite, `python -m tests.postgres python -m tests.bench.killed` on PostgreSQL.

A browser saves answers, attests and shares, as fast as it is answered. At a random moment its server is killed with
SIGKILL. Then what was acknowledged is sought in the database (lost), what is there is looked over (torn: a record
that its hash does not prove, findings or content that are missing, a broken audit chain), and the last request is
sent once more to a new server, as people do (doubled).
"""

import contextlib
import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter

import django
import requests

from tests.bench.own import places, tables
from tests.hosts import PASSWORD, Browser, Seen, faults, free_port, killed, share_of, wait_for, web_host

KILLS = 40


def walk(browser: Browser, draft: int, seen: Seen) -> None:
    """Save, attest and share; end where the server does."""
    with contextlib.suppress(requests.RequestException):
        for _ in range(12):
            browser.note(draft, seen)
        browser.post(*browser.attestation(draft))
        seen.attested = True
        browser.post(*share_of(draft))
        seen.shared = True


def main() -> None:
    """Kill, look, try again; print one line."""
    with tempfile.TemporaryDirectory() as scratch:
        os.environ.update(places(scratch), DEBUG="true", DJANGO_SETTINGS_MODULE="config.settings")
        django.setup()
        tables()
        run()


def run() -> None:
    from datetime import date  # noqa: PLC0415

    from django.db import connection  # noqa: PLC0415

    from assessments.models import Office, SocialAccount, User  # noqa: PLC0415
    from tests.attested import answered  # noqa: PLC0415

    member = User.objects.create_user("ana@example.ca", PASSWORD, name="Ana Silva")
    office = Office.objects.create(name="Ward 10", member=member, starts_on=date(2022, 11, 15))
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    chance = random.Random(7)  # noqa: S311
    totals = Counter(acknowledged=0, lost=0, torn=0, doubled=0)
    longest = 0.0
    for at in range(KILLS + 1):
        account = SocialAccount.objects.create(office=office, platform="X", handle=f"@{at}")
        draft = answered(account, member).pk
        server = web_host(port)
        wait_for(address)
        browser, seen = Browser([address]), Seen()
        # Before anybody is killed.
        browser.enter(member.email)
        walking = threading.Thread(target=walk, args=(browser, draft, seen))
        began = time.monotonic()
        walking.start()
        if at == 0:
            # The first walk is whole: it tells how long one takes.
            walking.join()
            longest = time.monotonic() - began
        else:
            time.sleep(chance.uniform(0, longest))
        killed(server)
        walking.join()
        connection.close()
        found = faults(draft, seen)
        # But for the sign-in.
        totals["acknowledged"] += browser.acknowledged - 1
        if browser.last and not seen.shared:
            again = web_host(port)
            wait_for(address)
            with contextlib.suppress(RuntimeError, requests.RequestException):
                browser.post(*browser.last)
            killed(again)
            connection.close()
            found |= faults(draft, seen)
        totals.update(found)
    told = ", ".join(f"{name} {count}" for name, count in totals.items())
    sys.stdout.write(f"{connection.vendor}: {KILLS} kills, a walk takes {longest:.1f} s: {told}\n")


if __name__ == "__main__":
    main()
