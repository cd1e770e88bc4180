"""The definition of how answers become an advisory, written to be read.

Nothing here names a question, a rule or a fact of an edition. What keeps an outcome open is always a set of
questions. The outcome is `unanswered` if any of them has no answer; if all are answered "unsure", the rule says what
the outcome is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date
from typing import Literal

from bulletin.encoding.conditions import UNSURE, Answer, Condition, Verdict
from bulletin.encoding.elections import Election
from bulletin.encoding.filling import filled
from bulletin.encoding.schema import (
    CAMPAIGN_OVER,
    OUTCOME_BY_FORCE,
    ByFilingDate,
    Contact,
    Edition,
    Outcome,
    Overall,
    OwnContact,
    Question,
    Rule,
)

from .advisory import FORCE_ORDER, Advisory, Count, Deadline, Finding, traced
from .contradictions import contradictions, questioned
from .wording import long_date

Asking = Literal["asked", "pending", "not_asked"]

NOTHING: frozenset[str] = frozenset()
COUNTED: frozenset[Outcome] = frozenset({"consistent", "action", "improvement", "ask", "check"})
"""The outcomes with which a rule counts as applicable in the score."""
SILENT: frozenset[Outcome] = frozenset({"consistent", "not_applicable", "unanswered", "check"})
"""The outcomes that never carry a contact."""
NO_END = "Until the campaign period ends."
"""A deadline of an edition that has no words for an election without dates, which nobody can choose there."""
TO_DO: frozenset[Outcome] = frozenset({"action", "improvement"})
"""The outcomes that call for an action, and so have a deadline."""


class Situation:
    """The answers that count, and the facts that follow from them and from the election calendar."""

    def __init__(self, edition: Edition, answers: Mapping[str, Answer], *, campaign_over: bool) -> None:
        self.answers = dict(answers)
        self.engine = edition.sheet.engine
        self._edition = edition
        self._facts = {CAMPAIGN_OVER: Verdict(campaign_over, NOTHING)}
        self._verdicts: dict[int, Verdict] = {}

    def weigh(self, condition: Condition) -> Verdict:
        """The verdict of one of the edition's conditions, computed once for every place that has the condition.

        The cached verdict stays valid, because `settle_asking` settles everything that a condition depends on before
        weighing it.
        """
        verdict = self._verdicts.get(id(condition))
        if verdict is None:
            verdict = self._verdicts[id(condition)] = condition.weigh(self)
        return verdict

    def fact(self, name: str) -> Verdict:
        verdict = self._facts.get(name)
        if verdict is None:
            when = self._edition.fact[name].when
            if isinstance(when, str):
                raise LookupError(f"the calendar tells {CAMPAIGN_OVER} only, and not {name}")
            verdict = self._facts[name] = when.weigh(self)
        return verdict

    def can_be_looked_up(self, questions: Iterable[str]) -> bool:
        return all(self._edition.question[question].look_up for question in questions)

    def has_unanswered(self, questions: Iterable[str]) -> bool:
        return any(question not in self.answers for question in questions)


def settle_asking(questions: Iterable[Question], situation: Situation) -> dict[str, Asking]:
    """Whether each question is asked. The answer to a question that is not asked is removed from the situation.

    `questions` are in the edition's `asking_order`. So one pass is enough: everything that a question depends on
    comes before it.
    """
    asking: dict[str, Asking] = {}
    for question in questions:
        value, rests_on = situation.weigh(question.asked)
        if value is False:
            situation.answers.pop(question.id, None)
            asking[question.id] = "not_asked"
        elif value is None and situation.has_unanswered(rests_on):
            asking[question.id] = "pending"
        else:
            asking[question.id] = "asked"
    return asking


def find(rule: Rule, situation: Situation) -> tuple[Outcome, frozenset[str], frozenset[str]]:
    """A rule's outcome, the questions that it rests on, and the questions that keep it open."""
    applies = situation.weigh(rule.applies)
    if applies.value is False:
        return "not_applicable", applies.rests_on, NOTHING
    if rule.met is None:
        if applies.value:
            return "information", applies.rests_on, NOTHING
        in_the_way = rests_on = applies.rests_on
    else:
        met = situation.weigh(rule.met)
        if met.value:
            return "consistent", met.rests_on | (applies.rests_on if applies.value else NOTHING), NOTHING
        rests_on = applies.rests_on | met.rests_on
        if applies.value and met.value is False:
            return OUTCOME_BY_FORCE[rule.force], rests_on, NOTHING
        in_the_way = NOTHING.union(*[verdict.rests_on for verdict in (applies, met) if verdict.value is None])
        if situation.engine > 1:  # an open outcome rests on what keeps it open, and on nothing else
            rests_on = in_the_way
    outcome: Outcome = "unanswered" if situation.has_unanswered(in_the_way) else rule.unsure
    if outcome == "ask" and situation.can_be_looked_up(in_the_way):
        outcome = "check"
    return outcome, rests_on, in_the_way


def find_closing(rule: Rule, situation: Situation, others: list[Finding], timing: Timing) -> Finding:
    """The finding of the closing rule, which gives information only if no other finding needs attention.

    If other findings decide the outcome, this finding rests on what they rest on.
    """
    value, rests_on = situation.weigh(rule.applies)
    in_the_way = rests_on if value is None else NOTHING
    pressing = [finding for finding in others if finding.outcome == "action" or finding.contact]
    still_open = [finding for finding in others if finding.outcome == "unanswered"]
    to_check = [finding for finding in others if finding.outcome == "check"]
    outcome: Outcome = "information"
    deciding: list[Finding] = []
    if value is False:
        outcome, in_the_way = "not_applicable", NOTHING
    elif pressing:
        outcome, deciding, in_the_way = "not_applicable", pressing, NOTHING
        rests_on = NOTHING.union(*[finding.rests_on for finding in pressing])
    elif situation.has_unanswered(in_the_way) or still_open:
        outcome, deciding = "unanswered", still_open
        rests_on = in_the_way.union(*[finding.in_the_way for finding in still_open])
    elif value is None:
        outcome, in_the_way = "not_applicable", NOTHING
    elif to_check:
        outcome, deciding = "check", to_check
        rests_on = NOTHING.union(*[finding.in_the_way for finding in to_check])
    contact = timing.contact(rule, outcome)
    return Finding(rule, outcome, contact, rests_on, in_the_way, tuple(finding.rule for finding in deciding))


def contact_of(edition: Edition, rule: Rule, outcome: Outcome) -> OwnContact | None:
    """The kind of contact that a rule's outcome carries, whatever the stage of the account."""
    if outcome in SILENT:
        return None
    if outcome == "ask":
        return "now" if edition.sheet.engine == 1 else rule.contact or "now"
    return rule.contact if outcome in TO_DO or rule.force == "note" else None


def when_due(
    kind: OwnContact | None, *, planned: bool, wished: bool, filing_is_ahead: bool
) -> Contact | None:
    """When a contact of some kind is due.

    `planned`: the account is not launched. `wished`: it is to campaign, and does not yet.
    """
    if kind == "now!":  # what was accepted or disclosed does not wait for a launch
        return "now"
    if kind == "before_filing" and not (wished and filing_is_ahead):
        kind = "now"
    return "before_launch" if kind == "now" and planned else kind


class Timing:
    """When contacts and deadlines are due, given the stage of the account, of campaign use and of filing."""

    def __init__(self, edition: Edition, situation: Situation, as_of: date, election: Election) -> None:
        timing = edition.sheet.timing
        filing = situation.answers.get(timing.filing)
        self._edition = edition
        self.planned = timing.planned.weigh(situation).value is True
        self.wished = timing.wished.weigh(situation).value is True
        self.filing = filing if isinstance(filing, date) else None
        self.as_of = as_of
        self.election = election
        self._words = edition.sheet.deadlines

    @property
    def filing_is_ahead(self) -> bool:
        return self.filing is not None and self.filing > self.as_of

    def contact(self, rule: Rule, outcome: Outcome) -> Contact | None:
        """When to contact the Integrity Commissioner about a finding, if at all."""
        kind = contact_of(self._edition, rule, outcome)
        return when_due(kind, planned=self.planned, wished=self.wished, filing_is_ahead=self.filing_is_ahead)

    def deadline(self, rule: Rule) -> Deadline:
        """The deadline for following a finding's advice."""
        words = self._words
        match rule.deadline:
            case "launch":
                text = words.launch.planned if self.planned else words.launch.live
                return Deadline(rule, None, text, is_now=not self.planned)
            case "before_campaign_use":
                text = words.before_campaign_use.wished if self.wished else words.before_campaign_use.now
                return Deadline(rule, None, text, is_now=not self.wished)
            case "until_campaign_ends":
                end = self.election.campaign_ends
                if end is None:
                    return Deadline(rule, None, words.until_campaign_ends.unknown or NO_END, is_now=False)
                text = self._filled(words.until_campaign_ends.ends, end)
                return Deadline(rule, end if self._edition.sheet.engine == 1 else None, text, is_now=False)
            case "at_once":
                return Deadline(rule, None, words.at_once or "", is_now=True)
            case "before_other_steps":
                return self._by_filing_date(rule, words.before_other_steps)
            case "before_filing":
                return self._by_filing_date(rule, words.before_filing)
            case "from_filing":
                return self._by_filing_date(rule, words.from_filing)

    def _by_filing_date(self, rule: Rule, words: ByFilingDate) -> Deadline:
        if self.filing is None:
            return Deadline(rule, None, words.unknown, is_now=False)
        if self.filing > self.as_of:
            return Deadline(rule, self.filing, self._filled(words.ahead, self.filing), is_now=False)
        text = words.today if self.filing == self.as_of else words.passed
        return Deadline(rule, None, self._filled(text, self.filing), is_now=True)

    def _filled(self, text: str, day: date) -> str:
        return filled(text, {"date": long_date(day), "election": self.election.name})


def _place(deadline: Deadline, finding: Finding) -> tuple[bool, date, int]:
    is_now = deadline.is_now or finding.contact == "now"
    due = date.min if is_now else deadline.due or date.max
    return not is_now, due, FORCE_ORDER.index(finding.rule.force)


def in_order(
    edition: Edition, findings: Iterable[Finding], deadline_of: Callable[[Rule], Deadline]
) -> tuple[Deadline, ...]:
    """The deadlines of what is to be done: first what is due now or late, then by date, then the rest.

    What needs a call now is due now. Within each of these the order is by force, then the edition's, which alone
    counts in an edition for the first engine.
    """
    deadlines = [(deadline_of(f.rule), f) for f in findings if f.outcome in TO_DO]
    if edition.sheet.engine > 1:
        deadlines.sort(key=lambda pair: _place(*pair))
    return tuple(deadline for deadline, _ in deadlines)


def overall_of(findings: Iterable[Finding]) -> Overall:
    """The most pressing overall result that the findings support."""
    outcomes = set()
    for finding in findings:
        if finding.contact:
            return "contact_commissioner"
        outcomes.add(finding.outcome)
    if "action" in outcomes:
        return "action_required"
    if outcomes & {"unanswered", "check"}:
        return "incomplete"
    return "improvements_suggested" if "improvement" in outcomes else "consistent"


def count(counted: list[Finding]) -> Count:
    """The score of findings that count towards it. Every finding has the same weight."""
    return Count(sum(finding.outcome == "consistent" for finding in counted), len(counted))


def count_by_section(edition: Edition, findings: Iterable[Finding]) -> dict[str, Count]:
    """The score of each section that has rules."""
    by_section: dict[str, list[Finding]] = {section.id: [] for section in edition.sections_with_rules}
    for finding in findings:
        if finding.outcome in COUNTED and finding.rule.force != "note":
            by_section[finding.rule.section].append(finding)
    return {section: count(counted) for section, counted in by_section.items()}


def total(counts: Collection[Count]) -> Count:
    """The score of all sections together."""
    return Count(sum(c.consistent for c in counts), sum(c.applicable for c in counts))


def assess(edition: Edition, answers: Mapping[str, Answer], *, as_of: date, election: Election) -> Advisory:
    """The advisory for `answers` as of a day.

    `answers` are valid answers by question; a question without an answer has no entry. `election` only decides
    when the campaign period ends and whether it is over.
    """
    situation = Situation(edition, answers, campaign_over=election.is_over(as_of))
    asking = settle_asking(edition.asking_order, situation)
    timing = Timing(edition, situation, as_of, election)

    findings: list[Finding] = []
    for rule in edition.rules:
        if not rule.last:
            outcome, rests_on, in_the_way = find(rule, situation)
            findings.append(Finding(rule, outcome, timing.contact(rule, outcome), rests_on, in_the_way))
    for at, rule in enumerate(edition.rules):
        if rule.last:
            findings.insert(at, find_closing(rule, situation, findings, timing))

    asked = tuple(q for q in edition.question if asking[q] == "asked")
    unanswered = tuple(q for q in asked if q not in situation.answers and not edition.question[q].optional)
    keep_unanswered = NOTHING.union(*[f.in_the_way for f in findings if f.outcome == "unanswered"])
    pending = {
        name: situation.weigh(edition.question[name].asked).rests_on
        for name, state in asking.items()
        if state == "pending" and name not in situation.answers
    }
    first_needed = traced(keep_unanswered, pending)
    keep_at_check = NOTHING.union(*[f.in_the_way for f in findings if f.outcome == "check"])
    sections = count_by_section(edition, findings)

    return Advisory(
        edition=edition,
        election=election,
        as_of=as_of,
        answers=situation.answers,
        asked=asked,
        given=answers,
        facts={fact: situation.fact(fact) for fact in edition.fact},
        findings=tuple(findings),
        deadlines=in_order(edition, findings, timing.deadline),
        overall=overall_of(findings),
        complete=not any(finding.outcome in ("unanswered", "check") for finding in findings),
        score=total(sections.values()),
        sections=sections,
        unanswered=unanswered,
        pending=pending,
        needed=tuple(question for question in unanswered if question in first_needed),
        check=tuple(q for q in edition.question if q in keep_at_check and situation.answers.get(q) == UNSURE),
        ignored=tuple(q for q in edition.question if q in answers and q not in situation.answers),
        questioned=questioned(edition, situation.answers, election),
        contradictions=contradictions(edition, situation, election, as_of=as_of),
    )
