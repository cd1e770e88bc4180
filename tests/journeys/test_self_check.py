"""A self-check in a real browser: from the home page to a downloaded advisory."""

import json
import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.journeys.walking import (
    EMAIL,
    POLICIES,
    STAGE,
    WEBSITE,
    autosave,
    downloaded,
    follow,
    option,
    press,
    press_and_wait,
    printed,
    question,
    started,
    status,
    titled,
)
from tests.reading import flat


def assert_advisory_in_hand(page: Page, downloads: Path) -> None:
    """Go from the answers to the advisory, and compare the page with the PDF."""
    titled(page, "Check your answers")
    listed = page.locator("dl.summary > div").filter(has_text="toronto.ca address in the registration")
    expect(listed.locator("dd > span").first).to_have_text("Yes")
    follow(page, "Read the advisory so far")
    titled(page, "Advisory on a social media account")
    headline = page.locator(".band h2").inner_text()
    pdf = downloaded(page, "Download the PDF", downloads)
    assert re.fullmatch(r"advisory-20\d\d-\d\d-\d\d\.pdf", pdf.name)
    text = printed(pdf)
    assert flat(headline) in text
    assert flat("toronto.ca address in the registration") in text
    assert flat("In line with City policies") in text
    page.get_by_text("For your IT staff").click()
    record = json.loads(downloaded(page, "Download the advisory as JSON", downloads).read_bytes())
    assert record["overall"]


def test_a_self_check_saves_itself_and_becomes_an_advisory_to_download(visitors, downloads):
    page = visitors.come()
    started(page, "The account")
    autosave(page, STAGE, "In use")
    expect(status(page)).to_contain_text("Saved at")
    press(page, "Save and continue")
    titled(page, "City resources")

    expect(question(page, POLICIES)).to_have_count(0)
    autosave(page, EMAIL, "Yes")
    expect(status(page)).to_contain_text("Saved at")
    expect(status(page)).to_contain_text("Your answers added a question")
    expect(question(page, POLICIES)).to_be_visible()
    autosave(page, POLICIES, "No")
    autosave(page, EMAIL, "No")
    expect(status(page)).to_contain_text("1 question no longer needs an answer")
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
    press_and_wait(page, "Save and continue")
    # The new question is asked before the next section.
    titled(page, "City resources")
    expect(question(page, POLICIES)).to_be_in_viewport()
    expect(option(page, EMAIL, "Yes")).to_be_checked()
    option(page, POLICIES, "No").check()
    press(page, "Save and go to the list")
    follow(page, "Check your answers")
    assert_advisory_in_hand(page, downloads)


def test_of_two_conflicting_answers_both_are_shown_and_mine_wins_when_i_say_so(visitors):
    page = visitors.come()
    started(page, "City resources")
    second_tab = visitors.open_tab(page.context, page.url)
    autosave(second_tab, WEBSITE, "Yes")
    expect(status(second_tab)).to_contain_text("Saved at")

    autosave(page, WEBSITE, "No")
    expect(status(page)).to_contain_text("Not everything is saved")
    conflict = question(page, WEBSITE).locator(".conflict")
    expect(conflict).to_contain_text("This answer was changed elsewhere")
    expect(conflict.get_by_text("Saved now:")).to_contain_text("Yes")
    expect(option(page, WEBSITE, "No")).to_be_checked()
    second_tab.reload()
    expect(option(second_tab, WEBSITE, "Yes")).to_be_checked()

    conflict.get_by_role("button", name="Keep mine").click()
    expect(page.locator(".conflict")).to_have_count(0)
    expect(option(page, WEBSITE, "No")).to_be_checked()
    second_tab.reload()
    expect(option(second_tab, WEBSITE, "No")).to_be_checked()
