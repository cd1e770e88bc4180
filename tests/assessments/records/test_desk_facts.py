"""The facts that the desk lists about a share: each is read from the share's record and nothing else."""

import json
from typing import Any

import pytest

from assessments.models import DeskEntry
from assessments.records.desk_facts import SharedFinding, desk_facts
from tests.cast import account_of, attested, shared

RECORD: dict[str, Any] = {
    "office": "Ward 10",
    "account": {"platform": "X", "handle": "@Ana", "display": "Ana for All", "purpose": "official"},
    "edition": "an-edition-1.1",
    "revision": 3,
    "answers": {"conduct.abuse": "yes", "resources.email": "unsure", "gifts.kinds": ["a", "b"]},
    "notes": {"conduct.abuse": "Jones Street"},
    "advisory": {
        "overall": "contact_commissioner",
        "election": {"id": "toronto-2026"},
        "contact": [{"rule": "17a", "when": "before_launch"}, {"rule": "21b", "when": "now"}],
        "findings": [
            {"rule": "17a", "paragraphs": ["17", "18"], "outcome": "ask", "contact": "before_launch"},
            {"rule": "9", "paragraphs": ["9"], "outcome": "consistent", "contact": None},
        ],
    },
}
COLUMNS = [
    ("office_name", "Ward 10"),
    ("member", ""),
    ("platform", "X"),
    ("account", "X @Ana"),
    ("account_words", "x/ana; x @ana"),
    ("edition", "an-edition-1.1"),
    ("revision", 3),
    ("election", "toronto-2026"),
    ("overall", "contact_commissioner"),
    ("contact", "now"),
    (
        "findings",
        (
            SharedFinding("17a", "17", "ask", "before_launch"),
            SharedFinding("17a", "18", "ask", "before_launch"),
            SharedFinding("9", "9", "consistent", ""),
        ),
    ),
    ("unsure", ("resources.email",)),
    ("words", "x/ana; ward 10 x @ana ana for all official jones street may i?"),
]


@pytest.mark.parametrize(("column", "value"), COLUMNS, ids=[column for column, _ in COLUMNS])
def test_a_column_is_read_from_the_record(column, value):
    assert getattr(desk_facts(json.dumps(RECORD), question="May I?"), column) == value


@pytest.mark.parametrize(
    ("contacts", "earliest"),
    [([], ""), (["unstated"], "unstated"), (["before_launch", "before_acting"], "before_acting")],
)
def test_the_earliest_time_to_contact_counts_and_none_is_empty(contacts, earliest):
    advisory = RECORD["advisory"] | {"contact": [{"rule": "x", "when": when} for when in contacts]}
    assert desk_facts(json.dumps(RECORD | {"advisory": advisory})).contact == earliest


def test_an_account_without_a_handle_is_named_by_its_platform():
    assert desk_facts(json.dumps(RECORD | {"account": {"platform": "X"}})).account == "X"


@pytest.mark.django_db
def test_other_answers_and_notes_that_are_withheld_change_nothing_that_the_desk_knows(cast):
    given, note = {"conduct.abuse": "yes", "resources.email": "unsure"}, {"gifts.value": "Withheld."}
    other = given | {"resources.email": "yes", "gifts.unpaid": "yes", "gifts.value": "900.00"}
    mine = attested(cast.account, given, notes={"conduct.abuse": "Jones Street."} | note)
    theirs = attested(account_of(cast.elsewhere), other, notes={"resources.email": "Quite another thing."})
    facts = []
    for number, attestation in enumerate((mine, theirs)):
        share = shared(attestation, nonce=f"{number:064x}", rules={"17a"}, questions={"conduct.abuse"})
        record = json.loads(share.content.record) | {"office": "An office", "account": {}}
        facts.append(desk_facts(json.dumps(record)))
        entry = DeskEntry.objects.get(share=share)
        assert (entry.overall, entry.contact) == (facts[-1].overall, facts[-1].contact)
    assert facts[0] == facts[1]
