"""A self-check in a real browser: from the home page to an advisory in hand, and what may come between."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from tests.reading import flat

WCAG = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
WAYS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "320 px": {"viewport": {"width": 320, "height": 640}},
}
EMAIL = "registration use a toronto.ca email address"
WEBSITE = "your constituency website, or the City's contact page"
POLICIES = "in line with all three City policies"
STAGE = "Is the account in use, or is it not launched yet?"


def question(page: Page, asks: str) -> Locator:
    return page.locator("fieldset.question").filter(has=page.locator("legend", has_text=asks))


def option(page: Page, asks: str, label: str) -> Locator:
    return question(page, asks).get_by_label(label, exact=True)


def autosave(page: Page, asks: str, label: str) -> None:
    """Choose an answer and wait until the page has heard back about it."""
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        option(page, asks, label).check()


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def follow(page: Page, name: str) -> None:
    page.get_by_role("link", name=name, exact=True).click()


def titled(page: Page, title: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(title)


def status(page: Page) -> Locator:
    return page.locator("#save-state")


def started(page: Page, section: str = "") -> None:
    press(page, "Start a self-check")
    titled(page, "Your self-check")
    if section:
        follow(page, section)
        titled(page, section)


def downloaded(page: Page, link: str, into: Path) -> Path:
    with page.expect_download() as waiting:
        follow(page, link)
    into /= waiting.value.suggested_filename
    waiting.value.save_as(into)
    return into


def printed(pdf: Path) -> str:
    """What a PDF says, without white space."""
    told = subprocess.run(["pdftotext", str(pdf), "-"], capture_output=True, check=True)  # noqa: S607
    return flat(told.stdout.decode())


def assert_advisory_in_hand(page: Page, downloads: Path) -> None:
    """From the answers to the advisory, and the advisory on the page and in the PDF alike."""
    titled(page, "Check your answers")
    listed = page.locator("dl.summary > div").filter(has_text=EMAIL)
    expect(listed.locator("dd > span").first).to_have_text("Yes")
    follow(page, "Read the advisory")
    titled(page, "Advisory on a social media account")
    headline = page.locator(".headline h2").inner_text()
    pdf = downloaded(page, "Download the PDF", downloads)
    assert pdf.name == "advisory.pdf"
    said = printed(pdf)
    assert flat(headline) in said
    assert flat("toronto.ca address in the registration") in said
    assert flat("In line with the three City policies") in said
    data = json.loads(downloaded(page, "Download the JSON", downloads).read_bytes())
    assert data["overall"]


def test_a_self_check_saves_itself_and_becomes_an_advisory_to_take_away(visitors, downloads):
    page = visitors.come()
    started(page, "The account")
    autosave(page, STAGE, "In use")
    expect(status(page)).to_contain_text("Saved at")
    press(page, "Save and continue")
    titled(page, "City resources")

    expect(question(page, POLICIES)).to_have_count(0)
    autosave(page, EMAIL, "Yes")
    expect(status(page)).to_contain_text("Saved at")
    expect(status(page)).to_contain_text("1 more question came up")
    expect(question(page, POLICIES)).to_be_visible()
    autosave(page, POLICIES, "No")
    autosave(page, EMAIL, "No")
    expect(status(page)).to_contain_text("1 no longer needs an answer")
    expect(question(page, POLICIES)).to_have_count(0)
    # The answer to a question that is no longer asked is kept, and comes back with it.
    autosave(page, EMAIL, "Yes")
    expect(option(page, POLICIES, "No")).to_be_checked()
    page.reload()
    expect(option(page, EMAIL, "Yes")).to_be_checked()
    expect(option(page, POLICIES, "No")).to_be_checked()

    press(page, "Save and go to the list")
    titled(page, "Your self-check")
    follow(page, "Check your answers")
    assert_advisory_in_hand(page, downloads)


def test_the_same_without_javascript_on_a_narrow_screen(visitors, downloads):
    page = visitors.come(java_script_enabled=False, viewport={"width": 360, "height": 640})
    started(page, "The account")
    option(page, STAGE, "In use").check()
    press(page, "Save and continue")
    titled(page, "City resources")
    option(page, EMAIL, "Yes").check()
    press(page, "Save and continue")
    # What just came up is asked before the next section.
    titled(page, "City resources")
    expect(question(page, POLICIES)).to_be_in_viewport()
    expect(option(page, EMAIL, "Yes")).to_be_checked()
    option(page, POLICIES, "No").check()
    press(page, "Save and go to the list")
    follow(page, "Check your answers")
    assert_advisory_in_hand(page, downloads)


def test_of_two_answers_that_met_both_are_shown_and_mine_wins_when_i_say_so(visitors):
    page = visitors.come()
    started(page, "City resources")
    other = visitors.open_tab(page.context, page.url)
    autosave(other, WEBSITE, "Yes")
    expect(status(other)).to_contain_text("Saved at")

    autosave(page, WEBSITE, "No")
    expect(status(page)).to_contain_text("Not all saved")
    conflict = question(page, WEBSITE).locator(".conflict")
    expect(conflict).to_contain_text("This answer was changed elsewhere")
    expect(conflict.get_by_text("Saved now:")).to_contain_text("Yes")
    expect(option(page, WEBSITE, "No")).to_be_checked()
    other.reload()
    expect(option(other, WEBSITE, "Yes")).to_be_checked()

    conflict.get_by_role("button", name="Keep mine").click()
    expect(page.locator(".conflict")).to_have_count(0)
    expect(option(page, WEBSITE, "No")).to_be_checked()
    other.reload()
    expect(option(other, WEBSITE, "No")).to_be_checked()


def test_a_tab_whose_self_check_was_deleted_gives_back_what_was_typed(visitors):
    # The portal refuses what the stale tab sends, and the browser notes that.
    visitors.forgive(r"^409: |status of 409|Status Error Code 409")
    page = visitors.come()
    started(page, "City resources")
    other = visitors.open_tab(page.context, f"{visitors.address}/check/")
    press(other, "Delete my answers now")
    expect(other).to_have_url(f"{visitors.address}/deleted")

    autosave(page, WEBSITE, "Yes")
    expect(status(page)).to_contain_text("This self-check has ended.")
    expect(status(page)).to_contain_text("Nothing you typed is lost")
    question(page, WEBSITE).get_by_text("Note", exact=True).click()
    question(page, WEBSITE).get_by_label("Your note on this question").fill("A link in the footer")
    press(page, "Save and continue")
    titled(page, "Not saved yet, and nothing is lost")
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


def test_the_keyboard_skips_to_the_content_and_a_fault_is_announced_with_the_focus(visitors):
    page = visitors.come()
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.keyboard.press("Tab")
    start = page.get_by_role("button", name="Start a self-check")
    expect(start).to_be_focused()
    assert start.evaluate("it => getComputedStyle(it).outlineWidth") == "3px"
    page.keyboard.press("Enter")
    titled(page, "Your self-check")

    page.goto(f"{visitors.address}/check/section/gifts")
    autosave(page, "without payment", "Yes")
    amount = page.get_by_label("Amount in Canadian dollars")
    amount.fill("lots")
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.keyboard.press("Tab")
    expect(status(page)).to_contain_text("Not all saved")
    amount.press("Enter")
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(page).to_have_title(re.compile("^Please correct: "))
    expect(amount).to_have_value("lots")
    page.keyboard.press("Tab")
    expect(summary.get_by_role("link")).to_be_focused()
    page.keyboard.press("Enter")
    expect(amount).to_be_focused()
    assert_accessible(page)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_every_kind_of_page_passes_axe_and_fits_the_screen(visitors, way):
    page = visitors.come(**way)
    assert_accessible(page)
    assert_own_typeface(page)
    started(page)
    assert_accessible(page)
    follow(page, "City resources")
    autosave(page, EMAIL, "Yes")
    expect(question(page, POLICIES)).to_be_visible()
    assert_accessible(page)
    for address in ("check/answers", "check/advisory", "examples/conversion", "help", "account/login/"):
        page.goto(f"{visitors.address}/{address}")
        assert_accessible(page)


def assert_accessible(page: Page) -> None:
    found = Axe().run(page, options=WCAG).response
    assert len(found["passes"]) > 10
    told = [
        (fault["id"], fault["help"], [n["target"] for n in fault["nodes"]]) for fault in found["violations"]
    ]
    assert told == [], page.url
    # Nothing is to be scrolled from side to side, at 320 px neither.
    fits = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    assert page.evaluate(fits), page.url


def assert_own_typeface(page: Page) -> None:
    loaded = page.evaluate(
        "document.fonts.ready.then(all => [...all].filter(f => f.status == 'loaded').length)"
    )
    assert loaded > 0
    assert page.evaluate("document.fonts.check('1rem \"Atkinson Hyperlegible Next\"')")
