"""A section page in a browser: what it shows, sends and gets back when a save conflicts or fails.

Every save posts what the page before it would post, to the address to which that page would post it.
"""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from html.parser import HTMLParser
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from assessments.models import (
    AnonymousCheck,
    Answer,
    CheckAnswer,
    Membership,
    Office,
    SocialAccount,
    User,
)
from assessments.services.answering import AnswerVersion, Change, SelfCheck, save_answers
from assessments.services.drafts import start_assessment, start_check
from assessments.views import public, questionnaire, workspace
from bulletin.publish import publish_edition
from bulletin.shelf import editions

EMAIL, LOGO, PRINT, POLICIES = (f"resources.{name}" for name in ("email", "logo", "print", "policies"))
UNPAID, VALUE, OTHER = (f"gifts.{name}" for name in ("unpaid", "value", "other"))
REMOVES, GROUNDS = "moderation.removes", "moderation.grounds"
USE, CANDIDATE, FILED = (f"election.{name}" for name in ("use", "candidate", "nomination_date"))
HTMX = {"HX-Request": "true"}
TOO_LONG = {f"note.{EMAIL}": "w" * 2_001}
MENDED = {f"note.{EMAIL}": "shorter"}
ELSEWHERE = "This answer was changed elsewhere"
ASKED = {q.id: q for edition in editions().values() for q in edition.questions}
FIRST = [q for q in ASKED.values() if str(q.asked) == "always" and not q.optional]
"""The questions that are asked of everyone."""


# --- A browser, as far as these tests need one -------------------------------------------------------


@dataclass
class Form:
    action: str
    fields: dict[str, list[str]] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class Page(HTMLParser):
    """A response with its forms: the fields that each would send, and its submit buttons in order."""

    def __init__(self, response: Any, address: str) -> None:
        super().__init__()
        self.status, self.headers, self.address = response.status_code, response.headers, address
        self.html = response.content.decode()
        # Fragments have no form of their own: their inputs go into the one that is on the page.
        self.loose = Form("")
        self.forms: dict[str, Form] = {}
        self._form, self._textarea = self.loose, ""
        self.feed(self.html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        name, kind = has.get("name", ""), has.get("type", "text")
        match tag:
            case "form":
                self._form = Form(has.get("action") or self.address)
                self.forms[has.get("id") or self._form.action] = self._form
            case "button" if kind == "submit":
                self._form.buttons.append((name, has.get("value", "")))
            case "input" if kind not in ("radio", "checkbox") or "checked" in has:
                self._form.fields.setdefault(name, []).append(has.get("value", ""))
            case "textarea":
                self._textarea = name
                self._form.fields[name] = [""]

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._textarea = ""
        elif tag == "form":
            self._form = self.loose

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self._form.fields[self._textarea][0] += data

    @property
    def form(self) -> Form:
        return self.forms["section-form"]

    @property
    def words(self) -> str:
        return " ".join(re.sub(r"<[^>]+>", " ", self.html).split()).replace("&#x27;", "'")

    def shows(self, name: str) -> str:
        """The value of an input."""
        return "|".join(self.form.fields.get(name, []))


@dataclass
class Browser:
    """A browser that works on one self-check."""

    client: Client
    draft: SelfCheck
    base: str = "/check"
    colleague: User | None = None

    def get(self, address: str) -> Page:
        return Page(self.client.get(address), address)

    def open(self, section: str, query: str = "?ready") -> Page:
        return self.get(f"{self.base}/section/{section}{query}")

    def save(self, page: Page, *press: str, htmx: bool = False, **answers: Any) -> Page:
        """Change inputs of a page and save it: with htmx by an autosave, else with a button.

        `press` names buttons by name or by the start of their value. An answer's keyword is its question's name with
        `__` for the dot.
        """
        changed = {name.replace("__", "."): value for name, value in answers.items()}
        strange = {name for name in changed if name in ASKED and f"seen.{name}" not in page.form.fields}
        assert not strange, "not on that page"
        buttons = [] if htmx and not press else [self._button(page, part) for part in press or ("go",)]
        address = f"{self.base}/section/{page.address.rpartition('/')[2].partition('?')[0]}"
        address = address if htmx else page.form.action
        sent = page.form.fields | changed | dict(buttons)
        return Page(self.client.post(address, sent, headers=HTMX if htmx else {}), address)

    def _button(self, page: Page, part: str) -> tuple[str, str]:
        return next(
            (name, value) for name, value in page.form.buttons if part in (name, value.rpartition(":")[0])
        )

    def elsewhere(self, question: str, value: Any, note: str = "") -> None:
        """Save an answer as a colleague or another tab with the newest page does."""
        put(self.draft, question, value, note, by=self.colleague)

    def stored(self) -> dict[str, tuple[Any, int]]:
        """Each stored answer with its version, which shows whether anyone saved it again."""
        return {row.question: (row.value, row.version) for row in self.draft.answers.all()}

    def answers(self) -> dict[str, Any]:
        return {question: value for question, (value, _) in self.stored().items()}


def put(draft: SelfCheck, question: str, value: Any, note: str = "", by: User | None = None) -> None:
    row = draft.answers.filter(question=question).first()
    saved = save_answers(
        draft=draft, changes=[Change(question, value, note, AnswerVersion.of_row(row))], by=by
    )
    assert not saved.conflicts


@pytest.fixture(autouse=True)
def edition(db) -> None:
    for edition in editions().values():
        publish_edition(edition=edition)


@pytest.fixture
def tab() -> Browser:
    """A browser with its own anonymous check."""
    client = Client()
    client.post("/check/start")
    return Browser(client, AnonymousCheck.objects.get())


@pytest.fixture
def office_browser() -> Browser:
    """A member's browser on a draft of their office. A colleague works on it too."""
    member = User.objects.create_user("member@example.ca", name="Pat Lee")
    colleague = User.objects.create_user("staff@example.ca", name="Sam Roy")
    office = Office.objects.create(name="Ward 10", member=member, starts_on=date(2022, 11, 15))
    Membership.objects.create(office=office, user=colleague)
    account = SocialAccount.objects.create(office=office, platform="TikTok", handle="@ward10")
    draft = start_assessment(account=account, by=member)
    client = Client()
    client.force_login(member)
    return Browser(client, draft, f"/assessments/{draft.pk}", colleague)


@pytest.fixture(params=["two tabs", "two people"])
def browser(request: pytest.FixtureRequest) -> Browser:
    chosen: Browser = request.getfixturevalue("tab" if request.param == "two tabs" else "office_browser")
    return chosen


# --- A page that comes back because of something else ----------------------------------------------

BEFORE = pytest.mark.parametrize("before", [None, "no"], ids=["had no answer", "had another answer"])


def both_saved(browser: Browser, before: str | None) -> Page:
    """An open page of the section, from before a colleague answers LOGO."""
    if before:
        browser.elsewhere(LOGO, before)
    mine = browser.open("resources")
    browser.elsewhere(LOGO, "yes", "by someone else")
    return mine


def is_newer(browser: Browser, page: Page) -> None:
    """Whether a page shows LOGO as it is stored, with the stamp of that."""
    version = browser.stored()[LOGO][1]
    assert (page.shows(LOGO), page.shows(f"note.{LOGO}")) == ("yes", "by someone else")
    assert page.shows(f"seen.{LOGO}").startswith(f"{version}.")
    assert page.shows(f"seen.{LOGO}") == browser.open("resources").shows(f"seen.{LOGO}")


@BEFORE
def test_a_fault_page_shows_what_someone_else_saved_and_leaves_it_when_it_is_mended(browser, before):
    fault = browser.save(both_saved(browser, before), resources__email="yes", **TOO_LONG)
    assert "There is a problem" in fault.words
    is_newer(browser, fault)
    theirs = browser.stored()[LOGO]
    assert browser.save(fault, **MENDED).status == 302
    assert browser.stored() == {LOGO: theirs, EMAIL: ("yes", 1)}


@BEFORE
@pytest.mark.parametrize(("choice", "stored"), [("mine", ("no", 2)), ("theirs", ("yes", 1))])
def test_to_choose_on_one_question_leaves_what_someone_else_saved_of_another(browser, before, choice, stored):
    mine = both_saved(browser, before)
    browser.elsewhere(EMAIL, "yes")
    met = browser.save(mine, resources__email="no")
    assert met.shows(EMAIL) == "no"
    is_newer(browser, met)
    theirs = browser.stored()[LOGO]
    assert browser.save(met, f"{EMAIL}:{choice}").status == 302
    assert browser.stored() == {LOGO: theirs, EMAIL: stored}


@BEFORE
def test_to_save_a_conflict_page_without_choosing_writes_nothing_and_asks_again(browser, before):
    mine = both_saved(browser, before)
    browser.elsewhere(EMAIL, "yes")
    met = browser.save(mine, resources__email="no")
    theirs = browser.stored()
    again = browser.save(met)
    assert ELSEWHERE in again.words
    assert again.shows(EMAIL) == "no"
    is_newer(browser, again)
    assert browser.stored() == theirs


def test_a_third_save_before_one_chose_is_seen_before_it_is_overwritten(browser):
    mine = browser.open("resources")
    browser.elsewhere(EMAIL, "yes")
    met = browser.save(mine, resources__email="no")
    browser.elsewhere(EMAIL, "unsure")
    again = browser.save(met, f"{EMAIL}:mine")
    assert "Saved now: I'm not sure" in again.words
    assert browser.answers() == {EMAIL: "unsure"}


def test_of_two_conflicts_the_one_that_was_not_chosen_stays_with_what_was_typed(browser):
    mine = browser.open("resources")
    for question in (EMAIL, LOGO):
        browser.elsewhere(question, "yes")
    met = browser.save(mine, resources__email="no", resources__logo="no")
    left = browser.save(met, f"{EMAIL}:mine")
    assert left.words.count(ELSEWHERE) == 1
    assert (left.shows(EMAIL), left.shows(LOGO)) == ("no", "no")
    assert browser.answers() == {EMAIL: "no", LOGO: "yes"}


def test_a_conflict_names_who_saved_the_other_answer(office_browser):
    mine = office_browser.open("resources")
    office_browser.elsewhere(EMAIL, "yes", "since May")
    words = office_browser.save(mine, resources__email="no").words
    assert f"{ELSEWHERE} by Sam Roy" in words
    assert "Saved now: Yes , with the note “since May”" in words


@pytest.mark.parametrize("reason", ["a fault", "a conflict"])
def test_what_one_saved_oneself_beside_something_wrong_is_no_conflict_later(browser, reason):
    mine = browser.open("resources")
    if reason == "a conflict":
        browser.elsewhere(EMAIL, "yes")
    wrong: dict[str, str] = TOO_LONG if reason == "a fault" else {EMAIL: "no"}
    page = browser.save(mine, resources__logo="yes", **wrong)
    assert page.status == 200
    page = browser.save(page, resources__logo="no")
    assert page.words.count(ELSEWHERE) == (reason == "a conflict")
    assert browser.stored()[LOGO] == ("no", 2)
    page = browser.save(page, resources__logo="")
    assert browser.stored()[LOGO] == (None, 3)


@pytest.mark.parametrize("reason", ["a fault", "a conflict"])
def test_a_question_that_came_up_is_on_the_page_that_comes_back(tab, reason):
    mine = tab.open("gifts")
    if reason == "a conflict":
        tab.elsewhere(OTHER, "yes")
    wrong = {f"note.{OTHER}": "w" * 2_001} if reason == "a fault" else {OTHER: "no"}
    page = tab.save(mine, gifts__unpaid="yes", **wrong)
    assert page.status == 200
    assert f"seen.{VALUE}" in page.form.fields


def test_a_fault_in_a_question_that_is_asked_no_more_need_not_be_mended(tab):
    tab.elsewhere(UNPAID, "yes")
    page = tab.save(tab.open("gifts"), gifts__unpaid="no", gifts__value="lots", gifts__other="no")
    assert page.status == 302
    assert tab.answers() == {UNPAID: "no", OTHER: "no"}


def test_beside_another_fault_it_is_not_demanded_either(tab):
    tab.elsewhere(UNPAID, "yes")
    wrong = {f"note.{OTHER}": "w" * 2_001}
    page = tab.save(tab.open("gifts"), gifts__unpaid="no", gifts__value="lots", **wrong)
    assert f"seen.{VALUE}" not in page.form.fields
    assert "write an amount" not in page.words


@pytest.mark.parametrize("reason", ["as it is opened", "a fault", "a conflict"])
def test_enter_in_a_field_saves_and_chooses_between_no_answers(tab, reason):
    page = tab.open("resources")
    if reason != "as it is opened":
        tab.elsewhere(EMAIL, "yes")
        page = tab.save(page, **(TOO_LONG if reason == "a fault" else {EMAIL: "no"}))
    assert page.form.buttons[0] == ("go", "on")
    assert ("choose" in dict(page.form.buttons)) is (reason == "a conflict")


# --- Amounts and dates ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("$1,250.5", "1250.50"),
        ("500 CAD", "500.00"),
        ("CA$ 500", "500.00"),
        ("620 dollars", "620.00"),
        ("1 dollar", "1.00"),
        ("620$", "620.00"),
        ("CAD 620", "620.00"),
        ("1 000 000", "1000000.00"),
        ("0", "0.00"),
    ],
)
def test_an_amount_is_read_as_people_write_it(tab, typed, read):
    tab.elsewhere(UNPAID, "yes")
    assert tab.save(tab.open("gifts"), gifts__value=typed).status == 302
    assert tab.answers()[VALUE] == read
    assert tab.open("gifts").shows(VALUE) == read


@pytest.mark.parametrize("typed", ["$", "CAD", "CA$", "dollars", "1,25", "500 USD", "1e3", "1,000,001", "-1"])
def test_an_amount_that_is_none_is_told_and_the_one_before_stays_and_still_counts(tab, typed):
    tab.elsewhere(UNPAID, "yes")
    tab.elsewhere(VALUE, "620.00")
    page = tab.save(tab.open("gifts"), gifts__value=typed)
    assert "write an amount from 0 to 1,000,000 dollars" in page.words
    assert "what was saved before still counts: $620.00" in page.words
    assert page.shows(VALUE) == typed
    assert tab.stored()[VALUE] == ("620.00", 1)


@pytest.mark.parametrize(
    ("section", "first", "answer", "value"),
    [("gifts", UNPAID, VALUE, "620"), ("moderation", REMOVES, GROUNDS, ["abuse"])],
)
def test_an_answer_and_not_sure_are_not_both_taken_and_both_stay_on_the_page(
    tab, section, first, answer, value
):
    value = value if isinstance(value, str) else [next(iter(ASKED[answer].choices))]
    tab.elsewhere(first, "yes")
    page = tab.save(tab.open(section), **{answer: value, f"unsure.{answer}": "yes"})
    assert "either give an answer or choose “I'm not sure”, not both" in page.words
    assert page.shows(answer) == (value if isinstance(value, str) else value[0])
    assert page.shows(f"unsure.{answer}") == "yes"
    assert tab.answers() == {first: "yes"}


def test_an_amount_that_is_emptied_is_taken_back(tab):
    tab.elsewhere(UNPAID, "yes")
    tab.elsewhere(VALUE, "620.00")
    tab.save(tab.open("gifts"), gifts__value=" ")
    assert tab.answers()[VALUE] is None


@pytest.mark.parametrize("typed", ["0202-08-21", "1926-08-21", "2206-08-21", "incomplete"])
def test_a_date_of_no_likely_year_is_refused_and_the_one_before_still_counts(tab, typed):
    tab.elsewhere(CANDIDATE, "yes")
    tab.elsewhere(FILED, "2026-08-20")
    page = tab.save(tab.open("election"), **{FILED: typed})
    assert "write a day that is in the calendar" in page.words
    assert "what was saved before still counts: 20 August 2026" in page.words
    assert tab.stored()[FILED] == ("2026-08-20", 1)


# --- Saving by itself, and the button where scripts run ------------------------------------------------------


def test_the_button_leads_on_once_all_is_saved(browser):
    page = browser.save(browser.open("resources"), "go", htmx=True, resources__email="no")
    assert page.headers["HX-Redirect"] == f"{browser.base}/section/election"
    assert page.html == ""
    assert browser.answers() == {EMAIL: "no"}


def test_a_save_by_itself_leads_nowhere(tab):
    assert "HX-Redirect" not in tab.save(tab.open("resources"), htmx=True, resources__email="no").headers


@pytest.mark.parametrize("button", ["go", "list"])
@pytest.mark.parametrize("reason", ["a fault", "a conflict"])
def test_the_button_stays_at_what_is_wrong_and_sums_it_up(tab, button, reason):
    mine = tab.open("resources")
    tab.elsewhere(EMAIL, "yes")
    wrong = TOO_LONG if reason == "a fault" else {EMAIL: "no"}
    page = tab.save(mine, button, htmx=True, resources__logo="no", **wrong)
    assert "HX-Redirect" not in page.headers
    assert "<form" not in page.html
    assert 'class="error-summary"' in page.html
    assert "<title>Please correct" in page.html
    assert "Not all saved: see the marked question above." in page.words
    assert 'id="q-resources-email-told"' in page.html
    assert tab.answers() == {EMAIL: "yes", LOGO: "no"}


def test_the_button_stays_at_a_question_that_came_up(tab):
    page = tab.save(tab.open("resources"), "go", htmx=True, resources__email="yes")
    assert "HX-Redirect" not in page.headers
    assert f"seen.{POLICIES}" in page.loose.fields
    assert 'class="error-summary"' not in page.html


def test_what_someone_is_typing_is_neither_read_nor_touched(tab):
    tab.elsewhere(UNPAID, "yes")
    mine = tab.open("gifts")
    for half in ("6", "lots"):
        page = tab.save(mine, htmx=True, gifts__other="no", gifts__value=half, typing=VALUE)
        assert tab.answers() == {UNPAID: "yes", OTHER: "no"}
        assert "Saved at" in page.words
        assert "q-gifts-value-slot" not in page.html
        assert f"seen.{VALUE}" not in page.loose.fields
        assert "write an amount" not in page.words


def test_what_someone_is_typing_is_saved_once_they_leave_it(tab):
    tab.elsewhere(UNPAID, "yes")
    tab.save(tab.open("gifts"), htmx=True, gifts__value="620", typing=OTHER)
    assert tab.answers()[VALUE] == "620.00"


def test_the_stamp_that_comes_back_is_of_what_this_page_saved(browser, monkeypatch):
    mine = browser.open("resources")

    def and_someone_right_after(**arguments: Any) -> Any:
        saved = save_answers(**arguments)
        browser.elsewhere(EMAIL, "unsure")
        return saved

    with monkeypatch.context() as patch:
        patch.setattr(questionnaire, "save_answers", and_someone_right_after)
        page = browser.save(mine, htmx=True, resources__email="yes")
    [stamp] = page.loose.fields[f"seen.{EMAIL}"]
    assert stamp.startswith("1.")
    # So that the next save meets what this page has not seen, and what is left as it was does not.
    mine.form.fields |= {f"seen.{EMAIL}": [stamp], EMAIL: ["yes"]}
    browser.save(mine, htmx=True, resources__logo="no")
    assert browser.answers() == {EMAIL: "unsure", LOGO: "no"}
    met = browser.save(mine, htmx=True, resources__email="no")
    assert "Saved now: I'm not sure" in met.words
    assert browser.answers() == {EMAIL: "unsure", LOGO: "no"}


def test_saves_by_themselves_one_after_another_are_no_conflict(browser):
    mine = browser.open("resources")
    for answer in ("yes", "no", "unsure", ""):
        page = browser.save(mine, htmx=True, resources__email=answer)
        assert "Saved at" in page.words
        mine.form.fields |= {name: page.loose.fields[name] for name in (f"seen.{EMAIL}",)}
    assert browser.stored() == {EMAIL: (None, 4)}


@pytest.mark.parametrize("htmx", [True, False], ids=["by itself", "by the button"])
def test_a_conflict_on_a_question_that_is_asked_no_more_is_shown_with_what_was_typed(tab, htmx):
    tab.elsewhere(UNPAID, "yes")
    mine = tab.open("gifts")
    tab.elsewhere(VALUE, "100.00")
    tab.elsewhere(UNPAID, "no")
    page = tab.save(mine, htmx=htmx, gifts__value="620")
    assert ELSEWHERE in page.words
    assert "Saved now: $100.00" in page.words
    assert tab.answers() == {UNPAID: "no", VALUE: "100.00"}
    if htmx:
        # What was typed is on the page, which is left as it is.
        assert 'id="q-gifts-value-told"' in page.html
        assert 'id="q-gifts-value-slot"' not in page.html
        assert "no longer need" not in page.words
    else:
        assert page.shows(VALUE) == "620"
        tab.save(page, f"{VALUE}:mine")
        assert tab.answers()[VALUE] == "620.00"


# --- Where one goes afterwards ---------------------------------------------------------------------------


def answer_no(browser: Browser, *sections: str) -> None:
    """Answer what is asked of everyone in some sections, so that no question comes up."""
    for question in FIRST:
        if question.section in sections:
            value = "no" if "no" in question.values else sorted(question.values)[-1]
            browser.elsewhere(question.id, "none" if question.id == USE else value)


@pytest.mark.parametrize(
    ("done", "here", "then"),
    [
        ((), "account", "/section/resources"),
        (("resources",), "account", "/section/election"),
        (("resources", "election", "influence"), "account", "/section/conduct"),
        (("terms", "moderation"), "gifts", "/answers"),
    ],
)
def test_one_goes_to_the_next_section_that_waits_for_an_answer(browser, done, here, then):
    answer_no(browser, *done)
    assert browser.save(browser.open(here)).headers["Location"] == browser.base + then


def test_whoever_came_from_the_answers_goes_back_there_after_the_follow_ups(tab):
    page = tab.open("resources", "?ready&back")
    page = tab.save(page, resources__email="yes")
    assert page.headers["Location"] == "/check/section/resources?ready&back#q-resources-policies"
    page = tab.get(page.headers["Location"].partition("#")[0])
    page = tab.save(page, **TOO_LONG)
    page = tab.save(page, **MENDED)
    assert page.headers["Location"] == "/check/answers"


def test_the_other_button_leads_to_the_list(tab):
    assert tab.save(tab.open("resources"), "list", resources__email="no").headers["Location"] == "/check/"


def test_the_answers_name_no_guarded_question_and_link_past_no_guard(browser):
    guarded = [q.asks for q in FIRST if q.section == "election"]
    past = f"{browser.base}/section/election?ready"
    page = browser.get(f"{browser.base}/answers")
    assert not [asks for asks in guarded if asks in page.words]
    assert past not in page.html
    assert f'href="{browser.base}/section/election"' in page.html
    answer_no(browser, *{q.section for q in FIRST} - {"election"})
    assert past not in browser.get(f"{browser.base}/answers").html
    browser.elsewhere(CANDIDATE, "no")
    page = browser.get(f"{browser.base}/answers")
    assert [asks for asks in guarded if asks in page.words] == guarded
    assert past in page.html


def test_no_section_says_that_it_has_nothing_while_other_answers_may_bring_it_up(browser):
    page = browser.get(f"{browser.base}/")
    assert "0 of 10 sections done" in page.words
    assert "Nothing to answer" not in page.words
    assert page.words.count("Depends on other answers") == 1
    answer_no(browser, "resources")
    page = browser.get(f"{browser.base}/")
    assert "1 of 9 sections done" in page.words
    assert page.words.count("Nothing to answer") == 1
    assert "Depends on other answers" not in page.words


# --- A check that has ended, or was replaced ---------------------------------------------------------------


@pytest.mark.parametrize("htmx", [True, False], ids=["by itself", "by the button"])
def test_a_page_of_a_check_that_was_started_over_saves_into_nothing(tab, htmx):
    tab.elsewhere(EMAIL, "yes")
    stale = tab.open("resources")
    tab.client.post("/check/start", {"replace": "yes"})
    page = tab.save(stale, htmx=htmx, **{LOGO: "yes", f"note.{LOGO}": "on the banner"})
    assert page.status == 409
    assert not CheckAnswer.objects.exists()
    if htmx:
        assert "Nothing you typed is lost" in page.words
    else:
        assert "on the banner" in page.words
        assert ASKED[LOGO].short in page.words


def pressed(tab: Browser, page: Page) -> Page:
    """The page that the button of “Not saved yet” leads to."""
    [form] = [form for action, form in page.forms.items() if action.startswith("/check/restart")]
    assert form.buttons
    return Page(tab.client.post(form.action, form.fields), form.action)


@pytest.mark.parametrize("section", ["resources", "gifts", "moderation"])
def test_a_new_check_gets_every_answer_of_the_page_also_those_that_were_saved(tab, section):
    first = {"resources": EMAIL, "gifts": UNPAID, "moderation": REMOVES}[section]
    tab.elsewhere(first, "yes", "with a note")
    for question in ASKED.values():
        if question.section == section and question.id != first:
            value = (
                [*question.choices][:2] if question.kind == "choices" else sorted(question.whole_answers)[-1]
            )
            tab.elsewhere(question.id, value)
    before = tab.answers()
    stale = tab.open(section)
    assert {name for name in before if f"seen.{name}" in stale.form.fields} == set(before)
    tab.client.post("/check/delete")
    page = pressed(tab, tab.save(stale))
    assert page.headers["Location"] == f"/check/section/{section}?ready"
    assert dict(CheckAnswer.objects.values_list("question", "value")) == before
    assert CheckAnswer.objects.get(question=first).note == "with a note"
    # And they can be changed in it.
    tab.draft = AnonymousCheck.objects.get()
    assert tab.save(tab.open(section), **{first: "no"}).status == 302
    assert tab.answers()[first] == "no"


@pytest.fixture
def met(tab) -> tuple[Browser, Page]:
    """A page of an ended check that is taken into one with another answer and a newer one."""
    tab.elsewhere(EMAIL, "yes")
    tab.elsewhere(PRINT, "no")
    stale = tab.open("resources")
    tab.client.post("/check/start", {"replace": "yes"})
    tab.draft = AnonymousCheck.objects.get()
    tab.elsewhere(EMAIL, "unsure")
    tab.elsewhere(PRINT, "no")
    return tab, pressed(tab, tab.save(stale, resources__logo="no"))


def test_where_the_new_check_has_another_answer_both_are_shown_and_the_rest_is_taken(met):
    tab, page = met
    assert page.status == 200
    assert page.words.count(ELSEWHERE) == 1
    assert "Saved now: I'm not sure" in page.words
    assert page.shows(EMAIL) == "yes"
    assert tab.answers() == {EMAIL: "unsure", PRINT: "no", LOGO: "no"}


def test_what_was_taken_stands_on_that_page_as_it_is_stored(met):
    tab, page = met
    stored = tab.open("resources")
    for name in (LOGO, f"seen.{LOGO}", PRINT, f"seen.{PRINT}"):
        assert page.shows(name) == stored.shows(name)


@pytest.mark.parametrize(("choice", "stored"), [("mine", "yes"), ("theirs", "unsure")])
def test_of_those_two_one_can_be_chosen(met, choice, stored):
    tab, page = met
    assert tab.save(page, f"{EMAIL}:{choice}").status == 302
    assert tab.answers() == {EMAIL: stored, PRINT: "no", LOGO: "no"}


@pytest.mark.parametrize(("changed", "then"), [("yes", "yes"), ("", None)])
def test_what_was_taken_can_be_changed_on_that_same_page(met, changed, then):
    tab, page = met
    page = tab.save(page, f"{EMAIL}:mine", resources__logo=changed)
    assert ELSEWHERE not in page.words
    assert tab.answers() == {EMAIL: "yes", PRINT: "no", LOGO: then}


def test_to_delete_twice_is_to_delete(tab):
    for _ in range(2):
        assert tab.client.post("/check/delete")["Location"] == "/deleted"
    assert tab.get("/deleted").status == 200


@pytest.mark.parametrize(
    "address", ["/check/", "/check/section/resources", "/check/answers", "/check/details"]
)
def test_without_a_check_one_comes_home_with_a_notice(client, address):
    response = client.get(address, follow=True)
    assert response.redirect_chain == [("/?ended", 302)]
    assert "This browser has no self-check under way" in response.content.decode()


def test_the_notice_is_for_nobody_who_has_a_check(tab):
    assert "no self-check under way" not in tab.get("/?ended").words


@pytest.mark.parametrize("token", ["fresh", "stale"])
@pytest.mark.parametrize("address", ["/check/details", "/check/section/resources"])
def test_every_button_of_a_page_that_was_not_saved_leads_somewhere(tab, address, token):
    tab.client.post("/check/delete")
    client = tab.client if token == "fresh" else strict(tab)
    typed = {"handle": "@typed", "member": "Pat Lee", f"note.{EMAIL}": "a note"}
    page = Page(client.post(address, typed), address)
    assert page.status == (409 if token == "fresh" else 403)
    assert ("@typed" if address == "/check/details" else "a note") in page.words
    for form in page.forms.values():
        if form.buttons:
            assert tab.client.post(form.action, form.fields).status_code in (200, 302), form.action


def strict(tab: Browser) -> Client:
    """The same browser where tokens are looked at."""
    client = Client(enforce_csrf_checks=True)
    client.cookies = tab.client.cookies
    return client


def test_a_stale_token_keeps_where_the_answers_were_going_and_the_button_takes_them_there(tab):
    tab.client.post("/check/delete")
    client, address = strict(tab), "/check/restart?to=/check/section/resources"
    page = Page(client.post(address, {EMAIL: "yes", f"seen.{EMAIL}": "1.x"}), address)
    assert page.status == 403
    form = page.forms[address]
    assert client.post(form.action, form.fields)["Location"] == "/check/section/resources?ready"
    assert list(CheckAnswer.objects.values_list("question", "value")) == [(EMAIL, "yes")]


def test_a_stale_page_of_a_check_that_was_started_over_does_not_go_into_the_new_one_unseen(tab):
    tab.elsewhere(EMAIL, "no")
    stale, client = tab.open("resources"), strict(tab)
    tab.client.post("/check/start", {"replace": "yes"})
    tab.draft = AnonymousCheck.objects.get()
    tab.elsewhere(EMAIL, "unsure")
    sent = stale.form.fields | {EMAIL: "yes", "csrfmiddlewaretoken": "stale"}
    page = Page(client.post(stale.form.action, sent), stale.form.action)
    assert page.status == 403
    [form] = [form for form in page.forms.values() if f"seen.{EMAIL}" in form.fields]
    client.post(form.action, form.fields)
    assert tab.answers() == {EMAIL: "unsure"}


# --- A draft that goes while it is answered -------------------------------------------------------------------


def goes_before_the_save(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    def delete_and_save(**arguments: Any) -> Any:
        type(browser.draft)._default_manager.all().delete()
        return save_answers(**arguments)

    monkeypatch.setattr(questionnaire, "save_answers", delete_and_save)


def goes_once_it_was_fetched(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    def then_deleted(fetch: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any) -> Any:
            fetched = fetch(*arguments)
            type(browser.draft)._default_manager.all().delete()
            return fetched

        return wrapped

    for module in (workspace, public):
        monkeypatch.setattr(module, "own_check", then_deleted(workspace.own_check))
    monkeypatch.setattr(workspace, "_office_workspace", then_deleted(workspace._office_workspace))


@pytest.mark.parametrize("goes", [goes_before_the_save, goes_once_it_was_fetched])
@pytest.mark.parametrize("htmx", [True, False], ids=["by itself", "by the button"])
def test_a_draft_that_goes_while_it_is_saved_gives_back_what_was_typed(browser, monkeypatch, goes, htmx):
    mine = browser.open("resources")
    goes(browser, monkeypatch)
    page = browser.save(mine, htmx=htmx, **{EMAIL: "yes", f"note.{EMAIL}": "a note"})
    assert page.status == 409
    assert "has ended" in page.words
    assert htmx or "a note" in page.words
    assert not CheckAnswer.objects.exists()
    assert not Answer.objects.exists()


def test_details_of_a_check_that_goes_meanwhile_are_given_back(tab, monkeypatch):
    goes_once_it_was_fetched(tab, monkeypatch)
    answer = tab.client.post("/check/details", {"handle": "@typed", "election": tab.draft.election})
    assert answer.status_code == 409
    assert "@typed" in answer.content.decode()


def test_a_check_that_goes_while_a_page_is_taken_into_it_loses_nothing(tab, monkeypatch):
    goes_once_it_was_fetched(tab, monkeypatch)
    sent = {EMAIL: "yes", f"seen.{EMAIL}": "1.x", f"note.{EMAIL}": "a note"}
    answer = tab.client.post("/check/restart?to=/check/section/resources", sent)
    page = Page(answer, "")
    saved = list(CheckAnswer.objects.values_list("value", "note")) == [("yes", "a note")]
    assert saved or (page.status == 409 and "a note" in page.words)


# --- An office's draft ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("htmx", [True, False], ids=["by itself", "by the button"])
@pytest.mark.parametrize(
    "typed", [{EMAIL: "yes", f"note.{EMAIL}": "a note"}, {}], ids=["changed", "unchanged"]
)
def test_after_the_term_a_save_stores_nothing_and_gives_back_what_was_typed(office_browser, htmx, typed):
    mine = office_browser.open("resources")
    Office.objects.update(ends_on=date(2026, 11, 14))
    page = office_browser.save(mine, htmx=htmx, **typed)
    assert page.status == 409
    assert "The term of this office has ended" in page.words
    assert htmx or not typed or "a note" in page.words
    assert office_browser.answers() == {}


@pytest.mark.parametrize("query", ["", "?ready", "?ready&back"])
@pytest.mark.parametrize("section", ["resources", "election"])
def test_after_the_term_a_section_leads_to_the_answers(office_browser, section, query):
    Office.objects.update(ends_on=date(2026, 11, 14))
    page = office_browser.open(section, query)
    assert (page.status, page.headers["Location"]) == (302, f"{office_browser.base}/answers")


@pytest.mark.parametrize("address", ["/", "/answers", "/advisory"])
@pytest.mark.parametrize("answered", [True, False])
def test_after_the_term_no_page_links_to_where_answers_were_changed(office_browser, address, answered):
    if answered:
        office_browser.elsewhere(CANDIDATE, "no")
    Office.objects.update(ends_on=date(2026, 11, 14))
    page = office_browser.get(office_browser.base + address)
    assert page.status == 200
    assert f'href="{office_browser.base}/section/' not in page.html


def test_someone_who_may_open_it_no_more_keeps_what_they_typed_as_for_one_that_is_not_there(office_browser):
    mine, own = office_browser.open("resources"), office_browser.draft.pk
    former = User.objects.create_user("former@example.ca", name="Former")
    office_browser.client.force_login(former)
    pages = []
    for pk in (own, own + 1000):
        address = f"/assessments/{pk}/section/resources"
        sent = mine.form.fields | {EMAIL: "yes", f"note.{EMAIL}": "a note", "as": str(former.pk)}
        page = Page(office_browser.client.post(address, sent), address)
        assert page.status == 404
        assert "You can no longer open this self-check" in page.words
        assert "a note" in page.words
        pages.append(re.sub(rf'"[\w-]{{64}}"|nonce="[^"]*"|/{pk}/', "", page.html))
        assert office_browser.client.get(address).status_code == 404
    assert pages[0] == pages[1]
    assert office_browser.answers() == {}


def test_someone_who_was_signed_out_keeps_what_they_typed_and_saves_it_after_signing_in(office_browser):
    mine, client = office_browser.open("resources"), office_browser.client
    client.logout()
    page = office_browser.save(mine, resources__email="yes")
    assert page.status == 409
    [form] = [form for form in page.forms.values() if form.action.startswith("/assessments/")]
    assert "copy now what you need" in page.words
    # A colleague who signs in on this browser does not save it under their own name.
    client.force_login(office_browser.colleague)
    refused = client.post(form.action, form.fields)
    assert refused.status_code == 409
    assert (
        "You are now signed in as Sam Roy; this page was opened by somebody else" in refused.content.decode()
    )
    assert "Save now" not in refused.content.decode()
    assert office_browser.answers() == {}
    client.force_login(User.objects.get(name="Pat Lee"))
    assert client.post(form.action, form.fields).status_code == 302
    assert office_browser.answers() == {EMAIL: "yes"}


@pytest.mark.parametrize("section", ["resources", "terms", "moderation"])
def test_a_section_asks_the_database_as_often_with_all_answers_as_with_none(office_browser, section):
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            page = office_browser.open(section)
        assert page.status == 200
        fields.append(sum(name.startswith("seen.") for name in page.form.fields))
        return len(queries)

    fields: list[int] = []
    asked()  # the first request of a session writes that it is in use
    none = asked()
    for question in ASKED.values():
        if question.section == section:
            value = [*question.choices][:2] if question.kind == "choices" else "yes"
            office_browser.elsewhere(question.id, value)
    assert asked() == none <= 6
    assert fields[-1] == len([q for q in ASKED.values() if q.section == section])
    # Each by someone else than the reader, who is named beside it.
    assert office_browser.open(section).words.count("Sam Roy,") == fields[-1]


# --- Two at the same moment ----------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_the_same_answers_from_two_at_the_same_moment_are_no_conflict():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite lets one in after the other, whatever the code does")
    check, _ = start_check()
    start, results = threading.Barrier(2), []

    def save() -> None:
        try:
            for question in FIRST:
                start.wait(timeout=20)
                saved = save_answers(draft=check, changes=[Change(question.id, "no", "")], by=None)
                results.append((question.id, saved.versions, saved.conflicts))
        finally:
            start.abort()
            connection.close()

    threads = [threading.Thread(target=save) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == sorted(2 * [(q.id, {q.id: AnswerVersion.of(1, "no", "")}, {}) for q in FIRST])
