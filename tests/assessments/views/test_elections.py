"""Choosing an election and its dates: for an anonymous check, a self-check that starts, and an office's draft."""

import json
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from assessments.models import AnonymousCheck, Assessment, Attestation, AuditEvent
from assessments.models.audit import Action
from assessments.models.elections import BY_ELECTION
from assessments.records.state import answers_document, assessment_state
from assessments.samples import sample
from assessments.scoring.document import Document, read_document
from assessments.services import attesting
from assessments.services.drafts import change_election, keep_check, start_check
from assessments.views.workspace import COOKIE
from bulletin.shelf import calendar, current, editions
from tests.cast import answered, client_of, seen

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

NOW = datetime(2027, 3, 1, 12, tzinfo=ZoneInfo("America/Toronto"))
VOTING, ENDS = date(2027, 5, 10), date(2027, 9, 30)
DATES: dict[str, Any] = {"election": BY_ELECTION, "voting_day": VOTING, "campaign_ends": ENDS}
SENT = {"election": BY_ELECTION, "voting_day": "2027-05-10", "campaign_ends": "2027-09-30"}
DETAILS = "/check/details"


@pytest.fixture(autouse=True)
def today() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


def dates(draft: AnonymousCheck | Assessment) -> dict[str, Any]:
    draft.refresh_from_db()
    return {name: getattr(draft, name) for name in DATES}


def with_check(**document: Any) -> tuple[Client, AnonymousCheck]:
    """A browser with an anonymous check."""
    check, token = start_check(**document)
    client = Client()
    client.cookies[COOKIE] = token
    return client, check


def page(response: Any) -> str:
    return " ".join(response.content.decode().split())


@pytest.fixture(params=["check", "draft", "start"])
def form(request, cast) -> tuple[Client, str]:
    """A browser, and an address that takes an election and its dates."""
    if request.param == "check":
        return with_check()[0], DETAILS
    client = cast.client("staff")
    if request.param == "start":
        return client, f"/office/accounts/{cast.account_pk}/assess"
    return client, f"/assessments/{cast.draft_pk}/details"


# --- The database ---------------------------------------------------------------


def test_the_calendars_only_election_without_dates_is_the_one_that_the_constraint_names():
    assert [election.id for election in calendar().elections if election.undated] == [BY_ELECTION]


@pytest.mark.parametrize("model", [AnonymousCheck, Assessment])
def test_the_database_keeps_a_voting_day_with_a_by_election_alone(cast, model):
    with_check()
    with pytest.raises(IntegrityError, match="voting_day"), transaction.atomic():
        model.objects.update(voting_day=VOTING)
    assert model.objects.update(**DATES)
    assert model.objects.update(election="toronto-2026", voting_day=None)


# --- Where they go --------------------------------------------------------------


def test_a_check_that_is_kept_in_an_office_keeps_its_dates(cast):
    _, check = with_check()
    AnonymousCheck.objects.update(**DATES)
    check.refresh_from_db()
    assert dates(keep_check(check=check, account=cast.account, by=cast.staff)) == DATES


def test_a_check_from_a_document_has_its_dates(published):
    election = calendar().get(BY_ELECTION)
    assert election
    document = Document(
        current(),
        {},
        election=election.with_dates(voting_day=VOTING, campaign_ends=ENDS),
        voting_day=VOTING,
        campaign_ends=ENDS,
    )
    assert dates(start_check(document=document)[0]) == DATES


def test_the_answers_file_has_the_dates_that_were_given_and_no_others(cast):
    client, _ = with_check()
    usual = json.loads(client.get("/check/answers.json").content)
    assert usual["election"] == "toronto-2030"
    assert not {"voting_day", "campaign_ends"} & usual.keys()
    AnonymousCheck.objects.update(**DATES)
    assert SENT.items() <= json.loads(client.get("/check/answers.json").content).items()
    AnonymousCheck.objects.update(campaign_ends=None)
    given = json.loads(client.get("/check/answers.json").content)
    assert (given["voting_day"], "campaign_ends" in given) == ("2027-05-10", False)


@pytest.mark.parametrize("name", ["voting_day", "campaign_ends"])
def test_each_date_changes_the_state_that_a_page_was_made_from(cast, name):
    Assessment.objects.update(election=BY_ELECTION)
    before = seen(cast.draft)
    Assessment.objects.update(**{name: DATES[name]})
    assert seen(cast.draft) != before


def test_a_date_that_changes_after_the_page_was_opened_refuses_to_attest(cast):
    draft = answered(cast.account, cast.member)
    looked = seen(draft)
    change_election(assessment=draft, **DATES, by=cast.staff)
    with pytest.raises(attesting.Changed):
        attesting.attest(assessment=draft, by=cast.member, seen=looked)


def test_the_record_has_the_dates_and_its_row_keeps_them(cast):
    draft = answered(cast.account, cast.member, {"election.use": "none", "election.candidate": "no"})
    Assessment.objects.filter(pk=draft.pk).update(**DATES)
    attestation = attesting.attest(assessment=draft, by=cast.member, seen=seen(draft))
    election = json.loads(attestation.record)["election"]
    assert (election["voting_day"], election["campaign_ends"]) == ("2027-05-10", "2027-09-30")
    assert election["given"] is True
    for name in ("voting_day", "campaign_ends"):
        with pytest.raises(IntegrityError, match="never changed"), transaction.atomic():
            Assessment.objects.filter(pk=draft.pk).update(**{name: None})
    fresh = Attestation.objects.select_related("assessment__edition").get().assessment
    state = assessment_state(fresh, as_of=timezone.localdate())
    assert (state.election.voting_day, state.election.campaign_ends) == (VOTING, ENDS)
    assert json.loads(answers_document(state))["campaign_ends"] == "2027-09-30"


# --- The forms ------------------------------------------------------------------


def test_both_dates_are_there_without_a_script_and_with_their_hints(form):
    client, address = form
    text = page(client.get(address.removesuffix("/assess")))
    for name in ("voting_day", "campaign_ends"):
        assert f'name="{name}"' in text
        assert f'aria-describedby="id_{name}_helptext"' in text
    assert "Leave it blank if the day is not set yet." in text
    assert "City by-election" in text


def test_a_by_election_is_saved_with_its_dates(form):
    client, address = form
    response = client.post(address, SENT)
    assert response.status_code == 302
    saved = AnonymousCheck.objects.first() or Assessment.objects.order_by("pk").last()
    assert saved
    assert dates(saved) == DATES
    # The page shows what was saved.
    home = "/check/" if address == DETAILS else f"/assessments/{saved.pk}/"
    assert response.headers["Location"] in (home, f"{home}next")
    assert "City by-election on 10 May 2027; campaign period to 30 September 2027" in page(client.get(home))
    text = page(client.get(f"{home}details"))
    assert 'value="2027-05-10"' in text
    assert 'value="2027-09-30"' in text


def test_a_by_election_without_dates_is_saved_and_no_date_is_printed(form):
    client, address = form
    response = client.post(address, {"election": BY_ELECTION, "voting_day": "", "campaign_ends": " "})
    assert response.status_code == 302
    # A self-check that starts leads to its first question.
    home = response.headers["Location"].removesuffix("next")
    assert "campaign period to" not in page(client.get(home))
    assert "campaign period to" not in page(client.get(f"{home}advisory"))


def test_an_election_of_the_calendar_takes_another_end_of_its_period(form):
    client, address = form
    response = client.post(address, {"election": "toronto-2026", "campaign_ends": "2027-06-30"})
    assert response.status_code == 302
    text = page(client.get(f"{response.headers['Location'].removesuffix('next')}advisory"))
    assert "campaign period to 30 June 2027" in text
    assert "You entered 30 June 2027 as the end of the campaign period" in text
    assert "Confirm it with the City Clerk." in text


@pytest.mark.parametrize(
    ("sent", "field", "message"),
    [
        (SENT | {"election": "toronto-2026"}, "voting_day", "Clear this day, or choose “City by-election”."),
        (SENT | {"voting_day": "10 May"}, "voting_day", "“10 May” has no year. Add the year, such as 2026."),
        (SENT | {"voting_day": "2027-02-30"}, "voting_day", "Enter the date as year-month-day"),
        (SENT | {"voting_day": "9999-12-31"}, "voting_day", "Enter the date as year-month-day"),
        (SENT | {"campaign_ends": "0001-01-01"}, "campaign_ends", "Enter the date as year-month-day"),
        (SENT | {"campaign_ends": "never"}, "campaign_ends", "Enter the date as year-month-day"),
        (SENT | {"election": "toronto-1793"}, "election", "Choose one of the elections in the list."),
    ],
)
def test_a_fault_is_named_at_its_field_and_nothing_typed_is_lost(form, sent, field, message):
    client, address = form
    before = list(AnonymousCheck.objects.values()), list(Assessment.objects.values())
    response = client.post(address, sent | {"handle": "@typed"})
    assert response.status_code == 200
    text = page(response)
    assert "<title>Please correct: " in text
    assert f'<a href="#id_{field}">' in text
    assert text.count(message) == 2, "once in the summary, and once at the field"
    for name in ("voting_day", "campaign_ends"):
        typed = sent[name].replace("\x00", "\ufffd")
        assert f'name="{name}" value="{typed}"' in text or sent[name] == "\x00"
    assert (address != DETAILS) or "@typed" in text
    assert (list(AnonymousCheck.objects.values()), list(Assessment.objects.values())) == before


def test_a_voting_day_with_the_default_election_is_refused_too(cast):
    address = f"/office/accounts/{cast.account_pk}/assess"
    response = cast.client("staff").post(address, {"voting_day": "2027-05-10"})
    assert response.status_code == 200
    assert "has its voting day already" in page(response)


def test_starting_twice_with_the_same_dates_starts_one_draft_and_with_other_dates_two(cast):
    client, address = cast.client("staff"), f"/office/accounts/{cast.account_pk}/assess"
    first, second = (client.post(address, SENT).headers["Location"] for _ in range(2))
    other = client.post(address, SENT | {"voting_day": "2027-05-17"}).headers["Location"]
    assert first == second != other


# --- An office's draft ----------------------------------------------------------


def test_a_change_is_in_the_trail_once_and_keeps_every_answer(cast):
    draft = answered(cast.account, cast.member)
    before = list(draft.answers.order_by("question").values_list("question", "value", "note"))
    address = f"/assessments/{draft.pk}/details"
    client = cast.client("staff")
    assert [client.post(address, SENT).status_code for _ in range(2)] == [302, 302]
    event = AuditEvent.objects.filter(action=Action.ELECTION_CHANGED).get()
    assert (event.actor, event.record_type, event.record_id) == (cast.staff, "assessment", draft.pk)
    assert list(draft.answers.order_by("question").values_list("question", "value", "note")) == before
    assert "changed the election of a self-check" in page(client.get(f"/office/{cast.office_pk}/trail"))


@pytest.mark.parametrize("who", ["stranger", "other_staff", "former_staff", "officer", "administrator"])
def test_nobody_outside_the_office_learns_of_the_page_or_changes_anything(cast, who):
    address = f"/assessments/{cast.draft_pk}/details"
    client = cast.client(who)
    assert client.get(address).status_code == client.post(address, SENT).status_code == 404
    assert cast.draft.election != BY_ELECTION


def test_without_the_forms_token_nothing_is_saved_and_the_dates_are_given_back(cast):
    client = client_of(cast.staff, enforce_csrf_checks=True)
    response = client.post(f"/assessments/{cast.draft_pk}/details", SENT)
    assert response.status_code == 403
    assert "2027-09-30" in page(response)
    assert cast.draft.election != BY_ELECTION


def test_an_attested_self_check_keeps_its_election(cast, attestation):
    address = f"/assessments/{attestation.assessment_id}/details"
    client = cast.client("member")
    assert client.get(address).status_code == 302
    response = client.post(address, SENT)
    assert response.status_code == 409
    assert "can no longer be changed" in page(response)
    assert dates(attestation.assessment)["election"] != BY_ELECTION
    assert "Change the election" not in page(client.get(f"/assessments/{attestation.assessment_id}/"))


def test_after_a_term_a_drafts_election_stays(cast):
    office = cast.office
    office.ends_on = timezone.localdate()
    office.save()
    client, address = cast.client("member"), f"/assessments/{cast.draft_pk}/details"
    assert client.get(address).status_code == 302
    assert client.post(address, SENT).status_code == 409
    assert cast.draft.election != BY_ELECTION


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01"])
def test_an_answers_file_with_an_unlikely_day_comes_back_without_an_error(published, day):
    document = {"edition": current().id, "election": BY_ELECTION, "voting_day": day, "answers": {}}
    client = Client()
    assert client.post("/check/bring-back", {"answers": json.dumps(document)}).status_code == 302
    for name in ("", "details", "advisory"):
        assert client.get(f"/check/{name}").status_code == 200


def test_a_sample_has_no_dates_of_its_own(published):
    document = read_document(sample("conversion"), editions(), calendar())
    assert dates(start_check(document=document)[0])["campaign_ends"] is None
