"""Runs cases, and counts and reports."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from unittest.mock import patch

from django.core.files.storage import FileSystemStorage
from django.db import DatabaseError, connections, transaction

from assessments.pdf.press import Enclosed
from assessments.services.audit_proof import chains, walk
from tests.fuzz import faults
from tests.fuzz.atlas import all_routes, explore
from tests.fuzz.cases import Cases
from tests.fuzz.wire import Ask, Reply, send
from tests.fuzz.world import INSIDE, World, run_hooks

EXPLORED, PRINTED = -1, -2
"""In place of a case's number: for a page that was read before the cases, and for a PDF after them."""
PAGES = 70
"""Pages that are read for each person before the cases, to find forms and addresses."""


@dataclass
class Report:
    """What a run did, and the faults that it found."""

    requests: int = 0
    counts: dict[str, Counter[str]] = field(
        default_factory=lambda: {name: Counter() for name in ("person", "method", "status", "route")}
    )
    slowest: list[tuple[float, str]] = field(default_factory=list)
    faults: list[tuple[int, str, str]] = field(default_factory=list)
    chains: int = 0
    printed: int = 0
    marked: int = 0
    """PDFs that were printed, and those that have a mark of the person's own."""

    def count(self, ask: Ask, reply: Reply) -> None:
        """Count a response."""
        self.requests += 1
        for name, value in zip(self.counts, (ask.who, ask.method, str(reply.status), ask.route), strict=True):
            self.counts[name][value] += 1
        self.slowest.append((reply.seconds, f"{reply.status} {ask.who}: {ask.method} {ask.path[:80]!r}"))
        self.slowest = sorted(self.slowest, reverse=True)[:10]

    def kinds(self) -> dict[str, list[tuple[int, str]]]:
        """The faults, each once, with the cases that have it."""
        kinds: dict[str, list[tuple[int, str]]] = {}
        for number, fault, ask in self.faults:
            kinds.setdefault(fault, []).append((number, ask))
        return kinds


def escaped(carried: bytes) -> bytes:
    """A carried file as it may stand in HTML: it is no markup."""
    return carried.replace(b"<", b"&lt;").replace(b'"', b"&quot;").replace(b"'", b"&#39;")


@contextmanager
def printed_as_html() -> Iterator[None]:
    """Give each document's HTML in place of its PDF: printing takes long, and marks can be read in HTML."""

    def printed(_: object, html: str, __: object, *, enclosed: Enclosed | None, **___: object) -> bytes:
        carried = enclosed.content if enclosed else b""
        return b"%PDF-1.7\n" + html.encode("utf-8", "replace") + b"\n<!-- it carries -->\n" + escaped(carried)

    with patch("assessments.pdf.press._print", printed):
        yield


@contextmanager
def kept_open() -> Iterator[None]:
    """Keep the connection of the transaction that all cases are in, and its files, which no rollback brings back.

    Django closes connections after a request.
    """
    with (
        patch.object(connections["default"], "close_if_unusable_or_obsolete", lambda: None),
        patch.object(FileSystemStorage, "delete", lambda *_: None),
    ):
        yield


def as_header(cookies: dict[str, str]) -> str:
    """Cookies as a browser sends them."""
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


def take_cookies(ask: Ask, reply: Reply, jars: dict[str, dict[str, str]]) -> None:
    """Keep the cookies of a response. Whoever is nobody stays nobody: accepting an invitation signs in."""
    for name, value in reply.headers:
        if name.lower() == "set-cookie" and ask.who not in ("nobody", "with_check"):
            key, _, kept = value.partition(";")[0].partition("=")
            jars[ask.who][key] = kept.strip('"')


@dataclass
class Run:
    """The cases of a seed in one world."""

    world: World
    watch: faults.Watch
    report: Report
    cases: Cases | None = None
    pdf_routes: set[str] = field(default_factory=set)
    """The URL patterns that have answered with a PDF."""
    made: dict[str, str] = field(default_factory=dict)
    """The digests of the world as it was made."""

    def explore(self, seed: int) -> None:
        """Read people's pages for the forms and addresses that the cases use."""
        self.made = faults.digests(self.world)
        routes = all_routes()
        atlas = explore(self.world.cookies, self.world.links, self._read, most=PAGES)
        self.cases = Cases(
            seed, routes, atlas, sorted(self.world.cookies), self.world.cookies, self.world.passwords
        )

    def _read(self, ask: Ask) -> Reply:
        cookies = self.world.cookies[ask.who]
        if cookies:
            ask.headers.append(("Cookie", as_header(cookies)))
        with transaction.atomic():
            reply = self.ask(ask, EXPLORED, widened=False)
            transaction.set_rollback(True)
        for name, value in reply.headers:
            # Forms need the cookie that their token belongs to.
            if name.lower() == "set-cookie" and "csrftoken=" in value:
                key, _, token = value.partition(";")[0].partition("=")
                cookies[key] = token
        return reply

    def ask(self, ask: Ask, number: int, *, widened: bool) -> Reply:
        """Send a request, and note what is wrong with the response."""
        self.watch.clear()
        reply = send(ask)
        try:
            run_hooks()
        except Exception as error:  # noqa: BLE001 - it would be the request's
            reply.error = error
        self.report.count(ask, reply)
        if reply.kind == "application/pdf":
            self.pdf_routes.add(ask.route)
        for fault in faults.of_response(ask, reply, self.watch, self.world, widened=widened):
            self.report.faults.append((number, fault, str(ask)))
        return reply

    def case(self, number: int) -> None:
        """Run one case, and undo what it did."""
        assert self.cases is not None
        widened, before = False, self.made
        jars = {who: dict(cookies) for who, cookies in self.world.cookies.items()}
        with transaction.atomic():
            for ask in self.cases.case(number):
                made, now = as_header(self.world.cookies[ask.who]), as_header(jars[ask.who])
                ask.headers = [(name, now if value == made else value) for name, value in ask.headers]
                try:
                    with transaction.atomic():
                        reply = self.ask(ask, number, widened=widened)
                except DatabaseError as error:
                    fault = f"the transaction is broken after it: {type(error).__name__}"
                    self.report.faults.append((number, fault, str(ask)))
                    break
                take_cookies(ask, reply, jars)
                if faults.writes_kept(self.watch):
                    after = faults.digests(self.world)
                    for fault in faults.changed(ask, before, after):
                        self.report.faults.append((number, fault, str(ask)))
                    widened = widened or (ask.method == "POST" and reply.status in (200, 302))
                    before = after
                if "assessments_auditevent" in self.watch.written and number % 5 == 0:
                    self.verify(number, ask)
            transaction.set_rollback(True)

    def print_some(self) -> None:
        """Have a PDF of each URL pattern printed for some people, and look for marks in it."""
        assert self.cases is not None
        for route in (route for route in self.cases.routes if route.name in self.pdf_routes):
            for who in ("officer", "with_check", "member"):
                for values in self.cases.atlas.values.get((who, route.name), [])[:1]:
                    ask = Ask(who, "GET", route.path(values).encode(), route=route.name)
                    ask.headers = [("Cookie", as_header(self.world.cookies[who]))]
                    self._print(ask)

    def _print(self, ask: Ask) -> None:
        with transaction.atomic():
            reply = send(ask)
            transaction.set_rollback(True)
        if reply.status != 200:
            # A host that is busy prints it later.
            return
        for fault in faults.hidden_marks(ask, reply, self.world):
            self.report.faults.append((PRINTED, fault, str(ask)))
        text = faults.text_of_pdf(reply.body)
        own = [
            mark
            for (owner, _), mark in self.world.marks.items()
            if ask.who in (*INSIDE.get(owner, ()), owner)
        ]
        self.report.printed += 1
        self.report.marked += any(mark in text for mark in own)

    def verify(self, number: int, ask: Ask) -> None:
        """Walk every chain of the audit trail."""
        for chain in chains({}):
            self.report.chains += 1
            if fault := walk(chain).fault:
                self.report.faults.append((number, f"the audit trail: {fault}", str(ask)))


def run(
    world: World,
    numbers: Iterable[int],
    *,
    seed: int,
    requests: int = 10**9,
    really_print: bool = False,
    tell: Callable[[str], object] = lambda _: None,
) -> Report:
    """Run cases in a world until there were so many requests. What each changes is undone."""
    began = time.monotonic()
    with faults.watching() as watch, printed_as_html(), kept_open():
        running = Run(world, watch, Report())
        running.explore(seed)
        tell(f"{running.report.requests} pages read in {time.monotonic() - began:.0f} s")
        for number in numbers:
            if running.report.requests >= requests:
                break
            running.case(number)
        running.verify(EXPLORED, Ask("", "", b""))
    if really_print:
        with faults.watching() as running.watch, kept_open():
            running.print_some()
    return running.report
