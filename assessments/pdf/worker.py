"""The child's side of `press`: everything that uses WeasyPrint.

Runs in the process that `press` spawns, and imports as little as possible.
"""

import contextlib
import io
import logging
import os
import shutil
import tempfile
import threading
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from multiprocessing import parent_process
from pathlib import Path
from typing import Any

from assessments.pdf.fonts import FONTS_CONF, OUR_FONTS, SYSTEM_PACKAGES
from assessments.pdf.pdf_ua import enclose, note_texts, repair
from assessments.pdf.weasyprint_private import body_text, is_fault, missing_character

MAX_TEXT = 60_000
"""The most characters of text in a document: about thirty pages, or twenty notes of the greatest length.
They take about 1 s as sentences and 4 s as unbroken words, well within the time a document may take."""

FAMILY = "Public Sans"
FAMILY_EXT = FAMILY + " Ext"
"""Latin Extended. It has a name of its own because WeasyPrint distinguishes fonts only by name and style, and would
take one file's glyphs from the other. A stylesheet names both families, in this order."""

_log_lines: list[logging.LogRecord] = []
_refusals: list[str] = []


class PrintProblem(StrEnum):
    """What can keep a document from being printed."""

    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"
    BUSY = "busy"  # too many others are waiting
    BROKEN = "broken"  # the printing process or WeasyPrint failed
    MISSING_GLYPH = "missing_glyph"
    REFUSED = "refused"  # it asks for a resource that is not ours
    NO_LIBRARY = "no_library"
    BAD_DOCUMENT = "bad_document"


class PressError(Exception):
    """A document could not be printed. `str()` gives the reason in words for the person who asked for it."""

    def __init__(self, reason: PrintProblem, message: str) -> None:
        super().__init__(reason, message)
        self.reason = reason
        self.message = message

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True)
class Enclosed:
    """A file that a PDF carries as its data. `about` describes it in words."""

    name: str
    media_type: str
    about: str
    content: bytes


def set_up(scratch: str, gives_way: bool = False) -> None:
    """Make this process ready to print. `scratch` is this process's own directory for temporary files.

    With `gives_way`, this process has a lower priority: a quarter of the processor while another wants all of it.

    Never raises: the pool would only start another process, with the same fault. The first document reports what
    is missing.
    """
    if gives_way:
        os.nice(5)
    threading.Thread(target=_leave_with_parent, args=(scratch,), daemon=True).start()
    with contextlib.suppress(OSError):  # a cleaner of temporary files may have removed it
        for left_by_a_killed_process in Path(scratch).iterdir():
            shutil.rmtree(left_by_a_killed_process, ignore_errors=True)
    tempfile.tempdir = scratch
    with contextlib.suppress(Exception):
        _engine()


def print_document(html: str, css: str, enclosed: Enclosed | None = None, documents: int = 1) -> bytes:
    """Print `html` with the base stylesheet `css`. It may be as large as `documents` documents together.

    Raises PressError and nothing else.
    """
    engine = _engine()
    _log_lines.clear()
    _refusals.clear()
    try:
        document = engine.weasyprint.HTML(string=html, url_fetcher=engine.fetcher)
        size = sum(map(len, body_text(document)))
        if size > MAX_TEXT * documents:
            raise PressError(
                PrintProblem.TOO_LARGE,
                f"This document is too long to print: {size:,} characters of text. "
                f"The limit is {MAX_TEXT:,}. Shorten the notes.",
            )
        rendering = document.render(
            font_config=engine.fonts,
            stylesheets=[engine.faces, _stylesheet(css)],
            pdf_variant="pdf/ua-1",
        )
        if not rendering.metadata.title:
            raise PressError(PrintProblem.BAD_DOCUMENT, "The document to print has no title.")
        texts = [note_texts(page) for page in rendering.pages]

        def finish(document: Any, pdf: Any) -> None:
            repair(document, pdf, texts)
            if enclosed:
                enclose(pdf, enclosed.name, enclosed.media_type, enclosed.about, enclosed.content)

        pdf: bytes = rendering.write_pdf(finisher=finish, pdf_variant="pdf/ua-1")
    except engine.fatal:
        pdf = b""
    except RecursionError:
        raise PressError(PrintProblem.BAD_DOCUMENT, "The document is nested too deeply to print.") from None
    except PressError:
        raise
    except Exception as fault:  # whatever it is, only words can be sent to the parent
        raise PressError(
            PrintProblem.BROKEN, f"The document could not be printed ({type(fault).__name__}: {fault})."
        ) from fault
    # Checked here, too: WeasyPrint swallows even a fatal error within an SVG.
    if _refusals:
        raise PressError(
            PrintProblem.REFUSED,
            f"The document asks for “{_refusals[0][:80]}”. A PDF may use only our own fonts and images.",
        )
    _check_log()
    return pdf


class _Engine:
    """WeasyPrint, with what a process keeps from one document to the next."""

    def __init__(self) -> None:
        os.environ["FONTCONFIG_FILE"] = str(FONTS_CONF)
        try:
            # It prints advice for programmers on standard output, which a command needs for its result.
            with contextlib.redirect_stdout(io.StringIO()):
                import weasyprint  # noqa: PLC0415
                from weasyprint.text.fonts import FontConfiguration  # noqa: PLC0415
                from weasyprint.urls import (  # noqa: PLC0415
                    FatalURLFetchingError,
                    URLFetcher,
                    URLFetcherResponse,
                )
        except (ImportError, OSError) as fault:
            raise PressError(
                PrintProblem.NO_LIBRARY,
                "PDFs cannot be printed on this machine: the PDF library could not be loaded "
                f"({fault.args[0] if fault.args else fault}). Install what it needs with: "
                f"apt-get install --yes {SYSTEM_PACKAGES}",
            ) from None

        files = our_files()

        class OurFilesOnly(URLFetcher):  # type: ignore[misc]
            def fetch(self, url: str, headers: dict[str, str] | None = None) -> URLFetcherResponse:
                if url not in files:
                    _refusals.append(url)
                    raise FatalURLFetchingError(url)
                path, media_type = files[url]
                return URLFetcherResponse(url, path.read_bytes(), {"Content-Type": media_type})

        self.weasyprint = weasyprint
        self.fatal = FatalURLFetchingError
        self.fetcher = OurFilesOnly()
        # One for the process's life: one per document would leak, and read the fonts again.
        self.fonts = FontConfiguration()
        self.faces = self.css(_font_faces(files))
        log = logging.getLogger("weasyprint")
        log.propagate = False
        log.addHandler(_Collector(logging.WARNING))

    def css(self, text: str) -> Any:
        return self.weasyprint.CSS(string=text, font_config=self.fonts, url_fetcher=self.fetcher)


@lru_cache(maxsize=1)
def _engine() -> _Engine:
    return _Engine()


@lru_cache(maxsize=4)
def _stylesheet(css: str) -> Any:
    return _engine().css(css)


def our_files() -> dict[str, tuple[Path, str]]:
    """Everything that a document may fetch: from a made-up URL to the file and its media type."""
    kinds = {".woff2": "font/woff2", ".svg": "image/svg+xml", ".png": "image/png"}
    return {
        f"portal:{folder}/{path.name}": (path, kinds[path.suffix])
        for folder in ("fonts", "images")
        for path in sorted((OUR_FONTS.parent / folder).glob("*"))
        if path.suffix in kinds
    }


def _font_faces(files: dict[str, tuple[Path, str]]) -> str:
    # No unicode-range, unlike fonts.css: WeasyPrint takes the range for the font's characters, and
    # would print a box for one that the file lacks, such as U+2010.
    weights = {url: url.split("-")[-2] for url in files if url.endswith(".woff2")}
    faces = [
        f"@font-face {{ font-family: '{FAMILY_EXT if '-ext-' in url else FAMILY}';"
        f" font-weight: {weight}; src: url('{url}') }}"
        for url, weight in weights.items()
        if weight != "wght"  # the variable fonts are for pages only
    ]
    return "\n".join([*faces, f"html {{ font-family: '{FAMILY}', '{FAMILY_EXT}' }}"])


class _Collector(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        _log_lines.append(record)


def _check_log() -> None:
    """Refuse a PDF that WeasyPrint complained about: nobody would notice what it lacks."""
    for record in _log_lines:
        if missing := missing_character(record):
            character, codepoint = missing
            raise PressError(
                PrintProblem.MISSING_GLYPH,
                f"No font on this machine can print “{character}” (U+{codepoint:04X}). Install "
                f"more with: apt-get install --yes {SYSTEM_PACKAGES}",
            )
        if is_fault(record):
            raise PressError(PrintProblem.BAD_DOCUMENT, f"The document is faulty: {record.getMessage()}.")


def _leave_with_parent(scratch: str) -> None:
    """End this process when the parent has ended without stopping it, as after kill -9."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        shutil.rmtree(scratch, ignore_errors=True)
        os._exit(1)
