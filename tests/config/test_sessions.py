"""Sessions: what their rows reveal, and what becomes of one that cannot be read."""

import base64
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessions
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from assessments.models import User
from config.encryption import cipher
from config.sessions import SessionStore
from tests.assessments.views.test_single_sign_on import come, entra, server  # noqa: F401 - fixtures
from tests.cast import Cast

pytestmark = pytest.mark.django_db


def leaves(node: Any) -> Iterator[str]:
    """Every text and number of more than three characters within."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from leaves(key)
            yield from leaves(value)
    elif isinstance(node, list | tuple):
        for value in node:
            yield from leaves(value)
    elif len(str(node)) > 3:
        yield str(node)


def readable(row: str) -> str:
    """All that someone with a copy of the row can read without a key: it, decoded, and decompressed."""
    texts = [row]
    for part in re.split(r"[.:]", row):
        with suppress(ValueError):
            decoded = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
            texts.append(decoded.decode("latin-1"))
            with suppress(zlib.error):
                texts.append(zlib.decompress(decoded).decode("latin-1"))
    return "\n".join(texts)


def app_offered(cast: Cast) -> Client:
    client = cast.client("member", fresh=True)
    client.get("/account/app/")
    return client


def passkey_offered(cast: Cast) -> Client:
    client = cast.client("member", fresh=True)
    client.get("/account/passkeys/add/")
    return client


def sent_away(cast: Cast) -> Client:
    client = Client()
    client.get("/account/single-sign-on/")
    return client


def sent_back(cast: Cast) -> Client:
    client = Client()
    User.objects.filter(pk=cast.member.pk).update(email="member@example.ca")
    come(client, "ana")
    return client


def searched(cast: Cast) -> Client:
    client = cast.client("officer")
    client.post("/desk/", {"words": "Jones Street"})
    return client


def with_message(cast: Cast) -> Client:
    client = Client()
    client.post("/check/start")
    client.post("/check/stay", {"stay": "yes"})
    return client


@pytest.mark.parametrize(
    ("key", "browser"),
    [
        ("mfa.totp.secret", app_offered),
        ("mfa.webauthn.state", passkey_offered),
        ("departures", sent_away),
        ("to_link", sent_back),
        ("desk_searches", searched),
        ("_messages", with_message),
    ],
)
@pytest.mark.usefixtures("entra", "published")
def test_what_a_session_holds_cannot_be_read_from_its_row(cast, key, browser):
    session = browser(cast).session
    assert key in session
    row = Session.objects.get(pk=session.session_key).session_data
    assert [leaf for leaf in leaves(dict(session.items())) if leaf in readable(row)] == []


def test_what_django_itself_stores_would_be_found():
    stored = DatabaseSessions().encode({"secret": "between us", "long": "between us " * 20})
    assert "between us" in readable(stored)


def test_an_earlier_key_still_reads_a_session_and_the_next_save_encrypts_with_the_new_one(settings):
    session = SessionStore()
    session["word"] = "kept"
    session.save()
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "the second"
    session = SessionStore(session.session_key)
    assert session["word"] == "kept"
    session.save()
    settings.SECRET_KEY_FALLBACKS = []
    assert SessionStore(session.session_key)["word"] == "kept"


def test_a_new_key_without_the_earlier_one_signs_everyone_out(cast, settings):
    clients = [cast.client(who) for who in ("member", "officer", "administrator")]
    page = "/your-details/"
    assert [client.get(page).status_code for client in clients] == [200] * 3
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "the second", []
    assert [client.get(page)["Location"] for client in clients] == [f"/account/login/?next={page}"] * 3


def damaged(row: str) -> str:
    return row[:-6] + ("A" if row[-6] != "A" else "B") + row[-5:]


@pytest.mark.parametrize(
    "spoil",
    [
        damaged,
        lambda _: "",
        lambda _: "é",
        lambda _: DatabaseSessions().encode({"_auth_user_id": "1"}),
        lambda _: cipher("second steps").encrypt(b'{"_auth_user_id": "1"}').decode(),
        lambda _: cipher("sessions").encrypt(b"{").decode(),
    ],
    ids=["damaged", "empty", "no base64", "from before", "for another purpose", "no JSON"],
)
def test_someone_whose_session_cannot_be_read_is_signed_out_and_can_sign_in(cast, caplog, spoil):
    client = cast.client("member")
    (row,) = Session.objects.all()
    Session.objects.update(session_data=spoil(row.session_data))
    assert client.get("/office/")["Location"] == "/account/login/?next=/office/"
    assert "A session could not be read" in caplog.text
    assert row.session_data not in caplog.text

    client = cast.client("member")
    assert client.get("/office/").status_code == 200


def test_a_session_that_cannot_be_read_gives_way_to_one_with_another_key():
    Session.objects.create(pk="k" * 32, session_data="?", expire_date=timezone.now() + timedelta(hours=1))
    session = SessionStore("k" * 32)
    session["word"] = "kept"
    session.save()
    assert session.session_key != "k" * 32
