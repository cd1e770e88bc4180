"""Mends the tags and texts of a PDF that WeasyPrint 70 has made, before it is written, and encloses files in it.

Works on pydyf's objects, and on what WeasyPrint keeps of the boxes it drew: names that begin with
an underscore are its own, and the tests of `press` are what would notice that they changed.
"""

import re
from collections.abc import Iterator, Sequence
from hashlib import md5
from typing import Any

import pydyf  # type: ignore[import-untyped]

Texts = dict[int, tuple[str | None, str]]
"""A page's marked content by its number: the language, and the text as it is read."""

_NOT_LATIN = re.compile("[\u0370-\u1fff\u2c00-\U0010ffff]")


def mend(document: Any, pdf: Any, texts: Sequence[Texts]) -> None:
    """Mend what WeasyPrint leaves short of PDF/UA-1: a finisher for its `write_pdf`.

    Running headers and footers become artifacts; header cells get their Scope, and the IDs that
    data cells name in Headers the tree by which a reader looks them up; text in another language
    than the document's says so, and text in another script says its letters, which for many scripts
    are not to be had from the glyphs in the order that they are drawn. `texts` has each page's.
    """
    root = pdf.objects[_number(pdf.catalog["StructTreeRoot"])]
    in_tree = set(_descend(pdf, root))
    owners_by_page = pdf.objects[_number(root["ParentTree"])]["Nums"][1::2]
    for reference, owners, found in zip(pdf.page_references, owners_by_page, texts, strict=False):
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
            language, text = found[mcid]
            if language and language != document.metadata.lang:
                tag["Lang"] = pydyf.String(language)
            if _NOT_LATIN.search(text):
                tag["ActualText"] = properties["ActualText"] = pydyf.String(text)
    _scope_headers(document)
    _place_figures(document, pdf, in_tree)
    _index_ids(pdf, root, in_tree)


def _scope_headers(document: Any) -> None:
    for page in document.pages:
        for box in page._page_box.descendants():
            if box.element_tag == "th" and hasattr(box, "mark"):
                across = box.element.get("scope") == "row"
                box.mark["A"]["Scope"] = "/Row" if across else "/Column"


def _place_figures(document: Any, pdf: Any, in_tree: set[int]) -> None:
    """Say where figures are in points from the foot of the page; WeasyPrint has pixels from its head."""
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


def enclose(pdf: Any, name: str, media_type: str, about: str, data: bytes) -> None:
    """Embed a file in `pdf` as the data that its pages show: ISO 32000-2, 14.13, with what PDF/UA-1 asks for in 7.11.

    WeasyPrint's own attachments carry the time of day, and are not associated with the document.
    """
    params = pydyf.Dictionary(
        {"Size": len(data), "CheckSum": f"<{md5(data, usedforsecurity=False).hexdigest()}>"}
    )
    if "CreationDate" in pdf.info:  # the day that the document states
        params["ModDate"] = pdf.info["CreationDate"]
    kind = {"Type": "/EmbeddedFile", "Subtype": f"/{media_type.replace('/', '#2F')}", "Params": params}
    content = pydyf.Stream([data], kind, compress=True)
    pdf.add_object(content)
    file = pydyf.Dictionary(
        {
            "Type": "/Filespec",
            "F": pydyf.String(name),
            "UF": pydyf.String(name),
            "Desc": pydyf.String(about),
            "AFRelationship": "/Data",
            "EF": pydyf.Dictionary({"F": content.reference, "UF": content.reference}),
        }
    )
    pdf.add_object(file)
    names = pydyf.Dictionary({"Names": pydyf.Array([pydyf.String(name), file.reference])})
    pdf.add_object(names)
    pdf.catalog.setdefault("Names", pydyf.Dictionary())["EmbeddedFiles"] = names.reference
    pdf.catalog["AF"] = pydyf.Array([file.reference])


def note_texts(page: Any) -> Texts:
    """Have `page`, when it is painted, note here the texts that it marks."""
    paint, found = page.paint, {}

    def paint_and_note(stream: Any, scale: float = 1) -> None:
        paint(stream, scale)
        for box, mark in stream._tags.items():
            text = getattr(box, "text", "").replace("\u200b", "")
            found[mark["mcid"]] = (box.style["lang"], text)

    page.paint = paint_and_note
    return found


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
