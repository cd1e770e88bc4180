"""Proofs about an edition, by trying every state of the questions that its rules and conditions rest on.

The loader shows that an edition can be read; this shows that it works. Each outcome can be reached, no rule is stuck,
a decided outcome stays, no condition is undetermined for nothing, and each question has an effect. The closing rule
is tried by its own condition alone, not by what other findings decide.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, NamedTuple

from .conditions import Always, Answer, AtMost, Condition, Fact
from .masks import Masks, States
from .schema import OUTCOME_BY_FORCE, Edition, Outcome, Rule
from .source import Place, read
from .variables import TooManyStates

FlawKind = Literal["unreached", "stuck", "changed", "undetermined", "without_effect", "amount", "too_large"]


@dataclass(frozen=True)
class Flaw:
    """Something in an edition that does not work, at a place in one of its files.

    `entry` is the place in words. `answers` are the fewest answers that show the flaw, as an answers document has
    them, and `campaign_over` is whether the campaign period must be over; each is None if it has no part in it.
    """

    kind: FlawKind
    file: str
    place: Place
    entry: str
    message: str
    answers: Mapping[str, Any] | None = None
    campaign_over: bool | None = None

    def __str__(self) -> str:
        return f"{self.file}.yaml {self.entry}: {self.message}"

    def located(self, folder: Path) -> str:
        """The flaw as the loader reports a fault in the files of `folder`: `file:line:column place: message`."""
        source = read(folder / f"{self.file}.yaml")
        source.fault(self.place, self.message)
        return source.lines()[-1]


class _Spot(NamedTuple):
    """A place in one of the files, in words too."""

    file: str
    place: Place
    entry: str

    def flaw(self, kind: FlawKind, message: str) -> Flaw:
        return Flaw(kind, *self, message)

    def flaw_in(self, states: States, mask: int, kind: FlawKind, message: str) -> Flaw:
        """A flaw that each of the states in `mask` shows."""
        number, _ = states.smallest(mask)
        answers = _document(states.answers(number))
        return Flaw(kind, *self, message, answers, states.campaign_over(number))

    def too_large(self, error: TooManyStates) -> Flaw:
        message = f"this rests on {error}, too many to try; make it rest on fewer questions or choices"
        return self.flaw("too_large", message)


def prove(edition: Edition) -> tuple[Flaw, ...]:
    """The flaws of an edition that the loader accepts: those of rules, then of conditions, then of questions."""
    used = {edition.sheet.timing.filing}
    flaws = [*_in_rules(edition, used), *_in_conditions(edition, used)]
    for at, question in enumerate(edition.questions):
        if question.id not in used:
            message = (
                "no answer to this question changes an outcome, a deadline or whether another question is asked; "
                "use it in a rule or remove it"
            )
            spot = _Spot("questions", (at,), f"questions[{question.id}]")
            flaws.append(spot.flaw("without_effect", message))
    return tuple(flaws)


# Rules


def _in_rules(edition: Edition, used: set[str]) -> Iterator[Flaw]:
    """The flaws of the rules. Adds the questions that change an outcome to `used`."""
    for at, rule in enumerate(edition.rules):
        spot = _Spot("rules", (at,), f"rules[{rule.id}]")
        try:
            states = States(edition, *_conditions_of(rule))
        except TooManyStates as error:
            used |= set(edition.questions_behind(rule.applies, rule.met))
            yield spot.too_large(error)
        else:
            outcomes = outcomes_of(rule, states)
            yield from _unreached(edition, rule, outcomes, spot)
            yield from _stuck(rule, outcomes, states, spot)
            yield from _changed(outcomes, states, spot)
            _add_used(used, states, *outcomes.values())
        yield from _wrong_amounts(edition, rule, at)


def _conditions_of(rule: Rule) -> list[Condition]:
    return [condition for condition in (rule.applies, rule.met) if condition is not None]


def outcomes_of(rule: Rule, states: States) -> dict[Outcome, int]:
    """Where a rule has each outcome: `find` of assessments/scoring/assess.py for all states at once.

    For the closing rule, `find_closing` without other findings: it does not apply if only "unsure" is in its way.
    """
    applies = states.weigh(rule.applies)
    outcomes: dict[Outcome, int] = {"not_applicable": applies.false}
    unanswered, no_look_up = applies.unanswered, applies.no_look_up
    if rule.met is None:
        outcomes["information"] = applies.true
    else:
        met = states.weigh(rule.met)
        outcomes["consistent"] = met.true & (states.every ^ applies.false)
        outcomes[OUTCOME_BY_FORCE[rule.force]] = applies.true & met.false
        unanswered, no_look_up = unanswered | met.unanswered, no_look_up | met.no_look_up
    undetermined = states.every
    for mask in outcomes.values():
        undetermined ^= mask
    outcomes["unanswered"] = undetermined & unanswered
    unsure = undetermined ^ outcomes["unanswered"]
    by_unsure: dict[Outcome, int] = {rule.unsure: unsure}
    if rule.last:
        by_unsure = {"not_applicable": unsure}
    elif rule.unsure == "ask":
        by_unsure = {"ask": unsure & no_look_up, "check": unsure & (states.every ^ no_look_up)}
    return outcomes | {outcome: outcomes.get(outcome, 0) | mask for outcome, mask in by_unsure.items()}


def _unreached(edition: Edition, rule: Rule, outcomes: Mapping[Outcome, int], spot: _Spot) -> Iterator[Flaw]:
    for outcome in edition.outcomes(rule):
        is_of_others = rule.last and outcome == rule.unsure
        if not outcomes.get(outcome) and not is_of_others:
            message = (
                f"no answers lead to the outcome `{outcome}`; correct `applies`, `met`, `unsure` or `force`"
            )
            yield spot.flaw("unreached", message)


def _stuck(rule: Rule, outcomes: Mapping[Outcome, int], states: States, spot: _Spot) -> Iterator[Flaw]:
    stuck = outcomes["unanswered"]
    for condition in _conditions_of(rule):
        stuck &= states.every ^ states.weigh(condition).answerable
    if stuck:
        message = (
            "the rule always stays `unanswered`, because no question that it needs is both asked and required; "
            "ask what it needs, or make it not apply"
        )
        yield spot.flaw_in(states, stuck, "stuck", message)


def _changed(outcomes: Mapping[Outcome, int], states: States, spot: _Spot) -> Iterator[Flaw]:
    """The smallest example of a decided outcome that one more answer changes.

    Several more answers need no trying: if they change an outcome, one of them is the first to do so.
    """
    fewest, flaw = None, None
    for filling in (filling for variable in states.variables for filling in variable.fillings()):
        variable = filling.variable
        by = (filling.after - filling.before) * variable.stride
        before = states.where(variable, (filling.before,))
        for outcome, mask in outcomes.items():
            kept = mask | (outcomes["not_applicable"] if outcome == "consistent" else 0)
            lost = before & mask & (states.every ^ (kept >> by if by > 0 else kept << -by))
            if not lost or outcome == "unanswered":
                continue
            number, entries = states.smallest(lost, filling)
            if fewest is None or entries < fewest:
                answers = states.answers(number, filling)
                question = next(q.id for q in variable.questions if q.id not in answers)
                after = next(other for other, mask in outcomes.items() if mask >> number + by & 1)
                value = json.dumps(_in_document(filling.kind))
                message = (
                    f"answering {question} with {value} changes the outcome from `{outcome}` to `{after}`; a decided "
                    "outcome must stay, so ask each question wherever the rule needs it"
                )
                flaw = Flaw("changed", *spot, message, _document(answers), states.campaign_over(number))
                fewest = entries
    if flaw:
        yield flaw


_AMOUNT = re.compile(r"\$ ?([0-9]+(?:,[0-9]{3})*(?:\.[0-9]{2})?)")


def _wrong_amounts(edition: Edition, rule: Rule, at: int) -> Iterator[Flaw]:
    """Amounts such as $500 in a rule's words and advice, if the rule compares answers with other amounts only."""
    facts = [fact.when for fact in edition.facts_behind(rule.applies, rule.met)]
    stated = [*_conditions_of(rule), *(when for when in facts if not isinstance(when, str))]
    terms = [term for condition in stated for term in condition.terms()]
    amounts = {term.amount for term in terms if isinstance(term, AtMost)}
    texts = [
        (_Spot("rules", (at, key), f"rules[{rule.id}].{key}"), getattr(rule, key))
        for key in ("title", "phrase")
    ]
    advice = edition.advice[rule.id]
    texts += [(_Spot("advice", (rule.id, key), f"{rule.id}.{key}"), text) for key, text in advice]
    for spot, text in texts:
        for amount in _AMOUNT.finditer(text or ""):
            if amounts and Decimal(amount[1].replace(",", "")) not in amounts:
                right = " or ".join(f"${amount:,}" for amount in sorted(amounts))
                yield spot.flaw(
                    "amount", f"the rule compares with {right}, not with {amount[0]}; make them agree"
                )


# Conditions and questions


def _in_conditions(edition: Edition, used: set[str]) -> Iterator[Flaw]:
    """The flaws of the conditions. Adds the questions that change something without any rule to `used`."""
    spots: dict[Condition, list[_Spot]] = {}
    for spot, condition in _conditions(edition):
        if not isinstance(condition, Always):
            spots.setdefault(condition, []).append(spot)
    for condition, places in spots.items():
        try:
            states = States(edition, condition)
        except TooManyStates as error:
            used |= set(edition.questions_behind(condition))
            yield from [spot.too_large(error) for spot in places if spot.file != "rules"][:1]
            continue
        masks = states.weigh(condition)
        if not isinstance(condition, Fact):  # a fact's own condition has its flaws
            yield from _undetermined(masks, states, places[0])
        if any(spot.place[0] != "facts" and spot.file != "rules" for spot in places):
            _add_used(used, states, masks.true, masks.false)


def _conditions(edition: Edition) -> Iterator[tuple[_Spot, Condition]]:
    """Every condition of the edition with its place."""
    sheet = edition.sheet
    for at, rule in enumerate(edition.rules):
        for key, condition in zip(("applies", "met"), _conditions_of(rule), strict=False):
            yield _Spot("rules", (at, key), f"rules[{rule.id}].{key}"), condition
    for at, question in enumerate(edition.questions):
        yield _Spot("questions", (at, "asked"), f"questions[{question.id}].asked"), question.asked
    for at, fact in enumerate(sheet.facts):
        if not isinstance(fact.when, str):
            yield _Spot("edition", ("facts", at, "when"), f"facts[{fact.id}].when"), fact.when
    for key in ("planned", "wished"):
        yield _Spot("edition", ("timing", key), f"timing.{key}"), getattr(sheet.timing, key)
    for at, contradiction in enumerate(sheet.contradictions):
        yield (
            _Spot("edition", ("contradictions", at, "when"), f"contradictions[{at + 1}].when"),
            contradiction.when,
        )
    for key in ("signs", "supported", "candidate") if sheet.across else ():
        yield _Spot("edition", ("across", key), f"across.{key}"), getattr(sheet.across, key)


def _undetermined(masks: Masks, states: States, spot: _Spot) -> Iterator[Flaw]:
    undetermined = states.every ^ (masks.true | masks.false)
    for value, mask in (("true", masks.true), ("false", masks.false)):
        if lost := undetermined & states.in_every_completion(mask):
            message = (
                f"the condition is undetermined, although it is {value} however the open questions are answered; "
                f"word it so that it is {value} here"
            )
            yield spot.flaw_in(states, lost, "undetermined", message)


def _add_used(used: set[str], states: States, *masks: int) -> None:
    """Add the questions to `used` whose answers move a state into one of the masks, or out of it."""
    for variable in states.variables:
        names = {question.id for question in variable.questions}
        if not names <= used and any(states.depends_on(variable, mask) for mask in masks):
            used |= names


# Answers documents


def _document(answers: Mapping[str, Answer]) -> dict[str, Any]:
    return {question: _in_document(answer) for question, answer in answers.items()}


def _in_document(answer: Answer) -> Any:
    return list(answer) if isinstance(answer, tuple) else str(answer)
