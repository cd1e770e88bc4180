"""Carry answers from an earlier revision of an edition to a later one, and check the file that says how.

`carries.yaml` beside the edition has one step from each earlier revision to the next. A question that is in no step
kept its id, its words and its choices.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from .conditions import UNSURE, Answer
from .nearest import nearest
from .schema import CarryStep, Edition, Question
from .source import Source

OTHER_ELECTION = "This question is about another election now. Answer it again."
GONE = "This question is no longer asked."
NOT_A_CHOICE = "The question no longer offers this answer."


class LeftBehind(NamedTuple):
    """A question of the earlier revision whose answer is not carried, and why, in a sentence."""

    question: str
    why: str


class Carried(NamedTuple):
    """What becomes of some answers.

    `answers` has those that are carried, and `changed` the questions among them whose words changed: both by the
    later revision's ids. `names` gives the later id of each question of the earlier revision that is still asked.
    """

    answers: Mapping[str, Answer]
    left_behind: tuple[LeftBehind, ...]
    changed: frozenset[str]
    names: Mapping[str, str]


def carry(
    old: Edition, new: Edition, answers: Mapping[str, Answer], *, same_election: bool = True
) -> Carried:
    """Carry answers to questions of `old` over to `new`, a revision of the same edition that is no older.

    Without `same_election`, no question of an election keeps its answer.
    """
    carried: dict[str, Answer] = {}
    names: dict[str, str] = {}
    changed: set[str] = set()
    left_behind: list[LeftBehind] = []
    for question in old.questions:
        course = follow(question.id, old, new)
        if course.name:
            names[question.id] = course.name
        if question.id not in answers:
            continue
        answer = answers[question.id]
        if why := _why_left(course, answer, new, same_election=same_election):
            left_behind.append(LeftBehind(question.id, why))
            continue
        carried[course.name] = answer
        if course.is_reworded:
            changed.add(course.name)
    return Carried(carried, tuple(left_behind), frozenset(changed), names)


class Course(NamedTuple):
    """What became of one question: its later id, or an empty one and the reason why it is gone.

    `leaves` has the answers that no longer fit, each with the reason.
    """

    name: str
    gone: str
    is_reworded: bool
    leaves: Mapping[str, str]


def follow(question: str, old: Edition, new: Edition) -> Course:
    """Follow a question of `old` to the later revision `new`."""
    name, is_reworded, leaves = question, False, dict[str, str]()
    for step in _steps(old, new):
        word = step.questions.get(name)
        if word is None:
            continue
        if word.dropped:
            return Course("", word.dropped, is_reworded, leaves)
        name = word.renamed or name
        is_reworded = is_reworded or word.reworded
        leaves |= word.leaves
    return Course(name, "", is_reworded, leaves) if name in new.question else Course("", GONE, False, leaves)


def rule_after(rule: str, old: Edition, new: Edition) -> str:
    """The id in `new` of a rule of `old`. Empty if there is none."""
    for step in _steps(old, new):
        word = step.rules.get(rule)
        if word and word.dropped:
            return ""
        rule = (word and word.renamed) or rule
    return rule if rule in new.rule else ""


def _steps(old: Edition, new: Edition) -> Iterator[CarryStep]:
    """The steps from one revision to the other, in order. There are none between two editions."""
    if old.id == new.id:
        for step in new.carries:
            if old.sheet.revision <= step.revision < new.sheet.revision:
                yield step


def _why_left(course: Course, answer: Answer, new: Edition, *, same_election: bool) -> str:
    """Why an answer is not carried. Empty if it is."""
    if not course.name:
        return course.gone
    question = new.question[course.name]
    if question.of_election and not same_election:
        return OTHER_ELECTION
    if isinstance(answer, str) and answer in course.leaves:
        return course.leaves[answer]
    if isinstance(answer, tuple) and (left := [choice for choice in answer if choice in course.leaves]):
        return course.leaves[left[0]]
    return "" if fits(question, answer) else NOT_A_CHOICE


def fits(question: Question, answer: Answer) -> bool:
    """Whether an answer, valid for some question, is one to this question."""
    if answer == UNSURE:
        return question.may_be_unsure
    match question.kind:
        case "ynu" | "choice":
            return isinstance(answer, str) and answer in question.values
        case "choices":
            return isinstance(answer, tuple) and set(answer) <= set(question.values)
        case "date":
            return isinstance(answer, date)
        case "money":
            return isinstance(answer, Decimal)


# --- Checking carries.yaml ----------------------------------------------------------


def check_carries(
    source: Source, steps: tuple[CarryStep | None, ...], revisions: Mapping[int, Edition]
) -> None:
    """Record what is wrong with the steps of an edition.

    `revisions` has the edition and each earlier revision on file, by number. Every question that is gone, or whose
    words, kind or choices differ, needs a word; so does every rule that is gone.
    """
    newest = max(revisions)
    wanted = [number for number in sorted(revisions) if number < newest]
    found = [step.revision for step in steps if step]
    for at, step in enumerate(steps):
        if step is None:
            continue
        after = revisions.get(step.revision + 1)
        if step.revision not in wanted or after is None:
            source.fault((at, "revision"), f"earlier revision {step.revision} is not on file")
        elif step.revision in found[:at]:
            source.fault((at, "revision"), f"revision {step.revision} occurs twice; keep one step for each")
        else:
            _check_questions(source, at, step, revisions[step.revision], after)
            _check_rules(source, at, step, revisions[step.revision], after)
    if not source.faults:
        for number in wanted:
            if number not in found:
                source.fault((), f"the step from revision {number} is missing; add `- revision: {number}`")


def _check_questions(source: Source, at: int, step: CarryStep, old: Edition, new: Edition) -> None:
    for name, word in step.questions.items():
        place = (at, "questions", name)
        if name not in old.question:
            hint = nearest(name, old.question)
            source.fault(place, f"revision {step.revision} has no such question{hint}")
            continue
        if word.renamed and word.renamed not in new.question:
            hint = nearest(word.renamed, new.question)
            source.fault((*place, "renamed"), f"`{word.renamed}` is not a question{hint}")
        if word.dropped and (word.renamed or word.reworded or word.leaves):
            source.fault((*place, "dropped"), "remove the other keys of a question that is dropped")
        for answer in word.leaves:
            known = (*old.question[name].values, *([UNSURE] if old.question[name].may_be_unsure else []))
            if answer not in known:
                source.fault((*place, "leaves", answer), f"no such answer{nearest(answer, known)}")
    for question in old.questions:
        _check_word(source, at, step, question, new)


def _check_word(source: Source, at: int, step: CarryStep, question: Question, new: Edition) -> None:
    word = step.questions.get(question.id)
    place = (at, "questions", question.id)
    if word and word.dropped:
        return
    after = new.question.get((word and word.renamed) or question.id)
    if after is None:
        if not (word and word.renamed):
            source.fault(
                place, "this question was removed; write `renamed: …`, or `dropped: …` with the reason"
            )
        return
    if _words_of(question) != _words_of(after) and not (word and word.reworded):
        source.fault(place, "its words, kind or choices differ; write `reworded: true`")
    for choice in question.choices:
        if choice not in after.choices and not (word and choice in word.leaves):
            source.fault(
                (*place, "leaves"), f"the choice `{choice}` was removed; give the reason with `{choice}: …`"
            )


def _words_of(question: Question) -> tuple[object, ...]:
    return question.kind, question.asks, question.hint, question.unsure, tuple(question.choices.items())


def _check_rules(source: Source, at: int, step: CarryStep, old: Edition, new: Edition) -> None:
    for name, word in step.rules.items():
        place = (at, "rules", name)
        if name not in old.rule:
            source.fault(place, f"revision {step.revision} has no such rule{nearest(name, old.rule)}")
        elif word.renamed and word.renamed not in new.rule:
            source.fault(
                (*place, "renamed"), f"`{word.renamed}` is not a rule{nearest(word.renamed, new.rule)}"
            )
        elif bool(word.renamed) == bool(word.dropped):
            source.fault(place, "write one of the two: `renamed: …`, or `dropped: …` with the reason")
    for rule in old.rules:
        if rule.id not in new.rule and rule.id not in step.rules:
            source.fault((at, "rules", rule.id), "this rule was removed; write `renamed: …` or `dropped: …`")
