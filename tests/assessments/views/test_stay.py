"""A self-check that a browser can open after it was closed, because the person chose that."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from assessments.models import AnonymousCheck
from assessments.services.answering import Change, save_answers
from assessments.views.workspace import COOKIE

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("published")]

TASKS, STAY = "/check/", "/check/stay"
DAY = 24 * 60 * 60


@pytest.fixture
def browser() -> Client:
    """A browser with a self-check."""
    browser = Client()
    browser.post("/check/start")
    return browser


def closed(browser: Client) -> Client:
    """The browser after it was closed and opened: only the cookies with an end are left."""
    for name in [name for name, cookie in browser.cookies.items() if not cookie["max-age"]]:
        del browser.cookies[name]
    return browser


def test_a_self_check_ends_with_the_browser_unless_the_person_chooses_otherwise(browser):
    assert "or until you close the browser" in browser.get(TASKS).content.decode()
    assert closed(browser).get(TASKS)["Location"] == "/?ended"


def test_a_closed_browser_opens_a_self_check_that_its_person_chose_to_keep(browser):
    assert browser.post(STAY, {"stay": "yes"})["Location"] == f"{TASKS}#stay"
    page = closed(browser).get(TASKS).content.decode()
    assert "even if you close the browser" in page
    assert "or until you close the browser" not in page
    cookie = browser.cookies[COOKIE]
    assert (cookie["max-age"], cookie["httponly"], cookie["samesite"]) == (DAY, True, "Lax")


def test_the_choice_can_be_changed_back(browser):
    browser.post(STAY, {"stay": "yes"})
    browser.post(STAY, {"stay": "no"})
    assert browser.get(TASKS).status_code == 200
    assert browser.cookies[COOKIE]["max-age"] == ""
    assert closed(browser).get(TASKS)["Location"] == "/?ended"


def test_the_cookie_lasts_as_long_as_the_self_check_and_the_self_check_no_longer_than_before(browser):
    ends_at = AnonymousCheck.objects.get().ends_at
    browser.post(STAY, {"stay": "yes"})
    assert AnonymousCheck.objects.get().ends_at == ends_at
    for hours, stage in ((20, "live"), (40, "planned")):
        with time_machine.travel(timezone.now() + timedelta(hours=hours), tick=False):
            browser.cookies[COOKIE]["max-age"] = ""
            changes = [Change("account.stage", stage, "")]
            save_answers(draft=AnonymousCheck.objects.get(), changes=changes, by=None)
            assert browser.get(TASKS).status_code == 200
            assert browser.cookies[COOKIE]["max-age"] == DAY
    with time_machine.travel(timezone.now() + timedelta(hours=65), tick=False):
        assert browser.get(TASKS)["Location"] == "/?ended"


def test_a_new_self_check_and_a_deleted_one_do_not_inherit_the_choice(browser):
    browser.post(STAY, {"stay": "yes"})
    browser.post("/check/start", {"replace": "yes"})
    assert browser.cookies[COOKIE]["max-age"] == ""
    browser.post(STAY, {"stay": "yes"})
    browser.post("/check/delete")
    assert browser.cookies[COOKIE].value == ""
    assert not AnonymousCheck.objects.exists()
