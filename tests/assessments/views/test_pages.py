"""The pages of words: help, privacy, accessibility, and the pages for what went wrong."""

import re

import pytest
from django.conf import settings

from assessments.services.answering import Change, save_answers
from assessments.services.retention import ADDRESSES_KEPT
from tests.cast import Cast

pytestmark = pytest.mark.django_db


def text_of(client, address: str) -> str:
    return " ".join(client.get(address).content.decode().split())


@pytest.mark.parametrize("who", ["member", "officer"])
def test_the_contents_of_help_list_every_part_in_order(cast: Cast, who):
    page = text_of(cast.client(who), "/help")
    links = re.findall(r'<li> <a href="#([\w-]+)">', page)
    assert links == re.findall(r'<section id="([\w-]+)">', page)
    assert ("officers" in links) is (who == "officer")


def in_words(seconds: int) -> str:
    minutes, hours = seconds // 60, seconds // 3600
    return f"{hours // 24} days" if hours > 24 else f"{hours} hours" if hours else f"{minutes} minutes"


@pytest.mark.parametrize(
    ("row", "role"),
    [
        ("Members and their staff", "other"),
        ("The Commissioner’s office", "officer"),
        ("Administrators", "administrator"),
    ],
)
def test_help_says_how_long_each_role_stays_signed_in(client, row, role):
    page = text_of(client, "/help")
    cells = re.findall(rf'<th scope="row">{row}</th> <td[^>]*>([^<]+)</td> <td[^>]*>([^<]+)</td>', page)
    assert cells == [(in_words(settings.SESSION_IDLE[role]), in_words(settings.SESSION_LONGEST[role]))]
    assert f"{settings.ACCOUNT_REAUTHENTICATION_TIMEOUT // 60} minutes ago" in page


@pytest.mark.parametrize(
    ("name", "page"),
    [
        ("Account and election", ""),
        ("Answer by section", "next/account.stage"),
        ("Save and continue", "section/resources"),
    ],
)
def test_what_help_names_on_a_page_is_there_by_that_name(cast: Cast, name, page):
    client = cast.client("member")
    save_answers(draft=cast.draft, changes=[Change("account.stage", "live", "")], by=cast.member)
    assert f"“{name}”" in text_of(client, "/help")
    assert name in text_of(client, f"/assessments/{cast.draft.pk}/{page}")


def test_the_words_of_help_are_in_alphabetical_order(client):
    words = re.findall(r"<dt>([^<]+)</dt>", text_of(client, "/help"))
    assert len(words) >= 10
    assert words == sorted(words)


def test_privacy_names_each_cookie_and_says_how_long_addresses_are_kept(client):
    page = text_of(client, "/privacy")
    for cookie in ("__Host-check", "__Host-known", "__Host-sessionid", "__Host-csrftoken"):
        assert f'<th scope="row">{cookie}</th>' in page
    assert f"deleted after {ADDRESSES_KEPT.days} days" in page


def test_every_cell_of_privacy_has_its_column_for_a_phone(client):
    page = text_of(client, "/privacy")
    for table in re.findall(r"<table.*?</table>", page):
        columns = re.findall(r'<th scope="col">([^<]+)</th>', table)
        labels = re.findall(r'<td data-label="([^"]+)">', table)
        assert labels == columns[1:] * (len(labels) // (len(columns) - 1))


def test_a_wrong_address_says_what_to_do(client):
    answer = client.get("/nowhere")
    assert answer.status_code == 404
    page = " ".join(answer.content.decode().split())
    assert "check it for mistakes" in page
    assert "Go to the home page" in page
