"""Writing CSV files that every spreadsheet reads correctly, without taking any cell for a formula."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable
from typing import TextIO

_BEFORE_FORMULA = re.compile(r"(\A|[,;\t|\r\n])(?=[\s\"']*[=+\-@＝＋－＠]|[\t\r\n])")
"""The places in a cell's text where a spreadsheet may begin to read a formula, whichever separator it expects."""


def start_csv(file: TextIO, header: Iterable[str]) -> Callable[[Iterable[object]], None]:
    """Write a header to a file that translates no line ends, and return what writes a row. None is an empty cell.

    The file begins with a byte order mark, without which a spreadsheet may take UTF-8 for another encoding.
    """
    file.write("\ufeff")
    writer = csv.writer(file)
    writer.writerow(header)

    def write_row(row: Iterable[object]) -> None:
        writer.writerow("" if value is None else defuse(str(value)) for value in row)

    return write_row


def write_csv(file: TextIO, header: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Write a header and rows, as `start_csv` does."""
    write_row = start_csv(file, header)
    for row in rows:
        write_row(row)


def defuse(text: str) -> str:
    """Put an apostrophe before each part of a cell's text that a spreadsheet would read as a formula."""
    return _BEFORE_FORMULA.sub(r"\1'", text)
