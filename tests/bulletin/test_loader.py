"""Loading the files of an edition, and the faults in them (tests/cases/loader_faults.yaml)."""

import re
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assessments.scoring.assess import assess
from bulletin.encoding import source as yaml_source
from bulletin.encoding.conditions import Answer, Either, Fact
from bulletin.encoding.digest import digest
from bulletin.encoding.loader import EncodingFaults, load_calendar, load_edition, load_editions
from tests.bulletin.minimal import MINIMAL, edition_of, edition_with, faults_of, text_of
from tests.tables import table

ROWS = table("loader_faults.yaml")
TOGETHER = table("loader_faults_together.yaml")
FILES = ("edition", "paragraphs", "questions", "rules", "advice")


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
    assert faults_of(edition_with(tmp_path, row)) == row["says"]


ALWAYS_LAST = {
    "in": "rules.yaml",
    "replace": "applies: official\n  unsure: check\n  last: true",
    "by": "applies: always\n  unsure: check\n  last: true",
}


def test_the_rule_reckoned_last_can_be_silenced_by_others_and_so_needs_a_text_for_that_even_if_it_always_applies(
    tmp_path,
):
    without = {
        "in": "advice.yaml",
        "replace": "2-last:\n  not_applicable: Does not apply.\n",
        "by": "2-last:\n",
    }
    assert faults_of(edition_with(tmp_path, ALWAYS_LAST, without)) == [
        "advice.yaml:20:1 2-last: the text for `not_applicable` is missing; the rule can have this outcome"
    ]


def test_a_rule_reckoned_last_that_always_applies_has_a_text_for_every_outcome(tmp_path):
    edition = load_edition(edition_with(tmp_path, ALWAYS_LAST))
    election = load_calendar(MINIMAL / "elections.yaml").elections[0]
    shown = set()
    values: tuple[Answer, ...] = (Decimal(1), Decimal(11), "unsure")
    for logo, value in product(("yes", "unsure", "no"), values):
        answers: dict[str, Answer] = {"account.logo": logo, "account.wish": "no", "account.value": value}
        closing = assess(edition, answers, as_of=election.last_confirmed, election=election).findings[-1]
        shown.add(closing.outcome)
        assert edition.advice["2-last"].for_outcome(closing.outcome)
    assert "not_applicable" in shown


def test_no_two_slips_of_the_table_have_one_name():
    names = [row["case"] for row in ROWS]
    assert len(names) == len(set(names))


# Files that cannot be read

UNREADABLE: dict[str, tuple[str | bytes, str]] = {
    "Latin-1": (b'- id: "1"\n  title: Caf\xe9\n', "2:13 byte 23 is not UTF-8; save the file as UTF-8"),
    "UTF-16": ("- id: 1\n".encode("utf-16"), "1:1 byte 1 is not UTF-8; save the file as UTF-8"),
    "a NUL": ("- id: \0", "1:7 U+0000 is a control character; remove it"),
    "a terminal's escape": ("-\n- id: \x1b[31m", "2:7 U+001B is a control character; remove it"),
    "a tab before a key": (
        "- id: one\n\ttitle: One",
        r"2:1 not YAML: while scanning for the next token, found character '\t' that cannot start any token",
    ),
    "a bracket alone": (
        "[",
        "1:2 not YAML: while parsing a flow node, expected the node content, but found '<stream end>'",
    ),
    "a number too long to read": (
        f"%YAML 1.{'9' * 5_000}\n---\n",
        "1:1 not YAML: the next number or character code is out of range",
    ),
    "nothing": ("", "1:1 the file is empty; write a list"),
    "comments alone": ("# none\n", "1:1 the file is empty; write a list"),
    "one word": ("one", "1:1 write a list here; begin each entry with `- id:`"),
    "a mapping": ("id: one", "1:1 write a list here; begin each entry with `- id:`"),
}  # fmt: skip


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_file_that_cannot_be_read_makes_one_fault_and_hides_no_other_file(name, tmp_path):
    content, message = UNREADABLE[name]
    rules = text_of("rules.yaml").replace("account.wish is no", "account.wish is absent")
    folder = edition_of(tmp_path, {"paragraphs.yaml": content, "rules.yaml": rules})
    rules_message = "rules[1].met: `account.wish is absent`: `account.wish` has no choice `absent`"
    assert faults_of(folder) == [f"paragraphs.yaml:{message}", f"rules.yaml:8:3 {rules_message}"]


@pytest.mark.parametrize("code", ["0000", "0009", "00AD", "200B", "202E", "2028", "D83D", "E000"])
def test_a_character_that_cannot_be_seen_is_named_where_its_text_begins(code, tmp_path):
    slip = {"in": "rules.yaml", "replace": "title: Spam", "by": f'title: "Spam\\u{code}maps"'}
    fault = f"rules.yaml:23:10 U+{code} is invisible in a text; remove it"
    assert faults_of(edition_with(tmp_path, slip)) == [fault]


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_missing_makes_one_fault(name, tmp_path):
    assert faults_of(edition_of(tmp_path, {f"{name}.yaml": None})) == [
        f"{name}.yaml:1:1 the file cannot be read (No such file or directory)"
    ]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("edition", "write keys with values here"),
        ("paragraphs", "write a list"),
        ("questions", "write a list"),
        ("rules", "write a list"),
        ("advice", "write rule ids with their texts here"),
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
    assert faults_of(folder) == ["rules.yaml:1:1 the file cannot be read (Is a directory)"]


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


def test_slips_in_every_file_are_all_named_in_one_run_and_always_in_one_order(tmp_path):
    folder = edition_with(tmp_path, *TOGETHER["slips"])
    assert faults_of(folder) == TOGETHER["says"]
    assert faults_of(folder) == TOGETHER["says"]


# Size, depth and bulk: refused before anything is built


TOO_LARGE = "1:1 the file has more than 250,000 bytes; make it shorter"
TOO_MANY = "more than 500 entries in one list"
TOO_DEEP = "more than 12 nested levels"
DEEPER = "more than 10 nested brackets or `not`s"
BULK = {
    "ten megabytes": ("- a\n" * 2_500_000, TOO_LARGE),
    "a byte too many": ("#" * 250_001, TOO_LARGE),
    "a hundred levels of brackets": ("[" * 100 + "]" * 100, f"1:13 {TOO_DEEP}"),
    "a hundred thousand levels of brackets": ("[" * 100_000, f"1:13 {TOO_DEEP}"),
    "a hundred levels of dashes": ("- " * 100, f"1:25 {TOO_DEEP}"),
    "a hundred thousand short entries": ("-\n" * 100_000, f"501:2 {TOO_MANY}"),
    "ten thousand keys": ("".join(f"k{at}: v\n" for at in range(10_000)), f"501:1 {TOO_MANY}"),
    "many small lists": (
        ("- [" + "a, " * 100 + "]\n") * 400,
        "100:3 more than 10,000 values in one file",
    ),
}


@pytest.mark.parametrize("name", BULK)
def test_bulk_is_refused_before_anything_is_built(name, tmp_path, monkeypatch):
    content, message = BULK[name]
    sound = yaml_source._plain

    def small_only(event: Any, rest: Any, place: Any, source: yaml_source.Source) -> Any:
        assert source.name != "rules.yaml", "the bulk was read into data"
        return sound(event, rest, place, source)

    monkeypatch.setattr(yaml_source, "_plain", small_only)
    assert faults_of(edition_of(tmp_path, {"rules.yaml": content})) == [f"rules.yaml:{message}"]


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
        ("paragraphs.yaml", "", "- {{id: p{}, title: P, says: P., no_rule: None.}}\n"),
    ],
)
def test_a_list_of_600_is_refused_at_the_501st(file, before, entry, tmp_path):
    entries = [entry.format(at) for at in range(600)]
    text = text_of(file).replace(before, before + "".join(entries), 1)
    line = text[: text.index(entries[500])].count("\n") + 1
    column = entry.index("- ") + 3
    folder = edition_of(tmp_path, {file: text})
    assert faults_of(folder) == [f"{file}:{line}:{column} {TOO_MANY}"]


def test_hidden_meanings_are_counted_up_to_twenty_and_then_the_file_is_left(tmp_path):
    anchors = "".join(f"- &a{at} x\n" for at in range(400))
    assert len(faults_of(edition_of(tmp_path, {"rules.yaml": anchors}))) == 21


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        (
            "(" * 100 + "official" + ")" * 100,
            f"at character 11: {DEEPER}; define a part of this as a fact",
        ),
        (
            "official or " * 9_000 + "official",
            "the condition has 108008 characters; use at most 1000",
        ),
    ],
    ids=["a hundred brackets deep", "a hundred thousand characters long"],
)
def test_a_condition_that_nobody_could_read_is_refused_at_its_place(condition, message, tmp_path):
    slip = {"in": "questions.yaml", "replace": "asked: official", "by": f"asked: {condition}"}
    place = "questions.yaml:24:3 questions[account.wish].asked"
    assert faults_of(edition_with(tmp_path, slip)) == [f"{place}: {message}"]


# Chains


def chain(length: int, *, backwards: bool = False, times: int = 1) -> str:
    """YAML for `length` facts. Each rests on the fact before, and the first on the logo."""
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
    place = f"edition.yaml:{len(before.splitlines())}:25 facts[f19].when"
    message = "depends on a chain of more than 20 facts and questions; state it more directly"
    assert faults_of(folder) == [f"{place}: {message}"]


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
    assert "questions[account.q9].asked: depends on a chain of more than 20 facts and questions" in fault


def test_facts_that_share_facts_are_each_visited_once(tmp_path, monkeypatch):
    """Visiting a fact once for each path to it would take a hundred to the power of fifteen visits."""
    edition = load_edition(edition_with_chain(tmp_path, chain(16, times=100), last=15))
    visited: list[Either] = []
    sound = Either.terms

    def counted(self: Either) -> Any:
        visited.append(self)
        assert len(visited) < 1_000, "the same facts are visited again and again"
        return sound(self)

    monkeypatch.setattr(Either, "terms", counted)
    asked = [question.id for question in edition.asking_order]
    assert asked == [question.id for question in edition.questions]
    assert [fact.id for fact in edition.facts_behind(Fact("f15"))] == [f"f{at}" for at in range(15, -1, -1)]


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
    changes = {
        "an id": ("- id: 2-spam", "- id: {}"),
        "a key": ("title: Spam", "title: Spam\n  ? {}\n  : x"),
        "a citation": ('paragraphs: ["1"]', 'paragraphs: ["1", {}]'),
        "a force": ("force: should", "force: {}"),
    }
    replace, by = changes[place]
    strange = HOSTILE_NAMES[name] or '""'
    slip = {"in": "rules.yaml", "replace": replace, "by": by.format(strange)}
    faults = faults_of(edition_with(tmp_path, slip))
    assert any(fault.startswith("rules.yaml:") for fault in faults)
    assert all(len(fault) < 600 and fault.isprintable() for fault in faults)


MARKS = [": ", "- ", "  ", "[", "{", '"', "'", "&a ", "*a ", "!!x ", "%", "? ", "|", ">-", "#", "<<: "]
WORDS = ["and", "(", "not ", "is yes", "null", "é"]
UNSEEN = ["\n", "\t", "\0", "\ufeff", "\u202e", "\u2028"]
PIECES = st.sampled_from([*MARKS, *WORDS, *UNSEEN])


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
    named = [f"{name}:1:1"]
    try:
        load_edition(spare)
    except EncodingFaults as error:
        named = error.faults
    finally:
        (spare / name).write_text(text, encoding="utf-8")
    assert named
    assert all(re.match(r"[a-z]+\.yaml:\d+:\d+", fault) and fault.isprintable() for fault in named)


# Several editions

OF_ID = "a folder has the id of its edition as its name"


def shelf_of(folder: Path, **ids: str) -> Path:
    """Write copies of the small edition, each in its own folder and with its own id."""
    for name, own in ids.items():
        (folder / name).mkdir()
        edition_with(folder / name, {"in": "edition.yaml", "replace": "id: minimal-1", "by": f"id: {own}"})
    return folder


def faults_on(shelf: Path) -> list[str]:
    with pytest.raises(EncodingFaults) as raised:
        load_editions(shelf)
    return raised.value.faults


def test_editions_in_folders_of_their_names_are_read_by_id(tmp_path):
    assert list(load_editions(shelf_of(tmp_path, one="one", two="two"))) == ["one", "two"]


def test_a_folder_that_is_not_named_by_its_edition_is_a_fault(tmp_path):
    assert faults_on(shelf_of(tmp_path, one="one", copy="two")) == [
        f"copy/edition.yaml:1:1 id: {OF_ID}; rename `copy` to `two`, or change the id"
    ]


def test_an_id_that_another_folder_has_is_a_fault_of_each_that_is_not_named_by_it(tmp_path):
    assert faults_on(shelf_of(tmp_path, one="one", copy="one", more="two", still="two")) == [
        f"{name}/edition.yaml:1:1 id: `{own}` is also the id of `{other}`; use each id once, and {OF_ID}"
        for name, own, other in (("copy", "one", "one"), ("more", "two", "still"), ("still", "two", "more"))
    ]


def test_the_faults_of_all_folders_are_named_each_with_its_folder(tmp_path):
    shelf = shelf_of(tmp_path, one="one", two="two", copy="three")
    for name in "one", "two":
        (shelf / name / "rules.yaml").unlink()
    missing = "rules.yaml:1:1 the file cannot be read (No such file or directory)"
    assert faults_on(shelf)[:2] == [f"one/{missing}", f"two/{missing}"]
    assert faults_on(shelf)[2].startswith("copy/edition.yaml:1:1 id: ")
