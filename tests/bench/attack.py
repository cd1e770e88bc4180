"""What one stranger takes from everybody: `python -m tests.bench.attack`, on SQLite, in about two minutes.

Serves a copy of the portal on this machine alone, with two processes as in production, once without the limits on
strangers and once with them. One network address asks for PDFs on 30 connections, brings back 60 large files, and
guesses 40 passwords together. Meanwhile others open pages, print PDFs and sign in. Prints their waits, what was
refused, and by how much the memory of gunicorn with its children and the database grew.
"""

import contextlib
import json
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import requests
from django.conf import settings

from tests.bench.own import ready_to_serve
from tests.hosts import PASSWORD, PROXIED, Browser, free_port, killed, started, wait_for

SECONDS, CONNECTIONS, UPLOADS, GUESSES = 10.0, 30, 60, 40
STRANGER, OTHER = "198.51.100.66", "203.0.113.8"
APPLICATIONS = {"without limits": "tests.bench.uncapped:application", "with limits": "config.wsgi"}


class Stranger:
    """A browser at one network address, with a self-check of its own. It does not mind being refused."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.cookies: dict[str, str | None] = {}
        self.statuses: Counter[int] = Counter()

    def ask(self, method: str, path: str, **form: str) -> requests.Response:
        token = self.cookies.get(settings.CSRF_COOKIE_NAME) or ""
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        response = requests.request(
            method,
            self.address + path,
            data=form | {"csrfmiddlewaretoken": token} if method == "POST" else None,
            headers=PROXIED | {"X-Forwarded-For": STRANGER, "Cookie": cookies},
            timeout=60,
            allow_redirects=False,
        )
        self.statuses[response.status_code] += 1
        return response

    def bring_back(self, answers: str) -> requests.Response:
        return self.ask("POST", "/check/bring-back", answers=answers)

    def begin(self, path: str) -> "Stranger":
        """Get a page's token for forms."""
        self.cookies |= self.ask("GET", path).cookies.get_dict()
        return self


def answers_file(notes: int, text: str) -> str:
    """An answers file with so many notes."""
    from bulletin.shelf import current  # noqa: PLC0415 - after django.setup

    edition = current()
    noted = dict.fromkeys([question.id for question in edition.questions][:notes], text)
    return json.dumps({"edition": edition.id, "answers": {}, "notes": noted}, ensure_ascii=False)


def memory(session: int) -> float:
    """The megabytes of all processes of a session, shared pages counted once."""
    total = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if int((folder / "stat").read_text().rpartition(")")[2].split()[3]) == session:
                lines = (folder / "smaps_rollup").read_text().splitlines()
                total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1000


def database() -> float:
    """The megabytes that the database has in use."""
    from django.db import connection  # noqa: PLC0415

    with connection.cursor() as cursor:

        def value(sql: str) -> int:
            cursor.execute(sql)
            return int(cursor.fetchone()[0])

        if connection.vendor != "sqlite":
            return value("SELECT pg_database_size(current_database())") / 1e6
        pages = value("PRAGMA page_count") - value("PRAGMA freelist_count")
        return pages * value("PRAGMA page_size") / 1e6


@contextmanager
def grown(what: Callable[[], float]) -> Iterator[list[float]]:
    """A list that gets by how much something grew at most, looked at five times a second."""
    first, most, ended = what(), [0.0], threading.Event()

    def look() -> None:
        while not ended.wait(0.2):
            most[0] = max(most[0], what() - first)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield most
    finally:
        ended.set()
        looking.join()
        most[0] = max(most[0], what() - first)


class Others:
    """What people wait for meanwhile, in seconds, and what was refused."""

    def __init__(self, asks: dict[str, Callable[[], object]]) -> None:
        self.asks = asks
        self.waits: dict[str, list[float]] = {name: [] for name in asks}
        self.refused: Counter[str] = Counter()

    def ask_until(self, ends: float) -> None:
        """Each asks again and again, as one person does."""

        def again(name: str) -> None:
            while not self.waits[name] or time.monotonic() < ends:
                began = time.monotonic()
                try:
                    self.asks[name]()
                except (RuntimeError, requests.RequestException):
                    self.refused[name] += 1
                self.waits[name].append(time.monotonic() - began)
                time.sleep(0.1)

        with ThreadPoolExecutor(len(self.asks)) as people:
            list(people.map(again, self.asks))

    def __str__(self) -> str:
        return "; ".join(
            f"{name} {statistics.median(waits):.2f} s, p95 {sorted(waits)[int(len(waits) * 0.95)]:.2f} s"
            f", {self.refused[name]} of {len(waits)} refused"
            for name, waits in self.waits.items()
        )


def attacked(
    name: str, attack: Callable[[float], object], asks: dict[str, Callable[[], object]], server: int
) -> None:
    """Attack while others use the portal, and print a line."""
    others, ends = Others(asks), time.monotonic() + SECONDS
    with grown(lambda: memory(server)) as of_memory, grown(database) as of_database:
        attacking = threading.Thread(target=attack, args=(ends,))
        attacking.start()
        others.ask_until(ends)
        attacking.join()
    sys.stdout.write(
        f"  {name}: {others}; memory +{of_memory[0]:.0f} MB, database +{of_database[0]:.1f} MB\n"
    )
    sys.stdout.flush()


def serve(application: str, member: str, officer: str, draft: int) -> None:
    """Serve a copy, and attack it in three ways."""
    port = free_port()
    command = ["-m", "gunicorn", application, "--config", "deploy/gunicorn.conf.py"]
    server = started(*command, BIND=f"127.0.0.1:{port}", WEB_PROCESSES="2")
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(address)
        people = {
            session: [Browser([address], session=session) for _ in range(2)] for session in (member, officer)
        }
        pages = {
            "page": lambda: people[member][0].get("/office/"),
            "member's PDF": lambda: people[member][1].ask("GET", f"/assessments/{draft}/advisory.pdf"),
            "officer's PDF": lambda: people[officer][0].ask("GET", "/desk/insights.pdf"),
        }
        signing_in = {"page": pages["page"], "signing in": lambda: sign_in(address)}
        # Until both processes have loaded all that they need.
        for ask in [*pages.values()] * 3:
            ask()
        with ThreadPoolExecutor(8) as warming:
            visitors = [Stranger(address).begin("/check/bring-back") for _ in range(8)]
            list(warming.map(Stranger.bring_back, visitors, [answers_file(1, "short")] * 8))
        attacked(
            "nobody attacks", lambda _: None, pages | {"signing in": signing_in["signing in"]}, server.pid
        )
        strangers = [Stranger(address).begin("/check/bring-back") for _ in range(CONNECTIONS)]
        first = strangers[0].bring_back(answers_file(8, "a\u0301\u0323 " * 450))
        assert first.status_code == 302, first.text
        for stranger in strangers:
            stranger.cookies |= first.cookies.get_dict()
        attacked(
            f"PDFs on {CONNECTIONS} connections",
            lambda ends: ask_for_pdfs(strangers, ends),
            pages,
            server.pid,
        )
        tell(strangers)
        uploading = [Stranger(address).begin("/check/bring-back") for _ in range(8)]
        attacked(f"{UPLOADS} uploads", lambda _: upload(uploading), {"page": pages["page"]}, server.pid)
        tell(uploading)
        guessing = [Stranger(address).begin("/account/login/") for _ in range(GUESSES)]
        attacked(f"{GUESSES} guesses together", lambda _: guess(guessing), signing_in, server.pid)
        tell(guessing)
    finally:
        killed(server)


def tell(strangers: list[Stranger]) -> None:
    """Print what the stranger got."""
    statuses = sum((stranger.statuses for stranger in strangers), Counter())
    sys.stdout.write(f"    the stranger got {dict(sorted(statuses.items()))}\n")


def ask_for_pdfs(strangers: list[Stranger], ends: float) -> None:
    """Ask for the same PDF on each connection, again and again."""

    def again(stranger: Stranger) -> None:
        while time.monotonic() < ends:
            stranger.ask("GET", "/check/advisory.pdf")

    with ThreadPoolExecutor(len(strangers)) as connections:
        list(connections.map(again, strangers))


def upload(strangers: list[Stranger]) -> None:
    """Bring back as many large files as an address may start self-checks in a minute."""
    text = answers_file(58, "𝒜" * 2_000)
    with ThreadPoolExecutor(len(strangers)) as connections:
        for number in range(UPLOADS):
            stranger = strangers[number % len(strangers)]
            connections.submit(stranger.bring_back, text)


def guess(strangers: list[Stranger]) -> None:
    """Guess at other email addresses, all together."""
    with ThreadPoolExecutor(len(strangers)) as connections:
        for number, stranger in enumerate(strangers):
            form = {"login": f"someone{number}@example.ca", "password": "a guess"}
            connections.submit(stranger.ask, "POST", "/account/login/", **form)


def sign_in(address: str) -> None:
    """Sign in from another address, and again after a refusal, for at most five seconds."""
    browser, ends = Browser([address]), time.monotonic() + 5
    while True:
        try:
            browser.ask("GET", "/health/live")
            browser.enter("signing-in@example.ca")
        except RuntimeError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.5)
        else:
            return


def run() -> None:
    """Fill a database, then attack both."""
    from django.db import connection  # noqa: PLC0415

    from assessments.models import AnonymousCheck  # noqa: PLC0415
    from tests.cast import account_of, answered, attested, client_of, office_of, person, shared  # noqa: PLC0415

    member, officer = person("member"), person("officer", is_officer=True)
    office = office_of(member)
    person("signing-in", password=PASSWORD)
    draft = answered(account_of(office, handle="@draft"), member).pk
    shared(attested(account_of(office)))
    cookies = {
        user: client_of(user).cookies[settings.SESSION_COOKIE_NAME].value for user in (member, officer)
    }
    for name, application in APPLICATIONS.items():
        sys.stdout.write(f"{name}, {connection.vendor}\n")
        serve(application, cookies[member], cookies[officer], draft)
        AnonymousCheck.objects.all().delete()
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM cache")


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        ready_to_serve(scratch)
        run()


if __name__ == "__main__":
    main()
