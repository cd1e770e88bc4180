"""From the files of an edition to the edition, or to every fault in them (tests/cases/loader_faults.yaml)."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from bulletin.encoding.conditions import Either
from bulletin.encoding.digest import digest
from bulletin.encoding.loader import EncodingFaults, load_edition
from tests.bulletin.minimal import MINIMAL, edition_of, edition_with, faults_of
from tests.tables import table

ROWS = table("loader_faults.yaml")
FILES = ("edition", "paragraphs", "questions", "rules", "advice")


def text_of(file: str) -> str:
    return (MINIMAL / file).read_text(encoding="utf-8")


def test_a_sound_edition_is_read_in_its_own_order():
    edition = load_edition(MINIMAL)
    assert [rule.id for rule in edition.rules] == ["1", "2", "2-spam", "2-last"]
    assert [question.id for question in edition.questions] == [
        "account.stage",
        "account.logo",
        "account.wish",
        "account.filed",
        "account.value",
        "account.grounds",
    ]


def test_the_words_no_and_yes_and_numbers_stay_text():
    edition = load_edition(MINIMAL)
    assert str(edition.rule["1"].met) == "account.wish is no"
    assert edition.sheet.version == "1"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["case"])
def test_this_slip_is_named_with_its_place_and_what_would_be_right(row, tmp_path):
    folder = edition_with(tmp_path, row["in"], row["replace"], row["by"])
    assert faults_of(folder) == row["says"]


def test_no_two_slips_of_the_table_have_one_name():
    names = [row["case"] for row in ROWS]
    assert len(names) == len(set(names))


# Files that cannot be read

NOT_TEXT: dict[str, tuple[str | bytes, str]] = {
    "Latin-1": (
        b'- id: "1"\n  title: Caf\xe9\n',
        "paragraphs.yaml:2:13 byte 23 is not UTF-8; save the file as UTF-8",
    ),
    "UTF-16": (
        "- id: 1\n".encode("utf-16"),
        "paragraphs.yaml:1:1 byte 1 is not UTF-8; save the file as UTF-8",
    ),
    "a NUL": ("- id: \0", "paragraphs.yaml:1:7 U+0000 is a control character; take it out"),
    "a NUL by its code": (
        '- id: "a\\0"\n',
        "paragraphs.yaml:1:7 U+0000 cannot be seen in a text; take it out",
    ),
    "an escape sequence of a terminal": (
        "- id: one\n- id: \x1b[31m",
        "paragraphs.yaml:2:7 U+001B is a control character; take it out",
    ),
    "a tab before a key": (
        "- id: one\n\ttitle: One",
        "paragraphs.yaml:2:1 not YAML: while scanning for the next token, "
        "found character '\\t' that cannot start any token",
    ),
    "a tab in a text": (
        "- id: one\n  title: One\ttwo",
        "paragraphs.yaml:2:10 U+0009 cannot be seen in a text; take it out",
    ),
    "a bracket alone": (
        "[",
        "paragraphs.yaml:1:2 not YAML: while parsing a flow node, "
        "expected the node content, but found '<stream end>'",
    ),
    "a number that the parser trips over": (
        f"%YAML 1.{'9' * 5_000}\n---\n",
        "paragraphs.yaml:1:1 not YAML: after this stands a number or character code out of range",
    ),
    "nothing": ("", "paragraphs.yaml:1:1 the file is empty; a list is wanted"),
    "comments alone": ("# none\n", "paragraphs.yaml:1:1 the file is empty; a list is wanted"),
    "one word": ("one", "paragraphs.yaml:1:1 a list is wanted here; begin each entry with `- id:`"),
}


@pytest.mark.parametrize("name", NOT_TEXT)
def test_a_file_that_is_no_list_of_entries_makes_one_fault_and_hides_no_other_file(name, tmp_path):
    content, says = NOT_TEXT[name]
    rules = text_of("rules.yaml").replace("account.wish is no", "account.wish is absent")
    folder = edition_of(tmp_path, {"paragraphs.yaml": content, "rules.yaml": rules})
    assert faults_of(folder) == [
        says,
        "rules.yaml:8:3 rules[1].met: `account.wish is absent`: `account.wish` has no choice `absent`",
    ]


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_missing_makes_one_fault(name, tmp_path):
    assert faults_of(edition_of(tmp_path, {f"{name}.yaml": None})) == [
        f"{name}.yaml:1:1 the file cannot be read (No such file or directory); an edition needs it"
    ]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("edition", "keys with values are wanted here"),
        ("paragraphs", "a list is wanted"),
        ("questions", "a list is wanted"),
        ("rules", "a list is wanted"),
        ("advice", "rule ids with their texts are wanted here"),
    ],
)
def test_a_file_that_is_empty_makes_one_fault(name, wanted, tmp_path):
    assert faults_of(edition_of(tmp_path, {f"{name}.yaml": ""})) == [
        f"{name}.yaml:1:1 the file is empty; {wanted}"
    ]


@pytest.mark.parametrize("name", FILES)
def test_a_file_without_any_entries_is_refused(name, tmp_path):
    none = "{}" if name in ("edition", "advice") else "[]"
    assert faults_of(edition_of(tmp_path, {f"{name}.yaml": none}))


def test_a_folder_in_place_of_a_file_is_named(tmp_path):
    folder = edition_of(tmp_path, {"rules.yaml": None})
    (folder / "rules.yaml").mkdir()
    assert faults_of(folder) == [
        "rules.yaml:1:1 the file cannot be read (Is a directory); an edition needs it"
    ]


def test_all_five_files_missing_are_named_in_one_run(tmp_path):
    missing = faults_of(tmp_path)
    assert [fault.partition(":")[0] for fault in missing] == [f"{name}.yaml" for name in FILES]


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "# A comment\n\n" + text + "\n\n",
    ],
    ids=["byte order mark", "line ends of Windows", "comments"],
)
def test_how_an_editor_saves_a_file_changes_nothing(change, tmp_path):
    changed = {f"{name}.yaml": change(text_of(f"{name}.yaml")) for name in FILES}
    assert digest(load_edition(edition_of(tmp_path, changed))) == digest(load_edition(MINIMAL))


# Many faults


def faulty(folder: Path) -> Path:
    """An edition with two slips in each of its files."""
    slips = {
        "edition.yaml": [("revision: 1", "revision: none"), ("account.logo is", "account.log is")],
        "paragraphs.yaml": [("says: An", "say: An"), ("  no_rule: It asks nothing.\n", "")],
        "questions.yaml": [("kind: money", "kind: cash"), ("asked: official", "asked: offical")],
        "rules.yaml": [("force: should", "force: shall"), ("account.wish is", "account.wisp is")],
        "advice.yaml": [("2-last:", "3-last:"), ("  action: Take the logo off.\n", "")],
    }
    files: dict[str, str | bytes | None] = {}
    for name, pairs in slips.items():
        text = text_of(name)
        for right, wrong in pairs:
            assert text.count(right) == 1
            text = text.replace(right, wrong)
        files[name] = text
    return edition_of(folder, files)


def test_slips_in_every_file_are_all_named_in_one_run_and_always_in_this_order(tmp_path):
    folder = faulty(tmp_path)
    expected = [
        "edition.yaml:2:1 revision: 'none' is no whole number",
        "edition.yaml:33:5 facts[official].when: there is no question `account.log`; "
        "did you mean `account.logo`?",
        "paragraphs.yaml:1:3 paragraphs[1].says: this key is missing",
        "paragraphs.yaml:3:3 paragraphs[1].say: unknown key; did you mean `says`?",
        "paragraphs.yaml:11:3 paragraphs[3]: no rule cites this paragraph; say why in `no_rule`",
        "questions.yaml:10:3 questions[account.logo].id: "
        "nothing uses this question; use it in a rule or take it out",
        "questions.yaml:24:3 questions[account.wish].asked: there is no fact `offical`; "
        "did you mean `official`?",
        "questions.yaml:37:3 questions[account.value].kind: 'cash' is not one of "
        "'ynu', 'choice', 'choices', 'date' or 'money'",
        "rules.yaml:8:3 rules[1].met: there is no question `account.wisp`; did you mean `account.wish`?",
        "rules.yaml:16:3 rules[2].force: 'shall' is not one of 'must', 'should', 'consider' or 'note'",
        "advice.yaml:1:1 1: the text for `action` is missing; the rule can come to it",
        "advice.yaml:1:1 rule 2-last has no advice; "
        "write a text for check, information, not_applicable, unanswered",
        "advice.yaml:19:1 3-last: there is no rule `3-last`; did you mean `2-last`?",
    ]
    assert faults_of(folder) == expected
    assert faults_of(folder) == expected


# Size, depth and bulk: refused before anything is built


BULK = {
    "ten megabytes": (
        "- a\n" * 2_500_000,
        "rules.yaml:1:1 the file is over 250,000 bytes, which no edition needs",
    ),
    "a byte too many": (
        "#" * 250_001,
        "rules.yaml:1:1 the file is over 250,000 bytes, which no edition needs",
    ),
    "a hundred levels of brackets": (
        "- id: " + "[" * 100 + "]" * 100,
        "rules.yaml:1:17 more than 12 levels inside one another",
    ),
    "a hundred levels of dashes": (
        "- " * 100,
        "rules.yaml:1:25 more than 12 levels inside one another",
    ),
    "a hundred thousand brackets": (
        "[" * 100_000,
        "rules.yaml:1:13 more than 12 levels inside one another",
    ),
    "more short entries than anybody writes": (
        "-\n" * 100_000,
        "rules.yaml:501:2 more than 500 entries in one list",
    ),
    "more keys than anybody writes": (
        "".join(f"k{at}: v\n" for at in range(20_000)),
        "rules.yaml:501:1 more than 500 entries in one list",
    ),
    "many small lists": (
        ("- [" + "a, " * 100 + "]\n") * 400,
        "rules.yaml:100:3 more than 10,000 values in one file",
    ),
}


@pytest.mark.parametrize("name", BULK)
def test_bulk_is_refused_before_anything_is_built(name, tmp_path, monkeypatch):
    content, says = BULK[name]
    sound = YAML.compose

    def small_only(self: YAML, stream: Any) -> Any:
        assert len(stream) < 10_000, "the file was read into data"
        return sound(self, stream)

    monkeypatch.setattr(YAML, "compose", small_only)
    assert faults_of(edition_of(tmp_path, {"rules.yaml": content})) == [says]


def test_a_file_over_the_limit_is_not_even_read(tmp_path, monkeypatch):
    folder = edition_of(tmp_path, {"advice.yaml": "a" * 250_001})
    sound = Path.read_bytes

    def small_only(self: Path) -> bytes:
        assert self.name != "advice.yaml", "the file was read"
        return sound(self)

    monkeypatch.setattr(Path, "read_bytes", small_only)
    assert len(faults_of(folder)) == 1


def test_a_file_of_the_full_size_is_read(tmp_path):
    text = text_of("rules.yaml")
    full = text + "#" * (250_000 - len(text))
    load_edition(edition_of(tmp_path, {"rules.yaml": full}))


@pytest.mark.parametrize(
    ("file", "before", "entry"),
    [
        ("edition.yaml", "limits:\n", "  - Limit {}.\n"),
        ("edition.yaml", "facts:\n", "  - {{id: f{}, title: F, when: official}}\n"),
        ("paragraphs.yaml", '- id: "1"', "- {{id: p{}, title: P, says: P., no_rule: None.}}\n"),
    ],
)
def test_a_list_with_more_than_500_entries_is_refused_at_the_501st(file, before, entry, tmp_path):
    entries = "".join(entry.format(at) for at in range(600))
    text = text_of(file)
    by = entries + before if before.startswith("-") else before + entries
    line = text[: text.index(before)].count("\n") + 1 + 500 + (not before.startswith("-"))
    column = entry.index("- ") + 3
    assert faults_of(edition_with(tmp_path, file, before, by)) == [
        f"{file}:{line}:{column} more than 500 entries in one list"
    ]


def test_hidden_meanings_are_counted_up_to_twenty_and_then_the_file_is_left(tmp_path):
    anchors = "".join(f"- &a{at} x\n" for at in range(400))
    assert len(faults_of(edition_of(tmp_path, {"rules.yaml": anchors}))) == 21


def test_a_condition_a_hundred_brackets_deep_is_refused_at_its_place(tmp_path):
    deep = "(" * 100 + "official" + ")" * 100
    folder = edition_with(tmp_path, "questions.yaml", "asked: official", f"asked: {deep}")
    assert faults_of(folder) == [
        "questions.yaml:24:3 questions[account.wish].asked: at character 11: more than 10 brackets "
        "or `not`s inside one another; give a part a name as a fact"
    ]


def test_a_condition_of_a_hundred_thousand_characters_is_refused_at_its_place(tmp_path):
    long = "official or " * 9_000 + "official"
    folder = edition_with(tmp_path, "questions.yaml", "asked: official", f"asked: {long}")
    assert faults_of(folder) == [
        "questions.yaml:24:3 questions[account.wish].asked: "
        "the condition has 108008 characters; at most 1000 are read"
    ]


# Chains


def chain(length: int, *, backwards: bool = False, times: int = 1) -> str:
    """Facts that each rest on the one before, the first on the logo."""
    facts = ["  - {id: f0, title: F, when: account.logo is yes}\n"]
    for at in range(1, length):
        when = " or ".join([f"f{at - 1}"] * times)
        facts.append(f"  - {{id: f{at}, title: F, when: {when}}}\n")
    return "".join(reversed(facts) if backwards else facts)


def edition_with_chain(folder: Path, facts: str, last: int) -> Path:
    text = text_of("edition.yaml").replace("facts:\n", f"facts:\n{facts}")
    text = text.replace("when: account.logo is yes\n", f"when: f{last}\n")
    return edition_of(folder, {"edition.yaml": text})


@pytest.mark.parametrize("backwards", [False, True])
def test_facts_that_rest_on_one_another_in_a_long_row_are_refused_where_it_gets_too_long(backwards, tmp_path):
    folder = edition_with_chain(tmp_path, chain(400, backwards=backwards), last=399)
    before, _, _ = (folder / "edition.yaml").read_text(encoding="utf-8").partition("- {id: f19,")
    assert faults_of(folder) == [
        f"edition.yaml:{before.count(chr(10)) + 1}:25 facts[f19].when: "
        "rests on more than 20 facts and questions in a row; state it more directly"
    ]


def test_questions_that_are_asked_in_a_long_row_are_refused_too(tmp_path):
    facts = chain(10)
    row = "".join(
        f"- {{id: account.q{at}, short: Q, kind: ynu, paragraphs: [], asks: Q?, hint: Q.,"
        f" asked: {f'account.q{at - 1} is yes' if at else 'f9'}}}\n"
        for at in range(20)
    )
    edition = text_of("edition.yaml").replace("facts:\n", f"facts:\n{facts}")
    edition = edition.replace("planned: account.stage", "planned: account.q19 is no or account.stage")
    questions = row + text_of("questions.yaml")
    folder = edition_of(tmp_path, {"edition.yaml": edition, "questions.yaml": questions})
    (fault,) = faults_of(folder)
    assert "questions[account.q9].asked: rests on more than 20 facts and questions in a row" in fault


def test_facts_that_share_facts_are_each_looked_into_once(tmp_path, monkeypatch):
    """Looked into by every way to them, these would take a hundred to the power of fifteen."""
    edition = load_edition(edition_with_chain(tmp_path, chain(16, times=100), last=15))
    looked: list[Either] = []
    sound = Either.terms

    def counted(self: Either) -> Any:
        looked.append(self)
        assert len(looked) < 1_000, "the same facts are looked into again and again"
        return sound(self)

    monkeypatch.setattr(Either, "terms", counted)
    asked = [question.id for question in edition.asking_order]
    assert asked == [question.id for question in edition.questions]


def test_a_question_comes_after_those_that_decide_whether_it_is_asked(tmp_path):
    last_first = text_of("questions.yaml").split("\n\n")
    questions = "\n\n".join(entry.strip("\n") for entry in reversed(last_first)) + "\n"
    edition = load_edition(edition_of(tmp_path, {"questions.yaml": questions}))
    asked = [question.id for question in edition.asking_order]
    assert asked.index("account.logo") < asked.index("account.wish") < asked.index("account.filed")
    assert sorted(asked) == sorted(question.id for question in edition.questions)


# Messages

HOSTILE_NAMES = {
    "ten thousand letters": "x" * 10_000,
    "several lines": '"a\\nb"',
    "a list": "[a, b]",
    "nothing": "",
}


@pytest.mark.parametrize("name", HOSTILE_NAMES)
@pytest.mark.parametrize("place", ["an id", "a key", "a citation", "a force"])
def test_however_strange_a_name_its_fault_stays_on_one_line_of_some_length(name, place, tmp_path):
    slips = {
        "an id": ("- id: 2-spam", "- id: {}"),
        "a key": ("title: Spam", "title: Spam\n  ? {}\n  : x"),
        "a citation": ('paragraphs: ["1"]', 'paragraphs: ["1", {}]'),
        "a force": ("force: should", "force: {}"),
    }
    replace, by = slips[place]
    strange = HOSTILE_NAMES[name] or '""'
    folder = edition_with(tmp_path, "rules.yaml", replace, by.format(strange))
    faults = faults_of(folder)
    assert any(fault.startswith("rules.yaml:") for fault in faults)
    assert all(len(fault) < 600 and fault.isprintable() for fault in faults)


PIECES = st.sampled_from(
    ["", "\n", ":", "- ", "  ", "[", "{", '"', "'", "&a", "*a", "!!x", "%", "? ", "|", ">-", "#"]
    + ["\t", "\0", "\ufeff", "\u202e", "\u2028", "é", "and", "(", "not ", "is yes", "null", "<<: "]
)


@pytest.fixture(scope="module")
def spare(tmp_path_factory) -> Path:
    folder: Path = tmp_path_factory.mktemp("spare")
    return edition_of(folder, {})


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_whatever_slips_into_a_file_it_is_read_or_its_faults_are_named(spare, data):
    name = f"{data.draw(st.sampled_from(FILES))}.yaml"
    text = text_of(name)
    at = data.draw(st.integers(min_value=0, max_value=len(text)))
    end = data.draw(st.integers(min_value=at, max_value=min(len(text), at + 40)))
    piece = "".join(data.draw(st.lists(PIECES, max_size=4)))
    (spare / name).write_text(text[:at] + piece + text[end:], encoding="utf-8", newline="")
    try:
        load_edition(spare)
    except EncodingFaults as found:
        assert found.faults
        assert all(fault.isprintable() for fault in found.faults)
    finally:
        (spare / name).write_text(text, encoding="utf-8")
