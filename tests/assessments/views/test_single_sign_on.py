"""Single sign-on by OpenID Connect, against a provider over HTTP with tokens like Entra's, Okta's and Google's."""

import logging
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount as Link
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from oidc_provider_mock import User as Claims
from oidc_provider_mock import run_server_in_thread

from assessments.models import AuditEvent, Invitation, Office, OutgoingMail, User
from assessments.models.invitations import key_hash
from assessments.oidc import client as oidc_client
from assessments.oidc.claims import Identity, Reason, Refusal
from assessments.reports.trail import in_words
from assessments.services import security_log
from assessments.services.mail import send_mail
from assessments.services.sign_ins import link_single_sign_on
from assessments.views import single_sign_on
from config.oidc import Provider
from config.sessions import SessionStore
from tests.cast import PASSWORD, at_the_same_moment, client_of, person, together, with_second_step

pytestmark = pytest.mark.django_db

START, AGAIN, CALLBACK, JOIN, LINK, UNLINK = (
    f"/account/single-sign-on/{page}" for page in ("", "again/", "callback/", "join/", "link/", "unlink/")
)
TENANT = "3f1b0c52-9d7e-4c1a-8a55-0d1f2f3a4b5c"
OID = "0d1f2f3a-0000-4c1a-8a55-3f1b0c529d7e"
# The provider of the tests would add auth_time by itself, as Entra does only where it is an optional claim.
ENTRA: dict[str, object] = {"tid": TENANT, "oid": OID, "ver": "2.0", "auth_time": None}
PEOPLE: dict[str, dict[str, object]] = {
    # Entra's tokens do not have email_verified.
    "ana": ENTRA | {"preferred_username": "Member@Example.CA", "name": "Ana Silva", "picture": "a.jpg"},
    "other-ana": ENTRA | {"email": "member@example.ca"},
    "renamed-ana": ENTRA | {"email": "ana.married@example.ca"},
    "invited": ENTRA | {"email": "invited@example.ca", "name": " Bo\u202e  Bell "},
    "okta": {"email": "invited@example.ca", "email_verified": True, "amr": ["mfa", "pwd"]},
    "google": {"email": "invited@example.ca", "email_verified": True, "hd": "example.ca"},
    "former": ENTRA | {"email": "former@example.ca"},
    "late": ENTRA | {"email": "late@example.ca"},
    "revoked": ENTRA | {"email": "revoked@example.ca"},
    "stranger": ENTRA | {"email": "stranger@example.ca"},
    "unverified": ENTRA | {"email": "member@example.ca", "email_verified": False},
    "unowned": ENTRA | {"email": "member@example.ca", "xms_edov": False},
    "nameless": dict(ENTRA),
    "other-tenant": {"email": "member@example.ca", "tid": "11111111-9d7e-4c1a-8a55-0d1f2f3a4b5c"},
    "other-issuer": ENTRA | {"email": "member@example.ca", "iss": "https://login.example.com"},
    "other-audience": ENTRA | {"email": "member@example.ca", "aud": "another"},
    "other-nonce": ENTRA | {"email": "member@example.ca", "nonce": "another"},
    "expired": ENTRA | {"email": "member@example.ca", "exp": 1},
}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The provider, where a few people can sign in."""
    claims = [Claims(sub=name, claims=dict(person)) for name, person in PEOPLE.items()]
    with run_server_in_thread(user_claims=claims) as running:
        yield f"http://localhost:{running.server_port}"


@pytest.fixture
def entra(settings: Any, server: str) -> Provider:
    """The provider in the shape of Entra, offered beside passwords."""
    settings.OIDC = Provider(
        issuer=server,
        client_id="portal",
        client_secret="secret",
        name="City account",
        organization=TENANT,
        is_entra=True,
    )
    return settings.OIDC  # type: ignore[no-any-return]


@pytest.fixture
def only(settings: Any, entra: Provider) -> Provider:
    """The same, and no other way to sign in."""
    settings.OIDC = replace(entra, only=True)
    return settings.OIDC  # type: ignore[no-any-return]


@pytest.fixture
def member() -> User:
    return person("member", password=PASSWORD)


@pytest.fixture
def former() -> User:
    return person("former", password=PASSWORD, is_active=False)


@pytest.fixture
def invitations() -> None:
    now, inviter = timezone.now(), person("administrator", is_staff=True)
    for name, end in (("invited", {}), ("late", {"ends_at": now}), ("revoked", {"revoked_at": now})):
        Invitation.objects.create(
            email=f"{name}@example.ca",
            role="member",
            seat=name,
            starts_on=date(2026, 1, 1),
            key_hash=key_hash(name),
            invited_by=inviter,
            **end,
        )


@pytest.fixture
def reasons(caplog: Any, monkeypatch: Any) -> Any:
    """The reasons in the security log for which single sign-on was refused, in order."""
    caplog.set_level(logging.WARNING)
    # No test commits.
    monkeypatch.setattr(security_log, "after_commit", lambda _, work, *args, **fields: work(*args, **fields))

    def reasons() -> list[str]:
        lines: list[Any] = [record.msg for record in caplog.records if record.name == "portal.security"]
        return [line["reason"] for line in lines if line["event"] == "single_sign_on_refused"]

    return reasons


def sent_back(client: Client, who: str, start: str = START, **form: str) -> str:
    """Go to the provider and sign in there. Returns the address to which it sends the browser back."""
    away = client.get(start)["Location"]
    answer = requests.post(away, data=form or {"sub": who}, allow_redirects=False, timeout=5)
    back = urlsplit(answer.headers["Location"])
    assert back.path == CALLBACK
    return f"{back.path}?{back.query}"


def come(client: Client, who: str, start: str = START) -> Any:
    return client.get(sent_back(client, who, start))


def with_claims(server: Provider, who: str, **claims: object) -> None:
    """Have the provider say this, too, of a person."""
    body: Any = PEOPLE[who] | claims
    answer = requests.put(f"{server.issuer}/users/{who}", json=body, timeout=5)
    assert answer.status_code == 204


def sign_in(client: Client, user: User, **fields: str) -> Any:
    return client.post("/account/login/", {"login": user.email, "password": PASSWORD, **fields})


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def linked(
    user: User, provider: Provider, subject: str = "ana", *, tenant: str = TENANT, object_id: str = OID
) -> None:
    identity = Identity(issuer=provider.issuer, subject=subject, tenant=tenant, object_id=object_id)
    link_single_sign_on(by=user, identity=identity, replace=True)


def without_token(answer: Any) -> str:
    """A page without the token of its form, which differs each time."""
    page: str = answer.content.decode()
    token = answer.context["csrf_token"]
    return page.replace(str(token), "")


# --- Leaving ------------------------------------------------------------------------


def test_without_a_provider_nothing_is_offered(client):
    page = client.get("/account/login/").content.decode()
    assert "Sign in with" not in page.replace("Sign in with a passkey", "")
    assert client.get(START).status_code == client.get(CALLBACK).status_code == 404


def test_the_sign_in_page_offers_it_by_name_and_goes_on_to_where_one_was_going(client, entra):
    page = client.get("/account/login/?next=/check/keep").content.decode()
    assert "Sign in with City account" in page
    assert f'href="{START}?next=/check/keep"' in page.replace("%2F", "/")


def test_one_leaves_with_a_state_a_nonce_and_a_challenge_of_ones_own(client, entra):
    away = client.get(START)["Location"]
    assert away.startswith(f"{entra.issuer}/oauth2/authorize?")
    asked = parse_qs(urlsplit(away).query)
    assert asked["scope"] == ["openid profile email"]
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == [f"https://localhost{CALLBACK}"]
    assert not {"prompt", "max_age"} & asked.keys()
    asked_again = parse_qs(urlsplit(client.get(START)["Location"]).query)
    for name in ("state", "nonce", "code_challenge"):
        assert asked[name] != asked_again[name]


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_signs_nobody_in_without_a_press_of_their_own(client, entra, member, site):
    linked(member, entra)
    answer = client.get(f"{START}?next=/check/keep", headers={"Sec-Fetch-Site": site})
    assert answer["Location"] == "/account/login/?next=/check/keep"
    assert not client.session.get("departures")
    for own in ("same-origin", "none"):
        assert client.get(START, headers={"Sec-Fetch-Site": own})["Location"].startswith(entra.issuer)


def test_the_session_keeps_the_last_ten_departures(client, entra):
    first = sent_back(client, "ana")
    for _ in range(10):
        client.get(START)
    assert len(client.session["departures"]) == 10
    assert client.get(first).status_code == 403


def test_a_network_leaves_sixty_times_a_minute_so_that_nobody_keeps_the_portal_asking(
    entra, monkeypatch, reasons
):
    asked: list[str] = []

    def address(*_: Any, **how: Any) -> Any:
        asked.append(how["back"])
        return entra.issuer

    monkeypatch.setattr(single_sign_on, "address_to_leave", address)

    def leave(where: str = "127.0.0.1", client: Client | None = None, start: str = START) -> int:
        return int((client or Client()).get(start, REMOTE_ADDR=where).status_code)

    assert {leave() for _ in range(60)} == {302}
    assert leave() == 429
    assert leave(client=client_of(person("member")), start=AGAIN) == 429
    assert len(asked) == 60
    assert reasons() == ["network_limit"] * 2
    assert leave("192.0.2.7") == 302


# --- Linking -------------------------------------------------------------------------


def test_someone_with_a_sign_in_is_asked_to_sign_in_here_once_and_then_to_confirm(client, entra, member):
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

    assert come(client, "ana", f"{START}?next=/check/keep")["Location"] == "/check/keep"
    assert is_in(client)
    assert User.objects.count() == 1
    assert "Linked" in client.get("/account/security/").content.decode()


def test_someone_with_a_sign_in_who_is_invited_comes_back_to_the_invitation(
    client, entra, member, invitations
):
    Invitation.objects.filter(seat="invited").update(email=member.email)
    assert come(client, "ana", f"{START}?next=/invitation/invited")["Location"] == LINK
    sign_in(client, member, next=LINK)
    assert client.post(LINK)["Location"] == "/invitation/invited"


def test_of_what_the_provider_says_only_its_numbers_are_kept(client, entra, member):
    come(client, "ana")
    sign_in(client, member)
    client.post(LINK)
    kept = list(Link.objects.values_list("provider", "uid", "extra_data"))
    assert kept == [(entra.issuer, "ana", {"tid": TENANT, "oid": OID})]
    come(client, "ana")
    assert list(Link.objects.values_list("provider", "uid", "extra_data")) == kept


def test_a_second_press_links_nothing_twice(client, entra, member):
    come(client, "ana")
    sign_in(client, member)
    client.post(LINK)
    assert client.post(LINK).status_code == 403
    assert Link.objects.count() == 1


def test_to_link_one_proves_that_the_sign_in_is_ones_own(client, entra, member):
    come(client, "ana")
    assert client.post(LINK).status_code == 200
    client.force_login(member)
    assert client.get(LINK)["Location"].startswith("/account/reauthenticate/?next=")
    assert client.post(LINK).status_code == 409
    assert not Link.objects.exists()
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    client.post(LINK)
    assert Link.objects.get().user == member


def test_someone_elses_sign_in_cannot_be_linked(client, entra, member):
    come(client, "ana")
    sign_in(client, person("other", password=PASSWORD))
    assert client.get(LINK).status_code == client.post(LINK).status_code == 403
    assert not Link.objects.exists()


def test_an_offer_to_link_lasts_a_quarter_of_an_hour(client, entra, member):
    come(client, "ana")
    sign_in(client, member)
    session = client.session
    session["to_link"] = {**session["to_link"], "at": session["to_link"]["at"] - 15 * 60}
    session.save()
    assert client.post(LINK).status_code == 403
    assert not Link.objects.exists()


def test_a_link_moves_to_another_identity_of_the_same_person_and_never_to_another_person(entra, member):
    linked(member, entra)
    linked(member, entra, "other-ana")
    assert list(Link.objects.values_list("uid", flat=True)) == ["other-ana"]
    other = person("other")
    with pytest.raises(Refusal, match="linked_to_another"):
        linked(other, entra, "other-ana")


def test_a_link_is_removed_after_a_fresh_proof(client, entra, member):
    linked(member, entra)
    come(client, "ana")
    # The provider may not have asked them anything.
    assert client.post(UNLINK).status_code == 409
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    assert client.post(UNLINK)["Location"] == "/account/security/"
    assert not Link.objects.exists()


def test_someone_without_a_password_keeps_the_link(entra):
    user = person("member")
    linked(user, entra)
    client = client_of(user)
    assert "Remove the link" not in client.get("/account/security/").content.decode()
    page = client.post(UNLINK, follow=True).content.decode()
    assert "Set a password first" in page
    assert Link.objects.exists()


def test_a_second_step_is_asked_of_those_who_come_this_way_too(client, entra, member):
    with_second_step(member)
    linked(member, entra)
    assert come(client, "ana")["Location"] == "/account/second-step/"
    assert not is_in(client)


def test_a_link_that_an_operator_removes_ends_all_sessions_and_the_trail_says_whose_it_was(
    client, entra, member, django_capture_on_commit_callbacks
):
    linked(member, entra)
    come(client, "ana")
    mail.outbox.clear()
    with django_capture_on_commit_callbacks(execute=True):
        call_command("forget_single_sign_on", member.email)
    assert client.get("/office/").status_code == 302
    assert not Link.objects.exists()
    (line,) = in_words([AuditEvent.objects.of_chain(None).latest("number")])
    assert line.words == f"The portal removed the link to single sign-on from the sign-in of {member}"
    (notice,) = mail.outbox
    assert "The link to single sign-on was removed" in str(notice.body)
    # Another identity can be linked now.
    assert come(client, "other-ana")["Location"] == LINK


@pytest.mark.parametrize("who", ["ana", "renamed-ana"])
def test_the_subject_decides_whatever_the_address_is_by_now(client, entra, member, who):
    linked(member, entra, who)
    User.objects.update(email="another@example.ca")
    come(client, who)
    assert is_in(client)


@pytest.mark.parametrize("entra_had", [{"tenant": "11111111"}, {"object_id": "22222222"}, {"object_id": ""}])
def test_a_link_is_of_one_tenant_and_one_object(client, entra, member, entra_had, reasons):
    linked(member, entra, **entra_had)
    assert come(client, "ana").status_code == 403
    assert reasons() == ["link_differs"]


def test_a_link_to_an_earlier_provider_signs_nobody_in(client, entra, member):
    linked(member, replace(entra, issuer="https://before.example.ca"))
    assert come(client, "ana")["Location"] == LINK


# --- Refused -----------------------------------------------------------------------------

REFUSED = {
    "stranger": Reason.NO_INVITATION,
    "former": Reason.SUSPENDED,
    "late": Reason.NO_INVITATION,
    "revoked": Reason.NO_INVITATION,
    "unverified": Reason.ADDRESS_UNVERIFIED,
    "unowned": Reason.ADDRESS_UNVERIFIED,
    "nameless": Reason.NO_ADDRESS,
    "other-tenant": Reason.TENANT,
    "other-issuer": Reason.ISSUER,
    "other-audience": Reason.AUDIENCE,
    "other-nonce": Reason.NONCE,
    "expired": Reason.EXPIRED,
}


@pytest.mark.parametrize("alone", [False, True])
def test_all_who_are_refused_get_one_same_page_and_the_log_has_the_reason(
    client, settings, entra, member, *, former, invitations, reasons, alone
):
    settings.OIDC = replace(entra, only=alone)
    people = User.objects.count()
    denied = client.get(sent_back(client, "", action="deny"))
    assert denied.status_code == 403
    assert "You can’t sign in this way" in without_token(denied)
    clock = re.compile(r"tell your IT help desk the time: \d+ \w+ \d{4}, \d\d:\d\d E[SD]T\.")
    assert clock.search(without_token(denied))
    for who in REFUSED:
        answer = come(Client(), who)
        assert answer.status_code == 403, who
        assert clock.sub("", without_token(answer)) == clock.sub("", without_token(denied)), who
    # The provider of the tests sends no state with a refusal.
    assert reasons() == ["state", *REFUSED.values()]
    assert (User.objects.count(), Link.objects.count()) == (people, 0)


def test_the_log_has_no_address_and_no_claim(client, entra, member, reasons, caplog):
    for who in ("stranger", "other-tenant", "other-issuer"):
        come(client, who)
    assert len(reasons()) == 3
    for word in ("example.ca", "11111111", "login.example.com", "stranger"):
        assert word not in caplog.text


def test_a_suspended_person_is_refused_although_linked(client, entra, member, reasons):
    linked(member, entra)
    User.objects.update(is_active=False)
    assert come(client, "ana").status_code == 403
    assert reasons() == ["suspended"]


def test_the_log_says_whose_sign_in_was_refused_if_the_portal_knows(
    client, settings, entra, member, *, former, reasons, caplog
):
    settings.OIDC = replace(entra, only=True)
    linked(member, entra, "other-ana")
    for who in ("former", "ana", "stranger"):
        come(Client(), who)
    Link.objects.update(extra_data={})
    come(Client(), "other-ana")
    assert reasons() == ["suspended", "linked_to_another", "no_invitation", "link_differs"]
    lines: list[Any] = [record.msg for record in caplog.records if record.name == "portal.security"]
    refused = [line["person"] for line in lines if line["event"] == "single_sign_on_refused"]
    assert refused == [str(former.pk), str(member.pk), None, str(member.pk)]


@pytest.mark.parametrize("state", ["other", "", None])
def test_a_state_that_is_not_this_browsers_is_refused(client, entra, member, state, reasons):
    linked(member, entra)
    back = sent_back(client, "ana")
    path, _, query = back.partition("?")
    parts = {name: value for name, _, value in (part.partition("=") for part in query.split("&"))}
    answer = client.get(path, {"code": parts["code"], **({} if state is None else {"state": state})})
    assert answer.status_code == 403
    assert reasons() == ["state"]
    assert not is_in(client)


def test_a_way_back_works_in_the_browser_that_left_and_once(client, entra, member):
    linked(member, entra)
    back = sent_back(client, "ana")
    stranger = Client()
    assert stranger.get(back).status_code == 403
    assert not is_in(stranger)
    client.get(back)
    assert is_in(client)
    assert client.get(back).status_code == 403


def test_a_way_back_is_taken_before_the_provider_is_asked(client, entra, member, monkeypatch, reasons):
    back, left = sent_back(client, "ana"), []

    def slow(*_: Any, **__: Any) -> Identity:
        left.append(client.session["departures"])
        raise Refusal(Reason.PROVIDER_SILENT)

    monkeypatch.setattr(single_sign_on, "identity_of", slow)
    client.get(back)
    assert left == [{}]
    assert reasons() == ["provider_silent"]


def test_of_two_ways_back_at_the_same_moment_the_second_finds_the_session_ended(
    client, entra, member, monkeypatch, reasons
):
    linked(member, entra)
    back = sent_back(client, "ana")
    save = SessionStore.save

    def save_too_late(self: SessionStore, must_create: bool = False) -> None:
        # The first signed the person in, which gives the session a new key.
        Session.objects.filter(session_key=self.session_key).delete()
        save(self, must_create)

    monkeypatch.setattr(SessionStore, "save", save_too_late)
    assert client.get(back).status_code == 403
    assert reasons() == ["state"]


def test_a_way_back_works_for_ten_minutes(client, entra, member, time_machine, reasons):
    linked(member, entra)
    back = sent_back(client, "ana")
    time_machine.move_to(time.time() + 10 * 60)
    assert client.get(back).status_code == 403
    assert reasons() == ["state"]


def test_a_code_of_another_departure_is_refused_with_its_token(client, entra, member, reasons):
    linked(member, entra)
    first, second = sent_back(client, "ana"), sent_back(client, "ana")
    code = parse_qs(urlsplit(first).query)["code"][0]
    state = parse_qs(urlsplit(second).query)["state"][0]
    assert client.get(CALLBACK, {"code": code, "state": state}).status_code == 403
    # The provider compares PKCE's challenge, and refuses before there is a token with another nonce.
    assert reasons() in (["provider_refused"], ["nonce"])
    assert not is_in(client)


def test_someone_who_cancels_there_is_back_at_the_one_page(client, entra, reasons):
    state = parse_qs(urlsplit(client.get(START)["Location"]).query)["state"][0]
    assert client.get(CALLBACK, {"error": "access_denied", "state": state}).status_code == 403
    assert reasons() == ["provider_refused"]


def test_an_answer_that_makes_no_sense_is_refused(client, entra):
    for query in ("", "?code=x", "?error=server_error", "?error=access_denied&state=x", "?state=%00"):
        assert client.get(CALLBACK + query).status_code == 403, query


def test_a_code_that_the_provider_never_gave_is_refused(client, entra, reasons):
    back = sent_back(client, "ana")
    assert client.get(back.replace("code=", "code=x")).status_code == 403
    assert reasons() == ["provider_refused"]


@pytest.mark.parametrize(
    ("issuer", "reason"),
    [
        ("http://localhost:9", "provider_silent"),
        ("http://localhost:9/\N{SNOWMAN}", "provider_silent"),
        ("http://localhost:99999", "provider_unreadable"),
        ("{server}/missing", "provider_silent"),
        ("{server}/.well-known/openid-configuration/../..", "issuer"),
    ],
)
def test_where_the_provider_does_not_answer_the_page_says_that_nothing_changed(
    client, settings, entra, reasons, *, issuer, reason
):
    settings.OIDC = replace(entra, issuer=issuer.format(server=entra.issuer))
    answer = client.get(START)
    assert answer.status_code == 403
    assert "Nothing has changed" in answer.content.decode()
    assert reasons() == [reason]


def test_a_token_that_someone_else_signed_is_refused(client, entra, member, monkeypatch, reasons):
    linked(member, entra)
    with run_server_in_thread() as other:
        genuine = oidc_client._get

        def get(address: str, **how: Any) -> requests.Response:
            # The keys are another server's: the key that signed is not among them.
            return genuine(
                f"http://localhost:{other.server_port}/jwks" if "jwks" in address else address, **how
            )

        monkeypatch.setattr(oidc_client, "_get", get)
        assert come(client, "ana").status_code == 403
    assert reasons() == ["signature"]


# --- Joining ---------------------------------------------------------------------------


@pytest.mark.parametrize("start", [START, f"{START}?next=/invitation/invited"])
@pytest.mark.parametrize("who", ["invited", "okta", "google"])
def test_someone_invited_joins_without_a_password(client, settings, entra, invitations, *, start, who):
    settings.OIDC = replace(
        entra,
        is_entra=who == "invited",
        organization={"invited": TENANT, "okta": "", "google": "example.ca"}[who],
    )
    if "invitation" in start:
        page = client.get("/invitation/invited").content.decode()
        assert f'href="{start}"' in page.replace("%2F", "/")
    assert come(client, who, start)["Location"] == JOIN
    page = client.get(JOIN).content.decode()
    assert "for the seat invited" in page
    assert ('value="Bo Bell"' in page) is (who == "invited")
    assert not is_in(client)
    assert client.post(JOIN, {"name": "Bo Bell"})["Location"] == "/office/"
    assert is_in(client)
    bo = User.objects.get(email="invited@example.ca")
    assert (bo.name, bo.has_usable_password()) == ("Bo Bell", False)
    assert Office.objects.get(name="invited").member == bo
    assert Invitation.objects.get(seat="invited").used_by == bo
    actions = AuditEvent.objects.order_by("number").values_list("action", flat=True)
    assert list(actions) == ["joined", "sso_linked", "signed_in"]
    client.post("/account/logout/")
    come(client, who)
    assert is_in(client)


@pytest.mark.parametrize("name", ["", "\u202e", "a" * 201])
def test_a_name_that_is_missing_or_too_long_is_said_and_nobody_joins(client, entra, invitations, name):
    come(client, "invited")
    page = client.post(JOIN, {"name": name}).content.decode()
    assert "There is a problem" in page
    assert not User.objects.filter(email="invited@example.ca").exists()


def test_the_link_in_the_email_is_for_the_address_that_was_invited(client, entra, invitations, reasons):
    assert come(client, "stranger", f"{START}?next=/invitation/invited").status_code == 403
    assert reasons() == ["other_address"]


@pytest.mark.parametrize("key", ["late", "revoked", "unknown"])
def test_a_link_that_no_longer_works_is_refused(client, entra, invitations, reasons, key):
    assert come(client, "invited", f"{START}?next=/invitation/{key}").status_code == 403
    assert reasons() == ["invitation_gone"]
    assert client.get(JOIN).status_code == 403


@pytest.mark.parametrize("end", ["used_at", "revoked_at", "ends_at"])
def test_an_invitation_that_ends_meanwhile_says_so(client, entra, invitations, member, *, end, reasons):
    come(client, "invited")
    more = {"used_by": member} if end == "used_at" else {}
    Invitation.objects.filter(seat="invited").update(**{end: timezone.now()}, **more)
    for answer in (client.get(JOIN), client.post(JOIN, {"name": "Bo"})):
        assert answer.status_code == 404
        assert "This invitation can’t be used" in answer.content.decode()
    assert set(reasons()) == {"invitation_gone"}
    assert not User.objects.filter(email="invited@example.ca").exists()


def test_a_second_press_and_a_second_browser_join_once(entra, invitations):
    clients = [Client(), Client()]
    for client in clients:
        come(client, "invited")
    answers = [client.post(JOIN, {"name": "Bo"}).status_code for client in (*clients, clients[0])]
    assert answers == [302, 404, 403]
    assert User.objects.filter(email="invited@example.ca").count() == Link.objects.count() == 1


def test_an_ordinary_acceptance_comes_first(client, entra, invitations):
    come(client, "invited")
    new = {"name": "Bo", "new_password1": PASSWORD, "new_password2": PASSWORD}
    assert Client().post("/invitation/invited", new).status_code == 302
    assert client.post(JOIN, {"name": "Bo"}).status_code == 404
    assert come(client, "invited")["Location"] == LINK


def test_a_sign_in_that_was_made_a_moment_ago_is_found_on_the_next_way_back(client, entra, invitations):
    come(client, "invited")
    person("invited")
    assert client.post(JOIN, {"name": "Bo"})["Location"] == START
    assert come(client, "invited")["Location"] == LINK


def test_a_seat_that_is_held_is_said_and_nothing_is_made(client, entra, invitations, member):
    Office.objects.create(name="invited", member=member, starts_on=date(2026, 1, 1))
    come(client, "invited")
    assert "Someone already holds this seat" in client.post(JOIN, {"name": "Bo"}).content.decode()
    assert not User.objects.filter(email="invited@example.ca").exists()
    assert not Link.objects.exists()


@at_the_same_moment
def test_of_two_browsers_that_join_at_once_one_comes_in(entra, invitations):
    new = {"name": "Bo", "new_password1": PASSWORD, "new_password2": PASSWORD}
    clients = [Client(), Client()]
    for client in clients:
        come(client, "invited")
    answers = together(
        *(lambda client=client: client.post(JOIN, {"name": "Bo"}).status_code for client in clients),
        lambda: Client().post("/invitation/invited", new).status_code,
    )
    assert sorted(answers) == [302, 404, 404]
    assert User.objects.filter(email="invited@example.ca").count() == 1


# --- The second step, and confirming who one is ----------------------------------------


def officer_of(provider: Provider) -> User:
    officer = person("member", is_officer=True)
    Authenticator.objects.all().delete()
    linked(officer, provider)
    return officer


@pytest.mark.parametrize(
    ("accepted", "amr", "enters"),
    [
        (frozenset(), ["mfa"], False),
        ({("amr", "mfa")}, ["pwd"], False),
        ({("amr", "mfa")}, ["pwd", "mfa"], True),
    ],
)
def test_an_asserted_second_step_counts_where_the_operator_says_so(
    client, settings, entra, *, accepted, amr, enters
):
    settings.OIDC = replace(entra, second_step=frozenset(accepted))
    officer_of(entra)
    with_claims(entra, "ana", amr=amr)
    come(client, "ana")
    answer = client.get("/desk/")
    assert (answer.status_code == 200) is enters
    assert enters or answer["Location"] == "/account/security/"
    # It counts for this session alone.
    with_claims(entra, "ana", amr=["pwd"])
    other = Client()
    come(other, "ana")
    assert other.get("/desk/").status_code == 302


def test_someone_without_a_password_confirms_by_single_sign_on(client, entra):
    linked(person("member"), entra)
    with_claims(entra, "ana")
    come(client, "ana")
    page = client.get("/your-details/")
    assert page["Location"] == f"{AGAIN}?next=%2Fyour-details%2F"
    asked = parse_qs(urlsplit(client.get(page["Location"])["Location"]).query)
    assert (asked["prompt"], asked["max_age"]) == (["login"], ["0"])
    with_claims(entra, "ana", auth_time=int(time.time()))
    assert come(client, "ana", page["Location"])["Location"] == "/your-details/"
    assert client.get("/your-details/").status_code == 200


@pytest.mark.parametrize(
    ("claims", "reason"), [({}, "no_auth_time"), ({"auth_time": 1_700_000_000}, "not_proven_now")]
)
def test_without_a_sign_in_of_that_moment_nothing_is_confirmed(client, entra, reasons, claims, reason):
    linked(person("member"), entra)
    with_claims(entra, "ana", **claims)
    come(client, "ana")
    assert come(client, "ana", AGAIN).status_code == 403
    assert reasons() == [reason]
    assert client.get("/your-details/").status_code == 302
    assert is_in(client)


def test_one_confirms_as_oneself(client, entra, reasons):
    linked(person("member"), entra)
    linked(person("other"), entra, "other-ana")
    come(client, "ana")
    with_claims(entra, "other-ana", auth_time=int(time.time()))
    assert come(client, "other-ana", AGAIN).status_code == 403
    assert reasons() == ["linked_to_another"]
    assert client.get("/your-details/").status_code == 302


def test_a_sign_in_that_the_provider_asked_for_just_then_is_a_proof(client, entra):
    linked(person("member"), entra)
    with_claims(entra, "ana", auth_time=int(time.time()))
    come(client, "ana")
    assert client.get("/your-details/").status_code == 200
    assert client.get("/account/app/").status_code == 200


@pytest.mark.parametrize("page", ["/account/app/", "/account/passkeys/add/", "/account/password/set/"])
def test_no_page_for_signing_in_opens_to_an_old_session_without_a_password(client, entra, page):
    linked(person("member"), entra)
    with_claims(entra, "ana")
    come(client, "ana")
    for answer in (client.get(page), client.post(page, {"password1": PASSWORD, "password2": PASSWORD})):
        assert answer.status_code == 409 or answer["Location"].startswith(AGAIN)
    assert not User.objects.get().has_usable_password()


def test_the_link_in_the_email_proves_who_joins_and_the_providers_word_alone_does_not(entra, invitations):
    by_link, by_word = Client(), Client()
    come(by_word, "invited")
    come(by_link, "invited", f"{START}?next=/invitation/invited")
    assert by_link.session["to_join"]["asked_now"] is True
    assert by_word.session["to_join"]["asked_now"] is False
    by_link.post(JOIN, {"name": "Bo"})
    assert by_link.get("/account/app/").status_code == 200


# --- Single sign-on only ---------------------------------------------------------------


def test_only_single_sign_on_is_offered_and_no_page_takes_a_password(client, only, member, invitations):
    page = client.get("/account/login/").content.decode()
    assert "Sign in with City account" in page
    for word in ('type="password"', "passkey", "password/reset"):
        assert word not in page
    assert sign_in(client, member)["Location"] == "/account/login/"
    assert not is_in(client)
    for path in (
        "password/reset/",
        "password/change/",
        "password/set/",
        "passkeys/sign-in/",
    ):
        assert client.get(f"/account/{path}").status_code == 404, path
        assert client_of(member).get(f"/account/{path}").status_code == 404, path
    confirm = client_of(member).post("/account/reauthenticate/?next=/your-details/", {"password": PASSWORD})
    assert confirm["Location"] == f"{AGAIN}?next=%2Fyour-details%2F"
    invitation = client.get("/invitation/invited").content.decode()
    assert "Continue with City account" in invitation
    assert 'type="password"' not in invitation
    new = {"name": "Bo", "new_password1": PASSWORD, "new_password2": PASSWORD}
    client.post("/invitation/invited", new)
    assert not User.objects.filter(email="invited@example.ca").exists()
    settings_page = client_of(member).get("/account/security/").content.decode()
    assert "password/change" not in settings_page


@pytest.mark.parametrize("fields", [{}, {"is_staff": True, "is_superuser": True, "is_officer": False}])
def test_whoever_has_a_sign_in_is_linked_by_the_address_once(client, only, fields, reasons):
    user = person("member", password=PASSWORD, **fields)
    Authenticator.objects.all().delete()
    with_claims(only, "ana")
    come(client, "ana")
    assert is_in(client)
    assert Link.objects.get().user == user
    # Another identity with the same address is not let in, and does not take over.
    assert come(Client(), "other-ana").status_code == 403
    assert reasons() == ["linked_to_another"]
    assert Link.objects.get().uid == "ana"


def test_confirming_does_not_ask_for_the_password(client, only, member):
    with_claims(only, "ana")
    come(client, "ana")
    assert client.get("/your-details/")["Location"].startswith(AGAIN)
    with_claims(only, "ana", auth_time=int(time.time()))
    come(client, "ana", AGAIN)
    assert client.get("/your-details/").status_code == 200
    assert client.post(UNLINK).status_code == 404


def test_emails_name_no_page_that_is_not_there(only, member, mailoutbox):
    send_mail(to=member.email, name="sign_in_change", context={"what": "new_device", "path": "/"})
    assert "Change your password for City account." in mailoutbox[-1].body
    for text in (mailoutbox[-1].body, mailoutbox[-1].alternatives[0][0]):
        assert "password/reset" not in text


@pytest.mark.parametrize("name", ["sign_in_change", "email_asked"])
def test_emails_name_only_the_providers_password(only, member, mailoutbox, name):
    context = {"what": "code_guesses", "when": "today", "path": "/", "address": "p•••@example.ca"}
    send_mail(to=member.email, name=name, context=context)
    for text in (mailoutbox[-1].body, mailoutbox[-1].alternatives[0][0]):
        assert text.count("password") == text.count("password for City account") > 0


def test_a_new_link_is_an_event_and_an_email(client, only, member):
    with_claims(only, "ana")
    come(client, "ana")
    assert AuditEvent.objects.filter(action="sso_linked").count() == 1
    assert OutgoingMail.objects.filter(name="sign_in_change").count() == 1
    come(client, "ana")
    assert AuditEvent.objects.filter(action="sso_linked").count() == 1
