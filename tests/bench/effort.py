"""What a self-check asks of a person: `python -m tests.bench.effort`.

A careful person goes from the home page to the advisory in Chromium, 360 pixels wide and 740 high: with a City
account that is to become a campaign account, and with a quiet personal one; one question at a time, and by
section. They read a page once, open no fold, and answer from a table whatever they are asked. Where a button
answers "no" to the rest of a group, they first answer what is not "no". The day is fixed, so that the figures
are, too.

Counted until the contacts are settled, and until the advisory opens (one at a time, a page says "You now know
whether to contact the Commissioner"; by section no page does, and the answer counts that settles them):

- taps: on buttons, links, options and text boxes; keys: characters typed, of a date its digits;
- words: what is visible, folds closed. A new page counts the words of its main part, those of the panel included. A
  page that comes back, with the same address and the same first question, counts only words that it did not have
  before. Header and footer are the same on all pages, and count when they are first seen;
- loads: documents that the browser loads; screens: the heights of these pages, divided by 740.

Words and screens of the advisory are counted apart.

Then the member of an office takes the next self-check of each account, in which nothing has changed. Counted are the
presses from "Start the next self-check" to an advisory with nothing left to confirm.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from typing import NamedTuple

import django
import pikepdf
import time_machine
from django.conf import settings
from playwright.sync_api import Browser, BrowserContext, Page, Response, sync_playwright

from assessments.rendering.data import answer_data
from assessments.scoring.answers import read_answer
from bulletin.shelf import current
from tests.bench.effort_cases import CASES, Answer
from tests.bench.effort_walk import DAY, HEIGHT, READ, WAYS, WIDTH, Effort, Person, Way, confirm_all
from tests.bench.own import places, tables
from tests.hosts import ROOT, free_port, wait_for
from tests.weight import bytes_sent
from tools.screenshots import FLAGS, chromium

SERVE = f"""
import sys, time_machine
from django.core.management import execute_from_command_line
time_machine.travel("{DAY}T10:00:00-04:00", tick=True).start()
execute_from_command_line(["manage.py", "runserver", "--noreload", sys.argv[1]])
"""
ANSWER = "#contact"
"""Where the advisory says when and about what to contact the Commissioner."""


class Advisory(NamedTuple):
    """What a person gets. `height`, and `answer_at` from the top, are in pixels."""

    words: int
    height: int
    answer_at: int
    pdf_words: int
    pdf_pages: int


class Walk(NamedTuple):
    """One walk from the home page to the advisory. `first_page` is the bytes of the first page with a question."""

    settled: Effort
    finished: Effort
    advisory: Advisory
    first_page: int


BEFORE: Mapping[str, Walk] = {
    "conversion": Walk(
        Effort(answers=54, taps=67, keys=11, words=5419, loads=13, screens=68),
        Effort(answers=57, taps=72, keys=11, words=6371, loads=15, screens=81),
        Advisory(words=1283, height=9398, answer_at=997, pdf_words=4476, pdf_pages=6),
        first_page=57_862,
    ),
    "quiet": Walk(
        Effort(answers=25, taps=36, keys=0, words=3352, loads=12, screens=45),
        Effort(answers=27, taps=40, keys=0, words=3843, loads=14, screens=52),
        Advisory(words=736, height=5992, answer_at=1103, pdf_words=2557, pdf_pages=4),
        first_page=57_834,
    ),
}
"""Measured on 30 November 2026, when the only way went section by section."""
GOALS = {
    "conversion": {"settled taps": 32, "settled words": 2800, "finished taps": 50},
    "quiet": {"settled taps": 18, "settled words": 1600, "finished taps": 26},
}
"""At most this much, one screen at a time."""
PRESSES_BEFORE = {"conversion": 38, "quiet": 25}
"""The presses for the next self-check, measured on 30 November 2026, before one press confirmed a section."""
PRESSES = 15
"""At most this many for the next self-check of an account that has not changed."""
NOTE = (
    "The goal for the conversion until finished was 50 taps, and it takes 58. Revision 2 asks 57 questions there, "
    "two more than revision 1, and nearly each takes one tap."
)
"""Why a goal is not met, for RESULTS.md."""


def walked(browser: Browser, address: str, table: Mapping[str, Answer], way: Way) -> Walk:
    """Walk from the home page to the advisory, and measure what is there."""
    context = browser.new_context(
        viewport={"width": WIDTH, "height": HEIGHT}, locale="en-CA", timezone_id="America/Toronto"
    )
    page = context.new_page()
    person = Person(page, table, way)
    page.goto(address)
    person.walk()
    left = context.request.get(f"{address}/check/advisory.json").json()["unanswered"]
    if left or not person.settled:
        raise RuntimeError(f"The advisory opened while these had no answer: {left}.")
    first_page = bytes_of(browser, context, person.first_page)
    walk = Walk(person.settled, person.effort, advisory_of(page), first_page)
    context.close()
    return walk


def advisory_of(page: Page) -> Advisory:
    """Measure the advisory that is open, and its PDF."""
    read = page.evaluate(READ)
    answer = page.locator(ANSWER).first.bounding_box()
    if not answer:
        raise RuntimeError(f"Nothing on the advisory is {ANSWER}.")
    pdf = page.context.request.get(page.url + ".pdf").body()
    command = ["pdftotext", "-", "-"]
    text = subprocess.run(command, input=pdf, stdout=subprocess.PIPE, check=True).stdout.decode()
    with pikepdf.open(BytesIO(pdf)) as opened:
        pages = len(opened.pages)
    return Advisory(
        words=len(read["main"]),
        height=read["height"],
        answer_at=round(answer["y"] + page.evaluate("scrollY")),
        pdf_words=len(re.findall(r"\S*\w\S*", text)),
        pdf_pages=pages,
    )


def bytes_of(browser: Browser, context: BrowserContext, address: str) -> int:
    """The bytes that a browser with an empty cache fetches for a page, compressed as production serves them."""
    fresh = browser.new_context(storage_state=context.storage_state())
    page, sizes = fresh.new_page(), list[int]()

    def count(response: Response) -> None:
        sizes.append(bytes_sent(response.url, response.body()))

    page.on("response", count)
    page.goto(address, wait_until="networkidle")
    fresh.close()
    return sum(sizes)


@contextmanager
def served() -> Iterator[str]:
    """Serve the portal on a free port, as if it were DAY; yield its address."""
    port = free_port()
    command = [sys.executable, "-c", SERVE, f"127.0.0.1:{port}"]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def pressed_again(browser: Browser, address: str, pk: int, session: str) -> int:
    """The presses for the next self-check after one that its member attested, where nothing has changed."""
    context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT}, locale="en-CA")
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": address}])
    page = context.new_page()
    page.goto(f"{address}/assessments/{pk}/")
    presses = confirm_all(page)
    context.close()
    return presses


def an_attested_one(table: Mapping[str, Answer]) -> tuple[int, str]:
    """Attest a self-check with these answers; return its key and the session of its member."""
    from assessments.services.answering import Change, save_answers  # noqa: PLC0415
    from assessments.services.attesting import attest  # noqa: PLC0415
    from assessments.services.drafts import start_assessment  # noqa: PLC0415
    from tests.cast import account_of, client_of, office_of, person, seen  # noqa: PLC0415

    member = person(f"member {len(table)}")
    draft = start_assessment(account=account_of(office_of(member, f"Ward {len(table)}")), by=member)
    stored = {
        question: read_answer(current().question[question], answer) for question, answer in table.items()
    }
    changes = [Change(question, answer_data(answer), "") for question, answer in stored.items()]
    save_answers(draft=draft, changes=changes, by=member)
    attest(assessment=draft, by=member, seen=seen(draft))
    return draft.pk, client_of(member).cookies[settings.SESSION_COOKIE_NAME].value


def report(case: str, walks: Mapping[Way, Walk]) -> None:
    """Print a case's figures by way, beside those of before and the goals; then lines with ratios to before."""
    before = BEFORE[case]
    for part in ("settled", "finished", "advisory"):
        columns = [getattr(walk, part)._asdict() for walk in (before, *walks.values())]
        print(f"{case + ', ' + part:24}" + "".join(f"{name:>15}" for name in ("before", *walks, "goal")))
        for name in columns[0]:
            figures = "".join(f"{column[name]:15,}" for column in columns)
            goal = GOALS[case].get(f"{part} {name}")
            print(f"  {name:22}{figures}" + (f"{goal:15,}" if goal else ""))
    sizes = "".join(f"{walk.first_page:15,}" for walk in (before, *walks.values()))
    print(f"  {'first page, bytes':22}{sizes}")
    for way, walk in walks.items():
        print(f"{case}, {way}, until settled: {ratios(walk.settled, before.settled)}")
        print(f"{case}, {way}, until finished: {ratios(walk.finished, before.finished)}")
    words = next(iter(walks.values())).advisory.words
    print(f"{case}, advisory: {words:,} words, {words / before.advisory.words:.2f} × in November 2026")


def ratios(now: Effort, then: Effort) -> str:
    """Taps and words, each with its ratio to before."""
    return (
        f"{now.taps} taps, {now.taps / then.taps:.2f} × in November 2026; "
        f"{now.words:,} words, {now.words / then.words:.2f} ×"
    )


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as scratch:
        os.environ |= {
            **places(scratch),
            "DEBUG": "true",
            "SECRET_KEY": "only for figures",
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
        django.setup()
        tables()
        # Playwright lets nothing else use the database in this thread.
        with time_machine.travel(f"{DAY}T10:00:00-04:00", tick=True):
            attested = {case: an_attested_one(table) for case, table in CASES.items()}
        with served() as address, sync_playwright() as tools:
            browser = tools.chromium.launch(executable_path=chromium(), args=list(FLAGS))
            for case, table in CASES.items():
                report(case, {way: walked(browser, address, table, way) for way in WAYS})
                presses = pressed_again(browser, address, *attested[case])
                print(
                    f"{case}, again: {presses} presses, {PRESSES_BEFORE[case]} in November 2026, goal {PRESSES}"
                )
            browser.close()


if __name__ == "__main__":
    main()
