"""`manage.py restore DIR`: restore a backup into an empty database and an empty file storage."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from assessments.operations.backup import BackupRefused
from assessments.operations.restore import RestoreStopped, restore
from assessments.records.clock import moment_in_table


class Command(BaseCommand):
    """Restores a backup into an empty place. No option makes it overwrite what people have written."""

    help = "Restore a backup into an empty database and empty file storage. Stop the portal first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", metavar="DIR", type=Path, help="the folder that `backup` wrote")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            restored = restore(options["folder"])
        except (BackupRefused, RestoreStopped) as refused:
            raise CommandError(str(refused)) from refused
        manifest = restored.manifest
        for name in manifest.missing:
            self.stderr.write(f"Warning: a file that the database names was not in the backup: {name}")
        self.stdout.write(
            f"Restored the backup of {moment_in_table(manifest.made_at)} (portal {manifest.portal}):"
            f" {sum(manifest.rows.values())} rows of {len(manifest.rows)} tables, {len(manifest.files)} files."
        )
        if restored.migrated:
            self.stdout.write(f"Updated to this version: {', '.join(restored.migrated)}.")
