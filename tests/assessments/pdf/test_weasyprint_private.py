"""What we need of WeasyPrint beyond its promises: an upgrade that changes it fails here, one test for each name."""

import ast
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import weasyprint

from assessments.pdf import weasyprint_private as private

ROOT = Path(__file__).resolve().parents[3]
ROOM = ROOT / "assessments" / "pdf"
PAGE = """<html lang=en><title>x</title><p>Plain <span lang=fr>déjà</span>
<table><tr><th scope=row>Row<td>1</table><table><tr><th scope=col>Column<tr><td>2</table>"""


def document(body: str = PAGE) -> Any:
    return weasyprint.HTML(string=body)


def test_this_is_checked_against_the_series_that_is_installed():
    assert version("weasyprint").startswith("70.0")
    assert "70.0 series" in str(private.__doc__)


def test_the_text_of_a_body_is_all_that_a_reader_reads():
    html = document("<title>Title</title><body>One <b>two</b><p>three")
    assert " ".join(private.body_text(html)).split() == ["One", "two", "three"]


def test_a_header_cell_gives_its_scope_and_the_attributes_that_its_tag_is_written_with():
    rendering = document().render(pdf_variant="pdf/ua-1")
    scopes = []

    def finish(document: Any, _: Any) -> None:
        for page in document.pages:
            for scope, attributes in private.header_cells(page):
                scopes.append(scope)
                attributes["Scope"] = f"/Changed-{scope}"

    pdf = rendering.write_pdf(finisher=finish, pdf_variant="pdf/ua-1", uncompressed_pdf=True)
    assert scopes == ["row", "col"]
    assert b"/Scope /Changed-row" in pdf
    assert b"/Scope /Changed-col" in pdf


def test_a_painted_page_gives_each_marked_text_with_its_number_and_language():
    rendering = document().render(pdf_variant="pdf/ua-1")
    (page,) = rendering.pages
    paint, marks = page.paint, list[tuple[int, str | None, str]]()

    def paint_and_note(stream: Any, scale: float = 1) -> None:
        paint(stream, scale)
        marks.extend(private.marked_texts(stream))

    page.paint = paint_and_note
    rendering.write_pdf(pdf_variant="pdf/ua-1")
    texts = [(language, text.strip()) for _, language, text in marks if text.strip()]
    assert texts == [
        ("en", "Plain"),
        ("fr", "déjà"),
        ("en", "Row"),
        ("en", "1"),
        ("en", "Column"),
        ("en", "2"),
    ]
    numbers = [number for number, _, _ in marks]
    assert sorted(numbers) == list(range(len(marks)))


def test_a_character_that_no_font_has_is_logged_with_its_code_point(caplog):
    document("<title>x</title><p>\ue000").write_pdf()
    assert [private.missing_character(line) for line in caplog.records] == [("\ue000", 0xE000)]
    assert not any(private.is_fault(line) for line in caplog.records)


@pytest.mark.parametrize(
    "fault",
    [
        "<p><a href='#nowhere'>x</a>",
        "<style>@font-face { font-family: x; src: url(file:///nowhere) } p { font-family: x }</style><p>x",
    ],
    ids=["a link to nowhere", "a font that cannot be loaded"],
)
def test_what_leaves_a_hole_in_the_pdf_is_logged_as_a_fault(caplog, fault):
    document(f"<title>x</title>{fault}").write_pdf()
    assert any(private.is_fault(line) for line in caplog.records)
    assert not any(private.missing_character(line) for line in caplog.records)


def test_other_modules_use_no_private_name_of_weasyprint():
    for name in ("worker.py", "pdf_ua.py"):
        tree = ast.parse((ROOM / name).read_text())
        private_names = {
            node.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and re.match("_[a-z]", node.attr) and node.attr != "_exit"
        }
        assert private_names == set(), name


def test_importing_the_room_does_not_import_weasyprint():
    modules = ", ".join(f"assessments.pdf.{path.stem}" for path in ROOM.glob("[a-z]*.py"))
    script = f"import sys, {modules}; sys.exit('weasyprint' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False).returncode == 0
