"""Browsers whose cookies have the names from before `__Host-`."""

from datetime import timedelta

import pytest
import time_machine
from django.core import signing
from django.core.exceptions import MiddlewareNotUsed
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from assessments.middleware.earlier_cookies import EARLIER, UPDATE, rename_cookies
from assessments.models import AnonymousCheck, User
from assessments.services.answering import Change, save_answers
from assessments.services.drafts import start_check
from tests.cast import PASSWORD, person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("published")]

DAY = 24 * 60 * 60


@pytest.fixture
def browser() -> Client:
    """A browser that began a check before the update. Only its cookie of the earlier name has the token."""
    browser = Client()
    check, browser.cookies["check"] = start_check()
    save_answers(draft=check, changes=[Change("account.stage", "live", "")], by=None)
    return browser


def since_the_update(**past: int) -> time_machine.travel:
    """Travel to a time after the update."""
    updated = MigrationRecorder(connection).migration_qs.get(**UPDATE).applied
    return time_machine.travel(updated + timedelta(**past), tick=False)


def test_a_check_from_before_the_update_opens_and_its_cookie_gets_the_new_name(browser):
    answer = browser.get("/check/answers")
    assert answer.context["workspace"].self_check.answers.count() == 1
    cookie = answer.cookies["__Host-check"]
    assert cookie.value
    assert (cookie["secure"], cookie["path"], cookie["domain"], cookie["httponly"]) == (True, "/", "", True)
    assert cookie["max-age"] == ""
    assert answer.cookies["check"]["max-age"] == 0

    del browser.cookies["check"]
    assert browser.get("/check/answers").status_code == 200


@pytest.mark.parametrize("path", ["/", "/check/"])
def test_a_check_that_its_person_chose_to_keep_outlives_the_browser_under_the_new_name_too(browser, path):
    AnonymousCheck.objects.update(outlives_browser=True)
    assert browser.get(path).cookies["__Host-check"]["max-age"] == DAY


def test_a_check_that_is_deleted_by_the_same_request_gets_no_new_cookie(browser):
    answer = browser.post("/check/delete")
    assert answer["Location"] == "/deleted"
    assert not AnonymousCheck.objects.exists()
    assert answer.cookies["__Host-check"].value == ""


def test_a_cookie_of_the_new_name_counts_and_not_one_of_the_earlier_name(browser):
    _, mine = start_check()
    browser.cookies["__Host-check"] = mine
    page = browser.get("/check/answers")
    assert page.context["workspace"].self_check.answers.count() == 0
    assert "__Host-check" not in page.cookies


@pytest.mark.parametrize(("hours", "opens"), [(23, True), (24, False)])
def test_a_day_after_the_update_the_earlier_name_is_no_longer_read(hours, opens):
    with since_the_update(hours=hours):
        browser = Client()
        _, browser.cookies["check"] = start_check()
        answer = browser.get("/check/")
    assert answer.status_code == (200 if opens else 302)
    assert ("__Host-check" in answer.cookies) is opens
    assert answer.cookies["check"]["max-age"] == 0


def test_an_earlier_name_with_no_check_behind_it_reads_that_the_check_has_ended():
    browser = Client()
    browser.cookies["check"] = "unknown"
    answer = browser.get("/check/")
    assert answer["Location"] == "/?ended"
    assert "__Host-check" not in answer.cookies


def test_all_cookies_of_the_earlier_names_are_deleted_and_sign_nobody_in(cast):
    client = cast.client("member")
    session = client.cookies["__Host-sessionid"].value
    client = Client()
    for name in EARLIER:
        client.cookies[name] = session
    answer = client.get("/office/")
    assert answer["Location"] == "/account/login/?next=/office/"
    assert {name for name, cookie in answer.cookies.items() if cookie["max-age"] == 0} == set(EARLIER)


def test_without_the_prefix_there_is_nothing_to_do(settings):
    settings.COOKIE_PREFIX = ""
    with pytest.raises(MiddlewareNotUsed):
        rename_cookies(lambda _: HttpResponse())


@pytest.mark.parametrize(("whose", "emails"), [("known", 0), ("another", 1)])
def test_a_browser_that_was_known_before_is_still_known_at_the_next_sign_in(
    whose, emails, mailoutbox, django_capture_on_commit_callbacks
):
    member = person("known", password=PASSWORD)
    User.objects.filter(pk=member.pk).update(last_login=timezone.now())
    client = Client()
    signer = signing.get_cookie_signer(salt=f"known{whose}@example.ca")
    client.cookies["known"] = signer.sign("a random mark")
    assert "known" not in client.get("/account/login/").cookies
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post("/account/login/", {"login": member.email, "password": PASSWORD})
    assert len(mailoutbox) == emails
    assert answer.cookies["known"]["max-age"] == 0
    assert answer.cookies["__Host-known"].value
