"""What a page is told about its time limit: the session's, by role, or that of a check without sign-in."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from assessments.models import AnonymousCheck
from tests.cast import client_of

pytestmark = pytest.mark.django_db

NOW = "2026-07-01 16:00:00Z"
HOUR, DAY = 60 * 60, 24 * 60 * 60


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


def limit_on(client: Client, path: str) -> dict[str, Any]:
    """The time limit of a page, empty if it has none: its kind, and numbers of seconds."""
    page = client.get(path).content.decode()
    return {
        name: int(value) if value.isdecimal() else value
        for name, value in re.findall(r'data-(kind|seconds|renewed|longest)="(\w+)"', page)
    }


@pytest.mark.parametrize(
    ("who", "path", "left"),
    [
        ("officer", "/desk/", (30 * 60, 29 * 60, 12 * HOUR)),
        ("administrator", "/people/", (12 * HOUR, 12 * HOUR - 15 * 60, 12 * HOUR)),
        ("member", "/office/", (12 * HOUR, 12 * HOUR - 15 * 60, 7 * DAY)),
    ],
)
def test_a_page_has_the_limits_of_the_role(cast, clock, who, path, left):
    idle, renewed, longest = left
    client = client_of(cast.user(who))
    limits = {"kind": "session", "seconds": idle, "renewed": renewed, "longest": longest}
    assert limit_on(client, path) == limits
    # Too soon to write that the session was used.
    clock.shift(30)
    assert limit_on(client, path) == limits | {"seconds": idle - 30, "longest": longest - 30}


def test_the_session_is_extended_two_minutes_before_its_end_and_ended_after_it(cast, clock):
    client = client_of(cast.officer)
    client.get("/desk/")
    clock.shift(28 * 60)
    assert client.post("/stay").status_code == 204
    clock.shift(28 * 60)
    assert client.get("/desk/").status_code == 200
    clock.shift(30 * 60)
    assert client.post("/stay").status_code == 409
    assert limit_on(client, "/") == {}


def test_near_its_latest_end_a_session_has_no_more_than_that(cast, clock):
    client = client_of(cast.officer)
    for _ in range(24):
        client.get("/desk/")
        clock.shift(29 * 60 + 30)
    left = 12 * HOUR - 24 * (29 * 60 + 30)
    assert limit_on(client, "/desk/") == {
        "kind": "session",
        "seconds": left,
        "renewed": left,
        "longest": left,
    }


def test_a_check_without_sign_in_is_kept_for_another_day_if_someone_asks_for_it(published, clock):
    client = Client()
    client.post("/check/start")
    assert limit_on(client, "/check/") == {"kind": "check", "seconds": DAY, "renewed": DAY}
    clock.shift(DAY - 120)
    assert limit_on(client, "/check/")["seconds"] == 120
    assert client.post("/check/extend").status_code == 204
    assert limit_on(client, "/check/")["seconds"] == DAY
    clock.shift(DAY)
    assert client.post("/check/extend").status_code == 409
    assert AnonymousCheck.objects.get().ends_at - timedelta(
        days=1
    ) == AnonymousCheck.objects.get().started_at + (timedelta(seconds=DAY - 120))


def test_a_page_for_someone_without_a_session_or_check_has_no_limit(published):
    assert limit_on(Client(), "/") == {}
