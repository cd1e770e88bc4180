"""The log: one line of JSON for each event, with the request that it belongs to and without what people wrote."""

import io
import json
import logging
from typing import Any

import pytest
from django.test import Client

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


@pytest.fixture
def lines(monkeypatch):
    """What goes to standard error, line by line."""
    stream = io.StringIO()
    handler = next(h for h in logging.getLogger("portal").handlers if type(h) is logging.StreamHandler)
    monkeypatch.setattr(handler, "stream", stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_request_is_a_line_with_its_identifier_and_no_query(lines):
    answer = Client().get("/check/", {"note": "zq7"})
    (line,) = [one for one in lines() if one["event"] == "answered"]
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
    ("proxies", "given", "taken"),
    [
        (1, "a1b2c3d4e5", True),
        (0, "a1b2c3d4e5", False),
        (1, "short", False),
        (1, "x" * 65, False),
        (1, "a1b2c3d4 secret", False),
        (1, "", False),
    ],
)
def test_an_identifier_is_taken_from_a_proxy_of_ours_alone(settings, proxies, given, taken):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies
    sent: dict[str, Any] = {"X-Request-ID": given}
    answer = Client().get("/health/live", headers=sent)
    assert (answer["X-Request-ID"] == given) is taken
    assert len(answer["X-Request-ID"]) == (len(given) if taken else 32)
