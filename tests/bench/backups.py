"""How many backups of a live SQLite database are whole, beside plain copies of its file.

`python -m tests.bench.backups [HOW_MANY]`

A process begins anonymous checks as fast as it can, each with all its answers in one transaction, and deletes older
ones. A backup is whole if SQLite finds it sound, each check in it has all its answers, and it holds what had been
acknowledged before the backup began. The baseline copies the database file alone, as `cp` would, and then the file
together with what SQLite keeps beside it, both at the speed that a larger database or a slower disk would have.
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
KEPT = 400
BYTES_A_SECOND = 20_000_000
# The same as config/settings.py has for its own database.
OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL",
}


def address(path: Path) -> str:
    """A DATABASE_URL for a SQLite file, opened as production opens its own."""
    return f"sqlite:///{path}?{urlencode(OPTIONS)}"


def environment(home: Path) -> dict[str, str]:
    """What a command needs to run on a portal that lives in this folder alone."""
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
    """Begin checks without end, and print the number of each once it is acknowledged."""
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
            AnonymousCheck.objects.filter(pk__lte=check.pk - KEPT).delete()
        print(check.pk, flush=True)


@contextmanager
def live_writer(home: Path) -> Iterator[Callable[[], int]]:
    """Have a process write meanwhile; give a function that tells the last check it acknowledged."""
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
        while last() < KEPT + 20:
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
    """What a copy of the database lacks, if anything; the copy is looked at where it cannot be changed."""
    found = []
    try:
        with closing(sqlite3.connect(path)) as copy:
            if copy.execute("PRAGMA integrity_check(1)").fetchall() != [("ok",)]:
                found.append("not sound")
            halves = copy.execute(
                "SELECT COUNT(*) FROM (SELECT c.id FROM assessments_anonymouscheck c"
                " LEFT JOIN assessments_checkanswer a ON a.draft_id = c.id GROUP BY c.id HAVING COUNT(a.id) <> ?)",
                [ANSWERS],
            ).fetchone()[0]
            if halves:
                found.append(f"{halves} checks without all their answers")
            last = copy.execute("SELECT MAX(id) FROM assessments_anonymouscheck").fetchone()[0] or 0
            if last < acknowledged:
                found.append(f"{acknowledged - last} acknowledged checks lost")
    except sqlite3.DatabaseError as error:
        found.append(str(error))
    return found


def by_backup(_: Path, to: Path) -> Path:
    """Take a backup, by the command in this process: no time to start hides what a copy loses."""
    call_command("backup", str(to), stdout=io.StringIO())
    return to / "database.sqlite3"


def copied(path: Path, to: Path) -> Path:
    """Copy a file piece by piece; return where the copy is."""
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


def whole(
    home: Path, last: Callable[[], int], copy: Callable[[Path, Path], Path], count: int
) -> list[list[str]]:
    """Take so many copies while somebody writes; return the faults of each."""
    found = []
    for _ in range(count):
        with tempfile.TemporaryDirectory(prefix="copy-") as to:
            acknowledged = last()
            found.append(faults(copy(home, Path(to) / "copy"), acknowledged))
            moved_on = time.monotonic() + 20
            while last() == acknowledged and time.monotonic() < moved_on:
                time.sleep(0.05)
    return found


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
            for what, copy in (
                ("manage.py backup", by_backup),
                ("file alone", by_plain_copy),
                ("file, then its log", by_copy_of_both),
            ):
                began, first = time.perf_counter(), last()
                found = whole(home, last, copy, count)
                seconds = time.perf_counter() - began
                good = sum(not one for one in found)
                written = last() - first
                print(
                    f"{what}: {good} of {count} whole; {written} checks written meanwhile ({seconds:.1f} s)"
                )
                for fault in sorted({one for several in found for one in several})[:3]:
                    print(f"    such as: {fault}")


if __name__ == "__main__":
    if sys.argv[1:] == ["write"]:
        write()
    else:
        main(*map(int, sys.argv[1:]))
