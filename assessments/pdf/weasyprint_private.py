"""Everything that printing needs of WeasyPrint and that WeasyPrint does not promise to keep.

Checked against WeasyPrint 70.0. Any release may change these, so pyproject.toml admits only the 70.0 series, and
tests/assessments/pdf/test_weasyprint_private.py has a test for each: an upgrade fails there first. Nothing here
imports WeasyPrint, which only the printing process may load: each function works on objects that it is given.
"""

import logging
from collections.abc import Iterator
from typing import Any


def body_text(html: Any) -> Iterator[str]:
    """The pieces of text in an `HTML`'s body, from its tree (`etree_element`): their length limits a document."""
    return iter(html.etree_element.find("body").itertext())


def header_cells(page: Any) -> Iterator[tuple[str | None, Any]]:
    """A page's tagged header cells: for each, its `scope` in the HTML, and the attributes (A) of its tag.

    From the boxes that were drawn (`_page_box`) and their tags (`mark`). WeasyPrint writes no Scope itself.
    """
    for box in page._page_box.descendants():
        if box.element_tag == "th" and hasattr(box, "mark"):
            yield box.element.get("scope"), box.mark["A"]


def marked_texts(stream: Any) -> Iterator[tuple[int, str | None, str]]:
    """A painted page's marked content: for each, its number (MCID), its language, and its text.

    From the boxes by which a page's stream keeps its marks (`_tags`). Only they know the text in reading order:
    a PDF has glyphs in drawing order.
    """
    for box, mark in stream._tags.items():
        yield mark["mcid"], box.style["lang"], getattr(box, "text", "")


def missing_character(record: logging.LogRecord) -> tuple[str, int] | None:
    """The character and code point that no font has, if a line of WeasyPrint's log is about one."""
    if not record.msg.startswith(".notdef") or not record.args:
        return None
    args: Any = record.args
    character, codepoint = args
    return character, codepoint


def is_fault(record: logging.LogRecord) -> bool:
    """Whether a line of WeasyPrint's log is about a fault that leaves a hole in the PDF: an error, or a lost font."""
    return record.levelno >= logging.ERROR or record.msg.startswith("Font-face")
