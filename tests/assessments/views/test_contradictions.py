"""Answers that cannot all be right: pointed out beside their questions and before attesting, and no obstacle."""

import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.test import Client

from assessments.models import Assessment, Attestation
from tests.cast import answered, seen

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 7, 1, 12, tzinfo=ZoneInfo("America/Toronto"))
CONVERTING = {
    "election.use": "planned",
    "election.supported": "yes",
    "election.website": "yes",
    "resources.website": "yes",
}
"""The City's site still lists the account, and the step that removes it is said to be done."""
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def today() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def draft(cast) -> Assessment:
    return answered(cast.account, cast.member, CONVERTING)


@pytest.fixture
def client(cast) -> Client:
    client: Client = cast.client("member")
    return client


def told(response: Any, question: str) -> str:
    """What a page says between a question's hint and its answers."""
    html = " ".join(response.content.decode().split())
    match = re.search(rf'<div id="q-{question}-told".*?(?=<div class="options|<label|<div id="q-|$)', html)
    assert match
    return match[0]


def section(draft: Assessment, name: str) -> str:
    return f"/assessments/{draft.pk}/section/{name}?ready"


@pytest.mark.parametrize(("here", "elsewhere"), [("election", "resources"), ("resources", "election")])
def test_each_question_has_a_note_with_a_link_to_the_other_across_sections(client, draft, here, elsewhere):
    response, other = client.get(section(draft, here)), f"{elsewhere}-website"
    note = told(response, f"{here}-website")
    assert 'role="note"' in note
    assert "shows the account" in note
    assert f'href="{section(draft, elsewhere)}#q-{other}"' in note
    assert f'id="q-{other}"' in client.get(section(draft, elsewhere)).content.decode()
    # It is no error.
    page = response.content.decode()
    assert "error-summary" not in page
    assert "is-wrong" not in page
    assert "Please correct" not in page


def test_an_autosave_brings_the_note_and_says_so_and_takes_it_away_again(cast, client, draft):
    address = section(draft, "election")
    page = client.get(address).content.decode()

    def sent(value: str, html: str) -> dict[str, str]:
        match = re.search(r'name="seen.election.website"\s+value="([^"]*)"', html)
        assert match
        return {"election.website": value, "seen.election.website": match[1]}

    mended = client.post(address, sent("no", page), headers=HTMX)
    assert 'role="note"' not in told(mended, "election-website")
    assert "Check these answers again" not in mended.content.decode()
    again = client.post(address, sent("yes", mended.content.decode()), headers=HTMX)
    assert 'role="note"' in told(again, "election-website")
    assert 'Check these answers again: <a href="#q-election-website">' in again.content.decode()


def test_a_filing_date_outside_the_nomination_days_is_questioned_at_its_field(cast, client):
    filed = {"election.candidate": "yes", "election.nomination_date": "2027-04-01"}
    draft = answered(cast.account, cast.member, filed)
    note = told(client.get(section(draft, "election")), "election-nomination-date")
    assert "1 April 2027" in note
    assert "from 1 May 2026 to 21 August 2026" in note
    assert "Compare with" not in note
    # The date may be right, and the election wrong.
    for page in ("attest", "answers"):
        html = client.get(f"/assessments/{draft.pk}/{page}").content.decode()
        listed = html.partition('<section id="contradictions">')[2].partition("</section>")[0]
        assert f'<a href="/assessments/{draft.pk}/details">the election or its dates</a>' in listed


@pytest.mark.parametrize("page", ["attest", "answers"])
def test_the_pages_before_attesting_list_them_with_links_to_every_answer(client, draft, page):
    html = client.get(f"/assessments/{draft.pk}/{page}").content.decode()
    listed = html.partition('<section id="contradictions">')[2].partition("</section>")[0]
    for name, question in (("election", "election-website"), ("resources", "resources-website")):
        assert f'href="{section(draft, name)}#q-{question}"' in listed
    assert "Answers to check again" in html
    assert "the election or its dates" not in listed


def test_they_block_nothing_and_an_attested_self_check_asks_for_no_change(client, draft):
    sent = {"stand": "yes", "seen": seen(draft)}
    assert client.post(f"/assessments/{draft.pk}/attest", sent).status_code == 302
    assert Attestation.objects.filter(assessment=draft).exists()
    assert "Answers to check again" not in client.get(f"/assessments/{draft.pk}/answers").content.decode()


def test_answers_that_fit_together_have_no_note(cast, client):
    draft = answered(cast.account, cast.member)
    for name in ("election", "resources"):
        assert 'role="note"' not in client.get(section(draft, name)).content.decode()
    assert "Answers to check again" not in client.get(f"/assessments/{draft.pk}/attest").content.decode()
