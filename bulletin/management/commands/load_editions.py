"""`manage.py load_editions`: check the editions and the election calendar on file, and publish new editions."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from bulletin.encoding.loader import EncodingFaults
from bulletin.publish import EditionChanged, publish_edition
from bulletin.shelf import calendar, editions


class Command(BaseCommand):
    """Publish every edition on file that is not published yet."""

    help = "Check the editions and the election calendar on file, and publish what is new."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="only check the files; publish nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            calendar()
            for edition in editions().values():
                if options["check"]:
                    self.stdout.write(f"{edition.id}, revision {edition.sheet.revision}: no fault")
                    continue
                published, is_new = publish_edition(edition=edition)
                status = "published" if is_new else "already published"
                self.stdout.write(f"{published}: {status} (digest {published.digest[:16]})")
        except EncodingFaults as error:
            raise CommandError("The files cannot be used:\n" + "\n".join(error.faults)) from error
        except EditionChanged as error:
            raise CommandError(str(error)) from error
