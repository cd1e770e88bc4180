"""What is left of an advisory when a member shares a part of it.

Whatever is here follows from what was picked and from nothing else: the outcomes of the picked findings, and the
picked answers. Where an answer that was left out could have made a difference, nothing is said. So what is shared
is the same whatever the rest was.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from copy import copy
from datetime import date, timedelta

from bulletin.encoding.conditions import UNSURE, Answer
from bulletin.encoding.schema import Edition, Election, Outcome, Rule

from .advisory import Advisory, Deadline, Finding, When
from .assess import TO_DO, Situation, Timing, count_by_section, overall_of, total

UNSTATED = "When is not part of what was shared."


def can_be_shared(advisory: Advisory) -> tuple[Finding, ...]:
    """The findings that can be picked.

    The rule that is reckoned last speaks of all others at once, and so would tell of those left out.
    """
    return tuple(finding for finding in advisory.findings if not finding.rule.last)


def shared_part(advisory: Advisory, *, rules: Collection[str], questions: Collection[str]) -> Advisory:
    """The advisory on the picked findings and answers alone.

    `rules` are those that `can_be_shared` offers, and `questions` those of `advisory.answers`; others are passed
    over.
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
    """The advisory that some answers and some rules' outcomes make, with no knowledge of any others.

    A finding rests on those of its rule's questions that are among the answers, whether or not they decided it.
    """
    picked = {q: answers[q] for q in edition.question if q in answers}
    situation = Situation(edition, picked, campaign_over=as_of > election.campaign_ends)
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
        asked=tuple(picked),
        facts={fact: verdict for fact, verdict in verdicts.items() if verdict.value is not None},
        findings=tuple(findings),
        deadlines=tuple(_deadline(timings, f.rule) for f in findings if f.outcome in TO_DO),
        overall=overall_of(findings),
        complete=not any(finding.outcome in ("unanswered", "check") for finding in findings),
        score=total(sections.values()),
        sections=sections,
        unanswered=(),
        needed=(),
        check=tuple(q for q in picked if q in check),
        ignored=(),
    )


def _timings(edition: Edition, situation: Situation, as_of: date, election: Election) -> list[Timing]:
    """Where the assessment may stand between wish, filing and launch, for all that the picked answers tell."""
    known, rules = Timing(edition, situation, as_of, election), edition.sheet.timing
    either = (True, False)
    planned, wished = rules.planned.weigh(situation).value, rules.wished.weigh(situation).value
    dates = [known.filing] if rules.filing in situation.answers else [None, as_of + timedelta(days=1)]
    timings = []
    for is_planned in either if planned is None else (planned,):
        for is_wished in either if wished is None else (wished,):
            for filing in dates:
                timing = copy(known)
                timing.planned, timing.wished, timing.filing = is_planned, is_wished, filing
                timings.append(timing)
    return timings


def _contact(timings: list[Timing], rule: Rule, outcome: Outcome) -> When | None:
    """When to contact the Integrity Commissioner, where the picked answers tell."""
    told = {timing.contact(rule, outcome) for timing in timings}
    return told.pop() if len(told) == 1 else "unstated"


def _deadline(timings: list[Timing], rule: Rule) -> Deadline:
    """By when to do something, where the picked answers tell."""
    told = {timing.deadline(rule) for timing in timings}
    return told.pop() if len(told) == 1 else Deadline(rule, None, UNSTATED, at_once=False)
