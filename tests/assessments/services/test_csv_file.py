"""The one writer of CSV files, whose cells no spreadsheet takes for formulas."""

import io

import pytest

from assessments.services.csv_file import defuse, write_csv


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("Pat saved", "Pat saved"),
        ("", ""),
        *((f"{sign}1", f"'{sign}1") for sign in ("=", "+", "-", "@", "\t", "\r", "＝", "  =")),
    ],
)
def test_a_cell_is_never_a_formula(text, cell):
    assert defuse(text) == cell


def test_numbers_are_written_as_they_are_and_nothing_as_an_empty_cell():
    file = io.StringIO()
    write_csv(file, ["number", "at", "who"], [[1, None, 'Ann "A"'], [-2, True, "=1+1\nOttawa, ON"]])
    assert file.getvalue() == ('number,at,who\r\n1,,"Ann ""A"""\r\n\'-2,True,"\'=1+1\nOttawa, ON"\r\n')
