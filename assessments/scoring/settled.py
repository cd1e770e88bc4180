"""What of an advisory can still change as questions are answered, and which question to ask next.

Both are exact: they say what would be found by trying every way to answer what is still open. Three things keep that
quick. A finding that is not `unanswered` keeps its outcome, so that only the others are looked into. A rule turns on
few questions. And answers after which the same is left of a rule's conditions are tried once, and remembered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from itertools import product
from typing import NamedTuple

from bulletin.encoding.conditions import UNSURE, Answer, AtMost, Condition, Fact, Has, Term
from bulletin.encoding.schema import Contact, Edition, OwnContact, Question, Rule
from bulletin.encoding.variables import definite_kinds

from .advisory import Advisory, Finding
from .assess import Asking, Situation, contact_of, find, settle_asking, when_due
from .remaining import Remaining

MAX_KNOWN = 20_000
"""Results that are remembered for each rule. With more, it starts over, so that a long-lived process stays small."""


class Progress(NamedTuple):
    """How far the answers have come.

    `contact_settled`: no answer can bring or move a contact. `all_settled`: that, and no finding is unanswered.
    `next`: the question to ask next, so that the contacts are settled soon, then the findings; None if none is left.
    `in_the_way`: the questions, asked or pending, that can still bring or move a contact.
    """

    contact_settled: bool
    all_settled: bool
    next: str | None
    in_the_way: frozenset[str]


def progress(advisory: Advisory, *, later: Collection[str] = ()) -> Progress:
    """What is settled, and what to ask next. Takes at most some 0.2 ms.

    `later` has questions that a person leaves for later: each is next only when no other question is left.
    """
    may_carry, may_move = _may_carry(advisory), _may_move(advisory)
    unanswered = [finding for finding in advisory.findings if finding.outcome == "unanswered"]
    is_settled = not may_carry and not may_move
    of_contacts = [finding.in_the_way for finding in may_carry] + may_move
    in_the_way = [finding.in_the_way for finding in unanswered] if is_settled else of_contacts
    return Progress(
        is_settled,
        is_settled and not unanswered,
        _next(advisory, in_the_way, is_settled=is_settled, later=later),
        frozenset().union(*of_contacts),
    )


def _next(
    advisory: Advisory, in_the_way: list[frozenset[str]], *, is_settled: bool, later: Collection[str]
) -> str | None:
    """Of the questions to answer, the stage while that can matter, else the one that is most often in the way."""
    if not advisory.unanswered:
        return None
    candidates = [question for question in advisory.unanswered if question not in later]
    candidates = candidates or list(advisory.unanswered)
    if not is_settled:
        edition = advisory.edition
        for question in edition.questions_behind(edition.sheet.timing.planned):
            if question in candidates:
                return question
    counts = Counter(question for questions in in_the_way for question in advisory.traced(questions))
    return max(candidates, key=lambda question: counts[question])


def _may_carry(advisory: Advisory) -> list[Finding]:
    """The findings without a contact that can still come to carry one."""
    outlook = _outlook(advisory.edition)
    over = advisory.election.is_over(advisory.as_of)
    asked = set(advisory.asked)
    asking: dict[str, Asking] = {
        question: "asked"
        if question in asked
        else "pending"
        if question in advisory.pending or question in advisory.answers
        else "not_asked"
        for question in advisory.edition.question
    }
    remaining = Remaining(advisory.edition, advisory.answers, asking, campaign_over=over)
    return [
        finding
        for finding in advisory.findings
        if finding.outcome == "unanswered"
        and finding.rule.id in outlook.rules
        and outlook.rules[finding.rule.id].can_carry(advisory.given, over, remaining)
    ]


def _may_move(advisory: Advisory) -> list[frozenset[str]]:
    """For each contact whose time can still change, the questions whose answers can change it."""
    outlook, moving = _outlook(advisory.edition), []
    over = advisory.election.is_over(advisory.as_of)
    for finding in advisory.findings:
        if finding.contact:
            kind = contact_of(advisory.edition, finding.rule, finding.outcome)
            questions = outlook.times.questions_that_move(kind, advisory.given, advisory.as_of, over)
            if questions:
                moving.append(questions)
    return moving


# --- What an edition's rules can come to -----------------------------------------------


@lru_cache(maxsize=16)
def _outlook(edition: Edition) -> _Outlook:
    return _Outlook(edition)


class _Outlook:
    """For one edition: what each rule that may carry a contact can come to, and when contacts can be due."""

    def __init__(self, edition: Edition) -> None:
        self.rules = {
            rule.id: _RuleOutlook(edition, rule) for rule in edition.rules if rule.may_carry_contact
        }
        self.times = _Times(edition)


class _Answers:
    """The questions that some conditions turn on, with those that decide whether they are asked."""

    def __init__(self, edition: Edition, questions: Iterable[str], conditions: Iterable[Condition]) -> None:
        wanted, waiting = set[str](), [*questions, *edition.questions_behind(*conditions)]
        asking: list[Condition] = []
        while waiting:
            question = waiting.pop()
            if question not in wanted:
                wanted.add(question)
                asking.append(edition.question[question].asked)
                waiting += edition.questions_behind(asking[-1])
        self.edition = edition
        self.questions = tuple(q for q in edition.asking_order if q.id in wanted)
        facts = [fact.when for fact in edition.facts_behind(*conditions, *asking)]
        stated = [*conditions, *asking, *(when for when in facts if not isinstance(when, str))]
        terms = {term for condition in stated for term in condition.terms()}
        self._choices = {q.id: _values(q, terms) for q in self.questions}
        self._kinds = [(q.id, _distinguish(q, terms)) for q in self.questions]

    def key(self, given: Mapping[str, Answer]) -> tuple[Hashable, ...]:
        """Equal for answers that the conditions do not distinguish."""
        return tuple([distinguish(given.get(question)) for question, distinguish in self._kinds])

    def blanks(self, given: Mapping[str, Answer]) -> list[str]:
        """The questions that are still to be answered. An optional one without an answer stays without."""
        return [q.id for q in self.questions if q.id not in given and not q.optional]

    def values(self, question: str) -> tuple[Answer, ...]:
        """One answer of each kind that the conditions distinguish."""
        return self._choices[question]

    def situation(
        self, given: Mapping[str, Answer], *, campaign_over: bool
    ) -> tuple[Situation, dict[str, Asking]]:
        answers = {q.id: given[q.id] for q in self.questions if q.id in given}
        situation = Situation(self.edition, answers, campaign_over=campaign_over)
        return situation, settle_asking(self.questions, situation)


class _RuleOutlook:
    """What one rule can come to."""

    def __init__(self, edition: Edition, rule: Rule) -> None:
        self._edition, self._rule = edition, rule
        self._conditions = [condition for condition in (rule.applies, rule.met) if condition is not None]
        self._answers = _Answers(edition, (), self._conditions)
        self._known: dict[tuple[Hashable, ...], bool] = {}
        self._known_remaining: dict[Hashable, bool] = {}

    def can_carry(self, given: Mapping[str, Answer], over: bool, remaining: Remaining) -> bool:
        """Whether some way to answer what is open gives a finding with a contact. It is unanswered so far."""
        key = (over, *self._answers.key(given))
        known = self._known.get(key)
        if known is None:
            known = self._known_remaining.get(self._state(remaining))
            if known is None:
                known = self._try(given, over)
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            self._known[key] = known
        return known

    def _try(self, given: Mapping[str, Answer], over: bool) -> bool:
        situation, asking = self._answers.situation(given, campaign_over=over)
        outcome, _, in_the_way = find(self._rule, situation)
        if outcome != "unanswered":
            return contact_of(self._edition, self._rule, outcome) is not None
        blank = next((q for q in self._answers.blanks(given) if q in in_the_way), None)
        if blank is None:
            return False
        state = self._state(Remaining(self._edition, situation.answers, asking, campaign_over=over))
        known = self._known_remaining.get(state)
        if known is None:
            known = any(self._try({**given, blank: value}, over) for value in self._answers.values(blank))
            if len(self._known_remaining) >= MAX_KNOWN:
                self._known_remaining.clear()
            self._known_remaining[state] = known
        return known

    def _state(self, remaining: Remaining) -> Hashable:
        """What the rule still turns on. Equal for answers after which it can come to the same."""
        still_open = [q for q in self._answers.questions if remaining.is_open(q.id)]
        return (
            tuple([remaining.of(condition) for condition in self._conditions]),
            tuple([(question.id, remaining.of(question.asked)) for question in still_open]),
        )


class _Times:
    """When contacts can be due: by the stage of the account, the wish to campaign and the filing date."""

    def __init__(self, edition: Edition) -> None:
        self._timing = edition.sheet.timing
        conditions = [self._timing.planned, self._timing.wished]
        self._answers = _Answers(edition, [self._timing.filing], conditions)
        self._known: dict[tuple[Hashable, ...], frozenset[str]] = {}

    def questions_that_move(
        self, kind: OwnContact | None, given: Mapping[str, Answer], as_of: date, over: bool
    ) -> frozenset[str]:
        """The open questions whose answers can change when a contact of this kind is due."""
        filing = given.get(self._timing.filing)
        ahead = isinstance(filing, date) and filing > as_of
        key = (kind, ahead, over, *self._answers.key({**given, self._timing.filing: str(ahead)}))
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._try(kind, given, ahead, over)
        return known

    def _try(
        self, kind: OwnContact | None, given: Mapping[str, Answer], ahead: bool, over: bool
    ) -> frozenset[str]:
        blanks = self._answers.blanks(given)
        ways = list(product(*[self._answers.values(blank) for blank in blanks]))
        due = {
            way: self._due(kind, {**given, **dict(zip(blanks, way, strict=True))}, ahead, over)
            for way in ways
        }
        moving = set()
        for at, blank in enumerate(blanks):
            by_the_rest: dict[tuple[Answer, ...], set[Contact | None]] = {}
            for way, when in due.items():
                by_the_rest.setdefault((*way[:at], *way[at + 1 :]), set()).add(when)
            if any(len(whens) > 1 for whens in by_the_rest.values()):
                moving.add(blank)
        return frozenset(moving)

    def _due(
        self, kind: OwnContact | None, given: Mapping[str, Answer], ahead: bool, over: bool
    ) -> Contact | None:
        situation, _ = self._answers.situation(given, campaign_over=over)
        return when_due(
            kind,
            planned=self._timing.planned.weigh(situation).value is True,
            wished=self._timing.wished.weigh(situation).value is True,
            filing_is_ahead=ahead and self._timing.filing in situation.answers,
        )


def _distinguish(question: Question, terms: Iterable[object]) -> Callable[[Answer | None], Hashable]:
    """What tells apart the answers to a question that some terms treat differently."""
    match question.kind:
        case "money":
            amounts = sorted({t.amount for t in terms if isinstance(t, AtMost) and t.question == question.id})
            return lambda answer: (
                sum(answer > amount for amount in amounts) if isinstance(answer, Decimal) else answer
            )
        case "choices":
            choices = [t.choice for t in terms if isinstance(t, Has) and t.question == question.id]
            return lambda answer: (
                tuple(choice in answer for choice in choices) if isinstance(answer, tuple) else answer
            )
        case _:
            return lambda answer: answer


def _values(question: Question, terms: Iterable[Term]) -> tuple[Answer, ...]:
    """An answer of each kind that some terms treat differently."""
    unsure: tuple[Answer, ...] = (UNSURE,) if question.may_be_unsure else ()
    about = {term for term in terms if not isinstance(term, Fact) and term.question == question.id}
    # No term is about a date: all that counts is whether there is one.
    definite = [date(2000, 1, 1)] if question.kind == "date" else definite_kinds(question, about)
    return (*definite, *unsure)
