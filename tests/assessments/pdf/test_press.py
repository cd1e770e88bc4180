"""The press, with the real WeasyPrint: every test prints, and reads the PDF back."""

import multiprocessing
import os
import re
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from assessments.pdf import press
from assessments.pdf.fonts import printable
from assessments.pdf.press import PressError, PrintProblem, print_collection, print_pdf
from assessments.pdf.typeset import typeset
from tests.reading import assert_pdf_ua

ROOT = Path(__file__).resolve().parents[3]
CSS = """
@page { size: Letter; margin: 20mm; @top-left { content: "Running head" }
        @bottom-right { content: "Page " counter(page) " of " counter(pages) } }
table { table-layout: fixed; width: 100% }
td, th, p { overflow-wrap: break-word }
"""
ROWS = "".join(
    f"<tr><th scope=row>Paragraph {n}</th><td>What it says</td><td>What to do</td></tr>" for n in range(1, 61)
)
ADVISORY = f"""
<h1>What your answers mean</h1>
<p>Write to <a href="mailto:office@example.org">the office</a>. Œuvre, Čapek, ő, ¶12.</p>
<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><title>Action</title>
<circle cx="4" cy="4" r="4"/></svg>
<h2>What to do</h2><ul><li>This first</li><li>Then that</li></ul>
<h2>Findings</h2>
<table><thead><tr><th>Where</th><th>What</th><th>Do</th></tr></thead><tbody>{ROWS}</tbody></table>
"""
NOTES = {
    "ar": "هذا حساب رسمي على فيسبوك، أستخدمه في Facebook منذ عام 2022.",
    "ur": "یہ اکاؤنٹ سرکاری ہے اور عملہ اسے استعمال کرتا ہے۔",
    "ta": "இந்த கணக்கு அதிகாரப்பூர்வமானது.",
    "zh-Hans": "这个账户是官方账户，我们在选举期间不使用。",
    "zh-Hant": "這個帳戶是官方帳戶，我們在選舉期間不使用。",
    "ru": "Это официальный аккаунт. Ещё — «да».",
    "hi": "यह खाता आधिकारिक है और चुनाव के दौरान बंद रहेगा।",
    "ko": "이 계정은 공식 계정입니다.",
}


def page(body: str, *, head: str = "") -> str:
    return (
        f'<!DOCTYPE html><html lang="en-CA"><head><title>Advisory</title>'
        f'<meta name="author" content="The office">{head}</head><body>{body}</body></html>'
    )


def note(text: str) -> str:
    printed = typeset(text)
    attributes = f' lang="{printed.lang}" dir="{printed.direction}"' if printed.lang else ""
    return f"<p{attributes}>{escape(printed.text)}</p>"


def opened(pdf: bytes) -> pikepdf.Pdf:
    return pikepdf.open(BytesIO(pdf))


def drawn(pdf: pikepdf.Pdf) -> list[tuple[str, dict[str, Any], float, str]]:
    """Each piece of text: its tag, the tag's properties, its x position, and its letters."""
    pieces = []
    for leaf in pdf.pages:
        letters: dict[str, str] = {}
        tags: list[tuple[str, dict[str, Any]]] = []
        x = 0.0
        for instruction in pikepdf.parse_content_stream(leaf):
            operands: Any = instruction.operands
            match str(instruction.operator):
                case "BDC" | "BMC":
                    properties = dict(operands[1]) if len(operands) > 1 else {}
                    tags.append((str(operands[0]), properties))
                case "EMC":
                    tags.pop()
                case "Tm":
                    x = float(operands[4])
                case "Tf":
                    letters = _letters(leaf.Resources.Font[str(operands[0])])
                case "TJ":
                    codes = b"".join(bytes(o) for o in operands[0] if isinstance(o, pikepdf.String))
                    text = "".join(letters[codes[i : i + 2].hex()] for i in range(0, len(codes), 2))
                    tag, properties = tags[-1] if tags else ("none", {})
                    pieces.append((tag, properties, x, text))
    return pieces


def _letters(font: pikepdf.Object) -> dict[str, str]:
    pairs = re.findall(r"^<([0-9a-f]{4})> <([0-9a-f]*)>$", _cmap(font), re.MULTILINE)
    return {glyph: bytes.fromhex(text).decode("utf-16-be") for glyph, text in pairs}


def _cmap(font: pikepdf.Object) -> str:
    return font.ToUnicode.read_bytes().decode().split("endcodespacerange")[1]


def elements(pdf: pikepdf.Pdf, kind: str) -> list[Any]:
    """The tags of a kind, found as a reader does: through the tree."""
    matches: list[Any] = []
    pending: list[Any] = [pdf.Root.StructTreeRoot.K]
    while pending:
        node = pending.pop()
        if isinstance(node, pikepdf.Array):
            pending.extend(node)
        elif isinstance(node, pikepdf.Dictionary):
            if str(node.get("/S")) == kind:
                matches.append(node)
            pending.append(node.get("/K"))
    return matches


@pytest.fixture(scope="module")
def advisory() -> bytes:
    return print_pdf(page(ADVISORY), css=CSS)


@pytest.fixture
def own_process() -> Iterator[None]:
    """A printing process that no other test has used or will use."""
    press.stop()
    yield
    press.stop()


def test_a_document_is_marked_as_pdf_ua_with_title_language_and_author(advisory):
    pdf = opened(advisory)
    with pdf.open_metadata() as metadata:
        assert metadata["pdfuaid:part"] == "1"
        assert metadata["dc:title"] == "Advisory"
    assert pdf.Root.Lang == "en-CA"
    assert pdf.Root.ViewerPreferences.DisplayDocTitle
    assert pdf.docinfo.Author == "The office"
    assert len(pdf.pages) > 1


def test_a_document_passes_every_check_of_pdfua_and_none_is_skipped(advisory, tmp_path, monkeypatch):
    path = tmp_path / "advisory.pdf"
    path.write_bytes(advisory)
    assert_pdf_ua(path, monkeypatch)


def test_text_in_the_margins_is_an_artifact_and_all_other_text_is_in_the_tree(advisory):
    pdf = opened(advisory)
    pieces = drawn(pdf)
    margins = [piece for piece in pieces if piece[0] == "/Artifact"]
    assert [text for *_, text in margins[:2]] == ["Running head", f"Page 1 of {len(pdf.pages)}"]
    assert len(margins) == 2 * len(pdf.pages)
    assert {str(properties["/Type"]) for _, properties, *_ in margins} == {"/Pagination"}
    assert all("/MCID" in properties for tag, properties, *_ in pieces if tag != "/Artifact")

    owned = {
        kid
        for span in elements(pdf, "/Span") + elements(pdf, "/Link") + elements(pdf, "/Figure")
        for kid in [(span.Pg.objgen, k) for k in span.K if isinstance(k, int)]
    }
    nums: Any = pdf.Root.StructTreeRoot.ParentTree.Nums
    by_page = {
        (leaf.obj.objgen, mcid)
        for leaf, owners in zip(pdf.pages, list(nums)[1::2], strict=False)
        for mcid, owner in enumerate(owners)
        if owner is not None
    }
    assert owned == by_page


def test_header_cells_have_a_scope_and_ids_that_a_reader_can_look_up(advisory):
    pdf = opened(advisory)
    headers = elements(pdf, "/TH")
    scopes = {str(cell.ID): str(cell.A.Scope) for cell in headers}
    assert len(scopes) == len(headers)
    assert sorted(scopes.values()).count("/Row") == 60
    tables = len(elements(pdf, "/Table"))
    assert sorted(scopes.values()).count("/Column") == 3 * tables

    names = list(pdf.Root.StructTreeRoot.IDTree.Names)
    ids = [bytes(name) for name in names[::2]]
    assert ids == sorted(ids)
    assert {str(name): cell.objgen for name, cell in zip(names[::2], names[1::2], strict=True)} == {
        str(cell.ID): cell.objgen for cell in headers
    }
    cells = elements(pdf, "/TD")
    assert len(cells) == 120
    for cell in cells:
        assert [scopes[str(name)] for name in cell.A.Headers] == ["/Row", "/Column"]


def test_latin_extended_letters_keep_their_own_glyphs(advisory):
    assert any("Œuvre, " in text for *_, text in drawn(opened(advisory)))
    text = "".join(text for *_, text in drawn(opened(advisory)))
    assert "Œuvre, Čapek, ő, ¶12." in text


def test_the_same_document_gives_the_same_bytes_after_others(advisory):
    print_pdf(page("".join(map(note, NOTES.values()))), css="p { color: red }")
    assert print_pdf(page(ADVISORY), css=CSS) == advisory


@pytest.mark.slow
def test_a_process_that_has_printed_its_share_is_replaced_and_the_next_prints_the_same_bytes(
    advisory, own_process, monkeypatch
):
    monkeypatch.setattr(press, "_DOCUMENTS_PER_PROCESS", 1)
    print_pdf(page("<p>x"))
    (child,) = multiprocessing.active_children()
    assert print_pdf(page(ADVISORY), css=CSS) == advisory
    assert child not in multiprocessing.active_children()


def test_a_document_bears_no_date_unless_it_states_one(advisory):
    assert not {"/CreationDate", "/ModDate"} & set(opened(advisory).docinfo.keys())
    with opened(advisory).open_metadata() as metadata:
        assert [key for key in metadata if "date" in key.lower()] == []
    stated = opened(print_pdf(page("<p>x", head='<meta name="dcterms.created" content="2026-05-01">')))
    assert str(stated.docinfo["/CreationDate"]).startswith("D:20260501")


@pytest.mark.parametrize(
    "asks",
    [
        '<img alt="x" src="{url}">',
        '<link rel="attachment" href="{url}">',
        '<link rel="stylesheet" href="{url}">',
        '<style>@import "{url}";</style>',
        "<style>p {{ background: url({url}) }}</style>",
        "<style>@font-face {{ font-family: x; src: url({url}) }} p {{ font-family: x }}</style>",
        '<svg xmlns="http://www.w3.org/2000/svg"><title>x</title><image href="{url}"/></svg>',
    ],
    ids=["image", "attachment", "stylesheet", "import", "background", "font", "svg"],
)
@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "http://127.0.0.1:9/x",
        "data:text/css;base64,cHt9",
        "portal:fonts/../../manage.py",
    ],
    ids=["file", "http", "data", "dots"],
)
def test_a_resource_that_is_not_ours_stops_the_document(asks, url):
    with pytest.raises(PressError, match="our own fonts") as caught:
        print_pdf(page("<p>x</p>" + asks.format(url=url)))
    assert caught.value.reason == PrintProblem.REFUSED
    assert url.split(":")[0] in str(caught.value)


def test_the_base_stylesheet_may_not_fetch_either():
    with pytest.raises(PressError) as caught:
        print_pdf(page("<p>x"), css="@import 'file:///etc/passwd';")
    assert caught.value.reason == PrintProblem.REFUSED


def test_a_relative_address_stops_the_document():
    with pytest.raises(PressError) as caught:
        print_pdf(page('<img alt="x" src="logo.png">'))
    assert caught.value.reason in (PrintProblem.REFUSED, PrintProblem.BAD_DOCUMENT)


@pytest.mark.parametrize(
    ("html", "reason", "words"),
    [
        (page("<p>" + "x" * press.MAX_HTML), PrintProblem.TOO_LARGE, "of HTML. The limit is 1,000,000"),
        (page("<p>word " * 13_000), PrintProblem.TOO_LARGE, "60,000"),
        (page("<p>\ue000"), PrintProblem.MISSING_GLYPH, r"U\+E000.*apt-get install"),
        (page("<p><a href='#nowhere'>x</a>"), PrintProblem.BAD_DOCUMENT, "nowhere"),
        (page("<div>" * 400 + "x"), PrintProblem.BAD_DOCUMENT, "nested"),
        (page("<p>x").replace('lang="en-CA"', ""), PrintProblem.BAD_DOCUMENT, "lang"),
        (page("<p>x").replace("<title>Advisory</title>", ""), PrintProblem.BAD_DOCUMENT, "title"),
    ],
    ids=["html", "text", "glyph", "link", "nesting", "language", "title"],
)
def test_a_document_that_cannot_be_printed_well_is_refused_in_words(html, reason, words):
    with pytest.raises(PressError, match=words) as caught:
        print_pdf(html)
    assert caught.value.reason == reason
    assert "Traceback" not in str(caught.value)


def test_a_document_that_takes_too_long_is_stopped_and_the_next_one_prints():
    slow = page(f"<table><tr><th>x<td>{'x' * 3000}</table>")
    with pytest.raises(PressError, match=r"more than 0\.5 seconds") as caught:
        print_pdf(slow, css="td { overflow-wrap: anywhere }", seconds=0.5)
    assert caught.value.reason == PrintProblem.TOO_SLOW
    assert print_pdf(page("<p>Still here")).startswith(b"%PDF-1.7")


def test_a_printing_process_that_dies_is_replaced(own_process):
    print_pdf(page("<p>x"))
    (child,) = multiprocessing.active_children()
    child.kill()
    child.join()
    with suppress(PressError):  # the loss may be noticed before this document or by it
        print_pdf(page("<p>x"))
    assert print_pdf(page("<p>Still here")).startswith(b"%PDF-1.7")


def test_many_threads_each_get_their_own_document():
    with ThreadPoolExecutor(8) as threads:
        pdfs = list(threads.map(lambda n: print_pdf(page(f"<h1>Document {n}</h1>")), range(16)))
    texts = [[text for *_, text in drawn(opened(pdf))] for pdf in pdfs]
    assert texts == [[f"Document {n}"] for n in range(16)]


def test_without_the_libraries_the_message_says_how_to_install_them(
    own_process, tmp_path, monkeypatch, capfd
):
    stub = "print('advice'); raise OSError(\"cannot load library 'libpango-1.0-0'\")"
    (tmp_path / "weasyprint.py").write_text(stub)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(PressError, match=r"libpango.*apt-get install --yes libpango") as caught:
        print_pdf(page("<p>x"))
    assert caught.value.reason == PrintProblem.NO_LIBRARY
    assert capfd.readouterr().out == ""


COMMAND = """
import os, pathlib, sys
with open("log", "a") as log:
    log.write(__name__ + "\\n")
if __name__ == "__main__":
    from assessments.pdf.press import print_pdf
    html = sys.argv[1]
    first = print_pdf(html)
    child = os.fork()
    if child == 0:
        sys.exit(0 if print_pdf(html) == first else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert print_pdf(html) == first
    assert "weasyprint" not in sys.modules and "django" not in sys.modules
"""


def test_a_command_prints_forks_and_ends_in_peace_without_being_run_again(tmp_path):
    (tmp_path / "command.py").write_text(COMMAND)
    ended = subprocess.run(
        # Since Python 3.12, to fork beside threads is warned of.
        [sys.executable, "-W", "ignore:This process:DeprecationWarning", "command.py", page("<p>x")],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    # A spawned process imports it under another name.
    names = (tmp_path / "log").read_text().splitlines()
    assert (names.count("__main__"), set(names)) == (1, {"__main__", "__mp_main__"})
    assert list(tmp_path.glob("press-*")) == []


@pytest.fixture(scope="module")
def notes() -> pikepdf.Pdf:
    return opened(print_pdf(page("".join(map(note, NOTES.values())))))


def test_notes_in_the_citys_languages_say_their_language_and_letters_in_order(notes):
    spans = [span for span in elements(notes, "/Span") if "/Lang" in span]
    assert {str(span.Lang): str(span.ActualText) for span in spans} == NOTES
    marked = {str(properties.get("/ActualText")) for _, properties, *_ in drawn(notes)}
    assert marked == set(NOTES.values())


def test_notes_in_the_citys_languages_are_drawn_with_their_own_letters(notes):
    text = "".join(text for *_, text in drawn(notes))
    for written in NOTES.values():
        assert {c for c in written if unicodedata.category(c) == "Lo"} <= set(text)
    for language in ("zh-Hans", "zh-Hant", "ru", "ko"):
        assert NOTES[language] in text


def test_a_right_to_left_note_reads_from_right_to_left_with_its_latin_word_inside(notes):
    # Glyphs are drawn from left to right, so the note's end comes first and its first word last.
    pieces = drawn(notes)
    line = "".join(text for _, properties, _, text in pieces if properties == pieces[0][1])
    assert line.startswith(".2022")
    assert " Facebook " in line
    assert line.endswith("هذا"[::-1])


def test_what_no_font_has_is_named_and_nothing_is_missing():
    text = "Hi \U0001f600 \ue000 \ud800 \U0010ffff\x07 " + "e" + "\u0301" * 60 + "y" * 2000
    pdf = opened(print_pdf(page(note(text)), css=CSS))
    assert "Hi [grinning face] [U+E000] [U+D800] [U+10FFFF]" in drawn(pdf)[0][-1]


def test_what_typeset_lets_through_prints_whatever_the_script():
    some = [chr(code) for code in sorted(printable())[::61]]
    words = "".join(char + " " * (i % 4 == 0) for i, char in enumerate(some))
    words += " \U00011fc0 \U00011fc1 "  # Tamil fractions, in a font that has no space
    assert print_pdf(page(f"<h1>{escape(typeset(words).text)}</h1>")).startswith(b"%PDF")


# --- Collections ----------------------------------------------------------------------------------


def test_a_collection_is_printed_beside_other_documents_and_one_at_a_time(monkeypatch):
    def not_this_one() -> None:
        raise AssertionError("others would wait for it")

    with monkeypatch.context() as patch:
        patch.setattr(press._document_press, "pool", not_this_one)
        assert print_collection(page("<p>Two</p>"), documents=2).startswith(b"%PDF")
    assert press._collection_press._pool is None
    with press._collection_press._places:
        with pytest.raises(PressError) as refused:
            print_collection(page("<p>Two</p>"), documents=2)
        assert refused.value.reason == PrintProblem.BUSY
        assert print_pdf(page("<p>One</p>")).startswith(b"%PDF")


def test_the_place_of_a_collection_is_free_only_once_its_process_has_ended(monkeypatch):
    press_of_one = press._Press(callers=1, stays=False)
    free = []
    monkeypatch.setattr(
        press_of_one, "stop", lambda: free.append(press_of_one._places.acquire(blocking=False))
    )
    with press_of_one.place():
        pass
    assert free == [False]
    assert press_of_one._places.acquire(blocking=False)
