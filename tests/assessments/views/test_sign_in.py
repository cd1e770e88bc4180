"""Signing in and out: by invitation only, and without revealing who has a sign-in."""

import logging
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from assessments.models import User
from assessments.services.hashing import LimitedArgon2
from assessments.views.sign_in import Adapter
from config import settings as settings_file
from config.logs import WithoutKeys
from tests.cast import PASSWORD, client_of, person

pytestmark = pytest.mark.django_db

MORNING = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)


@pytest.fixture
def member() -> User:
    return person("member", password=PASSWORD)


@pytest.fixture
def former() -> User:
    return person("former", password=PASSWORD, is_active=False)


def sign_in(client: Client, email: str, password: str = PASSWORD, **fields: str) -> Any:
    return client.post("/account/login/", {"login": email, "password": password, **fields})


def signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def without_token(response: Any) -> str:
    """A page without the token of its form, which differs each time."""
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", response.content.decode())


def link_in(message: Any) -> str:
    match = re.search(r"https?://\S+/account/password/reset/key/\S+", message.body)
    assert match
    return urlsplit(match[0]).path


# --- In -----------------------------------------------------------------------


def test_an_invited_person_signs_in_and_comes_to_the_register(client, member):
    response = sign_in(client, "Member@Example.CA ")
    assert (response.status_code, response["Location"]) == (302, "/office/")
    assert signed_in(client)


@pytest.mark.parametrize(
    "typed", ["\u200bmember@example.ca", "Pat Lee <member@example.ca>", "mailto:member@example.ca"]
)
def test_an_address_that_was_pasted_with_more_signs_in(client, member, typed):
    assert sign_in(client, typed)["Location"] == "/office/"
    client.post("/account/password/reset/", {"email": typed})
    assert [message.to for message in mail.outbox] == [["member@example.ca"]]


def test_signing_in_writes_no_row_about_the_address(client, member):
    sign_in(client, member.email)
    assert not EmailAddress.objects.exists()


def test_an_inactive_person_with_the_right_password_is_told_that_the_sign_in_is_closed(client, former):
    response = sign_in(client, former.email)
    assert response["Location"] == "/account/inactive/"
    assert not signed_in(client)


@pytest.mark.parametrize(
    "address", ["/check/keep", "http://testserver/help", "/office/accounts/new?from=list"]
)
def test_after_signing_in_one_goes_on_to_where_one_was_going(client, member, address):
    assert sign_in(client, member.email, next=address)["Location"] == address


def test_signing_in_never_leads_to_another_site(member):
    for address in (
        "https://elsewhere.example/",
        "//elsewhere.example/",
        "http:///elsewhere.example",
        r"/\elsewhere.example",
        "javascript:alert(1)",
        "https://testserver.elsewhere.example/",
    ):
        assert sign_in(Client(), member.email, next=address)["Location"] == "/office/", address


def test_what_an_address_carries_fills_in_no_form_and_of_two_values_the_last_counts(client, member):
    query = f"?login={member.email}&password={PASSWORD}"
    client.post(f"/account/login/{query}")
    assert not signed_in(client)
    client.post("/account/login/", {"login": member.email, "password": [PASSWORD, "wrong"]})
    assert not signed_in(client)
    client.post(
        "/account/login/", {"login": ["other@example.ca", member.email], "password": ["wrong", PASSWORD]}
    )
    assert signed_in(client)


def test_what_was_typed_stays_on_the_page_but_not_the_password(client, member):
    page = sign_in(client, "membre@example.ca", "not the one").content.decode()
    assert 'value="membre@example.ca"' in page
    assert "not the one" not in page


def test_a_password_is_kept_as_an_argon2_hash():
    assert settings_file.PASSWORD_HASHERS[0] == "assessments.services.hashing.LimitedArgon2"
    assert LimitedArgon2().encode(PASSWORD, "some-salt").startswith("argon2$argon2id$")


# --- By invitation only ---------------------------------------------------------


def test_pages_for_people_who_were_not_invited_are_not_there(client):
    sent = {"email": "new@example.ca", "password1": PASSWORD, "password2": PASSWORD}
    pages = ("signup", "email", "confirm-email", "login/code", "social/connections", "3rdparty")
    for address in ("/account/", *(f"/account/{page}/" for page in pages)):
        for send in (client.get, client.post):
            assert send(address, sent).status_code == 404, address
    assert not User.objects.exists()


def test_nobody_can_sign_up_whatever_page_asks(rf):
    assert Adapter().is_open_for_signup(rf.get("/")) is False


# --- Without telling who has a sign-in -------------------------------------------


@pytest.fixture(params=["nobody@example.ca", "former@example.ca", "invited@example.ca"])
def other(request, former) -> str:
    """An address with no account, one whose account is closed, and one that has no password yet."""
    person("invited")
    return str(request.param)


def test_a_wrong_password_gets_the_same_page_whoever_has_an_account(client, member, other):
    known, unknown = (sign_in(client, email, "wrong") for email in (member.email, other))
    assert known.status_code == unknown.status_code == 200
    assert without_token(known).replace(member.email, "") == without_token(unknown).replace(other, "")


def test_a_wrong_password_costs_the_same_work_whoever_has_an_account(client, member, other, monkeypatch):
    hashed: list[str] = []
    encode = MD5PasswordHasher.encode

    def counted(self: MD5PasswordHasher, password: str, salt: str) -> str:
        hashed.append(password)
        return encode(self, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", counted)
    work = []
    for email in (member.email, other):
        hashed.clear()
        with CaptureQueriesContext(connection) as asked:
            sign_in(client, email, "wrong")
        work.append((len(hashed), len(asked)))
    assert work[0] == work[1]
    assert work[0][0] == 1


@pytest.mark.parametrize("other", ["nobody@example.ca", "former@example.ca"])
def test_a_reset_gets_the_same_answer_and_the_same_work_whoever_has_an_account(client, member, former, other):
    answers, work = [], []
    for email in (member.email, other):
        with CaptureQueriesContext(connection) as asked:
            response = client.post("/account/password/reset/", {"email": email})
        answers.append((response.status_code, response["Location"], response.content))
        work.append((len(asked), len(mail.outbox)))
        mail.outbox.clear()
    assert answers[0] == answers[1] == (302, "/account/password/reset/done/", b"")
    assert work[0] == work[1]
    assert work[0][1] == 1


def test_the_page_after_a_reset_says_the_same_whoever_has_an_account(client, member):
    pages = []
    for email in (member.email, "nobody@example.ca"):
        response = client.post("/account/password/reset/", {"email": email}, follow=True)
        pages.append(without_token(response))
    assert pages[0] == pages[1]
    assert member.email not in pages[0]


@pytest.mark.parametrize("email", ["nobody@example.ca", "former@example.ca"])
def test_the_mail_to_an_address_without_a_sign_in_says_so_and_has_no_link(client, former, email):
    client.post("/account/password/reset/", {"email": email})
    (sent,) = mail.outbox
    assert sent.to == [email]
    assert "You can’t sign in with this address" in sent.body
    assert "http" not in sent.body


@pytest.mark.parametrize("email", ["member@example.ca", "nobody@example.ca"])
def test_when_mail_cannot_be_sent_the_page_says_so_whoever_has_an_account(client, member, settings, email):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_PORT = 9
    response = client.post("/account/password/reset/", {"email": email})
    assert response.status_code == 503
    assert "can’t send email right now" in response.content.decode()


def test_after_five_wrong_guesses_the_right_password_has_to_wait(client, member):
    for _ in range(5):
        sign_in(client, member.email, "wrong")
    assert "Too many attempts" in sign_in(client, member.email).content.decode()
    assert not signed_in(client)


def test_guesses_from_elsewhere_keep_nobody_from_signing_in(client, member):
    for _ in range(6):
        Client(REMOTE_ADDR="192.0.2.7").post("/account/login/", {"login": member.email, "password": "x"})
    sign_in(client, member.email)
    assert signed_in(client)


def test_guesses_in_the_same_building_do_not_shut_out_a_browser_that_has_signed_in_before(client, member):
    sign_in(client, member.email)
    client.post("/account/logout/")
    other = Client()
    for _ in range(6):
        sign_in(other, member.email, "wrong")
    assert "Too many attempts" in sign_in(other, member.email).content.decode()
    sign_in(client, member.email)
    assert signed_in(client)


def test_guesses_are_counted_whatever_name_of_the_host_they_use(client, member, settings):
    settings.ALLOWED_HOSTS = ["testserver"]
    for port in range(5):
        client.post(
            "/account/login/", {"login": member.email, "password": "x"}, HTTP_HOST=f"testserver:{4000 + port}"
        )
    assert "Too many attempts" in sign_in(client, member.email).content.decode()


def test_the_mark_of_a_browser_is_of_no_use_for_another_address(client, member):
    person("guesser", password=PASSWORD)
    sign_in(client, "guesser@example.ca")
    client.post("/account/logout/")
    for _ in range(5):
        sign_in(client, member.email, "wrong")
    client.cookies.pop("__Host-known")
    assert "Too many attempts" in sign_in(client, member.email).content.decode()


def test_a_log_line_holds_no_key_to_a_new_password():
    line = logging.LogRecord("x", 20, "x", 1, "Forbidden: %s", ("/account/password/reset/key/1-abc/",), None)
    assert WithoutKeys().filter(line)
    assert line.getMessage() == "Forbidden: /account/password/reset/key/…/"


def test_the_limit_on_guesses_is_the_same_for_an_address_without_an_account(client, db):
    for _ in range(5):
        sign_in(client, "nobody@example.ca", "wrong")
    assert "Too many attempts" in sign_in(client, "nobody@example.ca").content.decode()


def test_wrong_guesses_of_a_whole_building_keep_nobody_out_of_a_browser_that_has_signed_in_before(
    client, member
):
    sign_in(client, member.email)
    client.post("/account/logout/")
    # A header that anyone can send does not start the count of guesses again.
    other = [Client(headers={"X-Forwarded-For": f"1.2.3.{at}"}) for at in range(2)]
    for at in range(60):
        sign_in(other[at % 2], f"{at}@example.ca", "wrong")
    for elsewhere in (Client(), Client(headers={"X-Forwarded-For": "1.2.3.99"})):
        assert "Too many attempts" in sign_in(elsewhere, member.email).content.decode()
    sign_in(client, member.email)
    assert signed_in(client)


def test_a_browser_that_has_signed_in_before_has_a_count_of_its_own_all_the_same(client, member):
    sign_in(client, member.email)
    client.post("/account/logout/")
    for _ in range(5):
        sign_in(client, member.email, "wrong")
    assert "Too many attempts" in sign_in(client, member.email).content.decode()


def test_a_building_may_sign_in_with_many_passkeys_a_minute(client):
    answers = {client.post("/account/passkeys/sign-in/", {"credential": "{}"}).status_code for _ in range(40)}
    assert answers == {302}


def test_links_to_a_new_password_are_counted_by_address_and_network(client, member):
    def ask(email: str, where: str = "127.0.0.1") -> int:
        sent = {"email": email}
        return int(Client().post("/account/password/reset/", sent, REMOTE_ADDR=where).status_code)

    assert [ask(f"{at}@example.ca") for at in range(10)] == [302] * 10
    assert [ask(member.email) for _ in range(6)] == [302] * 5 + [429]
    assert ask("Member@Example.ca") == 429
    assert ask(member.email, "192.0.2.7") == 302


def test_a_mailbox_gets_at_most_twenty_links_an_hour_from_one_network(member):
    for minute in range(6):
        # A second more than each minute, so that the limit of a minute never counts the one before.
        with time_machine.travel(MORNING + minute * timedelta(seconds=61), tick=False):
            for _ in range(5):
                Client().post("/account/password/reset/", {"email": member.email})
    assert len(mail.outbox) == 20


@pytest.mark.parametrize("refused_for", ["the address", "the network", "the mail server"])
def test_a_link_that_is_not_sent_gives_back_the_address_that_was_typed(settings, refused_for):
    if refused_for == "the mail server":
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
        status, reason = 503, "send email right now"
    else:
        limit = {"the address": "reset_password_of", "the network": "reset_password"}[refused_for]
        per = "key" if limit == "reset_password_of" else "ip"
        settings.ACCOUNT_RATE_LIMITS = {limit: f"1/m/{per}"}
        status, reason = 429, "in a short time"
    for _ in range(2):
        answer = Client().post("/account/password/reset/", {"email": "pat@example.ca"})
    page = answer.content.decode()
    assert answer.status_code == status
    assert reason in page
    assert '<input type="hidden" name="email" value="pat@example.ca">' in page
    assert re.search(r"<dt>Email address</dt>\s*<dd[^>]*>\s*pat@example.ca", page)


@pytest.mark.parametrize("page", ["login", "password/reset", "logout"])
def test_an_address_that_is_none_leads_nowhere_and_breaks_nothing(member, page):
    for address in ("http://[", "//[", "http://[::1"):
        client = Client()
        if page == "logout":
            client.force_login(member)
        assert client.get(f"/account/{page}/", {"next": address}).status_code == 200
        sent = {"login": member.email, "email": member.email, "password": PASSWORD, "next": address}
        assert client.post(f"/account/{page}/", sent).status_code == 302


# --- A new password -----------------------------------------------------------------


def ask_for_link(client: Client, email: str) -> str:
    client.post("/account/password/reset/", {"email": email})
    return link_in(mail.outbox[-1])


def set_password(client: Client, link: str, new: str) -> Any:
    landed = client.get(link, follow=True)
    return client.post(landed.request["PATH_INFO"], {"password1": new, "password2": new})


def test_a_link_sets_a_new_password_once(client, member):
    link = ask_for_link(client, member.email)
    assert set_password(client, link, "loud-valley-77")["Location"] == "/account/password/reset/key/done/"
    assert not signed_in(client)
    assert "This link no longer works" in Client().get(link).content.decode()
    assert sign_in(client, member.email, "loud-valley-77").status_code == 302


def test_a_person_who_was_invited_sets_a_first_password_by_link(client):
    invited = person("invited")
    set_password(client, ask_for_link(client, invited.email), "loud-valley-77")
    assert sign_in(client, invited.email, "loud-valley-77").status_code == 302


def test_a_link_works_for_an_hour(client, member):
    with time_machine.travel(MORNING, tick=False) as clock:
        link = ask_for_link(client, member.email)
        clock.shift(timedelta(hours=1, seconds=1))
        assert "This link no longer works" in client.get(link).content.decode()


def test_a_weak_new_password_is_refused_with_words_for_it(client, member):
    page = set_password(client, ask_for_link(client, member.email), "12345").content.decode()
    assert "Use at least 8 characters" in page
    assert not Client().login(username=member.email, password="12345")


def test_a_change_of_password_signs_out_everywhere_else(client, member):
    elsewhere = Client()
    sign_in(client, member.email)
    sign_in(elsewhere, member.email)
    new = {"oldpassword": PASSWORD, "password1": "loud-valley-77", "password2": "loud-valley-77"}
    assert client.post("/account/password/change/", new)["Location"] == "/office/"
    assert client.get("/office/").status_code == 200
    assert elsewhere.get("/office/").status_code == 302


def test_a_new_password_undoes_nothing_that_changed_while_it_was_hashed(client, member, monkeypatch):
    sign_in(client, member.email)
    set_password = User.set_password

    def while_hashing(user: User, password: str) -> None:
        set_password(user, password)
        User.objects.filter(pk=user.pk).update(is_active=False, email="new@example.ca")

    monkeypatch.setattr(User, "set_password", while_hashing)
    new = {"oldpassword": PASSWORD, "password1": "loud-valley-77", "password2": "loud-valley-77"}
    client.post("/account/password/change/", new)
    member.refresh_from_db()
    assert member.check_password("loud-valley-77")
    assert (member.is_active, member.email) == (False, "new@example.ca")


def test_without_the_current_password_there_is_no_new_one(client, member):
    sign_in(client, member.email)
    new = {"oldpassword": "wrong", "password1": "loud-valley-77", "password2": "loud-valley-77"}
    assert "not your current password" in client.post("/account/password/change/", new).content.decode()
    member.refresh_from_db()
    assert member.check_password(PASSWORD)


# --- Out ------------------------------------------------------------------------------


def test_to_follow_a_link_to_sign_out_signs_nobody_out(client, member):
    sign_in(client, member.email)
    assert "Sign out?" in client.get("/account/logout/").content.decode()
    assert signed_in(client)


def test_signing_out_ends_the_session_and_leads_home(client, member):
    sign_in(client, member.email)
    key = client.session.session_key
    assert client.post("/account/logout/")["Location"] == "/"
    assert client.get("/office/")["Location"] == "/account/login/?next=/office/"
    client.cookies["__Host-sessionid"] = key
    assert client.get("/office/").status_code == 302


def test_a_session_ends_with_the_browser_and_is_out_of_reach_of_scripts(client, member):
    sign_in(client, member.email)
    cookie = client.cookies["__Host-sessionid"]
    assert cookie["max-age"] == cookie["expires"] == ""
    assert cookie["httponly"]
    assert cookie["secure"]
    assert cookie["samesite"] == "Lax"


def test_a_session_ends_after_twelve_hours_without_a_request_and_not_before(client, member):
    with time_machine.travel(MORNING, tick=False) as clock:
        sign_in(client, member.email)
        for _ in range(3):
            clock.shift(timedelta(hours=11, minutes=40))
            assert client.get("/office/").status_code == 200
        clock.shift(timedelta(hours=12, minutes=1))
        assert client.get("/office/").status_code == 302


def test_a_session_in_use_is_written_at_most_every_quarter_of_an_hour(client, member):
    with time_machine.travel(MORNING, tick=False) as clock:
        sign_in(client, member.email)
        client.get("/office/")
        clock.shift(timedelta(minutes=14))
        with CaptureQueriesContext(connection) as asked:
            client.get("/office/")
        assert not [query for query in asked if query["sql"].startswith("UPDATE")]


# --- Every page -------------------------------------------------------------------------

OUTSIDE = (
    "login/",
    "inactive/",
    "password/reset/",
    "password/reset/done/",
    "password/reset/key/1-abc-123/",
    "password/reset/key/done/",
)
INSIDE = ("logout/", "password/change/")


def test_a_page_about_signing_in_is_ours_and_is_kept_nowhere(client, member):
    for address in OUTSIDE + INSIDE:
        if address == INSIDE[0]:
            client.force_login(member)
        response = client.get(f"/account/{address}")
        assert response.status_code == 200, address
        assert 'class="site-header"' in response.content.decode(), address
        assert "no-store" in response["Cache-Control"], address
        assert "noindex" in response["X-Robots-Tag"], address


def test_a_person_without_a_password_is_led_to_set_one(client):
    client.force_login(person("invited"))
    response = client.get("/account/password/change/", follow=True)
    # Nothing proves yet that it is they, so the link comes by email.
    assert response.request["PATH_INFO"] == "/account/password/reset/"
    client = client_of(person("new"))
    response = client.get("/account/password/change/", follow=True)
    assert response.request["PATH_INFO"] == "/account/password/set/"
    assert "Set your password" in response.content.decode()


def test_a_script_that_asks_for_json_gets_the_page(client):
    response = client.get("/account/login/", HTTP_ACCEPT="application/json")
    assert response["Content-Type"] == "text/html; charset=utf-8"
