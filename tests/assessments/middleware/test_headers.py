"""The headers that responses have, whatever kind they are of."""

from typing import Any

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db

STATIC = "/static/css/site.css"
KINDS = (
    "/",
    "/account/login/",
    "/nowhere",
    "/office/",
    "/health/live",
    "/verify/",
    "/questionnaire.pdf",
    STATIC,
)
"""Pages, a redirect, what is not there, a file that is printed, and one as it is."""


@pytest.fixture
def browser(settings: Any) -> Client:
    # As if static files had been collected.
    settings.WHITENOISE_AUTOREFRESH = settings.WHITENOISE_USE_FINDERS = True
    return Client(headers={"Origin": "https://elsewhere.example"})


@pytest.mark.parametrize("address", KINDS)
def test_browsers_use_https_alone_for_a_year_whatever_they_asked_for(browser, address):
    answer = browser.get(address, secure=True)
    assert answer["Strict-Transport-Security"] == "max-age=31536000"


@pytest.mark.parametrize("address", KINDS)
def test_no_script_of_another_site_may_read_a_response(browser, address):
    answer = browser.get(address, secure=True)
    assert "Access-Control-Allow-Origin" not in answer
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "object-src 'none'" in answer["Content-Security-Policy"]
    assert "base-uri 'none'" in answer["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]


def test_a_style_is_sent_as_one(browser):
    assert browser.get(STATIC, secure=True)["Content-Type"] == 'text/css; charset="utf-8"'


@pytest.mark.parametrize(
    "address",
    [
        "/.git/config",
        "/static/.git/config",
        "/static/../config/settings.py",
        "/static/%2e%2e/config/settings.py",
        "/static/",
        "/static/css/",
        "/media/",
        "/var/db.sqlite3",
        "/requirements.txt",
        "/admin/",
    ],
)
def test_no_folder_is_listed_and_no_other_file_is_served(browser, address):
    assert browser.get(address, secure=True).status_code == 404
