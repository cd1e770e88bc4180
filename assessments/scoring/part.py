"""The part of an advisory that a member shares.

The part follows only from what the member picked: the outcomes of the picked findings, and the picked answers. If an
answer that was left out could make a difference, the part says nothing. So the part is the same whatever the rest of
the advisory is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from copy import copy
from datetime import date, timedelta

from bulletin.encoding.conditions import UNSURE, Answer
from bulletin.encoding.elections import Election
from bulletin.encoding.schema import Edition, Outcome, Rule

from .advisory import Advisory, Deadline, Finding, When
from .assess import Situation, Timing, count_by_section, in_order, overall_of, total
from .contradictions import questioned

UNSTATED = "When is not part of what was shared."


def can_be_shared(advisory: Advisory) -> tuple[Finding, ...]:
    """The findings that a member can pick.

    The closing rule is not among them: it sums up all other findings, so it would reveal those left out.
    """
    return tuple(finding for finding in advisory.findings if not finding.rule.last)


def shared_part(advisory: Advisory, *, rules: Collection[str], questions: Collection[str]) -> Advisory:
    """The advisory on the picked findings and answers alone.

    `rules` are picked from `can_be_shared`, and `questions` from `advisory.answers`. Any others are ignored.
    """
    return part_of(
        advisory.edition,
        {q: answer for q, answer in advisory.answers.items() if q in questions},
        {f.rule.id: f.outcome for f in can_be_shared(advisory) if f.rule.id in rules},
        as_of=advisory.as_of,
        election=advisory.election,
    )


def part_of(
    edition: Edition,
    answers: Mapping[str, Answer],
    outcomes: Mapping[str, Outcome],
    *,
    as_of: date,
    election: Election,
) -> Advisory:
    """The advisory that follows from some answers and some rules' outcomes, without knowledge of any others.

    A finding rests on those of its rule's questions that are among the answers, whether or not they decided the
    outcome.
    """
    picked = {q: answers[q] for q in edition.question if q in answers}
    situation = Situation(edition, picked, campaign_over=election.is_over(as_of))
    timings = _timings(edition, situation, as_of, election)
    findings = []
    for rule in edition.rules:
        if rule.id in outcomes:
            outcome, behind = outcomes[rule.id], edition.questions_behind(rule.applies, rule.met)
            rests_on = frozenset(question for question in behind if question in picked)
            unsure = frozenset(q for q in rests_on if outcome == "check" and picked[q] == UNSURE)
            findings.append(Finding(rule, outcome, _contact(timings, rule, outcome), rests_on, unsure))
    sections = count_by_section(edition, findings)
    check = frozenset[str]().union(*[finding.in_the_way for finding in findings])
    verdicts = {fact: situation.fact(fact) for fact in edition.fact}
    return Advisory(
        edition=edition,
        election=election,
        as_of=as_of,
        answers=picked,
        given=picked,
        asked=tuple(picked),
        facts={fact: verdict for fact, verdict in verdicts.items() if verdict.value is not None},
        findings=tuple(findings),
        deadlines=in_order(edition, findings, lambda rule: _deadline(timings, rule)),
        overall=overall_of(findings),
        complete=not any(finding.outcome in ("unanswered", "check") for finding in findings),
        score=total(sections.values()),
        sections=sections,
        unanswered=(),
        pending={},
        needed=(),
        check=tuple(q for q in picked if q in check),
        ignored=(),
        questioned=questioned(edition, picked, election),
        is_part=True,
    )


def _timings(edition: Edition, situation: Situation, as_of: date, election: Election) -> list[Timing]:
    """Every timing that is possible given the picked answers."""
    known, questions = Timing(edition, situation, as_of, election), edition.sheet.timing
    either = (True, False)
    planned, wished = questions.planned.weigh(situation).value, questions.wished.weigh(situation).value
    dates = [known.filing] if questions.filing in situation.answers else [None, as_of + timedelta(days=1)]
    timings = []
    for is_planned in either if planned is None else (planned,):
        for is_wished in either if wished is None else (wished,):
            for filing in dates:
                timing = copy(known)
                timing.planned, timing.wished, timing.filing = is_planned, is_wished, filing
                timings.append(timing)
    return timings


def _contact(timings: list[Timing], rule: Rule, outcome: Outcome) -> When | None:
    """When to contact the Integrity Commissioner; `unstated` if the picked answers do not decide it."""
    contacts = {timing.contact(rule, outcome) for timing in timings}
    return contacts.pop() if len(contacts) == 1 else "unstated"


def _deadline(timings: list[Timing], rule: Rule) -> Deadline:
    """A finding's deadline; UNSTATED if the picked answers do not decide it."""
    deadlines = {timing.deadline(rule) for timing in timings}
    return deadlines.pop() if len(deadlines) == 1 else Deadline(rule, None, UNSTATED, is_now=False)
