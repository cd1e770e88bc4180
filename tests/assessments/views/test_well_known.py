"""security.txt, robots.txt, and what a browser deletes at sign-out."""

from datetime import UTC, datetime, timedelta
from urllib.robotparser import RobotFileParser

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from assessments.middleware.headers import FOR_EVERYONE
from assessments.samples import TITLES
from tests.config.test_settings import fault_of, settings_of

pytestmark = pytest.mark.django_db

ADDRESS = "/.well-known/security.txt"
EVENING = datetime(2026, 12, 31, 23, 50, tzinfo=UTC)


def fields_of(answer) -> dict[str, str]:
    """The fields of a security.txt, each of which may be there once."""
    pairs = [line.split(": ", 1) for line in answer.content.decode().splitlines()]
    assert len({name for name, _ in pairs}) == len(pairs)
    return dict(pairs)


@pytest.mark.parametrize(
    ("contact", "uri"),
    [
        ("security@example.ca", "mailto:security@example.ca"),
        (" sec+portal%x@example.ca ", "mailto:sec+portal%25x@example.ca"),
        ("https://example.ca/report?to=portal", "https://example.ca/report?to=portal"),
    ],
)
def test_security_txt_has_the_contact_and_ends_within_a_year(client, settings, contact, uri):
    settings.SECURITY_CONTACT = settings_of(SECURITY_CONTACT=contact)["SECURITY_CONTACT"]
    with time_machine.travel(EVENING, tick=False):
        answer = client.get(ADDRESS)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    fields = fields_of(answer)
    assert fields["Contact"] == uri
    expires = datetime.strptime(fields["Expires"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert timedelta(days=30) < expires - EVENING < timedelta(days=365)
    assert fields["Canonical"] == settings.PORTAL_URL + ADDRESS


def test_security_txt_is_the_same_all_day_and_another_the_next(client, settings):
    settings.SECURITY_CONTACT = "mailto:security@example.ca"
    texts = []
    for minutes in (-23 * 60, 0, 9, 10):
        with time_machine.travel(EVENING + timedelta(minutes=minutes), tick=False):
            texts.append(client.get(ADDRESS).content)
    assert texts[0] == texts[1] == texts[2] != texts[3]


def test_without_a_contact_there_is_no_security_txt(client, settings):
    assert settings.SECURITY_CONTACT == ""
    assert client.get(ADDRESS).status_code == 404


@pytest.mark.parametrize(
    "contact",
    [
        "security",
        "http://example.ca/",
        "https://",
        "https://x y",
        "a@example.ca, b@example.ca",
        "a@b.ca\nExpires: x",
    ],
)
def test_a_contact_that_is_neither_an_address_nor_a_page_is_refused_in_a_line(contact):
    assert fault_of(SECURITY_CONTACT=contact).startswith("SECURITY_CONTACT is neither an email address")


def test_robots_txt_lets_search_engines_read_the_pages_that_they_may_list_and_no_others(client):
    answer = client.get("/robots.txt")
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    lines = answer.content.decode().splitlines()
    assert lines[0] == "User-agent: *"
    assert lines[-1] == "Disallow: /"
    rules = lines[1:-1]
    exactly = {line.removeprefix("Allow: ").removesuffix("$") for line in rules if line.endswith("$")}
    assert rules == [*(f"Allow: {path}$" for path in sorted(exactly)), "Allow: /static/"]
    assert exactly == {
        *(reverse(name) for name in FOR_EVERYONE - {"example", "example_pdf"}),
        *(f"/examples/{name}{end}" for name in TITLES for end in ("", ".pdf")),
    }


def test_a_crawler_that_reads_robots_txt_keeps_to_it(client):
    crawler = RobotFileParser()
    # It knows no $, so the rules for whole addresses are tried without it, but for the first page's.
    lines = client.get("/robots.txt").content.decode().replace("Allow: /$\n", "").replace("$", "")
    crawler.parse(lines.splitlines())
    assert all(
        crawler.can_fetch("bot", path) for path in ("/help", "/static/css/site.css", "/questionnaire.pdf")
    )
    assert not any(crawler.can_fetch("bot", path) for path in ("/office/", "/verify/AAAA", "/account/login/"))


def test_signing_out_deletes_what_scripts_stored_and_neither_cookies_nor_the_cache(cast):
    client = cast.client("member")
    assert "Clear-Site-Data" not in client.get("/account/logout/")
    answer = client.post("/account/logout/")
    assert answer["Clear-Site-Data"] == '"storage"'
    assert Client().post("/account/logout/")["Clear-Site-Data"] == '"storage"'
