"""A real browser, for the tests that walk through the portal as a person does."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.test import override_settings
from django.test.testcases import LiveServerThread
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from assessments.models import User
from tests.cast import PASSWORD, Cast, client_of, make
from tests.journeys.https import FINGERPRINT, HttpsServer

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    f"--ignore-certificate-errors-spki-list={FINGERPRINT}",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all journeys."""
    chromium = next(filter(None, map(which, CHROMIUM)), None)
    if not chromium:
        pytest.fail("No Chromium here. On Debian: sudo apt-get install chromium", pytrace=False)
    # Playwright runs an event loop in this thread, so Django would take the ORM calls of fixtures
    # for calls from asynchronous code, and refuse them.
    expect.set_options(timeout=15_000)
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        yield browser
        browser.close()
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
    else:
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = before


@dataclass
class Visitors:
    """People who open pages, each with a browser of their own. `complaints` are what the browsers report."""

    browser: Browser
    address: str
    complaints: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)
    # Chromium confirms what it deletes at sign-out.
    forgiven: list[str] = field(default_factory=lambda: [r"^info: Clear-Site-Data header"])

    def come(self, user: User | None = None, **how: Any) -> Page:
        """A new person on the home page, already signed in as `user`.

        `how` are Playwright's options, such as java_script_enabled=False.
        """
        context = self.browser.new_context(locale="en-CA", **how)
        self.contexts.append(context)
        if user:
            name = settings.SESSION_COOKIE_NAME
            session = client_of(user).cookies[name].value
            context.add_cookies([{"name": name, "value": session, "url": self.address, "secure": True}])
        return self.open_tab(context, self.address)

    def open_tab(self, context: BrowserContext, address: str) -> Page:
        """Open another tab of the same person."""
        page = context.new_page()
        page.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        page.on("requestfailed", self._failed)
        page.on("response", self._answered)
        page.goto(address)
        return page

    def forgive(self, complaint: str) -> None:
        """Expect complaints that match a pattern, in a test that causes trouble on purpose."""
        self.forgiven.append(complaint)

    def unforgiven(self) -> list[str]:
        """The complaints that were not expected."""
        return [
            complaint
            for complaint in self.complaints
            if not any(re.search(p, complaint) for p in self.forgiven)
        ]

    def _failed(self, request: Any) -> None:
        # A response that is saved as a file aborts its navigation.
        if "ERR_ABORTED" not in (request.failure or ""):
            self.complaints.append(f"failed: {request.url}: {request.failure}")

    def _answered(self, response: Any) -> None:
        if response.status >= 400 or not response.url.startswith(self.address):
            self.complaints.append(f"{response.status}: {response.url}")


@pytest.fixture(scope="session")
def writing_in_turn() -> override_settings:
    """Settings with which requests that write take turns.

    On SQLite, the threads of the tests' server share one connection, and would undo one another's transactions.
    """
    turns = override_settings(MIDDLEWARE=["tests.journeys.turns.take_turns", *settings.MIDDLEWARE])
    turns.enable()
    return turns


@pytest.fixture(scope="session")
def live_server(request: pytest.FixtureRequest, writing_in_turn: override_settings) -> Any:
    """The server of the journeys. Only it speaks HTTPS, and has the middleware for turns."""
    fault = ""
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(LiveServerThread, "server_class", HttpsServer)
            server = request.getfixturevalue("live_server")
    except OSError as error:
        fault = (
            f"The tests' server cannot start: {error.strerror}. --liveserver=localhost:0 takes a free port."
        )
    if fault:
        pytest.fail(fault, pytrace=False)
    writing_in_turn.disable()
    return server


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    """The cast, each with a password. It is made for each test, since the database is emptied after it."""
    cast = make()
    User.objects.update(password=make_password(PASSWORD))
    return cast


@pytest.fixture
def visitors(browser: Browser, live_server: Any, cast: Cast) -> Iterator[Visitors]:
    """People who use the portal. At the end, their browsers may have no unexpected complaint."""
    people = Visitors(browser, live_server.url.replace("http:", "https:", 1))
    yield people
    for context in people.contexts:
        context.close()
    assert people.unforgiven() == []


@pytest.fixture
def downloads(tmp_path: Path) -> Path:
    """Where a test saves what it downloads."""
    return tmp_path
