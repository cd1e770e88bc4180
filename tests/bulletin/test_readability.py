"""How the texts of each edition read: grades, lengths, verbs and plain words (cases/readability.yaml)."""

import re
from statistics import median

import pytest

from assessments.scoring.wording import in_election
from bulletin import shelf
from bulletin.encoding.schema import OUTCOME_BY_FORCE, Edition
from tests.readability import grade, sentences, syllables, words
from tests.tables import election, table

LIMITS = table("readability.yaml")
TERMS = LIMITS["defined_terms"]
VERBS = LIMITS["verbs"].split()
TO_DO = ("action", "improvement")
EDITIONS = list(shelf.editions().values())
WITH_DAYS = election("toronto-2026")

Texts = list[tuple[str, str]]
"""Texts, each with its place in the edition."""


def texts_of(edition: Edition) -> dict[str, Texts]:
    """Every text of an edition that people read, by kind. Only the bulletin's own phrases are left out."""
    sheet = edition.sheet
    questions = [in_election(question, WITH_DAYS) for question in edition.questions]
    words_, nothing = sheet.words, sheet.words.nothing
    titled = [*words_.overall.items(), *words_.outcomes.items(), *words_.contact.items()]
    advice = [
        (f"{rule}.{key}", key, text) for rule, texts in edition.advice.items() for key, text in texts if text
    ]
    deadlines = sheet.deadlines.model_dump(exclude_none=True)
    by_moment = {name: texts if isinstance(texts, dict) else {"": texts} for name, texts in deadlines.items()}
    notes = ("calendar_note", "given_note", "filing_note", "vote_note", "supersedes")
    across = sheet.across
    return {
        "asks": [(q.id, q.asks) for q in questions],
        "hint": [(q.id, q.hint) for q in questions],
        "example": [(q.id, q.example) for q in questions if q.example],
        "answers": [
            *((q.id, q.short) for q in questions),
            *((f"{q.id}.{name}", label) for q in questions for name, label in q.choices.items()),
        ],
        "changed": [
            (f"{q.id}.{name}", f"{text}.") for q in questions for name, text in q.changed.items()
        ],
        "advice": [(place, text) for place, key, text in advice if key != "about"],
        "about": [(place, text) for place, key, text in advice if key == "about"],
        "titles": [
            *((rule.id, rule.title) for rule in edition.rules),
            *((paragraph.id, paragraph.title) for paragraph in edition.paragraphs),
            *((section.id, section.title) for section in sheet.sections),
            *((fact.id, fact.title) for fact in sheet.facts),
            *((name, entry.title) for name, entry in titled),
        ],
        "paragraphs": [
            (paragraph.id, text)
            for paragraph in edition.paragraphs
            for text in (paragraph.says, *paragraph.points.values(), paragraph.no_rule)
            if text
        ],
        "limits": [(f"limit {at}", text) for at, text in enumerate(sheet.limits)],
        "readings": [(f"reading {at}", f"{r.reading} {r.reason}") for at, r in enumerate(sheet.readings)],
        "words": [
            *((section.id, section.intro) for section in sheet.sections),
            *((name, entry.says) for name, entry in titled),
            *(("nothing", text) for _, text in nothing),
            *((f"{name}.{moment}", text) for name, texts in by_moment.items() for moment, text in texts.items()),
            *((name, text) for name in notes if (text := getattr(sheet, name))),
            *(("contradiction", contradiction.says) for contradiction in sheet.contradictions),
            *(("across", pointer.says) for pointer in (across and (across.shared, across.alone, across.apart)) or ()),
            *(
                (name, text)
                for step in edition.carries
                for name, course in step.questions.items()
                for text in (*course.leaves.values(), course.dropped)
                if text
            ),
        ],
    }  # fmt: skip


ALL = [(edition, kind, texts) for edition in EDITIONS for kind, texts in texts_of(edition).items()]
by_kind = pytest.mark.parametrize(
    ("edition", "kind", "texts"), ALL, ids=[f"{edition.id} {kind}" for edition, kind, _ in ALL]
)
by_edition = pytest.mark.parametrize("edition", EDITIONS, ids=lambda edition: edition.id)


@by_kind
def test_each_kind_of_text_reads_at_no_more_than_its_grade(edition, kind, texts):
    if limit := LIMITS["grades"].get(kind):
        grades = {place: round(grade(text, TERMS), 1) for place, text in texts}
        assert median(grades.values()) <= float(limit["median"])
        each = float(limit.get("each", "inf"))
        assert {place: value for place, value in grades.items() if value > each} == {}


@by_edition
def test_a_question_has_no_abbreviation_and_no_two_tests_with_a_negative(edition):
    asks = {question.id: question.asks for question in edition.questions}
    assert {name: text for name, text in asks.items() if re.search(r"\b[A-Z]{2,}\b", text)} == {}
    negative = re.compile(r"\bnot\b|n't\b", re.IGNORECASE)
    two = re.compile(r"\band\b", re.IGNORECASE)
    assert {name: text for name, text in asks.items() if negative.search(text) and two.search(text)} == {}


@by_edition
def test_a_to_do_begins_with_a_verb_and_says_the_act_in_two_lines(edition):
    to_dos = {
        (rule, key): text
        for rule, texts in edition.advice.items()
        for key, text in texts
        if key in TO_DO and text
    }
    assert {place: text for place, text in to_dos.items() if text.split()[0] not in VERBS} == {}
    acts = {place: sentences(text)[0] for place, text in to_dos.items()}
    assert {place: act for place, act in acts.items() if len(act) > int(LIMITS["longest_act"])} == {}


@by_edition
def test_the_title_of_a_rule_with_something_to_do_begins_with_a_verb(edition):
    titles = {rule.id: rule.title for rule in edition.rules if OUTCOME_BY_FORCE.get(rule.force) in TO_DO}
    assert {rule: title for rule, title in titles.items() if title.split()[0] not in VERBS} == {}


@by_edition
def test_what_to_stop_until_there_is_an_answer_is_one_sentence(edition):
    texts = {rule: texts.meanwhile for rule, texts in edition.advice.items() if texts.meanwhile}
    assert {rule: text for rule, text in texts.items() if len(sentences(text)) > 1} == {}


@by_edition
def test_what_a_contact_is_about_completes_a_sentence(edition):
    about = {rule: texts.about for rule, texts in edition.advice.items() if texts.about}
    wrong = {
        rule: text for rule, text in about.items() if text.endswith(".") or not re.match("[a-z]|City ", text)
    }
    assert wrong == {}  # fmt: skip


@by_edition
def test_the_words_of_a_change_complete_a_sentence_and_are_short(edition):
    changed = {(q.id, name): text for q in edition.questions for name, text in q.changed.items()}
    wrong = {place: text for place, text in changed.items() if not re.fullmatch("[a-z].*[^.]", text)}
    assert wrong == {}
    most = int(LIMITS["longest_change"])
    assert {place: text for place, text in changed.items() if len(text.split()) > most} == {}


# The measure itself


@pytest.mark.parametrize(
    ("word", "count"), [("cat", 1), ("police", 2), ("re", 1), ("member's", 2), ("qwertied", 2), ("rhythm", 2)]
)
def test_syllables_are_those_of_the_dictionary_or_estimated(word, count):
    assert syllables(word) == count


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("The cat sat on the mat.", -3, 2),
        (
            "Notwithstanding the aforementioned considerations, applicability necessitates investigation.",
            20,
            60,
        ),
        ("", 0, 0),
    ],
    ids=["a primer", "legalese", "nothing"],
)
def test_the_grade_distinguishes_plain_from_heavy(text, low, high):
    assert low <= grade(text) <= high


def test_a_defined_term_counts_like_a_pronoun():
    assert grade("Ask the Integrity Commissioner.", ["Integrity Commissioner"]) == grade("Ask the it.")


def test_a_colon_ends_a_sentence_and_a_hyphen_joins_words():
    assert sentences('Ask: "Why?" Then wait; post later.') == ["Ask:", '"Why?', "Then wait;", "post later."]
    assert words("re-election on day 2") == ["re", "election", "on", "day"]
