"""The one writer of CSV files, whose cells no spreadsheet takes for formulas."""

import csv
import io
import re

import pytest

from assessments.services.csv_file import defuse, write_csv


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("Pat saved", "Pat saved"),
        ("", ""),
        *((f"a{mark}=1+1", f"a{mark}'=1+1") for mark in (",", ";", "\t", "|", "\n", "\r")),
        ('a; "=1+1"', 'a;\' "=1+1"'),
        ("Ward 10; Ward 4, east | X: @maya - 5", "Ward 10; Ward 4, east | X: @maya - 5"),
        *((f"{sign}1", f"'{sign}1") for sign in ("=", "+", "-", "@", "\t", "\r", "＝", "  =")),
    ],
)
def test_a_cell_is_never_a_formula(text, cell):
    assert defuse(text) == cell


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    "text", ["=1+1", "a;=1+1", "a|\t=1", '";=1+1', 'a"\n"=1+1', "x,\r\n+1;-2|@3", "' =1;'=2"]
)
def test_no_cell_is_a_formula_under_any_separator(separator, text):
    file = io.StringIO()
    write_csv(file, ["a", "b"], [[text, "end"], ["first", text]])
    rows = csv.reader(io.StringIO(file.getvalue().removeprefix("\ufeff"), newline=""), delimiter=separator)
    assert not [cell for row in rows for cell in row if re.match(r"[\s\"]*[=+\-@]", cell)]


def test_numbers_are_written_as_they_are_and_nothing_as_an_empty_cell():
    file = io.StringIO()
    write_csv(file, ["number", "at", "who"], [[1, None, 'Ann "A"'], [-2, True, "=1+1\nOttawa, ON"]])
    assert file.getvalue() == ('\ufeffnumber,at,who\r\n1,,"Ann ""A"""\r\n\'-2,True,"\'=1+1\nOttawa, ON"\r\n')
