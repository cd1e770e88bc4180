"""Reads pages and PDFs back: their texts in reading order, and the checks of PDF/UA.

Texts are compared without white space (`flat`), because a printed line may end where a space was.
"""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any

import pdfua.rules.structure
import pikepdf
import pytest
from pdfua.validator import validate

Block = tuple[str, str]
"""A piece of a page: its tag (h1 to h6, p, li, dt, dd, address or summary) and its text."""


def flat(text: str) -> str:
    """`text` without white space, and without the zero-width spaces that printing adds."""
    return "".join(text.split()).replace("\u200b", "")


class _Blocks(HTMLParser):
    TAGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6", "p", "li", "dt", "dd", "address", "summary"})

    def __init__(self) -> None:
        super().__init__()
        self.blocks: list[Block] = []
        self.inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self.TAGS:
            self.blocks.append((tag, ""))
            self.inside = True

    def handle_endtag(self, tag: str) -> None:
        if tag in self.TAGS:
            self.inside = False

    def handle_data(self, data: str) -> None:
        if self.inside:
            tag, text = self.blocks.pop()
            self.blocks.append((tag, text + data))


def blocks_of_html(html: str) -> list[Block]:
    """The blocks of an HTML page, in reading order."""
    parser = _Blocks()
    parser.feed(html)
    return parser.blocks


def blocks_of_pdf(pdf: pikepdf.Pdf) -> list[Block]:
    """The blocks of a tagged PDF, in the order of its tags, as a screen reader reads them."""
    texts = {(leaf.obj.objgen, mcid): text for leaf in pdf.pages for mcid, text in _marked(leaf)}
    blocks: list[Block] = []

    def walk(node: Any, page: Any) -> None:
        if isinstance(node, pikepdf.Array):
            for kid in node:
                walk(kid, page)
        elif isinstance(node, pikepdf.Dictionary):
            page = node.get("/Pg", page)
            tag = str(node.get("/S", "")).removeprefix("/").lower()
            if tag in _Blocks.TAGS:
                blocks.append((tag, ""))
            if "/ActualText" in node:
                tag, text = blocks.pop()
                blocks.append((tag, text + str(node.ActualText)))
            else:
                walk(node.get("/K"), page)
        elif node is not None:
            tag, text = blocks.pop()
            blocks.append((tag, text + texts.get((page.objgen, int(node)), "")))

    walk(pdf.Root.StructTreeRoot.K, None)
    return blocks


def texts_of_pages(pdf: pikepdf.Pdf) -> list[str]:
    """The text of each page, without its margins."""
    return [" ".join(text for mcid, text in _marked(leaf) if mcid is not None) for leaf in pdf.pages]


def margins_of_pdf(pdf: pikepdf.Pdf) -> list[str]:
    """The text in the margins of each page, which is outside the reading order."""
    return [" ".join(text for mcid, text in _marked(leaf) if mcid is None) for leaf in pdf.pages]


def _marked(leaf: pikepdf.Page) -> Iterator[tuple[int | None, str]]:
    """Each marked text of a page with its number, which is None in the margins."""
    letters: dict[str, str] = {}
    number: int | None = None
    text = ""
    for instruction in pikepdf.parse_content_stream(leaf, operators="BDC BMC EMC Tf TJ"):
        operands: Any = instruction.operands
        match str(instruction.operator):
            case "BDC" | "BMC":
                number = int(operands[1].MCID) if len(operands) > 1 and "/MCID" in operands[1] else None
                text = ""
            case "EMC":
                yield number, text
            case "Tf":
                letters = _letters(leaf.Resources.Font[str(operands[0])])
            case "TJ":
                codes = b"".join(bytes(o) for o in operands[0] if isinstance(o, pikepdf.String))
                text += "".join(letters[codes[i : i + 2].hex()] for i in range(0, len(codes), 2))


def _letters(font: pikepdf.Object) -> dict[str, str]:
    table = font.ToUnicode.read_bytes().decode().split("endcodespacerange")[1]
    pairs = re.findall(r"^<([0-9a-f]{4})> <([0-9a-f]*)>$", table, re.MULTILINE)
    return {glyph: bytes.fromhex(text).decode("utf-16-be") for glyph, text in pairs}


def assert_pdf_ua(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Assert that every check of pdfua passes and that none is skipped.

    pdfua 0.1.3 asks pikepdf's arrays whether they are integers. That raises, so it skips its check for empty
    headings. With our replacement, which asks Python, all twelve checks run.
    """
    monkeypatch.setattr(pdfua.rules.structure, "as_integer", lambda kid: kid if type(kid) is int else None)
    report = validate(str(path))
    assert len(report.outcomes) >= 12
    assert [(o.rule_id, o.skipped_reason) for o in report.outcomes if o.skipped_reason] == []
    assert [(finding.rule_id, finding.message) for finding in report.findings] == []


def opened(pdf: bytes) -> pikepdf.Pdf:
    """The PDF, opened."""
    return pikepdf.open(BytesIO(pdf))
