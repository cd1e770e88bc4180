"""The rules for passwords: what is refused, and what must not be."""

import re
from pathlib import Path

import pytest
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.test import Client

from assessments.models import User
from assessments.services.hashing import LimitedArgon2
from config.passwords import LEFT, WORDS, LongEnough, NotCommon
from tests.cast import PASSWORD, person

LONG = "maple " * 40 + "ü🔑"
"""More characters than any algorithm that cuts off a password would read, with spaces."""


def refused(password: str) -> list[str]:
    try:
        password_validation.validate_password(password, User(email="pat.lee@example.ca", name="Pat Lee"))
    except ValidationError as error:
        return error.messages
    return []


@pytest.mark.parametrize(("password", "reason"), [("j4-kq9s", "at least 8"), ("j4-kq9sz", "")])
def test_a_password_has_at_least_eight_characters(password, reason):
    assert all(reason in message for message in refused(password))
    assert bool(refused(password)) is bool(reason)


@pytest.mark.parametrize(
    "password",
    ["48150162342", "quietharbour", "QUIETHARBOUR", "!?()[]{}<>&;", "ἀγαθὸν-ἔργον", " a b c d e f ", LONG],
)
def test_any_kind_of_characters_will_do_even_one_kind_alone(password):
    assert refused(password) == []


def test_more_than_three_thousand_common_passwords_of_the_right_length_are_refused():
    listed = NotCommon().passwords
    long_enough = sorted(password for password in listed if len(password) >= LongEnough().min_length)
    assert len(long_enough) >= 3_000
    for password in long_enough[:: len(long_enough) // 100]:
        assert "Choose a less common password." in refused(password.upper()), password
    assert "Choose a less common password." in refused("iloveyou")


@pytest.mark.parametrize(
    ("password", "is_refused"),
    [
        ("toronto1", True),
        ("Toronto2026", True),
        ("MAYOR-of-Toronto", True),
        ("councillor-ward-10", True),
        ("velocity-9", False),
        ("toronto-quiet-harbour", False),
    ],
)
def test_a_password_of_the_portals_own_words_is_refused(password, is_refused):
    assert (
        "Choose a password with fewer words about the City or this portal." in refused(password)
    ) is is_refused


def test_every_word_of_the_portals_own_is_documented():
    page = (Path(__file__).resolve().parents[2] / "docs/security-rules.md").read_text()
    assert [word for word in WORDS if f"`{word}`" not in page] == []
    assert f"fewer than {LEFT} characters" in page


def test_a_password_is_checked_as_it_was_typed():
    # The settings of tests have a quick hasher; this is the portal's.
    hasher = LimitedArgon2()
    encoded = hasher.encode(LONG, hasher.salt())
    assert hasher.verify(LONG, encoded)
    for other in (LONG[:-1], LONG[:72], LONG.upper(), LONG.replace(" ", ""), f" {LONG}"):
        assert not hasher.verify(other, encoded)


@pytest.mark.django_db
@pytest.mark.parametrize("password", [" Quiet Harbour 9 ", LONG, "48150162342"])
def test_a_new_password_signs_in_exactly_as_it_was_typed(password):
    member, client = person("member", password=PASSWORD), Client()

    def signs_in(typed: str) -> bool:
        return Client().post("/account/login/", {"login": member.email, "password": typed}).status_code == 302

    client.post("/account/login/", {"login": member.email, "password": PASSWORD})
    sent = {"oldpassword": PASSWORD, "password1": password, "password2": password}
    assert client.post("/account/password/change/", sent).status_code == 302
    assert signs_in(password)
    assert not signs_in(f"{password} ")
    assert not signs_in(password[:-1])


@pytest.mark.django_db
def test_fields_for_passwords_hide_them_and_leave_pasting_and_password_managers_alone(client):
    member = person("member", password=PASSWORD)
    pages = [client.get("/account/login/").content.decode()]
    client.post("/account/login/", {"login": member.email, "password": PASSWORD})
    pages.append(client.get("/account/password/change/").content.decode())
    purposes = []
    for page in pages:
        for field in re.findall(r'<input[^>]*name="\w*password\w*"[^>]*>', page):
            assert 'type="password"' in field
            assert "maxlength" not in field
            assert "onpaste" not in field
            purposes.append(field.partition('autocomplete="')[2].partition('"')[0])
    assert purposes == ["current-password", "current-password", "new-password", "new-password"]
    scripts = Path(__file__).resolve().parents[2] / "static/js"
    assert not [path for path in scripts.iterdir() if "paste" in path.read_text()]


@pytest.mark.django_db
def test_a_password_of_long_ago_still_signs_in(time_machine):
    member = person("member", password=PASSWORD)
    time_machine.move_to("2036-03-02T14:00Z", tick=False)
    answer = Client().post("/account/login/", {"login": member.email, "password": PASSWORD}, follow=True)
    assert answer.request["PATH_INFO"] == "/office/"
