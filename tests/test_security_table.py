"""The table of ASVS 5.0 in SECURITY.md: whole, honest, and with tests that exist."""

import ast
import csv
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "SECURITY.md").read_text()
STATES = ("met", "not applicable", "not met")
ROW = re.compile(r"^\| ([\d.]+) \| (\d) \| ([a-z ]+) \| (.+) \|$", re.MULTILINE)
COUNTS = re.compile(r"^\| \[?(\d+)\. ([^|\]]+?)(?:\]\([^)]*\))? \| (\d+) \| (\d+) \| (\d+) \|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
LINK = re.compile(r"\]\((docs/[\w.-]+|deploy/[\w.-]+)#([\w-]+)\)")


class Row(NamedTuple):
    """A row of the table: `words` say what the portal does, or why it does not."""

    id: str
    level: int
    state: str
    words: str

    @property
    def chapter(self) -> int:
        return int(self.id.partition(".")[0])


ROWS = [Row(number, int(level), state, words) for number, level, state, words in ROW.findall(PAGE)]
BY_ID = {row.id: row for row in ROWS}


def expected() -> list[tuple[str, int]]:
    """The ids of levels 1 and 2, with their level, in their order."""
    with (ROOT / "tests/cases/asvs.csv").open() as file:
        return [(line["id"], int(line["level"])) for line in csv.DictReader(file)]


@cache
def names_in(path: str) -> frozenset[str]:
    """The names of the tests in a file."""
    file = ROOT / path
    tree = ast.parse(file.read_text()) if file.exists() else ast.Module([], [])
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def slug(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def test_the_table_has_each_requirement_of_levels_1_and_2_once_in_order():
    assert len(expected()) == 253
    assert [(row.id, row.level) for row in ROWS] == expected()


def test_each_row_is_met_not_applicable_or_not_met():
    assert {row.state for row in ROWS} <= set(STATES)


def test_no_row_of_level_1_is_not_met():
    assert [row.id for row in ROWS if row.level == 1 and row.state == "not met"] == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_a_row_has_a_test_that_exists_or_else_its_reason(row):
    tests = TEST.findall(row.words)
    if row.state == "met":
        assert tests
        assert [f"{path}::{name}" for path, name in tests if name not in names_in(path)] == []
    else:
        assert not tests
        assert len(row.words.split()) >= 4
        assert row.words.endswith(".")
    # A gap says what is planned.
    assert ("Planned: " in row.words) is (row.state == "not met")


def test_each_part_of_a_document_that_a_row_names_is_there_and_says_something():
    links = {link for row in ROWS for link in LINK.findall(row.words)}
    assert len(links) >= 8
    for path, part in sorted(links):
        text = (ROOT / path).read_text()
        parts = {
            slug(heading): body for heading, body in re.findall(r"^## (.+)\n((?:(?!^## ).*\n?)*)", text, re.M)
        }
        assert len(parts.get(part, "").split()) >= 50, f"{path}#{part}"


def test_the_counts_by_chapter_are_those_of_the_rows():
    counted = Counter((row.chapter, row.state) for row in ROWS)
    written = {int(chapter): tuple(map(int, counts)) for chapter, _, *counts in COUNTS.findall(PAGE)}
    assert written == {
        chapter: tuple(counted[chapter, state] for state in STATES)
        for chapter in {row.chapter for row in ROWS}
    }
    states = Counter(row.state for row in ROWS)
    total = ", ".join(f"{states[state]} {state}" for state in STATES)
    assert total in " ".join(PAGE.split())


def test_each_chapter_has_its_rows_below_its_heading():
    headings = re.findall(r"^### (\d+)\. (.+)$", PAGE, re.MULTILINE)
    assert [int(number) for number, _ in headings] == sorted({row.chapter for row in ROWS})
    assert [name for _, name in headings] == [name for _, name, *_ in COUNTS.findall(PAGE)]
    for section in re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]:
        number = int(section.partition(".")[0])
        assert {int(row[0].partition(".")[0]) for row in ROW.findall(section)} == {number}
