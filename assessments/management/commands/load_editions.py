"""`manage.py load_editions`: check the editions and the election calendar on file, and publish what is new."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from assessments.services.publishing import publish
from bulletin.encoding.loader import EncodingFaults
from bulletin.encoding.nearest import nearest
from bulletin.publish import EditionChanged
from bulletin.shelf import calendar, editions, flaws, keep


class Command(BaseCommand):
    """Publish every edition on file that is not published yet, or that was published as provisional and changed."""

    help = "Check the editions and the election calendar on file, and publish what is new."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--check",
            action="store_true",
            help="only check the files and prove that the editions work; publish nothing",
        )
        parser.add_argument(
            "--keep",
            metavar="EDITION",
            help="write this edition to its folder earlier/, before you raise its revision; publish nothing",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            calendar()
            if options["check"]:
                self.check_editions()
                return
            if name := options["keep"]:
                self.keep_edition(name)
                return
            for edition in editions().values():
                published, status = publish(edition=edition)
                self.stdout.write(f"{published}: {status} (digest {published.digest[:16]})")
        except EncodingFaults as error:
            raise CommandError("The files have faults:\n" + "\n".join(error.faults)) from error
        except EditionChanged as error:
            raise CommandError(str(error)) from error

    def keep_edition(self, name: str) -> None:
        """Keep the content of an edition on file as an earlier revision. Raises CommandError for an unknown name."""
        edition = editions().get(name)
        if edition is None:
            raise CommandError(f"No edition on file is called `{name}`{nearest(name, editions())}")
        self.stdout.write(f"{edition.id}, revision {edition.sheet.revision}: saved in {keep(edition)}")

    def check_editions(self) -> None:
        """Prove each edition on file. Raises CommandError with every flaw, and with answers that show it."""
        lines = []
        for edition in editions().values():
            if in_edition := flaws(edition):
                lines += in_edition
            else:
                self.stdout.write(f"{edition.id}, revision {edition.sheet.revision}: no faults")
        if lines:
            raise CommandError("The editions have faults:\n" + "\n".join(lines))
