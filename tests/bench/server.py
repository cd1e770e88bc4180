"""The whole server under load: `python -m tests.bench.server`, on SQLite.

`python -m tests.postgres python -m tests.bench.server` on PostgreSQL. gunicorn with two processes of threads, as in
production, and eight people at once: requests a second, and the time that 95 of 100 take, of a section page, an
autosave, the desk's list and a stored PDF, beside a view that touches nothing.
"""

import contextlib
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import django
import requests
from django.core.management import call_command

from tests.bench.own import places

SECONDS, PEOPLE = 6.0, 8
ROOT = Path(__file__).parents[2]
BY_HTTPS = {"X-Forwarded-Proto": "https"}
"""What the proxy in production says."""


def loaded(work: Callable[[int], object]) -> tuple[float, float]:
    """Requests a second, and the 95th percentile in milliseconds, of several people who ask at once."""
    times: list[float] = []
    failed: list[Exception] = []
    ends = time.monotonic() + SECONDS

    def ask(number: int) -> None:
        while time.monotonic() < ends:
            began = time.perf_counter()
            try:
                work(number)
            except Exception as error:  # noqa: BLE001 - whatever it is, the figures are none
                failed.append(error)
                return
            times.append(time.perf_counter() - began)

    people = [threading.Thread(target=ask, args=(number,)) for number in range(PEOPLE)]
    for one in people:
        one.start()
    for one in people:
        one.join()
    if failed:
        raise failed[0]
    return len(times) / SECONDS, statistics.quantiles(times, n=20)[-1] * 1000


def run(port: int) -> None:
    """Fill a database, serve it, and print."""
    from datetime import date  # noqa: PLC0415

    from django.db import connection  # noqa: PLC0415

    from assessments.models import Office, SocialAccount, User  # noqa: PLC0415
    from assessments.services.printing import pdf_of  # noqa: PLC0415
    from tests.attested import answered, attested, shared  # noqa: PLC0415
    from tests.second_step import fresh_client, with_second_step  # noqa: PLC0415

    create = User.objects.create_user
    member = create("ana@example.ca", name="Ana Silva")
    officer = with_second_step(create("ola@example.ca", name="Ola Berg", is_officer=True))
    office = Office.objects.create(name="Ward 10", member=member, starts_on=date(2022, 11, 15))
    drafts = [
        answered(SocialAccount.objects.create(office=office, platform="X", handle=f"@{number}"), member).pk
        for number in range(PEOPLE)
    ]
    attestation = attested(SocialAccount.objects.create(office=office, platform="X", handle="@done"))
    for number in range(30):
        last = shared(attestation, nonce=f"{number:064x}")
    pdf_of(last)
    cookies = {who: fresh_client(who).cookies["sessionid"].value for who in (member, officer)}
    vendor = connection.vendor
    connection.close()
    bind = f"127.0.0.1:{port}"
    command = [sys.executable, "-m", "gunicorn", "config.wsgi", "--config", "deploy/gunicorn.conf.py"]
    server = subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | {"BIND": bind, "WEB_PROCESSES": "2"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        address = f"http://{bind}"
        for _ in range(200):
            with contextlib.suppress(requests.RequestException):
                if requests.get(f"{address}/health/live", timeout=5).ok:
                    break
            time.sleep(0.1)
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
    """What is asked for, by what it is called; the trivial one first."""
    sessions = [requests.Session() for _ in range(PEOPLE)]
    stamps: dict[int, tuple[str, str]] = {}

    def get(path: str, cookie: str, number: int) -> str:
        answer = sessions[number].get(
            address + path, cookies={"sessionid": cookie}, headers=BY_HTTPS, timeout=60
        )
        answer.raise_for_status()
        return answer.text if "html" in answer.headers["Content-Type"] else ""

    def save(number: int) -> None:
        path = f"/assessments/{drafts[number]}/section/conduct"
        if number not in stamps:
            page = get(path, member, number)
            token = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[0]
            stamps[number] = (token, re.findall(r'name="seen.conduct.abuse"\s+value="([^"]*)"', page)[0])
        token, seen = stamps[number]
        form = {
            "conduct.abuse": "no",
            "note.conduct.abuse": str(time.monotonic()),
            "seen.conduct.abuse": seen,
        }
        answer = sessions[number].post(
            address + path,
            data=form | {"csrfmiddlewaretoken": token},
            headers={**BY_HTTPS, "HX-Request": "true", "Referer": address.replace("http:", "https:")},
            cookies={"sessionid": member, "csrftoken": str(sessions[number].cookies["csrftoken"])},
            timeout=60,
        )
        found = re.findall(r'name="seen.conduct.abuse"\s+value="([^"]*)"', answer.text)
        if answer.status_code != 200 or not found:
            raise RuntimeError(f"autosave answers {answer.status_code}")
        stamps[number] = (token, found[0])

    return {
        "trivial view": lambda number: get("/health/live", "", number),
        "section page": lambda number: get(f"/assessments/{drafts[number]}/section/conduct", member, number),
        "autosave": save,
        "desk's list": lambda number: get("/desk/", officer, number),
        "stored PDF": lambda number: get(f"/shares/{share}.pdf", officer, number),
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        os.environ.update(
            places(scratch),
            DEBUG="false",
            SECRET_KEY="only benchmarks sign with this",
            ALLOWED_HOSTS="127.0.0.1",
            PROXIES="1",
            TASKS="database",
            DJANGO_SETTINGS_MODULE="config.settings",
        )
        django.setup()
        for command in (
            ["migrate", "--verbosity", "0"],
            ["createcachetable"],
            ["load_editions", "--verbosity", "0"],
            ["collectstatic", "--noinput", "--verbosity", "0"],
        ):
            call_command(*command)
        run(port)


if __name__ == "__main__":
    main()
