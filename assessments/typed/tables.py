"""Reading a table that someone uploads or pastes: CSV from any spreadsheet, with any usual separator and encoding."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import StringIO

from assessments.typed.folding import fold

MAX_BYTES = 1_000_000
"""The longest file that is read."""
SEPARATORS = ",;\t"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""How files of Excel, Numbers and LibreOffice begin, and ZIP files in general."""
_SEPARATOR_LINE = re.compile(r"\Asep=.[^\n]*\n", re.IGNORECASE)
"""The line by which Excel learns the separator of a file."""
_CURLY = str.maketrans(dict.fromkeys("“”„‟", '"'))
_PUNCTUATION = str.maketrans("", "", f'{SEPARATORS}"')
_FORMULA = re.compile(r"['\"\s]*[=+\-@＝＋－＠]|#(?:REF!|N/A|NAME\?|VALUE!|DIV/0!|NULL!|NUM!)")


class TableFault(ValueError):
    """The text is not such a table. The message says what to do."""


@dataclass(frozen=True)
class Row:
    """A row, its first line in the text, and its cells by column. `problem` says why they cannot be separated."""

    line: int
    cells: Mapping[str, str]
    problem: str = ""


@dataclass(frozen=True)
class Table:
    """The rows that are not blank, the columns that the table has, and the names of its other columns."""

    rows: tuple[Row, ...]
    columns: tuple[str, ...]
    ignored: tuple[str, ...]


def decoded(raw: bytes) -> str:
    """The text of a file, in whichever encoding a spreadsheet wrote it. Raises TableFault for other kinds of file."""
    if raw.startswith(b"%PDF"):
        raise TableFault("This is a PDF. Save the list as a CSV file in your spreadsheet.")
    if raw.startswith(_WORKBOOKS):
        raise TableFault(
            "This is a spreadsheet file, not a CSV file. Save the list as a CSV file in your spreadsheet."
        )
    if raw.startswith(_UTF_16):
        return raw.decode("utf-16", "replace")
    if b"\0" in raw:
        raise TableFault("This is not a text file. Save the list as a CSV file in your spreadsheet.")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Windows leaves five bytes without a character. Latin-1 has one for every byte.
        return raw.decode("cp1252", "replace")


def is_formula(text: str) -> bool:
    """Whether a spreadsheet would take a cell's text for a formula, or wrote it because a formula failed."""
    return _FORMULA.match(text) is not None


def read_table(text: str, names: Mapping[str, tuple[str, ...]]) -> Table:
    """Read a table whose first row names its columns, in any order.

    `names` has, for each column, the names it may have; messages use the first. Without a first row of
    names, the columns are taken in the order of `names`. Raises TableFault.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    skipped = 1 if _SEPARATOR_LINE.match(text) else 0
    text = _SEPARATOR_LINE.sub("", text)
    if '"' not in text:
        # Phones turn straight quotation marks into these.
        text = text.translate(_CURLY)
    if not text.translate(_PUNCTUATION).strip():
        raise TableFault("The list is empty.")
    separator = max(SEPARATORS, key=lambda each: _fit(text, each, names))
    rows = _rows(text, separator, skipped)
    _, first = next(rows)
    keys = [_key(name, names) for name in first]
    ignored = tuple(name for name, key in zip(first, keys, strict=True) if name and not key)
    if not any(keys):
        if "@" not in first[0]:
            raise TableFault(f"The first line must name the columns: {_wanted(names)}.")
        keys, ignored, rows = list(names), (), _rows(text, separator, skipped)
    twice = next((key for key in names if keys.count(key) > 1), None)
    if twice:
        raise TableFault(f"Two columns are named {names[twice][0]}. Remove or rename one of them.")
    return Table(
        tuple(_row(line, cells, keys, separator) for line, cells in rows),
        tuple(key for key in keys if key),
        ignored,
    )


def _wanted(names: Mapping[str, tuple[str, ...]]) -> str:
    return ", ".join(spellings[0] for spellings in names.values())


def _key(name: str, names: Mapping[str, tuple[str, ...]]) -> str:
    """The column that a name means; empty if none."""
    letters = _letters(name)
    return next((key for key, spellings in names.items() if letters in map(_letters, spellings)), "")


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, fold(name, accents=False)))


def _fit(text: str, separator: str, names: Mapping[str, tuple[str, ...]]) -> tuple[int, int]:
    """How well a separator fits the first row: how many columns it then names, and how many cells it has."""
    try:
        _, first = next(_rows(text, separator, 0), (0, []))
    except TableFault:
        return (0, 0)
    return (sum(bool(_key(name, names)) for name in first), len(first))


def _rows(text: str, separator: str, skipped: int) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not blank, each with the number of its first line."""
    reader = csv.reader(
        StringIO(text, newline="\n"), delimiter=separator, skipinitialspace=separator != "\t", strict=True
    )
    while True:
        line = reader.line_num + 1 + skipped
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            raise TableFault(
                f"Line {line} can’t be read. Check that each opening quotation mark has a closing one."
            ) from error
        if any(cells):
            yield line, cells


def _row(line: int, cells: list[str], keys: list[str], separator: str) -> Row:
    problem = ""
    if any(cells[len(keys) :]):
        mark = {",": "a comma", ";": "a semicolon", "\t": "a tab"}[separator]
        problem = (
            f"There are more cells than columns. Put quotation marks around any text that contains {mark}."
        )
    return Row(line, {key: cell for key, cell in zip(keys, cells, strict=False) if key}, problem)
