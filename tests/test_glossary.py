"""One word for one thing (cases/glossary.yaml), and short sentences, in all that people read."""

import re

import pytest
from ruamel.yaml import YAML

from bulletin import shelf
from tests import prose
from tests.tables import table
from tests.test_words import READ, ROOT, python_files, strings

GLOSSARY = table("glossary.yaml")
MAX_WORDS = 25
CONDITION = re.compile(r"\b[a-z_]+\.[a-z_]+ (?:is|has|at most) |^(?:not )?[a-z_.]+$")
"""A condition of an edition, which is no sentence."""
DOCUMENTS = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "UPGRADE.md", "deploy", "docs")
NEVER = {
    re.compile(rf"(?<![\w-])(?:{row['never']})(?![\w-])", re.IGNORECASE): row["say"]
    for row in GLOSSARY["words"]
}


def sources(*, all_branches: bool) -> dict[str, list[str]]:
    """The blocks of every source that people read, by its name; of an edition, the newest revision."""
    files = [*sorted((ROOT / "templates").rglob("*.*")), *sorted((ROOT / "static/js").glob("*.js"))]
    files += [path for folder in READ for path in python_files(folder)]
    for name in DOCUMENTS:
        files += sorted((ROOT / name).rglob("*.md")) if (ROOT / name).is_dir() else [ROOT / name]
    texts = {
        str(path.relative_to(ROOT)): list(prose.of_file(path, all_branches=all_branches)) for path in files
    }
    for name, edition in shelf.editions().items():
        texts[f"edition {name}"] = list(strings(edition.sheet.model_dump(mode="json")))
        for part in (edition.questions, edition.rules, edition.paragraphs):
            texts[f"edition {name}"] += [
                text for row in part for text in strings(row.model_dump(mode="json"))
            ]
        advice = [text for row in edition.advice.values() for text in strings(row.model_dump(mode="json"))]
        texts[f"edition {name}"] += advice
        texts[f"edition {name}"] = [text for text in texts[f"edition {name}"] if not CONDITION.search(text)]
    texts["publiccode.yml"] = list(strings(YAML(typ="safe").load((ROOT / "publiccode.yml").read_text())))
    return texts


WORDS, SENTENCES = sources(all_branches=True), sources(all_branches=False)


def excepted(name: str, text: str, rows: list[dict[str, str]]) -> bool:
    return any(row["source"] == name and row["phrase"] in " ".join(text.split()) for row in rows)


@pytest.mark.parametrize("name", sorted(WORDS.keys() - GLOSSARY["not_yet"]))
def test_no_text_has_a_word_that_the_glossary_replaces(name):
    hits = [
        f"{hit.group()} → {say}: …{text[max(0, hit.start() - 50) : hit.end() + 50]}…"
        for text in WORDS[name]
        if not excepted(name, text, GLOSSARY["exceptions"])
        for never, say in NEVER.items()
        for hit in never.finditer(text)
    ]
    assert hits == []


@pytest.mark.parametrize("name", sorted(SENTENCES.keys() - GLOSSARY["not_yet"]))
def test_no_sentence_has_more_than_twenty_five_words(name):
    long = [
        f"{count} words: {sentence}"
        for text in SENTENCES[name]
        for sentence in prose.sentences(text)
        if (count := prose.count_words(sentence)) > MAX_WORDS
        if not excepted(name, sentence, GLOSSARY["long"])
    ]
    assert long == []


@pytest.mark.parametrize("row", GLOSSARY["exceptions"], ids=lambda row: row["source"])
def test_an_exception_is_needed_and_has_its_reason(row):
    assert row.keys() == {"source", "phrase", "reason"}
    assert any(never.search(row["phrase"]) for never in NEVER)
    assert any(row["phrase"] in " ".join(text.split()) for text in WORDS[row["source"]])


@pytest.mark.parametrize("row", GLOSSARY["long"], ids=lambda row: row["source"])
def test_a_long_sentence_is_needed_and_has_its_reason(row):
    assert row.keys() == {"source", "phrase", "reason"}
    sentences = [sentence for text in SENTENCES[row["source"]] for sentence in prose.sentences(text)]
    assert any(row["phrase"] in s and prose.count_words(s) > MAX_WORDS for s in sentences)


def test_the_scan_reads_templates_modules_scripts_documents_and_editions():
    kinds = {name.partition(" ")[0].partition("/")[0] for name in WORDS if WORDS[name]}
    assert kinds >= {"edition", "templates", "static", *READ, *DOCUMENTS, "publiccode.yml"}


@pytest.mark.parametrize("text", GLOSSARY["reported"])
def test_the_scan_reports_each_word_in_any_form(text):
    assert any(never.search(text) for never in NEVER)


@pytest.mark.parametrize("text", GLOSSARY["accepted"])
def test_the_scan_accepts_words_that_only_look_alike(text):
    assert not any(never.search(text) for never in NEVER)


def test_a_template_is_read_in_blocks_with_the_longest_branch():
    page = "<p>One {% if a %}two <b>three</b>{% elif b %}four{% else %}five six seven{% endif %}.</p><i>{{ x }}</i>"
    assert prose.of_template(page, is_html=True, all_branches=False) == ["One five six seven.", "X"]
    everything = prose.of_template(page, is_html=True, all_branches=True)
    assert everything == ["One two three four five six seven .", "X"]


def test_a_module_is_read_without_docstrings_and_sql():
    module = '"""A docstring here."""\nsay(f"At most {count} words. {more}", "SELECT a FROM b", "key")'
    assert prose.of_python(module) == ["At most X words. X"]


def test_a_document_is_read_without_code_and_by_cells():
    document = "# A title\n\nSee `x` and\n[y](z).\n\n```\ncode\n```\n\n| a | b |\n- an item"
    blocks = [" ".join(block.split()) for block in prose.of_markdown(document)]
    assert blocks == ["A title", "See X and [y].", "a", "b", "an item"]


def test_sentences_and_their_words_are_counted():
    assert prose.sentences("One two. “Three” four? X is 4.5 long.") == [
        "One two.",
        "“Three” four?",
        "X is 4.5 long.",
    ]
    assert prose.count_words("You have X X of 3 – all.") == 6
