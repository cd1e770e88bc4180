"""A careful person who takes a self-check on a phone, for `tests/bench/effort.py`, which says what is counted."""

import re
from collections import Counter
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from playwright.sync_api import Locator, Page, Response, expect

from assessments.scoring.answers import read_answer
from assessments.scoring.assess import assess
from assessments.scoring.settled import progress
from bulletin.shelf import calendar, current
from tests.bench.effort_cases import Answer

Way = Literal["one at a time", "by section"]
BY_SECTION: Way = "by section"
WAYS: tuple[Way, ...] = ("one at a time", "by section")
DAY = date(2026, 5, 10)
WIDTH, HEIGHT = 360, 740
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


class Effort(NamedTuple):
    """What a person did so far."""

    answers: int
    taps: int
    keys: int
    words: int
    loads: int
    screens: int


@dataclass
class Shown:
    """What a person has read of a page, and its height at its tallest."""

    words: Counter[str] = field(default_factory=Counter)
    height: int = 0


class Person:
    """A careful person with a phone, who answers from a table, one screen at a time or section by section."""

    def __init__(self, page: Page, table: Mapping[str, Answer], way: Way) -> None:
        self.page, self.table, self.way = page, table, way
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
            self.go_on()
            if not self.path.endswith("/advisory"):
                self.read()
            if self.settled is None and self.knows():
                self.settled = self.effort

    def knows(self) -> bool:
        """Whether the contacts are settled: one at a time, a page says so."""
        if self.way == BY_SECTION:
            return is_settled(self.given)
        is_said = (
            self.page.get_by_role("heading", name="You now know whether to contact the Commissioner").count()
            > 0
        )
        if is_said and not is_settled(self.given):
            raise RuntimeError(f"{self.page.url} says too early that the contacts are settled.")
        return is_said

    def go_on(self) -> None:
        """Answer the next question on the page, or else go to the next page."""
        main = self.page.locator("main")
        switch = main.get_by_role("link", name="Answer by section", exact=True)
        if self.way == BY_SECTION and switch.count():
            self.leave_by(switch)
        elif left := [question for question in self.questions() if question not in self.given]:
            self.first_page = self.first_page or self.page.url
            self.answer_one_of(left)
        else:
            # The first button may call the Commissioner.
            buttons = main.locator(".btn-primary:not([href^='tel:'], [href^='mailto:']):visible")
            self.leave_by(buttons.first)

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

    def answer_one_of(self, left: list[str]) -> None:
        """Answer one of the questions that are left on the page, or "no" to all of them with one button."""
        rest = self.page.get_by_role("button", name="No to the rest")
        if not rest.count():
            self.answer(left[0])
        # Whoever may answer "no" to the rest first looks for what is not "no".
        elif others := [question for question in left if self.table[question] != "no"]:
            self.answer(others[0])
        else:
            self.given |= dict.fromkeys(left, "no")
            self.leave_by(rest)

    def answer(self, question: str) -> None:
        """Answer with a button that leads on, or else in a form, which may save itself."""
        answer = self.given[question] = self.table[question]
        inputs = self.page.locator(f"main [name='{question}']:visible")
        kind = inputs.first.get_attribute("type")
        options = [
            inputs.and_(self.page.locator(f"[value='{value}']"))
            for value in (answer if isinstance(answer, list) else [answer])
        ]
        if kind == "submit":
            self.leave_by(options[0])
            return
        saves_itself = self.page.locator("form[hx-post]").count()
        with self.page.expect_response(is_post) if saves_itself else nullcontext():
            if kind in ("radio", "checkbox"):
                for option in options:
                    self.tap(option)
            else:
                self.tap(inputs)
                inputs.fill(str(answer))
                inputs.blur()
                self.keys += len(re.findall(r"[\d.]", str(answer)))
        expect(self.page.locator(".htmx-request, .htmx-swapping, .htmx-settling")).to_have_count(0)

    def leave_by(self, target: Locator) -> None:
        """Tap on what leads to another page, or to this one with what was saved."""
        with self.page.expect_navigation():
            self.tap(target)

    def tap(self, target: Locator) -> None:
        target.click()
        self.taps += 1


def confirm_all(page: Page) -> int:
    """Start the next self-check of an account and confirm each answer of the last one; return the presses."""
    main, presses = page.locator("main"), 0
    together = main.get_by_role("button", name=re.compile("^Nothing has changed"))
    guard = main.get_by_role("link", name=re.compile("^I’m on my own device"))
    earlier = main.locator(".asked").filter(has=page.locator("input[name^='confirm.']"))
    chosen = earlier.locator("button[aria-pressed=true]")
    still = main.get_by_role("button", name=re.compile("^Still right"))
    onwards = main.locator("button[value=yes][name=go], a.btn-primary")
    target = main.get_by_role("button", name="Start the next self-check")
    while not urlsplit(page.url).path.endswith("/advisory"):
        with page.expect_navigation():
            target.first.click()
        presses += 1
        # The advisory, where this ends, may have none of them.
        target = next((each for each in (together, guard, chosen, still, onwards) if each.count()), onwards)
    return presses


def is_post(response: Response) -> bool:
    return response.request.method == "POST"


def is_settled(given: Mapping[str, Answer]) -> bool:
    """Whether these answers settle whether, when and about what to contact the Commissioner."""
    read = {question: read_answer(current().question[question], answer) for question, answer in given.items()}
    answers = {question: answer for question, answer in read.items() if answer is not None}
    advisory = assess(current(), answers, as_of=DAY, election=calendar().default_for(DAY))
    return progress(advisory).contact_settled
