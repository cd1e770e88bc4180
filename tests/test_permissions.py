"""What each person gets at every URL of the portal, by method (tests/cases/permissions.yaml)."""

from collections.abc import Iterable
from copy import copy
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, include, path, reverse
from django.utils import timezone

from assessments.middleware.headers import FOR_EVERYONE
from assessments.models import AnonymousCheck, Invitation, Membership, Office, SocialAccount, User
from assessments.models.invitations import key_hash
from assessments.samples import sample
from assessments.services.drafts import start_assessment, start_check
from assessments.services.notices import stop_token
from assessments.services.people import invite
from assessments.services.reviewing import comment
from assessments.views.workspace import COOKIE
from bulletin.publish import publish_edition
from bulletin.shelf import editions
from tests.attested import attested, shared
from tests.second_step import let_in, let_in_now, with_second_step
from tests.tables import table

pytestmark = pytest.mark.one_database

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
PEOPLE = (
    "anonymous",
    "with_check",
    "stranger",
    "other_staff",
    "former_staff",
    "officer",
    "administrator",
    "staff",
    "member",
)
INSIDE = ("staff", "member")
"""Who may see what the office keeps."""
SHARED = {"desk", "share", "share_pdf", "share_summary", "share_json", "share_exchange"}
"""The URLs where an officer reads what the member shared."""
SIGNED_IN = PEOPLE[2:]
GROUPS = {"everyone": PEOPLE, "not_signed_in": PEOPLE[:2], "signed_in": SIGNED_IN, "inside": INSIDE}
REFUSED = 405
ELSEWHERE = "admin/"
"""The URLs below this are Django's own, and Django tests them."""
KEY = "the-key-of-an-open-invitation"
OFFICES, CHECKS = "@office-6142", "@check-6142"
"""The handles of the office's account and of the browser's check. Nobody else may read them."""

ROWS: list[dict[str, Any]] = table("permissions.yaml")
ROW = {row["address"]: row for row in ROWS}


def expected(row: dict[str, Any], person: str) -> dict[str, int]:
    """The status of each method, from the row's narrowest line that includes the person."""
    lines = [row[group] for group, people in GROUPS.items() if person in people and group in row]
    statuses = row.get(person) or lines[-1]
    return {method: int(statuses.get(method, statuses.get("any", REFUSED))) for method in METHODS}


def addresses(patterns: Iterable[URLPattern | URLResolver], before: str = "", space: str = "") -> set[str]:
    """The name of every URL below `patterns`, or its route if it has no name."""
    names = set()
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if route == ELSEWHERE:
            continue
        if isinstance(pattern, URLResolver):
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            names |= addresses(pattern.url_patterns, route, inner)
        else:
            names.add(space + pattern.name if pattern.name else route)
    return names


def not_in_the_table(urls: Any = None) -> set[str]:
    return addresses(get_resolver(urls).url_patterns) - ROW.keys()


# --- The table --------------------------------------------------------------------


def test_every_address_is_in_the_table():
    assert not_in_the_table() == set()


def test_every_row_of_the_table_is_an_address_once_and_names_people_and_methods():
    assert sorted(row["address"] for row in ROWS) == sorted(addresses(get_resolver().url_patterns))
    for row in ROWS:
        groups = row.keys() - {"address", "to", "query", "sent", "fresh"}
        assert groups <= {*GROUPS, *PEOPLE}
        assert {method for group in groups for method in row[group]} <= {*METHODS, "any"}


def _view(_: HttpRequest, **__: Any) -> HttpResponse:
    return HttpResponse()


class MoreAddresses:
    urlpatterns = (
        path("", include("config.urls")),
        path("secret/", _view, name="secret"),
        path("nameless/<int:number>", _view),
        path("deep/", include(([path("er/", _view, name="inner")], "app"), namespace="space")),
        path("admin/", _view),
    )


def test_an_address_that_the_table_lacks_is_found():
    assert not_in_the_table(MoreAddresses) == {"secret", "nameless/<int:number>", "space:inner"}


# --- What each person gets ----------------------------------------------------------


@pytest.fixture(scope="module")
def module_pks(module_db: None) -> dict[str, int | str]:
    """An office with an account and a draft: their keys by the names that the table gives them."""
    for edition in editions().values():
        publish_edition(edition=edition)
    people = {name: User.objects.create_user(f"{name}@example.ca", name=name) for name in SIGNED_IN}
    office = Office.objects.create(name="Ward 10", member=people["member"], starts_on=date(2022, 11, 15))
    elsewhere = Office.objects.create(name="Ward 4", member=people["stranger"], starts_on=date(2022, 11, 15))
    Membership.objects.create(office=elsewhere, user=people["other_staff"])
    User.objects.filter(name="officer").update(is_officer=True)
    User.objects.filter(name="administrator").update(is_staff=True, is_superuser=True)
    for name in ("officer", "administrator"):
        with_second_step(people[name])
    ended_at = timezone.now() + timedelta(seconds=1)
    membership = Membership.objects.create(office=office, user=people["staff"])
    Membership.objects.create(office=office, user=people["former_staff"], ended_at=ended_at)
    account = SocialAccount.objects.create(office=office, platform="TikTok", handle=OFFICES)
    draft = start_assessment(account=account, by=people["member"])
    thread = comment(assessment=draft, about="whole", subject="", text="A comment.", by=people["staff"])
    invitation = invite(email="invited@example.ca", role="staff", office=office, by=people["member"])
    Invitation.objects.filter(pk=invitation.pk).update(key_hash=key_hash(KEY))
    share = shared(attested(account), ask="May I?")
    return {
        "the_share": share.pk,
        "the_account": account.pk,
        "the_draft": draft.pk,
        "the_office": office.pk,
        "the_membership": membership.pk,
        "the_invitation": invitation.pk,
        "the_thread": thread.pk,
        "the_token": stop_token(people["member"]),
        "the_stranger": people["stranger"].pk,
    }


@pytest.fixture
def pks(module_pks: dict[str, int | str], db: None) -> dict[str, int | str]:
    """The same, for a test whose own writes are undone after it."""
    return module_pks


def client_of(person: str, *, fresh: bool = False, **options: Any) -> Client:
    """A browser of this person, who signed in long ago or, with `fresh`, just now."""
    client = Client(**options)
    if person == "with_check":
        check, client.cookies[COOKIE] = start_check()
        AnonymousCheck.objects.filter(pk=check.pk).update(handle=CHECKS)
    elif person in SIGNED_IN:
        (let_in_now if fresh else let_in)(client, User.objects.get(email=f"{person}@example.ca"))
    return client


def address_of(row: dict[str, Any], pks: dict[str, int | str]) -> str:
    values = {name: pks.get(value, value) for name, value in row.get("to", {}).items()}
    return str(reverse(row["address"], kwargs=values)) + str(row.get("query", ""))


def sent_by(row: dict[str, Any]) -> dict[str, Any]:
    """The form that a POST sends."""
    sent = dict(row.get("sent", {}))
    if sent.get("answers"):
        sent["answers"] = sample(sent["answers"]).decode()
    return sent


def answers_to(row: dict[str, Any], person: str, pks: dict[str, int | str]) -> dict[str, Any]:
    """The answer to each method, each as if nothing had been asked before."""
    sent = sent_by(row)
    arrived = client_of(person, fresh=row.get("fresh", False)).cookies
    answers = {}
    for method in METHODS:
        with transaction.atomic():
            more = {"data": sent} if method == "POST" else {}
            client = Client()
            client.cookies = copy(arrived)
            answers[method] = getattr(client, method.lower())(address_of(row, pks), **more)
            transaction.set_rollback(True)
    return answers


def statuses(answers: dict[str, Any]) -> dict[str, int]:
    return {method: answer.status_code for method, answer in answers.items()}


def missing_headers(address: str, answer: Any) -> list[str]:
    """The names of the protections that an answer should carry and does not."""
    policy = answer.get("Content-Security-Policy", "")
    wanted = {
        "policy": "default-src 'none'" in policy and "unsafe" not in policy,
        "frames": "frame-ancestors 'none'" in policy and answer.get("X-Frame-Options") == "DENY",
        "sniffing": answer.get("X-Content-Type-Options") == "nosniff",
        "referrer": answer.get("Referrer-Policy") == "same-origin",
        "caches": "no-store" in answer.get("Cache-Control", ""),
        "searches": "noindex" in answer.get("X-Robots-Tag", "") or address in FOR_EVERYONE,
    }
    return [name for name, there in wanted.items() if not there]


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("address", ROW)
def test_each_person_gets_what_the_table_says_and_reads_only_their_own(pks, address, person):
    answers = answers_to(ROW[address], person, pks)
    assert statuses(answers) == expected(ROW[address], person)
    for method, answer in answers.items():
        assert missing_headers(address, answer) == [], method
        may_read = person in INSIDE or (person == "officer" and address in SHARED)
        assert may_read or OFFICES.encode() not in answer.content, method
        assert person == "with_check" or CHECKS.encode() not in answer.content, method


@pytest.mark.parametrize(
    ("address", "person", "word"),
    [
        *(
            (address, who, OFFICES)
            for address in ("register", "account", "assessment:tasks")
            for who in INSIDE
        ),
        ("check:details", "with_check", CHECKS),
    ],
)
def test_those_who_may_read_it_do(pks, address, person, word):
    assert word in client_of(person).get(address_of(ROW[address], pks)).content.decode()


@pytest.mark.parametrize("address", ROW)
def test_a_form_without_its_token_is_refused_whoever_sends_it(pks, address):
    row = ROW[address]
    got = {
        person: client_of(person, enforce_csrf_checks=True).post(address_of(row, pks), row.get("sent", {}))
        for person in PEOPLE
    }
    # A mail program presses that button without a token (RFC 8058): the URL itself has a signed one.
    assert statuses(got) == dict.fromkeys(PEOPLE, 200 if address == "stop_notices" else 403)


@pytest.mark.parametrize("address", [row["address"] for row in ROWS if row.get("fresh")])
def test_what_asks_for_a_fresh_proof_is_not_done_without_one_and_not_lost(pks, address):
    row = ROW[address]
    for person in SIGNED_IN:
        if expected(row, person)["POST"] == 302:
            answer = client_of(person).post(address_of(row, pks), sent_by(row))
            assert answer.status_code == 409, person
            assert "fresh proof" in answer.content.decode()


class Unguarded:
    """The portal with one of its views replaced by one without guards."""

    urlpatterns = (
        path("assessments/<int:pk>/", include(([path("answers", _view, name="answers")], "assessment"))),
        path("", include("config.urls")),
    )


@pytest.mark.parametrize("person", [who for who in PEOPLE if who not in INSIDE])
def test_a_view_without_its_guard_is_found(pks, settings, person):
    row = ROW["assessment:answers"]
    address = address_of(row, pks)
    settings.ROOT_URLCONF = Unguarded
    assert client_of(person).get(address).status_code == 200
    assert statuses(answers_to(row, person, pks)) != expected(row, person)
