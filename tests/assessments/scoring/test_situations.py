"""Whole situations with everything that their advisories must say (tests/cases/situations.yaml)."""

import pytest

from assessments.rendering.data import advisory_data
from tests.tables import advised_row, rows_of_situations

ROWS = rows_of_situations()
OUTCOMES = {
    "actions": "action",
    "improvements": "improvement",
    "asks": "ask",
    "checks": "check",
    "open": "unanswered",
    "informs": "information",
}


@pytest.mark.parametrize("row", ROWS, ids=[row["case"] for row in ROWS])
def test_in_this_situation_the_advisory_says_exactly_this(row):
    record = advisory_data(advised_row(row))
    outcomes = {finding["rule"]: finding["outcome"] for finding in record["findings"]}
    actual = {
        "overall": record["overall"],
        "complete": "yes" if record["complete"] else "no",
        "score": f"{record['score']['consistent']} of {record['score']['applicable']}",
        "contacts": [f"{contact['rule']} {contact['when']}" for contact in record["contact"]],
        "deadlines": [" ".join(filter(None, (d["rule"], d["due"]))) for d in record["deadlines"]],
        "meanwhile": [rule["rule"] for rule in record["meanwhile"]],
        "needed": record["needed"],
        "look_up": record["check"],
        "ignored": record["ignored"],
        **{
            name: [rule for rule, actual_outcome in outcomes.items() if actual_outcome == outcome]
            for name, outcome in OUTCOMES.items()
        },
    }
    assert actual == {name: row[name] for name in actual}


def test_no_two_situations_have_one_name():
    assert len({row["case"] for row in ROWS}) == len(ROWS)


def test_the_situations_show_every_overall_result_and_every_time_for_contact():
    assert {row["overall"] for row in ROWS} == {
        "contact_commissioner",
        "action_required",
        "incomplete",
        "improvements_suggested",
        "consistent",
    }
    assert {contact.split()[1] for row in ROWS for contact in row["contacts"]} == {
        "now",
        "before_launch",
        "before_filing",
    }
