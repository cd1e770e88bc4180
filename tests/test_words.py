"""The words of every text that people read: no findings, Canadian spelling, plain language (cases/words.yaml)."""

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from bulletin import shelf
from tests.tables import table

WORDS = table("words.yaml")
ROOT = shelf.HERE.parent
PYTHON = (
    "assessments/forms",
    "assessments/middleware",
    "assessments/pdf",
    "assessments/records",
    "assessments/rendering",
    "assessments/reports",
    "assessments/scoring",
    "assessments/services",
    "assessments/views",
)
READ_ALOUD = {"alt", "aria-label", "content", "label", "placeholder", "title", "value"}


def pattern(words: list[str]) -> re.Pattern[str]:
    """Any of the words; `-` after the endings means that the word needs one of them."""
    forms = []
    for word in words:
        stem, _, endings = word.rstrip("-)").partition("(")
        optional = "" if word.endswith("-") else "?"
        forms.append(f"{stem}(?:{'|'.join(endings.split())}){optional}" if endings else stem)
    return re.compile(rf"\b(?:{'|'.join(forms)})\b", re.IGNORECASE)


FINDINGS = pattern(WORDS["findings"])
UNWANTED = pattern([*WORDS["findings"], *WORDS["american"]])


def strings(data: Any) -> Iterator[str]:
    """Every text in plain data; the names of its keys are not shown to anybody."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for value in data.values():
            yield from strings(value)
    elif isinstance(data, list):
        for value in data:
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


def sources() -> dict[str, list[str]]:
    """Every text that people read, by where it stands."""
    found = {
        f"edition {name}": list(strings(e.model_dump(mode="json"))) for name, e in shelf.editions().items()
    }
    found["calendar"] = list(strings(shelf.calendar().model_dump(mode="json")))
    for path in sorted((ROOT / "templates").rglob("*.*")):
        found[str(path.relative_to(ROOT))] = Page(path.read_text(encoding="utf-8")).texts
    for name in PYTHON:
        paths = [ROOT / name] if name.endswith(".py") else sorted((ROOT / name).rglob("*.py"))
        for path in paths:
            found[str(path.relative_to(ROOT))] = python_strings(path)
    return found


SOURCES = sources()


@pytest.mark.parametrize("name", SOURCES)
def test_no_text_reads_as_a_finding_or_in_american_spelling(name):
    hits = [
        f"{hit.group()}: {text[max(0, hit.start() - 60) : hit.end() + 60]}"
        for text in SOURCES[name]
        for hit in UNWANTED.finditer(text)
    ]
    assert hits == []


def test_the_scan_sees_editions_templates_and_reports():
    kinds = {name.partition(" ")[0].partition("/")[0] for name in SOURCES if SOURCES[name]}
    assert kinds == {"edition", "calendar", "templates", "assessments"}


@pytest.mark.parametrize("text", WORDS["found"])
def test_the_scan_finds_the_words_in_any_form(text):
    assert FINDINGS.search(text)


@pytest.mark.parametrize("text", WORDS["let_stand"])
def test_the_scan_lets_words_stand_that_only_look_alike(text):
    assert not UNWANTED.search(text)


def test_the_scan_of_a_template_reads_text_and_labels_and_no_code():
    template = '<p class="pass">{% if failed %}Fine{% endif %}</p><img alt="breach"><script>fail()</script>'
    assert [hit for text in Page(template).texts for hit in FINDINGS.findall(text)] == ["breach"]


# Plain language


def syllables(word: str) -> int:
    groups = len(re.findall(r"[aeiouy]+", word.lower()))
    silent = word.lower().endswith("e") and not word.lower().endswith("le")
    return max(1, groups - silent)


def grade(text: str) -> float:
    """The school grade that reads this (Flesch and Kincaid's formula, by a rough count of syllables)."""
    sentences = [part for part in re.split(r"[.!?:;](?:\s|$)", text) if part.strip()]
    words = re.findall(r"[A-Za-z']+", text)
    per_word = sum(map(syllables, words)) / len(words)
    return 0.39 * len(words) / len(sentences) + 11.8 * per_word - 15.59


@pytest.mark.parametrize("edition", shelf.editions().values(), ids=lambda edition: edition.id)
@pytest.mark.parametrize("part", ["paragraphs", "questions", "advice", "sheet"])
def test_each_file_of_an_edition_reads_on_average_at_no_more_than_this_grade(edition, part):
    texts = {
        "paragraphs": [text for p in edition.paragraphs for text in (p.says, *p.points.values())],
        "questions": [f"{q.asks} {q.hint} {q.example or ''}" for q in edition.questions],
        "advice": [
            text for advice in edition.advice.values() for key, text in advice if text and key != "about"
        ],
        "sheet": [*edition.sheet.limits, *(f"{r.reading} {r.reason}" for r in edition.sheet.readings)],
    }[part]
    assert sum(map(grade, texts)) / len(texts) <= float(WORDS["reading_grade"])


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("The cat sat on the mat.", -3, 2),
        (
            "Notwithstanding the aforementioned considerations, applicability necessitates investigation.",
            20,
            60,
        ),
    ],
    ids=["a primer", "legalese"],
)
def test_the_grade_tells_plain_from_heavy(text, low, high):
    assert low <= grade(text) <= high
