"""Backing up everything that the portal keeps; `restore.py` restores it.

A backup is a folder: the database, the files of the default storage under `files/`, and `manifest.json`, which is
written last. A folder without a manifest is no backup.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import tomllib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

from django.apps import apps
from django.conf import settings
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.storage import FileSystemStorage, Storage, default_storage
from django.core.files.utils import validate_file_name
from django.db import DatabaseError, connection
from django.db.models import FileField
from django.utils import timezone
from pydantic import BaseModel, ConfigDict

from assessments.operations import database_copy
from assessments.operations.database_copy import CopyFault, copied, private_file, sync

FORMAT = 1
"""The version of the format of a backup. Raise it when an older portal could no longer read a new backup."""
MANIFEST = "manifest.json"
FOLDER = "files"
CHUNK = 1024 * 1024


class BackupRefused(Exception):
    """The backup or the restore cannot be done, and nothing was changed; the message says why, and what to do."""


class StoredFile(BaseModel):
    """A file of the backup: its name within its folder, its size in bytes, and its SHA-256 in hexadecimal."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str
    size: int
    sha256: str


class Manifest(BaseModel):
    """The contents of a backup, and the version of the portal that made it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    portal: str
    """The version of the portal."""
    made_at: datetime
    vendor: str
    """The kind of database: `sqlite` or `postgresql`."""
    migrations: tuple[tuple[str, str], ...]
    """The app and name of each migration that had been applied."""
    rows: dict[str, int]
    """The number of rows of each table."""
    database: StoredFile
    files: tuple[StoredFile, ...]
    missing: tuple[str, ...]
    """Files that the database names but the storage did not have."""


# --- Backing up ---------------------------------------------------------------


def back_up(folder: Path) -> Manifest:
    """Back up the database and all files into a new or empty folder; return its manifest.

    Raises BackupRefused, after removing everything it wrote, so that no incomplete backup fills the disk.
    """
    if connection.vendor not in database_copy.FILES:
        raise BackupRefused(f"A {connection.vendor} database cannot be backed up here. Use its own programs.")
    try:
        is_new = _make_folder(folder)
    except OSError as error:
        raise BackupRefused(
            f"{folder} cannot be created or read ({error.strerror}). Name another folder."
        ) from error
    complete = False
    try:
        manifest = _write(folder)
        complete = True
    except (OSError, CopyFault, DatabaseError, sqlite3.Error) as error:
        raise BackupRefused(
            f"The backup failed: {error}\nThe folder {folder} is empty again."
            " Correct the cause, or free space if the disk is full. Then run the backup again."
        ) from error
    finally:
        # Whatever went wrong, even Ctrl-C: the backup is not complete.
        if not complete:
            _remove(folder, is_new=is_new)
    return manifest


def _make_folder(folder: Path) -> bool:
    """Make the folder, readable by its owner alone; return false where it existed, empty."""
    if isinstance(default_storage, FileSystemStorage) and _is_within(folder, Path(default_storage.location)):
        raise BackupRefused(f"{folder} is inside the portal's own file storage. Name a folder elsewhere.")
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        if not folder.is_dir() or any(folder.iterdir()):
            raise BackupRefused(f"{folder} is not empty. Name a folder that is new or empty.") from None
        folder.chmod(0o700)
        return False
    return True


def _is_within(folder: Path, other: Path) -> bool:
    return folder.resolve().is_relative_to(other.resolve())


def _remove(folder: Path, *, is_new: bool) -> None:
    (folder / MANIFEST).unlink(missing_ok=True)
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    if is_new:
        folder.rmdir()


def _write(folder: Path) -> Manifest:
    copy = folder / database_copy.FILES[connection.vendor]
    # The database is copied first. A file is written before the row that names it and never changes, so each file
    # that the copy names can be copied afterwards.
    with copied(connection, copy) as cursor:
        rows = count_rows(cursor)
        if "django_migrations" not in rows:
            raise CopyFault("This is not a portal's database. Check DATABASE_URL.")
        cursor.execute("SELECT app, name FROM django_migrations ORDER BY app, name")
        migrations = tuple((app, name) for app, name in cursor.fetchall())
        named_files = _named_files(cursor, rows)
    sync(copy)
    files = tuple(_copy_files(default_storage, folder / FOLDER))
    manifest = Manifest(
        portal=portal_version(),
        made_at=timezone.now(),
        vendor=connection.vendor,
        migrations=migrations,
        rows=rows,
        database=_describe(copy, copy.name),
        files=files,
        missing=tuple(sorted(named_files - {file.name for file in files})),
    )
    for path, _, _ in os.walk(folder):
        sync(Path(path))
    _write_manifest(folder, manifest)
    return manifest


def count_rows(cursor: Any) -> dict[str, int]:
    """The number of rows of each table."""
    rows = {}
    for table in sorted(connection.introspection.table_names(cursor)):
        cursor.execute(f"SELECT COUNT(*) FROM {connection.ops.quote_name(table)}")  # noqa: S608 - a table's own name
        (rows[table],) = cursor.fetchone()
    return rows


def file_columns() -> set[tuple[str, str]]:
    """The columns that contain names of stored files, as (table, column)."""
    return {
        (model._meta.db_table, field.column)
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.local_concrete_fields
        if isinstance(field, FileField) and field.storage == default_storage and field.column
    }


def _named_files(cursor: Any, rows: dict[str, int]) -> set[str]:
    quote = connection.ops.quote_name
    names: set[str] = set()
    for table, column in file_columns():
        if table in rows:
            cursor.execute(f"SELECT DISTINCT {quote(column)} FROM {quote(table)}")  # noqa: S608 - as above
            names.update(name for (name,) in cursor.fetchall() if name)
    if {"assessments_storedpdf", "assessments_withdrawal"} <= rows.keys():
        # The files of a withdrawn share were deleted, so they are not missing.
        cursor.execute(
            "SELECT name FROM assessments_storedpdf WHERE share_id IS NULL"
            " OR share_id NOT IN (SELECT share_id FROM assessments_withdrawal)"
        )
        names.update(name for (name,) in cursor.fetchall())
    return names


def stored_names(storage: Storage, folder: str = "") -> Iterator[str]:
    """The names of all files of a storage, in a fixed order."""
    try:
        folders, files = storage.listdir(folder)
    except FileNotFoundError:
        # Nothing has been stored yet.
        return
    within = f"{folder}/" if folder else ""
    # Some storages list a folder as a file without a name.
    yield from (within + name for name in sorted(files) if name)
    for name in sorted(filter(None, folders)):
        yield from stored_names(storage, within + name)


def _copy_files(storage: Storage, folder: Path) -> Iterator[StoredFile]:
    _private_folder(folder)
    for name in list(stored_names(storage)):
        path = folder / _safe(name)
        _private_folder(path.parent)
        try:
            source = storage.open(name)
        except FileNotFoundError:
            # The file was deleted since it was listed. It counts as missing if the database's copy names it.
            continue
        with source, private_file(path) as out:
            for chunk in source.chunks(CHUNK):
                out.write(chunk)
            out.flush()
            os.fsync(out.fileno())
        yield _describe(path, name)


def _private_folder(folder: Path) -> None:
    if not folder.exists():
        _private_folder(folder.parent)
        folder.mkdir(mode=0o700)


def _safe(name: str) -> str:
    """Return the name of a file if it stays within its folder. Raises CopyFault."""
    try:
        return str(validate_file_name(name, allow_relative_path=True))
    except SuspiciousFileOperation as error:
        raise CopyFault(f"A file has a name that leads outside its folder: {name!r}.") from error


def _describe(path: Path, name: str) -> StoredFile:
    with path.open("rb") as file:
        return StoredFile(
            name=name, size=path.stat().st_size, sha256=hashlib.file_digest(file, "sha256").hexdigest()
        )


def portal_version() -> str:
    """The version of the portal, from pyproject.toml."""
    project = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])


# --- The manifest -------------------------------------------------------------


def _hash_of(contents: Any) -> str:
    return hashlib.sha256(json.dumps(contents, sort_keys=True).encode()).hexdigest()


def _write_manifest(folder: Path, manifest: Manifest) -> None:
    contents = manifest.model_dump(mode="json")
    # The manifest has its own hash: otherwise a changed count would be noticed only after the restore.
    document = {"format": FORMAT, "sha256": _hash_of(contents), "backup": contents}
    unfinished = folder / f".{MANIFEST}"
    with private_file(unfinished) as out:
        out.write(json.dumps(document, indent=2).encode() + b"\n")
        out.flush()
        os.fsync(out.fileno())
    unfinished.replace(folder / MANIFEST)
    sync(folder)
    sync(folder.resolve().parent)


def read_manifest(folder: Path) -> Manifest:
    """Read a backup's manifest; raise BackupRefused unless every file is present and as it was written."""
    try:
        document = json.loads((folder / MANIFEST).read_bytes())
        form, contents = document["format"], document["backup"]
        if form != FORMAT:
            raise BackupRefused(
                f"The backup has format {form!r}, but this portal reads format {FORMAT}. Use the portal that made it."
            )
        if document["sha256"] != _hash_of(contents):
            _refuse_damaged(folder, f"{MANIFEST} was changed")
        manifest = Manifest.model_validate(contents)
    except FileNotFoundError:
        raise BackupRefused(
            f"{folder} has no {MANIFEST}, so it is not a finished backup. Use another one."
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackupRefused(f"{folder / MANIFEST} cannot be read ({error}). Use another backup.") from error
    for path, file in _paths(folder, manifest):
        if not path.is_file():
            _refuse_damaged(folder, f"{file.name} is missing")
        if _describe(path, file.name) != file:
            _refuse_damaged(folder, f"{file.name} was changed")
    return manifest


def _paths(folder: Path, manifest: Manifest) -> Iterator[tuple[Path, StoredFile]]:
    try:
        yield folder / _safe(manifest.database.name), manifest.database
        for file in manifest.files:
            yield folder / FOLDER / _safe(file.name), file
    except CopyFault as error:
        _refuse_damaged(folder, str(error))


def _refuse_damaged(folder: Path, fault: str) -> NoReturn:
    raise BackupRefused(f"The backup in {folder} is damaged: {fault}. Use another backup.")
