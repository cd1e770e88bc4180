"""What guesses at passwords leave behind, and what others wait meanwhile: `python -m tests.bench.guessing`.

Serves a copy of the portal on this machine alone, with two processes as in production. 500 guesses go to one person's
password from 250 networks, then 500 from one network to 500 addresses, then 500 to one person's codes from 250
networks. Prints the lines of the security log by event, the new audit events and emails, and a bystander's waits.
"""

import json
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

from tests.bench.own import ready_to_serve
from tests.hosts import PASSWORD, PROXIED, Browser, free_port, killed, wait_for, web_host

GUESSES, NETWORKS, TOGETHER = 500, 250, 8


class Guesser:
    """A new browser on a network."""

    def __init__(self, address: str, network: str) -> None:
        self.address, self.headers = address, PROXIED | {"X-Forwarded-For": network}
        # Our cookies are for HTTPS only, which the proxy speaks and this host does not.
        self.cookies: dict[str, str | None] = {}

    def send(self, method: str, path: str, **form: str) -> requests.Response:
        token = next((value for name, value in self.cookies.items() if name.endswith("csrftoken")), "")
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        response = requests.request(
            method,
            self.address + path,
            data=form | {"csrfmiddlewaretoken": token or ""} if method == "POST" else None,
            headers=self.headers | {"Cookie": cookies},
            allow_redirects=False,
            timeout=60,
        )
        self.cookies |= response.cookies.get_dict()
        return response

    def sign_in(self, email: str, password: str) -> requests.Response:
        self.send("GET", "/account/login/")
        return self.send("POST", "/account/login/", login=email, password=password)


def network(number: int) -> str:
    return f"198.51.{number // 250}.{number % 250 + 1}"


def one_person(address: str, number: int) -> None:
    Guesser(address, network(number % NETWORKS)).sign_in("guessed@example.ca", "a guess")


def many_people(address: str, number: int) -> None:
    Guesser(address, "203.0.113.99").sign_in(f"person{number}@example.ca", "a guess")


def codes(address: str, number: int) -> None:
    guesser = Guesser(address, network(number % NETWORKS))
    if guesser.sign_in("coded@example.ca", PASSWORD).status_code == 302:
        guesser.send("POST", "/account/second-step/", code="000000")


def attack(name: str, guess: Callable[[str, int], None], address: str, log: Path, member: Browser) -> None:
    """Guess while a bystander opens a page, and print what it left."""
    from assessments.models import AuditEvent, OutgoingMail  # noqa: PLC0415 - after django.setup

    offset, waits, ended = log.stat().st_size, [0.0][:0], threading.Event()
    mails, number = OutgoingMail.objects.count(), AuditEvent.objects.filter(office=None).count()

    def stand_by() -> None:
        while not ended.wait(0.1):
            began = time.monotonic()
            member.get("/office/")
            waits.append(time.monotonic() - began)

    bystander = threading.Thread(target=stand_by)
    bystander.start()
    began = time.monotonic()
    with ThreadPoolExecutor(TOGETHER) as connections:
        list(connections.map(lambda at: guess(address, at), range(GUESSES if guess is not nothing else 0)))
    seconds = time.monotonic() - began
    time.sleep(max(0.0, 5 - seconds))
    ended.set()
    bystander.join()
    lines = [json.loads(line) for line in log.read_text()[offset:].splitlines() if line.startswith("{")]
    events = Counter(
        f"{line['event']} ({line['reason']})" for line in lines if line["logger"] == "portal.security"
    )
    actions = Counter(
        AuditEvent.objects.filter(office=None, number__gt=number).values_list("action", flat=True)
    )
    waits.sort()
    sys.stdout.write(
        f"{name}: {seconds:.1f} s\n  lines {dict(events)}\n  audit events {dict(actions)}\n"
        f"  emails {OutgoingMail.objects.count() - mails}\n"
        f"  a bystander's page {statistics.median(waits):.2f} s, p95 {waits[int(len(waits) * 0.95)]:.2f} s,"
        f" longest {waits[-1]:.2f} s of {len(waits)}\n"
    )
    sys.stdout.flush()


def nothing(_: str, __: int) -> None:
    """Nobody guesses."""


def run(scratch: str) -> None:
    from assessments.models import OutgoingMail  # noqa: PLC0415 - after django.setup
    from tests.cast import client_of, office_of, person, with_second_step  # noqa: PLC0415

    member = person("member")
    office_of(member)
    person("guessed", password=PASSWORD)
    with_second_step(person("coded", password=PASSWORD))
    for number in range(GUESSES // 2):
        person(f"person{number}")
    from django.conf import settings  # noqa: PLC0415

    session = client_of(member).cookies[settings.SESSION_COOKIE_NAME].value
    port, log = free_port(), Path(scratch) / "log"
    address = f"http://127.0.0.1:{port}"
    server = web_host(port, log=log, WEB_PROCESSES="2")
    try:
        wait_for(address)
        bystander = Browser([address], session=session)
        for _ in range(6):
            bystander.get("/office/")
        attack("nobody guesses", nothing, address, log, bystander)
        attack("one person's password, many networks", one_person, address, log, bystander)
        attack("many people's passwords, one network", many_people, address, log, bystander)
        attack("one person's codes, many networks", codes, address, log, bystander)
        queued = OutgoingMail.objects.values_list("words__what", flat=True)
        sys.stdout.write(f"emails that wait for the timer: {sorted(map(str, queued))}\n")
    finally:
        killed(server)


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        ready_to_serve(scratch)
        run(scratch)


if __name__ == "__main__":
    main()
