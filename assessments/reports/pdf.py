"""The advisory as a PDF/UA-1: the page's sibling, to hand on or to file. The same input gives the same bytes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from django.conf import settings
from django.template.loader import render_to_string

from assessments.reports.press import print_pdf
from assessments.reports.projection import Projection
from assessments.reports.typeset import Typeset, typeset


@dataclass(frozen=True)
class PrintedNote:
    """A note made fit to print, line by line, since each line may be in another script."""

    short: str
    lines: tuple[Typeset, ...]


def advisory_pdf(projection: Projection) -> bytes:
    """The PDF of an advisory. Raises PressError, whose message is for people."""
    return print_pdf(advisory_html(projection), css=print_css())


def advisory_html(projection: Projection) -> str:
    """The document that is printed: everything that people wrote in it is typeset and escaped."""
    account = [(label, typeset(value)) for label, value in projection.account]
    notes = [
        PrintedNote(note.short, tuple(typeset(line) for line in note.text.splitlines() if line.strip()))
        for note in projection.notes
    ]
    written = [value for _, value in account] + [line for note in notes for line in note.lines]
    return render_to_string(
        "assessments/advisory_pdf.html",
        {
            "a": projection,
            "account": account,
            "handle": account[-1][1].text if account else "",
            "notes": notes,
            "unprintable": list(dict.fromkeys(name for one in written for name in one.unprintable)),
        },
    )


@cache
def print_css() -> str:
    """The PDF's stylesheet; the colours are the page's own."""
    folder = settings.BASE_DIR / "static" / "css"
    return "\n".join((folder / name).read_text() for name in ("tokens.css", "pdf.css"))
