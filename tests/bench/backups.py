"""How many backups of a live SQLite database are whole, compared with plain copies of its file.

`python -m tests.bench.backups [HOW_MANY]`

A process starts anonymous checks as fast as it can, each with all its answers in one transaction, and deletes older
ones. A backup is whole if SQLite finds it sound, each check in it has all its answers, and it has everything that was
acknowledged before the backup began. One baseline copies only the database file, as `cp` would. The other also copies
the log that SQLite keeps beside it. Both copy at the speed of a larger database or a slower disk.
"""

import io
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlencode

import django
from django.core.management import call_command

ROOT = Path(__file__).resolve().parents[2]
BACKUPS = 15
ANSWERS = 25
CHECKS_KEPT = 400
BYTES_A_SECOND = 20_000_000
# As in config/settings.py.
OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL",
}


def address(path: Path) -> str:
    """A DATABASE_URL for a SQLite file, opened as production opens its own."""
    return f"sqlite:///{path}?{urlencode(OPTIONS)}"


def environment(home: Path) -> dict[str, str]:
    """The environment of a command for a portal that has everything in this folder."""
    return {
        **os.environ,
        "DATABASE_URL": address(home / "db.sqlite3"),
        "MEDIA_ROOT": str(home / "media"),
        "S3_BUCKET": "",
        "SECRET_KEY": "only for figures",
    }


def manage(home: Path, *arguments: str | Path) -> None:
    """Run a command of the portal in this folder."""
    subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment(home),
        check=True,
        stdout=subprocess.DEVNULL,
    )


def write() -> None:
    """Start checks without end, and print the number of each once it is acknowledged."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.db import transaction  # noqa: PLC0415 - after django.setup

    from assessments.models import AnonymousCheck, CheckAnswer  # noqa: PLC0415
    from assessments.services.drafts import start_check  # noqa: PLC0415

    while True:
        with transaction.atomic():
            check, _ = start_check()
            CheckAnswer.objects.bulk_create(
                CheckAnswer(draft=check, question=f"bench.{at}", value="yes", note="x" * 200)
                for at in range(ANSWERS)
            )
            AnonymousCheck.objects.filter(pk__lte=check.pk - CHECKS_KEPT).delete()
        print(check.pk, flush=True)


@contextmanager
def live_writer(home: Path) -> Iterator[Callable[[], int]]:
    """Run a process that writes; yield a function that returns the last check it acknowledged."""
    acknowledged = home / "acknowledged"
    with acknowledged.open("w") as out:
        writer = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.backups", "write"],
            cwd=ROOT,
            env=environment(home),
            stdout=out,
        )

    def last() -> int:
        return int((acknowledged.read_text().rpartition("\n")[0].split() or ["0"])[-1])

    try:
        deadline = time.monotonic() + 60
        while last() < CHECKS_KEPT + 20:
            if writer.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("The writer did not start.")
            time.sleep(0.05)
        yield last
        if writer.poll() is not None:
            raise RuntimeError("The writer did not last.")
    finally:
        writer.kill()
        writer.wait()


def faults(path: Path, acknowledged: int) -> list[str]:
    """The faults of a copy of the database."""
    faults = []
    try:
        with closing(sqlite3.connect(path)) as copy:
            if copy.execute("PRAGMA integrity_check(1)").fetchall() != [("ok",)]:
                faults.append("not sound")
            halves = copy.execute(
                "SELECT COUNT(*) FROM (SELECT c.id FROM assessments_anonymouscheck c"
                " LEFT JOIN assessments_checkanswer a ON a.draft_id = c.id GROUP BY c.id HAVING COUNT(a.id) <> ?)",
                [ANSWERS],
            ).fetchone()[0]
            if halves:
                faults.append(f"{halves} checks without all their answers")
            last = copy.execute("SELECT MAX(id) FROM assessments_anonymouscheck").fetchone()[0] or 0
            if last < acknowledged:
                faults.append(f"{acknowledged - last} acknowledged checks lost")
    except sqlite3.DatabaseError as error:
        faults.append(str(error))
    return faults


def by_backup(_: Path, to: Path) -> Path:
    """Take a backup with the command in this process: the time to start another could hide what a copy loses."""
    call_command("backup", str(to), stdout=io.StringIO())
    return to / "database.sqlite3"


def copied(path: Path, to: Path) -> Path:
    """Copy a file piece by piece; return the path of the copy."""
    piece = 64 * 1024
    with path.open("rb") as source, (to / path.name).open("wb") as out:
        while read := source.read(piece):
            out.write(read)
            time.sleep(len(read) / BYTES_A_SECOND)
    return to / path.name


def by_plain_copy(home: Path, to: Path) -> Path:
    """Copy the database file alone."""
    to.mkdir()
    return copied(home / "db.sqlite3", to)


def by_copy_of_both(home: Path, to: Path) -> Path:
    """Copy the database file, then the log of what was written since."""
    copy = by_plain_copy(home, to)
    copied(home / "db.sqlite3-wal", to)
    return copy


def take_copies(
    home: Path, last: Callable[[], int], copy: Callable[[Path, Path], Path], count: int
) -> list[list[str]]:
    """Take `count` copies while a process writes; return the faults of each."""
    faults_by_copy = []
    for _ in range(count):
        with tempfile.TemporaryDirectory(prefix="copy-") as to:
            acknowledged = last()
            faults_by_copy.append(faults(copy(home, Path(to) / "copy"), acknowledged))
            moved_on = time.monotonic() + 20
            while last() == acknowledged and time.monotonic() < moved_on:
                time.sleep(0.05)
    return faults_by_copy


def prepare(home: Path) -> None:
    """Make an empty portal in this folder."""
    for command in ("migrate", "load_editions"):
        manage(home, command, "--verbosity=0")


def main(count: int = BACKUPS) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="backups-") as name:
        home = Path(name)
        prepare(home)
        os.environ |= environment(home) | {"DJANGO_SETTINGS_MODULE": "config.settings"}
        django.setup()
        with live_writer(home) as last:
            for method, copy in (
                ("manage.py backup", by_backup),
                ("file alone", by_plain_copy),
                ("file, then its log", by_copy_of_both),
            ):
                began, first = time.perf_counter(), last()
                faults_by_copy = take_copies(home, last, copy, count)
                seconds = time.perf_counter() - began
                good = sum(not faults for faults in faults_by_copy)
                written = last() - first
                print(
                    f"{method}: {good} of {count} whole; {written} checks written meanwhile ({seconds:.1f} s)"
                )
                for fault in sorted({fault for faults in faults_by_copy for fault in faults})[:3]:
                    print(f"    such as: {fault}")


if __name__ == "__main__":
    if sys.argv[1:] == ["write"]:
        write()
    else:
        main(*map(int, sys.argv[1:]))
