"""The tables in tests/cases/. Every value is read as text, so that `no`, `on` and `1.10` stay as they are written."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from assessments.scoring.advisory import Advisory, When
from assessments.scoring.answers import read_answer
from assessments.scoring.assess import Asking, Situation, assess, settle_asking
from bulletin import shelf
from bulletin.encoding.conditions import Answer
from bulletin.encoding.elections import Election
from bulletin.encoding.schema import Edition, Outcome
from bulletin.encoding.source import read

CASES = Path(__file__).parent / "cases"
EDITION = "toronto-social-media-1.1"
UNANSWERED = "unanswered"

Row = dict[str, Any]
EVERY_ROW = {"case", "given", "as_of", "election", "voting_day", "campaign_ends"}
"""What a row of any table may have."""


def table(name: str) -> Any:
    """The table `name`, with every scalar as text. A key that appears twice is refused."""
    source = read(CASES / name)
    assert not source.faults, "\n".join(source.lines())
    return source.content


BASE: Mapping[str, Any] = table("base.yaml")


def edition() -> Edition:
    """The edition that the tables are about."""
    return shelf.editions()[EDITION]


def election(name: str) -> Election:
    """The election called `name` in the calendar."""
    match = shelf.calendar().get(name)
    assert match, f"the calendar has no {name}"
    return match


def election_of(row: Row) -> Election:
    """The election of a row, with the days that the row gives for it."""
    days = {key: date.fromisoformat(row[key]) for key in ("voting_day", "campaign_ends") if key in row}
    return election(row.get("election", BASE["election"])).with_dates(**days)


def advised_row(row: Row) -> Advisory:
    """The advisory for a row of a table."""
    return advised(row["given"], as_of=row["as_of"], on=election_of(row), else_answered=row.get("all_else"))


def answers_of(given: Mapping[str, Any]) -> dict[str, Answer]:
    """The answers that a row gives, without those that are `unanswered`."""
    unknown = given.keys() - edition().question.keys()
    assert not unknown, f"no such question: {sorted(unknown)}"
    answers = {
        question: read_answer(edition().question[question], value)
        for question, value in given.items()
        if value != UNANSWERED
    }
    return {question: answer for question, answer in answers.items() if answer is not None}


def advised(
    given: Mapping[str, Any],
    *,
    as_of: str = BASE["as_of"],
    on: Election | None = None,
    else_answered: str | None = None,
) -> Advisory:
    """The advisory for `given`. Other questions get the base situation's answers, or all get `else_answered`."""
    answers = answers_of(given)
    on = on or election(BASE["election"])
    while True:
        advisory = assess(edition(), answers, as_of=date.fromisoformat(as_of), election=on)
        open_questions = {
            question: else_answered or BASE["answers"][question]
            for question in advisory.unanswered
            if question not in given and question not in answers
        }
        if not open_questions or else_answered == UNANSWERED:
            return advisory
        answers |= answers_of(open_questions)


def asking(row: Row, *, by: Edition | None = None) -> dict[str, Asking]:
    """Whether an edition asks each question in the situation of a row of asking.yaml."""
    answers = answers_of(BASE["answers"] | row["given"])
    over = election_of(row).is_over(date.fromisoformat(row["as_of"]))
    by = by or edition()
    return settle_asking(by.asking_order, Situation(by, answers, campaign_over=over))


def outcome_of(rule: str, advisory: Advisory) -> tuple[Outcome, When | None]:
    """The outcome and the contact of a rule's finding."""
    return next((f.outcome, f.contact) for f in advisory.findings if f.rule.id == rule)


def rows(raw: Iterable[Row], *, may_have: set[str]) -> Iterator[Row]:
    """Each row with `given` and `as_of` filled in. A key that the table does not explain is refused."""
    for row in raw:
        unknown = row.keys() - may_have - EVERY_ROW
        assert not unknown, f"{row.get('case')}: no such key: {sorted(unknown)}"
        yield {"given": {}, "as_of": BASE["as_of"], **row}


def rows_of_rules() -> Iterator[tuple[str, Row]]:
    """Each row of rules.yaml with its rule, and with the answers that the rule gives to all its rows."""
    for rule in table("rules.yaml"):
        assert rule.keys() <= {"rule", "throughout", "cases"}, rule.keys()
        for row in rows(rule["cases"], may_have={"outcome", "contact"}):
            yield rule["rule"], {**row, "given": {**rule.get("throughout", {}), **row["given"]}}


def rows_of_changes() -> Iterator[tuple[str, Row]]:
    """Each row of changes.yaml with its rule, and with the answers that the rule gives to all its rows."""
    for rule in table("changes.yaml"):
        assert rule.keys() <= {"rule", "throughout", "cases"}, rule.keys()
        for row in rows(rule["cases"], may_have={"change"}):
            yield rule["rule"], {**row, "given": {**rule.get("throughout", {}), **row["given"]}}


def rows_of_asking() -> list[Row]:
    """Each row of asking.yaml."""
    return list(rows(table("asking.yaml"), may_have={"asked", "pending", "not_asked"}))


def rows_of_situations() -> list[Row]:
    """Each row of situations.yaml, with what it leaves out filled in as empty."""
    lists = {
        "contacts", "actions", "improvements", "asks", "checks", "open", "informs",
        "deadlines", "meanwhile", "needed", "look_up", "ignored",
    }  # fmt: skip
    plain = {"all_else", "overall", "complete", "score"}
    return [
        {**{name: [] for name in lists}, "all_else": None, **row}
        for row in rows(table("situations.yaml"), may_have=lists | plain)
    ]


def rows_of_days() -> list[Row]:
    """Each row of days.yaml."""
    needed = {"cites", "says", "over", "contacts", "outcomes"}
    days = list(rows(table("days.yaml"), may_have={*needed, "default", "ends", "questioned", "wish_doubted"}))
    assert all(needed <= row.keys() for row in days)
    return days
