"""The proof of a PDF: printed, scanned and read back, also from files that are changed, foreign or hostile."""

import re
import zlib
from collections.abc import Callable
from hashlib import md5, sha256, sha512
from io import BytesIO
from itertools import pairwise
from random import Random
from time import monotonic
from typing import Any

import pikepdf
import pytest

from assessments.pdf import judging, press, reader
from assessments.pdf.authenticity import (
    ALPHABET,
    MAX_RECORD,
    RECORD_NAME,
    Proof,
    new_code,
    qr_svg,
    read_code,
    read_codes,
)
from assessments.pdf.judging import (
    EXPLANATIONS,
    MAX_PDF,
    NOT_OURS,
    OTHER_CODE,
    STANDINGS,
    KnownDocument,
    NotOurs,
    TooBusy,
    judge,
    read_pdf,
)
from assessments.pdf.press import print_pdf
from assessments.rendering.data import advisory_json
from assessments.rendering.documents import advisory_css, advisory_html, advisory_pdf
from assessments.rendering.projection import Projection, project
from assessments.samples import sample
from assessments.scoring.assess import assess
from assessments.scoring.document import read_document
from bulletin import shelf
from tests.reading import assert_pdf_ua, blocks_of_pdf, flat, margins_of_pdf, opened
from tests.scanning import scanned

CODE = "7KQ2-M0XV-4D8P-R1ZC-9TBH"
ADDRESS = f"https://selfcheck.toronto.example/verify/{CODE}"
MM = 72 / 25.4


def projection_and_record(name: str) -> tuple[Projection, bytes]:
    document = read_document(sample(name), shelf.editions(), shelf.calendar())
    assert document.as_of
    on = document.election or shelf.calendar().default_for(document.as_of)
    advisory = assess(document.edition, document.answers, as_of=document.as_of, election=on)
    return project(advisory, document), advisory_json(advisory)


PROJECTION, RECORD = projection_and_record("conversion")
PROOF = Proof(CODE, ADDRESS, RECORD, "Attested on 12 May 2026 by Pat Lee")
SHA256 = sha256(RECORD).hexdigest()


@pytest.fixture(scope="module")
def pdf() -> bytes:
    return advisory_pdf(PROJECTION, PROOF)


# --- The code -----------------------------------------------------------------


def test_a_new_code_has_twenty_letters_of_crockfords_in_fours_and_is_like_no_other():
    codes = {new_code() for _ in range(2_000)}
    assert len(codes) == 2_000
    assert all(re.fullmatch(rf"[{ALPHABET}]{{4}}(-[{ALPHABET}]{{4}}){{4}}", code) for code in codes)
    assert set("".join(codes)) == set(ALPHABET) | {"-"}
    assert (len(ALPHABET), set("ILOU") & set(ALPHABET)) == (32, set())
    assert all(read_code(code) == code for code in codes)


@pytest.mark.parametrize(
    "typed",
    [
        CODE,
        CODE.lower(),
        CODE.replace("-", ""),
        CODE.replace("-", " "),
        CODE.replace("-", " – "),
        CODE.replace("-", "\u2011"),
        CODE.replace("-", "\u00ad"),
        f"  {CODE}\r\n",
        CODE.replace("0", "O").replace("1", "I"),
        CODE.replace("0", "o").replace("1", "l"),
        "7 K Q 2 M 0 X V 4 D 8 P R 1 Z C 9 T B H",
        CODE.replace("7", "７"),
        f"\u200e{CODE}\u200b",
        f"\ufeff{CODE[:7]}\u200b{CODE[7:]}",
        ADDRESS,
        f"Verification code {CODE}.",
        f"It is the code {CODE.replace('-', ' ')} from this page.",
        f"this {CODE.lower()} from page",
        f"On Monday, Pat Lee wrote:\r\n> {CODE[:15]}\r\n> {CODE[15:]}\r\n> Sent from my phone",
        f"Open {ADDRESS}?x=1 now",
    ],
)
def test_a_code_is_read_however_it_is_typed(typed):
    assert read_code(typed) == CODE


OTHER = "0A1B-2C3D-4E5F-6G7H-8J9K"


@pytest.mark.parametrize(
    ("typed", "codes"),
    [
        (f"{CODE} and {OTHER}", [CODE, OTHER]),
        (f"{OTHER}\r\n{CODE}", [OTHER, CODE]),
        (f"{CODE} {OTHER.replace('-', ' ')}", [CODE, OTHER]),
        (f"{OTHER.lower()} > {ADDRESS} {CODE}", [OTHER, CODE]),
        (
            f"It is the code {CODE.replace('-', ' ')} from this page that says 2019 this that have from.",
            [CODE],
        ),
        (f"{CODE} {CODE[:9]}", [CODE]),
        ("that this form will have it", []),
    ],
)
def test_each_code_of_a_text_is_read_once_and_in_its_order(typed, codes):
    assert read_codes(typed) == codes


@pytest.mark.parametrize(
    "typed",
    [
        *(
            "",
            "-",
            CODE[:-1],
            CODE + "0",
            ADDRESS + "0",
            "0" * 10_000,
            "that this form will have it",
            "ß" * 10,
            "\x00" * 20,
            "ı" * 20,
        ),
        *(CODE.replace("7", other) for other in "Uu/é"),
    ],
)
def test_what_is_no_code_is_none(typed):
    assert read_code(typed) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"code": CODE.lower()},
        {"code": CODE.replace("-", "")},
        {"address": "https://selfcheck.toronto.example/verify/"},
        {"address": f"javascript:alert(1)/{CODE}"},
        {"address": f"https://élu.example/{CODE}"},
        {"address": f"https://x.example/a b/{CODE}"},
        {"record": b""},
        {"record": b"x" * (MAX_RECORD + 1)},
        {"stamp": "Attested\nby nobody"},
        {"stamp": "x" * 161},
    ],
)
def test_a_proof_that_could_not_be_checked_cannot_be_made(wrong):
    with pytest.raises(ValueError, match=r"is no|is not|a record has|a stamp is"):
        Proof(**{"code": CODE, "address": ADDRESS, "record": RECORD, "stamp": "", **wrong})


# --- The square ---------------------------------------------------------------


@pytest.mark.parametrize("length", [0, 30, 90, 200])
def test_the_square_says_the_address_and_has_its_quiet_zone(length):
    address = f"https://x.example/{'long/' * (length // 5)}verify/{new_code()}"
    svg = qr_svg(address)
    runs = [(int(x), int(y), int(n)) for x, y, n in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", svg)]
    assert scanned(runs) == address
    viewbox = re.search(r'viewBox="0 0 (\d+) (\d+)"', svg)
    assert viewbox
    width, height = map(int, viewbox.groups())
    assert min(x for x, _, _ in runs) == min(y for _, y, _ in runs) == 4
    assert max(x + n for x, _, n in runs) == width - 4
    assert max(y + 1 for _, y, _ in runs) == height - 4
    assert f'<rect width="{width}" height="{height}" fill="#ffffff"/><path d="M' in svg
    assert svg.endswith('z" fill="#000000"/></svg>')


def test_the_square_needs_no_stylesheet_and_names_the_address_in_its_title():
    svg = qr_svg("https://x.example/?a=1&b=<i>")
    assert "<title>QR code that opens https://x.example/?a=1&amp;b=&lt;i&gt;</title>" in svg
    assert not re.search(r"style|class|<script|\son", svg)


def drawn_square(pdf: pikepdf.Pdf) -> tuple[list[tuple[int, int, int]], float]:
    """The dark runs of the only figure on the pages, and the size of a module in millimetres."""
    runs: list[tuple[int, int, int]] = []
    inside, scale, corners = False, 0.75, list[tuple[float, float]]()
    for leaf in pdf.pages:
        for instruction in pikepdf.parse_content_stream(leaf):
            operands: Any = instruction.operands
            match str(instruction.operator):
                case "BDC" | "BMC":
                    inside = str(operands[0]) == "/Figure"
                case "cm" if inside:
                    scale *= float(operands[0])
                case "m" | "l" if inside:
                    corners = [] if str(instruction.operator) == "m" else corners
                    corners.append((float(operands[0]), float(operands[1])))
                case "h" if inside:
                    (left, top), (right, _), (_, foot), _ = corners
                    assert foot == top + 1
                    runs.append((int(left), int(top), int(right - left)))
        inside = False
    return runs, scale / MM


def figures(pdf: pikepdf.Pdf) -> list[Any]:
    return [
        o for o in pdf.objects if isinstance(o, pikepdf.Dictionary) and o.get("/S") == pikepdf.Name.Figure
    ]


def test_the_printed_square_says_the_address_and_is_large_enough_to_scan(pdf):
    runs, module = drawn_square(opened(pdf))
    assert scanned(runs) == ADDRESS
    size = max(x + n for x, _, n in runs) - min(x for x, _, _ in runs)
    assert 22 <= size * module <= 30
    assert module >= 0.5


def test_the_printed_square_is_a_figure_with_its_alternative_text_and_its_place_on_the_page(pdf):
    read = opened(pdf)
    (figure,) = figures(read)
    assert str(figure.Alt) == f"QR code that opens {ADDRESS}"
    left, foot, right, head = (float(side) for side in figure.A.BBox)
    assert right - left == pytest.approx(34 * MM, abs=0.1)
    assert head - foot == pytest.approx(34 * MM, abs=0.1)
    assert left == pytest.approx(14 * MM, abs=0.1)
    assert 17 * MM < foot < head < 792 - 14 * MM


# --- What is printed ----------------------------------------------------------


@pytest.mark.parametrize("name", ["conversion", "nothing-flagged"])
def test_a_pdf_with_a_proof_is_pdf_ua_and_says_how_to_check_it_on_its_last_page(name, tmp_path, monkeypatch):
    projection, record = projection_and_record(name)
    proven = advisory_pdf(projection, Proof(CODE, ADDRESS, record, "Attested on 12 May 2026"))
    path = tmp_path / "advisory.pdf"
    path.write_bytes(proven)
    assert_pdf_ua(path, monkeypatch)
    read, plain = opened(proven), opened(advisory_pdf(projection))
    blocks = [(tag, flat(text)) for tag, text in blocks_of_pdf(read)]
    before = [(tag, flat(text)) for tag, text in blocks_of_pdf(plain)]
    assert blocks[: len(before)] == before
    assert blocks[len(before) :][0] == ("h2", "Verifythisdocument")
    text = "".join(block for _, block in blocks[len(before) :])
    for wanted in (CODE, ADDRESS, sha256(record).hexdigest(), "current,supersededorwithdrawn", "authentic"):
        assert wanted in text
    assert figures(read)[0].Pg.objgen == read.pages[-1].obj.objgen
    assert str(read.docinfo.Title) == str(plain.docinfo.Title)
    assert len(read.pages) <= 8
    for margins in margins_of_pdf(read):
        assert f"{CODE} · Attested on 12 May 2026" in margins
        assert projection.stamp in margins


def test_a_stamp_in_any_script_prints_and_is_escaped():
    stamped = Proof(CODE, ADDRESS, RECORD, "Attested by <b>Lê Thị Ánh</b>, アカウント")
    assert "by <b>Lê Thị Ánh</b>, アカウント" in margins_of_pdf(opened(advisory_pdf(PROJECTION, stamped)))[0]


def test_the_record_is_embedded_as_the_documents_data_with_its_size_and_checksum(pdf):
    read = opened(pdf)
    (file,) = read.Root.AF
    assert file.objgen == pikepdf.NameTree(read.Root.Names.EmbeddedFiles)["record.json"].objgen
    assert (str(file.AFRelationship), str(file.F), str(file.UF)) == ("/Data", "record.json", "record.json")
    assert CODE in str(file.Desc)
    content = file.EF.F
    assert content.objgen == file.EF.UF.objgen
    assert content.read_bytes() == RECORD
    assert (str(content.Type), str(content.Subtype)) == ("/EmbeddedFile", "/application/json")
    assert int(content.Params.Size) == len(RECORD)
    assert bytes(content.Params.CheckSum) == md5(RECORD, usedforsecurity=False).digest()
    assert str(content.Params.ModDate) == str(read.docinfo.CreationDate)


@pytest.mark.slow
def test_a_pdf_with_a_proof_is_the_same_bytes_from_another_process_and_bears_no_date_but_its_own(pdf):
    press.stop()
    assert advisory_pdf(PROJECTION, PROOF) == pdf
    read = opened(pdf)
    dates = {
        str(o[key])
        for o in read.objects
        if isinstance(o, pikepdf.Dictionary | pikepdf.Stream)
        for key in sorted(o.keys())
        if "Date" in key
    }
    assert dates == {str(read.docinfo.CreationDate)}
    assert str(read.docinfo.CreationDate).startswith("D:20260510000000-04'00")


def test_without_a_proof_a_pdf_holds_nothing_of_one():
    plain = advisory_pdf(PROJECTION)
    assert plain == advisory_pdf(PROJECTION, None) == print_pdf(advisory_html(PROJECTION), css=advisory_css())
    assert not {"/AF", "/Names"} & set(opened(plain).Root.keys())
    assert "Verify this document" not in advisory_html(PROJECTION)


# --- Read back ----------------------------------------------------------------


class Registry:
    """The look-ups of a portal that has made one PDF."""

    def __init__(self, pdf: bytes, standing: judging.Standing = "current") -> None:
        document = KnownDocument(CODE, standing)
        self.files = {sha256(pdf).hexdigest(): document}
        self.records = {SHA256: document}
        self.codes = {CODE: document}

    def judge(self, file: bytes) -> judging.FileVerdict:
        return judge(
            file, known_file=self.files.get, known_record=self.records.get, known_code=self.codes.get
        )


@pytest.fixture(scope="module")
def portal(pdf: bytes) -> Registry:
    return Registry(pdf)


def resaved(pdf: bytes, change: Callable[[pikepdf.Pdf], object] = lambda _: None, **options: Any) -> bytes:
    with opened(pdf) as changed:
        change(changed)
        saved = BytesIO()
        changed.save(saved, **options)
    return saved.getvalue()


def test_a_pdf_gives_back_its_code_and_its_record(pdf):
    proof = read_pdf(pdf)
    assert (proof.code, proof.record, proof.sha256) == (CODE, RECORD, SHA256)


@pytest.mark.parametrize("standing", STANDINGS)
def test_the_file_that_the_portal_made_is_authentic_and_is_never_opened(pdf, standing, monkeypatch):
    monkeypatch.setattr(judging, "read_pdf", lambda _: pytest.fail("opened"))
    verdict = Registry(pdf, standing).judge(pdf)
    assert verdict.authentic
    assert verdict.explanation == (EXPLANATIONS["authentic"], STANDINGS[standing])
    assert verdict.document == KnownDocument(CODE, standing)
    assert verdict.headline == "This file is authentic"


def as_it_is(pdf: bytes, change: Callable[[pikepdf.Pdf], object]) -> bytes:
    """Change a PDF, and save every stream as the change left it."""
    return resaved(pdf, change, compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.none)


def without_af(pdf: pikepdf.Pdf) -> None:
    del pdf.Root.AF


def without_names(pdf: pikepdf.Pdf) -> None:
    del pdf.Root.Names


def with_another_page(pdf: pikepdf.Pdf) -> None:
    pdf.add_blank_page()


@pytest.mark.parametrize(
    "saved",
    [
        resaved,
        lambda pdf: resaved(pdf, object_stream_mode=pikepdf.ObjectStreamMode.generate),
        lambda pdf: resaved(pdf, linearize=True),
        lambda pdf: resaved(pdf, compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.all),
        lambda pdf: resaved(pdf, without_af),
        lambda pdf: resaved(pdf, without_names),
        lambda pdf: resaved(pdf, with_another_page),
        lambda pdf: pdf + b"\n",
        lambda pdf: b"\n" + pdf,
    ],
    ids=["anew", "packed", "linear", "plain", "no-af", "no-names", "page", "end", "start"],
)
def test_a_file_saved_anew_or_changed_keeps_its_authentic_data_and_is_not_authentic(pdf, portal, saved):
    verdict = portal.judge(saved(pdf))
    assert verdict.judgement == "changed"
    assert verdict.explanation == (EXPLANATIONS["changed"], STANDINGS["current"])
    assert verdict.document == KnownDocument(CODE, "current")
    assert not verdict.authentic


def with_record(record: bytes) -> Callable[[pikepdf.Pdf], None]:
    def change(pdf: pikepdf.Pdf) -> None:
        pdf.Root.AF[0].EF.F.write(record)

    return change


def with_code(about: str) -> Callable[[pikepdf.Pdf], None]:
    def change(pdf: pikepdf.Pdf) -> None:
        pdf.Root.AF[0].Desc = about

    return change


def test_another_record_under_a_known_code_is_judged_forged(pdf, portal):
    verdict = portal.judge(resaved(pdf, with_record(RECORD.replace(b"true", b"false", 1))))
    assert (verdict.judgement, verdict.explanation) == ("forged", (EXPLANATIONS["forged"],))


def test_a_record_and_a_code_that_are_both_unknown_are_judged_unknown(pdf, portal):
    def change(pdf: pikepdf.Pdf) -> None:
        with_record(b"{}")(pdf)
        with_code(f"Verification code {new_code()}")(pdf)

    verdict = portal.judge(resaved(pdf, change))
    assert (verdict.judgement, verdict.document) == ("unknown", None)


def test_a_known_record_under_another_code_is_reported(pdf, portal):
    verdict = portal.judge(resaved(pdf, with_code(f"Verification code {new_code()}")))
    assert verdict.judgement == "changed"
    assert OTHER_CODE in verdict.explanation


@pytest.mark.parametrize("about", ["", "nothing", "x" * 10_000])
def test_a_record_without_a_code_is_found_all_the_same(pdf, portal, about):
    changed = resaved(pdf, with_code(about))
    assert read_pdf(changed).code is None
    assert portal.judge(changed).explanation == (EXPLANATIONS["changed"], STANDINGS["current"])


def test_a_file_with_any_one_byte_changed_is_not_authentic(pdf, portal, monkeypatch):
    # In this process: two hundred others would take too long.
    def read_here(file: bytes) -> bytes:
        try:
            about, record = reader.embedded_file(file, RECORD_NAME, MAX_RECORD)
        except reader.UnreadableFile as reason:
            return b'{"unread": "%s"}\n' % str(reason).encode()
        return b'{"about": "%s"}\n' % about.encode() + record

    monkeypatch.setattr(judging, "_run_reader", read_here)
    random = Random(7)  # noqa: S311 - nothing is kept secret with it
    findings = []
    for place in random.sample(range(len(pdf)), 200):
        changed = bytearray(pdf)
        changed[place] ^= random.randint(1, 255)
        verdict = portal.judge(bytes(changed))
        assert not verdict.authentic
        assert verdict.sha256 not in portal.files
        findings.append(verdict.judgement)
    assert set(findings) <= {"changed", "forged", "unknown"}
    assert "changed" in findings


# --- What is not ours ---------------------------------------------------------


def foreign() -> bytes:
    saved = BytesIO()
    blank = pikepdf.new()
    blank.add_blank_page()
    blank.save(saved)
    return saved.getvalue()


def with_two(pdf: pikepdf.Pdf) -> None:
    second = pikepdf.Dictionary(F="record.json", EF=pikepdf.Dictionary(F=pdf.make_stream(b"{}")))
    pdf.Root.AF.append(pdf.make_indirect(second))


def with_filter(name: str) -> Callable[[pikepdf.Pdf], None]:
    def change(pdf: pikepdf.Pdf) -> None:
        pdf.Root.AF[0].EF.F.write(b"7b7d>", filter=pikepdf.Name(name))

    return change


def with_bomb(pdf: pikepdf.Pdf) -> None:
    packed = zlib.compress(bytes(200_000_000))
    pdf.Root.AF[0].EF.F.write(packed, filter=pikepdf.Name.FlateDecode)


def by_hand(objects: dict[int, bytes], packed_in: int | None = None) -> bytes:
    """A PDF with a cross-reference stream. With `packed_in`, its root (object 2) is in that object stream."""
    out, at = b"%PDF-1.7\n", dict[int, int]()
    page = b"<</Type /Page /Parent 1 0 R /MediaBox [0 0 9 9]>>"
    objects = {1: b"<</Type /Pages /Kids [9 0 R] /Count 1>>", 9: page, **objects}
    for number, body in objects.items():
        at[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    size = max(objects) + 2
    table = b""
    for number in range(size):
        if number == 2 and packed_in:
            table += b"\2" + packed_in.to_bytes(4, "big") + b"\0\0"
        else:
            place = at.get(number, len(out) if number == size - 1 else 0)
            table += (b"\1" if place else b"\0") + place.to_bytes(4, "big") + b"\0\0"
    head = b"/Type /XRef /Size %d /W [1 4 2] /Root 2 0 R" % size
    return out + b"%d 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF" % (size - 1, stream(table, head), len(out))


def stream(content: bytes, head: bytes = b"") -> bytes:
    return b"<<%s /Length %d>>\nstream\n%s\nendstream" % (head, len(content), content)


def in_an_object_stream(spaces: int) -> bytes:
    file = b"<</F (record.json) /EF <</F 4 0 R>>>>"
    packed = zlib.compress(b"2 0 <</Type /Catalog /Pages 1 0 R /AF [%s]>>%s" % (file, b" " * spaces))
    head = b"/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode"
    return by_hand({3: stream(packed, head), 4: stream(b"{}")}, packed_in=3)


def table_bomb() -> bytes:
    packed = zlib.compress(bytes(200_000_000))
    head = b"/Type /XRef /Size 200000000 /W [1 4 2] /Root 2 0 R /Filter /FlateDecode"
    return b"%%PDF-1.7\n1 0 obj\n%s\nendobj\nstartxref\n9\n%%%%EOF" % stream(packed, head)


def nested() -> bytes:
    return by_hand({2: b"<</Type /Catalog /Pages 1 0 R /AF %s>>" % (b"[" * 2_000_000)})


def circle_of_names() -> bytes:
    return by_hand(
        {
            2: b"<</Type /Catalog /Pages 1 0 R /Names <</EmbeddedFiles 3 0 R>>>>",
            3: b"<</Kids [3 0 R 3 0 R]>>",
        }
    )


def test_a_pdf_that_is_written_by_hand_is_read(portal):
    file = b"<</F (record.json) /Desc (Verification code %s) /EF <</F 4 0 R>>>>" % CODE.encode()
    pdf = by_hand({2: b"<</Type /Catalog /Pages 1 0 R /AF [3 0 R]>>", 3: file, 4: stream(b"{}")})
    assert read_pdf(pdf) == judging.EmbeddedProof(CODE, b"{}", sha256(b"{}").hexdigest())
    assert portal.judge(pdf).judgement == "forged"
    assert read_pdf(in_an_object_stream(20)).record == b"{}"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda _: b"", "empty"),
        (lambda _: b"PK\3\4" + bytes(5_000), "no_pdf"),
        (lambda pdf: pdf + bytes(MAX_PDF), "too_large"),
        (lambda _: foreign(), "no_record"),
        (lambda _: print_pdf("<html lang=en><title>x</title><p>x"), "no_record"),
        (lambda pdf: pdf[:9], "damaged"),
        (lambda pdf: pdf[: len(pdf) // 2], "damaged"),
        (lambda pdf: pdf[:-40], "damaged"),
        (lambda _: b"%PDF-1.7" + sha512(b"noise").digest() * 2_000, "damaged"),
        (lambda pdf: resaved(pdf, encryption=pikepdf.Encryption(owner="a", user="b")), "encrypted"),
        (lambda pdf: resaved(pdf, encryption=pikepdf.Encryption(owner="a", user="")), "encrypted"),
        (lambda pdf: resaved(pdf, with_two), "several"),
        (lambda pdf: as_it_is(pdf, with_filter("/ASCIIHexDecode")), "damaged"),
        (lambda pdf: as_it_is(pdf, with_filter("/FlateDecode")), "damaged"),
        (lambda pdf: as_it_is(pdf, with_bomb), "too_much"),
        (lambda _: in_an_object_stream(200_000_000), "damaged"),  # as qpdf calls it
        (lambda _: table_bomb(), "damaged"),
        (lambda _: nested(), "too_much"),
        (lambda _: circle_of_names(), "no_record"),
    ],
    ids=[
        *("empty", "zip", "large", "foreign", "of-ours-without", "head", "half", "tail", "noise", "password"),
        *("owner", "two", "hex", "flate", "bomb", "bomb-of-objects", "bomb-of-table", "nested", "circle"),
    ],
)
def test_what_is_not_ours_is_refused_in_plain_words_and_soon(pdf, portal, make, reason):
    file = make(pdf)
    started = monotonic()
    with pytest.raises(NotOurs) as caught:
        read_pdf(file)
    assert str(caught.value) == NOT_OURS[reason]
    assert monotonic() - started < 8
    verdict = portal.judge(file)
    assert verdict.judgement == "unknown"
    # A file that is not a PDF was never one of ours, and needs no other explanation.
    others = () if reason in ("empty", "no_pdf") else (EXPLANATIONS["unknown"],)
    assert verdict.explanation == (str(caught.value), *others)


def test_a_reading_that_does_not_end_is_stopped(pdf, tmp_path, monkeypatch):
    (tmp_path / "reader.py").write_text("while True: pass")
    monkeypatch.setattr(judging, "_READER", tmp_path / "reader.py")
    monkeypatch.setattr(judging, "_SECONDS", 0.5)
    with pytest.raises(NotOurs, match="more time or memory"):
        read_pdf(pdf)


def test_a_reading_that_crashes_is_reported_in_words(pdf, tmp_path, monkeypatch):
    (tmp_path / "reader.py").write_text("import os; os.abort()")
    monkeypatch.setattr(judging, "_READER", tmp_path / "reader.py")
    with pytest.raises(NotOurs, match="more time or memory"):
        read_pdf(pdf)


def test_one_file_more_than_can_be_read_at_a_time_is_refused_with_words_to_try_again(
    pdf, portal, monkeypatch
):
    monkeypatch.setattr(judging, "_WAIT", 0.05)
    with judging._places, judging._places, pytest.raises(TooBusy, match="Try again"):
        portal.judge(resaved(pdf))
    assert portal.judge(resaved(pdf)).judgement == "changed"


def test_all_the_words_for_people_are_plain():
    for text in (*NOT_OURS.values(), *EXPLANATIONS.values(), *STANDINGS.values(), OTHER_CODE):
        assert re.fullmatch(r"[A-Z].*\.", text)
        assert not re.search(r"compliant|violat|breach|invalid|error|exception|hash", text, re.IGNORECASE)
        assert all(len(sentence.split()) <= 24 for sentence in re.split(r"[.:] ", text))
    assert all(first != second for first, second in pairwise(sorted(NOT_OURS.values())))
