"""What people do on the pages, for all journeys."""

import re
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from assessments.models import User
from tests.cast import PASSWORD
from tests.reading import flat

EMAIL = "registration use a toronto.ca email address"
LOGO = "use the City's logo"
WEBSITE = "your constituency website or the City's contact page"
POLICIES = "follow the City policies that the bulletin lists"
STAGE = "Is the account in use, or not launched yet?"

WITH_AND_WITHOUT_SCRIPTS = pytest.mark.parametrize(
    "scripts",
    [
        pytest.param(True, id="with scripts"),
        # What the pages send is the same without; test_self_check.py walks without scripts each time.
        pytest.param(False, id="without", marks=pytest.mark.slow),
    ],
)


def question(page: Page, asks: str) -> Locator:
    return page.locator("fieldset.question").filter(has=page.locator("legend", has_text=asks))


def option(page: Page, asks: str, label: str) -> Locator:
    return question(page, asks).get_by_label(label, exact=True)


def autosave(page: Page, asks: str, label: str) -> None:
    """Choose an answer, and wait until the page has the response to it."""
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        option(page, asks, label).check()


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def press_and_wait(page: Page, name: str) -> None:
    """Press a button whose next page may have the title of this one, and wait for that page."""
    with page.expect_navigation():
        press(page, name)


def follow(page: Page, name: str) -> None:
    page.get_by_role("link", name=name, exact=True).click()


def open_menu(page: Page) -> None:
    page.locator(".menu summary").click()


def titled(page: Page, title: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(title)


def status(page: Page) -> Locator:
    return page.locator("#save-state")


def started(page: Page, section: str = "") -> None:
    press(page, "Start a self-check")
    follow(page, "List of sections")
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
    """The text of a PDF, without white space."""
    text = subprocess.run(["pdftotext", str(pdf), "-"], capture_output=True, check=True)  # noqa: S607
    return flat(text.stdout.decode())


def sign_in(page: Page, address: str, user: User) -> None:
    """Sign in with a password, in this tab."""
    if not page.url.startswith(f"{address}/account/login/"):
        page.goto(f"{address}/account/login/")
    page.get_by_label("Email address").fill(user.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    press(page, "Sign in")
    page.wait_for_url(re.compile("/office/$|/second-step/"))
