"""When a question is asked (tests/cases/asking.yaml)."""

import pytest

from bulletin.encoding.conditions import Always
from tests.tables import asking, edition, rows_of_asking

ROWS = rows_of_asking()
STATES = ("asked", "pending", "not_asked")


@pytest.mark.parametrize("row", ROWS, ids=[row["case"] for row in ROWS])
def test_in_this_case_these_questions_are_asked_pending_or_not_asked(row):
    states = asking(row)
    wanted = {question: state for state in STATES for question in row.get(state, ())}
    assert wanted
    assert {question: states[question] for question in wanted} == wanted


def test_the_table_shows_every_question_asked_and_those_with_a_condition_pending_and_not_asked_too():
    shown = {(question, state) for row in ROWS for state in STATES for question in row.get(state, ())}
    assert shown == {
        (question.id, state)
        for question in edition().questions
        for state in (("asked",) if isinstance(question.asked, Always) else STATES)
    }
