"""`manage.py load_editions`: check the editions and the election calendar on file, and publish new editions."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from bulletin.encoding.loader import EncodingFaults
from bulletin.publish import EditionChanged, publish_edition
from bulletin.shelf import calendar, editions, flaws


class Command(BaseCommand):
    """Publish every edition on file that is not published yet."""

    help = "Check the editions and the election calendar on file, and publish what is new."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--check",
            action="store_true",
            help="only check the files and prove that the editions work; publish nothing",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            calendar()
            if options["check"]:
                self.check_editions()
                return
            for edition in editions().values():
                published, is_new = publish_edition(edition=edition)
                status = "published" if is_new else "already published"
                self.stdout.write(f"{published}: {status} (digest {published.digest[:16]})")
        except EncodingFaults as error:
            raise CommandError("The files cannot be used:\n" + "\n".join(error.faults)) from error
        except EditionChanged as error:
            raise CommandError(str(error)) from error

    def check_editions(self) -> None:
        """Prove each edition on file. Raises CommandError with every flaw, and with answers that show it."""
        lines = []
        for edition in editions().values():
            if in_edition := flaws(edition):
                lines += in_edition
            else:
                self.stdout.write(f"{edition.id}, revision {edition.sheet.revision}: no fault")
        if lines:
            raise CommandError("The editions do not work as they are:\n" + "\n".join(lines))
