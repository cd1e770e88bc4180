"""Before a session ends, the page says so, and one press extends it in every tab of the browser."""

import pytest
from django.conf import settings
from playwright.sync_api import Locator, Page, expect

from assessments.models import AnonymousCheck

pytestmark = pytest.mark.django_db(transaction=True)

ENDING = "You’ll be signed out within 2 minutes."


def notice(page: Page) -> Locator:
    return page.locator("#time-limit")


def opened(visitors, user, path: str) -> Page:
    page: Page = visitors.come(user)
    page.context.clock.install()
    page.goto(visitors.address + path)
    return page


def test_two_minutes_before_the_end_the_page_offers_to_stay_and_keeps_the_focus_and_the_text(visitors, cast):
    page = opened(visitors, cast.member, "/office/accounts/new")
    handle = page.get_by_label("Account", exact=True)
    handle.fill("@typed")
    page.clock.fast_forward("11:50:00")
    expect(notice(page).get_by_role("status")).to_have_text("")
    page.clock.fast_forward("08:05")
    expect(notice(page).get_by_role("status")).to_contain_text(ENDING)
    expect(handle).to_be_focused()

    with page.expect_response(lambda answer: answer.url.endswith("/stay") and answer.status == 204):
        notice(page).get_by_role("button", name="Stay signed in").click()
    expect(notice(page).get_by_role("status")).to_have_text("You’re still signed in.")
    expect(notice(page).get_by_role("button")).to_be_hidden()
    expect(handle).to_have_value("@typed")
    # For as long as the server promises: twelve hours, less what it rounds by.
    page.clock.fast_forward("11:40:00")
    expect(notice(page).get_by_role("status")).to_have_text("You’re still signed in.")
    page.clock.fast_forward("04:00")
    expect(notice(page).get_by_role("status")).to_contain_text(ENDING)


def test_another_tab_that_extends_the_session_takes_the_notice_away(visitors, cast):
    page = opened(visitors, cast.member, "/office/")
    page.clock.fast_forward("11:59:00")
    expect(notice(page).get_by_role("status")).to_contain_text(ENDING)
    visitors.open_tab(page.context, visitors.address + "/office/waiting")
    expect(notice(page).get_by_role("status")).to_have_text("")


def test_after_the_end_the_page_says_that_the_text_is_still_there(visitors, cast):
    page = opened(visitors, cast.member, "/office/accounts/new")
    page.get_by_label("Account", exact=True).fill("@typed")
    page.clock.fast_forward("13:00:00")
    expect(notice(page).get_by_role("status")).to_contain_text("Anything you typed is still on this page.")
    expect(notice(page).get_by_role("button")).to_be_hidden()


def test_a_session_that_has_ended_elsewhere_cannot_be_extended(visitors, cast):
    visitors.forgive(r"^409: |status of 409")
    page = opened(visitors, cast.member, "/office/")
    page.clock.fast_forward("11:59:00")
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    notice(page).get_by_role("button", name="Stay signed in").click()
    expect(notice(page).get_by_role("status")).to_contain_text("You’ve been signed out.")


@pytest.mark.parametrize("status", [429, 502])
def test_a_fault_of_the_portal_does_not_say_that_the_session_has_ended(visitors, cast, status):
    visitors.forgive(f"{status}")
    page = opened(visitors, cast.member, "/office/")
    page.clock.fast_forward("11:59:00")
    page.route("**/stay", lambda route: route.fulfill(status=status))
    button = notice(page).get_by_role("button", name="Stay signed in")
    button.click()
    expect(notice(page).get_by_role("status")).to_have_text(
        "The portal isn’t responding. Check your connection, and try again."
    )
    page.unroute("**/stay")
    button.click()
    expect(notice(page).get_by_role("status")).to_have_text("You’re still signed in.")


def test_a_check_without_sign_in_can_be_kept_for_another_day(visitors):
    page = visitors.come()
    page.get_by_role("button", name="Start a self-check").first.click()
    page.context.clock.install()
    page.goto(f"{visitors.address}/check/details")
    before = AnonymousCheck.objects.get().ends_at
    page.clock.fast_forward("23:59:00")
    expect(notice(page).get_by_role("status")).to_contain_text(
        "Your answers will be deleted within 2 minutes."
    )
    notice(page).get_by_role("button", name="Keep my answers").click()
    expect(notice(page).get_by_role("status")).to_have_text("Your answers are kept for another 24 hours.")
    assert AnonymousCheck.objects.get().ends_at > before
