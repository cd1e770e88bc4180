"""Every rule, case by case (tests/cases/rules.yaml)."""

import pytest

from bulletin.encoding.schema import Contact, Rule
from tests.tables import BASE, advised, advised_row, edition, outcome_of, rows_of_rules

ROWS = list(rows_of_rules())


@pytest.mark.parametrize(("rule", "row"), ROWS, ids=[f"{rule}: {row['case']}" for rule, row in ROWS])
def test_in_this_case_the_rule_has_this_outcome_and_contact(rule, row):
    outcome = outcome_of(rule, advised_row(row))
    assert outcome == (row["outcome"], row.get("contact"))


def test_in_the_base_situation_nothing_is_flagged_and_the_full_policy_is_all_there_is_to_say():
    advisory = advised({})
    assert advisory.overall == "consistent"
    assert advisory.score.consistent == advisory.score.applicable
    assert [f.rule.id for f in advisory.findings if f.outcome == "information"] == ["24"]


def test_the_base_situation_answers_every_question_but_the_optional_one():
    required = [question.id for question in edition().questions if not question.optional]
    assert list(BASE["answers"]) == required


def test_the_table_has_every_rule_in_the_editions_order():
    assert list(dict.fromkeys(rule for rule, _ in ROWS)) == [rule.id for rule in edition().rules]


def test_no_rule_has_two_cases_of_one_name():
    names = [(rule, row["case"]) for rule, row in ROWS]
    assert len(names) == len(set(names))


def test_the_table_shows_every_outcome_of_every_rule():
    shown = {(rule, row["outcome"]) for rule, row in ROWS}
    assert shown == {(rule.id, outcome) for rule in edition().rules for outcome in edition().outcomes(rule)}


def contacts_of(rule: Rule) -> set[Contact]:
    """Every time for contacting the Commissioner that a rule can give."""
    contacts: set[Contact] = set()
    own = rule.contact or "now"
    if rule.may_carry_contact:
        contacts |= {"now"} if own == "now!" else {"now", "before_launch"}
        if own == "before_filing":
            contacts.add("before_filing")
    return contacts


def test_the_table_shows_every_contact_that_every_rule_can_carry():
    shown = {(rule, row["contact"]) for rule, row in ROWS if "contact" in row}
    assert shown == {(rule.id, when) for rule in edition().rules for when in contacts_of(rule)}
