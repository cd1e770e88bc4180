"""Restoring a backup into an empty database and storage, either completely or with a clear error."""

from __future__ import annotations

import hashlib
import io
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from assessments.models import CommandRun
from assessments.operations import database_copy
from assessments.operations.backup import (
    CHUNK,
    FOLDER,
    BackupRefused,
    Manifest,
    StoredFile,
    count_rows,
    read_manifest,
    stored_names,
)
from assessments.operations.database_copy import CopyFault

FORMER_APPS = {"admin": "django_admin_log"}
"""Apps that earlier versions had, and the table that each may have left: a backup with their migrations fits."""


class RestoreStopped(Exception):
    """The restore stopped halfway; the message says why, and how to start again."""


@dataclass(frozen=True)
class Restored:
    """The result of a restore."""

    manifest: Manifest
    migrated: tuple[str, ...]
    """The migrations newer than the backup, which were applied after it was restored."""


def restore(folder: Path) -> Restored:
    """Restore a backup into an empty database and an empty storage, and bring it up to this portal's version.

    Raises BackupRefused before anything is changed, and RestoreStopped after that.
    """
    manifest = read_manifest(folder)
    copy = folder / manifest.database.name
    _check_fits(manifest)
    try:
        _check_empty()
        database_copy.check_can_put_back(connection, copy)
    except (OSError, CopyFault, DatabaseError, sqlite3.Error) as error:
        raise BackupRefused(f"Nothing was restored: {error}") from error
    try:
        database_copy.put_back(connection, copy)
        for file in manifest.files:
            _restore_file(folder / FOLDER / file.name, file)
        _check_rows(manifest)
        call_command("migrate", interactive=False, verbosity=0)
        call_command("check", databases=[connection.alias], stdout=io.StringIO())
    except Exception as error:
        raise RestoreStopped(
            f"The restore stopped halfway: {error}\nDo not use the database as it is now. To start again, correct the"
            f" cause, {database_copy.how_to_empty(connection)}, delete the portal's stored files, and run the"
            " restore again. The backup is unchanged."
        ) from error
    applied = MigrationRecorder(connection).applied_migrations()
    newer = sorted(set(applied) - set(manifest.migrations))
    return Restored(manifest, tuple(f"{app}.{name}" for app, name in newer))


def _check_fits(manifest: Manifest) -> None:
    """Raise BackupRefused if the backup is of the other kind of database or of a later version of the portal."""
    if manifest.vendor != connection.vendor:
        raise BackupRefused(
            f"The backup is from {manifest.vendor}, but this database is in {connection.vendor}."
            f" Set DATABASE_URL to an empty database in {manifest.vendor}."
        )
    known = MigrationLoader(None).disk_migrations
    unknown = [
        f"{app}.{name}"
        for app, name in manifest.migrations
        if (app, name) not in known and app not in FORMER_APPS
    ]
    if unknown:
        raise BackupRefused(
            f"The backup is from a later portal ({manifest.portal}), with migrations that this version does not have:"
            f" {', '.join(unknown)}. Install that version, then restore."
        )


def _check_empty() -> None:
    """Raise BackupRefused unless the database is empty or just migrated, and no files are stored."""
    with connection.cursor() as cursor:
        rows = count_rows(cursor)
    known = {*connection.introspection.django_table_names(), MigrationRecorder.Migration._meta.db_table}
    known |= set(FORMER_APPS.values())
    known |= {str(cache["LOCATION"]) for cache in settings.CACHES.values() if "LOCATION" in cache}
    if unknown := sorted(set(rows) - known):
        raise BackupRefused(
            f"The database has tables of another program ({', '.join(unknown)}). Use an empty database."
        )
    # Everything that people enter is in this app's tables; `migrate` and `load_editions` fill those of the others.
    # A timer may have run since.
    models = set(apps.get_app_config("assessments").get_models()) - {CommandRun}
    tables = [model._meta.db_table for model in models]
    if any(rows.get(table) for table in tables):
        raise BackupRefused(
            "The database has people or their answers. A restore would delete them. Set DATABASE_URL to a new"
            " database."
        )
    if next(stored_names(default_storage), None) is not None:
        raise BackupRefused(
            "The portal's file storage is not empty. Set MEDIA_ROOT to a new folder, or S3_BUCKET to a new"
            " bucket."
        )


def _restore_file(source: Path, file: StoredFile) -> None:
    with source.open("rb") as opened:
        stored = default_storage.save(file.name, File(opened))
    with default_storage.open(stored) as back:
        # The file is read back, since what the storage really has is what counts.
        digest = hashlib.sha256()
        for chunk in back.chunks(CHUNK):
            digest.update(chunk)
    if stored != file.name or digest.hexdigest() != file.sha256:
        raise CopyFault(f"{file.name} was stored with other content than the backup has.")


def _check_rows(manifest: Manifest) -> None:
    with connection.cursor() as cursor:
        rows = count_rows(cursor)
    tables = sorted({*manifest.rows, *rows})
    differing = [table for table in tables if manifest.rows.get(table) != rows.get(table)]
    if differing:
        raise CopyFault(f"Rows are missing in {', '.join(differing)}.")
