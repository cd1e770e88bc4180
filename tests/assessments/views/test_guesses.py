"""Guesses at one person's password and codes from many networks: slowed, noticed, and no one is locked out."""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.tokens import default_token_generator
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.http import int_to_base36

from assessments.models import AuditEvent, OutgoingMail, User
from assessments.services import audit, security_log
from assessments.views import guesses
from tests.cast import PASSWORD, SECRET, code_at, person, with_second_step

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
SIGN_IN, STEP = "/account/login/", "/account/second-step/"
WRONG = "wrong"
REFUSED = "Too many attempts"


@pytest.fixture(autouse=True)
def clock(time_machine):
    time_machine.move_to(NOW, tick=False)
    return time_machine


@pytest.fixture
def logged(monkeypatch) -> Counter[tuple[str, str | None]]:
    """How often each event was logged, by whose it was."""
    events: Counter[tuple[str, str | None]] = Counter()
    monkeypatch.setattr(
        security_log.log,
        "log",
        lambda _, event, **fields: events.update([(event, fields["person"])]),
        raising=False,
    )
    monkeypatch.setattr(security_log, "after_commit", lambda _, work, *args, **fields: work(*args, **fields))
    return events


@pytest.fixture
def member() -> User:
    return person("member", password=PASSWORD, last_login=NOW)


def guess(email: str, network: int, password: str = WRONG) -> str:
    """Guess from a new browser on a network; return the page."""
    form = {"login": email, "password": password}
    answer = Client().post(SIGN_IN, form, REMOTE_ADDR=f"198.51.100.{network}")
    return "in" if answer.status_code == 302 else str(answer.content.decode())


def guesses_from_many(email: str) -> None:
    """So many wrong guesses that the next is one too many from all networks together."""
    for number in range(20):
        assert REFUSED not in guess(email, number // 4)


def test_above_a_number_of_guesses_from_all_networks_each_has_one_in_five_minutes(member, clock):
    guesses_from_many(member.email)
    for network in (50, 51):
        assert [REFUSED in guess(member.email, network) for _ in range(3)] == [False, True, True]
    clock.shift(timedelta(minutes=5, seconds=1))
    assert [REFUSED in guess(member.email, 50) for _ in range(2)] == [False, True]


def test_an_hour_later_each_network_has_five_again_and_after_fifty_a_day_not_before_tomorrow(member, clock):
    guesses_from_many(member.email)
    for _ in range(2):
        clock.shift(timedelta(hours=1, seconds=1))
        assert [REFUSED in guess(member.email, 60) for _ in range(6)] == [False] * 5 + [True]
        for network in range(61, 71):
            guess(member.email, network)
    clock.shift(timedelta(hours=1, seconds=1))
    assert [REFUSED in guess(member.email, 80) for _ in range(2)] == [False, True]
    clock.shift(timedelta(days=1))
    assert [REFUSED in guess(member.email, 80) for _ in range(2)] == [False, False]


def test_the_person_still_signs_in_with_a_known_browser_and_with_a_new_one(member):
    known = Client()
    known.post(SIGN_IN, {"login": member.email, "password": PASSWORD})
    known.post("/account/logout/")
    guesses_from_many(member.email)
    for number in range(60, 90):
        guess(member.email, number)
    for _ in range(3):
        known.post(SIGN_IN, {"login": member.email, "password": "wrong"})
    assert known.post(SIGN_IN, {"login": member.email, "password": PASSWORD}).status_code == 302
    assert guess(member.email, 99, PASSWORD) == "in"


def test_a_right_password_takes_its_own_guess_back_and_no_other(member):
    guesses_from_many(member.email)
    assert [guess(member.email, 99, PASSWORD) for _ in range(3)] == ["in"] * 3
    assert [REFUSED in guess(member.email, 98) for _ in range(2)] == [False, True]


def test_the_first_guess_too_many_raises_one_alarm_a_day(member, logged, clock):
    guesses_from_many(member.email)
    assert not logged["guessing", str(member.pk)]
    for network in range(50, 60):
        guess(member.email, network)
    assert logged["guessing", str(member.pk)] == 1
    assert [event.action for event in AuditEvent.objects.of_chain(None)] == ["guessing"]
    (queued,) = OutgoingMail.objects.all()
    assert (queued.to, queued.words["what"]) == (member, "password_guesses")
    for hours in (1, 23):
        clock.shift(timedelta(hours=hours, seconds=1))
        for network in range(25):
            guess(member.email, network)
    assert logged["guessing", str(member.pk)] == 2
    assert OutgoingMail.objects.count() == 2


def test_an_alarm_or_event_that_could_not_be_written_is_written_at_the_next_refused_guess(
    member, logged, monkeypatch
):
    append, faults = audit.append, [OperationalError("locked"), OperationalError("locked")]

    def append_later(**event: Any) -> None:
        if faults:
            raise faults.pop()
        append(**event)

    monkeypatch.setattr(audit, "append", append_later)
    guesses_from_many(member.email)
    for network in range(50, 53):
        for _ in range(2):
            guess(member.email, network)
    assert not faults
    events = [event.action for event in AuditEvent.objects.of_chain(None)]
    assert sorted(events) == ["guessing", "locked_out"]
    assert OutgoingMail.objects.count() == 1


def test_an_address_without_a_sign_in_has_the_same_limits_and_alarm_and_no_event_or_email(logged):
    email = "nobody@example.ca"
    guesses_from_many(email)
    assert [REFUSED in guess(email, 50) for _ in range(3)] == [False, True, True]
    assert logged["guessing", security_log.key_of_address(email)] == 1
    assert not AuditEvent.objects.exists()
    assert not OutgoingMail.objects.exists()


def test_at_every_guess_the_page_and_the_work_before_it_are_the_same_whoever_has_a_sign_in(
    member, monkeypatch
):
    later: Counter[str] = Counter()
    monkeypatch.setattr(guesses, "after_response", lambda what, *_: later.update([what]))
    seen: dict[str, list[Any]] = {}
    for email in (member.email, "nobody@example.ca"):
        later.clear()
        seen[email] = []
        for number in range(24):
            with CaptureQueriesContext(connection) as queries:
                page = guess(email, number // 4 if number < 20 else 50)
            page = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page).replace(email, "")
            seen[email].append((page, len(queries)))
        seen[email].append(dict(later))
    assert seen[member.email] == seen["nobody@example.ca"]
    assert seen[member.email][-1] == {"an alarm about guesses": 1, "an audit event of refused guesses": 3}


def test_many_refused_guesses_are_one_event(member, logged):
    for network in range(3):
        for _ in range(12):
            guess(member.email, network)
    assert logged["locked_out", str(member.pk)] == 21
    assert [event.action for event in AuditEvent.objects.of_chain(None)] == ["locked_out"]


def test_a_network_that_guesses_at_everybody_is_in_the_log_and_not_in_the_trail(logged):
    people = [person(f"person {number}") for number in range(70)]
    for user in people:
        guess(user.email, 1)
    assert sum(number for (event, _), number in logged.items() if event == "locked_out") == 10
    assert not AuditEvent.objects.exists()


# --- Codes ------------------------------------------------------------------------------------


def at_the_step(user: User, network: int) -> Client:
    """A new browser on a network, in which someone has entered the password."""
    client = Client(REMOTE_ADDR=f"198.51.100.{network}")
    client.post(SIGN_IN, {"login": user.email, "password": PASSWORD})
    return client


def guess_code(client: Client, code: str = "000000") -> str:
    answer = client.post(STEP, {"code": code})
    return "in" if answer.status_code == 302 else str(answer.content.decode())


def right_code(at: datetime) -> str:
    return code_at(at.timestamp(), SECRET)


def codes_from_many(user: User, first: int = 0) -> None:
    for network in range(first, first + 5):
        client = at_the_step(user, network)
        for _ in range(4):
            assert REFUSED not in guess_code(client)


def test_guesses_at_codes_are_counted_by_network_and_keep_no_one_out_elsewhere(member):
    with_second_step(member)
    stranger = at_the_step(member, 1)
    assert [REFUSED in guess_code(stranger) for _ in range(6)] == [False] * 5 + [True]
    assert guess_code(at_the_step(member, 2), right_code(NOW)) == "in"


def test_many_guesses_at_codes_raise_an_alarm_and_leave_each_network_one_try(member, logged):
    with_second_step(member)
    codes_from_many(member)
    client = at_the_step(member, 50)
    assert [REFUSED in guess_code(client) for _ in range(2)] == [False, True]
    assert logged["guessing", str(member.pk)] == 1
    (queued,) = OutgoingMail.objects.filter(words__what="code_guesses")
    assert queued.to == member
    assert guess_code(at_the_step(member, 51), right_code(NOW)) == "in"


def test_all_networks_together_have_few_more_codes_a_day_until_a_new_password_and_that_once_a_day(
    member, settings
):
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | {"codes_when_many": "3/d/key"}
    with_second_step(member)
    for first in (0, 100):
        codes_from_many(member, first)
        refused = [REFUSED in guess_code(at_the_step(member, first + number)) for number in range(50, 55)]
        assert refused == [False, False, False, True, True]
        _new_password_by_link(member)
        is_in = guess_code(at_the_step(member, first + 60), right_code(NOW)) == "in"
        assert is_in is (first == 0)


def _new_password_by_link(user: User) -> None:
    client = Client()
    user.refresh_from_db()
    path = f"/account/password/reset/key/{int_to_base36(user.pk)}-{default_token_generator.make_token(user)}/"
    landed = client.get(path, follow=True)
    answer = client.post(landed.request["PATH_INFO"], {"password1": PASSWORD, "password2": PASSWORD})
    assert answer.status_code == 302, answer.content.decode()


def test_a_known_browser_has_its_own_count_of_codes(member, clock):
    known = at_the_step(with_second_step(member), 7)
    assert guess_code(known, right_code(NOW)) == "in"
    known.post("/account/logout/")
    codes_from_many(member)
    for network in range(50, 60):
        guess_code(at_the_step(member, network))
    clock.shift(timedelta(minutes=2))
    known.post(SIGN_IN, {"login": member.email, "password": PASSWORD})
    assert REFUSED not in guess_code(known)
    assert guess_code(known, right_code(NOW + timedelta(minutes=2))) == "in"


def test_wrong_passkeys_of_a_stranger_do_not_keep_the_person_from_using_theirs(member):
    with_second_step(member)
    stranger, owner = at_the_step(member, 1), at_the_step(member, 2)
    for client in [stranger] * 8 + [owner]:
        page = client.post(STEP, {"credential": '{"id": "x"}'}).content.decode()
        assert "This passkey did not work" in page
        assert REFUSED not in page
