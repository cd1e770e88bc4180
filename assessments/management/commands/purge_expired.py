"""`manage.py purge_expired`: delete records whose retention period has ended."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from assessments.management.scheduled import ScheduledCommand
from assessments.models import AnonymousCheck
from assessments.services.drafts import delete_ended_checks
from assessments.services.retention import Purged, count_expired, purge_expired

LINES = {
    "deleted": "Drafts that someone deleted 30 or more days ago",
    "unchanged": "Expired drafts",
    "attested": "Expired attested self-checks",
    "withdrawn": "Shares withdrawn under a legal hold that was lifted",
    "addresses": "Network addresses in the audit trail that are 90 days old",
    "files": "Files of withdrawn or deleted records",
}


class Command(ScheduledCommand):
    """Deletes each record whose retention period has ended, and everything that belongs to it. Run it every hour."""

    help = (
        "Permanently delete anonymous self-checks and sessions that have ended, self-checks whose retention period "
        "has ended, and old network addresses. Keep all records of an office under a legal hold. Run it every hour."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only count what would be deleted")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["dry_run"]:
            ended = AnonymousCheck.objects.filter(ends_at__lte=timezone.now()).count()
            self.stdout.write(f"Anonymous self-checks that have ended: {ended}.")
            counted = count_expired()
            self._report(counted, "to delete")
            self.stdout.write("Nothing was deleted.")
            if counted.no_storage:
                raise CommandError("Cannot read the file storage, so its files are not counted.")
            return
        self.stdout.write(f"Anonymous self-checks deleted: {delete_ended_checks()}.")
        purged = purge_expired()
        self._report(purged, "deleted")
        if failed := [
            f"{kind} {', '.join(map(str, dict.fromkeys(keys)))}"
            for kind, keys in (("self-checks", purged.failed), ("offices", purged.failed_offices))
            if keys
        ]:
            raise CommandError(
                f"Not deleted: {'; '.join(failed)}. The log gives the reasons. The next run tries again."
            )
        if purged.no_storage:
            raise CommandError(
                "Cannot read the file storage. The next run deletes the files of deleted records."
            )

    def _report(self, counted: Purged, outcome: str) -> None:
        for name, words in LINES.items():
            self.stdout.write(f"{words}: {getattr(counted, name)} {outcome}.")
        if counted.held:
            self.stdout.write(f"Offices under a legal hold, whose records are kept: {counted.held}.")
