"""Stale tabs, lost connections and lost sessions: nothing typed is lost, and nothing private stays behind."""

import pytest
from django.conf import settings
from playwright.sync_api import Dialog, Page, Route, expect

from assessments.models import User
from tests.cast import account_of, answered
from tests.journeys.walking import (
    EMAIL,
    POLICIES,
    WEBSITE,
    autosave,
    open_menu,
    option,
    press,
    question,
    sign_in,
    started,
    status,
    titled,
)
from tests.tables import UNANSWERED

NOTE = "Your note on this question"


def test_a_tab_whose_self_check_was_deleted_gives_back_what_was_typed(visitors):
    # The portal refuses what the stale tab sends, and the browser notes that.
    visitors.forgive(r"^409: |status of 409|Status Error Code 409")
    page = visitors.come()
    started(page, "City resources")
    second_tab = visitors.open_tab(page.context, f"{visitors.address}/check/")
    second_tab.get_by_text("Delete my answers", exact=True).click()
    press(second_tab, "Delete my answers now")
    expect(second_tab).to_have_url(f"{visitors.address}/deleted")

    autosave(page, WEBSITE, "Yes")
    expect(status(page)).to_contain_text("This self-check has ended.")
    expect(status(page)).to_contain_text("What you typed is still here")
    question(page, WEBSITE).get_by_text("Note", exact=True).click()
    question(page, WEBSITE).get_by_label("Your note on this question").fill("A link in the footer")
    press(page, "Save and continue")
    titled(page, "Not saved yet, but nothing is lost")
    expect(page.get_by_role("alert")).to_be_focused()
    typed = page.locator("dl.summary")
    expect(typed).to_contain_text("On the constituency or City website")
    expect(typed).to_contain_text("A link in the footer")

    press(page, "Start a new self-check with these answers")
    titled(page, "City resources")
    expect(option(page, WEBSITE, "Yes")).to_be_checked()
    expect(question(page, WEBSITE).get_by_label("Your note on this question")).to_have_value(
        "A link in the footer"
    )


def test_without_a_connection_the_page_says_not_saved_and_saves_once_it_is_back(visitors):
    visitors.forgive(r"ERR_INTERNET_DISCONNECTED|htmx:sendError|htmx:afterRequest")
    page = visitors.come()
    started(page, "City resources")
    page.context.set_offline(True)
    option(page, WEBSITE, "Yes").check()
    expect(status(page)).to_contain_text("Not saved: there is no connection.")
    expect(option(page, WEBSITE, "Yes")).to_be_checked()

    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.context.set_offline(False)
    expect(status(page)).to_contain_text("Saved at")
    page.reload()
    expect(option(page, WEBSITE, "Yes")).to_be_checked()


def test_an_answer_given_before_the_scripts_have_come_is_saved_as_well(visitors):
    page = visitors.come()
    started(page)
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        waiting.append(route)

    page.route("**/*.js", hold)
    page.goto(f"{visitors.address}/check/section/resources", wait_until="commit")
    option(page, WEBSITE, "Yes").check()
    question(page, EMAIL).get_by_text("Note", exact=True).click()
    question(page, EMAIL).get_by_label(NOTE).fill("Since 2019")
    assert waiting
    expect(status(page)).to_have_text("")
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        for route in waiting:
            route.continue_()
    expect(status(page)).to_contain_text("Saved at")
    page.unroute("**/*.js")
    page.reload()
    expect(option(page, WEBSITE, "Yes")).to_be_checked()
    expect(question(page, EMAIL).get_by_label(NOTE)).to_have_value("Since 2019")


def signed_out_and_in_again(page: Page, visitors, user: User) -> None:
    """Lose the session in one tab, answer there, and sign in in another tab as the page advises."""
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    autosave(page, WEBSITE, "I'm not sure")
    expect(status(page)).to_contain_text("You are signed out.")
    press(page, "Save and continue")
    titled(page, "Not saved yet, but nothing is lost")
    with page.context.expect_page() as opening:
        page.get_by_role("link", name="Sign in on a new page").click()
    sign_in(opening.value, visitors.address, user)
    expect(opening.value.get_by_role("heading", level=1)).to_be_visible()


def test_someone_who_was_signed_out_signs_in_beside_it_and_saves_with_one_press(visitors, cast):
    visitors.forgive(r"^409: |status of 409|Status Error Code 409")
    draft = answered(
        account_of(cast.office), cast.member, {"resources.email": "yes", "moderation.removes": UNANSWERED}
    )
    page = visitors.come(cast.member)
    page.goto(f"{visitors.address}/assessments/{draft.pk}/section/resources")
    signed_out_and_in_again(page, visitors, cast.member)
    press(page, "Save now")
    # The next section that waits for an answer.
    titled(page, "Moderating the account")
    assert draft.answers.get(question="resources.website").value == "unsure"


def test_after_signing_out_back_shows_nothing_of_what_was_there(visitors, cast):
    page = visitors.come(cast.member)
    page.goto(f"{visitors.address}/assessments/{cast.draft.pk}/answers")
    titled(page, "Check your answers")
    open_menu(page)
    press(page, "Sign out")
    titled(page, "Before you launch or change a social media account")
    page.go_back()
    titled(page, "Sign in")
    assert "Change" not in page.locator("main").inner_text()


@pytest.mark.parametrize("java_script_enabled", [True, False], ids=["with scripts", "without"])
def test_back_and_forward_show_what_is_saved(visitors, java_script_enabled):
    page = visitors.come(java_script_enabled=java_script_enabled)
    started(page, "City resources")
    option(page, EMAIL, "Yes").check()
    press(page, "Save and continue")
    # Without scripts the next page asks the follow-up. With scripts it appears on this page.
    expect(question(page, POLICIES)).to_be_visible()
    page.wait_for_load_state("networkidle")
    page.go_back()
    page.go_forward()
    expect(option(page, EMAIL, "Yes")).to_be_checked()
    expect(question(page, POLICIES)).to_be_visible()


def test_leaving_while_an_answer_is_on_its_way_asks_first(visitors):
    page = visitors.come()
    started(page, "City resources")
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        waiting.append(route)

    page.route("**/section/**", hold)
    with page.expect_request(lambda request: request.method == "POST"):
        option(page, WEBSITE, "No").check()
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    with page.expect_event("dialog"):
        page.evaluate("setTimeout(() => history.back())")
    assert asked == ["beforeunload"]
    waiting[0].continue_()
    page.unroute("**/section/**")
    expect(status(page)).to_contain_text("Saved at")

    # Once it is saved, nothing is asked.
    press(page, "Save and go to the list")
    titled(page, "Your self-check")
    assert asked == ["beforeunload"]


def test_a_form_that_is_sent_twice_is_saved_once(visitors):
    page = visitors.come(java_script_enabled=False)
    started(page, "City resources")
    option(page, WEBSITE, "No").check()
    page.get_by_role("button", name="Save and go to the list").dblclick()
    titled(page, "Your self-check")
    page.goto(f"{visitors.address}/check/section/resources")
    expect(option(page, WEBSITE, "No")).to_be_checked()
    expect(page.locator(".conflict")).to_have_count(0)


def test_no_answer_is_kept_in_the_browsers_storage_or_in_an_address(visitors):
    page = visitors.come()
    visited: list[str] = []
    page.on("request", lambda request: visited.append(request.url))
    started(page, "City resources")
    autosave(page, EMAIL, "Yes")
    question(page, EMAIL).get_by_text("Note", exact=True).click()
    question(page, EMAIL).get_by_label(NOTE).fill("canary-7741")
    press(page, "Save and go to the list")
    page.wait_for_load_state("networkidle")
    for address in ("check/answers", "check/advisory"):
        page.goto(f"{visitors.address}/{address}")
    # htmx stores the path of the page for its history, which is turned off.
    assert page.evaluate("Object.entries(sessionStorage)") in (
        [],
        [["htmx-current-path-for-history", "/check/section/resources"]],
    )
    assert page.evaluate("localStorage.length") == 0
    assert page.evaluate("indexedDB.databases().then(all => all.length)") == 0
    assert page.evaluate("caches.keys().then(all => all.length)") == 0
    assert not [url for url in visited if "canary" in url or "email=" in url or "=yes" in url]
    assert not [cookie for cookie in page.context.cookies() if "canary" in str(cookie)]
