"""The second step, sessions that end, and what asks for a fresh sign-in."""

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client
from fido2.cose import ES256
from fido2.webauthn import Aaguid, AttestedCredentialData

from assessments.models import User
from tests.cast import PASSWORD, SECRET, code_at, office_of, person, with_second_step

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SIGN_IN, SECURITY = "/account/login/", "/account/security/"


@pytest.fixture(autouse=True)
def clock(time_machine):
    time_machine.move_to(NOW, tick=False)
    return time_machine


ROLES = {"officer": {"is_officer": True}, "administrator": {"is_staff": True}, "member": {}}


def newcomer(role: str = "member") -> User:
    """Someone with a password and no second step, whatever they are."""
    who = person(role, password=PASSWORD)
    User.objects.filter(pk=who.pk).update(**ROLES[role])
    who.refresh_from_db()
    return who


def code(secret: str = SECRET) -> str:
    """The code that an authenticator app showed a moment ago: the first one that is still accepted."""
    return code_at(time.time() - 30, secret)


def shown_at(when: datetime) -> str:
    """The code that an authenticator app shows at a time."""
    return code_at(when.timestamp())


def signed_in(who: User, *, step: bool = False, **options: Any) -> Client:
    """A browser in which someone has entered the password, and with `step` also the code."""
    client = Client(**options)
    answer = client.post(SIGN_IN, {"login": who.email, "password": PASSWORD})
    assert answer.status_code == 302
    if step:
        assert answer["Location"] == "/account/second-step/"
        assert client.post("/account/second-step/", {"code": code()}).status_code == 302
    return client


def is_in(client: Client) -> bool:
    # A page for those who are in, which costs little: it leads those with a password on to its neighbour.
    return bool(client.get("/account/password/set/")["Location"] == "/account/password/change/")


# --- Who needs one ------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["officer", "administrator"])
def test_officers_and_administrators_set_up_a_second_step_before_anything_else(role):
    client = signed_in(newcomer(role))
    addresses = ("/", "/office/", "/people/", "/check/", "/nowhere")
    for answer in (send(address) for address in addresses for send in (client.get, client.post)):
        assert (answer.status_code, answer.headers.get("Location")) == (302, SECURITY)
    word = {"officer": "Shared self-checks", "administrator": ">People<"}[role]
    assert word not in client.get(SECURITY).content.decode()
    assert "You need a second step" in client.get(SECURITY).content.decode()
    for free in ("/account/app/", "/account/passkeys/add/", "/account/logout/", "/help", "/privacy"):
        assert client.get(free).status_code == 200, free
    set_up_app(client)
    for address in addresses:
        assert "/account/" not in client.get(address).headers.get("Location", ""), address
    assert word in client.get(SECURITY).content.decode()


@pytest.mark.parametrize("role", ["officer", "administrator"])
def test_whoever_waits_with_the_password_is_out_once_the_second_step_is_set_up_elsewhere(role):
    who = newcomer(role)
    thief, own = signed_in(who), signed_in(who)
    for waiting in (thief, own):
        assert waiting.get("/account/security/").status_code == 200
    set_up_app(own)
    assert thief.get("/account/security/").status_code == 302
    assert not is_in(thief)
    page = {"officer": "/desk/", "administrator": "/people/"}[role]
    assert own.get(page).status_code == 200
    assert thief.get(page)["Location"].startswith("/account/login/")


def test_to_set_up_another_one_ends_no_session(clock):
    who = newcomer()
    here = signed_in(who)
    set_up_app(here)
    clock.move_to(NOW + timedelta(minutes=5), tick=False)
    Authenticator.objects.filter(type="totp").update(type="webauthn")
    other = Client()
    other.force_login(who)
    set_up_app(here)
    assert is_in(other)


@pytest.mark.parametrize("role", ["officer", "administrator"])
def test_a_session_without_the_second_step_sees_nothing_until_it_takes_it(role):
    who = newcomer(role)
    client = signed_in(who)
    with_second_step(who)
    page = {"officer": "/desk/", "administrator": "/people/"}[role]
    assert client.get(page)["Location"] == f"/account/second-step/again/?next={page.replace('/', '%2F')}"
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    assert client.get(page).status_code == 302
    assert client.post(f"/account/second-step/again/?next={page}", {"code": code()})["Location"] == page
    assert client.get(page).status_code == 200


def test_a_member_may_do_without():
    client = signed_in(newcomer())
    assert client.get("/office/").status_code == 200
    assert "You need a second step" not in client.get(SECURITY).content.decode()


def test_where_the_operator_says_so_members_set_one_up_before_anything_else(settings):
    settings.SECOND_STEP_FOR_EVERYONE = True
    who = newcomer()
    office_of(who)
    client = signed_in(who)
    for address in ("/", "/office/", "/check/"):
        assert client.get(address)["Location"] == SECURITY
    page = client.get(SECURITY).content.decode()
    assert "You need a second step" in page
    assert "everyone needs one" in page
    set_up_app(client)
    assert client.get("/office/").status_code == 200
    assert "You need a second step" not in client.get(SECURITY).content.decode()


def test_an_administrator_begins_at_the_list_of_people():
    client = signed_in(with_second_step(newcomer("administrator")))
    assert client.post("/account/second-step/", {"code": code()})["Location"] == "/people/"


# --- An authenticator app and recovery codes ---------------------------------------------------


def set_up_app(client: Client) -> str:
    page = client.get("/account/app/").content.decode()
    secret = re.search(r'<strong class="note">([A-Z2-7]+)</strong>', page)
    assert secret
    client.post("/account/app/", {"code": code(secret[1])})
    return secret[1]


def test_an_app_is_set_up_with_a_picture_that_the_policy_lets_through_and_the_key_in_letters():
    client = signed_in(newcomer())
    page = client.get("/account/app/").content.decode()
    picture = page[page.index("<svg") : page.index("</svg>")]
    assert "<path" in picture
    assert "style=" not in picture
    assert "data:" not in page
    secret = set_up_app(client)
    assert len(secret) >= 32
    assert Authenticator.objects.filter(type="totp").exists()


def test_with_an_app_the_password_alone_does_not_sign_in(clock):
    who = newcomer()
    secret = set_up_app(signed_in(who))
    clock.move_to(NOW + timedelta(minutes=5), tick=False)
    client = signed_in(who)
    assert not is_in(client)
    client.post("/account/second-step/", {"code": "000000"})
    assert not is_in(client)
    client.post("/account/second-step/", {"code": code(secret)})
    assert is_in(client)


def test_a_recovery_code_signs_in_once(clock):
    who = newcomer()
    client = signed_in(who)
    set_up_app(client)
    page = client.get("/account/codes/").content.decode()
    codes = re.findall(r"<code>(\w+)</code>", page)
    assert len(codes) == 10
    for expected in (True, False):
        clock.move_to(datetime.now(UTC) + timedelta(minutes=6), tick=False)
        again = signed_in(who)
        again.post("/account/second-step/", {"code": codes[0]})
        assert is_in(again) is expected


def test_recovery_codes_can_be_downloaded_and_new_ones_are_not_the_main_button(clock):
    client = signed_in(newcomer())
    set_up_app(client)
    page = client.get("/account/codes/").content.decode()
    codes = re.findall(r"<code>(\w+)</code>", page)
    answer = client.get("/account/codes/download/")
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="recovery-codes.txt"'
    assert "no-store" in answer["Cache-Control"]
    assert [line for line in answer.content.decode().splitlines() if line in codes] == codes
    (main,) = re.findall(r'<a class="btn btn-primary"\s+href="([^"]+)"', page)
    assert main == "/office/"
    assert 'href="/account/codes/new/"' in page


def test_someone_without_recovery_codes_is_led_to_making_them():
    client = signed_in(with_second_step(newcomer()), step=True)
    assert "/account/codes/new/" in client.get(SECURITY).content.decode()
    assert client.get("/account/codes/")["Location"] == "/account/codes/new/"
    page = client.get("/account/codes/new/").content.decode()
    assert "You have no recovery codes." in page
    assert "will stop working" not in page
    with_them = client.post("/account/codes/new/", follow=True).content.decode()
    assert "<code>" in with_them
    assert "no longer work" not in with_them
    assert "will stop working" in client.get("/account/codes/new/").content.decode()
    again = client.post("/account/codes/new/", follow=True).content.decode()
    assert "Your earlier recovery codes no longer work." in again


def test_a_recovery_code_has_eight_digits_and_no_two_are_alike():
    who = newcomer()
    set_up_app(signed_in(who))
    codes = Authenticator.objects.get(user=who, type="recovery_codes").wrap().get_unused_codes()
    assert len(set(codes)) == 10
    # 26 bits each.
    assert all(re.fullmatch(r"\d{8}", each) for each in codes)


def test_a_new_password_by_link_leaves_the_second_step_in_place(mailoutbox):
    who = with_second_step(newcomer())
    client = Client()
    client.post("/account/password/reset/", {"email": who.email})
    link = re.search(r"https?://[^/]+(/account/password/reset/key/\S+)", mailoutbox[-1].body)
    assert link
    form = client.get(link[1], follow=True).request["PATH_INFO"]
    client.post(form, {"password1": "loud-valley-77", "password2": "loud-valley-77"})
    assert not is_in(client)
    answer = client.post(SIGN_IN, {"login": who.email, "password": "loud-valley-77"})
    assert answer["Location"] == "/account/second-step/"
    assert not is_in(client)


@pytest.mark.parametrize("has_passkey", [False, True])
def test_a_passkey_is_offered_to_whoever_has_one(has_passkey, monkeypatch):
    who = with_second_step(newcomer())
    if has_passkey:
        key = ES256({1: 2, 3: -7, -1: 1, -2: b"x" * 32, -3: b"y" * 32})
        passkey = AttestedCredentialData.create(Aaguid(bytes(16)), b"passkey", key)
        monkeypatch.setattr("allauth.mfa.webauthn.internal.auth.get_credentials", lambda _: [passkey])
    page = signed_in(who).get("/account/second-step/").content.decode()
    assert ("Use a passkey or security key" in page) is has_passkey
    main = re.findall(r'btn btn-primary"[^>]*>([^<]+)<', page)
    assert main == ["Use a passkey or security key" if has_passkey else "Sign in"]


def test_the_file_of_recovery_codes_asks_for_a_fresh_sign_in_and_is_nobody_elses(clock):
    client = signed_in(with_second_step(newcomer()), step=True)
    client.post("/account/codes/new/")
    assert client.get("/account/codes/download/").status_code == 200
    clock.move_to(NOW + timedelta(minutes=16), tick=False)
    answer = client.get("/account/codes/download/")
    assert answer.status_code == 302
    assert "again" in answer["Location"] or "reauthenticate" in answer["Location"]


def test_a_phone_opens_its_keypad_for_a_code_of_which_all_are_digits():
    user = newcomer()
    client = signed_in(user)
    pages = [client.get("/account/app/").content.decode()]
    set_up_app(client)
    codes = Authenticator.objects.get(user=user, type="recovery_codes").wrap().get_unused_codes()
    assert all(re.fullmatch("[0-9]+", each) for each in codes)
    pages.append(client.get("/account/second-step/again/").content.decode())
    pages.append(signed_in(user).get("/account/second-step/").content.decode())
    for page in pages:
        (field,) = re.findall('<input[^>]*name="code"[^>]*>', page)
        assert 'inputmode="numeric"' in field
        assert 'autocomplete="one-time-code"' in field


def test_codes_cannot_be_guessed(clock):
    who = with_second_step(newcomer())
    client = signed_in(who)
    for _ in range(5):
        client.post("/account/second-step/", {"code": "000000"})
    client.post("/account/second-step/", {"code": code()})
    assert not is_in(client)


def test_whoever_guesses_elsewhere_keeps_nobody_from_signing_in_where_they_did_before(clock):
    who = with_second_step(newcomer())
    known = signed_in(who, step=True)
    known.post("/account/logout/")
    clock.move_to(NOW + timedelta(minutes=3), tick=False)
    for _ in range(2):
        stranger = signed_in(who)
        for _ in range(5):
            stranger.post("/account/second-step/", {"code": "000000"})
    stranger.post("/account/second-step/", {"code": code()})
    assert not is_in(stranger)
    known.post(SIGN_IN, {"login": who.email, "password": PASSWORD})
    known.post("/account/second-step/", {"code": code()})
    assert is_in(known)


@pytest.mark.parametrize(("seconds", "taken"), [(59, True), (60, False), (-30, True), (-31, False)])
def test_a_phone_whose_clock_is_a_little_off_is_understood(clock, seconds, taken):
    who, phone_code = with_second_step(newcomer()), shown_at(NOW + timedelta(seconds=seconds))
    client = signed_in(who)
    client.post("/account/second-step/", {"code": phone_code})
    assert is_in(client) is taken


def test_a_code_signs_in_once_in_all_the_time_that_it_is_good_for(clock):
    who = with_second_step(newcomer())
    phone_code = shown_at(NOW + timedelta(seconds=30))
    for seconds, taken in ((0, True), (31, False), (59, False)):
        clock.move_to(NOW + timedelta(seconds=seconds), tick=False)
        client = signed_in(who)
        client.post("/account/second-step/", {"code": phone_code})
        assert is_in(client) is taken, seconds


def test_a_copy_of_the_database_gives_no_codes_away_and_a_new_key_keeps_them(settings):
    with_second_step(newcomer())
    assert SECRET not in str(Authenticator.objects.get().data)
    old, settings.SECRET_KEY = settings.SECRET_KEY, "another"
    assert not Authenticator.objects.get().wrap().validate_code(code())
    settings.SECRET_KEY_FALLBACKS = [old]
    assert Authenticator.objects.get().wrap().validate_code(code())


HEAVY = [
    "9" * 5000,
    "[" * 19_000,
    "[" * 100_000,
    '{"id": "' + "x" * 40_000 + '"}',
    '{"id": "\\ud800", "filling": "filling"}',
]
"""What no browser sends: too long, too deep, or no text."""


WRONG = ["", "{", "null", "[]", "{}", "1e999", '{"id": 1}', '{"response": {"userHandle": "!"}}', "\0"]


@pytest.mark.parametrize("page", ["sign-in", "add", "again"])
def test_a_passkey_that_no_browser_made_is_not_right_and_one_that_cannot_be_read_is_not_shown_again(page):
    client = signed_in(newcomer())
    address = f"/account/passkeys/{page}/"
    for sent in WRONG:
        cache.clear()  # of the limits on guessing
        client.get(address)
        assert client.post(address, {"credential": sent, "name": "x"}).status_code in (200, 302), sent
    client = Client() if page == "sign-in" else client
    for sent in HEAVY:
        cache.clear()
        client.get(address)
        answer = client.post(address, {"credential": sent, "name": "x"}, follow=True)
        assert answer.status_code in (200, 403), sent[:30]
        assert sent[:30] not in answer.content.decode()
    assert not Authenticator.objects.exists()


def test_a_passkey_that_is_not_right_as_a_second_step_is_said_in_the_summary():
    client = signed_in(with_second_step(newcomer()))
    for sent in ("{}", *HEAVY):
        cache.clear()
        page = client.post("/account/second-step/", {"credential": sent}).content.decode()
        summary = page[page.index("error-summary") : page.index("<form", page.index("error-summary"))]
        assert "This passkey did not work" in summary
        assert sent[:30] not in page or sent == "{}"
        assert "<title>Please correct" in page.replace("\n", "").replace("<title> ", "<title>")


def test_second_steps_that_were_lost_are_forgotten_and_every_session_ends(capsys):
    who = with_second_step(newcomer())
    client = signed_in(who, step=True)
    call_command("forget_second_step", "Member@Example.ca")
    assert capsys.readouterr().out == "Deleted second steps: 1. member@example.ca is signed out everywhere.\n"
    assert not is_in(client)
    assert is_in(signed_in(who))
    with pytest.raises(CommandError, match="No one has this email address"):
        call_command("forget_second_step", "nobody@example.ca")


@pytest.mark.parametrize("address", ["/account/app/remove/", "/account/codes/new/", "/account/passkeys/add/"])
def test_what_changes_who_can_get_in_asks_for_a_fresh_sign_in(clock, address):
    client = signed_in(with_second_step(newcomer()), step=True)
    assert client.get(address).status_code == 200
    clock.move_to(NOW + timedelta(minutes=16), tick=False)
    asked = client.get(address)
    assert asked.status_code == 302
    assert "again" in asked["Location"] or "reauthenticate" in asked["Location"]
    page = client.get(asked["Location"], follow=True).content.decode()
    assert "Confirm it’s you" in page
    client.post("/account/second-step/again/", {"code": code()})
    assert client.get(address).status_code == 200


@pytest.mark.parametrize("seen_late", [True, False])
def test_a_clock_set_back_does_not_make_an_old_proof_recent_again(clock, seen_late):
    address = "/account/app/remove/"
    client = signed_in(with_second_step(newcomer()), step=True)
    assert client.get(address).status_code == 200
    clock.move_to(NOW + timedelta(minutes=16), tick=False)
    # Either a page that asks for a proof sees that it is old, or any page sees how late it is.
    assert client.get(address if seen_late else "/office/").status_code == (302 if seen_late else 200)
    for minutes in (5, -30):
        clock.move_to(NOW + timedelta(minutes=minutes), tick=False)
        assert client.get(address).status_code == 302
    again = client.get(address)["Location"]
    client.get(again)
    client.post("/account/second-step/again/", {"code": code()})
    assert client.get(address).status_code == 200


def test_hosts_whose_clocks_differ_a_little_agree(clock):
    client = signed_in(with_second_step(newcomer()), step=True)
    clock.move_to(NOW - timedelta(seconds=30), tick=False)
    assert client.get("/account/app/remove/").status_code == 200


# --- Sessions that end ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "minutes", "still"),
    [
        ("officer", 29, True),
        ("officer", 30, False),
        ("member", 12 * 60 - 1, True),
        ("member", 12 * 60, False),
        ("administrator", 12 * 60, False),
    ],
)
def test_a_session_ends_after_its_time_without_a_request(clock, role, minutes, still):
    who = newcomer(role)
    step = role != "member"
    client = signed_in(with_second_step(who) if step else who, step=step)
    clock.move_to(NOW + timedelta(minutes=minutes), tick=False)
    assert is_in(client) is still


@pytest.mark.parametrize(("role", "hours"), [("officer", 12), ("administrator", 12), ("member", 7 * 24)])
def test_a_session_ends_some_time_after_the_sign_in_however_much_it_is_used(clock, role, hours):
    who = newcomer(role)
    step = role != "member"
    client = signed_in(with_second_step(who) if step else who, step=step)
    every = timedelta(minutes=29) if role == "officer" else timedelta(hours=11)
    now, end = NOW, NOW + timedelta(hours=hours)
    assert is_in(client)
    while now + every < end:
        now += every
        clock.move_to(now, tick=False)
        assert is_in(client), now
    clock.move_to(end, tick=False)
    assert not is_in(client)


def test_what_someone_sends_when_their_time_is_up_stays_on_the_page(clock):
    who = newcomer()
    office_of(who)
    client = signed_in(who)
    clock.move_to(NOW + timedelta(hours=13), tick=False)
    answer = client.post("/office/accounts/new", {"platform": "X", "handle": "@typed", "purpose": "official"})
    assert answer.status_code == 409
    assert "You are signed out" in answer.content.decode()
    assert "@typed" in answer.content.decode()


def test_ones_sessions_are_listed_and_ended_one_by_one_or_all_but_this():
    who = newcomer()
    here, *others = (signed_in(who, HTTP_USER_AGENT=f"Browser {at}") for at in range(4))
    page = here.get("/account/sessions/").content.decode()
    assert [f"Browser {at}" in page for at in range(4)] == [True] * 4
    assert page.count("This device.") == 1
    ends = re.findall(r'action="(/account/sessions/\d+/end/)"', page)
    assert len(ends) == 3
    here.post(ends[0])
    assert [is_in(browser) for browser in others] == [False, True, True]
    here.post("/account/sessions/")
    assert [is_in(browser) for browser in (here, *others)] == [True, False, False, False]


def test_a_session_has_a_new_random_key_at_each_sign_in_and_no_other():
    who = newcomer()
    client = Client()
    client.cookies.load({settings.SESSION_COOKIE_NAME: "a" * 32})
    keys: list[str] = []
    for _ in range(3):
        client.post(SIGN_IN, {"login": who.email, "password": PASSWORD})
        assert is_in(client)
        keys.append(str(client.session.session_key))
        client.post("/account/logout/")
    assert len(set(keys)) == 3
    # 32 of 36 characters each: 165 bits.
    assert all(re.fullmatch(r"[a-z0-9]{32}", key) for key in keys)
    for key in ("a" * 32, *keys):
        earlier = Client()
        earlier.cookies.load({settings.SESSION_COOKIE_NAME: key})
        assert not is_in(earlier)


def test_to_end_sessions_one_confirms_who_one_is(clock):
    who = newcomer()
    here, other = signed_in(who), signed_in(who)
    page = here.get("/account/sessions/").content.decode()
    (end,) = re.findall(r'action="(/account/sessions/\d+/end/)"', page)
    clock.move_to(NOW + timedelta(minutes=16), tick=False)
    asked = here.get("/account/sessions/")["Location"]
    assert asked == "/account/reauthenticate/?next=%2Faccount%2Fsessions%2F"
    for address in (end, "/account/sessions/"):
        answer = here.post(address)
        assert answer.status_code == 409
        assert "Confirm it’s you" in answer.content.decode()
    assert is_in(other)
    assert here.post(asked, {"password": PASSWORD})["Location"] == "/account/sessions/"
    assert end in here.get("/account/sessions/").content.decode()
    here.post(end)
    assert not is_in(other)


@pytest.mark.parametrize("how", ["password", "code"])
def test_to_confirm_who_one_is_gives_the_session_a_new_key_and_ends_the_earlier_one(clock, how):
    who = newcomer() if how == "password" else with_second_step(newcomer())
    here = signed_in(who, step=how == "code")
    clock.move_to(NOW + timedelta(minutes=16), tick=False)
    thief = Client()
    thief.cookies.update(here.cookies)
    assert is_in(thief)
    wrong, right = (
        ({"password": "wrong"}, {"password": PASSWORD})
        if how == "password"
        else ({"code": "000000"}, {"code": code()})
    )
    address = "/account/reauthenticate/" if how == "password" else "/account/second-step/again/"
    here.post(address, wrong)
    assert is_in(thief)
    here.post(address, right)
    assert is_in(here)
    assert not is_in(thief)
    page = here.get("/account/sessions/").content.decode()
    assert page.count("This device.") == 1
    assert "/end/" not in page


def test_nobody_ends_the_session_of_somebody_else():
    theirs, mine = signed_in(person("other", password=PASSWORD)), signed_in(newcomer())
    assert "This device." in theirs.get("/account/sessions/").content.decode()
    pk = UserSession.objects.get(user__email="other@example.ca").pk
    assert mine.post(f"/account/sessions/{pk}/end/").status_code == 404
    assert is_in(theirs)
