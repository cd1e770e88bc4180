"""Read the advisory that a record froze. What was attested or shared is never scored again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from assessments.scoring.advisory import Advisory, Count, Deadline, Finding
from assessments.scoring.assess import Situation, settle_asking
from assessments.scoring.contradictions import contradictions, questioned
from bulletin.encoding.conditions import UNSURE, Answer, Verdict
from bulletin.encoding.elections import Election
from bulletin.encoding.schema import Edition, Outcome, Rule


def advisory_from(
    frozen: Mapping[str, Any],
    edition: Edition,
    *,
    as_of: date,
    election: Election,
    answers: Mapping[str, Answer],
    is_part: bool = False,
) -> Advisory:
    """The advisory that `advisory_data` wrote into a record, of an attestation or, with `is_part`, of a share.

    `answers` are all answers in the record. Every outcome, contact, day and text is the record's or the edition's.
    Only what a record does not have is derived from the edition's conditions: which questions are asked, what facts
    rest on, and what is pointed out beside answers.
    """
    counting = {q: answer for q, answer in answers.items() if q not in frozen["ignored"]}
    situation = Situation(edition, counting, campaign_over=election.is_over(as_of))
    asking = {} if is_part else settle_asking(edition.asking_order, situation)
    asked = counting if is_part else (q for q in edition.question if asking[q] == "asked")
    findings = tuple(_finding(finding, edition, counting) for finding in frozen["findings"])
    if edition.sheet.engine == 1:  # such a record does not have them, and its documents do
        dates = questioned(edition, counting, election)
    else:
        dates = tuple((question, reason) for question, reason in frozen.get("questioned", ()))
    score, sections = frozen["score"], frozen["score"]["sections"]
    return Advisory(
        edition=edition,
        election=election,
        as_of=as_of,
        answers=counting,
        given=answers,
        asked=tuple(asked),
        facts={
            fact: Verdict(frozen["facts"][fact], situation.fact(fact).rests_on)
            for fact in edition.fact
            if fact in frozen["facts"]
        },
        findings=tuple(_with_deciding(finding, findings, situation) for finding in findings),
        deadlines=tuple(_deadline(entry, edition, counting, as_of) for entry in frozen["deadlines"]),
        overall=frozen["overall"],
        complete=frozen["complete"],
        score=_count(score),
        sections={section.id: _count(sections[section.id]) for section in edition.sections_with_rules},
        unanswered=tuple(frozen["unanswered"]),
        # Whoever attested had answered every question that was asked, and so no other could still be.
        pending={},
        needed=tuple(frozen["needed"]),
        check=tuple(frozen["check"]),
        ignored=tuple(frozen["ignored"]),
        questioned=dates,
        contradictions=() if is_part else contradictions(edition, situation, election, as_of=as_of),
        is_part=is_part,
    )


def _count(frozen: Mapping[str, int]) -> Count:
    return Count(frozen["consistent"], frozen["applicable"])


def _finding(frozen: Mapping[str, Any], edition: Edition, answers: Mapping[str, Answer]) -> Finding:
    outcome: Outcome = frozen["outcome"]
    rests_on = frozenset(frozen["because"])
    still_open = rests_on if outcome in ("check", "unanswered") else ()
    in_the_way = frozenset(q for q in still_open if answers.get(q, UNSURE) == UNSURE)
    return Finding(edition.rule[frozen["rule"]], outcome, frozen["contact"], rests_on, in_the_way)


def _with_deciding(finding: Finding, findings: tuple[Finding, ...], situation: Situation) -> Finding:
    """The closing finding with the rules whose findings decide it; any other finding as it is."""
    if not finding.rule.last:
        return finding
    others = [other for other in findings if not other.rule.last]
    deciding: list[Finding] = []
    if finding.outcome in ("check", "unanswered"):
        deciding = [other for other in others if other.outcome == finding.outcome]
    elif finding.outcome == "not_applicable" and situation.weigh(finding.rule.applies).value is not False:
        deciding = [other for other in others if other.outcome == "action" or other.contact]
    return finding._replace(decided_by=tuple(other.rule for other in deciding))


def _deadline(
    frozen: Mapping[str, Any], edition: Edition, answers: Mapping[str, Answer], as_of: date
) -> Deadline:
    rule = edition.rule[frozen["rule"]]
    due = date.fromisoformat(frozen["due"]) if frozen["due"] else None
    is_now = _is_now(rule, frozen["text"], edition, answers, as_of)
    return Deadline(rule, due, frozen["text"], is_now=is_now)


def _is_now(rule: Rule, text: str, edition: Edition, answers: Mapping[str, Answer], as_of: date) -> bool:
    """Whether a deadline's text means now: it is the edition's text for that, or the filing date has come."""
    words = edition.sheet.deadlines
    match rule.deadline:
        case "launch":
            return text == words.launch.live
        case "before_campaign_use":
            return text == words.before_campaign_use.now
        case "at_once":
            return True
        case "until_campaign_ends":
            return False
        case _:
            filing = answers.get(edition.sheet.timing.filing)
            return isinstance(filing, date) and filing <= as_of
