"""A draft on an earlier revision says that there is a newer one, and moves to it when its owner says so."""

import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from assessments.models import AnonymousCheck, Assessment, AuditEvent
from assessments.models.audit import Action
from assessments.services.answering import Change, save_answers
from assessments.services.drafts import start_check
from assessments.views.workspace import COOKIE
from tests.cast import attested, client_of
from tests.tables import edition

pytestmark = pytest.mark.django_db

NEWER = "There is a newer revision of the questions."
BUTTON = f"Move to revision {edition().sheet.revision}"
LEFT = edition().question["election.use"].short
ANSWERS = {"election.use": "none", "resources.email": "yes", "resources.people": "no"}
"""Of these, `none` says less than its choice does in the newer revision."""


@pytest.fixture
def draft(cast, first) -> Assessment:
    Assessment.objects.filter(pk=cast.draft_pk).update(edition=first)
    draft: Assessment = cast.draft
    save_answers(draft=draft, changes=[Change(q, value, "") for q, value in ANSWERS.items()], by=cast.staff)
    return draft


@pytest.fixture
def check(first) -> tuple[Client, AnonymousCheck]:
    check, token = start_check()
    AnonymousCheck.objects.update(edition=first)
    check.refresh_from_db()
    save_answers(draft=check, changes=[Change(q, value, "") for q, value in ANSWERS.items()], by=None)
    client = Client()
    client.cookies[COOKIE] = token
    return client, check


def page(response: Any) -> str:
    return " ".join(response.content.decode().split())


def home_of(draft: Assessment) -> str:
    return f"/assessments/{draft.pk}/"


# --- The notice -----------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "answers", "advisory", "attest"])
def test_a_draft_on_an_earlier_revision_says_so_with_a_button(cast, draft, name):
    text = page(cast.client("member").get(home_of(draft) + name))
    assert NEWER in text
    assert re.search(rf'<form method="post" action="{home_of(draft)}move">', text)
    assert BUTTON in text


@pytest.mark.parametrize("name", ["section/resources", "details", "review"])
def test_where_people_type_it_links_to_the_button_instead_of_losing_what_they_typed(cast, draft, name):
    text = page(cast.client("staff").get(home_of(draft) + name))
    assert NEWER in text
    assert f'href="{home_of(draft)}#newer"' in text
    assert "move" not in re.findall(r'action="[^"]*/([^"/]*)"', text)


def test_so_does_a_check_in_the_browser(check):
    client, _ = check
    for name in ("", "answers", "advisory"):
        assert '<form method="post" action="/check/move">' in page(client.get(f"/check/{name}"))


def test_a_draft_on_the_newest_revision_an_attested_one_and_an_ended_term_say_nothing(cast, first):
    client = cast.client("member")
    assert NEWER not in page(client.get(f"/assessments/{cast.draft_pk}/"))
    done = attested(cast.account).assessment
    Assessment.objects.filter(pk=cast.draft_pk).update(edition=first)
    assert NEWER not in page(client.get(f"/assessments/{done.pk}/"))
    office = cast.office
    office.ends_on = timezone.localdate()
    office.save()
    assert NEWER not in page(client.get(f"/assessments/{cast.draft_pk}/"))


# --- The move -------------------------------------------------------------------


@pytest.mark.parametrize("who", ["member", "staff"])
def test_a_move_says_how_many_answers_came_along_and_which_did_not_and_why(cast, draft, who):
    client = cast.client(who)
    response = client.post(f"{home_of(draft)}move")
    assert response.status_code == 200
    text = page(response)
    assert f"This self-check now uses revision {edition().sheet.revision} of the questions" in text
    assert "2 answers kept." in text
    assert LEFT in text.partition("Answers that could not be used")[2]
    assert NEWER not in text
    assert cast.draft.edition.revision == edition().sheet.revision
    event = AuditEvent.objects.get(action=Action.MOVED)
    assert (event.actor, event.record_id) == (cast.user(who), draft.pk)
    assert NEWER not in page(client.get(home_of(draft)))
    # Nothing of it is kept in the session.
    assert LEFT not in str(dict(client.session))


def test_a_second_press_leads_to_the_list_of_sections(cast, draft):
    client = cast.client("staff")
    client.post(f"{home_of(draft)}move")
    again = client.post(f"{home_of(draft)}move")
    assert (again.status_code, again.headers["Location"]) == (302, home_of(draft))
    assert AuditEvent.objects.filter(action=Action.MOVED).count() == 1


def test_a_check_in_the_browser_moves_too(check):
    client, moved = check
    text = page(client.post("/check/move"))
    assert "2 answers kept." in text
    assert LEFT in text
    moved.refresh_from_db()
    assert moved.edition.revision == edition().sheet.revision
    assert client.get("/check/section/election?ready").status_code == 200


# --- Who may not ----------------------------------------------------------------


@pytest.mark.parametrize("who", ["stranger", "other_staff", "former_staff", "officer", "administrator"])
def test_nobody_outside_the_office_moves_it(cast, draft, who):
    assert cast.client(who).post(f"{home_of(draft)}move").status_code == 404
    assert cast.draft.edition.revision == 1


def test_without_the_forms_token_it_stays(cast, draft, check):
    assert client_of(cast.member, enforce_csrf_checks=True).post(f"{home_of(draft)}move").status_code == 403
    strict = Client(enforce_csrf_checks=True)
    strict.cookies[COOKIE] = check[0].cookies[COOKIE].value
    assert strict.post("/check/move").status_code == 403
    assert cast.draft.edition.revision == 1
    assert AnonymousCheck.objects.get().edition.revision == 1


def test_by_get_it_stays(cast, draft):
    assert cast.client("member").get(f"{home_of(draft)}move").status_code == 405
    assert cast.draft.edition.revision == 1


def test_after_the_term_it_stays(cast, draft):
    office = cast.office
    office.ends_on = timezone.localdate()
    office.save()
    response = cast.client("member").post(f"{home_of(draft)}move")
    assert response.status_code == 409
    assert "The term of this office has ended" in page(response)
    assert cast.draft.edition.revision == 1
