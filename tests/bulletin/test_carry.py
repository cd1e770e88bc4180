"""Carrying answers to a later revision, and the file that says how (carries.yaml)."""

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from bulletin import shelf
from bulletin.encoding.carry import GONE, NOT_A_CHOICE, OTHER_ELECTION, LeftBehind, carry, rule_after
from bulletin.encoding.conditions import Answer
from bulletin.encoding.digest import canonical, digest
from bulletin.encoding.loader import load_earlier, load_edition
from bulletin.encoding.schema import CarryStep, Edition, Question
from tests.bulletin.minimal import MINIMAL, edition_with, faults_of
from tests.tables import edition

SECOND = {"in": "edition.yaml", "replace": "revision: 1", "by": "revision: 2"}
REWORDED = {"in": "questions.yaml", "replace": "hint: In dollars.", "by": "hint: In Canadian dollars."}


def second(folder: Path, carries: str | None, *slips: Mapping[str, str]) -> Path:
    """The small edition at revision 2, with `slips`, beside its first revision and with `carries`."""
    edition_with(folder, SECOND, *slips)
    (folder / "earlier").mkdir()
    first = load_edition(MINIMAL)
    kept = {"digest": digest(first), "content": json.loads(canonical(first))}
    (folder / "earlier/1.json").write_text(json.dumps(kept), encoding="utf-8")
    if carries is not None:
        (folder / "carries.yaml").write_text(carries, encoding="utf-8")
    return folder


def step(questions: str = "{}") -> str:
    return f"- revision: 1\n  questions: {questions}\n"


# --- The file ---------------------------------------------------------------------


def test_a_question_that_kept_its_words_needs_none(tmp_path):
    loaded = load_edition(second(tmp_path, step()))
    assert [each.revision for each in loaded.carries] == [1]


def test_the_steps_are_no_part_of_what_is_published(tmp_path):
    loaded = load_edition(second(tmp_path, step("{account.value: {reworded: true}}")))
    assert digest(loaded) == digest(loaded.model_copy(update={"carries": ()}))


@pytest.mark.parametrize(
    ("carries", "slips", "fault"),
    [
        (None, [], "carries.yaml:1:1 the file cannot be read (No such file or directory)"),
        (
            "- revision: 2\n",
            [],
            "carries.yaml:1:3 carries[1].revision: earlier revision 2 is not on file",
        ),
        (
            step() + step(),
            [],
            "carries.yaml:3:3 carries[2].revision: revision 1 occurs twice; keep one step for each",
        ),
        (
            step("{account.vlaue: {reworded: true}}"),
            [],
            (
                "carries.yaml:2:15 carries[1].questions.account.vlaue: revision 1 has no such question; "
                "did you mean `account.value`?"
            ),
        ),
        (
            step(),
            [REWORDED],
            (
                "carries.yaml:2:3 carries[1].questions.account.value: its words, kind or choices differ; "
                "write `reworded: true`"
            ),
        ),
        (
            step("{account.value: {renamed: account.vlaue}}"),
            [],
            (
                "carries.yaml:2:31 carries[1].questions.account.value.renamed: `account.vlaue` is not a question; "
                "did you mean `account.value`?"
            ),
        ),
        (
            step("{account.value: {dropped: Gone., reworded: true}}"),
            [],
            (
                "carries.yaml:2:31 carries[1].questions.account.value.dropped: remove the other keys of "
                "a question that is dropped"
            ),
        ),
        (
            step("{account.stage: {leaves: {planed: Not any more.}}}"),
            [],
            (
                "carries.yaml:2:40 carries[1].questions.account.stage.leaves.planed: no such answer; "
                "did you mean `planned`?"
            ),
        ),
        (
            "- revision: 1\n  rules: {2-spma: {dropped: Gone.}}\n",
            [],
            "carries.yaml:2:11 carries[1].rules.2-spma: revision 1 has no such rule; did you mean `2-spam`?",
        ),
        (
            "- revision: 1\n  rules: {2-spam: {}}\n",
            [],
            (
                "carries.yaml:2:11 carries[1].rules.2-spam: write one of the two: `renamed: …`, or `dropped: …` with "
                "the reason"
            ),
        ),
    ],
)
def test_a_fault_is_named_with_its_place_and_what_would_be_right(tmp_path, carries, slips, fault):
    assert faults_of(second(tmp_path, carries, *slips)) == [fault]


def test_every_earlier_revision_needs_a_step(tmp_path):
    fault = "carries.yaml:1:1 the step from revision 1 is missing; add `- revision: 1`"
    assert faults_of(second(tmp_path, "[]\n")) == [fault]


def test_a_question_that_is_gone_needs_a_word(tmp_path):
    renamed = [
        {"in": file, "replace": "account.value", "by": "account.worth"}
        for file in ("questions.yaml", "rules.yaml")
    ]
    place = "carries.yaml:2:3 carries[1].questions.account.value: "
    assert faults_of(second(tmp_path, step(), *renamed)) == [
        f"{place}this question was removed; write `renamed: …`, or `dropped: …` with the reason"
    ]


def test_a_choice_that_is_gone_needs_a_reason(tmp_path):
    first = load_edition(MINIMAL).question["account.grounds"]
    gone = next(iter(first.choices))
    text = f"{gone}: {first.choices[gone]}"
    fewer = {"in": "questions.yaml", "replace": text, "by": f"other_{gone}: {first.choices[gone]}"}
    faults = faults_of(second(tmp_path, step("{account.grounds: {reworded: true}}"), fewer))
    assert any(f"the choice `{gone}` is gone; say why" in fault or gone in fault for fault in faults)


def test_an_earlier_revision_must_be_there(tmp_path):
    edition_with(tmp_path, SECOND)
    fault = "earlier/1.json: this file is missing; it has the content of revision 1"
    assert faults_of(tmp_path) == [fault]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "it is not a published revision"),
        ("[]", "it is not a published revision"),
        (
            '{"digest": "a", "content": {"sheet": {}}}',
            "the content does not have this digest; copy the published",
        ),
    ],
)
def test_an_earlier_revision_is_just_what_was_published(tmp_path, text, reason):
    second(tmp_path, step())
    (tmp_path / "earlier/1.json").write_text(text)
    (fault,) = faults_of(tmp_path)
    assert fault.startswith(f"earlier/1.json: {reason}")


def test_an_earlier_revision_that_was_changed_by_hand_is_refused(tmp_path):
    path = second(tmp_path, step()) / "earlier/1.json"
    path.write_text(path.read_text().replace("In dollars.", "In gold."))
    assert "does not have this digest" in faults_of(tmp_path)[0]


def test_an_earlier_revision_is_under_its_own_number(tmp_path):
    path = second(tmp_path, step()) / "earlier/1.json"
    path.rename(tmp_path / "earlier/3.json")
    assert faults_of(tmp_path) == ["earlier/3.json: it has revision 1; rename it"]


def test_torontos_first_revision_has_the_digest_that_it_was_published_under():
    first = edition().earlier[1]
    assert digest(first) == "207304abbaa0ed396439386da1620e9bfa32550b6ea7cea2ee43c65478f30d22"
    assert (first.sheet.revision, first.sheet.engine, len(first.rules)) == (1, 1, 50)


def test_torontos_second_revision_is_final_with_the_digest_of_its_release():
    """Revision 2 was released with 0.2.0. Any change to its files needs revision 3."""
    released = edition()
    assert (released.sheet.revision, released.sheet.provisional) == (2, False)
    assert digest(released) == "53d4ca524f7c361eb17c7a27c62f2722358f3344b5ec27779b805618e03177db"


# --- Carrying ---------------------------------------------------------------------

FIRST = load_edition(MINIMAL)
ANSWERS: dict[str, Answer] = {
    "account.stage": "planned",
    "account.logo": "yes",
    "account.value": Decimal("500.00"),
    "account.filed": date(2026, 6, 1),
    "account.grounds": ("spam",),
}


def following(*questions: Question, revision: int = 2, **words: object) -> Edition:
    """A later revision with other questions, and a step that says `words` of them."""
    steps = tuple(
        CarryStep.model_validate({"revision": n, "questions": words.get(f"from_{n}", {})})
        for n in range(1, revision)
    )
    return FIRST.model_copy(
        update={
            "sheet": FIRST.sheet.model_copy(update={"revision": revision}),
            "questions": questions or FIRST.questions,
            "carries": steps,
        }
    )


def changed(name: str, **update: object) -> list[Question]:
    return [q.model_copy(update=update) if q.id == name else q for q in FIRST.questions]


def test_answers_to_the_same_questions_are_carried_as_they_are():
    carried = carry(FIRST, following(), ANSWERS)
    assert carried.answers == ANSWERS
    assert carried.left_behind == ()
    assert carried.changed == frozenset()


def test_a_renamed_question_takes_its_answer_along():
    new = following(
        *changed("account.logo", id="account.mark"), from_1={"account.logo": {"renamed": "account.mark"}}
    )
    carried = carry(FIRST, new, ANSWERS)
    assert carried.answers["account.mark"] == "yes"
    assert "account.logo" not in carried.answers
    assert carried.names["account.logo"] == "account.mark"


def test_a_reworded_question_keeps_its_answer_and_is_named():
    carried = carry(FIRST, following(from_1={"account.logo": {"reworded": True}}), ANSWERS)
    assert carried.answers == ANSWERS
    assert carried.changed == {"account.logo"}


def test_a_dropped_question_leaves_its_answer_behind_with_the_reason():
    new = following(
        *[q for q in FIRST.questions if q.id != "account.logo"],
        from_1={"account.logo": {"dropped": "It asked twice."}},
    )
    carried = carry(FIRST, new, ANSWERS)
    assert carried.left_behind == (LeftBehind("account.logo", "It asked twice."),)
    assert "account.logo" not in carried.names


def test_an_answer_that_means_something_else_now_is_left_behind_and_the_question_stays():
    new = following(from_1={"account.stage": {"leaves": {"planned": "It means less now."}}})
    carried = carry(FIRST, new, ANSWERS)
    assert carried.left_behind == (LeftBehind("account.stage", "It means less now."),)
    assert carry(FIRST, new, {"account.stage": "live"}).answers == {"account.stage": "live"}
    assert carried.names["account.stage"] == "account.stage"


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("account.logo", "date"),
        ("account.value", "ynu"),
        ("account.filed", "money"),
        ("account.grounds", "choice"),
    ],
)
def test_an_answer_of_another_kind_is_left_behind(question, kind):
    new = following(*changed(question, kind=kind))
    assert LeftBehind(question, NOT_A_CHOICE) in carry(FIRST, new, ANSWERS).left_behind


def test_a_question_that_nobody_has_a_word_for_is_left_behind():
    new = following(*[q for q in FIRST.questions if q.id != "account.logo"])
    assert carry(FIRST, new, ANSWERS).left_behind == (LeftBehind("account.logo", GONE),)


def test_questions_of_an_election_are_not_carried_to_another():
    new = following(*changed("account.filed", of_election=True))
    assert carry(FIRST, new, ANSWERS).left_behind == ()
    carried = carry(FIRST, new, ANSWERS, same_election=False)
    assert carried.left_behind == (LeftBehind("account.filed", OTHER_ELECTION),)


def test_two_steps_follow_one_another():
    new = following(
        *changed("account.logo", id="account.sign"),
        revision=3,
        from_1={"account.logo": {"renamed": "account.mark", "reworded": True}},
        from_2={"account.mark": {"renamed": "account.sign", "leaves": {"no": "Ask again."}}},
    )
    carried = carry(FIRST, new, ANSWERS)
    assert carried.answers["account.sign"] == "yes"
    assert carried.changed == {"account.sign"}
    assert carry(FIRST, new, {"account.logo": "no"}).left_behind == (
        LeftBehind("account.logo", "Ask again."),
    )


def test_a_rule_is_followed_to_its_later_id():
    steps = (
        CarryStep.model_validate(
            {"revision": 1, "rules": {"1": {"renamed": "2"}, "2": {"dropped": "Gone."}}}
        ),
    )
    new = following().model_copy(update={"carries": steps})
    assert [rule_after(rule, FIRST, new) for rule in ("1", "2", "2-spam")] == ["2", "", "2-spam"]


def test_torontos_revision_1_is_carried_to_the_newest_but_for_what_means_something_else():
    old = edition().earlier[1]
    answers = {"election.use": "none", "resources.email": "yes", "resources.contact": "no"}
    carried = carry(old, edition(), answers)
    assert carried.answers == {"resources.email": "yes", "resources.contact": "no"}
    assert [left.question for left in carried.left_behind] == ["election.use"]
    assert carried.changed >= {"resources.contact"}
    assert load_earlier(shelf.HERE / "editions" / edition().id).keys() == set(
        range(1, edition().sheet.revision)
    )
