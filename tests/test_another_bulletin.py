"""Another bulletin on file or published, before Toronto's or after it, changes nothing for Toronto's people."""

import html
import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from assessments.samples import TITLES, sample
from bulletin import shelf
from bulletin.publish import publish_edition
from tests.bulletin.other_editions import ANOTHER, another_bulletin
from tests.tables import EDITION, edition

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]

TORONTO = edition()
IDS = ("aa-toronto", "zz-toronto", "aa-minimal", "zz-minimal")


@pytest.fixture(params=itertools.product(IDS, ("before", "after")), ids="-".join, autouse=True)
def other(request: pytest.FixtureRequest, db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Another bulletin, on file beside Toronto's, and published before or after it."""
    name, published = request.param
    other = another_bulletin(name)
    on_file = dict(sorted({EDITION: TORONTO, name: other}.items()))
    monkeypatch.setattr(shelf, "load_editions", lambda _: dict(on_file))
    shelf.editions.cache_clear()
    for each in (other, TORONTO) if published == "before" else (TORONTO, other):
        publish_edition(edition=each)
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

    def printing(of: Any) -> bytes:
        printed.append(of)
        return b"%PDF"

    monkeypatch.setattr("assessments.views.public.questionnaire_pdf", printing)
    assert client.get("/questionnaire.pdf").status_code == 200
    assert printed == [TORONTO]
