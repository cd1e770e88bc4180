"""The log: one line of JSON per event, with its request's identifier and without what people wrote."""

import http.client
import io
import json
import logging
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import DataError, IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from assessments.middleware.request_log import IncompleteResponse
from assessments.models import Office, User
from config.logs import Lines, WithoutRequests, safe_traceback

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.django_db
# Its second line could be taken for the next line of a traceback.
WORDS = "zq7\n\nTraceback (most recent call last):\n  zq7"
EMAIL = "zq7@example.ca"


def _twice() -> None:
    User.objects.create_user(EMAIL, name=WORDS)
    with transaction.atomic():
        User.objects.bulk_create([User(email=EMAIL, name=WORDS)])


def _half() -> None:
    with transaction.atomic():
        # Without the day on which it starts.
        Office.objects.bulk_create([Office(name=WORDS, member=User.objects.create_user(EMAIL))])


REFUSED: dict[str, Callable[[], None]] = {"twice": _twice, "half": _half}


def refused(request: HttpRequest, how: str) -> HttpResponse:
    """Write a row that the database refuses."""
    REFUSED[how]()
    return HttpResponse()


urlpatterns = [path("refused/<str:how>", refused)]


@pytest.fixture
def lines(monkeypatch):
    """The lines that go to standard error, parsed."""
    stream = io.StringIO()
    for name in ("portal", "django"):
        handler = next(h for h in logging.getLogger(name).handlers if type(h) is logging.StreamHandler)
        monkeypatch.setattr(handler, "stream", stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_request_is_a_line_with_its_identifier_and_no_query(lines):
    answer = Client().get("/check/", {"note": "zq7"})
    (line,) = [line for line in lines() if line["event"] == "answered"]
    assert (line["method"], line["path"], line["status"]) == ("GET", "/check/", 302)
    assert line["request"] == answer["X-Request-ID"]
    assert "zq7" not in json.dumps(lines())


@pytest.mark.parametrize(
    "path", ["/invitation/zq7key", "/notices/stop/zq7key", "/account/password/reset/key/1-zq7key/"]
)
def test_no_line_has_the_key_of_a_link(lines, path):
    Client().get(path)
    assert lines()
    assert "zq7key" not in json.dumps(lines())


@pytest.mark.parametrize(
    ("proxies", "identifier", "accepted"),
    [
        (1, "a1b2c3d4e5", True),
        (0, "a1b2c3d4e5", False),
        (1, "short", False),
        (1, "x" * 65, False),
        (1, "a1b2c3d4 secret", False),
        (1, "", False),
    ],
)
def test_an_identifier_is_taken_from_a_proxy_of_ours_alone(settings, proxies, identifier, accepted):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies
    sent: dict[str, Any] = {"X-Request-ID": identifier}
    answer = Client().get("/health/live", headers=sent)
    assert (answer["X-Request-ID"] == identifier) is accepted
    assert len(answer["X-Request-ID"]) == (len(identifier) if accepted else 32)


def test_the_log_goes_to_standard_error_alone_and_its_times_are_utc(lines):
    handlers: Any = django_settings.LOGGING["handlers"]
    assert {name: handler["class"] for name, handler in handlers.items()} == {
        "stderr": "logging.StreamHandler"
    }
    loggers: Any = django_settings.LOGGING["loggers"]
    assert all(logger["handlers"] == ["stderr"] for logger in loggers.values())
    Client().get("/")
    assert all(line["timestamp"].endswith("Z") for line in lines())


@pytest.mark.parametrize(
    "path", ["/zq7%0a%7B%22event%22:%22forged%22%7D", "/zq7%0d%0aforged", "/zq7%1b[2J%00"]
)
def test_no_address_writes_a_line_of_its_own_into_the_log(monkeypatch, path):
    stream = io.StringIO()
    for name in ("portal", "django"):
        handler = next(h for h in logging.getLogger(name).handlers if type(h) is logging.StreamHandler)
        monkeypatch.setattr(handler, "stream", stream)
    Client().get(path)
    parsed = [json.loads(line) for line in stream.getvalue().split("\n") if line]
    assert [line["event"] for line in parsed if "path" in line] == ["answered"]
    assert "forged" not in {line["event"] for line in parsed}
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", stream.getvalue())


def test_what_someone_may_not_see_is_a_line_with_its_status(lines, cast):
    cast.client("stranger").get(f"/assessments/{cast.draft_pk}/")
    (line,) = [line for line in lines() if line["event"] == "answered"]
    assert (line["path"], line["status"]) == (f"/assessments/{cast.draft_pk}/", 404)
    assert any(other["level"] == "warning" and "Not Found" in other["event"] for other in lines())


# --- What is refused ------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/health/live", "/", "/office/"])
def test_a_name_that_is_not_ours_is_refused_in_words_and_in_one_line(lines, path):
    answer = Client(raise_request_exception=False).get(path, HTTP_HOST="bad.example")
    assert answer.status_code == 400
    assert "the site’s name in the address is wrong" in answer.content.decode()
    refused, answered = lines()
    assert "bad.example" in refused["event"]
    assert "exception" not in refused
    assert (answered["event"], answered["status"]) == ("answered", 400)


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        ("Invalid HTTP request line: 'GET /?q=zq7 zq7 HTTP/1.1'", "Invalid HTTP request line"),
        ("Invalid chunk size: b'zq7'", "Invalid chunk size"),
        ("Invalid HTTP Header: 'zq7'", "Invalid HTTP Header"),
        ("Limit: zq7", "Limit"),
    ],
)
def test_a_request_that_the_server_cannot_read_is_not_quoted(error, shown):
    record = logging.LogRecord("gunicorn.error", logging.WARNING, "", 0, "", (), None)
    record.msg = f"Invalid request from ip=203.0.113.7: {error}"
    assert WithoutRequests().filter(record)
    assert record.getMessage() == f"Invalid request from ip=203.0.113.7: {shown}"
    handlers: Any = django_settings.LOGGING["handlers"]
    assert "requests" in handlers["stderr"]["filters"]


def test_nor_is_the_page_of_another_site_that_a_form_came_from(lines):
    client = Client(enforce_csrf_checks=True)
    client.cookies[django_settings.CSRF_COOKIE_NAME] = "a" * 32
    more: dict[str, Any] = {"secure": True, "HTTP_REFERER": "https://bad.example/zq7?zq7=zq7"}
    assert client.post("/check/start", **more).status_code == 403
    (refused, _) = lines()
    assert "Referer checking failed - https://bad.example does not match" in refused["event"]


# --- What a database quotes -------------------------------------------------------------------


@pytest.mark.postgres
@pytest.mark.urls(__name__)
@pytest.mark.parametrize("how", REFUSED)
def test_when_a_row_is_refused_the_log_says_why_and_has_nothing_of_the_row(lines, how):
    assert Client(raise_request_exception=False).get(f"/refused/{how}").status_code == 500
    (failed,) = [line for line in lines() if "exception" in line]
    assert "constraint" in failed["exception"]
    assert f"in {REFUSED[how].__name__}\n" in failed["exception"]
    assert "django.db.utils.IntegrityError" in failed["exception"]
    assert "zq7" not in json.dumps(lines())


def test_nor_have_lines_to_read_on_ones_own_machine():
    with pytest.raises(IntegrityError) as raised:
        _half()
    record = logging.LogRecord("portal", logging.ERROR, "", 0, "Failed", (), raised._excinfo)
    written = Lines("{message}", style="{").format(record)
    assert "IntegrityError" in written
    assert "zq7" not in written
    formatters: Any = django_settings.LOGGING["formatters"]
    assert formatters["line"]["class"] == "config.logs.Lines"


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (
            'invalid input syntax for type bigint: "zq7"\nLINE 1: … zq7',
            "invalid input syntax for type bigint: …\n…",
        ),
        ('relation "assessments_user" does not exist', 'relation "assessments_user" does not exist'),
    ],
)
def test_of_a_databases_error_the_first_line_stays_up_to_a_value(message, shown):
    error = DataError(message)
    assert safe_traceback((DataError, error, None)) == f"django.db.utils.DataError: {shown}"


# --- What is made while it is sent --------------------------------------------------------------


@pytest.mark.urls("tests.config.streaming")
def test_a_collection_is_answered_once_it_is_whole_and_its_lines_bear_the_identifier(lines):
    answer: Any = Client().get("/collection/whole")
    assert not lines()
    assert len(b"".join(answer.streaming_content)) == int(answer["Content-Length"]) == 100_000
    half, answered = lines()
    assert half["event"] == "half of it"
    assert half["request"] == answered["request"] == answer["X-Request-ID"]
    assert (answered["event"], answered["status"], answered["whole"]) == ("answered", 200, True)


@pytest.mark.urls("tests.config.streaming")
def test_a_collection_that_breaks_off_is_logged_as_such_and_only_our_log_says_why(lines):
    answer: Any = Client().get("/collection/half")
    with pytest.raises(IncompleteResponse) as raised:
        b"".join(answer.streaming_content)
    assert raised.value.__suppress_context__
    answered = lines()[-1]
    assert (answered["event"], answered["level"], answered["whole"]) == ("answered", "error", False)
    assert "ValueError: /invitation/… failed" in answered["exception"]
    assert answered["request"] == answer["X-Request-ID"]


@pytest.mark.urls("tests.config.streaming")
@pytest.mark.parametrize("parts", [0, 1])
def test_a_collection_that_nobody_reads_to_its_end_is_logged_as_one_that_broke_off(lines, parts):
    answer: Any = Client().get("/collection/whole")
    for _ in range(parts):
        next(iter(answer.streaming_content))
    answer.close()
    (answered,) = lines()
    assert (answered["event"], answered["whole"]) == ("answered", False)
    assert answered["request"] == answer["X-Request-ID"]


def test_behind_gunicorn_whoever_reads_a_collection_knows_whether_it_is_whole(tmp_path):
    environment = os.environ | {
        "SECRET_KEY": "only tests sign with this",
        "ALLOWED_HOSTS": "127.0.0.1",
        "PROXIES": "1",
        "DEBUG": "false",
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    with socket.create_server(("127.0.0.1", 0)) as listening, (tmp_path / "log").open("w+") as log:
        port, number = listening.getsockname()[1], listening.fileno()
        where = ["--worker-class=gthread", "--workers=1", "--threads=2", f"--bind=fd://{number}"]
        server = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", *where, "tests.config.streaming:served()"],
            cwd=ROOT,
            env=environment,
            pass_fds=[number],
            stderr=log,
        )
        try:
            whole = _asked(port, "/collection/whole")
            assert whole.getheader("Content-Length") == "100000"
            assert len(whole.read()) == 100_000
            half = _asked(port, "/collection/half")
            with pytest.raises(http.client.IncompleteRead):
                half.read()
        finally:
            server.terminate()
            server.wait()
        log.seek(0)
        written = log.read()
    events = [json.loads(line) for line in written.splitlines() if line.startswith("{")]
    assert [(line["event"], line.get("whole")) for line in events] == [
        ("half of it", None),
        ("answered", True),
        ("half of it", None),
        ("answered", False),
    ]
    assert [line["request"] for line in events] == [
        answer.getheader("X-Request-ID") for answer in (whole, half) for _ in range(2)
    ]
    # gunicorn's own log has the error that gunicorn saw, not ours.
    assert "IncompleteResponse" in written
    assert "zq7key" not in written


def _asked(port: int, path: str) -> http.client.HTTPResponse:
    asks = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    asks.request("GET", path, headers={"X-Forwarded-Proto": "https"})
    return asks.getresponse()
