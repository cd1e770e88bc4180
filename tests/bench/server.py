"""The whole server under load: `python -m tests.bench.server`, on SQLite.

On PostgreSQL: `python -m tests.postgres python -m tests.bench.server`. gunicorn with two processes of threads, as in
production, and eight people at the same time. Measures requests a second and the 95th percentile of a section page,
an autosave, the desk's list and a stored PDF, against a trivial view.
"""

import os
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable

from django.conf import settings

from tests.bench.own import ready_to_serve
from tests.hosts import Browser, free_port, wait_for, web_host

SECONDS, PEOPLE = 6.0, 8


def loaded(work: Callable[[int], object]) -> tuple[float, float]:
    """Requests a second, and the 95th percentile in milliseconds, with several people at the same time."""
    times: list[float] = []
    failed: list[Exception] = []
    ends = time.monotonic() + SECONDS

    def ask(number: int) -> None:
        while time.monotonic() < ends:
            began = time.perf_counter()
            try:
                work(number)
            except Exception as error:  # noqa: BLE001 - after any error there are no figures
                failed.append(error)
                return
            times.append(time.perf_counter() - began)

    people = [threading.Thread(target=ask, args=(number,)) for number in range(PEOPLE)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    if failed:
        raise failed[0]
    return len(times) / SECONDS, statistics.quantiles(times, n=20)[-1] * 1000


def run() -> None:
    """Fill a database, serve it, and print."""
    from django.db import connection  # noqa: PLC0415

    from assessments.services.printing import pdf_of  # noqa: PLC0415
    from tests.cast import account_of, answered, attested, client_of, office_of, person, shared  # noqa: PLC0415

    member, officer = person("member"), person("officer", is_officer=True)
    office = office_of(member)
    drafts = [answered(account_of(office, handle=f"@{number}"), member).pk for number in range(PEOPLE)]
    attestation = attested(account_of(office))
    for number in range(30):
        last = shared(attestation, nonce=f"{number:064x}")
    pdf_of(last)
    cookies = {
        user: client_of(user).cookies[settings.SESSION_COOKIE_NAME].value for user in (member, officer)
    }
    vendor = connection.vendor
    connection.close()
    port = free_port()
    server = web_host(port, WEB_PROCESSES="2")
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(address)
        floor = 0.0
        for name, work in works(address, cookies[member], cookies[officer], drafts, last.pk).items():
            rate, p95 = loaded(work)
            floor = floor or rate
            sys.stdout.write(
                f"{vendor}, 2 processes, {name}: {rate:.0f} requests a second, p95 {p95:.0f} ms, "
                f"{floor / rate:.1f} × a trivial view\n"
            )
            sys.stdout.flush()
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def works(
    address: str, member: str, officer: str, drafts: list[int], share: int
) -> dict[str, Callable[[int], object]]:
    """The requests to measure, by name; the trivial one first."""
    people = {
        session: [Browser([address], session=session) for _ in range(PEOPLE)]
        for session in ("", member, officer)
    }
    return {
        "trivial view": lambda number: people[""][number].get("/health/live"),
        "section page": lambda number: people[member][number].get(
            f"/assessments/{drafts[number]}/section/conduct"
        ),
        "autosave": lambda number: people[member][number].save(drafts[number], str(time.monotonic())),
        "desk's list": lambda number: people[officer][number].get("/desk/"),
        "stored PDF": lambda number: people[officer][number].ask("GET", f"/shares/{share}.pdf"),
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        ready_to_serve(scratch)
        run()


if __name__ == "__main__":
    main()
