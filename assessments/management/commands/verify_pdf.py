"""`manage.py verify_pdf FILE`: report whether the portal made a PDF."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from assessments.pdf.judging import MAX_PDF, NOT_OURS, TooBusy
from assessments.services.verifying import judge_file

NO_RECORD = (
    "This PDF has no record, so it cannot be verified. "
    "Only the PDF of an attested or shared self-check has one. "
    "A PDF downloaded from a draft or made by `manage.py advise` has none. "
    "If this PDF should have a record, it has been changed. Ask for the file as it was downloaded."
)
NO_TABLES = (
    "The portal's database cannot be read. "
    "Check DATABASE_URL, and that `manage.py migrate` has created the tables."
)


class Command(BaseCommand):
    """Compares a file with what the portal stored, and reports even a single changed byte."""

    help = (
        "Check whether a PDF is exactly what the portal made, and still current. "
        "Exits with 1 if it is not authentic."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the PDF to verify")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            with path.open("rb") as file:
                # One byte more than the limit shows whether the file is too long.
                verdict = judge_file(file.read(MAX_PDF + 1))
        except FileNotFoundError:
            raise CommandError(f"{path}: There is no such file. Check the name.") from None
        except IsADirectoryError:
            raise CommandError(f"{path}: This is a folder. Name a PDF file in it.") from None
        except OSError as error:
            raise CommandError(f"{path}: The file cannot be read ({error.strerror or error}).") from None
        except DatabaseError:
            # Not the database's own message, which speaks to programmers.
            raise CommandError(NO_TABLES) from None
        except TooBusy as error:
            raise CommandError(str(error)) from None
        if NOT_OURS["no_record"] in verdict.explanation:
            raise CommandError(f"{path}: {NO_RECORD}")
        report = f"{path}: {' '.join(verdict.explanation)}"
        if not verdict.authentic:
            raise CommandError(report)
        self.stdout.write(report)
