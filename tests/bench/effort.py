"""What a self-check asks of a person: `python -m tests.bench.effort`.

A careful person goes from the home page to the advisory in Chromium, 360 pixels wide and 740 high: once with a City
account that is to become a campaign account, once with a quiet personal account. They read a page once, open no fold,
and answer from a table whatever they are asked. The day is fixed, so that the figures are, too.

Counted until the contacts are settled, and until the advisory opens:

- taps: on buttons, links, options and text boxes; keys: characters typed, of a date its digits;
- words: what is visible, folds closed. A new page counts the words of its main part, those of the panel included. A
  page that comes back, with the same address and the same first question, counts only words that it did not have
  before. Header and footer are the same on all pages, and count when they are first seen;
- loads: documents that the browser loads; screens: the heights of these pages, divided by 740.

Words and screens of the advisory are counted apart.
"""

import gzip
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from io import BytesIO
from typing import NamedTuple
from urllib.parse import urlsplit

import django
import pikepdf
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Response, expect, sync_playwright

from assessments.scoring.answers import read_answer
from assessments.scoring.assess import assess
from assessments.scoring.settled import progress
from bulletin.shelf import calendar, current
from tests.bench.effort_cases import CASES, Answer
from tests.bench.own import places, tables
from tests.hosts import ROOT, free_port, wait_for
from tools.screenshots import FLAGS, chromium

DAY = date(2026, 5, 10)
WIDTH, HEIGHT = 360, 740
SERVE = f"""
import sys, time_machine
from django.core.management import execute_from_command_line
time_machine.travel("{DAY}T10:00:00-04:00", tick=True).start()
execute_from_command_line(["manage.py", "runserver", "--noreload", sys.argv[1]])
"""
READ = r"""
() => {
  const main = [], frame = [], hasLetter = (text) => /[\p{L}\p{N}]/u.test(text);
  // Text for screen readers alone stands in a box of one pixel, or outside the window.
  const unseen = (element) => {
    const box = element.getBoundingClientRect();
    if (box.bottom + scrollY <= 0 || box.right <= 0) return true;
    return box.width <= 1 && box.height <= 1 && getComputedStyle(element).overflow === "hidden";
  };
  const hidden = (element) => {
    for (let at = element; at && at !== document.body; at = at.parentElement) if (unseen(at)) return true;
    return !element.checkVisibility({visibilityProperty: true, opacityProperty: true});
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode, words = text.data.split(/\s+/).filter(hasLetter);
    if (words.length && !hidden(text.parentElement))
      (text.parentElement.closest("main") ? main : frame).push(...words);
  }
  return {main, frame, height: document.documentElement.scrollHeight};
}
"""
"""The visible words of a page, in its main part and around that, and its height. Bullets and dashes are no words."""
ANSWER = "#contact"
"""Where the advisory says when and about what to contact the Commissioner."""


class Effort(NamedTuple):
    """What a person did so far."""

    answers: int
    taps: int
    keys: int
    words: int
    loads: int
    screens: int


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


@dataclass
class Shown:
    """What a person has read of a page, and its height at its tallest."""

    words: Counter[str] = field(default_factory=Counter)
    height: int = 0


class Person:
    """A careful person with a phone, who answers from a table."""

    def __init__(self, page: Page, table: Mapping[str, Answer]) -> None:
        self.page, self.table = page, table
        self.given: dict[str, Answer] = {}
        self.taps = self.keys = self.loads = self.words = 0
        self.frame = Counter[str]()
        self.pages: dict[tuple[str, str], Shown] = {}
        self.settled: Effort | None = None
        self.first_page = ""
        page.on("load", self._count_load)

    def _count_load(self, _: Page) -> None:
        self.loads += 1

    @property
    def effort(self) -> Effort:
        screens = sum(shown.height for shown in self.pages.values()) / HEIGHT
        return Effort(len(self.given), self.taps, self.keys, self.words, self.loads, round(screens))

    @property
    def path(self) -> str:
        return urlsplit(self.page.url).path

    def walk(self) -> None:
        """Go on until the advisory opens."""
        self.read()
        while not self.path.endswith("/advisory"):
            left = [question for question in self.questions() if question not in self.given]
            if left:
                self.first_page = self.first_page or self.page.url
                self.answer(left[0])
            else:
                self.go_on()
            if not self.path.endswith("/advisory"):
                self.read()
            if self.settled is None and is_settled(self.given):
                self.settled = self.effort

    def read(self) -> None:
        """Read what the page shows and did not show before."""
        read = self.page.evaluate(READ)
        self._read_words(self.frame, read["frame"])
        shown = self.pages.setdefault((self.path, next(iter(self.questions()), "")), Shown())
        self._read_words(shown.words, read["main"])
        shown.height = max(shown.height, read["height"])

    def _read_words(self, known: Counter[str], words: list[str]) -> None:
        """Count the words that are not known, and add them to what is known."""
        counted = Counter(words)
        self.words += (counted - known).total()
        known |= counted

    def questions(self) -> list[str]:
        """The questions on the page, in order. Raises RuntimeError for one that the table does not answer."""
        names = self.page.locator("main [name]:visible").evaluate_all("all => all.map((input) => input.name)")
        asked = [name for name in dict.fromkeys(names) if name in current().question]
        if unknown := [name for name in asked if name not in self.table]:
            raise RuntimeError(f"The table has no answer to {unknown}.")
        return asked

    def answer(self, question: str) -> None:
        """Answer a question on the page, and wait until the answer is saved."""
        answer = self.given[question] = self.table[question]
        inputs = self.page.locator(f"main [name='{question}']:visible")
        with self.page.expect_response(lambda response: response.request.method == "POST"):
            if inputs.first.get_attribute("type") in ("radio", "checkbox"):
                for value in answer if isinstance(answer, list) else [answer]:
                    self.tap(inputs.and_(self.page.locator(f"[value='{value}']")))
            else:
                self.tap(inputs)
                inputs.fill(str(answer))
                inputs.blur()
                self.keys += len(re.findall(r"[\d.]", str(answer)))
        expect(self.page.locator(".htmx-request, .htmx-swapping, .htmx-settling")).to_have_count(0)

    def go_on(self) -> None:
        """Go to the next page: the first section that is not done, or else where the main button leads."""
        sections = self.page.locator("ol.tasks > li:not(:has(.badge-done, .badge-none)) > a")
        button = self.page.locator("main .btn-primary:visible")
        with self.page.expect_navigation():
            self.tap((sections if sections.count() else button).first)

    def tap(self, target: Locator) -> None:
        target.click()
        self.taps += 1


def is_settled(given: Mapping[str, Answer]) -> bool:
    """Whether these answers settle whether, when and about what to contact the Commissioner."""
    read = {question: read_answer(current().question[question], answer) for question, answer in given.items()}
    answers = {question: answer for question, answer in read.items() if answer is not None}
    advisory = assess(current(), answers, as_of=DAY, election=calendar().default_for(DAY))
    return progress(advisory).contact_settled


def walked(browser: Browser, address: str, table: Mapping[str, Answer]) -> Walk:
    """Walk from the home page to the advisory, and measure what is there."""
    context = browser.new_context(
        viewport={"width": WIDTH, "height": HEIGHT}, locale="en-CA", timezone_id="America/Toronto"
    )
    page = context.new_page()
    person = Person(page, table)
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
        body = response.body()
        sizes.append(len(body if response.url.endswith(".woff2") else gzip.compress(body)))

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


def report(case: str, walk: Walk) -> None:
    """Print the figures of a walk beside those of before, then a line for each part with the ratio of the words."""
    before = BEFORE[case]
    parts: list[tuple[str, Effort | Advisory, Effort | Advisory]] = [
        ("settled", walk.settled, before.settled),
        ("finished", walk.finished, before.finished),
        ("advisory", walk.advisory, before.advisory),
    ]
    for part, now, then in parts:
        print(f"{case}, {part:25}{'before':>8}{'now':>8}")
        for name, figure in now._asdict().items():
            print(f"  {name:{len(case) + 25}}{getattr(then, name):8,}{figure:8,}")
    print(f"  {'first page, bytes':{len(case) + 25}}{before.first_page:8,}{walk.first_page:8,}")
    for part, now, then in parts:
        print(f"{case}, {part}: {now.words:,} words, {now.words / then.words:.2f} × in November 2026")


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
        with served() as address, sync_playwright() as tools:
            browser = tools.chromium.launch(executable_path=chromium(), args=list(FLAGS))
            for case, table in CASES.items():
                report(case, walked(browser, address, table))
            browser.close()


if __name__ == "__main__":
    main()
