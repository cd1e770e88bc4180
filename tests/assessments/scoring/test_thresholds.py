"""Every threshold: below it, on it and above it (tests/cases/thresholds.yaml)."""

import json
from datetime import date

import pytest

from assessments.scoring.document import DocumentFaults, read_document
from bulletin import shelf
from tests.tables import EDITION, advised, edition, election_of, outcome_of, table

ROWS = table("thresholds.yaml")
STEPS = {
    "election.plan": "no",
    "election.publications": "no",
    "election.profile": "no",
    "election.registration": "no",
    "election.website": "no",
    "election.team": "no",
    "election.notice": "no",
    "election.label": "no",
    "election.keep": "no",
}
PROFILE_STEPS = {"13c-i", "13c-ii", "13c-iii", "13c-iv", "13c-v", "13c-vi"}


def each(part, *names):
    """Run a test for each row of a part. The row's values of `names` name the test."""
    return pytest.mark.parametrize(
        "row", ROWS[part], ids=[" ".join(row.get(name, "-") for name in names) for row in ROWS[part]]
    )


def document(**fields: object) -> bytes:
    return json.dumps({"edition": EDITION, "answers": {}, **fields}).encode()


def accepted(raw: bytes) -> str:
    try:
        read_document(raw, shelf.editions(), shelf.calendar())
    except DocumentFaults:
        return "no"
    return "yes"


@each("gifts", "value")
def test_content_of_this_value_has_this_outcome(row):
    advisory = advised({"gifts.unpaid": "yes", "gifts.value": row["value"]})
    assert outcome_of("21b", advisory) == (row["outcome"], row.get("contact"))


@each("amounts", "value")
def test_this_amount_is_or_is_not_accepted_as_text_and_as_number(row):
    as_text = document(answers={"gifts.value": row["value"]})
    assert accepted(as_text) == row["accepted"]
    assert (
        accepted(as_text.replace(b'"%s"' % row["value"].encode(), row["value"].encode())) == (row["accepted"])
    )


@each("campaign_end", "election", "voting_day", "campaign_ends", "as_of")
def test_on_this_day_the_campaign_period_of_this_election_is_or_is_not_over(row):
    given = {"election.use": "now", "election.supported": "yes", "election.keep": "no"}
    advisory = advised(given, as_of=row["as_of"], on=election_of(row))
    is_over = row["over"] == "yes"
    assert advisory.facts["campaign_over"].value is is_over
    rule_14, over = (
        (("not_applicable", None), "information") if is_over else (("action", "now"), "not_applicable")
    )
    assert outcome_of("14", advisory) == rule_14
    assert outcome_of("14-over", advisory) == (over, None)
    words = edition().sheet.deadlines.until_campaign_ends
    text = words.ends.replace("{date}", row["until"]) if "until" in row else words.unknown
    assert [(d.due, d.text) for d in advisory.deadlines] == ([] if is_over else [(None, text)])


@each("default_election", "as_of")
def test_on_this_day_this_election_is_the_default(row):
    assert shelf.calendar().default_for(date.fromisoformat(row["as_of"])).id == row["election"]


@each("filing", "case")
def test_with_this_filing_date_the_steps_have_this_contact_and_these_deadlines(row):
    given = {"election.candidate": "yes", "election.supported": "yes", **STEPS, **row["given"]}
    advisory = advised(given)
    assert outcome_of("13a", advisory) == ("action", row["contact"])
    assert outcome_of("14", advisory) == ("action", row["contact"])
    deadlines = {d.rule.id: (str(d.due) if d.due else None, d.text) for d in advisory.deadlines}
    assert deadlines == {
        "13a": (row.get("due"), row["13a"]),
        "13b": (None, row["13b"]),
        **dict.fromkeys(PROFILE_STEPS, (row.get("due"), row["13c"])),
        "14": (None, "Until 31 December 2026, when the campaign period ends."),
    }


@each("separate_account", "case")
def test_with_this_filing_date_a_separate_account_has_this_deadline(row):
    given = {"election.candidate": "yes", "election.separate": "no", **row["given"]}
    (deadline,) = advised(given).deadlines
    assert deadline.rule.id == "12"
    assert (str(deadline.due) if deadline.due else None, deadline.text) == (row.get("due"), row["says"])


@each("stage", "stage")
def test_at_this_stage_contact_and_deadline_are_these(row):
    given = {"account.stage": row["stage"], "resources.email": "yes", "political.promotes": "yes"}
    advisory = advised(given)
    assert outcome_of("15", advisory) == ("action", row["contact"])
    assert [(d.rule.id, d.due, d.text) for d in advisory.deadlines] == [("15", None, row["says"])]


@each("accepted", "stage")
def test_at_any_stage_contact_about_what_was_accepted_is_due_now(row):
    advisory = advised({"account.stage": row["stage"], "gifts.lobbyist": "yes"})
    assert outcome_of("21a", advisory) == ("improvement", row["contact"])
    assert [(d.rule.id, d.due, d.text) for d in advisory.deadlines] == [("21a", None, row["says"])]


@each("nomination_days", "election", "voting_day", "filing")
def test_a_filing_date_outside_the_nomination_days_is_questioned_and_still_counts(row):
    given = {"election.candidate": "yes", "election.nomination_date": row["filing"]}
    advisory = advised(given, on=election_of(row))
    asked_again = ["election.nomination_date"] if row["questioned"] == "yes" else []
    assert [question for question, _ in advisory.questioned] == asked_again
    assert advisory.answers["election.nomination_date"] == date.fromisoformat(row["filing"])


@each("note", "characters")
def test_a_note_of_this_many_characters_is_or_is_not_accepted(row):
    note = "é" * int(row["characters"])
    assert accepted(document(notes={"resources.email": note})) == row["accepted"]


@each("account", "characters")
@pytest.mark.parametrize("key", ["platform", "handle", "member"])
def test_a_name_of_this_many_characters_is_or_is_not_accepted(row, key):
    assert accepted(document(account={key: "é" * int(row["characters"])})) == row["accepted"]


@each("document", "bytes")
def test_a_document_of_this_many_bytes_is_or_is_not_accepted(row):
    raw = document()
    assert accepted(raw + b" " * (int(row["bytes"]) - len(raw))) == row["accepted"]
