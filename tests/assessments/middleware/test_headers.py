"""The headers that responses have, whatever kind they are of."""

from typing import Any

import pytest
from django.test import Client

from tests.cast import Cast
from tests.test_permissions import missing_headers

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


# --- What is answered before any view ----------------------------------------------


def test_a_redirect_to_https_has_the_headers_of_every_page(settings):
    settings.SECURE_SSL_REDIRECT = True
    answer = Client().get("/office/")
    assert answer.status_code == 301
    assert missing_headers("", answer) == []


@pytest.mark.parametrize("redirects", [True, False])
def test_a_refused_host_name_has_the_headers_of_every_page(settings, redirects):
    settings.SECURE_SSL_REDIRECT = redirects
    answer = Client(raise_request_exception=False).get("/office/", HTTP_HOST="bad.example")
    assert answer.status_code == 400
    assert missing_headers("", answer) == []


def test_a_refused_query_has_the_headers_of_every_page():
    answer = Client(raise_request_exception=False).get("/help?" + "q&" * 1_001)
    assert answer.status_code == 400
    assert missing_headers("", answer) == []


@pytest.mark.parametrize("path", ["/desk/", "/help/", "/nothing"])
def test_a_response_before_the_second_step_has_the_headers_of_every_page(cast: Cast, path):
    client = Client()
    client.force_login(cast.officer)
    assert missing_headers("", client.get(path)) == []
