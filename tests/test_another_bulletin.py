"""Another bulletin on file or published, before Toronto's or after it, changes nothing for Toronto's people."""

import html
import io
import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from assessments.forms.desk import DeskFilter
from assessments.management.commands.advise import Command
from assessments.models import AnonymousCheck, Assessment, DeskEntry, SocialAccount
from assessments.reports.titles import contact_titles, overall_titles
from assessments.samples import TITLES, sample
from assessments.scoring.document import DocumentFaults, read_document
from assessments.services.drafts import start_assessment
from assessments.services.insights import insights_of
from assessments.services.register import assess_account
from bulletin import shelf
from bulletin.publish import publish_edition
from tests.bulletin.other_editions import ANOTHER, another_bulletin
from tests.cast import account_of, attested, office_of, person, shared
from tests.tables import EDITION, edition

pytestmark = pytest.mark.django_db

TORONTO = edition()
NOW = datetime(2026, 7, 1, 15, 0, tzinfo=UTC)
IDS = ("aa-toronto", "zz-toronto", "aa-minimal", "zz-minimal")


@pytest.fixture(params=itertools.product(IDS, ("before", "after")), ids="-".join, autouse=True)
def other(
    request: pytest.FixtureRequest, db: None, monkeypatch: pytest.MonkeyPatch, time_machine: Any
) -> Iterator[None]:
    """Another bulletin, on file beside Toronto's, and published before or after it."""
    time_machine.move_to(NOW, tick=False)
    name, published = request.param
    other = another_bulletin(name)
    on_file = dict(sorted({EDITION: TORONTO, name: other}.items()))
    monkeypatch.setattr(shelf, "load_editions", lambda _: dict(on_file))
    shelf.editions.cache_clear()
    for each in (other, TORONTO) if published == "before" else (TORONTO, other):
        publish_edition(edition=each)
        time_machine.shift(timedelta(minutes=1))
    yield
    shelf.editions.cache_clear()


def page(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return html.unescape(answer.content.decode())


# --- The public pages -------------------------------------------------------------


def test_both_are_on_file_and_torontos_is_the_current_one():
    assert len(shelf.editions()) == 2
    assert next(iter(shelf.editions())) == EDITION
    assert shelf.current() is TORONTO


@pytest.mark.parametrize("address", ["/", "/help", "/privacy", "/accessibility"])
def test_pages_of_words_are_torontos(client, address):
    text = page(client, address)
    assert ANOTHER not in text
    if address in ("/help", "/accessibility"):
        assert TORONTO.sheet.contact.office in text
    if address in ("/", "/help"):
        assert "print the blank questionnaire" in text


@pytest.mark.parametrize("name", TITLES)
def test_examples_are_torontos(client, name):
    assert json.loads(sample(name))["edition"] == EDITION
    text = page(client, f"/examples/{name}")
    assert ANOTHER not in text
    assert EDITION in text


def test_the_blank_questionnaire_is_torontos(client, monkeypatch):
    printed: list[Any] = []

    def printing(of: Any, _: Any) -> bytes:
        printed.append(of)
        return b"%PDF"

    monkeypatch.setattr("assessments.views.public.questionnaire_pdf", printing)
    assert client.get("/questionnaire.pdf").status_code == 200
    assert printed == [TORONTO]


# --- Self-checks ------------------------------------------------------------------


@pytest.fixture
def account() -> SocialAccount:
    return account_of(office_of(person("member")))


def test_a_check_begins_with_torontos(client):
    client.post("/check/start")
    assert AnonymousCheck.objects.get().edition.edition_id == EDITION
    assert ANOTHER not in page(client, "/check/section/resources")


def test_a_check_that_ended_is_begun_again_with_torontos(client):
    sent = {"resources.email": "yes", "seen.resources.email": "0.x"}
    kept = client.post("/check/section/resources", sent)
    assert kept.status_code == 409
    assert TORONTO.question["resources.email"].short in html.unescape(kept.content.decode())
    assert ANOTHER not in kept.content.decode()
    assert client.post("/check/restart?to=/check/section/resources", sent).status_code == 302
    assert AnonymousCheck.objects.get().edition.edition_id == EDITION


def test_a_section_that_torontos_does_not_have_begins_nothing(client, monkeypatch):
    shelf_of_both = shelf.editions()
    only_other = another_bulletin("zz-minimal").model_copy(
        update={"questions": tuple(q.model_copy(update={"id": "own.stage"}) for q in TORONTO.questions[:1])}
    )
    monkeypatch.setattr("bulletin.shelf.load_editions", lambda _: dict(shelf_of_both) | {"zz": only_other})
    shelf.editions.cache_clear()
    answer = client.post("/check/restart?to=/check/section/own", {"own.stage": "live"})
    assert answer.status_code == 409
    assert 'name="own.stage" value="live"' in answer.content.decode()
    assert not AnonymousCheck.objects.exists()


def test_the_examples_stay_when_another_bulletin_is_the_current_one(client, monkeypatch):
    another = next(name for name in shelf.editions() if name != EDITION)
    monkeypatch.setattr(shelf, "CURRENT", another)
    shelf.editions.cache_clear()
    assert client.get("/").status_code == client.get("/examples/conversion").status_code == 200


def test_a_draft_begins_with_torontos_and_is_found_again(account):
    draft = assess_account(account=account, by=account.office.member)
    assert draft.edition.edition_id == EDITION
    assert assess_account(account=account, by=account.office.member) == draft
    assert start_assessment(account=account, by=account.office.member).edition == draft.edition


def test_the_demonstration_is_torontos(settings):
    settings.DEBUG = True
    call_command("demo_data", stdout=io.StringIO())
    assert set(Assessment.objects.values_list("edition__edition_id", flat=True)) == {EDITION}


def test_advise_gives_torontos_advisory(monkeypatch):
    raw = sample("conversion")
    out = io.BytesIO()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(raw)))
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(out, write_through=True))
    Command().run_from_argv(["manage.py", "advise", "-"])
    assert json.loads(out.getvalue())["edition"] == EDITION
    assert ANOTHER not in out.getvalue().decode()


def test_a_document_that_names_no_edition_is_told_of_torontos_first():
    with pytest.raises(DocumentFaults) as raised:
        read_document(b'{"answers": {}}', shelf.editions(), shelf.calendar())
    assert raised.value.faults[0].startswith(f"edition: the document names no edition; there is {EDITION}, ")


# --- Labels -----------------------------------------------------------------------


def test_the_desks_labels_are_torontos_and_its_paragraphs_come_first():
    assert overall_titles()["action_required"] == TORONTO.sheet.words.overall["action_required"].title
    assert contact_titles()["now"] == TORONTO.sheet.words.contact["now"].title
    assert not any(ANOTHER in title for title in (*overall_titles().values(), *contact_titles().values()))
    offered = DeskFilter.base_filters["paragraph"].extra["choices"]()
    cited = list(dict.fromkeys(p for rule in TORONTO.rules for p in rule.paragraphs))
    assert [paragraph for paragraph, _ in offered][: len(cited)] == cited


def test_what_people_are_not_sure_of_is_counted_in_torontos_words(account):
    attestation = attested(account, {"account.stage": "live", "resources.email": "unsure"})
    shared(attestation, questions={"resources.email"})
    found = insights_of(
        DeskEntry.objects.all(), since=None, until=None, tells_withdrawn=True, overall={}, contact={}
    )
    labels = [row.label for table in found.tables for row in table.rows]
    assert any(label.startswith(TORONTO.question["resources.email"].short) for label in labels)
    assert not any(ANOTHER in label for label in labels)
