"""`manage.py backup` and `manage.py restore`, on the kind of database of this test run.

A database that is filled is in a place of its own, with its own processes. What is refused before anything changes is
refused in this process.
"""

import errno
import hashlib
import io
import itertools
import json
import os
import re
import resource
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dj_database_url
import pytest
from django.conf import settings as django_settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler

from assessments.models import StoredPdf
from assessments.operations import backup, database_copy, restore
from assessments.operations.backup import read_manifest
from assessments.services import printing
from assessments.services.sharing import withdraw
from tests.bench.backups import address
from tests.cast import account_of, attested, make, office_of, person, shared
from tests.postgres import database

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.django_db

STORED = {
    "attested/1/record.pdf": b"%PDF-1.7 what was attested",
    "attested/2/été 1.pdf": os.urandom(300_000),
    "empty": b"",
}
STORED_IN = ["attestations", "attested", "attested", "empty"]
IN_USE = """
from assessments.services import printing
from tests.cast import attested, make, shared
printing._full_pdf = lambda record: b"%PDF-1.7 full " + record.code.encode()
printing._summary_pdf = lambda share: b"%PDF-1.7 short " + share.code.encode()
for command in ("migrate", "createcachetable"):
    call_command(command, verbosity=0)
shared(attested(make().account), ask="May I?")
"""
STOPS_HALF_WAY = """
from assessments.operations import restore
def full(*_):
    raise OSError(28, "No space left on device")
restore._restore_file = full
call_command("restore", sys.argv[1])
"""


def on_postgresql() -> bool:
    return connection.vendor == "postgresql"


only_sqlite = pytest.mark.skipif(
    "sqlite" not in django_settings.DATABASES["default"]["ENGINE"], reason="SQLite"
)
only_postgresql = pytest.mark.skipif(
    "postgresql" not in django_settings.DATABASES["default"]["ENGINE"], reason="PostgreSQL"
)


@dataclass
class Place:
    """A place for a portal: a database and a folder for its files."""

    url: str
    media: Path

    def python(self, *arguments: str | Path, **more: Any) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {
            "DATABASE_URL": self.url,
            "MEDIA_ROOT": str(self.media),
            "SECRET_KEY": "only tests sign with this",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DEBUG": "true",
            "EMAIL_URL": "dummy:",
        }
        environment |= more.pop("environment", {})
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            **more,
        )

    def manage(self, *arguments: str | Path, **more: Any) -> subprocess.CompletedProcess[str]:
        return self.python("manage.py", *arguments, **more)

    def done(self, *arguments: str | Path, **more: Any) -> str:
        ended = self.manage(*arguments, **more)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def script(self, body: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        head = (
            "import json, sys, django; django.setup()\n"
            "from django.core.management import call_command\nfrom django.db import connection\n"
        )
        return self.python("-c", head + body, *arguments)

    def holds(self) -> tuple[dict[str, list[str]], dict[str, str]]:
        """Every row of every table, and the hash of every stored file."""
        here = ConnectionHandler({"default": dj_database_url.parse(self.url)})["default"]
        try:
            return rows_of(here), hashes(self.media)
        finally:
            here.close()


def but_for_runs(
    held: tuple[dict[str, list[str]], dict[str, str]],
) -> tuple[dict[str, list[str]], dict[str, str]]:
    """What a place holds, without the notes of when commands ran: a backup notes its own end after it has ended."""
    rows, files = held
    return {table: there for table, there in rows.items() if table != "assessments_commandrun"}, files


def rows_of(database: BaseDatabaseWrapper) -> dict[str, list[str]]:
    rows = {}
    with database.cursor() as cursor:
        for table in sorted(database.introspection.table_names(cursor)):
            cursor.execute(f"SELECT * FROM {database.ops.quote_name(table)}")  # noqa: S608 - a table's own name
            rows[table] = sorted(map(repr, cursor.fetchall()))
    return rows


def hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


NOTHING: tuple[dict[str, list[str]], dict[str, str]] = ({}, {})


@pytest.fixture(scope="module")
def new_place(tmp_path_factory):
    """A function that returns a new empty place each time, on the kind of database of this test run."""
    numbers = itertools.count()
    with ExitStack() as made:

        def new() -> Place:
            home = tmp_path_factory.mktemp("place")
            url = address(home / "db.sqlite3")
            if on_postgresql():
                url = made.enter_context(database(f"place_{os.getpid()}_{next(numbers)}"))
            return Place(url, home / "media")

        yield new


@pytest.fixture(scope="module")
def full(new_place) -> Place:
    """A portal in use."""
    place: Place = new_place()
    assert (ended := place.script(IN_USE)).returncode == 0, ended.stderr
    for name, content in STORED.items():
        (place.media / name).parent.mkdir(parents=True, exist_ok=True)
        (place.media / name).write_bytes(content)
    return place


@pytest.fixture(scope="module")
def taken(full: Place, tmp_path_factory) -> Path:
    """A backup of the portal in use. Only copies of it are changed."""
    folder: Path = tmp_path_factory.mktemp("backups") / "first"
    full.done("backup", folder)
    return folder


# --- There and back -------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.postgres
def test_what_was_backed_up_is_there_again_row_by_row_and_byte_by_byte(full, taken, new_place):
    place, before = new_place(), full.holds()

    printed = place.done("restore", taken)

    rows, files = place.holds()
    assert but_for_runs((rows, files)) == but_for_runs(before)
    assert len(rows["assessments_user"]) == 7
    assert {
        name: hashlib.sha256(content).hexdigest() for name, content in STORED.items()
    }.items() < files.items()
    # The PDFs of an attestation and a share are among the files.
    assert sorted(name.partition("/")[0] for name in files) == [*STORED_IN, "shares", "shares"]
    count = sum(map(len, rows.values()))
    assert f"{count} rows of {len(rows)} tables, {len(files)} files." in printed


@pytest.mark.slow
@pytest.mark.postgres
def test_it_comes_back_into_tables_without_rows_but_on_sqlite_not_while_a_portal_has_them_open(
    full, taken, new_place
):
    place = new_place()
    place.done("migrate", "--verbosity=0")
    if not on_postgresql():
        with closing(sqlite3.connect(place.media.parent / "db.sqlite3")) as portal:
            portal.execute("SELECT COUNT(*) FROM django_migrations").fetchone()
            ended = place.manage("restore", taken)
        assert ended.returncode == 1
        assert ended.stderr.startswith("CommandError: Nothing was restored: ")
        assert "is in use" in ended.stderr
        rows, files = place.holds()
        assert (rows["assessments_user"], files) == ([], {})
    place.done("restore", taken)
    assert but_for_runs(place.holds()) == but_for_runs(full.holds())


def test_the_manifest_says_what_the_folder_holds(full, taken):
    document = json.loads((taken / "manifest.json").read_text())
    contents = document["backup"]
    rows, files = full.holds()
    assert document["format"] == 1
    assert (contents["vendor"], contents["portal"], contents["missing"]) == (connection.vendor, "0.2.0", [])
    assert contents["rows"] == {table: len(there) for table, there in rows.items()}
    assert ["assessments", "0004_working_together"] in contents["migrations"]
    assert {file["name"]: file["sha256"] for file in contents["files"]} == files
    assert hashes(taken / "files") == files
    (database,) = {path.name for path in taken.iterdir()} - {"manifest.json", "files"}
    assert contents["database"]["name"] == database
    assert contents["database"]["size"] == (taken / database).stat().st_size


def test_a_backup_is_for_its_owner_alone(taken):
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in [taken, *taken.rglob("*")]}
    assert len(modes) == 17
    assert modes == {path: 0o700 if path.is_dir() else 0o600 for path in modes}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_backup_of_an_earlier_version_is_brought_up_to_this_one(new_place, tmp_path):
    earlier, place = new_place(), new_place()
    earlier.done("migrate", "assessments", "0003", "--verbosity=0")
    earlier.done("backup", tmp_path / "backup")

    printed = place.done("restore", tmp_path / "backup")

    _, _, applied = printed.partition("Updated to this version:")
    assert "assessments.0004_working_together" in applied
    assert "assessments.0003" not in applied
    assert "No migrations to apply" in place.done("migrate")


# --- What is refused, and changes nothing ---------------------------------------


def changed_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def database_of(folder: Path) -> Path:
    (path,) = folder.glob("database.*")
    return path


def rewritten(**changes: Any) -> Callable[[Path], None]:
    """Write a valid manifest with other contents, as another portal would."""

    def rewrite(folder: Path) -> None:
        document = json.loads((folder / "manifest.json").read_text())
        contents = document["backup"]
        for name, change in changes.items():
            contents[name] = change(contents[name])
        document["sha256"] = backup._hash_of(contents)
        (folder / "manifest.json").write_text(json.dumps(document))

    return rewrite


def of_another_form(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 2}))


def other_count(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(path.read_text().replace('"assessments_user": 7', '"assessments_user": 8'))


def of_another_database(folder: Path) -> None:
    other = "sqlite" if on_postgresql() else "postgresql"
    rewritten(vendor=lambda _: other)(folder)


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "no manifest": (lambda folder: (folder / "manifest.json").unlink(), "has no manifest.json"),
    "half a manifest": (lambda folder: os.truncate(folder / "manifest.json", 900), "cannot be read"),
    "another count": (other_count, "manifest.json was changed"),
    "another form": (of_another_form, "reads format 1"),
    "a changed byte in the database": (
        lambda folder: changed_byte(database_of(folder)),
        "was changed",
    ),
    "a changed byte in a file": (
        lambda folder: changed_byte(folder / "files/attested/1/record.pdf"),
        "attested/1/record.pdf was changed",
    ),
    "a missing file": (lambda folder: (folder / "files/empty").unlink(), "empty is missing"),
    "a missing database": (lambda folder: database_of(folder).unlink(), "is missing"),
    "a later version": (
        rewritten(migrations=lambda old: [*old, ["assessments", "9999_to_come"]]),
        "assessments.9999_to_come",
    ),
    "another database": (of_another_database, "Set DATABASE_URL to an empty database in "),
    "a way out": (
        rewritten(files=lambda old: [*old, old[0] | {"name": "../outside"}]),
        "leads outside its folder",
    ),
}


@pytest.fixture
def nothing_written(tmp_path, settings, monkeypatch) -> None:
    """What is refused is noticed before anything is touched, so this process can call the command itself."""
    settings.MEDIA_ROOT = tmp_path / "media"
    monkeypatch.setattr(database_copy, "put_back", lambda *_: pytest.fail("it was restored"))
    monkeypatch.setattr(default_storage, "save", lambda *_: pytest.fail("a file was restored"))


@pytest.mark.usefixtures("nothing_written")
@pytest.mark.parametrize("what", DAMAGE)
def test_a_backup_that_is_not_whole_or_does_not_fit_is_refused(what, taken, tmp_path):
    damage, reason = DAMAGE[what]
    folder = shutil.copytree(taken, tmp_path / "backup")
    damage(folder)
    with pytest.raises(CommandError, match=re.escape(reason)):
        call_command("restore", str(folder))
    assert not (tmp_path / "media").exists()


def test_a_backup_from_when_the_portal_had_the_admin_site_fits(taken, tmp_path):
    folder = shutil.copytree(taken, tmp_path / "backup")
    rewritten(migrations=lambda old: [*old, ["admin", "0001_initial"]])(folder)
    restore._check_fits(read_manifest(folder))


def test_where_a_backup_is_refused_nothing_has_changed(taken, new_place, tmp_path):
    folder = shutil.copytree(taken, tmp_path / "backup")
    changed_byte(folder / "files/attested/1/record.pdf")
    place = new_place()
    ended = place.manage("restore", folder)
    assert ended.returncode == 1
    assert ended.stderr.startswith("CommandError: The backup in ")
    assert place.holds() == NOTHING


@pytest.mark.usefixtures("nothing_written")
def test_a_database_with_people_in_it_is_left_as_it_is(taken):
    person("member")
    before = rows_of(connection)
    with pytest.raises(CommandError, match="has people or their answers"):
        call_command("restore", str(taken))
    assert rows_of(connection) == before


@pytest.mark.usefixtures("nothing_written")
def test_a_storage_with_files_in_it_is_left_as_it_is(taken, settings):
    settings.MEDIA_ROOT.mkdir()
    (settings.MEDIA_ROOT / "theirs").write_text("kept")
    before = rows_of(connection)
    with pytest.raises(CommandError, match="file storage is not empty"):
        call_command("restore", str(taken))
    assert (rows_of(connection), [*hashes(settings.MEDIA_ROOT)]) == (before, ["theirs"])


@pytest.mark.postgres
@pytest.mark.usefixtures("nothing_written")
def test_a_database_of_something_else_is_left_as_it_is(taken):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE payroll (id INTEGER)")
    before = rows_of(connection)
    with pytest.raises(CommandError, match=re.escape("tables of another program (payroll)")):
        call_command("restore", str(taken))
    assert rows_of(connection) == before


def test_a_folder_that_is_not_empty_is_refused_and_left_as_it_is(taken):
    before = hashes(taken)
    with pytest.raises(CommandError, match="is not empty"):
        call_command("backup", str(taken))
    assert hashes(taken) == before


def test_a_folder_among_the_stored_files_is_refused(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    with pytest.raises(CommandError, match="inside the portal's own file storage"):
        call_command("backup", str(tmp_path / "backup"))
    assert not (tmp_path / "backup").exists()


# --- Failures on the way --------------------------------------------------------


@contextmanager
def room_for_files_of(size: int) -> Iterator[None]:
    """Let no file grow beyond so many bytes: to whoever writes it, the disk is full."""
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limit[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("room", "there"),
    [(20_000, True), (3_000_000, False)],
    ids=["at the database, in a folder that was there", "at a file, in a new folder"],
)
def test_a_full_disk_leaves_no_manifest_and_nothing_else(settings, tmp_path, room, there):
    settings.MEDIA_ROOT, folder = tmp_path / "media", tmp_path / "backup"
    # It needs more room than the database.
    default_storage.save("large", ContentFile(bytes(4_000_000)))
    if there:
        folder.mkdir()

    with room_for_files_of(room), pytest.raises(CommandError) as refused:
        call_command("backup", str(folder))

    assert "The backup failed" in str(refused.value)
    assert "free space if the disk is full" in str(refused.value)
    assert folder.exists() == there
    assert not there or not list(folder.iterdir())


@pytest.mark.postgres
def test_a_restore_that_stops_half_way_says_how_to_begin_again(taken, new_place):
    place = new_place()
    ended = place.script(STOPS_HALF_WAY, taken)
    assert ended.returncode == 1
    assert "stopped halfway: [Errno 28] No space left on device" in ended.stderr
    assert "To start again" in ended.stderr
    assert ("drop the database" if on_postgresql() else "delete the file") in ended.stderr


@pytest.mark.django_db(transaction=True)
def test_a_file_that_is_named_but_not_stored_is_told(tmp_path, settings, monkeypatch):
    settings.MEDIA_ROOT = tmp_path / "media"
    member = person("member")
    for name, ends_on in (("kept.pdf", "2026-02-01"), ("lost.pdf", None)):
        office_of(member, name, ends_on=ends_on)
    default_storage.save("kept.pdf", ContentFile(b"kept"))
    monkeypatch.setattr(backup, "file_columns", lambda: {("assessments_office", "name")})
    errors = io.StringIO()

    call_command("backup", str(tmp_path / "backup"), stdout=io.StringIO(), stderr=errors)

    assert errors.getvalue() == "Warning: a file that the database names is missing: lost.pdf\n"
    assert backup.read_manifest(tmp_path / "backup").missing == ("lost.pdf",)


@pytest.mark.django_db(transaction=True)
def test_a_pdf_that_is_gone_is_told_unless_its_share_was_withdrawn(tmp_path, settings, monkeypatch):
    settings.MEDIA_ROOT = tmp_path / "media"
    for name in ("_full_pdf", "_summary_pdf"):
        monkeypatch.setattr(printing, name, lambda record: b"%PDF-1.7 " + record.code.encode())
    cast = make()
    attestation = attested(account_of(cast.office))
    withdrawn = shared(attestation)
    withdraw(share=withdrawn, by=cast.member)
    lost = StoredPdf.objects.create(attestation=attestation, name="lost.pdf", sha256="0" * 64, size=1)
    StoredPdf.objects.create(share=withdrawn, name="deleted.pdf", sha256="1" * 64, size=1)

    call_command("backup", str(tmp_path / "backup"), stdout=io.StringIO(), stderr=io.StringIO())

    assert backup.read_manifest(tmp_path / "backup").missing == (lost.name,)


@pytest.mark.django_db(transaction=True)
def test_a_storage_that_fails_leaves_nothing(tmp_path, settings, monkeypatch):
    settings.MEDIA_ROOT = tmp_path / "media"
    default_storage.save("record.pdf", ContentFile(b"kept"))

    def unreadable(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(default_storage, "open", unreadable)
    with pytest.raises(CommandError, match="Input/output error"):
        call_command("backup", str(tmp_path / "backup"))
    assert not (tmp_path / "backup").exists()


# --- Each database ---------------------------------------------------------------


@only_sqlite
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_backups_under_a_live_writer_are_whole_and_copies_of_the_file_are_not():
    bench = [sys.executable, "-m", "tests.bench.backups", "2"]
    printed = subprocess.run(bench, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "manage.py backup: 2 of 2 whole" in printed
    # The control: the same check fails for a file that is no backup.
    assert "file alone:" in printed
    assert "file alone: 2 of 2 whole" not in printed


@only_sqlite
def test_what_was_written_last_and_is_not_in_the_database_file_yet_is_backed_up(taken, new_place, tmp_path):
    place = new_place()
    shutil.copy(database_of(taken), place.media.parent / "db.sqlite3")
    with closing(sqlite3.connect(place.media.parent / "db.sqlite3")) as portal:
        portal.execute("PRAGMA journal_mode = WAL")
        portal.execute("PRAGMA wal_autocheckpoint = 0")
        portal.execute("INSERT INTO auth_group (name) VALUES ('written last')")
        portal.commit()
        place.done("backup", tmp_path / "backup")
        assert b"written last" not in (place.media.parent / "db.sqlite3").read_bytes()
    assert b"written last" in database_of(tmp_path / "backup").read_bytes()


@only_postgresql
@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_without_a_new_enough_pg_dump_the_backup_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(database_copy, "_wheel_programs", list)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        CommandError, match=r"The PATH has no pg_dump .* Install PostgreSQL's client programs"
    ):
        call_command("backup", str(tmp_path / "backup"))
    assert not (tmp_path / "backup").exists()


@only_postgresql
@pytest.mark.postgres
def test_the_password_is_passed_where_no_other_user_can_read_it(full, tmp_path):
    program = tmp_path / "pg_dump"
    program.write_text(
        f'#!/bin/sh\ncase "$1" in --version) echo "pg_dump (PostgreSQL) 99.0";;'
        f' *) echo "$@" >{tmp_path}/arguments; echo "$PGPASSWORD" >{tmp_path}/password;; esac\n'
    )
    program.chmod(0o700)
    place = Place(full.url.replace("postgres@", "postgres:between%20us@"), full.media)

    place.done("backup", tmp_path / "backup", environment={"PATH": f"{tmp_path}:{os.environ['PATH']}"})

    assert (tmp_path / "password").read_text() == "between us\n"
    arguments = (tmp_path / "arguments").read_text()
    assert "dbname=place_" in arguments
    assert "between" not in arguments
