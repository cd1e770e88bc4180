"""The frozen types of an edition and of the election calendar: what each file may have, and what it must have.

The loader reads the files into these types, and nothing changes them afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
)

from .conditions import UNSURE, Always, Condition, Fact, parse
from .filling import OF_AN_ELECTION, filled, only

Kind = Literal["ynu", "choice", "choices", "date", "money"]
Force = Literal["must", "should", "consider", "note"]
Outcome = Literal[
    "not_applicable", "consistent", "action", "improvement", "ask", "check", "information", "unanswered"
]
Overall = Literal[
    "contact_commissioner", "action_required", "incomplete", "improvements_suggested", "consistent"
]
Contact = Literal["now", "before_launch", "before_filing", "before_acting"]
DeadlineKind = Literal[
    "launch",
    "before_other_steps",
    "before_campaign_use",
    "before_filing",
    "from_filing",
    "until_campaign_ends",
    "at_once",
]
OwnContact = Literal["now", "now!", "before_filing", "before_acting"]
"""When to contact the Commissioner about a rule. `now!` stays `now` even before the account is launched."""

CALENDAR = "calendar"
"""Takes the place of a condition for the one fact that depends on the election calendar, not on answers."""
CAMPAIGN_OVER = "campaign_over"
MAX_AMOUNT = Decimal(1_000_000)
"""The largest answer to a question of kind money, in Canadian dollars."""
OUTCOME_BY_FORCE: Mapping[Force, Outcome] = {"must": "action", "should": "improvement", "consider": "ask"}
"""The outcome of a rule that applies and is not met. A note has no such outcome."""


def _no_line_breaks(text: str) -> str:
    if "\n" in text:
        raise ValueError("write one paragraph; fold its lines with `>-`")
    return text


Text = Annotated[str, Field(min_length=1, max_length=1500), AfterValidator(_no_line_breaks)]
Line = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_no_line_breaks)]
Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]*$", max_length=40)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
QuestionId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$", max_length=60)]


def _day(text: object) -> object:
    # Without this check pydantic would read `20260105` as seconds since 1970.
    if not isinstance(text, str):
        return text
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise ValueError(f"{text[:60]!r} is not a date; write one such as 2026-01-05")


Day = Annotated[date, BeforeValidator(_day)]


def _stated(text: object) -> Condition:
    if not isinstance(text, str):
        raise ValueError("write a condition here, as one text")
    return parse(text)


ConditionText = Annotated[Condition, PlainValidator(_stated), PlainSerializer(str)]
FactText = Annotated[
    Condition | str,
    PlainValidator(lambda text: text if text == CALENDAR else _stated(text)),
    PlainSerializer(str),
]


class Strict(BaseModel):
    """The base of all types here: frozen, and without keys other than its own."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", str_strip_whitespace=True, ignored_types=(cached_property,)
    )


class Paragraph(Strict):
    """A paragraph of the bulletin in plain language. `no_rule` says why no rule cites it, if none does."""

    id: Id
    title: Line
    says: Text
    points: Mapping[Annotated[str, Field(pattern=r"^(\([a-z]+\)){1,2}$")], Text] = {}
    no_rule: Text | None = None

    @property
    def citable(self) -> tuple[str, ...]:
        """Every way to cite the paragraph: `13`, `13(a)`, `13(c)(i)`."""
        return (self.id, *(f"{self.id}{point}" for point in self.points))


QuestionText = Annotated[Text, AfterValidator(only(*OF_AN_ELECTION))]


def _always_asks(text: str) -> str:
    # The days of an election may not be known, and then the sentences that name them are left out.
    if not filled(text, {"election": "the election"}):
        raise ValueError("every sentence has a date that may be unknown; add a sentence without one")
    return text


class Question(Strict):
    """One question: its words, the kind of its answer, and when it is asked.

    `short` is its short name, for lists of answers. The marks, all optional:

    - `look_up`: whoever is unsure can find out without the Commissioner.
    - `of_election`: the answer is about one election, and is never carried over to another.
    - `of_office`: the answer is about the office rather than the account, so that another self-check can offer it.
    - `together`: the name of a group of questions that are asked on one screen.
    - `rest_is_no`: one press may answer "no" to what is left of its group.
    - `confirmed_alone`: an answer from an earlier self-check is confirmed by itself, never together with others.
    - `can_change`: the member can change what the answer says, so that another answer may be proposed.
    - `changed`: the answers that may be proposed, each in words that go after "This point is settled once".
    """

    id: QuestionId
    short: Line
    kind: Kind
    paragraphs: tuple[str, ...]
    asks: Annotated[QuestionText, AfterValidator(_always_asks)]
    hint: QuestionText
    example: QuestionText | None = None
    choices: Mapping[Name, Line] = {}
    unsure: bool = False
    optional: bool = False
    look_up: bool = False
    of_election: bool = False
    of_office: bool = False
    together: Name | None = None
    rest_is_no: bool = False
    confirmed_alone: bool = False
    can_change: bool = False
    changed: Mapping[Name, Line] = {}
    asked: ConditionText

    @property
    def section(self) -> str:
        return self.id.partition(".")[0]

    @property
    def may_be_unsure(self) -> bool:
        return self.kind == "ynu" or self.unsure

    @cached_property
    def whole_answers(self) -> frozenset[str]:
        """The words that are each a complete answer."""
        words = set(self.values) if self.kind in ("ynu", "choice") else set()
        return frozenset(words | ({UNSURE} if self.may_be_unsure else set()))

    @property
    def values(self) -> tuple[str, ...]:
        """The words that a condition can compare the answer with."""
        return ("yes", "no") if self.kind == "ynu" else tuple(self.choices)


class Rule(Strict):
    """One rule beside its source: the paragraph, the operative phrase, the force and the conditions."""

    id: Id
    title: Line
    section: Name
    paragraphs: tuple[str, ...] = Field(min_length=1)
    phrase: Line
    force: Force
    applies: ConditionText
    met: ConditionText | None = None
    unsure: Literal["ask", "check", "information"]
    contact: OwnContact | None = None
    deadline: DeadlineKind = "launch"
    last: bool = False

    def outcomes(self, *, look_up: bool) -> tuple[Outcome, ...]:
        """Every outcome that this rule can have. The edition has advice for exactly these.

        `look_up`: some of the questions that the rule turns on can be looked up.
        """
        outcomes: set[Outcome] = {"unanswered", self.unsure}
        if look_up and self.unsure == "ask":
            outcomes.add("check")
        if self.last or not isinstance(self.applies, Always):  # other findings can silence the last rule
            outcomes.add("not_applicable")
        if self.force == "note":
            outcomes.add("information")
        else:
            outcomes |= {"consistent", OUTCOME_BY_FORCE[self.force]}
        return tuple(sorted(outcomes))

    @property
    def may_ask(self) -> bool:
        """Whether the rule can send the member to the Commissioner for a judgement (the outcome `ask`)."""
        return self.unsure == "ask" or OUTCOME_BY_FORCE.get(self.force) == "ask"

    @property
    def may_carry_contact(self) -> bool:
        return self.contact is not None or self.may_ask


class Advice(Strict):
    """What a rule says for each outcome.

    `about` completes "Contact the Integrity Commissioner about …". `meanwhile` says what to stop or to leave until
    the Commissioner has answered, for a rule that can have the outcome `ask`. `staff` says what the member's staff
    may not do, or only if, while the rule applies; a rule without it asks nothing of them.
    """

    about: Text | None = None
    meanwhile: Text | None = None
    staff: Text | None = None
    not_applicable: Text | None = None
    consistent: Text | None = None
    action: Text | None = None
    improvement: Text | None = None
    ask: Text | None = None
    check: Text | None = None
    information: Text | None = None
    unanswered: Text | None = None

    def for_outcome(self, outcome: Outcome) -> str:
        """The text for an outcome that the rule can have. The loader has checked that there is one."""
        text: str | None = getattr(self, outcome)
        if text is None:
            raise LookupError(f"no advice for the outcome {outcome}")
        return text


class Section(Strict):
    """A section of the questionnaire. Its id is the prefix of its questions' ids."""

    id: Name
    title: Line
    intro: Text


class NamedFact(Strict):
    """A condition with a name. `when: calendar` marks the one fact that depends on the election calendar.

    `says` is for people whose answers have just made it true: what follows from it.
    """

    id: Name
    title: Line
    when: FactText
    says: Text | None = None


class TimingQuestions(Strict):
    """The answers that give the stage, the wish and the filing date. The engine knows no question by name."""

    planned: ConditionText
    wished: ConditionText
    filing: QuestionId


class Pointer(Strict):
    """A point about several accounts, with its paragraphs. The accounts and signs are filled in later."""

    paragraphs: tuple[str, ...] = Field(min_length=1)
    says: Annotated[Text, AfterValidator(only("account", "other", "signs"))]


class Across(Strict):
    """How the accounts of one member affect each other.

    Each answer in `signs` is a City sign that two accounts can share. `supported` holds for an account that uses
    City resources, `candidate` for a member who is running.
    """

    signs: ConditionText
    supported: ConditionText
    candidate: ConditionText
    shared: Pointer
    alone: Pointer
    apart: Pointer


class ContactBlock(Strict):
    """How to reach the Integrity Commissioner."""

    office: Line
    organisation: Line
    street: Line
    place: Line
    telephone: Line
    email: Line
    website: Line

    @property
    def dial(self) -> str:
        """The telephone number as a link needs it: `+14163923826`."""
        return "+1" + "".join(character for character in self.telephone if character.isdigit())


class Titled(Strict):
    """The edition’s words for one of the engine’s identifiers: a title and its meaning."""

    title: Line
    says: Text


class ContactTime(Titled):
    """The words for a time of contact. `brief` names it within a sentence, if the title is too long for one."""

    brief: Line | None = None


class Nothing(Strict):
    """The texts for nothing to contact anyone about and nothing to do, on complete answers or so far.

    The texts for "too early" are for answers that do not settle it yet.
    """

    contact: Text
    contact_so_far: Text
    to_do: Text
    to_do_so_far: Text
    to_do_but_contact: Text
    contact_too_early: Text | None = None
    to_do_too_early: Text | None = None


class Words(Strict):
    """The words for the engine's own identifiers."""

    overall: Mapping[Overall, Titled]
    outcomes: Mapping[Outcome, Titled]
    forces: Mapping[Force, Line]
    contact: Mapping[Contact, ContactTime]
    nothing: Nothing
    unsure: Line
    yes: Line
    no: Line


DatedText = Annotated[Text, AfterValidator(only("date", "election", "days"))]


class ByFilingDate(Strict):
    """The words of a deadline that depends on the filing date, seen from the date of the assessment."""

    ahead: DatedText
    today: DatedText
    passed: DatedText
    unknown: DatedText


class ByStage(Strict):
    """The words of a deadline that depends on whether the account is launched."""

    planned: Text
    live: Text


class ByWish(Strict):
    """The words of a deadline that depends on whether campaign use is wished for or has begun."""

    wished: Text
    now: Text


class UntilTheEnd(Strict):
    """The words of a deadline at the end of the campaign period; `unknown` if nobody has given the day."""

    ends: DatedText
    unknown: Text | None = None


class Deadlines(Strict):
    """The words of every kind of deadline. `heading_now` goes above all that is due now."""

    heading_now: Line | None = None
    launch: ByStage
    before_other_steps: ByFilingDate
    before_campaign_use: ByWish
    before_filing: ByFilingDate
    from_filing: ByFilingDate
    until_campaign_ends: UntilTheEnd
    at_once: Text | None = None


class Reading(Strict):
    """An interpretation that goes beyond the bulletin's text, with its reason and the rules that rest on it."""

    paragraphs: tuple[str, ...] = Field(min_length=1)
    reading: Text
    reason: Text
    rules: tuple[Id, ...] = ()


class Contradiction(Strict):
    """Answers that cannot both be right, and what to say beside each of their questions. It blocks nothing."""

    questions: tuple[QuestionId, ...] = Field(min_length=1)
    when: ConditionText
    says: Text


class Sheet(Strict):
    """The content of edition.yaml: everything about the edition as a whole.

    `engine` is the version of the scoring logic that the edition is written for (ENGINES in digest.py). While
    `provisional`, a published revision may be replaced, as long as nothing attested rests on it.
    """

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9.-]*$", max_length=60)]
    revision: Annotated[int, Field(ge=1)]
    engine: Annotated[int, Field(ge=1)] = 1
    provisional: bool = False
    title: Line
    version: Line
    issued: Day
    publisher: Line
    source: Line
    supersedes: Text
    names_elections: tuple[Id, ...]
    contact: ContactBlock
    sections: tuple[Section, ...] = Field(min_length=1)
    timing: TimingQuestions
    facts: tuple[NamedFact, ...]
    words: Words
    deadlines: Deadlines
    calendar_note: DatedText
    given_note: DatedText | None = None
    no_end_note: DatedText | None = None
    filing_note: DatedText
    after_vote_note: DatedText | None = None
    vote_note: DatedText | None = None
    contradictions: tuple[Contradiction, ...] = ()
    limits: tuple[Text, ...] = Field(min_length=1)
    sharing_limit: Text | None = None
    readings: tuple[Reading, ...]
    across: Across | None = None


class QuestionCarry(Strict):
    """What became of a question in the next revision.

    `renamed` is its new id, and `dropped` the reason why it is gone. `reworded`: its words, kind or choices differ.
    `leaves` has the answers that mean something else now, or nothing, each with the reason.
    """

    renamed: QuestionId | None = None
    dropped: Text | None = None
    reworded: bool = False
    leaves: Mapping[Name, Text] = {}


class RuleCarry(Strict):
    """What became of a rule in the next revision: its new id, or the reason why it is gone."""

    renamed: Id | None = None
    dropped: Text | None = None


class CarryStep(Strict):
    """What changed from an earlier revision to the one after it."""

    revision: Annotated[int, Field(ge=1)]
    questions: Mapping[QuestionId, QuestionCarry] = {}
    rules: Mapping[Id, RuleCarry] = {}


class Edition(Strict):
    """An encoded bulletin: checked, frozen, and in the order in which everything is shown."""

    sheet: Sheet
    paragraphs: tuple[Paragraph, ...]
    questions: tuple[Question, ...]
    rules: tuple[Rule, ...]
    advice: Mapping[str, Advice]
    published_digest: str | None = Field(default=None, exclude=True)
    """The digest under which this revision was published, which never changes; None if it is not published."""
    carries: tuple[CarryStep, ...] = Field(default=(), exclude=True)
    """The steps from the earlier revisions to this one. They are about other revisions, and so not part of this."""
    earlier: Mapping[int, Edition] = Field(default={}, exclude=True)
    """The earlier revisions on file, by number."""

    # Compared by identity: two editions that differ only in the order of choices would be equal to Python, and a
    # value cached for one would be returned for the other.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    @property
    def id(self) -> str:
        return self.sheet.id

    @cached_property
    def question(self) -> Mapping[str, Question]:
        return {question.id: question for question in self.questions}

    @cached_property
    def paragraph(self) -> Mapping[str, Paragraph]:
        return {paragraph.id: paragraph for paragraph in self.paragraphs}

    @cached_property
    def position(self) -> Mapping[str, int]:
        """Each question's position in the edition, from 0."""
        return {question.id: at for at, question in enumerate(self.questions)}

    @cached_property
    def fact(self) -> Mapping[str, NamedFact]:
        return {fact.id: fact for fact in self.sheet.facts}

    @cached_property
    def rule(self) -> Mapping[str, Rule]:
        return {rule.id: rule for rule in self.rules}

    @cached_property
    def asking_order(self) -> tuple[Question, ...]:
        """The questions, each after all questions that decide whether it is asked. There are no cycles."""
        done: dict[str, Question] = {}

        def place(question: Question) -> None:
            if question.id not in done:
                for needed in self.questions_behind(question.asked):
                    place(self.question[needed])
                done[question.id] = question

        for question in self.questions:
            place(question)
        return tuple(done.values())

    def facts_behind(self, *conditions: ConditionText | str | None) -> tuple[NamedFact, ...]:
        """The facts that conditions name, directly or through other facts. Each is visited once."""
        facts: dict[str, NamedFact] = {}

        def visit(condition: ConditionText | str | None) -> None:
            if condition is not None and not isinstance(condition, str):
                for term in condition.terms():
                    if isinstance(term, Fact) and term.name not in facts:
                        facts[term.name] = self.fact[term.name]
                        visit(facts[term.name].when)

        for condition in conditions:
            visit(condition)
        return tuple(facts.values())

    def questions_behind(self, *conditions: ConditionText | str | None) -> list[str]:
        """The questions that conditions use, directly or through facts."""
        stated = [*conditions, *(fact.when for fact in self.facts_behind(*conditions))]
        parsed = [
            condition for condition in stated if condition is not None and not isinstance(condition, str)
        ]
        terms = [term for condition in parsed for term in condition.terms()]
        return [term.question for term in terms if not isinstance(term, Fact)]

    @cached_property
    def guarded_sections(self) -> frozenset[str]:
        """The sections that begin with a warning: working on a campaign with City resources may break the rules."""
        # Found through `timing.wished`, which every edition must have. Ids of sections and
        # numbers of paragraphs are each edition's own, and a key for it would change the published digest.
        wish = self.questions_behind(self.sheet.timing.wished)
        return frozenset(self.question[question].section for question in wish)

    def readings_of(self, rule: str) -> tuple[Reading, ...]:
        """The readings beyond the bulletin's text that a rule rests on."""
        return tuple(reading for reading in self.sheet.readings if rule in reading.rules)

    def outcomes(self, rule: Rule) -> tuple[Outcome, ...]:
        """Every outcome that a rule of this edition can have."""
        behind = self.questions_behind(rule.applies, rule.met)
        return rule.outcomes(look_up=any(self.question[question].look_up for question in behind))

    @cached_property
    def sections_with_rules(self) -> tuple[Section, ...]:
        sections = {rule.section for rule in self.rules}
        return tuple(section for section in self.sheet.sections if section.id in sections)
