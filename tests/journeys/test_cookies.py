"""Cookies in a real browser, which decides by their names what it keeps."""

from playwright.sync_api import expect

from assessments.models import AnonymousCheck
from assessments.models.checks import token_hash
from tests.cast import account_of, answered
from tests.journeys.test_stale_tabs import signed_out_and_in_again
from tests.journeys.walking import WEBSITE, autosave, open_menu, option, press, sign_in, started, titled

NAMES = {"__Host-sessionid", "__Host-csrftoken", "__Host-check", "__Host-known"}


def test_a_browser_takes_each_cookie_for_this_host_alone(visitors, cast):
    page = visitors.come()
    started(page)
    sign_in(page, visitors.address, cast.member)
    cookies = page.context.cookies()
    assert {cookie["name"] for cookie in cookies} == NAMES
    for cookie in cookies:
        assert (cookie["secure"], cookie["path"], cookie["domain"]) == (True, "/", "localhost")
        assert cookie["httpOnly"] is (cookie["name"] != "__Host-csrftoken")
    # What another site below the same domain would try.
    page.evaluate("document.cookie = '__Host-check=theirs; path=/; secure; domain=localhost'")
    assert "theirs" not in str(page.context.cookies())


def test_a_self_check_from_before_the_cookies_were_renamed_goes_on(visitors):
    page = visitors.come()
    started(page, "City resources")
    autosave(page, WEBSITE, "Yes")
    (token,) = [cookie["value"] for cookie in page.context.cookies() if cookie["name"] == "__Host-check"]
    page.context.clear_cookies()
    for name, value in (("check", token), ("csrftoken", "a" * 32)):
        cookie = {"name": name, "value": value, "url": visitors.address, "secure": True}
        page.context.add_cookies([cookie])

    page.goto(f"{visitors.address}/check/section/resources")
    expect(option(page, WEBSITE, "Yes")).to_be_checked()
    assert {cookie["name"] for cookie in page.context.cookies()} == {"__Host-check", "__Host-csrftoken"}
    assert AnonymousCheck.objects.get().token_hash == token_hash(token)


def test_a_token_of_the_earlier_name_is_not_taken_for_the_new_one(visitors, cast):
    visitors.forgive(r"^409: |status of 409|Status Error Code 409")
    draft = answered(account_of(cast.office), cast.member, {"resources.email": "yes"})
    page = visitors.come(cast.member)
    page.goto(f"{visitors.address}/assessments/{draft.pk}/section/resources")
    signed_out_and_in_again(page, visitors, cast.member)
    # Of two with the same start, the one with the longer path comes first.
    page.evaluate("document.cookie = 'csrftoken=' + 'a'.repeat(32) + '; path=/assessments'")
    press(page, "Save now")
    titled(page, "Check your answers")
    assert draft.answers.get(question="resources.website").value == "unsure"


def test_after_signing_out_the_browser_keeps_no_path_and_still_its_self_check(visitors, cast):
    page = visitors.come()
    started(page)
    sign_in(page, visitors.address, cast.member)
    page.goto(f"{visitors.address}/assessments/{cast.draft.pk}/section/resources", wait_until="networkidle")
    page.evaluate("localStorage.setItem('something', 'kept')")
    stored = "[...Object.values(sessionStorage), ...Object.values(localStorage)]"
    assert page.evaluate(stored) == [f"/assessments/{cast.draft.pk}/section/resources", "kept"]
    open_menu(page)
    press(page, "Sign out")
    titled(page, "Before you launch or change a social media account")
    assert page.evaluate(stored) == []
    assert {cookie["name"] for cookie in page.context.cookies()} == NAMES - {"__Host-sessionid"}
    page.goto(f"{visitors.address}/check/")
    titled(page, "Your self-check")
