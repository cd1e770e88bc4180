"""`manage.py advise`: turn an answers document into an advisory, without a database."""

from __future__ import annotations

import contextlib
import errno
import gc
import os
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import IO, Any, NoReturn

from django.core.management.base import BaseCommand
from django.utils import timezone

from assessments.rendering.data import advisory_json
from assessments.scoring.advisory import Advisory
from assessments.scoring.answers import AnswerError, read_day, shown
from assessments.scoring.assess import assess
from assessments.scoring.document import (
    MAX_BYTES,
    Document,
    DocumentFaults,
    election_for,
    read_document,
    unknown_election,
    wrong_election,
)
from bulletin.encoding.elections import Calendar, Election
from bulletin.encoding.loader import EncodingFaults
from bulletin.encoding.schema import Edition
from bulletin.shelf import calendar, editions

BAD_INPUT = 2
CANNOT_PRINT = 1


class Command(BaseCommand):
    """Turns answers into an advisory, as JSON, as text or as a PDF."""

    help = (
        "Turn an answers file into an advisory: what to do, and when to contact the Integrity Commissioner."
    )
    requires_system_checks: list[str] = []  # noqa: RUF012  # as Django declares it

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "answers", nargs="?", metavar="ANSWERS.json", help="the answers file; - reads standard input"
        )
        parser.add_argument(
            "--as-of", metavar="YYYY-MM-DD", help="the date to calculate from, if the file has none"
        )
        parser.add_argument("--election", metavar="ID", help="the election, if the file has none")
        parser.add_argument(
            "--campaign-ends",
            metavar="YYYY-MM-DD",
            help="the last day of the campaign period, if it was moved and the file does not give it",
        )
        parser.add_argument(
            "--voting-day",
            metavar="YYYY-MM-DD",
            help="the voting day of a by-election, if the file has none",
        )
        parser.add_argument(
            "--format",
            choices=("json", "text", "pdf"),
            default="json",
            help="the format to write; default: json",
        )
        parser.add_argument("--output", metavar="FILE", help="the file to write; default: standard output")
        parser.add_argument(
            "--jsonl",
            metavar="FILE",
            help="read one answers document on each line, and write one advisory on each line",
        )
        parser.add_argument(
            "--explain",
            action="store_true",
            help="add the fewest answers you could change to settle each point to raise and each thing to do",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if (options["answers"] is None) == (options["jsonl"] is None):
            self.refuse(["name one of the two: ANSWERS.json, or --jsonl FILE"])
        if options["jsonl"] is not None and options["format"] != "json":
            self.refuse([f"--format {options['format']}: --jsonl writes JSON only; leave --format out"])
        if sys.stdout is None and not options["output"]:
            self.refuse(["standard output is closed; name a file with --output"])
        if options["format"] == "pdf" and not options["output"] and sys.stdout.isatty():
            self.refuse(["--format pdf: a terminal cannot show a PDF; name a file with --output"])
        try:
            shelf, elections = editions(), calendar()
        except EncodingFaults as error:
            self.refuse(error.faults, status=CANNOT_PRINT)
        self.explained: bool = options["explain"]
        run = _Run(shelf, elections, **self.defaults(elections, options))
        try:
            if options["jsonl"] is not None:
                self.advise_lines(run, options["jsonl"], options["output"])
            else:
                self.advise_one(run, options["answers"], options["format"], options["output"])
        except OSError as error:
            # Unwritten output has nowhere to go. Point stdout at nothing, or Python complains again when it exits.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            # A broken pipe means that the program that reads our output has read enough; anything else is a fault.
            if not isinstance(error, BrokenPipeError):
                self.refuse([f"reading or writing failed ({error.strerror or error})"])

    def refuse(self, faults: list[str], *, status: int = BAD_INPUT) -> NoReturn:
        """Write the faults to standard error, a line each, and exit."""
        for fault in faults:
            self.stderr.write(fault, style_func=str)
        raise SystemExit(status)

    def defaults(self, elections: Calendar, options: dict[str, Any]) -> dict[str, Any]:
        """The day, and the election with its days, for documents that do not name them."""
        faults = []
        days: dict[str, date | None] = {}
        for key in ("as_of", "campaign_ends", "voting_day"):
            text = options[key]
            try:
                days[key] = None if text is None else read_day(text)
            except AnswerError as error:
                faults.append(f"{_option(key)}: {shown(text)}: {error}")
        election: Election | None = None
        if (name := options["election"]) is not None:
            election = elections.get(name)
            if election is None:
                faults.append(f"--election: {shown(name)}: {unknown_election(name, elections)}")
            elif options["voting_day"] is not None and not election.undated:
                given = shown(options["voting_day"])
                faults.append(f"--voting-day: {given}: {wrong_election(elections)}")
        if faults:
            self.refuse(faults)
        return {**days, "as_of": days["as_of"] or timezone.localdate(), "election": election}

    def advise_one(self, run: _Run, answers: str, form: str, output: str | None) -> None:
        with self.reading(answers) as source:
            raw = source.read(MAX_BYTES + 1)
        try:
            document, advisory = run.advise(raw)
        except DocumentFaults as error:
            self.refuse(error.faults)
        with self.writing(output) as out:
            out.write(self.printed(advisory, document, form, to_terminal=not output))

    def printed(self, advisory: Advisory, document: Document, form: str, *, to_terminal: bool) -> bytes:
        # Imports inside: JSON needs none of them, and they are slow.
        if form == "json":
            return advisory_json(advisory, document.left_behind, explained=self.explained, indent=2) + b"\n"
        from assessments.rendering.projection import of_asked, project  # noqa: PLC0415

        explained = self.explained or form == "pdf"
        projection = project(advisory, of_asked(document, advisory), explained=explained)
        if form == "text":
            from assessments.rendering.text import advisory_text  # noqa: PLC0415

            colour = to_terminal and sys.stdout.isatty() and "NO_COLOR" not in os.environ
            width = min(os.get_terminal_size().columns, 100) if to_terminal and sys.stdout.isatty() else 80
            return advisory_text(projection, width=width, colour=colour).encode()
        from assessments.pdf.press import PressError  # noqa: PLC0415
        from assessments.rendering.documents import advisory_pdf  # noqa: PLC0415

        try:
            return advisory_pdf(projection)
        except PressError as error:
            self.refuse([str(error)], status=CANNOT_PRINT)

    def advise_lines(self, run: _Run, lines: str, output: str | None) -> None:
        bad = False
        # All that is loaded by now stays until the end, so the garbage collector need not scan it each time.
        gc.freeze()
        with self.reading(lines) as source, self.writing(output) as out:
            for number, raw in _lines(source):
                try:
                    document, advisory = run.advise(raw)
                except DocumentFaults as error:
                    bad = True
                    for fault in error.faults:
                        # Each document is on one line, so its own line number is always 1.
                        self.stderr.write(f"line {number}: {fault.removeprefix('line 1 ')}", style_func=str)
                else:
                    out.write(advisory_json(advisory, document.left_behind, explained=self.explained) + b"\n")
        if bad:
            raise SystemExit(BAD_INPUT)

    @contextlib.contextmanager
    def reading(self, name: str) -> Iterator[IO[bytes]]:
        if name == "-":
            if sys.stdin is None:
                self.refuse(["-: standard input is closed"])
            yield sys.stdin.buffer
            return
        try:
            file = Path(name).open("rb")  # noqa: SIM115  # closed below; only opening it may be refused here
        except (OSError, ValueError) as error:
            self.refuse(
                [f"{shown(name)}: the file cannot be read ({getattr(error, 'strerror', None) or error})"]
            )
        with file:
            yield file

    @contextlib.contextmanager
    def writing(self, name: str | None) -> Iterator[IO[bytes]]:
        """Standard output, or a file that appears only once it is complete; a device or pipe is written directly."""
        if name is None:
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
            return
        try:
            target = Path(name).resolve()  # a symbolic link stays, and its target is written
            if target.is_symlink():
                # Only a loop of links ends in one. Until Python 3.13, `resolve` refuses it.
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
            is_there = target.exists()
            if is_there and not target.is_file():
                with target.open("wb") as device:
                    yield device
                return
            mode = target.stat().st_mode & 0o777 if is_there else None
            file = tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False)  # noqa: SIM115
        except (OSError, RuntimeError, ValueError) as error:
            self.refuse(
                [f"--output: {shown(name)}: cannot be written ({getattr(error, 'strerror', None) or error})"]
            )
        temporary = Path(file.name)
        try:
            with file:
                yield file
            temporary.chmod(_usual_mode() if mode is None else mode)
            temporary.replace(target)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            self.refuse([f"--output: {shown(name)}: cannot be written ({error.strerror})"])
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


class _Run:
    """The editions, the elections and the defaults, the same for all documents of a run."""

    def __init__(self, shelf: Any, elections: Calendar, *, as_of: date, **defaults: Any) -> None:
        self.shelf: dict[str, Edition] = shelf
        self.elections, self.as_of, self.defaults = elections, as_of, defaults

    def advise(self, raw: bytes) -> tuple[Document, Advisory]:
        """The document in `raw` and its advisory. Its own days and election take precedence over the run's."""
        document = read_document(raw, self.shelf, self.elections)
        as_of = document.as_of or self.as_of
        election = election_for(document, self.elections, as_of=as_of, **self.defaults)
        return document, assess(document.edition, document.answers, as_of=as_of, election=election)


def _option(key: str) -> str:
    return f"--{key.replace('_', '-')}"


def _lines(source: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, with their numbers. A line that is too long is cut just past the limit."""
    number = 0
    while line := source.readline(MAX_BYTES + 2):
        number += 1
        rest = line
        while len(rest) == MAX_BYTES + 2 and not rest.endswith(b"\n"):
            rest = source.readline(MAX_BYTES + 2)
        line = line.removesuffix(b"\n").removesuffix(b"\r")
        if line.strip() or len(line) > MAX_BYTES:
            yield number, line


def _usual_mode() -> int:
    """The permissions of a new file. The umask can be read only by setting it."""
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask
