"""Tables that people upload or paste: whichever way a spreadsheet or a person wrote them, they read the same."""

import codecs
import time

import pytest

from assessments.typed.tables import TableFault, decoded, is_formula, read_table

NAMES = {
    "email": ("Email", "Email address"),
    "role": ("Role",),
    "seat": ("Seat", "Ward"),
    "day": ("First day",),
}
ROWS = [
    ("pat@example.ca", "Member", "Councillor, Ward 10", "2026-12-01"),
    ("zoé@example.ca", "Officer", "", ""),
]
CSV = "\r\n".join(
    [
        "Email,Role,Seat,First day",
        'pat@example.ca,Member,"Councillor, Ward 10",2026-12-01',
        "zoé@example.ca,Officer,,",
    ]
)


def read(text: str) -> list[tuple[str, ...]]:
    table = read_table(text, NAMES)
    return [tuple(row.cells.get(key, "") for key in NAMES) for row in table.rows]


# --- Encodings ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        CSV.encode(),
        codecs.BOM_UTF8 + CSV.encode(),
        CSV.encode("utf-16"),
        codecs.BOM_UTF16_BE + CSV.encode("utf-16-be"),
        CSV.encode("cp1252"),
        CSV.encode("latin-1"),
        CSV.replace("\r\n", "\n").encode(),
        CSV.replace("\r\n", "\r").encode(),
        (CSV + "\r\n\r\n,,,\r\n").encode(),
    ],
)
def test_a_file_reads_the_same_in_any_encoding_and_with_any_line_ends(raw):
    assert read(decoded(raw)) == ROWS


def test_the_punctuation_of_windows_is_read():
    assert decoded("Commissioner’s – office".encode("cp1252")) == "Commissioner’s – office"


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (b"%PDF-1.7\n...", "This is a PDF."),
        (b"PK\x03\x04...", "a spreadsheet file, not a CSV file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "a spreadsheet file, not a CSV file"),
        (b"\x89PNG\x00\x00", "not a text file"),
    ],
)
def test_a_file_of_another_kind_is_named(raw, what):
    with pytest.raises(TableFault, match=what):
        decoded(raw)


# --- Separators and columns ---------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        CSV,
        CSV.replace(",", ";").replace("Councillor; Ward", "Councillor, Ward"),
        CSV.replace('"Councillor, Ward 10"', "Councillor; Ward 10").replace(",", "\t").replace("; W", ", W"),
        "sep=;\n" + CSV.replace(",", ";").replace("Councillor; Ward", "Councillor, Ward"),
        "\n\n" + CSV,
        CSV.replace("Email,Role", "Email , Role").replace(',"', ', "'),
        CSV.replace('"Councillor', "“Councillor").replace('10"', "10”"),
        CSV.replace("Email,Role", "E-MAIL ADDRESS,role"),
        CSV.replace("Seat,First day", "ward,First  Day"),
    ],
)
def test_a_list_reads_the_same_however_its_columns_are_separated_and_named(text):
    assert read(text) == ROWS


def test_columns_may_be_in_any_order_and_others_are_ignored():
    table = read_table(
        "Name;First day;Seat;Notes;Role;Email\nPat;2026-12-01;Mayor;;Member;pat@example.ca", NAMES
    )
    assert table.rows[0].cells == {
        "day": "2026-12-01",
        "seat": "Mayor",
        "role": "Member",
        "email": "pat@example.ca",
    }
    assert table.ignored == ("Name", "Notes")


@pytest.mark.parametrize(
    "line", ["pat@example.ca; Member; Councillor, Ward 10; 2026-12-01", CSV.split("\r\n")[1]]
)
def test_without_names_the_columns_are_in_the_order_of_the_template(line):
    table = read_table(line, NAMES)
    assert (table.columns, table.ignored) == (tuple(NAMES), ())
    assert read(line) == ROWS[:1]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "The list is empty."),
        ("\n , , \n", "The list is empty."),
        ('""', "The list is empty."),
        ("sep=;\n\u00a0;\u3000", "The list is empty."),
        ("Who,What\nPat,Member", "The first line must name the columns: Email, Role, Seat, First day."),
        ("Email,Role,Email address\na@b.ca,Member,c@d.ca", "Two columns are named Email."),
        ('Email,Role\na@b.ca,Member\nc@d.ca,"Member\ne@f.ca,Member', "Line 3 can’t be read."),
        ('Email,Role\na@b.ca,"Mem"ber', "Line 2 can’t be read."),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_to_do(text, what):
    with pytest.raises(TableFault, match=what):
        read_table(text, NAMES)


def test_rows_have_the_number_of_their_first_line():
    text = (
        'sep=,\nEmail,Role,Seat\n\na@b.ca,Member,"Ward\n10"\nc@d.ca,Officer,,,\ne@f.ca,Member,Ward 4,or 5\n'
    )
    table = read_table(text, NAMES)
    assert [row.line for row in table.rows] == [4, 6, 7]
    assert table.rows[0].cells["seat"] == "Ward\n10"
    assert [bool(row.problem) for row in table.rows] == [False, False, True]
    assert "quotation marks around any text that contains a comma" in table.rows[2].problem


@pytest.mark.parametrize(
    ("text", "formula"),
    [
        ("=A1", True),
        ("+1", True),
        ("-", True),
        ("@SUM(A1)", True),
        ("'=A1", True),
        (" =A1", True),
        ("＝A1", True),
        ("#REF!", True),
        ("#N/A", True),
        ("Ward 10 - East", False),
        ("pat+list@example.ca", False),
        ("#1", False),
        ("", False),
    ],
)
def test_a_formula_is_recognized(text, formula):
    assert is_formula(text) is formula


def test_ten_thousand_lines_are_read_within_two_seconds():
    text = "Email,Role\n" + "\n".join(f"p{n}@example.ca,Member" for n in range(10_000))
    start = time.perf_counter()
    assert len(read_table(text, NAMES).rows) == 10_000
    assert time.perf_counter() - start < 2
