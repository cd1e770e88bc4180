"""What becomes of autosaves, attestations and shares when the web process is killed at any moment.

`python -m tests.bench.killed` on SQLite, `python -m tests.postgres python -m tests.bench.killed` on PostgreSQL.

A browser saves answers, attests and shares, as fast as it is answered. At a random moment its server is killed with
SIGKILL. Then what was acknowledged is sought in the database (lost), what is there is looked over (torn: a record
that its hash does not prove, findings or content that are missing, a broken audit chain), and the last request is
sent once more to a new server, as people do (doubled).
"""

import contextlib
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import django
import requests
from django.core.management import call_command

from tests.bench.own import places

KILLS = 40
PASSWORD = "quiet-harbour-9"
ROOT = Path(__file__).parents[2]


@dataclass
class Seen:
    """What a browser was told."""

    notes: dict[str, str] = field(default_factory=dict)
    attested: bool = False
    shared: bool = False
    acknowledged: int = 0
    last: tuple[str, dict[str, Any]] | None = None


class Browser:
    """Walks one draft from autosaves to a share, for as long as someone answers."""

    def __init__(self, address: str, draft: int) -> None:
        self.address, self.draft, self.seen = address, draft, Seen()
        self.session = requests.Session()
        self.token = ""

    def enter(self) -> None:
        """Sign in, before anybody is killed."""
        page = self.session.get(f"{self.address}/account/login/", timeout=30)
        self.token = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)[0]
        self.post("/account/login/", {"login": "ana@example.ca", "password": PASSWORD})
        page = self.session.get(f"{self.address}/account/security/", timeout=30)
        self.token = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)[0]

    def post(self, path: str, form: dict[str, Any], **headers: str) -> requests.Response:
        self.seen.last = (path, form)
        answer = self.session.post(
            self.address + path,
            data={**form, "csrfmiddlewaretoken": self.token},
            headers={"Referer": self.address, **headers},
            timeout=30,
            allow_redirects=False,
        )
        if answer.status_code >= 400:
            raise RuntimeError(f"{path} answers {answer.status_code}")
        self.seen.acknowledged += 1
        return answer

    def walk(self) -> None:
        """Save, attest and share; end where the server does."""
        with contextlib.suppress(requests.RequestException):
            here = f"/assessments/{self.draft}"
            for at in range(12):
                page = self.session.get(f"{self.address}{here}/section/conduct", timeout=30).text
                stamp = re.findall(r'name="seen.conduct.abuse"\s+value="([^"]*)"', page)[0]
                form = {
                    "conduct.abuse": "no",
                    "note.conduct.abuse": f"Note {at}.",
                    "seen.conduct.abuse": stamp,
                }
                self.post(f"{here}/section/conduct", form, **{"HX-Request": "true"})
                self.seen.notes["conduct.abuse"] = f"Note {at}."
            page = self.session.get(f"{self.address}{here}/attest", timeout=30).text
            seen = re.findall(r'name="seen"\s+value="([^"]+)"', page)[0]
            self.post(f"{here}/attest", {"seen": seen, "stand": "yes"})
            self.seen.attested = True
            nonce = f"{self.draft:064x}"
            given = {
                "rule": "9",
                "question": "account.stage",
                "nonce": nonce,
                "give": "yes",
                "consent": "yes",
            }
            self.post(f"{here}/share", given)
            self.seen.shared = True


def served(port: int) -> subprocess.Popen[bytes]:
    """A web server of one process, once it answers."""
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "config.wsgi",
        "--bind",
        f"127.0.0.1:{port}",
        "--threads",
        "2",
    ]
    server = subprocess.Popen(
        command, cwd=ROOT, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
    )
    for _ in range(600):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            requests.get(f"http://127.0.0.1:{port}/help", timeout=30)
            return server
        time.sleep(0.05)
    raise RuntimeError("The server does not start.")


def killed(server: subprocess.Popen[bytes]) -> None:
    """End a server and all its processes at once."""
    os.killpg(server.pid, signal.SIGKILL)
    server.wait()


def faults(draft: int, seen: Seen) -> tuple[int, int]:
    """How much of what was acknowledged is lost, and how much is torn."""
    from assessments.models import Answer, Attestation, Share  # noqa: PLC0415 - after django.setup
    from assessments.reports.record import sha256_of  # noqa: PLC0415
    from assessments.services.verifying import chains, walk  # noqa: PLC0415

    lost = torn = 0
    for question, note in seen.notes.items():
        stored = Answer.objects.get(draft=draft, question=question).note
        # What was sent last may be there as well, though nobody was told.
        lost += int(re.sub(r"\D", "", stored) or 0) < int(re.sub(r"\D", "", note))
    attested = Attestation.objects.filter(assessment=draft).first()
    shares = list(Share.objects.filter(attestation__assessment=draft))
    lost += seen.attested and attested is None
    lost += seen.shared and not shares
    if attested is not None:
        torn += sha256_of(attested.record) != attested.sha256
        torn += attested.findings.count() != len(json.loads(attested.record)["advisory"]["findings"])
    torn += sum(
        not hasattr(share, "content") or sha256_of(share.content.record) != share.sha256 for share in shares
    )
    torn += sum(bool(walk(chain).fault) for chain in chains({}))
    return lost, torn


def main() -> None:
    """Kill, look, try again; print one line."""
    with tempfile.TemporaryDirectory() as scratch:
        os.environ.update(places(scratch), DEBUG="true", DJANGO_SETTINGS_MODULE="config.settings")
        django.setup()
        for command in (
            ["migrate", "--verbosity", "0"],
            ["createcachetable"],
            ["load_editions", "--verbosity", "0"],
        ):
            call_command(*command)
        run()


def run() -> None:
    from datetime import date  # noqa: PLC0415

    from django.db import connection  # noqa: PLC0415

    from assessments.models import Attestation, Office, Share, SocialAccount, User  # noqa: PLC0415
    from tests.attested import answered  # noqa: PLC0415

    member = User.objects.create_user("ana@example.ca", PASSWORD, name="Ana Silva")
    office = Office.objects.create(name="Ward 10", member=member, starts_on=date(2022, 11, 15))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    chance = random.Random(7)  # noqa: S311
    totals = {"acknowledged": 0, "lost": 0, "torn": 0, "doubled": 0}
    longest = 0.0
    for at in range(KILLS + 1):
        account = SocialAccount.objects.create(office=office, platform="X", handle=f"@{at}")
        draft = answered(account, member)
        server = served(port)
        browser = Browser(f"http://127.0.0.1:{port}", draft.pk)
        browser.enter()
        walking = threading.Thread(target=browser.walk)
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
        lost, torn = faults(draft.pk, browser.seen)
        # But for the sign-in.
        acknowledged = browser.seen.acknowledged - 1
        if browser.seen.last and not browser.seen.shared:
            again = served(port)
            with contextlib.suppress(RuntimeError, requests.RequestException):
                browser.post(*browser.seen.last)
            killed(again)
            connection.close()
            torn += faults(draft.pk, browser.seen)[1]
        doubled = max(0, Attestation.objects.filter(assessment=draft).count() - 1)
        doubled += max(0, Share.objects.filter(attestation__assessment=draft).count() - 1)
        for name, more in (
            ("acknowledged", acknowledged),
            ("lost", lost),
            ("torn", torn),
            ("doubled", doubled),
        ):
            totals[name] += more
    told = ", ".join(f"{name} {count}" for name, count in totals.items())
    sys.stdout.write(f"{connection.vendor}: {KILLS} kills, a walk takes {longest:.1f} s: {told}\n")


if __name__ == "__main__":
    main()
