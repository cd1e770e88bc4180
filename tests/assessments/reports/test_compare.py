"""What changed between two assessments of an account, across revisions of the bulletin's questions."""

from datetime import date

import pytest

from assessments.models import Assessment
from assessments.records.state import assessment_state
from assessments.reports.compare import compare
from assessments.services.answering import Change, save_answers
from assessments.services.carrying import move_draft
from assessments.services.drafts import start_assessment
from bulletin import shelf
from bulletin.encoding.digest import canonical
from bulletin.encoding.schema import CarryStep, Edition
from tests.tables import EDITION, edition

pytestmark = pytest.mark.django_db
DAY = date(2026, 7, 1)
ANSWERS = {"resources.email": "yes", "resources.people": "no", "election.use": "none"}


@pytest.fixture
def states(cast, first):
    """A draft on revision 1, and another with the same answers that was moved to revision 2."""
    drafts = [start_assessment(account=cast.account, by=cast.member) for _ in range(2)]
    for draft in drafts:
        Assessment.objects.filter(pk=draft.pk).update(edition=first)
        draft.refresh_from_db()
        changes = [Change(question, value, "") for question, value in ANSWERS.items()]
        save_answers(draft=draft, changes=changes, by=cast.member)
    related = Assessment.objects.select_related("edition", "account__office__member")
    move_draft(draft=related.get(pk=drafts[1].pk), by=cast.member)
    return [assessment_state(related.get(pk=draft.pk), as_of=DAY) for draft in drafts]


def test_a_question_with_other_words_is_named_though_its_answer_stayed(states):
    by_title = {difference.title: difference for difference in compare(*states).answers}
    people = by_title[edition().question["resources.people"].short]
    assert (people.reworded, people.is_same, people.after) == (True, True, "No")
    use = by_title[edition().question["election.use"].short]
    assert (use.reworded, use.is_same) == (True, False)
    # Revision 2 has other words for every question.
    assert all(difference.reworded for difference in by_title.values())


def test_the_page_says_that_the_question_changed_and_the_answer_did_not(cast, states):
    earlier, later = (state.self_check.pk for state in states)
    page = cast.client("member").get(f"/assessments/{later}/compare?with={earlier}").content.decode()
    assert "The question’s wording changed. Your answer is the same." in page


def test_two_drafts_on_one_revision_name_no_question_as_changed(states):
    assert not any(difference.reworded for difference in compare(states[1], states[1]).answers)


def renamed(name: str, later: str) -> Edition:
    """The edition on file, in which a question of revision 1 has another id."""
    step = {"revision": 1, "questions": {name: {"renamed": later}}}
    content = canonical(edition()).replace(f'"{name}"', f'"{later}"').replace(f"{name} is", f"{later} is")
    return Edition.model_validate_json(content).model_copy(
        update={"carries": (CarryStep.model_validate(step),), "earlier": edition().earlier}
    )


def test_a_question_that_only_an_earlier_revision_has_goes_by_what_became_of_it(monkeypatch):
    newest = renamed("resources.email", "resources.address")
    monkeypatch.setattr(shelf, "editions", lambda: {EDITION: newest})
    assert shelf.questions()["resources.email"][1] == newest.question["resources.address"]
    assert shelf.questions()["resources.people"] == (newest, newest.question["resources.people"])
