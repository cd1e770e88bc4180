"""Try it: from the home page to an advisory in hand, in a real browser."""

import json
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from assessments.samples import TITLES, sample
from assessments.scoring.assess import assess
from assessments.scoring.document import read_document
from bulletin import shelf
from tests.reading import blocks_of_pdf, flat, opened, told_by_blocks
from tests.tables import EDITION

TYPO = json.dumps(
    {"edition": EDITION, "as_of": "2026-07-01", "answers": {"resources.emial": "yes"}}, indent=1
)
MENDED = TYPO.replace("emial", "email")
WCAG = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
WAYS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "320 px": {"viewport": {"width": 320, "height": 640}},
}


def choose(page: Page, name: str) -> None:
    page.get_by_label(TITLES[name]).check()
    page.get_by_role("button", name="See the advisory").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Advisory on a social media account")


def paste(page: Page, answers: str) -> None:
    page.get_by_label("Or paste an answers file").fill(answers)
    page.get_by_role("button", name="See the advisory").click()


def downloaded(page: Page, button: str, into: Path) -> bytes:
    with page.expect_download() as waiting:
        page.get_by_role("button", name=button).click()
    into /= waiting.value.suggested_filename
    waiting.value.save_as(into)
    return into.read_bytes()


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_a_sample_becomes_an_advisory_to_read_and_to_take_away(visitors, downloads, scripts):
    page = visitors.come(java_script_enabled=scripts)
    choose(page, "nothing-flagged")
    expect(page.get_by_role("heading", name="Nothing flagged on your answers")).to_be_visible()
    assert page.url == f"{visitors.address}/advisory"

    document = read_document(sample("nothing-flagged"), shelf.editions(), shelf.calendar())
    assert document.as_of
    on = shelf.calendar().default_for(document.as_of)
    advisory = assess(document.edition, document.answers, as_of=document.as_of, election=on)
    pdf = opened(downloaded(page, "Download the PDF", downloads))
    told = told_by_blocks(blocks_of_pdf(pdf), advisory)
    assert told.headline == flat("Nothing flagged on your answers")
    assert len(told.findings) == len(document.edition.rules)
    data = json.loads(downloaded(page, "Download the JSON", downloads))
    assert (data["overall"], data["as_of"]) == ("consistent", "2026-02-02")
    assert sorted(file.name for file in downloads.iterdir()) == ["advisory.json", "advisory.pdf"]


def test_a_fault_is_announced_in_a_summary_with_the_focus_and_once_mended_gives_the_advisory(visitors):
    page = visitors.come()
    paste(page, TYPO)
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(summary).to_contain_text("did you mean `resources.email`?")
    expect(page).to_have_title(
        "Please correct: Before you launch a social media account – Social media self-check"
    )
    area = page.get_by_label("Or paste an answers file")
    expect(area).to_have_value(TYPO)
    summary.get_by_role("link").click()
    expect(area).to_be_focused()
    area.fill(MENDED)
    page.get_by_role("button", name="See the advisory").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Advisory on a social media account")
    page.get_by_role("link", name="Start again").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Before you launch a social media account")
    expect(page.get_by_label("Or paste an answers file")).to_be_empty()


def test_the_keyboard_alone_leads_from_home_to_the_pdf(visitors, downloads):
    page = visitors.come()
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label(list(TITLES.values())[2])).to_be_checked()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Or paste an answers file")).to_be_focused()
    page.keyboard.press("Tab")
    button = page.get_by_role("button", name="See the advisory")
    expect(button).to_be_focused()
    assert button.evaluate("it => getComputedStyle(it).outlineWidth") == "3px"
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Advisory on a social media account")
    for _ in range(3):
        page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Download the PDF")).to_be_focused()
    with page.expect_download() as waiting:
        page.keyboard.press("Enter")
    waiting.value.save_as(downloads / "advisory.pdf")
    assert (downloads / "advisory.pdf").read_bytes().startswith(b"%PDF-1.7")


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_home_fault_and_advisory_pass_axe_and_fit_the_screen(visitors, way):
    page = visitors.come(**way)
    assert_accessible(page)
    paste(page, TYPO)
    expect(page.get_by_role("alert")).to_be_visible()
    assert_accessible(page)
    page.get_by_label("Or paste an answers file").fill("")
    choose(page, "conversion")
    assert_accessible(page)


def assert_accessible(page: Page) -> None:
    found = Axe().run(page, options=WCAG).response
    assert len(found["passes"]) > 10
    told = [
        (fault["id"], fault["help"], [n["target"] for n in fault["nodes"]]) for fault in found["violations"]
    ]
    assert told == []
    # Nothing is to be scrolled from side to side, at 320 px neither.
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_our_own_typeface_is_what_the_pages_are_set_in(visitors):
    page = visitors.come()
    loaded = page.evaluate(
        "document.fonts.ready.then(all => [...all].filter(f => f.status == 'loaded').length)"
    )
    assert loaded > 0
    assert page.evaluate("document.fonts.check('1rem \"Atkinson Hyperlegible Next\"')")
