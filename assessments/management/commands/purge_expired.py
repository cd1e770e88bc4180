"""`manage.py purge_expired`: delete what has been kept for its full period."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from assessments.models import AnonymousCheck
from assessments.services.drafts import delete_ended_checks
from assessments.services.retention import Purged, count_expired, purge_expired

LINES = {
    "deleted": "Drafts that someone deleted at least 30 days ago",
    "unchanged": "Drafts that nobody changed for as long as their office keeps them",
    "attested": "Attested assessments as old as their office keeps them",
    "withdrawn": "What was withdrawn under a legal hold that is lifted",
    "addresses": "Network addresses in the audit trail, 90 days old",
    "files": "Files of what was withdrawn or is gone",
}


class Command(BaseCommand):
    """Deletes what has been kept for its full period, with all that belongs to it. Run it every hour."""

    help = (
        "Delete anonymous self-checks and sessions that have ended, drafts and attested assessments that their "
        "office need not keep any longer, and old network addresses. An office under a legal hold loses nothing. "
        "Run it every hour."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would be deleted, and delete nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["dry_run"]:
            ended = AnonymousCheck.objects.filter(ends_at__lte=timezone.now()).count()
            self.stdout.write(f"Anonymous self-checks that have ended: {ended}.")
            counted = count_expired()
            self._report(counted, "to be deleted")
            self.stdout.write("Nothing was deleted.")
            if counted.no_storage:
                raise CommandError("The file storage could not be looked at: its files are not counted.")
            return
        self.stdout.write(f"Anonymous self-checks deleted: {delete_ended_checks()}.")
        purged = purge_expired()
        self._report(purged, "deleted")
        if failed := [
            f"{kind} {', '.join(map(str, dict.fromkeys(keys)))}"
            for kind, keys in (("assessments", purged.failed), ("offices", purged.failed_offices))
            if keys
        ]:
            raise CommandError(
                f"Not purged, and tried again next time: {'; '.join(failed)}. The log says why."
            )
        if purged.no_storage:
            raise CommandError(
                "The file storage could not be looked at: files of what is gone are deleted next time."
            )

    def _report(self, counted: Purged, outcome: str) -> None:
        for name, words in LINES.items():
            self.stdout.write(f"{words}, {outcome}: {getattr(counted, name)}.")
        if counted.held:
            self.stdout.write(f"Offices under a legal hold, of which nothing is deleted: {counted.held}.")
