"""Every address of the portal, by who asks and how (tests/cases/permissions.yaml)."""

from collections.abc import Iterable
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, include, path, reverse

from assessments.models import User
from tests.tables import table

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
PEOPLE = ("anonymous", "signed_in")
REFUSED = 405
ELSEWHERE = "admin/"
"""Whose addresses are Django's own, and tested there."""

ROWS: list[dict[str, Any]] = table("permissions.yaml")
CASES = [
    (row["address"], person, method, int(row[person].get(method, REFUSED)))
    for row in ROWS
    for person in PEOPLE
    for method in METHODS
]


def addresses(patterns: Iterable[URLPattern | URLResolver], before: str = "", space: str = "") -> set[str]:
    """The name of every address below `patterns`; of one without a name, its route."""
    found = set()
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if route == ELSEWHERE:
            continue
        if isinstance(pattern, URLResolver):
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            found |= addresses(pattern.url_patterns, route, inner)
        else:
            found.add(space + pattern.name if pattern.name else route)
    return found


def not_in_the_table(urls: Any = None) -> set[str]:
    return addresses(get_resolver(urls).url_patterns) - {row["address"] for row in ROWS}


def test_every_address_is_in_the_table():
    assert not_in_the_table() == set()


def test_every_row_of_the_table_is_an_address_and_names_everyone():
    named = [row["address"] for row in ROWS]
    assert sorted(named) == sorted(addresses(get_resolver().url_patterns))
    for row in ROWS:
        assert row.keys() == {"address", *PEOPLE}
        assert {method for person in PEOPLE for method in row[person]} <= set(METHODS)


def _view(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


planted = [
    path("", include("assessments.urls")),
    path("secret/", _view, name="secret"),
    path("nameless/<int:number>", _view),
    path("deep/", include(([path("er/", _view, name="inner")], "app"), namespace="space")),
    path("admin/", _view),
]


def test_an_address_that_the_table_lacks_is_found():
    class Planted:
        urlpatterns = planted

    assert not_in_the_table(Planted) == {"secret", "nameless/<int:number>", "space:inner"}


@pytest.fixture
def clients(db: None) -> dict[str, Client]:
    signed_in = Client()
    signed_in.force_login(User.objects.create_user(email="someone@example.ca", name="Someone"))
    return {"anonymous": Client(), "signed_in": signed_in}


@pytest.mark.parametrize(("address", "person", "method", "status"), CASES)
def test_the_status_is_what_the_table_says(clients, address, person, method, status):
    sent = {"data": {"sample": "nothing-flagged"}} if method == "POST" else {}
    answer = getattr(clients[person], method.lower())(reverse(address), **sent)
    assert answer.status_code == status


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("address", [row["address"] for row in ROWS if "POST" in row["anonymous"]])
def test_a_form_without_its_token_is_refused_whoever_sends_it(clients, address, person):
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = clients[person].cookies
    assert strict.post(reverse(address), {"sample": "nothing-flagged"}).status_code == 403
