"""`manage.py export_shared --format zip|pdf|csv|jsonl --output FILE`: what members shared, in one file."""

from __future__ import annotations

import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.http import QueryDict
from rich.progress import Progress

from assessments.forms.desk import DeskFilter
from assessments.management.progress import bar
from assessments.models import DeskEntry, Export
from assessments.reports.press import PressError
from assessments.services import exporting_shared as exporting
from assessments.services.exporting_shared import CannotExport, Collection
from assessments.services.printing import CannotStore

FILTERS = (
    "waiting",
    "office",
    "account",
    "overall",
    "contact",
    "paragraph",
    "advice",
    "since",
    "until",
    "edition",
)


class Command(BaseCommand):
    """Writes a collection of what was shared into a file, which is there only once it is whole."""

    help = "Write what members shared into one file: PDFs with an index, one PDF of summaries, CSV or JSON Lines."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", required=True, choices=Export.Form.values, help="what to write")
        parser.add_argument("--output", required=True, metavar="FILE", type=Path, help="where to")
        parser.add_argument(
            "--kind", choices=["summary", "full", "both"], default="both", help="which PDFs go into a ZIP"
        )
        for name in FILTERS:
            parser.add_argument(f"--{name}", default="", help="as on the desk")

    def handle(self, *args: Any, **options: Any) -> None:
        form, target = options["format"], options["output"]
        data = QueryDict(mutable=True)
        data.update({name: options[name] for name in FILTERS})
        filters = DeskFilter(data, DeskEntry.objects.all())
        rows = filters.kept
        for name, errors in filters.form.errors.items():
            raise CommandError(f"--{name}: {errors[0]}")
        try:
            keys = exporting.chosen(rows)
            wanted = exporting.missing(keys, exporting.kinds_of(form, options["kind"]))
            with bar() as progress:
                self._make(wanted, progress)
                collection = exporting.collect(keys=keys, form=form, kind=options["kind"])
                exporting.note_export(keys=keys, form=form, by=None)
                self._write(collection, target, progress)
        except (CannotExport, CannotStore, PressError) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"--output: {target}: {error.strerror}. Nothing was written.") from error
        self.stdout.write(f"{target}: {len(keys):,} shares, {collection.size:,} bytes.")

    def _make(self, wanted: list[Any], progress: Progress) -> None:
        if wanted:
            task = progress.add_task("PDFs", total=len(wanted))
            exporting.make_missing(wanted, advance=lambda: progress.advance(task))

    def _write(self, collection: Collection, target: Path, progress: Progress) -> None:
        """Write it beside its place under another name, and move it there once it is whole."""
        task = progress.add_task("Bytes", total=collection.size)
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as made:
            try:
                for chunk in collection.chunks:
                    made.write(chunk)
                    progress.advance(task, len(chunk))
                made.close()
                Path(made.name).replace(target)
            except BaseException:
                Path(made.name).unlink(missing_ok=True)
                raise
