"""Repairs the tags and texts of a PDF that WeasyPrint 70 has made, before it is written, and embeds files in it.

Works on pydyf's objects, and through `weasyprint_private` on the boxes that WeasyPrint drew.
"""

import re
from collections.abc import Iterator, Sequence
from hashlib import md5
from typing import Any

import pydyf  # type: ignore[import-untyped]

from assessments.pdf.weasyprint_private import header_cells, marked_texts

Texts = dict[int, tuple[str | None, str]]
"""A page's marked content, by its number (MCID): the language, and the text in reading order."""

_NOT_LATIN = re.compile("[\u0370-\u1fff\u2c00-\U0010ffff]")


def repair(document: Any, pdf: Any, texts: Sequence[Texts]) -> None:
    """Repair what keeps WeasyPrint's output from being PDF/UA-1: a finisher for its `write_pdf`.

    - Running headers and footers become artifacts.
    - Header cells get a Scope, and the IDs by which data cells name them are listed where PDF readers look them up.
    - Text in another language than the document's gets its language.
    - Text in another script gets its letters: for many scripts the glyphs, in drawing order, do not give them.

    `texts` has one entry per page.
    """
    root = pdf.objects[_number(pdf.catalog["StructTreeRoot"])]
    in_tree = set(_descend(pdf, root))
    owners_by_page = pdf.objects[_number(root["ParentTree"])]["Nums"][1::2]
    for reference, owners, page_texts in zip(pdf.page_references, owners_by_page, texts, strict=False):
        content = pdf.objects[_number(pdf.objects[_number(reference)]["Contents"])]
        marks = {
            operator["MCID"]: (i, operator)
            for i, operator in enumerate(content.stream)
            if isinstance(operator, dict) and "MCID" in operator
        }
        for mcid, (i, properties) in marks.items():
            tag = pdf.objects[_number(owners[mcid])]
            if tag.number not in in_tree:  # the text of a margin box
                tag.clear()
                owners[mcid] = "null"
                content.stream[i - 1] = "/Artifact"
                properties.clear()
                properties["Type"] = "/Pagination"
                continue
            language, text = page_texts[mcid]
            if language and language != document.metadata.lang:
                tag["Lang"] = pydyf.String(language)
            if _NOT_LATIN.search(text):
                tag["ActualText"] = properties["ActualText"] = pydyf.String(text)
    _scope_headers(document)
    _place_figures(document, pdf, in_tree)
    _index_ids(pdf, root, in_tree)


def _scope_headers(document: Any) -> None:
    for page in document.pages:
        for scope, attributes in header_cells(page):
            attributes["Scope"] = "/Row" if scope == "row" else "/Column"


def _place_figures(document: Any, pdf: Any, in_tree: set[int]) -> None:
    """Give the place of figures in points from the foot of the page: WeasyPrint has pixels from its head."""
    heights = dict(zip(pdf.page_references, (page.height for page in document.pages), strict=True))
    for figure in (pdf.objects[number] for number in in_tree):
        if figure["S"] == "/Figure":
            left, top, right, bottom = figure["A"]["BBox"]
            height = heights[figure["Pg"]]
            figure["A"]["BBox"] = pydyf.Array(
                [0.75 * value for value in (left, height - bottom, right, height - top)]
            )


def _index_ids(pdf: Any, root: Any, in_tree: set[int]) -> None:
    named = sorted(
        (pdf.objects[number]["ID"].data, pdf.objects[number].reference)
        for number in in_tree
        if "ID" in pdf.objects[number]
    )
    if named:
        tree = pydyf.Dictionary({"Names": pydyf.Array([part for pair in named for part in pair])})
        pdf.add_object(tree)
        root["IDTree"] = tree.reference


def enclose(pdf: Any, name: str, media_type: str, about: str, content: bytes) -> None:
    """Embed a file in `pdf` as the data that its pages show (ISO 32000-2, 14.13), as PDF/UA-1 requires in 7.11.

    WeasyPrint's own attachments are not used: they carry the time of day and are not associated with the document.
    """
    params = pydyf.Dictionary(
        {"Size": len(content), "CheckSum": f"<{md5(content, usedforsecurity=False).hexdigest()}>"}
    )
    if "CreationDate" in pdf.info:  # the day that the document states
        params["ModDate"] = pdf.info["CreationDate"]
    kind = {"Type": "/EmbeddedFile", "Subtype": f"/{media_type.replace('/', '#2F')}", "Params": params}
    stream = pydyf.Stream([content], kind, compress=True)
    pdf.add_object(stream)
    file = pydyf.Dictionary(
        {
            "Type": "/Filespec",
            "F": pydyf.String(name),
            "UF": pydyf.String(name),
            "Desc": pydyf.String(about),
            "AFRelationship": "/Data",
            "EF": pydyf.Dictionary({"F": stream.reference, "UF": stream.reference}),
        }
    )
    pdf.add_object(file)
    names = pydyf.Dictionary({"Names": pydyf.Array([pydyf.String(name), file.reference])})
    pdf.add_object(names)
    pdf.catalog.setdefault("Names", pydyf.Dictionary())["EmbeddedFiles"] = names.reference
    pdf.catalog["AF"] = pydyf.Array([file.reference])


def note_texts(page: Any) -> Texts:
    """Make `page` record the texts that it marks when it is painted, and return where it records them."""
    paint, texts = page.paint, {}

    def paint_and_note(stream: Any, scale: float = 1) -> None:
        paint(stream, scale)
        for mcid, language, text in marked_texts(stream):
            texts[mcid] = (language, text.replace("\u200b", ""))

    page.paint = paint_and_note
    return texts


def _number(reference: bytes | str) -> int:
    return int(reference.split()[0])


def _descend(pdf: Any, element: Any) -> Iterator[int]:
    """The object numbers of all structure elements below `element`."""
    pending = [element]
    while pending:
        for kid in pending.pop().get("K", ()):
            if isinstance(kid, (bytes, str)) and "S" in (child := pdf.objects[_number(kid)]):
                yield _number(kid)
                pending.append(child)
