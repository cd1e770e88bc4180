"""The Toronto edition: its contract, its words, and what changes its digest."""

import json
import subprocess
import sys
from typing import Any

import pytest

from bulletin.encoding import digest as digests
from bulletin.encoding.conditions import parse
from bulletin.encoding.digest import digest
from bulletin.encoding.loader import load_edition
from bulletin.encoding.schema import Question
from bulletin.encoding.source import read
from bulletin.shelf import HERE
from tests.bulletin.contract import CONTRACT, columns, listed
from tests.bulletin.minimal import MINIMAL, edition_of, edition_with
from tests.tables import EDITION, edition, table

CHANGES = table("digest.yaml")
ROOT = HERE.parent
SHORTEST_PHRASE, LONGEST_PHRASE = 2, 12


def stated(text: str) -> Any:
    return text if text == "calendar" else parse(text)


# The contract


def test_the_edition_has_its_id_and_the_contracts_counts():
    assert edition().id == EDITION
    assert (len(edition().paragraphs), len(edition().questions), len(edition().rules)) == (33, 58, 51)
    assert edition().sheet.names_elections == ("toronto-2022",)
    assert (edition().sheet.revision, edition().sheet.engine) == (2, 2)


def kind_of(question: Question) -> str:
    unsure = "?" if question.may_be_unsure else ""
    optional = ["optional"] if question.optional else []
    return " ".join([f"{question.kind}{unsure}", *question.choices, *optional])


def test_the_questions_are_the_contracts_in_its_order():
    actual = [[q.id, kind_of(q), q.asked, q.paragraphs] for q in edition().questions]
    assert actual == [
        [name, kind, stated(asked), listed(cited)] for name, kind, asked, cited in columns("questions")
    ]


def test_the_marks_of_the_questions_are_the_contracts():
    marks = {mark: [q.id for q in edition().questions if getattr(q, mark)] for mark in CONTRACT["marks"]}
    assert marks == {mark: questions.split() for mark, questions in CONTRACT["marks"].items()}


def test_the_questions_on_one_screen_are_the_contracts():
    groups: dict[str, list[str]] = {}
    for question in edition().questions:
        if question.together:
            groups.setdefault(question.together, []).append(question.id)
    assert list(groups.values()) == [questions.split() for questions in CONTRACT["together"]]


def test_the_facts_are_the_contracts_in_its_order():
    actual = [[fact.id, fact.when] for fact in edition().sheet.facts]
    assert actual == [[name, stated(when)] for name, when in columns("facts")]


def test_the_rules_are_the_contracts_in_its_order():
    actual = [
        [r.id, r.section, r.paragraphs, r.force, r.unsure, r.contact, r.deadline] for r in edition().rules
    ]
    assert actual == [
        [name, section, listed(cited), force, unsure, contact or None, deadline]
        for name, section, cited, force, unsure, contact, deadline in columns("rules")
    ]


def test_each_rule_applies_and_is_met_when_the_contract_says_so():
    actual = [[rule.id, rule.applies, rule.met] for rule in edition().rules]
    assert actual == [
        [name, stated(applies), stated(met) if met else None] for name, applies, met in columns("conditions")
    ]


def test_the_closing_rule_and_the_timing_questions_are_the_contracts():
    assert [rule.id for rule in edition().rules if rule.last] == [CONTRACT["reckoned_last"]]
    timing, expected = edition().sheet.timing, CONTRACT["timing"]
    assert timing.filing == expected["filing"]
    assert (timing.planned, timing.wished) == (stated(expected["planned"]), stated(expected["wished"]))


def test_the_sections_are_the_contracts_and_each_has_a_question():
    names = [section.id for section in edition().sheet.sections]
    assert names == CONTRACT["sections"].split()
    assert names == list(dict.fromkeys(question.section for question in edition().questions))


def test_every_section_but_the_first_has_rules():
    actual = [section.id for section in edition().sections_with_rules]
    assert actual == CONTRACT["sections"].split()[1:]


def test_the_paragraphs_are_the_bulletins_in_its_order_with_every_lettered_point():
    assert [paragraph.id for paragraph in edition().paragraphs] == CONTRACT["paragraphs"].split()
    points = {p.id: " ".join(p.points) for p in edition().paragraphs if p.points}
    assert points == CONTRACT["points"]


def test_a_paragraph_has_a_rule_of_its_own_or_says_why_not():
    silent = [paragraph.id for paragraph in edition().paragraphs if paragraph.no_rule]
    assert silent == CONTRACT["without_rule"].split()
    carried = {rule.paragraphs[0].partition("(")[0] for rule in edition().rules}
    others = [p.id for p in edition().paragraphs if not p.no_rule]
    assert [name for name in others if name not in carried] == []


def test_the_operative_words_of_every_rule_are_a_phrase_and_no_sentence():
    lengths = {rule.id: len(rule.phrase.split()) for rule in edition().rules}
    assert {name: n for name, n in lengths.items() if not SHORTEST_PHRASE <= n <= LONGEST_PHRASE} == {}
    assert [rule.id for rule in edition().rules if rule.phrase.endswith(".")] == []


def test_no_two_entries_share_a_short_name_or_a_title():
    for names in (
        [question.short for question in edition().questions],
        [rule.title for rule in edition().rules],
        [paragraph.title for paragraph in edition().paragraphs],
    ):
        assert [name for name in names if names.count(name) > 1] == []


def test_every_question_asks_one_thing_and_ends_as_a_question():
    assert [q.id for q in edition().questions if not q.asks.endswith("?") or q.asks.count("?") > 1] == []


def test_the_guarded_section_is_the_one_whose_rules_cite_paragraph_11():
    on_campaigning = {rule.section for rule in edition().rules if "11" in rule.paragraphs}
    assert edition().guarded_sections == on_campaigning == {"election"}


# The digest


@pytest.fixture(scope="module")
def sound() -> str:
    return digest(load_edition(MINIMAL))


@pytest.mark.parametrize("row", CHANGES["same"], ids=lambda row: row["case"])
def test_the_digest_stays_when_only_this_changes(row, sound, tmp_path):
    assert digest(load_edition(edition_with(tmp_path, *row["slips"]))) == sound


@pytest.mark.parametrize("row", CHANGES["another"], ids=lambda row: row["case"])
def test_the_digest_changes_with_this(row, sound, tmp_path):
    assert digest(load_edition(edition_with(tmp_path, *row["slips"]))) != sound


def test_the_digest_changes_with_the_revision(sound):
    edition = load_edition(MINIMAL)
    sheet = edition.sheet.model_copy(update={"revision": 2})
    assert digest(edition.model_copy(update={"sheet": sheet})) != sound


def test_a_new_version_of_the_engine_changes_no_digest(monkeypatch, sound):
    monkeypatch.setattr(digests, "ENGINES", (*digests.ENGINES, digests.ENGINES[-1] + 1))
    assert digest(load_edition(MINIMAL)) == sound


def backwards(entry: dict[str, Any]) -> dict[str, Any]:
    return dict(reversed(entry.items()))


def test_the_order_of_keys_in_an_entry_and_the_style_of_yaml_are_layout(tmp_path, sound):
    files = {path.name: read(path).content for path in MINIMAL.iterdir()}
    for name in ("paragraphs.yaml", "questions.yaml", "rules.yaml"):
        files[name] = [backwards(entry) for entry in files[name]]
    files["advice.yaml"] = {rule: backwards(texts) for rule, texts in files["advice.yaml"].items()}
    files["edition.yaml"] = backwards(files["edition.yaml"])
    as_json = {name: json.dumps(content) for name, content in files.items()}
    assert digest(load_edition(edition_of(tmp_path, {**as_json}))) == sound


def test_the_digest_is_sha_256_in_hexadecimal(sound):
    assert len(sound) == 64
    assert set(sound) <= set("0123456789abcdef")


# Purity

WITHOUT_DJANGO = """
import importlib, pkgutil, sys
sys.modules["django"] = None
from datetime import date
import assessments.scoring, bulletin.encoding
for package in (bulletin.encoding, assessments.scoring):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
from assessments.scoring.assess import assess
from bulletin import shelf
edition = shelf.editions()["toronto-social-media-1.1"]
election = shelf.calendar().get("toronto-2026")
print(assess(edition, {}, as_of=date(2026, 7, 1), election=election).overall)
print(*sorted(name for name in sys.modules if name.partition(".")[0] in ("django", "config")))
"""


def test_the_encoding_and_the_scoring_work_where_there_is_no_django():
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_DJANGO], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.stderr, done.stdout.split()) == ("", ["incomplete", "django"])
