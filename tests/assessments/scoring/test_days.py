"""The days around an election (tests/cases/days.yaml)."""

from datetime import date

import pytest

from bulletin import shelf
from tests.tables import advised_row, edition, rows_of_days

ROWS = rows_of_days()


@pytest.mark.parametrize("row", ROWS, ids=[row["case"] for row in ROWS])
def test_on_this_day_the_rules_and_contacts_are_these(row):
    default = shelf.calendar().default_for(date.fromisoformat(row["as_of"])).id
    assert row.get("default", default) == default
    advisory = advised_row({"election": default, **row})
    doubted = {question for point in advisory.contradictions for question in point.questions}
    end = advisory.election.campaign_ends
    assert {
        "over": "yes" if advisory.facts["campaign_over"].value else "no",
        "ends": str(end) if end else None,
        "contacts": [f"{finding.rule.id} {finding.contact}" for finding in advisory.contacts],
        "outcomes": {f.rule.id: f.outcome for f in advisory.findings if f.rule.id in row["outcomes"]},
        "questioned": "yes" if advisory.questioned else "no",
        "wish_doubted": "yes" if "election.use" in doubted else "no",
    } == {
        "over": row["over"],
        "ends": row.get("ends"),
        "contacts": row["contacts"],
        "outcomes": row["outcomes"],
        "questioned": row.get("questioned", "no"),
        "wish_doubted": row.get("wish_doubted", "no"),
    }


@pytest.mark.parametrize("row", ROWS, ids=[row["case"] for row in ROWS])
def test_each_row_names_its_election_or_the_default_and_paragraphs_of_the_bulletin(row):
    assert ("election" in row) != ("default" in row)
    citable = {citation for paragraph in edition().paragraphs for citation in paragraph.citable}
    assert set(row["cites"]) <= citable
