"""Two web hosts and two workers on one PostgreSQL, run as deploy/operating.md says, some of them killed under load.

People save notes, attest and share. Their requests go to the two hosts in turn; a button that must work once, they
press at both together. Meanwhile a worker is killed while it prints, and then a host is killed and started again.
"""

import hashlib
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.conf import settings as django_settings

from tests.bench.own import places
from tests.hosts import ROOT, Acknowledged, Browser, free_port, killed, share_of, started, wait_for, web_host
from tests.postgres import database

pytestmark = [
    # Its processes have a database of their own.
    pytest.mark.django_db,
    pytest.mark.postgres,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        "postgresql" not in django_settings.DATABASES["default"]["ENGINE"],
        reason="several hosts share a PostgreSQL",
    ),
]

PEOPLE = 5
HEAD = """
import json, sys
import django
django.setup()
from django.core.management import call_command
from assessments.models import StoredPdf
from tests.cast import account_of, answered, office_of, person
from tests.hosts import PASSWORD, Acknowledged, faults
values = json.load(sys.stdin)
"""
OPENS = """
for command in ("migrate", "createcachetable", "load_editions"):
    call_command(command, verbosity=0)
drafts = {}
for number in range(values["people"]):
    member = person(f"member {number}", password=PASSWORD)
    drafts[member.email] = answered(account_of(office_of(member, f"Ward {number}")), member).pk
print(json.dumps(drafts))
"""
ENDS = """
counts = {"lost": 0, "torn": 0, "doubled": 0}
for draft, acknowledged in values["acknowledged"].items():
    for name, count in faults(int(draft), Acknowledged(**acknowledged)).items():
        counts[name] += count
print(json.dumps([counts, list(StoredPdf.objects.values_list("sha256", flat=True))]))
"""


class Portal:
    """A database and a folder of files, with the hosts and workers that share them."""

    def __init__(self, url: str, home: Path) -> None:
        self.url, self.home = url, home
        self.ports = [free_port(), free_port()]
        self.addresses = [f"http://127.0.0.1:{port}" for port in self.ports]
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        (home / "tmp").mkdir()
        self.environment = {
            **places(str(home)),
            "DATABASE_URL": url,
            "TMPDIR": str(home / "tmp"),
            "DJANGO_SETTINGS_MODULE": "tests.served_settings",
            "SECRET_KEY": "only tests sign with this",
            "ALLOWED_HOSTS": "127.0.0.1",
            "DEBUG": "false",
            "PROXIES": "1",
            "TASKS": "database",
        }

    def script(self, body: str, **values: Any) -> Any:
        ended = subprocess.run(
            [sys.executable, "-c", HEAD + body],
            cwd=ROOT,
            env=os.environ | self.environment,
            input=json.dumps(values),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout.splitlines()[-1])

    def start_host(self, which: int) -> None:
        log = self.home / f"host-{which}.log"
        self.running[f"host {which}"] = web_host(self.ports[which], log=log, **self.environment)

    def start_worker(self, name: str) -> None:
        command = ["manage.py", "db_worker", "--no-startup-delay", "--interval=0.1", f"--worker-id={name}"]
        self.running[name] = started(*command, log=self.home / f"{name}.log", **self.environment)

    def tasks(self, state: str) -> list[list[str]]:
        """The tasks in a state: for each, the workers that have had it."""
        with closing(psycopg2.connect(self.url)) as there, there.cursor() as cursor:
            cursor.execute(
                "SELECT worker_ids FROM django_tasks_database_dbtaskresult WHERE status = %s", [state]
            )
            return [workers for (workers,) in cursor.fetchall()]


class Member:
    """Someone with a draft that is answered but not attested."""

    def __init__(self, email: str, draft: int, hosts: list[str]) -> None:
        self.email, self.draft = email, draft
        self.browser, self.acknowledged, self.share = Browser(hosts), Acknowledged(), ""

    def walk(self, notes: int, over: threading.Event) -> None:
        """Save at least `notes` notes, and more until `over` is set; then attest, share, and read the share."""
        self.browser.enter(self.email)
        while self.acknowledged.note < notes or not over.is_set():
            self.browser.note(self.draft, self.acknowledged)
        assert self.press_twice(*self.browser.attestation(self.draft)) == f"/assessments/{self.draft}/"
        self.acknowledged.attested = True
        self.share = self.press_twice(*share_of(self.draft))
        assert self.share.startswith("/shares/")
        self.acknowledged.shared = True
        self.read(f"{self.share}.pdf")

    def press_twice(self, path: str, form: dict[str, str]) -> str:
        """Press a button at both hosts together; return the URL to which both presses lead."""
        second_tab = self.browser.another()
        with ThreadPoolExecutor(2) as pool:
            presses = [pool.submit(tab.post, path, form) for tab in (self.browser, second_tab)]
        self.browser.count(second_tab)
        first, second = (press.result().headers.get("Location") for press in presses)
        assert first == second
        return str(first)

    def read(self, path: str) -> str:
        """The hash of a PDF."""
        content = self.browser.ask("GET", path).content
        assert content.startswith(b"%PDF")
        return hashlib.sha256(content).hexdigest()

    def read_all(self) -> list[str]:
        """The hash of every PDF that there should be, each fetched from both hosts."""
        hashes = []
        for path in (
            f"/assessments/{self.draft}/advisory.pdf",
            f"{self.share}.pdf",
            f"{self.share}/summary.pdf",
        ):
            first, second = self.read(path), self.read(path)
            assert first == second
            hashes.append(first)
        return hashes


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    with database(f"hosts_{os.getpid()}") as url:
        portal = Portal(url, tmp_path)
        try:
            yield portal
        finally:
            for process in portal.running.values():
                killed(process)


def until(holds: Callable[[], object], walks: Sequence[Future[None]] = ()) -> None:
    """Wait until something holds; a walk that failed ends the wait."""
    ends = time.monotonic() + 60
    while not holds():
        for walk in walks:
            if walk.done():
                walk.result()
        assert time.monotonic() < ends
        time.sleep(0.1)


def test_several_hosts_serve_as_one_and_those_killed_under_load_cost_nothing(portal, record_property):
    # The hosts start while the tables are made.
    for which in range(2):
        portal.start_host(which)
    drafts = portal.script(OPENS, people=PEOPLE)
    members = [Member(email, draft, portal.addresses) for email, draft in drafts.items()]
    for name in ("one", "other"):
        portal.start_worker(name)
    for address in portal.addresses:
        wait_for(address)

    now, over = threading.Event(), threading.Event()
    now.set()
    with ThreadPoolExecutor(PEOPLE) as pool:
        try:
            # Some attest and share while others are killed, the rest after that.
            walks = [
                pool.submit(member.walk, 3 + 2 * at, over if at % 2 else now)
                for at, member in enumerate(members)
            ]
            # The first PDF takes a worker seconds, since its printer starts first.
            until(lambda: portal.tasks("RUNNING"), walks)
            ((dead,), *_) = portal.tasks("RUNNING")
            killed(portal.running[dead])
            time.sleep(random.uniform(0, 2))  # noqa: S311
            killed(portal.running["host 0"])
            portal.start_host(0)
            wait_for(portal.addresses[0])
            over.set()
            for walk in walks:
                walk.result()
        finally:
            over.set()
        # The killed worker's task stays in its state; the other worker does the rest.
        until(lambda: not portal.tasks("READY") and portal.tasks("RUNNING") == [[dead]])
        pdfs = [pdf for hashes in pool.map(Member.read_all, members) for pdf in hashes]

    acknowledged = {member.draft: asdict(member.acknowledged) for member in members}
    counts, stored = portal.script(ENDS, acknowledged=acknowledged)
    total = Browser(portal.addresses)
    for member in members:
        total.count(member.browser)
    by_host = Counter(host for host, _ in total.answered.elements())
    record_property("requests answered by each host", [by_host[address] for address in portal.addresses])
    record_property("statuses", str(Counter(status for _, status in total.answered.elements())))
    record_property("sent again", total.sent_again)
    record_property("acknowledged", total.acknowledged)
    record_property("found", counts)
    # An error, and a page to sign in at, would have ended a walk: see Browser.ask.
    assert min(by_host[address] for address in portal.addresses) > 10
    assert total.sent_again > 0
    assert counts == {"lost": 0, "torn": 0, "doubled": 0}
    assert sorted(stored) == sorted(set(pdfs))
    assert len(pdfs) == len(stored) == 3 * PEOPLE
    assert not portal.tasks("FAILED")

    # Wrong guesses are counted for all hosts together.
    guesser = Browser(portal.addresses)
    guesser.read_token("/account/login/")
    for _ in range(5):
        assert "password is incorrect" in guesser.sign_in(members[0].email, "a wrong one")
    for _ in portal.addresses:
        assert "Too many attempts" in guesser.sign_in(members[0].email)
