"""`manage.py purge_expired`: delete what has been kept as long as it may be."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from assessments.models import AnonymousCheck
from assessments.services.drafts import delete_ended_checks


class Command(BaseCommand):
    """Deletes the anonymous checks and the sessions that have ended. Meant to be run every hour."""

    help = "Delete the anonymous self-checks that have ended, with their answers, and sessions. Run it every hour."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say how many there are, and delete none")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["dry_run"]:
            count = AnonymousCheck.objects.filter(ends_at__lte=timezone.now()).count()
            self.stdout.write(f"Anonymous self-checks that have ended: {count}. None was deleted.")
        else:
            self.stdout.write(f"Anonymous self-checks deleted: {delete_ended_checks()}.")
