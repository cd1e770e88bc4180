"""`make audit` fails unless every locked package was asked about and has no vulnerability but excepted ones."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tools.audit import EXCEPTIONS, KNOWN_BAD, Exempt, Unreadable, faults, read_exceptions
from tools.locks import DEVELOP, ROOT, RUN, locked

TODAY = date(2026, 11, 30)
PINS = {"django": "5.2.19", "pikepdf": "10.18.0"}
LOCK = "".join(
    f"{name}=={version} ; sys_platform == 'win32' \\\n    --hash=sha256:{'0' * 64}\n    # via x\n"
    for name, version in PINS.items()
)
BAD = {"id": "PYSEC-2013-1", "aliases": ["CVE-2013-7459"], "fix_versions": []}
FLAW = {
    "id": "PYSEC-2026-7",
    "aliases": ["CVE-2026-1"],
    "fix_versions": ["5.2.20"],
    "description": "It fails.",
}
"""A vulnerability in Django, as pip-audit reports it."""


def reported(**changes: Any) -> list[dict[str, Any]]:
    """A report on PINS without vulnerabilities, but for `changes`: by name, None for no answer or its parts."""
    answers: dict[str, dict[str, Any]] = {
        name: {"name": name, "version": version, "vulns": []} for name, version in PINS.items()
    }
    name, version = KNOWN_BAD
    answers[name] = {"name": name, "version": version, "vulns": [BAD]}
    for name, parts in changes.items():
        answers[name] = parts and answers[name] | parts
    return [answer for answer in answers.values() if answer]


def exempt(until: date, *, package: str = "django", number: str = "CVE-2026-1") -> Exempt:
    return Exempt(number, package, "The portal never calls it.", until)


@pytest.mark.parametrize(
    ("changes", "exceptions", "reason"),
    [
        ({}, [], None),
        ({"django": None}, [], "django 5.2.19 was not asked about."),
        ({"django": {"version": "5.2.18"}}, [], "django 5.2.19 was not asked about."),
        ({"django": {"skip_reason": "not found"}}, [], "django 5.2.19 was skipped: not found"),
        ({"pycrypto": {"vulns": []}}, [], "The service does not know the vulnerabilities of pycrypto"),
        ({"pycrypto": None}, [], "The service does not know the vulnerabilities of pycrypto"),
        (
            {"django": {"vulns": [FLAW]}},
            [],
            "django 5.2.19: CVE-2026-1, PYSEC-2026-7, fixed in 5.2.20. It fails.",
        ),
        ({"django": {"vulns": [FLAW]}}, [exempt(TODAY)], None),
        ({"django": {"vulns": [FLAW]}}, [exempt(TODAY, number="PYSEC-2026-7")], None),
        ({"django": {"vulns": [FLAW]}}, [exempt(date(2026, 11, 29))], "Its exception ended on 2026-11-29."),
        ({"django": {"vulns": [FLAW]}}, [exempt(date(2026, 11, 29)), exempt(TODAY)], None),
        ({}, [exempt(TODAY)], "The exception for CVE-2026-1 of django is no longer needed. Remove it."),
    ],
)
def test_an_audit_fails_for_each_package_that_is_not_known_to_be_well(changes, exceptions, reason):
    lines = list(faults(PINS, reported(**changes), exceptions, TODAY))
    if reason is None:
        assert lines == []
    else:
        assert len(lines) == 1
        assert reason in lines[0]


def test_an_exception_is_for_its_own_package_and_vulnerability():
    report = reported(django={"vulns": [FLAW]})
    for other in (exempt(TODAY, package="pikepdf"), exempt(TODAY, number="CVE-2026-2")):
        lines = list(faults(PINS, report, [other], TODAY))
        assert [line.split(" ")[0] for line in lines] == ["django", "The"]


ENTRY = {"id": "CVE-2026-1", "package": "django", "reason": "Never called.", "expires": "2027-01-31"}


def entry(**changes: str | None) -> str:
    kept = {key: value for key, value in (ENTRY | changes).items() if value is not None}
    return "- " + "\n  ".join(f"{key}: {value}" for key, value in kept.items()) + "\n"


def test_exceptions_are_read(tmp_path):
    (tmp_path / "e.yaml").write_text(f"# Why\n{entry()}")
    assert read_exceptions(tmp_path / "e.yaml") == [
        Exempt("CVE-2026-1", "django", "Never called.", date(2027, 1, 31))
    ]
    read_exceptions(EXCEPTIONS)


@pytest.mark.parametrize(
    "text",
    [
        entry(reason=None),
        entry(reason="''"),
        entry(expires=None),
        entry(expires="never"),
        entry(expires="2027-01-31 10:00:00"),
        entry(id="7"),
        entry(until="2027-01-31"),
        "django\n",
        "- django\n",
        "{",
    ],
)
def test_an_exception_without_all_its_parts_is_refused(tmp_path, text):
    (tmp_path / "e.yaml").write_text(text)
    with pytest.raises(Unreadable):
        read_exceptions(tmp_path / "e.yaml")


# --- With a service --------------------------------------------------------------------

FOUND = {
    "vulns": [
        {
            "id": "PYSEC-2013-1",
            "affected": [
                {
                    "package": {"name": KNOWN_BAD[0], "ecosystem": "PyPI"},
                    "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}],
                }
            ],
        }
    ]
}


@contextmanager
def serving(answer: Callable[[str], tuple[int, bytes]]) -> Iterator[str]:
    """A server that answers as OSV does: `answer` gives the status and the text for a package."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, body = answer(query["package"]["name"])
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def audit(service: str, folder: Path, lock: str = LOCK) -> subprocess.CompletedProcess[str]:
    """Run the command on a small lock file."""
    (folder / "lock.txt").write_text(lock)
    (folder / "e.yaml").write_text("[]")
    command = [sys.executable, "tools/audit.py", "--osv-url", service]
    files = ["--lock", str(folder / "lock.txt"), "--exceptions", str(folder / "e.yaml")]
    return subprocess.run([*command, *files], cwd=ROOT, capture_output=True, text=True, check=False)


def knows(name: str) -> tuple[int, bytes]:
    return 200, json.dumps(FOUND if name == KNOWN_BAD[0] else {}).encode()


def test_the_audit_succeeds_when_the_service_answers_for_each_package_and_knows_nothing_against_it(tmp_path):
    asked = []

    def answer(name: str) -> tuple[int, bytes]:
        asked.append(name)
        return knows(name)

    with serving(answer) as service:
        done = audit(service, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "2 packages, 0 exceptions: no other known vulnerability.\n"
    # Those for other platforms too.
    assert sorted(asked) == sorted([*PINS, KNOWN_BAD[0]])


def later_format(name: str) -> tuple[int, bytes]:
    if name != "django":
        return knows(name)
    return 200, json.dumps({"vulns": [{"id": "X", "schema_version": "2.0.0"}]}).encode()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda _: (200, b"{}"), "The service does not know the vulnerabilities of pycrypto"),
        (
            lambda _: (200, b"<html>Sign in to the network</html>"),
            "NOT AUDITED: pip-audit got no usable answer",
        ),
        (lambda _: (503, b""), "NOT AUDITED: pip-audit got no usable answer"),
        (later_format, "NOT AUDITED: pip-audit does not understand"),
        (
            lambda _: (200, json.dumps(FOUND).encode()),
            "django 5.2.19: PYSEC-2013-1, fixed in no version",
        ),
    ],
    ids=["knows nothing", "another site", "down", "a later format", "knows something"],
)
def test_the_audit_fails_in_words_when_the_service_does_not_vouch_for_each_package(tmp_path, answer, words):
    with serving(answer) as service:
        done = audit(service, tmp_path)
    assert done.returncode == 1
    assert words in done.stderr
    assert done.stdout == ""


def test_the_audit_fails_in_words_when_there_is_no_service_or_no_package(tmp_path):
    with serving(knows) as service:
        pass
    broken = {LOCK: "no usable answer", "# nothing\n": "has no package", "django\n": "without a version"}
    for lock, words in broken.items():
        done = audit(service, tmp_path, lock)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("NOT AUDITED: ")
        assert words in done.stderr


def test_every_package_that_a_portal_runs_is_in_the_lock_that_is_audited():
    assert {(package.name, package.version) for package in locked(RUN)} <= {
        (package.name, package.version) for package in locked(DEVELOP)
    }
    for path in (RUN, DEVELOP):
        lines = path.read_text().splitlines()
        assert len(locked(path)) == len([line for line in lines if "==" in line and not line.startswith(" ")])
