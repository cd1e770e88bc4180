"""A few hundred requests of the fuzzer (`make fuzz`), and each of its checks failing once."""

import logging
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from django.core import mail
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import include, path

from assessments.models import Answer, Comment
from config.handler import Handler
from tests.fuzz import faults, run, wire
from tests.fuzz.atlas import all_routes
from tests.fuzz.raw import TEMPLATES, malformed
from tests.fuzz.texts import hostile, mark_of, seeded
from tests.fuzz.wire import Ask, send
from tests.fuzz.world import World, make_world

pytestmark = pytest.mark.django_db
SEED = 7


@pytest.mark.postgres
def test_a_few_hundred_hostile_requests_find_no_fault(world, monkeypatch):
    monkeypatch.setattr(run, "PAGES", 10)
    report = run.run(world, range(200), seed=SEED)
    assert [f"{fault}: {ask}" for _, fault, ask in report.faults] == []
    assert report.requests > 300
    assert len(report.counts["person"]) > 10
    assert {"200", "302", "400", "403", "404", "405"} <= report.counts["status"].keys()


def test_a_case_is_the_same_each_time_and_every_url_pattern_is_in_one():
    assert [hostile(seeded(SEED, 3), "m") for _ in range(2)] == [hostile(seeded(SEED, 3), "m")] * 2
    names = {route.name for route in all_routes()}
    assert {"assessment:section", "account_reset_password_from_key", "invitation"} <= names
    key = next(route for route in all_routes() if route.name == "account_reset_password_from_key")
    assert key.path({"uidb36": "1", "key": "a-b"}) == "/account/password/reset/key/1-a-b/"


def test_each_malformed_request_is_sent_as_it_stands_once():
    first = [malformed(seeded(SEED, number), number, "m") for number in range(len(TEMPLATES))]
    assert len({*first}) == len(TEMPLATES)


# --- Each check can fail --------------------------------------------------------------


def _leak(_: HttpRequest) -> HttpResponse:
    return HttpResponse(Answer.objects.exclude(note="").first().note)  # type: ignore[union-attr]


def _echo(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.GET["q"])


def _away(_: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect("//evil.example/")


def _fail(_: HttpRequest) -> HttpResponse:
    raise RuntimeError


def _log(request: HttpRequest) -> HttpResponse:
    logging.getLogger("portal.x").warning("It says %s", request.GET["q"])
    return HttpResponse()


def _mail(request: HttpRequest) -> HttpResponse:
    mail.send_mail("Hello", request.GET["q"], None, ["a@example.ca"])
    return HttpResponse()


def _change(_: HttpRequest) -> HttpResponse:
    Comment.objects.update(text="changed")
    return HttpResponse()


class Faulty:
    urlpatterns = (
        *(path(f"{view.__name__}", view) for view in (_leak, _echo, _away, _fail, _log, _mail, _change)),
        path("", include("config.urls")),
    )


@pytest.fixture(scope="module")
def module_world(module_db: None) -> World:
    with run.printed_as_html():
        return make_world(SEED)


@pytest.fixture
def world(module_world: World, db: None) -> Iterator[World]:
    """Everyone, in the rows that all tests of this module share."""
    with run.kept_open():
        yield module_world


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("view", "fault"),
    [
        ("_leak", "shows what is hidden from stranger: kept of ward10"),
        ("_echo", "not escaped"),
        ("_away", "leads to another site"),
        ("_fail", "status 500"),
        ("_fail", "in the log: an exception in a view: RuntimeError"),
        ("_log", "in a log line"),
        ("_mail", "in an email: Hello"),
    ],
)
def test_a_fault_of_a_response_is_found(world, settings, view, fault):
    settings.ROOT_URLCONF = Faulty
    assert any(re.match(fault, found) for found in _faults(world, f"/{view}"))


@pytest.mark.postgres
def test_a_change_by_someone_who_may_not_is_found(world, settings):
    settings.ROOT_URLCONF = Faulty
    before = faults.digests(world)
    with faults.watching() as watch:
        send(Ask("stranger", "GET", b"/_change"))
        assert faults.writes_kept(watch)
    after = faults.digests(world)
    ask = Ask("stranger", "GET", b"/_change")
    assert [*faults.changed(ask, before, after)] == ["stranger changed what ward10 keeps"]


def test_a_response_without_its_headers_is_found(world, settings, monkeypatch):
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "csp" not in name]
    monkeypatch.setattr(wire, "application", cache(Handler))
    assert "headers missing: policy, frames" in _faults(world, "/help")


def _faults(world: World, address: str) -> list[str]:
    mark = mark_of(SEED, "sent")
    ask: Any = Ask("stranger", "GET", address.encode(), f"q=<{mark}>".encode(), mark=mark)
    with faults.watching() as watch:
        reply = send(ask)
        return [*faults.of_response(ask, reply, watch, world, widened=False)]
