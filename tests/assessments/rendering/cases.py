"""Answers documents with their advisories, as few as show every outcome of every rule and every contact."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

from assessments.rendering.data import advisory_json, answer_data
from assessments.rendering.projection import Projection, project
from assessments.samples import TITLES, sample
from assessments.scoring.advisory import Advisory
from assessments.scoring.assess import assess
from assessments.scoring.document import Document, read_document
from bulletin import shelf
from tests.tables import BASE, EDITION, advised, answers_of, edition, rows_of_rules


@dataclass(frozen=True, eq=False)
class Case:
    """An answers document and its advisory."""

    name: str
    document: Document
    advisory: Advisory

    @property
    def pairs(self) -> frozenset[tuple[str, ...]]:
        """Each rule with its outcome."""
        return frozenset((f.rule.id, f.outcome) for f in self.advisory.findings)

    @property
    def times(self) -> frozenset[tuple[str, ...]]:
        """Each outcome with its contact, and the overall result."""
        carried = frozenset((f.outcome, f.contact or "") for f in self.advisory.findings)
        return carried | {(self.advisory.overall,)}

    @property
    def projection(self) -> Projection:
        return project(self.advisory, self.document)

    @property
    def record(self) -> dict[str, Any]:
        """The JSON, read back."""
        record: dict[str, Any] = json.loads(advisory_json(self.advisory))
        return record


def case_of(name: str, raw: bytes) -> Case:
    document = read_document(raw, shelf.editions(), shelf.calendar())
    assert document.as_of
    on = document.election or shelf.calendar().default_for(document.as_of)
    return Case(name, document, assess(document.edition, document.answers, as_of=document.as_of, election=on))


def raw_of(**whole: Any) -> bytes:
    return json.dumps({"edition": EDITION, "as_of": "2026-07-01", "answers": {}} | whole).encode()


def with_notes(notes: dict[str, str], **account: str) -> Case:
    """A document that has only notes and the words of an account."""
    return case_of("notes", raw_of(notes=notes, account=account))


def case_of_row(rule: str, row: dict[str, Any]) -> Case:
    """A row of rules.yaml as a document."""
    advisory = advised(row["given"], as_of=row["as_of"])
    answers = answers_of(row["given"]) | dict(advisory.answers)
    raw = raw_of(
        as_of=row["as_of"],
        election=BASE["election"],
        answers={question: answer_data(answer) for question, answer in answers.items()},
    )
    return case_of(f"{rule}: {row['case']}", raw)


@cache
def samples() -> tuple[Case, ...]:
    return tuple(case_of(name, sample(name)) for name in TITLES)


@cache
def rows() -> tuple[Case, ...]:
    """The rows of rules.yaml, without those that have an election or days of their own."""
    own = {"election", "voting_day", "campaign_ends"}
    return tuple(case_of_row(rule, row) for rule, row in rows_of_rules() if not own & row.keys())


@cache
def mixtures() -> tuple[Case, ...]:
    """Documents with random answers, the same each time. Each shows many outcomes."""
    random = Random(1)  # noqa: S311 - nothing is kept secret with it
    return tuple(case_of(f"mixture {number}", raw_of(**_mixture(random))) for number in range(300))


def _mixture(random: Random) -> dict[str, Any]:
    left_out, unsure = random.random() * 0.4, random.random() * 0.4
    answers: dict[str, Any] = {}
    for question in edition().questions:
        if random.random() < left_out:
            continue
        if question.may_be_unsure and random.random() < unsure:
            answers[question.id] = "unsure"
            continue
        match question.kind:
            case "ynu" | "choice":
                answers[question.id] = random.choice(question.values)
            case "choices":
                answers[question.id] = random.sample(question.values, random.randint(1, 3))
            case "money":
                answers[question.id] = random.choice(["500.00", "500.01"])
            case "date":
                answers[question.id] = random.choice(["2026-04-30", "2026-06-30", "2026-07-01", "2026-08-21"])
    as_of = random.choice(["2026-07-01", "2026-12-31", "2027-01-01"])
    return {"answers": answers, "as_of": as_of, "election": "toronto-2026"}


def covering(wanted: str, cases: Iterable[Case], chosen: Iterable[Case] = ()) -> list[Case]:
    """The `chosen`, and as few of `cases` as show all that is `wanted`: each step adds the case that shows most."""
    left = list(cases)
    covering_cases = list(chosen)
    shown = frozenset[tuple[str, ...]]().union(*(getattr(case, wanted) for case in covering_cases))
    while True:
        best = max(left, key=lambda case: len(getattr(case, wanted) - shown))
        if not getattr(best, wanted) - shown:
            return covering_cases
        covering_cases.append(best)
        shown |= getattr(best, wanted)


@cache
def carried() -> Case:
    """A document of revision 1: one answer is left behind, and the filing date is outside the nomination days."""
    answers = {"election.use": "none", "election.candidate": "yes", "election.nomination_date": "2026-09-30"}
    return case_of("carried", raw_of(revision=1, election="toronto-2026", answers=answers))


@cache
def to_print() -> tuple[Case, ...]:
    """The samples, and as many other cases as show every outcome with every contact, and every overall result."""
    return tuple(covering("times", rows() + mixtures(), (*samples(), carried())))


@cache
def every_outcome() -> tuple[Case, ...]:
    """Those, one with a filing date that is questioned, and as many more as show every outcome of every rule."""
    filed = {"election.candidate": "yes", "election.nomination_date": "2026-04-30"}
    questioned = case_of("questioned", raw_of(answers=filed, election="toronto-2026"))
    return tuple(covering("pairs", rows() + mixtures(), [*to_print(), questioned]))
