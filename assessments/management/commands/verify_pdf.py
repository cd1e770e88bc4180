"""`manage.py verify_pdf FILE`: report whether the portal made a PDF."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from assessments.pdf.judging import MAX_PDF, TooBusy
from assessments.services.verifying import judge_file


class Command(BaseCommand):
    """Compares a file with what the portal stored, and reports even a single changed byte."""

    help = "Say whether a PDF is, to the last byte, what the portal made, and where it stands. Exit code 1 if not."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the PDF to look at")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            with path.open("rb") as file:
                # One byte more than the limit shows whether the file is too long.
                verdict = judge_file(file.read(MAX_PDF + 1))
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror or error}.") from None
        except TooBusy as error:
            raise CommandError(str(error)) from None
        report = f"{path}: {' '.join(verdict.explanation)}"
        if not verdict.authentic:
            raise CommandError(report)
        self.stdout.write(report)
