"""The advisory as JSON: a contract that outside scripts rely on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from pydantic_core import to_json

from assessments.scoring.advisory import Advisory, Count, Finding
from assessments.scoring.explain import explain
from assessments.scoring.settled import progress
from bulletin.encoding.carry import LeftBehind
from bulletin.encoding.conditions import Answer
from bulletin.encoding.digest import digest
from bulletin.encoding.schema import Edition, Outcome


def advisory_data(advisory: Advisory, *, explained: bool = False) -> dict[str, Any]:
    """The advisory as plain data, with keys and lists in the contract's order.

    `explained`: with the smallest change that would settle each point to raise and each action. A share has none.
    """
    edition, score = advisory.edition, advisory.score
    added = {} if edition.sheet.engine == 1 else _added(advisory)
    return {
        "edition": edition.id,
        "revision": edition.sheet.revision,
        "digest": digest(edition),
        "as_of": advisory.as_of.isoformat(),
        "election": _election(advisory),
        "overall": advisory.overall,
        "complete": advisory.complete,
        "score": {**_count(score), "sections": {name: _count(c) for name, c in advisory.sections.items()}},
        "facts": {fact: verdict.value for fact, verdict in advisory.facts.items()},
        "contact": [
            {"when": finding.contact, "rule": finding.rule.id, "why": edition.advice[finding.rule.id].about}
            for finding in advisory.contacts
        ],
        "deadlines": [
            {"rule": d.rule.id, "due": d.due.isoformat() if d.due else None, "text": d.text}
            for d in advisory.deadlines
        ],
        **added,
        **({"change": _changes(advisory)} if explained and not advisory.is_part else {}),
        "findings": [_finding(advisory, finding) for finding in advisory.findings],
        "unanswered": list(advisory.unanswered),
        "needed": list(advisory.needed),
        "check": list(advisory.check),
        "ignored": list(advisory.ignored),
        **(
            {"questioned": [list(pair) for pair in advisory.questioned]}
            if added and advisory.questioned
            else {}
        ),
    }


def advisory_json(
    advisory: Advisory,
    left_behind: Iterable[LeftBehind] = (),
    *,
    explained: bool = False,
    indent: int | None = None,
) -> bytes:
    """The advisory as JSON in UTF-8, with the answers that its document could not bring. Equal input, equal bytes."""
    data = advisory_data(advisory, explained=explained)
    if left := [left._asdict() for left in left_behind]:
        data["left_behind"] = left
    return to_json(data, indent=indent)


def _election(advisory: Advisory) -> dict[str, Any]:
    election = advisory.election
    ends, voting_day = election.campaign_ends, election.voting_day
    days: dict[str, Any] = {"id": election.id, "campaign_ends": ends.isoformat() if ends else None}
    if election.undated and voting_day:
        days["voting_day"] = voting_day.isoformat()
    if advisory.edition.sheet.engine > 1 or election.given:
        days["given"] = election.given
    return days


def _added(advisory: Advisory) -> dict[str, Any]:
    """The keys that the first engine's advisories do not have: a share of one is what it would always have been.

    What is settled, and the question to ask next, are not in a share: they would tell of what was left out.
    """
    meanwhile = [{"rule": rule.id, "text": text} for rule, text in advisory.meanwhile]
    if advisory.is_part:
        return {"meanwhile": meanwhile}
    now = progress(advisory)
    settled = {"contact": now.contact_settled, "all": now.all_settled}
    return {"meanwhile": meanwhile, "settled": settled, "next": now.next}


def _changes(advisory: Advisory) -> dict[str, list[list[str]]]:
    return {rule: [list(pair) for pair in change] for rule, change in explain(advisory).items()}


def _count(count: Count) -> dict[str, int]:
    return {"consistent": count.consistent, "applicable": count.applicable}


def _finding(advisory: Advisory, finding: Finding) -> dict[str, Any]:
    rule, outcome, contact = finding[:3]
    paragraphs, advice = _texts(advisory.edition, rule.id, outcome)
    return {
        "rule": rule.id,
        "paragraphs": paragraphs,
        "force": rule.force,
        "outcome": outcome,
        "contact": contact,
        "because": {question: answer_data(answer) for question, answer in advisory.because(finding).items()},
        "advice": advice,
        **_readings(advisory.edition, rule.id, outcome),
    }


@lru_cache(maxsize=1_000)
def _readings(edition: Edition, rule: str, outcome: Outcome) -> dict[str, list[dict[str, str]]]:
    """The readings beyond the bulletin's text that a finding rests on, if there are any."""
    if edition.sheet.engine == 1 or outcome == "not_applicable":
        return {}
    readings = [{"reading": r.reading, "reason": r.reason} for r in edition.readings_of(rule)]
    return {"readings": readings} if readings else {}


@lru_cache(maxsize=1_000)
def _texts(edition: Edition, rule: str, outcome: Outcome) -> tuple[list[str], str]:
    """The paragraphs and the advice, which are the same in every finding of this rule with this outcome."""
    return list(edition.rule[rule].paragraphs), edition.advice[rule].for_outcome(outcome)


def answer_data(answer: Answer | None) -> str | list[str] | None:
    """An answer as it is written in an answers document. Amounts are strings with two decimals."""
    if answer is None or isinstance(answer, str):  # nearly all answers
        return answer
    match answer:
        case Decimal():
            return f"{answer:.2f}"
        case date():
            return answer.isoformat()
        case tuple():
            return list(answer)
