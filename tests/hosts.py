"""Web hosts that a test starts and kills, and people who take a draft through them."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import requests
from django.conf import settings

ROOT = Path(__file__).resolve().parents[1]
PASSWORD = "quiet-harbour-9"
QUESTION = "conduct.abuse"
PROXIED = {
    "Host": "127.0.0.1",
    "Referer": "https://127.0.0.1/",
    "X-Forwarded-For": "203.0.113.7",
    "X-Forwarded-Proto": "https",
}
"""The headers of the proxy in production, and of a browser."""


# --- Hosts --------------------------------------------------------------------


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def wait_until_free(port: int) -> None:
    """Wait until a host that was killed no longer listens on its port. Fails if something else does."""
    import pytest  # noqa: PLC0415 - not for the processes that a test starts

    ends = time.monotonic() + 5
    while True:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                return probe.bind(("127.0.0.1", port))
        if time.monotonic() > ends:
            pytest.fail(f"Port {port} is taken: end what listens there (ss -lptn).", pytrace=False)
        time.sleep(0.05)


def started(*arguments: str, log: Path | None = None, **environment: str) -> subprocess.Popen[bytes]:
    """Start a process of the portal in a process group of its own, so that it can be killed with its children."""
    with (log or Path(os.devnull)).open("ab") as file:
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=os.environ | environment,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )


def web_host(port: int, *, log: Path | None = None, **environment: str) -> subprocess.Popen[bytes]:
    """Start a web server as in production. It has one process unless the environment says otherwise."""
    wait_until_free(port)
    served = {"BIND": f"127.0.0.1:{port}", "WEB_PROCESSES": "1"} | environment
    command = ["-m", "gunicorn", "config.wsgi", "--config", "deploy/gunicorn.conf.py"]
    return started(*command, log=log, **served)


def is_ready(address: str) -> bool:
    """Whether a host can serve."""
    with suppress(requests.RequestException):
        return requests.get(f"{address}/health/ready", timeout=30).ok
    return False


def wait_for(address: str) -> None:
    """Wait until a host can serve."""
    ends = time.monotonic() + 60
    while not is_ready(address):
        if time.monotonic() > ends:
            raise RuntimeError("The server does not start.")
        time.sleep(0.05)


def killed(server: subprocess.Popen[bytes]) -> None:
    """Kill a process with its children, unless it has ended."""
    if server.returncode is None:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


# --- People -------------------------------------------------------------------


@dataclass
class Acknowledged:
    """What the portal has acknowledged about a draft: the number of the last note saved, and which steps are done."""

    note: int = 0
    attested: bool = False
    shared: bool = False


class Browser:
    """Someone whose requests go to the hosts in turn.

    If a host does not answer, the request goes to the next, as a proxy sends it, or a person who presses again.
    """

    def __init__(self, hosts: Sequence[str], *, session: str = "") -> None:
        self.hosts, self.turn = hosts, 0
        self.session = requests.Session()
        if session:
            self.session.cookies[settings.SESSION_COOKIE_NAME] = session
        self.token = ""
        self.stamps: dict[int, str] = {}
        self.answered: Counter[tuple[str, int]] = Counter()
        self.sent_again = self.acknowledged = 0
        self.last: tuple[str, dict[str, str]] | None = None

    def another(self) -> "Browser":
        """Another tab, whose first request goes to another host."""
        tab = Browser(self.hosts)
        tab.session.cookies.update(self.session.cookies)
        tab.turn, tab.token = self.turn + 1, self.token
        return tab

    def count(self, browser: "Browser") -> None:
        """Add another browser's counts."""
        self.answered += browser.answered
        self.sent_again += browser.sent_again
        self.acknowledged += browser.acknowledged

    def ask(
        self, method: str, path: str, form: dict[str, str] | None = None, **headers: str
    ) -> requests.Response:
        """The answer to a request. Raises RuntimeError if it is an error, or leads to a page to sign in."""
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.session.cookies)
        for hosts_left in reversed(range(len(self.hosts))):
            host = self.hosts[self.turn % len(self.hosts)]
            self.turn += 1
            try:
                answer = self.session.request(
                    method,
                    host + path,
                    data=form,
                    # Set by hand: the cookies are for HTTPS only, which only the proxy speaks.
                    headers={**PROXIED, "Cookie": cookies, **headers},
                    timeout=60,
                    allow_redirects=False,
                )
                break
            except requests.RequestException:
                if not hosts_left:
                    raise
                self.sent_again += 1
        self.answered[host, answer.status_code] += 1
        if answer.status_code >= 400:
            raise RuntimeError(f"{path} answers {answer.status_code}")
        if "/account/" in answer.headers.get("Location", ""):
            raise RuntimeError(f"{path} asks to sign in")
        return answer

    def get(self, path: str) -> str:
        """The text of a page."""
        return self.ask("GET", path).text

    def post(self, path: str, form: dict[str, str], **headers: str) -> requests.Response:
        """Send a form, and keep it in `last`, to be sent again."""
        self.last = (path, form)
        answer = self.ask("POST", path, form | {"csrfmiddlewaretoken": self.token}, **headers)
        self.acknowledged += 1
        return answer

    def read_token(self, path: str) -> str:
        """Get a page, and keep its token for the forms that follow."""
        page = self.get(path)
        self.token = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[0]
        return page

    def enter(self, email: str) -> None:
        """Sign in."""
        self.read_token("/account/login/")
        self.sign_in(email)
        self.read_token("/account/security/")

    def sign_in(self, email: str, password: str = PASSWORD) -> str:
        """Send a password; return the page that answers it."""
        return self.post("/account/login/", {"login": email, "password": password}).text

    def save(self, draft: int, note: str) -> None:
        """Save a note, as the open page does by itself."""
        path, stamp_field = f"/assessments/{draft}/section/conduct", f"seen.{QUESTION}"
        if draft not in self.stamps:
            self.stamps[draft] = stamp_in(self.read_token(path))
        form = {QUESTION: "no", f"note.{QUESTION}": note, stamp_field: self.stamps[draft]}
        self.stamps[draft] = stamp_in(self.post(path, form, **{"HX-Request": "true"}).text)

    def note(self, draft: int, acknowledged: Acknowledged) -> None:
        """Save the next note."""
        self.save(draft, f"Note {acknowledged.note + 1}.")
        acknowledged.note += 1

    def attestation(self, draft: int) -> tuple[str, dict[str, str]]:
        """The form that attests a draft."""
        path = f"/assessments/{draft}/attest"
        stamp = re.findall(r'name="seen"\s+value="([^"]+)"', self.get(path))[0]
        return path, {"seen": stamp, "stand": "yes"}


def stamp_in(page: str) -> str:
    """The version of the answer that a page or an autosave's response shows. Empty if the answer was not saved."""
    return str(re.findall(rf'name="seen.{re.escape(QUESTION)}"\s+value="([^"]*)"', page)[0])


def share_of(draft: int) -> tuple[str, dict[str, str]]:
    """The form that shares a part of an attested draft."""
    form = {"rule": "9", "question": "account.stage", "give": "yes", "consent": "yes"}
    return f"/assessments/{draft}/share", form | {"nonce": f"{draft:064x}"}


# --- What is there in the end ---------------------------------------------------


def faults(draft: int, acknowledged: Acknowledged) -> Counter[str]:
    """How many acknowledged things are lost, how many are torn, and how many were done twice."""
    from assessments.models import Answer, Attestation, Share  # noqa: PLC0415 - after django.setup
    from assessments.records.attested import sha256_of  # noqa: PLC0415
    from assessments.services.audit_proof import chains, walk  # noqa: PLC0415

    def number(note: str) -> int:
        return int(re.sub(r"\D", "", note) or 0)

    counts = Counter(lost=0, torn=0, doubled=0)
    # What was sent last may have been saved without an acknowledgement.
    counts["lost"] += number(Answer.objects.get(draft=draft, question=QUESTION).note) < acknowledged.note
    attested = list(Attestation.objects.filter(assessment=draft))
    shares = list(Share.objects.filter(attestation__assessment=draft))
    counts["lost"] += (acknowledged.attested and not attested) + (acknowledged.shared and not shares)
    counts["doubled"] += max(0, len(attested) - 1) + max(0, len(shares) - 1)
    for attestation in attested:
        record = json.loads(attestation.record)
        counts["lost"] += acknowledged.note > max(
            number(answer["note"]) for answer in record["answers"] if answer["question"] == QUESTION
        )
        counts["torn"] += sha256_of(attestation.record) != attestation.sha256
        counts["torn"] += attestation.findings.count() != len(record["advisory"]["findings"])
    counts["torn"] += sum(
        not hasattr(share, "content") or sha256_of(share.content.record) != share.sha256 for share in shares
    )
    counts["torn"] += sum(bool(walk(chain).fault) for chain in chains({}))
    return counts
