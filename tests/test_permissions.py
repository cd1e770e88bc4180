"""What each person gets at every URL of the portal, by method (tests/cases/permissions.yaml)."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from copy import copy
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, include, path, reverse

from assessments.middleware.headers import FOR_EVERYONE
from assessments.models import AnonymousCheck, DoneMark, Invitation, Membership
from assessments.models.invitations import key_hash
from assessments.samples import sample
from assessments.services.answering import Change, save_answers
from assessments.services.drafts import start_check
from assessments.services.notices import stop_token
from assessments.services.people import invite
from assessments.services.reviewing import comment
from assessments.views.workspace import COOKIE
from tests.cast import HANDLE, Cast
from tests.tables import table

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
KEY = "the-key-of-an-open-invitation"
CHECKS = "@check-6142"
"""The handle of the browser's check: no one else may read it, nor HANDLE, the office's."""

ROWS: list[dict[str, Any]] = table("permissions.yaml")
ROW = {row["address"]: row for row in ROWS}


def expected(row: dict[str, Any], person: str) -> dict[str, int]:
    """The status of each method, from the row's narrowest line that includes the person."""
    lines = [row[group] for group, people in GROUPS.items() if person in people and group in row]
    statuses = row.get(person) or lines[-1]
    return {method: int(statuses.get(method, statuses.get("any", REFUSED))) for method in METHODS}


def routes(
    patterns: Iterable[URLPattern | URLResolver], before: str = "", space: str = ""
) -> Iterator[tuple[str, str]]:
    """The name and the route of every URL below `patterns`; one without a name goes by its route."""
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            yield from routes(pattern.url_patterns, route, inner)
        else:
            yield space + pattern.name if pattern.name else route, route


def addresses(patterns: Iterable[URLPattern | URLResolver]) -> set[str]:
    """The name of every URL below `patterns`."""
    return {name for name, _ in routes(patterns)}


def not_in_the_table(urls: Any = None) -> set[str]:
    return addresses(get_resolver(urls).url_patterns) - ROW.keys()


# --- The table --------------------------------------------------------------------


def test_every_address_is_in_the_table():
    assert not_in_the_table() == set()


def test_no_two_urls_share_a_name_or_a_route():
    names, paths = zip(*routes(get_resolver().url_patterns), strict=True)
    assert [name for name, uses in Counter(names).items() if uses > 1] == []
    assert [path for path, uses in Counter(paths).items() if uses > 1] == []


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
    )


def test_an_address_that_the_table_lacks_is_found():
    assert not_in_the_table(MoreAddresses) == {"secret", "nameless/<int:number>", "space:inner"}


# --- What each person gets ----------------------------------------------------------


@pytest.fixture(scope="module")
def module_pks(module_cast: Cast, module_share: int) -> dict[str, int | str]:
    """What the addresses are about: keys by the names that the table gives them."""
    cast = module_cast
    # With these, rule 9 is to do, so that it can be marked as done.
    to_do = [Change("resources.email", "yes", ""), Change("resources.policies", "no", "")]
    save_answers(draft=cast.draft, changes=to_do, by=cast.staff)
    thread = comment(assessment=cast.draft, about="whole", subject="", text="A comment.", by=cast.staff)
    invitation = invite(email="invited@example.ca", role="staff", office=cast.office, by=cast.member)
    Invitation.objects.filter(pk=invitation.pk).update(key_hash=key_hash(KEY))
    return {
        "the_share": module_share,
        "the_account": cast.account_pk,
        "the_draft": cast.draft_pk,
        "the_office": cast.office_pk,
        "the_membership": Membership.objects.get(user=cast.staff).pk,
        "the_invitation": invitation.pk,
        "the_thread": thread.pk,
        "the_token": stop_token(cast.member),
        "the_stranger": cast.stranger.pk,
        "the_staff": cast.staff.pk,
    }


@pytest.fixture
def pks(module_pks: dict[str, int | str], db: None) -> dict[str, int | str]:
    """The same, for a test whose own writes are undone after it."""
    return module_pks


@pytest.fixture
def browser(cast: Cast) -> Callable[..., Client]:
    """Opens a browser of one of PEOPLE, who signed in long ago or, with `fresh`, just now."""

    def browser_of(person: str, *, fresh: bool = False, **options: Any) -> Client:
        if person in SIGNED_IN:
            return cast.client(person, fresh=fresh, **options)
        client = Client(**options)
        if person == "with_check":
            check, client.cookies[COOKIE] = start_check()
            AnonymousCheck.objects.filter(pk=check.pk).update(handle=CHECKS)
        return client

    return browser_of


def address_of(row: dict[str, Any], pks: dict[str, int | str]) -> str:
    values = {name: pks.get(value, value) for name, value in row.get("to", {}).items()}
    return str(reverse(row["address"], kwargs=values)) + str(row.get("query", ""))


def sent_by(row: dict[str, Any]) -> dict[str, Any]:
    """The form that a POST sends."""
    sent = dict(row.get("sent", {}))
    if sent.get("answers"):
        sent["answers"] = sample(sent["answers"]).decode()
    return sent


def answers_to(
    row: dict[str, Any], arrived: Client, pks: dict[str, int | str], methods: Iterable[str]
) -> dict[str, Any]:
    """The answer to each method from someone who has arrived, each as if nothing had been asked before."""
    answers = {}
    for method in methods:
        with transaction.atomic():
            more = {"data": sent_by(row)} if method == "POST" else {}
            client = Client()
            client.cookies = copy(arrived.cookies)
            answers[method] = getattr(client, method.lower())(address_of(row, pks), **more)
            transaction.set_rollback(True)
    return answers


def allowed(row: dict[str, Any]) -> list[str]:
    """The methods that the table does not refuse to everybody."""
    return [
        method for method in METHODS if any(expected(row, person)[method] != REFUSED for person in PEOPLE)
    ]


def statuses(answers: dict[str, Any]) -> dict[str, int]:
    return {method: answer.status_code for method, answer in answers.items()}


def missing_headers(address: str, answer: Any) -> list[str]:
    """The names of the protections that an answer should carry and does not."""
    policy, kind = answer.get("Content-Security-Policy", ""), answer.get("Content-Type", "")
    wanted = {
        "policy": "default-src 'none'" in policy and "unsafe" not in policy,
        "frames": "frame-ancestors 'none'" in policy and answer.get("X-Frame-Options") == "DENY",
        "sniffing": answer.get("X-Content-Type-Options") == "nosniff",
        "referrer": answer.get("Referrer-Policy") == "same-origin",
        "caches": "no-store" in answer.get("Cache-Control", ""),
        "charset": "charset=utf-8" in kind if kind.startswith("text/") else "charset" not in kind,
        "type": bool(kind) or answer.status_code in (204, 304, 405) or answer.get("Content-Length") == "0",
        "origins": "Access-Control-Allow-Origin" not in answer,
        "searches": "noindex" in answer.get("X-Robots-Tag", "") or address in FOR_EVERYONE,
    }
    return [name for name, there in wanted.items() if not there]


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("address", ROW)
def test_each_person_gets_what_the_table_says_and_reads_only_their_own(pks, browser, address, person):
    row = ROW[address]
    methods = allowed(row)
    answers = answers_to(row, browser(person, fresh=row.get("fresh", False)), pks, methods)
    assert statuses(answers) == {method: expected(row, person)[method] for method in methods}
    for method, answer in answers.items():
        assert missing_headers(address, answer) == [], method
        may_read = person in INSIDE or (person == "officer" and address in SHARED)
        assert may_read or HANDLE.encode() not in answer.content, method
        assert person == "with_check" or CHECKS.encode() not in answer.content, method


@pytest.mark.parametrize("address", ROW)
def test_a_method_that_the_table_names_for_nobody_is_refused(pks, browser, address):
    row = ROW[address]
    methods = [method for method in METHODS if method not in allowed(row)]
    # Whoever may do most here: a guard refuses others before the method is looked at.
    arrived = browser("with_check" if address.startswith("check:") else "member", fresh=True)
    answers = answers_to(row, arrived, pks, methods)
    assert statuses(answers) == dict.fromkeys(methods, REFUSED)
    for method, answer in answers.items():
        assert missing_headers(address, answer) == [], method


@pytest.mark.parametrize(
    ("address", "person", "word"),
    [
        *(
            (address, who, HANDLE)
            for address in ("register", "account", "assessment:tasks")
            for who in INSIDE
        ),
        ("check:details", "with_check", CHECKS),
    ],
)
def test_those_who_may_read_it_do(pks, browser, address, person, word):
    assert word in browser(person).get(address_of(ROW[address], pks)).content.decode()


def test_the_rule_that_the_table_marks_as_done_is_to_do(pks, browser):
    row = ROW["assessment:done"]
    browser("member").post(address_of(row, pks), sent_by(row))
    assert [mark.rule for mark in DoneMark.objects.all()] == [row["sent"]["rule"]]


@pytest.mark.parametrize("address", ROW)
def test_a_form_without_its_token_is_refused(pks, browser, address):
    row = ROW[address]
    # Django asks for the token before any view or guard runs, so that who sends it makes no difference.
    answer = browser("member", enforce_csrf_checks=True).post(address_of(row, pks), row.get("sent", {}))
    # A mail program presses that button without a token (RFC 8058): the URL itself has a signed one.
    assert answer.status_code == {"stop_notices": 200}.get(address, 403)


@pytest.mark.parametrize("address", [row["address"] for row in ROWS if row.get("fresh")])
def test_what_asks_for_a_fresh_proof_is_not_done_without_one_and_not_lost(pks, browser, address):
    row = ROW[address]
    for person in SIGNED_IN:
        if expected(row, person)["POST"] == 302:
            answer = browser(person).post(address_of(row, pks), sent_by(row))
            assert answer.status_code == 409, person
            assert "Confirm it’s you" in answer.content.decode()


@pytest.mark.parametrize("person", ["member", "officer", "administrator"])
def test_every_page_of_someone_signed_in_has_the_button_to_sign_out(pks, browser, person):
    pages = 0
    for address, row in ROW.items():
        if expected(row, person)["GET"] == 200:
            answers = answers_to(row, browser(person, fresh=row.get("fresh", False)), pks, ["GET"])
            answer = answers["GET"]
            if answer.get("Content-Type", "").startswith("text/html"):
                pages += 1
                assert 'action="/account/logout/"' in answer.content.decode(), address
    assert pages > 10


class Unguarded:
    """The portal with one of its views replaced by one without guards."""

    urlpatterns = (
        path("assessments/<int:pk>/", include(([path("answers", _view, name="answers")], "assessment"))),
        path("", include("config.urls")),
    )


@pytest.mark.parametrize("person", [who for who in PEOPLE if who not in INSIDE])
def test_a_view_without_its_guard_is_found(pks, browser, settings, person):
    row = ROW["assessment:answers"]
    settings.ROOT_URLCONF = Unguarded
    answers = answers_to(row, browser(person), pks, ["GET"])
    assert statuses(answers) == {"GET": 200}
    assert statuses(answers)["GET"] != expected(row, person)["GET"]
