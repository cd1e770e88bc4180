"""The engine and a second reading of the specification (tests/reference.py) give the same advisories."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest

from assessments.rendering.data import advisory_data
from assessments.scoring.assess import assess
from tests import reference
from tests.tables import answers_of, edition, election_of

SAME = (
    "election",
    "overall",
    "complete",
    "score",
    "facts",
    "settled",
    "next",
    "unanswered",
    "needed",
    "check",
    "ignored",
)
OF_A_FINDING = ("rule", "paragraphs", "force", "outcome", "contact", "because")
SOME, MANY = 500, 20_000


def drafts(seed: int, number: int) -> Iterator[dict[str, Any]]:
    """Answers documents with random answers, from few to all, days and elections."""
    random = Random(seed)  # noqa: S311 - nothing is kept secret with it
    for _ in range(number):
        as_of = date(2026, 1, 1) + timedelta(days=random.randrange(450))
        document: dict[str, Any] = {"as_of": str(as_of), "answers": _answers(random)}
        on = random.choice(["toronto-2022", "toronto-2026", "toronto-2026", "toronto-2030", "by-election"])
        document["election"] = on
        if on == "by-election" and random.random() < 0.7:
            document["voting_day"] = str(as_of + timedelta(days=random.randrange(-90, 90)))
        if random.random() < 0.15:
            document["campaign_ends"] = str(as_of + timedelta(days=random.randrange(-90, 90)))
        yield document


def _answers(random: Random) -> dict[str, Any]:
    answered = random.choice([0.3, 0.6, 0.9, 1.0])
    answers: dict[str, Any] = {}
    for question in edition().questions:
        if random.random() > answered:
            continue
        match question.kind:
            case "ynu":
                answers[question.id] = random.choices(["yes", "no", "unsure"], [4, 5, 1])[0]
            case "choice":
                answers[question.id] = random.choice(sorted(question.whole_answers))
            case "choices":
                grounds = random.sample(question.values, random.randint(1, 3))
                answers[question.id] = (
                    "unsure" if random.random() < 0.2 else sorted(grounds, key=question.values.index)
                )
            case "date":
                answers[question.id] = str(date(2026, 1, 1) + timedelta(days=random.randrange(500)))
            case "money":
                answers[question.id] = random.choice(["unsure", "0.00", "500.00", "500.01", "620.00"])
    return answers


def by_the_engine(document: dict[str, Any]) -> dict[str, Any]:
    on, as_of = election_of(document), date.fromisoformat(document["as_of"])
    record = advisory_data(assess(edition(), answers_of(document["answers"]), as_of=as_of, election=on))
    return _comparable(record) | {
        "deadlines": [(deadline["rule"], deadline["due"]) for deadline in record["deadlines"]],
        "meanwhile": [rule["rule"] for rule in record["meanwhile"]],
        "questioned": [question for question, _ in record.get("questioned", [])],
    }


def by_the_reference(document: dict[str, Any]) -> dict[str, Any]:
    record = reference.advise(document, as_of=date.fromisoformat(document["as_of"]))
    return _comparable(record) | {
        "deadlines": [(deadline["rule"], deadline["due"]) for deadline in record["deadlines"]],
        "meanwhile": record["meanwhile"],
        "questioned": record.get("questioned", []),
    }


def _comparable(record: dict[str, Any]) -> dict[str, Any]:
    return {key: record[key] for key in SAME} | {
        "contact": [(contact["when"], contact["rule"]) for contact in record["contact"]],
        "findings": {f["rule"]: {key: f[key] for key in OF_A_FINDING} for f in record["findings"]},
        "order": [finding["rule"] for finding in record["findings"]],
    }


def differences(seed: int, number: int) -> list[str]:
    """Each key, or finding's key, in which the two differ for some draft, with the first such draft."""
    differing: dict[str, str] = {}
    for document in drafts(seed, number):
        engine, other = by_the_engine(document), by_the_reference(document)
        if engine == other:
            continue
        for key in engine:
            if key == "findings":
                for rule, finding in engine[key].items():
                    for part in OF_A_FINDING:
                        if finding[part] != other[key][rule][part]:
                            pair = f"{finding[part]} and not {other[key][rule][part]}"
                            differing.setdefault(f"{rule} {part}", f"{pair}: {document}")
            elif engine[key] != other[key]:
                differing.setdefault(key, f"{engine[key]} and not {other[key]}: {document}")
    return [f"{key}: {example}" for key, example in differing.items()]


def test_the_reference_has_the_questions_rules_and_facts_of_the_edition():
    assert tuple(edition().question) == reference.QUESTIONS
    assert tuple(reference.PLACE) == tuple(edition().rule)
    assert tuple(reference.FACTS) == tuple(edition().fact)


@pytest.mark.parametrize("seed", range(4))
def test_random_drafts_have_the_same_advisory_by_both(seed):
    assert differences(seed, SOME // 4) == []


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(10, 20))
def test_many_more_random_drafts_have_the_same_advisory_by_both(seed):
    assert differences(seed, MANY // 10) == []
