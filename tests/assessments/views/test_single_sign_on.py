"""Single sign-on by OpenID Connect, against a provider that answers over HTTP."""

from collections.abc import Iterator
from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from allauth.socialaccount.models import SocialAccount as Link
from django.test import Client
from django.utils import timezone
from oidc_provider_mock import User as Claims
from oidc_provider_mock import run_server_in_thread

from assessments.models import Invitation, User
from assessments.models.invitations import key_hash
from assessments.services.sign_ins import LinkConflict, link_single_sign_on
from assessments.views.single_sign_on import verified_email
from tests.cast import PASSWORD, person, with_second_step
from tests.config.test_settings import fault_of, settings_of

pytestmark = pytest.mark.django_db

START, CALLBACK, LINK, UNLINK = (
    f"/account/single-sign-on/{page}" for page in ("", "callback/", "link/", "unlink/")
)
PEOPLE: dict[str, dict[str, object]] = {
    "ana": {"email": "Member@Example.CA", "email_verified": True, "name": "Ana Silva", "picture": "a.jpg"},
    "other-ana": {"email": "member@example.ca", "email_verified": True},
    "unverified": {"email": "member@example.ca", "email_verified": False},
    "unverified-in-words": {"email": "member@example.ca", "email_verified": "false"},
    "verified-in-words": {"email": "member@example.ca", "email_verified": "true"},
    "silent": {"email": "member@example.ca"},
    "nameless": {},
    "odd": {"email": ["member@example.ca"], "email_verified": True},
    "invited": {"email": "invited@example.ca", "email_verified": True},
    "invited-unverified": {"email": "invited@example.ca", "email_verified": False},
    "late": {"email": "late@example.ca", "email_verified": True},
    "revoked": {"email": "revoked@example.ca", "email_verified": True},
    "stranger": {"email": "stranger@example.ca", "email_verified": True},
    "former": {"email": "former@example.ca", "email_verified": True},
}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The other site, where a few people can sign in."""
    claims = [Claims(sub=name, claims=dict(person)) for name, person in PEOPLE.items()]
    with run_server_in_thread(user_claims=claims) as running:
        yield f"http://localhost:{running.server_port}"


@pytest.fixture
def offered(settings: Any, server: str) -> str:
    settings.OIDC_NAME = "City account"
    app = {"provider_id": "oidc", "name": "City account", "client_id": "portal", "secret": "secret"}
    settings.SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [{**app, "settings": {"server_url": server}}]}
    }
    return server


@pytest.fixture
def member() -> User:
    return person("member", password=PASSWORD)


@pytest.fixture
def former() -> User:
    return person("former", password=PASSWORD, is_active=False)


@pytest.fixture
def invitations(member) -> None:
    now = timezone.now()
    for name, end in (
        ("invited", {}),
        ("late", {"ends_at": now}),
        ("revoked", {"revoked_at": now}),
    ):
        Invitation.objects.create(
            email=f"{name}@example.ca",
            role="member",
            seat=name,
            starts_on=date(2026, 1, 1),
            key_hash=key_hash(name),
            invited_by=member,
            **end,
        )


def sent_back(client: Client, person: str, query: str = "", **form: str) -> str:
    """Go to the other site and sign in there. Returns the address to which it sends the browser back."""
    away = client.get(START + query)["Location"]
    answer = requests.post(away, data=form or {"sub": person}, allow_redirects=False, timeout=5)
    back = urlsplit(answer.headers["Location"])
    assert back.path == CALLBACK
    return f"{back.path}?{back.query}"


def come(client: Client, person: str, query: str = "") -> Any:
    return client.get(sent_back(client, person, query))


def sign_in(client: Client, user: User, **fields: str) -> Any:
    return client.post("/account/login/", {"login": user.email, "password": PASSWORD, **fields})


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def linked(user: User, uid: str = "ana") -> None:
    link_single_sign_on(by=user, provider="oidc", uid=uid)


def without_token(answer: Any) -> str:
    """A page without the token of its form, which differs each time."""
    page: str = answer.content.decode()
    token = answer.context["csrf_token"]
    return page.replace(str(token), "")


# --- Offered or not -----------------------------------------------------------------


def test_without_a_server_nothing_is_offered(client):
    assert "Sign in with" not in client.get("/account/login/").content.decode().replace(
        "Sign in with a passkey", ""
    )
    assert client.get(START).status_code == client.get(CALLBACK).status_code == 404


def test_the_sign_in_page_offers_it_by_name_and_goes_on_to_where_one_was_going(client, offered):
    page = client.get("/account/login/?next=/check/keep").content.decode()
    assert "Sign in with City account" in page
    assert f'href="{START}?next=/check/keep"' in page.replace("%2F", "/")


def test_the_environment_turns_it_on_and_half_of_it_is_refused_at_the_start():
    half = {"DEBUG": "true", "OIDC_SERVER_URL": "https://login.example.ca"}
    assert "OIDC_CLIENT_ID" in fault_of(**half)
    other_half = {"OIDC_CLIENT_ID": "portal", "OIDC_CLIENT_SECRET": "x", "OIDC_NAME": "City account"}
    read = settings_of(**half, **other_half)
    assert "'server_url': 'https://login.example.ca'" in str(read["SOCIALACCOUNT_PROVIDERS"])
    assert read["OIDC_NAME"] == "City account"


def test_one_leaves_with_a_state_and_a_challenge_of_ones_own(client, offered):
    away = client.get(START)["Location"]
    assert away.startswith(f"{offered}/oauth2/authorize?")
    asked = parse_qs(urlsplit(away).query)
    assert set(asked["scope"][0].split()) == {"openid", "profile", "email"}
    assert asked["code_challenge_method"] == ["S256"]
    asked_again = parse_qs(urlsplit(client.get(START)["Location"]).query)
    for name in ("state", "code_challenge"):
        assert asked[name] != asked_again[name]


# --- Linking -------------------------------------------------------------------------


def test_someone_with_an_account_is_asked_to_sign_in_here_once_and_then_to_confirm(client, offered, member):
    answer = come(client, "ana")
    assert answer["Location"] == LINK
    assert not is_in(client)
    assert not Link.objects.exists()
    page = client.get(LINK)
    assert "Sign in here once" in page.content.decode()
    assert sign_in(client, member, next=LINK)["Location"] == LINK
    assert "Link City account to your sign-in?" in client.get(LINK).content.decode()
    assert not Link.objects.exists()
    assert client.post(LINK)["Location"] == "/account/security/"
    client.post("/account/logout/")

    assert come(client, "ana", "?next=/check/keep")["Location"] == "/check/keep"
    assert is_in(client)
    assert User.objects.count() == 1
    assert "Linked" in client.get("/account/security/").content.decode()


def test_of_what_the_other_site_tells_only_its_own_number_is_kept(client, offered, member):
    linked(member)
    come(client, "ana")
    assert is_in(client)
    assert list(Link.objects.values_list("uid", "extra_data")) == [("ana", {})]


def test_a_second_press_links_nothing_twice_and_tells_nobody_off(client, offered, member):
    come(client, "ana")
    sign_in(client, member)
    client.post(LINK)
    assert client.post(LINK).status_code == 403
    assert Link.objects.count() == 1


def test_to_link_one_proves_that_the_account_is_ones_own(client, offered, member):
    come(client, "ana")
    assert client.post(LINK).status_code == 200
    client.force_login(member)
    assert client.get(LINK)["Location"].startswith("/account/reauthenticate/?next=")
    assert client.post(LINK).status_code == 409
    assert not Link.objects.exists()
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    client.post(LINK)
    assert Link.objects.get().user == member


def test_someone_elses_account_cannot_be_linked(client, offered, member):
    come(client, "ana")
    sign_in(client, person("other", password=PASSWORD))
    assert client.get(LINK).status_code == client.post(LINK).status_code == 403
    assert not Link.objects.exists()


def test_an_offer_to_link_lasts_a_quarter_of_an_hour(client, offered, member):
    come(client, "ana")
    sign_in(client, member)
    session = client.session
    session["to_link"] = {**session["to_link"], "at": session["to_link"]["at"] - 15 * 60}
    session.save()
    assert client.post(LINK).status_code == 403
    assert not Link.objects.exists()


def test_a_link_is_moved_to_another_number_of_the_same_person_and_never_to_another_person(member):
    linked(member)
    linked(member, "other-ana")
    assert list(Link.objects.values_list("uid", flat=True)) == ["other-ana"]
    other = person("other")
    with pytest.raises(LinkConflict):
        linked(other, "other-ana")


def test_a_link_is_taken_away_after_a_fresh_proof(client, offered, member):
    linked(member)
    come(client, "ana")
    # The other site's word is no proof here.
    assert client.post(UNLINK).status_code == 409
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    assert client.post(UNLINK)["Location"] == "/account/security/"
    assert not Link.objects.exists()


def test_a_second_step_is_asked_of_those_who_come_this_way_too(client, offered, member):
    with_second_step(member)
    linked(member)
    assert come(client, "ana")["Location"] == "/account/second-step/"
    assert not is_in(client)


# --- Refused -----------------------------------------------------------------------------

REFUSED = (
    "unverified",
    "unverified-in-words",
    "verified-in-words",
    "silent",
    "nameless",
    "odd",
    "stranger",
    "former",
    "late",
    "revoked",
    "invited-unverified",
)


def test_all_who_are_refused_get_one_same_page_and_no_account(client, offered, member, former, invitations):
    people = User.objects.count()
    denied = client.get(sent_back(client, "", action="deny"))
    assert denied.status_code == 403
    assert "You can’t sign in this way" in without_token(denied)
    for who in REFUSED:
        answer = come(Client(), who)
        assert answer.status_code == 403, who
        assert without_token(answer) == without_token(denied), who
    assert (User.objects.count(), Link.objects.count()) == (people, 0)


def test_someone_with_an_open_invitation_is_sent_to_the_link_in_their_mail(client, offered, invitations):
    answer = come(client, "invited")
    assert "Use the link in your email first" in answer.content.decode()
    assert not is_in(client)
    assert not User.objects.filter(email="invited@example.ca").exists()
    assert Invitation.objects.open().filter(email="invited@example.ca").exists()


def test_after_accepting_the_invitation_they_can_link(client, offered, invitations):
    person("invited")
    assert come(client, "invited")["Location"] == LINK


@pytest.mark.parametrize("why", ["left", "address", "unverified"])
def test_a_link_opens_nothing_to_someone_who_left_or_whose_address_is_no_longer_vouched_for(
    client, offered, member, why
):
    linked(member, "unverified" if why == "unverified" else "ana")
    if why == "left":
        User.objects.update(is_active=False)
    elif why == "address":
        User.objects.update(email="renamed@example.ca")
    answer = come(client, "unverified" if why == "unverified" else "ana")
    assert answer.status_code == 403
    assert not is_in(client)


@pytest.mark.parametrize("state", ["other", "", None])
def test_a_state_that_is_not_this_browsers_is_refused(client, offered, member, state):
    linked(member)
    back = sent_back(client, "ana")
    path, _, query = back.partition("?")
    parts = {name: value for name, _, value in (part.partition("=") for part in query.split("&"))}
    answer = client.get(path, {"code": parts["code"], **({} if state is None else {"state": state})})
    assert answer.status_code == 403
    assert not is_in(client)


def test_a_way_back_works_in_the_browser_that_left_and_once(client, offered, member):
    linked(member)
    back = sent_back(client, "ana")
    stranger = Client()
    assert stranger.get(back).status_code == 403
    assert not is_in(stranger)
    client.get(back)
    assert is_in(client)
    assert client.get(back).status_code == 403


def test_an_answer_that_makes_no_sense_is_refused(client, offered):
    for query in ("", "?code=x", "?error=server_error", "?error=access_denied&state=x", "?state=%00"):
        assert client.get(CALLBACK + query).status_code == 403, query


def test_a_code_that_the_other_site_never_gave_is_refused(client, offered, member):
    back = sent_back(client, "ana")
    assert client.get(back.replace("code=", "code=x")).status_code == 403


@pytest.mark.parametrize("server_url", ["http://localhost:9", "http://localhost:9/\N{SNOWMAN}"])
def test_where_the_other_site_does_not_answer_the_page_says_that_nothing_changed(
    client, settings, offered, server_url
):
    settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][0]["settings"] = {"server_url": server_url}
    answer = client.get(START)
    assert answer.status_code == 403
    assert "Nothing has changed" in answer.content.decode()


def test_where_the_other_site_answers_with_something_else_the_page_says_so_too(client, settings, offered):
    settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][0]["settings"] = {
        "server_url": f"{offered}/.well-known/../"
    }
    assert client.get(START).status_code == 403


@pytest.mark.parametrize(
    ("claims", "email"),
    [
        ({"userinfo": {"sub": "1", "email": " A@X.ca", "email_verified": True}}, "a@x.ca"),
        ({"id_token": {"sub": "1", "email": "a@x.ca", "email_verified": True}}, "a@x.ca"),
        (
            {
                "userinfo": {"sub": "2", "email": "b@x.ca", "email_verified": True},
                "id_token": {"sub": "1", "email": "a@x.ca", "email_verified": True},
            },
            "",
        ),
        ({"userinfo": {"sub": "1", "email": "a@x.ca", "email_verified": 1}}, ""),
        ({"userinfo": {"sub": "1", "email": None, "email_verified": True}}, ""),
        ({"userinfo": "a@x.ca"}, ""),
        ({}, ""),
    ],
)
def test_an_address_counts_where_the_other_site_vouches_for_it_plainly(claims, email):
    assert verified_email(claims) == email
