"""The language of conditions: reading, printing, weighing and refusing (tests/cases/conditions.yaml)."""

import ast
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulletin.encoding import conditions
from bulletin.encoding.conditions import (
    Always,
    Answer,
    AtMost,
    Condition,
    ConditionError,
    Either,
    Every,
    Fact,
    Has,
    Is,
    Not,
    Verdict,
    parse,
)
from tests.tables import table

TABLE = table("conditions.yaml")
VALUES = {"true": True, "false": False, "undetermined": None}


@dataclass
class Situation:
    """Answers, and facts that are conditions on them."""

    answers: dict[str, Answer] = field(default_factory=dict)
    facts: dict[str, Condition] = field(default_factory=dict)

    def fact(self, name: str) -> Verdict:
        return self.facts[name].weigh(self)


def answered(**answers: Any) -> Situation:
    """A situation with these answers to `q.…`, as the tables write them."""
    read: dict[str, Answer] = {}
    for name, answer in answers.items():
        if isinstance(answer, list):
            read[f"q.{name}"] = tuple(answer)
        elif answer.startswith("$"):
            read[f"q.{name}"] = Decimal(answer[1:])
        elif answer != "open":
            read[f"q.{name}"] = answer
    return Situation(read)


def verdict(text: str) -> Verdict:
    """The verdict that a text like `true: left right` stands for."""
    value, _, names = text.partition(": ")
    return Verdict(VALUES[value], frozenset(f"q.{name}" for name in names.split()))


@pytest.mark.parametrize("row", TABLE["printed"], ids=lambda row: row["text"])
def test_a_condition_prints_as_it_reads_and_reads_as_it_prints(row):
    condition = parse(row["text"])
    assert str(condition) == row["prints"]
    assert parse(str(condition)) == condition


@pytest.mark.parametrize("row", TABLE["joined"], ids=lambda row: f"{row['left']} {row['right']}")
@pytest.mark.parametrize("joint", ["and", "or"])
def test_two_joined_parts_have_this_verdict(row, joint):
    condition = parse(f"q.left is yes {joint} q.right is yes")
    assert condition.weigh(answered(left=row["left"], right=row["right"])) == verdict(row[joint])


@pytest.mark.parametrize("row", TABLE["denied"], ids=lambda row: row["answer"])
def test_not_turns_a_settled_verdict_and_keeps_an_undetermined_one(row):
    condition = parse("not q.left is yes")
    assert condition.weigh(answered(left=row["answer"])) == verdict(row["not"])


@pytest.mark.parametrize("row", TABLE["terms"], ids=lambda row: f"{row['text']}: {row['answer']}")
def test_a_term_has_this_value_for_this_answer(row):
    question, _, _ = row["text"].removeprefix("q.").partition(" ")
    actual = parse(row["text"]).weigh(answered(**{question: row["answer"]}))
    assert actual == Verdict(VALUES[row["is"]], frozenset({f"q.{question}"}))


def test_always_is_true_without_answers_and_rests_on_nothing():
    assert parse("always").weigh(Situation()) == Verdict(True, frozenset())


def test_a_fact_rests_on_what_its_condition_rests_on():
    situation = answered(left="no", right="open")
    situation.facts = {"some": parse("q.left is yes or q.right is yes")}
    assert parse("not some").weigh(situation) == verdict("undetermined: right")
    situation.answers["q.right"] = "no"
    assert parse("not some").weigh(situation) == verdict("true: left right")


def test_what_decides_a_nested_condition_leaves_out_the_parts_that_do_not():
    condition = parse("q.a is yes and (q.b is yes or q.c is yes) and not q.d is yes")
    settled = condition.weigh(answered(a="yes", b="yes", c="unsure", d="no"))
    assert settled == verdict("true: a b d")
    hindered = condition.weigh(answered(a="yes", b="no", c="unsure", d="open"))
    assert hindered == verdict("undetermined: c d")


def test_the_terms_of_a_condition_are_in_its_order():
    text = "not (a and q.use is now) or q.grounds has spam or (always and q.value at most 5.00)"
    terms = [str(term) for term in parse(text).terms()]
    assert terms == ["a", "q.use is now", "q.grounds has spam", "q.value at most 5.00"]


# Refusals


@pytest.mark.parametrize("row", TABLE["refused"], ids=lambda row: row["text"] or "nothing")
def test_a_text_that_is_no_condition_is_refused_in_these_words(row):
    with pytest.raises(ConditionError) as raised:
        parse(row["text"])
    assert str(raised.value) == row["says"]


HOSTILE = {
    "a control character": ("a\0b", 2, "\\x00b"),
    "a right-to-left override": ("a \u202eb", 3, "\\u202eb"),
    "a space that is none": ("a\u00a0and b", 2, "\\xa0and b"),
    "a letter that only looks like ours": ("\u0430lways", 1, "\u0430lways"),
    "digits of another script": ("q.v at most \u0665\u0660.\u0660\u0660", 13, "\u0665\u0660.\u0660\u0660"),
    "a letter right behind an amount": ("q.v at most 5.00\u00e9", 17, "\u00e9"),
    "an emoji": ("\U0001f600", 1, "\U0001f600"),
    "half of a character": ("\ud83d", 1, "\\ud83d"),
    "a byte order mark": ("\ufeffalways", 1, "\\ufeffalways"),
    "a thousand letters that are not ours": ("é" * 1_000, 1, "é" * 12),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_text_is_refused_at_its_place_and_shown_without_what_hides_in_it(name):
    text, place, shown = HOSTILE[name]
    message = f"at character {place}: '{shown}' is not part of the language"
    with pytest.raises(ConditionError) as raised:
        parse(text)
    assert str(raised.value).startswith(message)


def test_a_thousand_characters_are_read():
    text = "a or " * 199 + "abcde"
    assert len(text) == 1_000
    assert len(list(parse(text).terms())) == 200


@pytest.mark.parametrize("length", [1_001, 10_000_000])
def test_a_longer_text_is_refused_before_anything_of_it_is_read(length, monkeypatch):
    monkeypatch.setattr(conditions, "_Parser", None)
    with pytest.raises(ConditionError) as raised:
        parse("(" * length)
    assert str(raised.value) == f"the condition has {length} characters; use at most 1000"


@pytest.mark.parametrize(("opening", "closing"), [("(", ")"), ("not ", ""), ("not (", ")")])
def test_ten_levels_are_read_and_a_hundred_refused_where_the_eleventh_begins(opening, closing):
    per_level = opening.count("(") + opening.count("not")
    levels = 10 // per_level
    parse(opening * levels + "a" + closing * levels)
    with pytest.raises(ConditionError) as raised:
        parse(opening * 100 + "a" + closing * 100)
    eleventh = levels * len(opening) + 1
    assert str(raised.value) == (
        f"at character {eleventh}: more than 10 nested brackets or `not`s; define a part of this as a fact"
    )


def test_a_thousand_brackets_side_by_side_are_no_depth():
    assert parse(" or ".join(["(a)"] * 143)) == parse(" or ".join(["a"] * 143))


def test_the_language_has_no_way_to_run_code():
    tree = ast.parse(Path(conditions.__file__).read_text(encoding="utf-8"))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert not names & {"eval", "exec", "compile", "__import__", "getattr", "globals", "open"}


# Properties

QUESTIONS = ("q.a", "q.b", "q.c")
CHOICES = ("yes", "no")
words = st.from_regex(r"[a-z][a-z0-9_]{0,6}", fullmatch=True).filter(
    lambda word: word not in {"and", "or", "not", "is", "has", "at", "most", "always"}
)
amounts = st.integers(min_value=0, max_value=100_000_000).map(lambda cents: Decimal(cents) / 100)


def conditions_of(terms: st.SearchStrategy[Condition], levels: int) -> st.SearchStrategy[Condition]:
    """Conditions made of these terms, up to `levels` deep."""
    if levels == 0:
        return terms
    inner = conditions_of(terms, levels - 1)
    parts = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(terms, st.builds(Not, inner), st.builds(Every, parts), st.builds(Either, parts))


any_question = st.builds("{}.{}".format, words, words)
any_condition = conditions_of(
    st.one_of(
        st.just(Always()),
        st.builds(Fact, words),
        st.builds(Is, any_question, words),
        st.builds(Has, any_question, words),
        st.builds(AtMost, any_question, amounts.map(lambda amount: amount.quantize(Decimal("0.01")))),
    ),
    levels=3,
).filter(lambda condition: len(str(condition)) <= 1_000)


@settings(deadline=None)
@given(any_condition)
def test_any_condition_reads_as_it_prints(condition):
    assert parse(str(condition)) == condition


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_a_condition_or_refused_as_none(text):
    try:
        condition = parse(text)
    except ConditionError:
        return
    assert parse(str(condition)) == condition


small_terms = st.one_of(
    st.just(Always()),
    st.just(Fact("some")),
    st.builds(Is, st.sampled_from(QUESTIONS), st.sampled_from(CHOICES)),
    st.builds(Has, st.just("q.many"), st.sampled_from(CHOICES)),
    st.builds(AtMost, st.just("q.money"), st.just(Decimal("5.00"))),
)
small_conditions = conditions_of(small_terms, levels=3)
settled_answers = st.fixed_dictionaries(
    {question: st.sampled_from(CHOICES) for question in QUESTIONS}
    | {
        "q.many": st.sampled_from([("yes",), ("no",), ("yes", "no")]),
        "q.money": st.sampled_from([Decimal("4.99"), Decimal("5.00"), Decimal("5.01")]),
    }
)
ALL = (*QUESTIONS, "q.many", "q.money")
states = st.fixed_dictionaries({question: st.sampled_from(["settled", "unsure", "open"]) for question in ALL})
SOME = {"some": parse("q.a is yes or not q.money at most 5.00")}


def in_state(answers: dict[str, Any], state: dict[str, str]) -> Situation:
    kept = {question: answers[question] for question in ALL if state[question] == "settled"}
    unsure = {question: "unsure" for question in ALL if state[question] == "unsure"}
    return Situation(kept | unsure, SOME)


@settings(deadline=None)
@given(small_conditions, settled_answers, states, states)
def test_a_settled_verdict_stays_whatever_else_is_answered(condition, answers, before, then):
    after = {q: "settled" if before[q] == "settled" else then[q] for q in ALL}
    settled = condition.weigh(in_state(answers, before)).value
    if settled is not None:
        assert condition.weigh(in_state(answers, after)).value is settled


@settings(deadline=None)
@given(small_conditions, settled_answers, states)
def test_what_a_settled_verdict_rests_on_is_enough_for_it(condition, answers, state):
    situation = in_state(answers, state)
    value, rests_on = condition.weigh(situation)
    if value is not None:
        alone = Situation({question: situation.answers[question] for question in rests_on}, SOME)
        assert condition.weigh(alone) == Verdict(value, rests_on)


@settings(deadline=None)
@given(small_conditions, settled_answers, states)
def test_an_undetermined_verdict_rests_on_open_answers_and_settling_them_settles_it(
    condition, answers, state
):
    value, rests_on = condition.weigh(in_state(answers, state))
    if value is None:
        assert rests_on
        assert all(state[question] != "settled" for question in rests_on)
        settled = state | dict.fromkeys(rests_on, "settled")
        assert condition.weigh(in_state(answers, settled)).value is not None
