"""The way through in a real browser: from the home page to the stop, each answer one tap."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from assessments.services.answering import Change, save_answers
from tests.journeys.test_accessibility import assert_accessible
from tests.journeys.walking import WITH_AND_WITHOUT_SCRIPTS, follow, press, titled

PHONE = {"width": 360, "height": 740}
CONDUCT = tuple(f"conduct.{name}" for name in ("abuse", "workplace", "reputation", "capacities"))
SETTLING = {
    "account.stage": "live",
    "election.use": "none",
    "election.referendum": "no",
    **dict.fromkeys(CONDUCT, "no"),
    "confidential.disclosure": "no",
    "gifts.lobbyist": "no",
    "gifts.unpaid": "no",
    "gifts.other": "no",
    "moderation.removes": "no",
}
MOST_TAPS = 18


def answer(page: Page, question: str, value: str) -> Locator:
    return page.locator(f"button[name='{question}'][value='{value}']")


def open_question(page: Page) -> str | None:
    """The first question on the page that has no answer yet."""
    named = page.locator("#ask-form input[name^='seen.']").evaluate_all("all => all.map((one) => one.name)")
    for name in named:
        question = name.removeprefix("seen.")
        if not page.locator(f"input[name='kept.{question}']").count():
            return str(question)
    return None


def tap(page: Page, button: Locator) -> None:
    """Tap, and wait until the page has what that led to."""
    with page.expect_response(lambda response: response.request.method == "POST"):
        button.click()
    page.wait_for_load_state()


@WITH_AND_WITHOUT_SCRIPTS
def test_a_quiet_account_is_settled_in_few_taps_on_a_phone(visitors, scripts):
    page = visitors.come(java_script_enabled=scripts, viewport=PHONE)
    press(page, "Start a self-check")
    if page.url.endswith("/check/election"):
        press(page, "City by-election")
    titled(page, "Is the account in use, or not launched yet?")
    taps = 1
    while not page.url.endswith("/check/settled"):
        taps += 1
        assert taps <= MOST_TAPS, page.url
        guard = page.get_by_role("link", name="I’m on my own device and time. Continue")
        if guard.count():
            guard.click()
            continue
        rest = page.get_by_role("button", name="No to the rest")
        if rest.count():
            tap(page, rest)
            continue
        question = open_question(page)
        assert question, page.url
        tap(page, answer(page, question, SETTLING[question]))
        # An answer in a group is saved in place, any other leads on.
        chosen = answer(page, question, SETTLING[question])
        expect(chosen.and_(page.locator(":not([aria-pressed='true'])"))).to_have_count(0)
    titled(page, "You now know whether to contact the Commissioner")
    expect(page.get_by_text("No need to contact the Commissioner")).to_be_in_viewport()
    follow(page, "Continue")
    assert "/check/next/" in page.url
    expect(page.get_by_role("link", name="Answer by section")).to_be_visible()


def test_in_a_group_the_keyboard_stays_where_it_is_and_hears_that_it_is_saved(visitors):
    page = visitors.come()
    press(page, "Start a self-check")
    page.goto(f"{visitors.address}/check/next/conduct")
    chosen = answer(page, CONDUCT[1], "no")
    chosen.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Saved.")
    expect(chosen).to_be_focused()
    expect(chosen).to_have_attribute("aria-pressed", "true")
    expect(
        page.get_by_role("group", name=re.compile("harassing someone at a City workplace"))
    ).to_be_visible()
    page.reload()
    expect(chosen).to_have_attribute("aria-pressed", "true")


def test_taps_that_are_faster_than_the_portal_are_all_saved(visitors):
    page = visitors.come(viewport=PHONE)
    press(page, "Start a self-check")
    page.goto(f"{visitors.address}/check/next/conduct")
    for question in CONDUCT[:3]:
        answer(page, question, "no").click(no_wait_after=True)
    for question in CONDUCT[:3]:
        expect(answer(page, question, "no")).to_have_attribute("aria-pressed", "true")
    page.reload()
    for question in CONDUCT[:3]:
        expect(answer(page, question, "no")).to_have_attribute("aria-pressed", "true")


def test_a_note_that_is_being_typed_stays_when_another_answer_is_saved(visitors):
    page = visitors.come()
    press(page, "Start a self-check")
    page.goto(f"{visitors.address}/check/next/conduct")
    page.locator("#q-conduct-abuse summary").click()
    note = page.locator("#q-conduct-abuse-note")
    note.fill("ask Sam")
    answer(page, CONDUCT[1], "no").click()
    expect(page.get_by_role("status")).to_have_text("Saved.")
    expect(note).to_be_visible()
    expect(note).to_have_value("ask Sam")
    page.reload()
    expect(note).to_have_value("ask Sam")


@pytest.mark.parametrize("settled", [False, True])
def test_the_stop_and_a_screen_pass_axe_however_shown(visitors, cast, settled):
    answers = SETTLING | {"conduct.abuse": "yes"} | {f"resources.{sign}": "no" for sign in (
        "email", "identity", "website", "print", "logo", "contact", "devices", "people"
    )}  # fmt: skip
    if settled:
        save_answers(draft=cast.draft, changes=[Change(q, a, "") for q, a in answers.items()], by=cast.member)
    page = visitors.come(cast.member)
    page.goto(f"{visitors.address}/assessments/{cast.draft_pk}/{'settled' if settled else 'next/gifts'}")
    titled(page, "You now know whether to contact the Commissioner" if settled else "Gifts and benefits")
    assert_accessible(page, however_shown=True)
