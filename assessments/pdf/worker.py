"""The child's side of `press`: everything that touches WeasyPrint.

Runs in the process that `press` spawns, and imports as little as it can.
"""

import contextlib
import io
import logging
import os
import shutil
import tempfile
import threading
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import parent_process
from pathlib import Path
from typing import Any

from assessments.pdf.fonts import FONTS_CONF, OUR_FONTS, SYSTEM_PACKAGES
from assessments.pdf.pdf_ua import enclose, mend, note_texts

MAX_TEXT = 60_000
"""Characters of text in a document: some thirty pages, or twenty notes at their limit. This much takes
about 1 s as sentences and 4 s as unbroken words, well within the time a document may take."""

FAMILY = "Atkinson Hyperlegible Next"
FAMILY_EXT = FAMILY + " Ext"
"""Latin Extended. A name of its own, since WeasyPrint tells fonts apart by name and style alone and
would take glyphs of one file from the other; a stylesheet names both families, in this order."""

_log_lines: list[logging.LogRecord] = []
_refusals: list[str] = []


class PressError(Exception):
    """A document could not be printed. `str()` says why, in words for the person who asked.

    `reason` is one of: too_large, too_slow, busy, broken, missing_glyph, refused, no_library,
    bad_document.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(reason, message)
        self.reason = reason
        self.message = message

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True)
class Enclosed:
    """A file that a PDF carries within it as its data; `about` says in words what it is."""

    name: str
    media_type: str
    about: str
    data: bytes


def set_up(scratch: str) -> None:
    """Make this process ready to print; `scratch` is a directory of its own for temporary files.

    Never raises, for that would only start the next process into the same fault: the first document
    reports what is missing.
    """
    threading.Thread(target=_leave_with_parent, args=(scratch,), daemon=True).start()
    with contextlib.suppress(OSError):  # something that tidies temporary files may have been here
        for left_by_a_killed_process in Path(scratch).iterdir():
            shutil.rmtree(left_by_a_killed_process, ignore_errors=True)
    tempfile.tempdir = scratch
    with contextlib.suppress(Exception):
        _shop()


def print_document(html: str, css: str, enclosed: Enclosed | None = None, documents: int = 1) -> bytes:
    """Print `html`, as large as some `documents` may be, with the base stylesheet `css`. Raises PressError only."""
    shop = _shop()
    _log_lines.clear()
    _refusals.clear()
    try:
        document = shop.weasyprint.HTML(string=html, url_fetcher=shop.fetcher)
        size = sum(map(len, document.etree_element.find("body").itertext()))
        if size > MAX_TEXT * documents:
            raise PressError(
                "too_large",
                f"This document is too long to print: {size:,} characters of text, and "
                f"{MAX_TEXT:,} are the most. Shorten the notes.",
            )
        rendering = document.render(
            font_config=shop.fonts,
            stylesheets=[shop.faces, _stylesheet(css)],
            pdf_variant="pdf/ua-1",
        )
        if not rendering.metadata.title:
            raise PressError("bad_document", "The document to print has no title.")
        texts = [note_texts(page) for page in rendering.pages]

        def finish(document: Any, pdf: Any) -> None:
            mend(document, pdf, texts)
            if enclosed:
                enclose(pdf, enclosed.name, enclosed.media_type, enclosed.about, enclosed.data)

        pdf: bytes = rendering.write_pdf(finisher=finish, pdf_variant="pdf/ua-1")
    except shop.fatal:
        pdf = b""
    except RecursionError:
        raise PressError("bad_document", "The document is nested too deeply to print.") from None
    except PressError:
        raise
    except Exception as fault:  # whatever it is, the parent can only be told in words
        raise PressError(
            "broken", f"The document could not be printed ({type(fault).__name__}: {fault})."
        ) from fault
    # Asked for here, too, because WeasyPrint swallows even a fatal error within an SVG.
    if _refusals:
        raise PressError(
            "refused",
            f"The document asks for “{_refusals[0][:80]}”; a PDF may use our own fonts and images only.",
        )
    _check_log()
    return pdf


class _Shop:
    """What a process keeps from one document to the next."""

    def __init__(self) -> None:
        os.environ["FONTCONFIG_FILE"] = str(FONTS_CONF)
        try:
            # It prints advice for programmers to standard output, where a command's result goes.
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
                "no_library",
                "PDFs cannot be printed on this machine: the PDF library could not be loaded "
                f"({fault.args[0] if fault.args else fault}). Install what it needs with: "
                f"apt-get install --yes {SYSTEM_PACKAGES}",
            ) from None

        files = _our_files()

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
        # One for the process's life: a new one for each document leaks, and reads the fonts anew.
        self.fonts = FontConfiguration()
        self.faces = self.css(_font_faces(files))
        log = logging.getLogger("weasyprint")
        log.propagate = False
        log.addHandler(_Collector(logging.WARNING))

    def css(self, text: str) -> Any:
        return self.weasyprint.CSS(string=text, font_config=self.fonts, url_fetcher=self.fetcher)


@lru_cache(maxsize=1)
def _shop() -> _Shop:
    return _Shop()


@lru_cache(maxsize=4)
def _stylesheet(css: str) -> Any:
    return _shop().css(css)


def _our_files() -> dict[str, tuple[Path, str]]:
    """The whole of what a document may fetch: made-up address to file and media type."""
    kinds = {".woff2": "font/woff2", ".svg": "image/svg+xml", ".png": "image/png"}
    return {
        f"portal:{folder}/{path.name}": (path, kinds[path.suffix])
        for folder in ("fonts", "images")
        for path in sorted((OUR_FONTS.parent / folder).glob("*"))
        if path.suffix in kinds
    }


def _font_faces(files: dict[str, tuple[Path, str]]) -> str:
    # No unicode-range, unlike fonts.css: WeasyPrint takes the range for what the font holds, and
    # would print a box for a character in the range that the file lacks, such as U+2010.
    faces = [
        f"@font-face {{ font-family: '{FAMILY_EXT if '-ext-' in url else FAMILY}';"
        f" font-weight: {url.split('-')[-2]}; src: url('{url}') }}"
        for url in files
        if url.endswith(".woff2")
    ]
    return "\n".join([*faces, f"html {{ font-family: '{FAMILY}', '{FAMILY_EXT}' }}"])


class _Collector(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        _log_lines.append(record)


def _check_log() -> None:
    """Refuse a PDF that WeasyPrint had to complain of: a hole in it would be noticed by nobody."""
    for record in _log_lines:
        if record.msg.startswith(".notdef") and record.args:
            character, codepoint = record.args
            raise PressError(
                "missing_glyph",
                f"No font on this machine can print “{character}” (U+{codepoint:04X}). Install "
                f"more with: apt-get install --yes {SYSTEM_PACKAGES}",
            )
        if record.levelno >= logging.ERROR or record.msg.startswith("Font-face"):
            raise PressError("bad_document", f"The document is faulty: {record.getMessage()}.")


def _leave_with_parent(scratch: str) -> None:
    """End this process when the parent has gone without a word, as after kill -9."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        shutil.rmtree(scratch, ignore_errors=True)
        os._exit(1)
