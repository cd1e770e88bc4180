"""Printing by separate processes: after one is killed every PDF can still be had, and no process is left behind."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from assessments.models import StoredPdf
from assessments.pdf.press import PressError, PrintProblem
from assessments.services import printing
from assessments.services.printing import CannotStore

ROOT = Path(__file__).resolve().parents[3]
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="processes are looked for in /proc")
HEAD = """
import json, sys, time
import django
django.setup()
from django.core.management import call_command
from django_tasks_db.models import DBTaskResult
from assessments.models import Attestation, StoredPdf
from assessments.services import printing
from tests.cast import account_of, attested, make, shared

def report(**more):
    states = list(DBTaskResult.objects.order_by("enqueued_at").values_list("status", flat=True))
    print(json.dumps({"tasks": states, "pdfs": StoredPdf.objects.count()} | more))
"""
ATTESTS = """
call_command("migrate", verbosity=0)
cast = make()
attested(cast.account)
report()
"""
MANY = """
for number in range(8):
    shared(attested(account_of(cast.office, handle=f"@ana{number}")))
"""
STOPS_HALF_WAY = """
def half(name, data):
    path = printing.default_storage.path(name)
    printing.default_storage.save(name, printing.ContentFile(data[:1000]))
    print("printing", flush=True)
    time.sleep(60)
printing._store = half
call_command("db_worker", batch=True, startup_delay=False)
"""
WORKS = """
call_command("db_worker", batch=True, startup_delay=False)
report()
"""
IS_ASKED = """
pdf = printing.pdf_of(Attestation.objects.get())
report(whole=pdf.startswith(b"%PDF") and len(pdf) == StoredPdf.objects.get().size)
"""
AGAIN = """
attestation = Attestation.objects.get()
printing.print_record.enqueue("attestation", attestation.pk)
"""


def run(body: str, environment: dict[str, str]) -> dict[str, object]:
    ended = subprocess.run(
        [sys.executable, "-c", HEAD + body],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    printed: dict[str, object] = json.loads(ended.stdout.splitlines()[-1])
    return printed


def portal_in(folder: Path) -> dict[str, str]:
    return os.environ | {
        "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3",
        "MEDIA_ROOT": str(folder / "media"),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SECRET_KEY": "only tests sign with this",
        "DEBUG": "true",
        "TASKS": "database",
    }


def printed_in(folder: Path) -> int:
    """How many PDFs a portal has stored."""
    with closing(sqlite3.connect(folder / "db.sqlite3")) as there:
        (count,) = there.execute("SELECT COUNT(*) FROM assessments_storedpdf").fetchone()
    return int(count)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return portal_in(tmp_path)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database in which 25 PDFs are missing."""
    folder = tmp_path_factory.mktemp("filled")
    run(ATTESTS + MANY + "report()", portal_in(folder))
    return folder / "db.sqlite3"


@pytest.fixture
def missing(filled: Path, tmp_path: Path) -> dict[str, str]:
    shutil.copy(filled, tmp_path)
    return portal_in(tmp_path)


@pytest.mark.slow
def test_a_worker_that_is_killed_while_it_prints_costs_nothing(environment):
    assert run(ATTESTS, environment) == {"tasks": ["READY"], "pdfs": 0}
    with subprocess.Popen(
        [sys.executable, "-c", HEAD + STOPS_HALF_WAY],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as worker:
        assert worker.stdout is not None
        assert "printing" in worker.stdout.readline()
        worker.kill()
    # The PDF is printed on request, though the killed task stays unfinished.
    assert run(IS_ASKED, environment) == {"tasks": ["RUNNING"], "pdfs": 1, "whole": True}
    # A task that runs later makes no second PDF.
    assert run(AGAIN + WORKS, environment) == {"tasks": ["RUNNING", "SUCCESSFUL"], "pdfs": 1}


@pytest.mark.slow
def test_what_is_missing_is_printed_over_several_processes_which_all_end(environment, tmp_path):
    assert run(ATTESTS, environment)["pdfs"] == 0
    command = [sys.executable, "manage.py", "render_missing", "--processes", "2"]
    ended = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert ended.stdout == "Rendered 1 PDF.\n"
    assert printed_in(tmp_path) == 1


def processes(environment: dict[str, str]) -> list[int]:
    """The ids of the processes that work on this test's portal."""
    mark = f"MEDIA_ROOT={environment['MEDIA_ROOT']}\0".encode()
    processes = []
    for name in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (name / "environ").read_bytes():
                processes.append(int(name.name))
        except OSError:
            continue  # it ended meanwhile, or is somebody else's
    return processes


def wait_until(holds, seconds: float = 60) -> None:
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.02)


@contextmanager
def under_way(environment: dict[str, str], *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start a command in a terminal of its own, and wait for its first PDF."""
    with subprocess.Popen(
        # In the background of a shell, where these tests may run, no process would receive Ctrl-C.
        ["/usr/bin/env", "--default-signal=INT", sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as command:
        wait_until(lambda: any(Path(environment["MEDIA_ROOT"]).rglob("*.pdf")))
        yield command


@on_linux
@pytest.mark.slow
@pytest.mark.parametrize("how", ["Ctrl-C", "SIGTERM"])
def test_printing_what_is_missing_can_be_stopped_and_goes_on_from_there(missing, tmp_path, how):
    with under_way(missing, "render_missing", "--processes", "2") as command:
        if how == "Ctrl-C":
            os.killpg(command.pid, signal.SIGINT)
        else:
            command.terminate()
        output = command.communicate(timeout=60)
    assert command.returncode == 130, output
    assert output[1] == "CommandError: Stopped. Finished PDFs are kept. To continue, run the command again.\n"
    wait_until(lambda: not processes(missing), 5)
    assert printed_in(tmp_path) in range(1, 25)


@on_linux
@pytest.mark.slow
def test_when_the_command_is_killed_its_processes_end_by_themselves(missing):
    with under_way(missing, "render_missing", "--processes", "2") as command:
        # The command, two workers with a printing process each, and the helper processes of multiprocessing.
        assert len(processes(missing)) >= 5
        command.kill()
        command.wait()
        wait_until(lambda: not processes(missing), 20)


@on_linux
@pytest.mark.slow
def test_when_one_of_its_processes_is_killed_the_command_says_so_and_ends(missing):
    with under_way(missing, "render_missing", "--processes", "1") as command:
        children = Path(f"/proc/{command.pid}/task/{command.pid}/children").read_text().split()
        (printer,) = [pid for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        os.kill(int(printer), signal.SIGKILL)
        output = command.communicate(timeout=60)
    assert command.returncode == 1
    assert "CommandError: Another program ended one of the processes" in output[1]
    assert "Traceback" not in output[1]
    wait_until(lambda: not processes(missing), 5)


@on_linux
@pytest.mark.slow
def test_an_export_that_is_stopped_says_so_and_leaves_no_file(missing, tmp_path):
    target = tmp_path / "out" / "shares.zip"
    target.parent.mkdir()
    with under_way(missing, "export_shared", "--format", "zip", "--output", str(target)) as command:
        os.killpg(command.pid, signal.SIGINT)
        output = command.communicate(timeout=60)
    assert command.returncode == 130, output
    assert output[1] == "CommandError: Stopped. Nothing was written.\n"
    assert not list(target.parent.iterdir())
    wait_until(lambda: not processes(missing), 5)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("between us"), "share {} is not made yet: ValueError"),
        (PressError(PrintProblem.TOO_SLOW, "between us"), "share {} is not made yet: PressError (too_slow)"),
        (CannotStore("between us"), "share {} is not made yet: CannotStore"),
    ],
)
def test_whatever_keeps_one_from_being_printed_is_told_by_its_kind_alone(
    share_, monkeypatch, caplog, error, line
):
    def fails(*_: object) -> bytes:
        raise error

    # A connection that is closed in earnest would take the rows of this module's other tests along.
    renewed: list[bool] = []
    monkeypatch.setattr(printing, "close_old_connections", lambda: renewed.append(True))
    monkeypatch.setattr(printing, "pdf_of", fails)
    assert printing.print_missing(("share", share_.pk, StoredPdf.Kind.FULL)) is False
    assert line.format(share_.pk) in caplog.text
    assert "between us" not in caplog.text
    assert renewed == [True]
