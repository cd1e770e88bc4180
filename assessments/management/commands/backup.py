"""`manage.py backup DIR`: everything that the portal keeps, in one folder."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from assessments.management.scheduled import ScheduledCommand
from assessments.operations.backup import BackupRefused, back_up


class Command(ScheduledCommand):
    """Backs up the database and all stored files. Run it every day; the portal can stay up."""

    help = "Back up the database and all stored files into a folder that is new or empty. Run it every day."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", metavar="DIR", type=Path, help="the folder to write, new or empty")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            manifest = back_up(options["folder"])
        except BackupRefused as refused:
            raise CommandError(str(refused)) from refused
        for name in manifest.missing:
            self.stderr.write(f"Warning: a file that the database names is missing: {name}")
        self.stdout.write(
            f"Backed up into {options['folder']}: {sum(manifest.rows.values())} rows of {len(manifest.rows)} tables,"
            f" {len(manifest.files)} files."
        )
