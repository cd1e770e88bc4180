"""Twenty situations with what counsel expects of the advisory (tests/cases/counsel.json)."""

import json
from datetime import date
from typing import Any

import pytest

from assessments.scoring.assess import assess
from bulletin import shelf
from tests.tables import CASES, EDITION, answers_of, edition, election_of

SITUATIONS: list[dict[str, Any]] = json.loads((CASES / "counsel.json").read_bytes())


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation["id"])
def test_in_this_situation_the_advisory_says_what_counsel_expects(situation):
    document, expected = situation["document"], situation["expected"]
    assert document["edition"] == EDITION
    as_of = date.fromisoformat(document["as_of"])
    on = election_of({"election": shelf.calendar().default_for(as_of).id, **document})
    advisory = assess(edition(), answers_of(document["answers"]), as_of=as_of, election=on)
    outcomes = {finding.rule.id: finding.outcome for finding in advisory.findings}
    assert {
        "overall": advisory.overall,
        "contact": {finding.rule.id: finding.contact for finding in advisory.contacts},
        "outcomes": {rule: outcomes[rule] for rule in expected["outcomes"]},
    } == {key: expected[key] for key in ("overall", "contact", "outcomes")}


def test_counsel_has_twenty_situations_and_nothing_expected_is_left_unread():
    assert len({situation["id"] for situation in SITUATIONS}) == len(SITUATIONS) == 20
    keys = {key for situation in SITUATIONS for key in situation["expected"]}
    assert keys == {"overall", "contact", "outcomes", "counsel"}
    assert {key for s in SITUATIONS for key in s["document"]} == {
        "edition", "account", "as_of", "answers", "election", "voting_day"
    }  # fmt: skip
