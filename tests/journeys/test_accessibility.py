"""WCAG 2.2 AA in a real browser: every page with axe, and by hand what axe cannot check."""

import re
from collections.abc import Container, Iterable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize, expect

from assessments.management.commands import demo_data
from assessments.models import Assessment, SocialAccount
from assessments.services.answering import Change, save_answers
from assessments.services.attesting import reassess
from assessments.services.notices import stop_token
from bulletin.shelf import current
from tests.cast import account_of, attested, earlier_published
from tests.journeys.walking import (
    EMAIL,
    POLICIES,
    STAGE,
    autosave,
    follow,
    option,
    question,
    started,
    status,
    titled,
)

VIOLATIONS: dict[str, Any] = {"resultTypes": ["violations"]}
"""Of what passes, axe reports one element a rule: half the work."""
WCAG = VIOLATIONS | {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
}
COLOURS = VIOLATIONS | {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
"""The rules whose result depends on the colour scheme and not on the width."""
BUT_COLOURS = WCAG | {"rules": {rule: {"enabled": False} for rule in COLOURS["runOnly"]["values"]}}

PUBLIC = (
    "/",
    "/help",
    "/privacy",
    "/accessibility",
    "/deleted",
    "/examples/conversion",
    "/check/bring-back",
    "/account/login/",
    "/account/password/reset/",
    "/account/password/reset/done/",
    "/account/password/reset/key/1-used/",
    "/account/password/reset/key/done/",
    "/account/inactive/",
    "/verify/",
    "/verify/AAAA-BBBB-CCCC-DDDD",
    "/invitation/of-no-use",
    "/no-such-page",
)
CHECK = (
    "/",
    "/check/",
    "/check/details",
    "/check/election",
    "/check/next/account.stage",
    "/check/next/signs",
    "/check/next/election.use",
    "/check/next/election.use?ready",
    "/check/next/moderation",
    "/check/section/resources",
    "/check/section/election",
    "/check/section/gifts",
    "/check/section/moderation",
    "/check/answers",
    "/check/advisory",
    "/check/copies",
)
REPRESENTATIVE = ("/", "/check/next/signs", "/check/section/resources", "/check/advisory", "/office/")
"""These are looked at in every theme and width each time; of the others, that is a slow test."""
WIDE: ViewportSize = {"width": 1280, "height": 900}
NARROW: ViewportSize = {"width": 320, "height": 256}
"""What is left of 1,280 by 1,024 pixels at 400 % zoom."""


def signed_in_pages(account: SocialAccount, draft: Assessment) -> tuple[str, ...]:
    return (
        "/office/",
        "/office/accounts/new",
        f"/office/accounts/{account.pk}",
        f"/office/accounts/{account.pk}/edit",
        f"/assessments/{draft.pk}/",
        f"/assessments/{draft.pk}/section/resources",
        f"/assessments/{draft.pk}/details",
        f"/assessments/{draft.pk}/answers",
        f"/assessments/{draft.pk}/advisory",
        f"/assessments/{draft.pk}/copies",
        f"/assessments/{draft.pk}/review",
        f"/assessments/{draft.pk}/review?show=all",
        f"/assessments/{draft.pk}/attest",
        "/office/waiting",
        f"/office/{account.office_id}/settings",
        f"/office/{account.office_id}/people",
        f"/office/{account.office_id}/people/review",
        f"/office/{account.office_id}/trail",
        f"/office/{account.office_id}/keeping",
        f"/office/{account.office_id}/export",
        f"/office/{account.office_id}/erase",
        "/account/security/",
        "/account/password/change/",
        "/account/sessions/",
        "/account/app/",
        "/account/passkeys/",
        "/account/passkeys/add/",
        "/account/reauthenticate/",
        "/account/logout/",
        "/check/keep",
    )


def violations(page: Page, rules: dict[str, Any]) -> list[Any]:
    results = Axe().run(page, options=rules).response
    assert results["passes"]
    return [
        (fault["id"], fault["help"], [node["target"] for node in fault["nodes"]])
        for fault in results["violations"]
    ]


def assert_accessible(page: Page, *, however_shown: bool = False) -> None:
    """Run axe on a page in light and wide, and see that it fits a narrow window.

    With `however_shown`, also run it in dark, and in that window.
    """
    page.set_viewport_size(WIDE)
    page.emulate_media(color_scheme="light")
    assert violations(page, WCAG) == [], page.url
    if however_shown:
        page.emulate_media(color_scheme="dark")
        assert violations(page, COLOURS) == [], f"{page.url} in dark"
    page.set_viewport_size(NARROW)
    if however_shown:
        assert violations(page, BUT_COLOURS) == [], f"{page.url} at 320 pixels"
    # Nothing needs scrolling from side to side.
    fits = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    assert page.evaluate(fits), page.url
    page.set_viewport_size(WIDE)


def assert_own_typeface(page: Page) -> None:
    loaded = page.evaluate(
        "document.fonts.ready.then(all => [...all].filter(f => f.status == 'loaded').length)"
    )
    assert loaded > 0
    assert page.evaluate("document.fonts.check('1rem \"Public Sans\"')")


# --- Every page -------------------------------------------------------------------

IN_SOME_OR_EVERY_WAY = pytest.mark.parametrize(
    "shown",
    [
        pytest.param(REPRESENTATIVE, id="light and wide"),
        pytest.param(None, id="however shown", marks=[pytest.mark.slow, pytest.mark.timeout(600)]),
    ],
)
"""`shown`: the pages to look at in every theme and width, or None for all."""


def assert_all_accessible(
    page: Page, address: str, paths: Iterable[str], shown: Container[str] | None
) -> None:
    for path in paths:
        page.goto(address + path)
        assert_accessible(page, however_shown=shown is None or path in shown)


@IN_SOME_OR_EVERY_WAY
def test_every_page_for_anyone_passes_axe(visitors, shown):
    visitors.forgive("^404: |status of 404")
    page = visitors.come()
    assert_own_typeface(page)
    assert_all_accessible(page, visitors.address, PUBLIC, shown)


@IN_SOME_OR_EVERY_WAY
def test_every_page_of_a_self_check_passes_axe(visitors, shown):
    page = visitors.come()
    started(page, "City resources")
    autosave(page, EMAIL, "Yes")
    expect(question(page, POLICIES)).to_be_visible()
    assert_accessible(page)
    assert_all_accessible(page, visitors.address, CHECK, shown)


@IN_SOME_OR_EVERY_WAY
def test_every_page_of_an_office_passes_axe(visitors, unprinted, shown):
    demo_data.make()
    draft = Assessment.objects.get(account__handle="@CouncillorLee")
    # On the page that asks for the password of whoever is signed in: Chromium would also like to see their address.
    visitors.forgive("Password forms should have .* username fields")
    page = visitors.come(draft.account.office.member)
    started(page)
    assert_all_accessible(page, visitors.address, signed_in_pages(draft.account, draft), shown)


@IN_SOME_OR_EVERY_WAY
def test_every_page_of_an_attested_self_check_passes_axe(visitors, cast, unprinted, shown):
    record = attested(account_of(cast.office, handle="@attested"))
    following = reassess(assessment=record.assessment, by=cast.member)
    pages = (
        *(
            f"/assessments/{record.assessment_id}/{name}"
            for name in ("", "advisory", "review", "compare", "share")
        ),
        f"/assessments/{following.pk}/section/resources",
        f"/notices/stop/{stop_token(cast.member)}",
    )
    assert_all_accessible(visitors.come(cast.member), visitors.address, pages, shown)


@IN_SOME_OR_EVERY_WAY
@pytest.mark.parametrize("name", ["officer", "administrator"])
def test_every_page_behind_a_second_step_passes_axe(visitors, cast, shown, name):
    second_step = ("second-step/again/", "codes/new/", "app/remove/")
    pages = {
        "officer": ("/desk/?state=withdrawn", *(f"/account/{page}" for page in second_step)),
        "administrator": (
            "/people/",
            "/people/invite",
            "/people/review",
            f"/people/offices/{cast.office_pk}/end",
        ),
    }
    assert_all_accessible(visitors.come(cast.user(name)), visitors.address, pages[name], shown)


@IN_SOME_OR_EVERY_WAY
def test_the_pages_that_change_a_name_pass_axe_with_and_without_a_fault(visitors, cast, shown):
    page = visitors.come(cast.administrator)
    for path in (f"/people/{cast.member.pk}/name", f"/people/offices/{cast.office_pk}/name"):
        page.goto(visitors.address + path)
        name = page.get_by_label("Name")
        assert_accessible(page, however_shown=shown is None)
        name.fill(" ")
        page.get_by_role("button", name="Change the name").click()
        expect(page).to_have_title(re.compile("^Please correct: "))
        expect(name).to_be_visible()
        assert_accessible(page, however_shown=shown is None)


def test_answers_that_cannot_all_be_right_have_accessible_notes_that_lead_to_each_other(visitors, cast):
    answers = {"election.use": "planned", "election.website": "yes", "resources.website": "yes"}
    # An election without dates is never over, whenever the test runs.
    Assessment.objects.filter(pk=cast.draft_pk).update(election="by-election")
    changes = [Change(name, value, "") for name, value in answers.items()]
    save_answers(draft=cast.draft, changes=changes, by=cast.member)
    page = visitors.come(cast.member)
    page.goto(f"{visitors.address}/assessments/{cast.draft_pk}/section/election?ready")
    note = page.locator("#q-election-website").get_by_role("note")
    expect(note).to_be_visible()
    assert_accessible(page, however_shown=True)
    note.get_by_role("link").click()
    other = page.locator("#q-resources-website")
    expect(other.get_by_role("note")).to_be_visible()
    expect(other).to_be_in_viewport()
    # Once either answer is mended, the note goes without a reload.
    other.get_by_role("radio", name="No", exact=True).check()
    expect(status(page)).to_contain_text("Saved at")
    expect(other.get_by_role("note")).to_have_count(0)


def test_a_newer_revision_and_a_faulty_date_are_reported_accessibly(visitors, cast):
    Assessment.objects.filter(pk=cast.draft_pk).update(edition=earlier_published(current().earlier[1]))
    save_answers(draft=cast.draft, changes=[Change("election.use", "none", "")], by=cast.member)
    page = visitors.come(cast.member)
    page.goto(f"{visitors.address}/assessments/{cast.draft_pk}/details")
    page.get_by_label("Voting day of a by-election").fill("2027-05-10")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_label("Voting day of a by-election")).to_have_value("2027-05-10")
    assert_accessible(page, however_shown=True)
    page.get_by_role("link", name="from the list of sections").click()
    button = page.get_by_role("button", name="Move to revision")
    expect(button).to_be_in_viewport()
    assert_accessible(page, however_shown=True)
    button.click()
    titled(page, f"This self-check now uses revision {current().sheet.revision} of the questions")
    assert_accessible(page, however_shown=True)


# --- Keyboard ---------------------------------------------------------------------


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
    assert start.evaluate("element => getComputedStyle(element).outlineWidth") == "3px"
    page.keyboard.press("Enter")
    follow(page, "List of sections")
    titled(page, "Your self-check")

    page.goto(f"{visitors.address}/check/section/gifts")
    autosave(page, "without payment", "Yes")
    amount = page.get_by_label("Amount in Canadian dollars")
    amount.fill("lots")
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.keyboard.press("Tab")
    expect(status(page)).to_contain_text("Not everything is saved")
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


def pressed(page: Page, key: str, until: Any, most: int = 60) -> None:
    """Press a key until `until` has the focus."""
    for _ in range(most):
        if until.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press(key)
    expect(until).to_be_focused()


def test_a_section_is_answered_by_keyboard_alone_and_a_new_question_is_one_link_away(visitors):
    page = visitors.come()
    started(page, "The account")
    pressed(page, "Tab", option(page, STAGE, "Not launched yet"))
    page.keyboard.press("ArrowDown")
    expect(option(page, STAGE, "In use")).to_be_checked()
    expect(status(page)).to_contain_text("Saved at")
    pressed(page, "Tab", page.get_by_role("button", name="Save and continue"))
    page.keyboard.press("Enter")
    titled(page, "City resources")

    pressed(page, "Tab", option(page, EMAIL, "Yes"))
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.keyboard.press("Space")
    # A new question does not take the focus: that would move people away from where they are.
    expect(option(page, EMAIL, "Yes")).to_be_focused()
    link = status(page).get_by_role("link")
    expect(link).to_be_visible()
    pressed(page, "Tab", link)
    page.keyboard.press("Enter")
    expect(option(page, POLICIES, "Yes")).to_be_focused()
    expect(question(page, POLICIES)).to_be_in_viewport()
    page.keyboard.press("Space")
    expect(option(page, POLICIES, "Yes")).to_be_checked()


def test_whatever_has_the_focus_shows_it_and_is_not_hidden(visitors):
    page = visitors.come(viewport={"width": 360, "height": 640}, reduced_motion="reduce")
    started(page, "City resources")
    autosave(page, EMAIL, "Yes")
    focused = 0
    for _ in range(80):
        page.keyboard.press("Tab")
        focus = page.evaluate(
            """() => {
              const focused = document.activeElement;
              if (focused === document.body) return null;
              // A choice is drawn by its label, which holds the input.
              const label = focused.matches(".form-check-input") ? focused.closest(".form-check") : focused;
              const style = getComputedStyle(label), box = label.getBoundingClientRect();
              const middle = document.elementFromPoint(box.x + box.width / 2, box.y + Math.min(box.height / 2, 10));
              return {
                name: focused.id || focused.textContent.trim(),
                outlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
                covered: !middle || !label.contains(middle) && !middle.contains(focused),
              };
            }"""
        )
        if focus is None:
            break
        focused += 1
        assert focus["outlined"], focus
        assert not focus["covered"], focus
    assert focused > 30


# --- What is announced, and what moves -----------------------------------------------------


def test_a_save_is_announced_once_and_nothing_above_or_beside_it_moves(visitors):
    page = visitors.come()
    started(page, "City resources")
    # Before the first answer, the panel has no result.
    autosave(page, EMAIL, "No")
    expect(page.locator("#panel dl")).to_be_visible()
    page.evaluate(
        """() => {
          window.announced = [];
          const live = [...document.querySelectorAll("[role=status], [role=alert], [aria-live]")];
          const watch = new MutationObserver((all) => {
            const spoken = all[0].target.closest("[role]")?.innerText || "";
            if (spoken) window.announced.push(spoken);
          });
          for (const region of live) watch.observe(region, {childList: true, characterData: true, subtree: true});
        }"""
    )
    before = option(page, EMAIL, "Yes").bounding_box()
    panel = page.locator("#panel").bounding_box()
    autosave(page, EMAIL, "Yes")
    expect(status(page)).to_contain_text("Your answers added a question")
    assert option(page, EMAIL, "Yes").bounding_box() == before
    assert page.locator("#panel").bounding_box() == panel
    assert len(page.evaluate("window.announced")) == 1
    # The notice before the self-check ends has a status of its own.
    assert page.locator("main :is([aria-live], [role=status], [role=alert])").count() == 1


def test_where_less_motion_is_wanted_nothing_moves(visitors):
    page = visitors.come(reduced_motion="reduce")
    started(page, "City resources")
    moving = page.evaluate(
        """() => [document.documentElement, ...document.querySelectorAll("body *")].filter((element) => {
          const style = getComputedStyle(element);
          return style.transitionDuration.split(", ").some((t) => parseFloat(t) > 0.01)
            || style.animationName !== "none" || style.scrollBehavior === "smooth";
        }).map((element) => element.outerHTML.slice(0, 80))"""
    )
    assert moving == []


def test_in_forced_colours_a_choice_and_a_status_can_still_be_seen(visitors):
    page = visitors.come(forced_colors="active")
    started(page, "City resources")
    autosave(page, EMAIL, "Yes")
    chosen, not_chosen = option(page, EMAIL, "Yes"), option(page, EMAIL, "No")
    assert chosen.evaluate("element => getComputedStyle(element).appearance") == "auto"
    assert chosen.screenshot() != not_chosen.screenshot()
    headline = page.locator(".panel-headline")
    mark = headline.evaluate("element => getComputedStyle(element, '::before').backgroundColor")
    paper = headline.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert mark != paper
    assert violations(page, WCAG) == []
