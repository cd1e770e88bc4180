"""What a section's form reads of what people type: amounts, days and choices."""

from datetime import date
from typing import Any
from urllib.parse import urlencode

import pytest
from django.http import QueryDict

from assessments.forms.section import SectionForm, Slot
from assessments.models import AnonymousCheck
from assessments.records.state import AssessmentState
from tests.tables import BASE, answers_of, edition, election


def posted(question: str, typed: str) -> tuple[Any, Slot]:
    """What a form reads where someone types into a question, and the question with what is wrong with that."""
    state = AssessmentState(
        self_check=AnonymousCheck(),
        about={},
        edition=edition(),
        election=election(BASE["election"]),
        as_of=date.fromisoformat(BASE["as_of"]),
        rows={},
        answers=answers_of({"gifts.unpaid": "yes", "election.candidate": "yes"}),
    )
    data = QueryDict(urlencode({question: typed, f"seen.{question}": "0.x"}))
    form = SectionForm(state, state.questions_of(edition().question[question].section), data)
    assert form.is_valid() is not bool(form.problems)
    changes = [change.value for change in form.changes]
    return (changes or [None])[0], form.slots[question]


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("$1,250.5", "1250.50"),
        ("500 CAD", "500.00"),
        ("CA$ 500", "500.00"),
        ("620 dollars", "620.00"),
        ("1 dollar", "1.00"),
        ("620$", "620.00"),
        ("CAD 620", "620.00"),
        ("1 000 000 $", "1000000.00"),
        ("1,25", "1.25"),
        ("1 250,00", "1250.00"),
        ("\ufeff620.00\u200b", "620.00"),
        ("0", "0.00"),
    ],
)
def test_an_amount_is_read_as_people_write_it(typed, read):
    value, slot = posted("gifts.value", typed)
    assert (value, slot.error) == (read, "")


NO_NUMBERS = ["$", "CAD", "CA$", "dollars", "500 USD", "1e3", "1e9", "lots", "<b>", "٣", "environ 620 $"]
OUTSIDE = ["-1", "-50", "1,000,001", "9" * 10_000]


@pytest.mark.parametrize("typed", [*NO_NUMBERS, *OUTSIDE])
def test_an_amount_that_is_none_is_named_and_stays_as_typed(typed):
    value, slot = posted("gifts.value", typed)
    quoted = typed if len(typed) <= 40 else typed[:40] + "…"
    assert f"you entered “{quoted}”. Enter an amount from 0 to 1,000,000 dollars" in slot.error
    assert (value, slot.text) == (None, typed)


@pytest.mark.parametrize("typed", ["0,500", "300 250", "1,000 00", "$5 00"])
def test_an_amount_that_may_be_another_is_asked_again_and_stays_as_typed(typed):
    value, slot = posted("gifts.value", typed)
    assert f"“{typed}” could mean more than one amount. Enter it like 1250 or 1250.00." in slot.error
    assert (value, slot.text) == (None, typed)


@pytest.mark.parametrize("typed", ["14 août 2026", "2026/8/14", "14/08/2026", "August 14, 2026"])
def test_a_date_is_read_as_people_write_it(typed):
    assert posted("election.nomination_date", typed)[0] == "2026-08-14"


def test_a_date_that_may_be_two_is_asked_again_and_stays_as_typed():
    value, slot = posted("election.nomination_date", "08/12/2026")
    assert "“08/12/2026” could mean two dates. Enter 2026-08-12 or 2026-12-08." in slot.error
    assert (value, slot.text) == (None, "08/12/2026")


@pytest.mark.parametrize("typed", ["0202-08-21", "1926-08-21", "1989-12-31", "2100-01-01", "2206-08-21"])
def test_a_date_of_no_likely_year_is_refused(typed):
    value, slot = posted("election.nomination_date", typed)
    assert f"{typed} is not a likely date. Enter the date as year-month-day" in slot.error
    assert (value, slot.text) == (None, typed)


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("incomplete", "you entered “incomplete”. Enter the date as year-month-day"),
        ("31 juin 2026", "There is no such day as “31 juin 2026”"),
        ("14 août", "“14 août” has no year"),
    ],
)
def test_a_date_that_is_none_is_refused_for_its_own_reason(typed, reason):
    value, slot = posted("election.nomination_date", typed)
    assert reason in slot.error
    assert (value, slot.text) == (None, typed)


@pytest.mark.parametrize("typed", ["1990-01-01", "2099-12-31"])
def test_a_date_of_a_likely_year_is_read(typed):
    assert posted("election.nomination_date", typed)[0] == typed


def test_a_choice_that_is_none_is_refused_with_words():
    value, slot = posted("resources.email", "perhaps")
    assert "choose one of the answers shown" in slot.error
    assert value is None
