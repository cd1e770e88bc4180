"""`manage.py export_shared --format zip|pdf|csv|findings|jsonl --output FILE`: what members shared, in one file."""

from __future__ import annotations

import contextlib
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError
from django.http import QueryDict
from rich.progress import Progress

from assessments.forms.desk import DeskFilter
from assessments.management.progress import bar
from assessments.management.stopping import stoppable
from assessments.models import DeskEntry, Export
from assessments.pdf.press import PressError
from assessments.services import desk_export as exporting
from assessments.services.desk_export import CannotExport
from assessments.services.printing import CannotStore

FILTERS = (*DeskFilter.base_filters, "waiting")
"""The desk's filters. `waiting` is an earlier name of `state`."""
HINTS = {
    "since": "shared on this day or later, such as 2026-11-30",
    "until": "shared on this day or earlier, such as 2026-11-30",
    "edition": "shares of this edition of the bulletin",
    "state": "shares in this state, such as unread or to_answer",
    "assigned": "shares assigned to this officer, by number in the database; `nobody` for those not assigned",
    "office": "shares of this office, by number in the database",
    "account": "shares whose account has these words",
    "overall": "shares with this result",
    "contact": "shares with this time to contact the Commissioner; `none` for no contact",
    "paragraph": "shares with something to do or raise under this paragraph",
    "advice": "asked, answered, or none",
    "waiting": "an earlier name of --state",
}
"""What each filter keeps. A value that is not valid is answered with the values that are."""


class Command(BaseCommand):
    """Writes shares into one file, which appears only once it is complete."""

    help = (
        "Write what members shared into one file: a ZIP file of PDFs with an index, one PDF of summaries, CSV or "
        "JSON Lines. CSV has one line for each share (csv) or for each point (findings)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", required=True, choices=Export.Form.values, help="the format to write")
        parser.add_argument("--output", required=True, metavar="FILE", type=Path, help="the file to write")
        parser.add_argument(
            "--kind",
            choices=["summary", "full", "both"],
            default="both",
            help="which PDFs to put in the ZIP file",
        )
        parser.add_argument(
            "--without-unprinted",
            action="store_true",
            help="leave out PDFs that cannot be made, and list them in contents.txt",
        )
        for name in FILTERS:
            parser.add_argument(f"--{name}", default="", help=HINTS[name])

    def handle(self, *args: Any, **options: Any) -> None:
        form, target = options["format"], options["output"]
        query = QueryDict(mutable=True)
        query.update({name: options[name] for name in FILTERS})
        filters = DeskFilter(query, DeskEntry.objects.all())
        rows = filters.matching
        for name, errors in filters.form.errors.items():
            choices = getattr(filters.form.fields[name], "choices", ())
            allowed = "".join(f"\n  {value}: {title}" for value, title in choices if str(value))
            raise CommandError(f"--{name}: {errors[0]}{' The options are:' if allowed else ''}{allowed}")
        if target.is_dir():
            raise CommandError(f"--output: {target} is a folder. Name a file.")
        try:
            # The file is opened first: if it cannot be written, nothing is printed and no export is recorded.
            with (
                stoppable("Stopped. Nothing was written."),
                _in_place_once_complete(target) as file,
                bar() as progress,
            ):
                keys = exporting.list_keys(rows)
                kinds = exporting.kinds_of(form, options["kind"])
                unprinted = self._print(exporting.list_missing(keys, kinds), progress)
                if unprinted and not options["without_unprinted"]:
                    reasons = "\n".join(f"share {key}: {reason}" for key, reason in unprinted.items())
                    raise CommandError(
                        f"Some PDFs cannot be made, and nothing was written:\n{reasons}\n"
                        "Try again, or leave these PDFs out with --without-unprinted."
                    )
                collection = exporting.collect(keys=keys, form=form, kind=options["kind"], without=unprinted)
                exporting.append_export(keys=collection.keys, form=form, by=None)
                task = progress.add_task("Bytes", total=collection.size)
                for chunk in collection.chunks:
                    file.write(chunk)
                    progress.advance(task, len(chunk))
        except (CannotExport, CannotStore, PressError) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"--output: {target}: {error.strerror}. Nothing was written.") from error
        count = len(collection.keys)
        self.stdout.write(f"{target}: {count:,} share{'s'[: count != 1]}, {collection.size:,} bytes.")

    def _print(self, wanted: list[Any], progress: Progress) -> dict[int, str]:
        if not wanted:
            return {}
        task = progress.add_task("PDFs", total=len(wanted))
        return exporting.make_missing(wanted, advance=lambda: progress.advance(task))


@contextlib.contextmanager
def _in_place_once_complete(target: Path) -> Iterator[IO[bytes]]:
    """A file with a temporary name in the same folder, renamed to `target` once it is complete."""
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
        try:
            yield file
            file.close()
            Path(file.name).replace(target)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
