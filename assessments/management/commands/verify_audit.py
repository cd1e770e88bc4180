"""`manage.py verify_audit`: prove that the audit trail is unchanged."""

from __future__ import annotations

import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

from django.core.management.base import CommandError
from pydantic import StringConstraints, TypeAdapter, ValidationError
from rich.console import Console
from rich.progress import Progress

from assessments.management.scheduled import ScheduledCommand
from assessments.services.audit_proof import (
    PORTAL,
    Mark,
    Walked,
    chains,
    compare_records,
    count_events,
    walk,
)

Name = Annotated[str, StringConstraints(pattern=rf"^({PORTAL}|[1-9][0-9]{{0,17}})$")]
ANCHOR = TypeAdapter(dict[Name, Mark])
UNREADABLE = 2


class Command(ScheduledCommand):
    """Walks every chain, and reports for each that it is intact, or its first fault."""

    help = (
        "Verify that no one changed, removed, inserted or cut off events in the audit trail. Compare attested and "
        "shared self-checks and their PDFs with the hashes in the trail. An anchor stored elsewhere also reveals a "
        "rebuilt chain. Exits with 1 on a fault."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--anchor", metavar="FILE", help="check that the events in this anchor file still exist"
        )
        parser.add_argument(
            "--write-anchor", metavar="FILE", help="if every chain is intact, save where each one ends"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        anchor = _read(options["anchor"]) if options["anchor"] else {}
        with _progress() as advance:
            walked = [
                self._reported(walk(chain, anchor=anchor.get(chain), advance=advance))
                for chain in chains(anchor)
            ]
        faults = sum(bool(chain.fault) for chain in walked)
        record_faults = self._report_records() if walked else 0
        if faults:
            subject = "One chain is" if faults == 1 else f"{faults} chains are"
            raise CommandError(f"{subject} not intact. A person or a disk fault changed the audit trail.")
        if record_faults:
            subject = (
                "One record or file does" if record_faults == 1 else f"{record_faults} records or files do"
            )
            raise CommandError(
                f"{subject} not match the audit trail, and the report names each of them. "
                "A person or a disk fault changed what was stored."
            )
        if not walked:
            self.stdout.write("The audit trail is empty.")
        if options["write_anchor"]:
            _write(options["write_anchor"], {chain.chain: chain.mark for chain in walked})

    def _report_records(self) -> int:
        """Report how records and files compare with their events; return how many do not match."""
        try:
            compared = compare_records()
        except OSError as error:
            raise CommandError(
                f"Cannot read the file storage ({type(error).__name__}), so not all files were compared. "
                "Check the storage, then run the command again.",
                returncode=UNREADABLE,
            ) from None
        for fault in compared.faults:
            self.stdout.write(fault)
        older = (
            f" Compared with their own hash only, because their events are older: {compared.older:,}."
            if compared.older
            else ""
        )
        missing = (
            f" Missing files, which the portal renders again on request: {compared.missing:,}."
            if compared.missing
            else ""
        )
        outcome = "" if compared.faults else " All match."
        self.stdout.write(
            f"Compared records: {compared.records:,}, stored files: {compared.files:,}.{outcome}{older}{missing}"
        )
        return len(compared.faults)

    def _reported(self, walked: Walked) -> Walked:
        name = "The portal" if walked.chain == PORTAL else f"Office {walked.chain}"
        count = f"{walked.mark.count:,} event{'' if walked.mark.count == 1 else 's'}"
        self.stdout.write(f"{name}: {walked.fault or f'{count}, intact.'}")
        return walked


@contextmanager
def _progress() -> Iterator[Callable[[int], object]]:
    """A bar on a terminal, and nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Events", total=count_events())
        yield lambda count: bar.advance(task, count)


def _read(name: str) -> dict[str, Mark]:
    try:
        return ANCHOR.validate_json(Path(name).read_bytes())
    except OSError as error:
        raise CommandError(f"--anchor: {name}: {error.strerror}.", returncode=UNREADABLE) from None
    except ValidationError:
        raise CommandError(f"--anchor: {name}: This is not an anchor file.", returncode=UNREADABLE) from None


def _write(name: str, marks: Mapping[str, Mark]) -> None:
    """Write the anchor. The file appears only once it is complete."""
    target = Path(name)
    try:
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
            file.write(ANCHOR.dump_json(dict(marks), indent=2) + b"\n")
        Path(file.name).replace(target)
    except OSError as error:
        raise CommandError(f"--write-anchor: {name}: {error.strerror}.", returncode=UNREADABLE) from None
