"""Passwords are hashed a few at a time on a host, and those that cannot wait are refused in words, with 429."""

import contextvars
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import connection
from django.test import Client

from assessments.models import User
from assessments.services import hashing, people
from assessments.services.audit import current_address
from assessments.services.hashing import LimitedArgon2, TooManyHashing, Turn, current_turn
from config.places import place, places
from tests.cast import PASSWORD, person

pytestmark = pytest.mark.django_db
EMAIL = "ana@example.ca"


class Hashes:
    """Stands in for Argon2: each takes `seconds`, and the most at the same time is counted."""

    def __init__(self) -> None:
        self.seconds, self.now, self.most, self._lock = 0.3, 0, 0, threading.Lock()

    def encode(self, password: str, salt: str) -> str:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(self.seconds)
        with self._lock:
            self.now -= 1
        return f"argon2$argon2id${salt}${password}"


@pytest.fixture
def hashes(monkeypatch) -> Hashes:
    counted = Hashes()
    monkeypatch.setattr(Argon2PasswordHasher, "encode", counted.encode)
    return counted


def hashed(address: str) -> float:
    """Hash a password in a request from an address; return the seconds it took, or -1 if it was refused."""

    def work() -> float:
        current_turn.set(Turn())
        current_address.set(address)
        began = time.monotonic()
        try:
            LimitedArgon2().encode("password", "some-salt")
        except TooManyHashing:
            return -1
        return time.monotonic() - began

    return contextvars.copy_context().run(work)


def at_once(addresses: list[str]) -> list[float]:
    with ThreadPoolExecutor(len(addresses)) as pool:
        return list(pool.map(hashed, addresses))


@pytest.fixture
def full() -> Iterator[None]:
    """All places for hashing are taken, as are those for waiting."""
    with ExitStack() as taken:
        for kind in ("hash", "hash-wait"):
            for _ in range(4):
                taken.enter_context(place(places(kind, 4)))
        yield


def test_four_hash_at_the_same_time_and_of_forty_the_rest_are_refused_without_a_wait(hashes):
    began = time.monotonic()
    seconds = at_once([f"192.0.2.{number}" for number in range(40)])
    assert hashes.most <= 4
    assert 4 <= sum(each >= 0 for each in seconds) <= 12
    assert time.monotonic() - began < 2 * hashes.seconds + 1.5


def test_one_address_leaves_room_for_another_to_wait_and_hash(hashes):
    hashes.seconds = 0.5
    with ThreadPoolExecutor(41) as pool:
        of_stranger = [pool.submit(hashed, "192.0.2.1") for _ in range(40)]
        time.sleep(0.2)
        of_another = pool.submit(hashed, "192.0.2.2")
        assert 0 <= of_another.result() < 2.5
        assert min(each.result() for each in of_stranger) == -1


def test_who_waits_is_refused_after_two_seconds():
    with ExitStack() as taken:
        for _ in range(4):
            taken.enter_context(place(places("hash", 4)))
        began = time.monotonic()
        assert hashed("192.0.2.1") == -1
        assert 2 <= time.monotonic() - began < 4


@pytest.mark.usefixtures("full")
def test_a_command_is_not_limited(hashes):
    hashes.seconds = 0
    assert LimitedArgon2().encode("password", "some-salt").startswith("argon2")


@pytest.fixture
def argon2(settings) -> None:
    settings.PASSWORD_HASHERS = ["assessments.services.hashing.LimitedArgon2"]


@pytest.mark.usefixtures("argon2")
def test_a_sign_in_that_cannot_wait_says_so_keeps_the_address_and_is_no_guess(client, settings, full):
    settings.ACCOUNT_RATE_LIMITS = {"login_failed": "1/m/ip"}
    person("ana", password=PASSWORD)
    for email in (EMAIL, EMAIL, "nobody@example.ca"):
        response = client.post("/account/login/", {"login": email, "password": PASSWORD})
        assert (response.status_code, response["Retry-After"]) == (429, "5")
        page = response.content.decode()
        assert hashing.BUSY in page
        assert f'value="{email}"' in page
        assert PASSWORD not in page


@pytest.mark.usefixtures("argon2", "published")
def test_forms_of_passwords_and_an_invitation_say_so_too(
    cast, mailoutbox, django_capture_on_commit_callbacks
):
    user = User.objects.get(pk=cast.member.pk)
    user.set_password(PASSWORD)
    user.save()
    with django_capture_on_commit_callbacks(execute=True):
        people.invite(email="bo@example.ca", role="staff", office=cast.office, by=cast.member)
    invitation = next(word for word in mailoutbox[-1].body.split() if "/invitation/" in word)
    with ExitStack() as taken:
        for _ in range(4):
            taken.enter_context(place(places("hash-wait", 4)))
        changed = cast.client("member").post(
            "/account/password/change/",
            {"oldpassword": PASSWORD, "password1": "another-harbour-7", "password2": "another-harbour-7"},
        )
        joined = Client().post(
            "/" + invitation.split("/", 3)[3],
            {"name": "Bo Bell", "new_password1": PASSWORD, "new_password2": PASSWORD},
        )
    for response in (changed, joined):
        assert response.status_code == 429
        assert hashing.BUSY in response.content.decode()
    assert 'value="Bo Bell"' in joined.content.decode()
    assert not User.objects.filter(email="bo@example.ca").exists()
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


@pytest.mark.usefixtures("argon2")
def test_a_new_password_is_hashed_before_the_transaction_that_joins(
    cast, hashes: Hashes, monkeypatch, django_capture_on_commit_callbacks, mailoutbox
):
    with django_capture_on_commit_callbacks(execute=True):
        invitation = people.invite(email="bo@example.ca", role="staff", office=cast.office, by=cast.member)
    of_test, depths = len(connection.savepoint_ids), []

    def encode(_: Argon2PasswordHasher, password: str, salt: str) -> str:
        depths.append(len(connection.savepoint_ids) - of_test)
        return hashes.encode(password, salt)

    monkeypatch.setattr(Argon2PasswordHasher, "encode", encode)
    people.accept(invitation=invitation, name="Bo Bell", password=PASSWORD)
    assert depths == [0]
    assert User.objects.get(email="bo@example.ca").password.endswith(PASSWORD)
