"""Writing CSV files, so that a spreadsheet takes no cell for a formula."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from typing import TextIO

FORMULA = tuple("=+-@\t\r\n＝＋－＠")
"""The characters with which a formula can begin in a spreadsheet."""


def write_csv(file: TextIO, header: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Write a header and rows to a file that translates no line ends. None becomes an empty cell."""
    writer = csv.writer(file)
    writer.writerow(header)
    for row in rows:
        writer.writerow("" if value is None else defuse(str(value)) for value in row)


def defuse(text: str) -> str:
    """Put an apostrophe before a cell's text that a spreadsheet would take for a formula."""
    return f"'{text}" if text.startswith(FORMULA) or text.lstrip().startswith(FORMULA) else text
