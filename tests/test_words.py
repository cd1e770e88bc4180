"""The words of all that people read: no findings (bulletin/words.yaml), Canadian spelling (cases/words.yaml)."""

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from bulletin import shelf
from bulletin.encoding.plain import WORDS as PLAIN
from bulletin.encoding.source import read
from tests.tables import table

WORDS = table("words.yaml")
ROOT = shelf.HERE.parent
READ = ("assessments", "bulletin", "config")
"""The folders whose Python is read, with all below them: any string may be on a page or in a command's output."""
NOT_READ = {"migrations": "frozen: they repeat what models said at the time, and nobody reads them"}
"""Packages of this name are left out, each with the reason."""
READ_ALOUD = {"alt", "aria-label", "content", "label", "placeholder", "title", "value"}


def pattern(words: list[str]) -> re.Pattern[str]:
    """Any of the words; `-` after the endings means that the word needs one of them."""
    forms = []
    for word in words:
        stem, _, endings = word.rstrip("-)").partition("(")
        optional = "" if word.endswith("-") else "?"
        forms.append(f"{stem}(?:{'|'.join(endings.split())}){optional}" if endings else stem)
    return re.compile(rf"\b(?:{'|'.join(forms)})\b", re.IGNORECASE)


FINDINGS = re.compile("|".join(read(PLAIN).content["findings"]["never"]), re.IGNORECASE)
AMERICAN = pattern(WORDS["american"])
UNWANTED = re.compile(f"{FINDINGS.pattern}|{AMERICAN.pattern}", re.IGNORECASE)


def strings(tree: Any) -> Iterator[str]:
    """Every text in plain data; the names of its keys are not shown to anybody."""
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, dict):
        for value in tree.values():
            yield from strings(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from strings(value)


class Page(HTMLParser):
    """What of a template is read or read aloud: its text, and the attributes that are words."""

    def __init__(self, template: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(re.sub(r"(?s){#.*?#}|{%.*?%}|{{.*?}}", " ", template))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.texts += [value for name, value in attrs if value and name in READ_ALOUD]

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            del self.open[len(self.open) - 1 - self.open[::-1].index(tag) :]

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self.open):
            self.texts.append(data)


def python_strings(path: Path) -> list[str]:
    """The strings of a module that a page or a message may show; docstrings are for those who read code."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr)
        if isinstance(node.value, ast.Constant)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    ]


def script_strings(script: str) -> list[str]:
    """The strings of a script of ours, which a page may show."""
    return [plain or template for plain, template in re.findall(r'"([^"\n]*)"|`([^`]*)`', script)]


def python_files(folder: str) -> list[Path]:
    """The modules of a folder, and of all its packages but those in NOT_READ."""
    paths = sorted((ROOT / folder).rglob("*.py"))
    return [path for path in paths if not NOT_READ.keys() & set(path.relative_to(ROOT).parts)]


def sources() -> dict[str, list[str]]:
    """Every text that people read, by the name of its source."""
    texts = {
        f"edition {name}": list(strings(e.model_dump(mode="json"))) for name, e in shelf.editions().items()
    }
    texts["calendar"] = list(strings(shelf.calendar().model_dump(mode="json")))
    for path in sorted((ROOT / "templates").rglob("*.*")):
        texts[str(path.relative_to(ROOT))] = Page(path.read_text(encoding="utf-8")).texts
    for path in sorted((ROOT / "static/js").glob("*.js")):
        texts[str(path.relative_to(ROOT))] = script_strings(path.read_text(encoding="utf-8"))
    for folder in READ:
        for path in python_files(folder):
            texts[str(path.relative_to(ROOT))] = python_strings(path)
    return texts


SOURCES = sources()


def excepted(name: str, text: str) -> list[dict[str, str]]:
    """The exceptions of words.yaml that a text of a source falls under."""
    return [row for row in WORDS["exceptions"] if row["source"] == name and row["phrase"] in text]


@pytest.mark.parametrize("name", SOURCES)
def test_no_text_reads_as_a_finding_or_in_american_spelling(name):
    hits = [
        f"{hit.group()}: {text[max(0, hit.start() - 60) : hit.end() + 60]}"
        for text in SOURCES[name]
        if not excepted(name, text)
        for hit in UNWANTED.finditer(text)
    ]
    assert hits == []


@pytest.mark.parametrize("row", WORDS["exceptions"], ids=lambda row: row["source"])
def test_an_exception_is_needed_and_has_its_reason(row):
    assert row.keys() == {"source", "phrase", "reason"}
    assert UNWANTED.search(row["phrase"])
    assert any(row["phrase"] in text for text in SOURCES[row["source"]])


def test_the_scan_reads_editions_templates_scripts_and_every_folder_of_ours():
    kinds = {name.partition(" ")[0].partition("/")[0] for name in SOURCES if SOURCES[name]}
    assert kinds == {"edition", "calendar", "templates", "static", *READ}


def test_the_scan_reads_every_package_but_those_that_are_named_with_a_reason():
    packages = {path.parent for folder in READ for path in (ROOT / folder).rglob("*.py")}
    read = {(ROOT / name).parent for name in SOURCES if name.endswith(".py")}
    assert {package.name for package in packages - read} == NOT_READ.keys()
    assert all(NOT_READ.values())


@pytest.mark.parametrize("text", WORDS["reported"])
def test_the_scan_reports_the_words_in_any_form(text):
    assert FINDINGS.search(text)


@pytest.mark.parametrize("text", WORDS["accepted"])
def test_the_scan_accepts_words_that_only_look_alike(text):
    assert not UNWANTED.search(text)


def test_the_scan_of_a_template_reads_text_and_labels_and_no_code():
    template = '<p class="pass">{% if failed %}Fine{% endif %}</p><img alt="breach"><script>fail()</script>'
    assert [hit for text in Page(template).texts for hit in FINDINGS.findall(text)] == ["breach"]


def test_the_scan_of_a_script_reads_its_strings_and_no_code():
    script = 'if (failed) say("In breach"); else show(`Passed: ${passed}`);'
    assert script_strings(script) == ["In breach", "Passed: ${passed}"]
