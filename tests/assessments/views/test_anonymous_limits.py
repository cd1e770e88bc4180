"""What people who have not signed in may take of the database, and how more than that is refused."""

import html
import json
import re
import time
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from assessments.models import AnonymousCheck, CheckAnswer
from assessments.services import answering
from tests.tables import EDITION, edition

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("published")]
BACK = "/check/bring-back"
LONG = "ж" * 1_900
"""A note of 3,800 bytes."""


def document(notes: int, text: str = LONG) -> str:
    """An answers file with so many notes."""
    questions = [question.id for question in edition().questions]
    return json.dumps(
        {
            "edition": EDITION,
            "as_of": "2026-07-01",
            "answers": {"resources.email": "yes"},
            "notes": dict.fromkeys(questions[:notes], text),
        },
        ensure_ascii=False,
    )


def brought_back(text: str, client: Client | None = None) -> Any:
    return (client or Client()).post(BACK, {"answers": text})


def words(response: Any) -> str:
    return html.unescape(response.content.decode())


def in_text(response: Any) -> str:
    """The words of a page without its tags."""
    return " ".join(re.sub("<[^>]*>", "", words(response)).split())


NOTE = "note.resources.email"


def save(client: Client, note: str, **headers: str) -> Any:
    """Save a note as the section's page does, which knows the version that it shows."""
    row = CheckAnswer.objects.filter(question="resources.email").first()
    fields = {"resources.email": "yes", NOTE: note, "seen.resources.email": str(row.version if row else 0)}
    return client.post("/check/section/resources", fields, headers=headers)


def test_the_size_of_a_check_is_about_what_the_database_stores_of_it(client):
    client.post("/check/start")
    assert AnonymousCheck.objects.get().size == 500
    save(client, LONG)
    grown = AnonymousCheck.objects.get().size
    assert 4_300 < grown < 4_500
    save(client, "short")
    assert AnonymousCheck.objects.get().size < 700


def test_a_file_that_takes_more_than_one_check_may_is_refused_and_stays_in_the_box(client):
    text = document(30)
    for sent in ({"answers": text}, {"file": SimpleUploadedFile("answers.json", text.encode())}):
        response = client.post(BACK, sent)
        assert "larger than 100 kB" in words(response)
        assert LONG in words(response)
    assert not AnonymousCheck.objects.exists()
    assert brought_back(document(20)).status_code == 302


def test_a_save_that_would_take_more_than_one_check_may_comes_back_and_a_shorter_one_is_saved(client):
    brought_back(document(25), client)
    full = AnonymousCheck.objects.get().size
    rows = sum(1 for _ in CheckAnswer.objects.all())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(answering, "MAX_CHECK_BYTES", full)
        longer = save(client, LONG + "more")
        assert longer.status_code == 409
        assert "100 kB" in words(longer)
        assert LONG + "more" in words(longer)
        fragment = save(client, LONG + "more", **{"HX-Request": "true"})
        assert "larger than 100 kB" in words(fragment)
        assert (AnonymousCheck.objects.get().size, CheckAnswer.objects.count()) == (full, rows)
        named = client.post("/check/details", {"handle": "@" + "x" * 99, "election": "toronto-2026"})
        assert named.status_code == 409
        assert "x" * 99 in words(named)
        assert save(client, "").status_code == 302
    assert AnonymousCheck.objects.get().size < full


def test_when_all_checks_together_take_the_most_nothing_more_is_started_or_grows_and_all_is_given_back(
    client,
):
    brought_back(document(2), client)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(answering, "MAX_CHECKS_BYTES", AnonymousCheck.objects.total_size())
        started = Client().post("/check/start")
        assert started.status_code == 503
        assert "no room" in words(started)
        pasted = brought_back(document(1))
        assert pasted.status_code == 503
        assert "no room" in words(pasted)
        assert LONG in words(pasted)
        longer = save(client, LONG + "more")
        assert "no room" in words(longer)
        assert LONG + "more" in words(longer)
        again = Client().post("/check/restart?to=/check/section/resources", {NOTE: "mine"})
        assert "no room" in words(again)
        assert "mine" in words(again)
        assert AnonymousCheck.objects.count() == 1
        # What replaces a check takes its room.
        assert client.post("/check/start", {"replace": "yes"}).status_code == 302


def test_an_address_may_bring_back_few_large_files_an_hour_and_any_number_of_small_ones():
    large, small = document(6), document(2)
    assert len(large.encode()) > 20_000 > len(small.encode())
    assert [brought_back(large).status_code for _ in range(5)] == [302] * 5
    refused = brought_back(large)
    assert refused.status_code == 429
    assert "Wait an hour, or sign in" in words(refused)
    assert LONG in words(refused)
    assert brought_back(small).status_code == 302
    assert Client(REMOTE_ADDR="192.0.2.9").post(BACK, {"answers": large}).status_code == 302


def test_whoever_starts_too_many_gets_back_what_was_typed(client, settings):
    settings.ACCOUNT_RATE_LIMITS = {"start_check": "1/m/ip"}
    client.post("/check/start")
    refused = brought_back(document(1))
    assert refused.status_code == 429
    assert LONG in words(refused)
    typed = Client().post("/check/restart?to=/check/section/resources", {NOTE: "mine"})
    assert typed.status_code == 429
    assert "mine" in words(typed)
    chosen = Client().post(BACK, {"file": SimpleUploadedFile("answers-mine.json", document(1).encode())})
    assert chosen.status_code == 429
    assert "Choose answers-mine.json again" in in_text(chosen)
    assert "Save now" not in words(chosen)


# --- What one network address may add in an hour --------------------------------------------------------------


def growth_of(address: str) -> int:
    """What the checks of an address have grown by in this hour."""
    return int(cache.get(f"check-bytes:{address}:{int(time.time()) // 3_600}", 0))


@pytest.mark.parametrize(("beyond", "status"), [(-1, 302), (0, 302), (1, 429)])
def test_an_address_adds_at_most_so_much_in_an_hour_by_small_saves(
    client, monkeypatch, time_machine, beyond, status
):
    time_machine.move_to("2026-07-01T12:00:00Z", tick=False)
    client.post("/check/start")
    save(client, "a" * 100)
    before = AnonymousCheck.objects.get().size
    assert growth_of("127.0.0.1") == before
    # A save that shrinks is free, and gives nothing back.
    save(client, "a" * 50)
    monkeypatch.setattr(answering, "MAX_ADDRESS_BYTES", before + 200 - beyond)
    longer = save(client, "b" * 250)
    assert longer.status_code == status
    refused = status == 429
    assert ("b" * 250 in words(longer)) is refused
    assert ("Try again in an hour" in words(longer)) is refused
    assert AnonymousCheck.objects.get().size == before + (-50 if refused else 150)
    # A refusal does not count.
    assert growth_of("127.0.0.1") == before + (0 if refused else 200)
    if refused:
        fragment = save(client, "b" * 250, **{"HX-Request": "true"})
        assert (fragment.status_code, "In the last hour" in words(fragment)) == (409, True)
        time_machine.shift(3_600)
        assert save(client, "b" * 250).status_code == 302


def test_the_limit_of_an_address_refuses_starts_and_files_and_leaves_other_addresses_alone(
    client, monkeypatch
):
    assert brought_back(document(1), client).status_code == 302
    monkeypatch.setattr(answering, "MAX_ADDRESS_BYTES", growth_of("127.0.0.1"))
    pasted = brought_back(document(1))
    assert pasted.status_code == 429
    assert "In the last hour" in words(pasted)
    assert LONG in words(pasted)
    started = Client().post("/check/start")
    assert started.status_code == 429
    assert "Try again" in words(started)
    again = Client().post("/check/restart?to=/check/section/resources", {NOTE: "mine"})
    assert again.status_code == 429
    assert "mine" in words(again)
    named = client.post("/check/details", {"handle": "@" + "x" * 99, "election": "toronto-2026"})
    assert named.status_code == 429
    assert "x" * 99 in words(named)
    assert AnonymousCheck.objects.count() == 1
    assert Client(REMOTE_ADDR="192.0.2.9").post(BACK, {"answers": document(1)}).status_code == 302
