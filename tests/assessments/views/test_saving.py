"""A section page in a browser: what it shows, sends and gets back when a save conflicts or fails.

Every save posts what the page before it would post, to the address to which that page would post it.
"""

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from html.parser import HTMLParser
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from assessments.models import AnonymousCheck, Answer, CheckAnswer, Office, User
from assessments.services.answering import AnswerVersion, Change, SelfCheck, save_answers
from assessments.services.drafts import start_check
from assessments.views import public, questionnaire, workspace
from assessments.views.workspace import COOKIE
from bulletin.publish import publish_edition
from bulletin.shelf import editions
from tests.bulletin.other_editions import with_section_renamed
from tests.cast import at_the_same_moment, publish, together

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


@pytest.fixture
def tab(published) -> Browser:
    """A browser with its own anonymous check."""
    check, token = start_check()
    client = Client()
    client.cookies[COOKIE] = token
    return Browser(client, check)


@pytest.fixture
def office_browser(cast) -> Browser:
    """A member's browser on a draft of their office. A colleague works on it too."""
    return Browser(cast.client("member"), cast.draft, f"/assessments/{cast.draft_pk}", cast.staff)


@pytest.fixture(params=["two tabs", "two people"])
def browser(request: pytest.FixtureRequest) -> Browser:
    chosen: Browser = request.getfixturevalue("tab" if request.param == "two tabs" else "office_browser")
    return chosen


# --- A page that comes back because of something else ----------------------------------------------


def both_saved(browser: Browser) -> Page:
    """An open page of the section, from before a colleague answers LOGO and changes an answer to PRINT."""
    browser.elsewhere(PRINT, "no")
    mine = browser.open("resources")
    for question in (LOGO, PRINT):
        browser.elsewhere(question, "yes", "by someone else")
    return mine


def are_newer(browser: Browser, *pages: Page) -> None:
    """Whether pages show LOGO and PRINT as they are stored, with the stamps of that."""
    stored, newest = browser.stored(), browser.open("resources")
    for page, question in itertools.product(pages, (LOGO, PRINT)):
        assert (page.shows(question), page.shows(f"note.{question}")) == ("yes", "by someone else")
        assert page.shows(f"seen.{question}").startswith(f"{stored[question][1]}.")
        assert page.shows(f"seen.{question}") == newest.shows(f"seen.{question}")


def test_a_fault_page_shows_what_someone_else_saved_and_leaves_it_when_it_is_mended(browser):
    mine = both_saved(browser)
    theirs = browser.stored()
    fault = browser.save(mine, resources__email="yes", **TOO_LONG)
    assert "There is a problem" in fault.words
    assert fault.shows(f"note.{EMAIL}") == TOO_LONG[f"note.{EMAIL}"]
    are_newer(browser, fault)
    assert browser.stored() == theirs
    assert browser.save(fault, **MENDED).status == 302
    assert browser.stored() == theirs | {EMAIL: ("yes", 1)}


@pytest.mark.postgres
@pytest.mark.parametrize(("choice", "stored"), [("mine", ("no", 2)), ("theirs", ("yes", 1))])
def test_a_conflict_page_writes_nothing_until_one_chose_and_then_only_that(browser, choice, stored):
    mine = both_saved(browser)
    browser.elsewhere(EMAIL, "yes")
    theirs = browser.stored()
    met = browser.save(mine, resources__email="no")
    again = browser.save(met)
    for page in (met, again):
        assert ELSEWHERE in page.words
        assert page.shows(EMAIL) == "no"
    are_newer(browser, met, again)
    assert browser.stored() == theirs
    assert browser.save(again, f"{EMAIL}:{choice}").status == 302
    assert browser.stored() == theirs | {EMAIL: stored}


def test_a_third_save_before_one_chose_is_seen_before_it_is_overwritten(tab):
    mine = tab.open("resources")
    tab.elsewhere(EMAIL, "yes")
    met = tab.save(mine, resources__email="no")
    tab.elsewhere(EMAIL, "unsure")
    again = tab.save(met, f"{EMAIL}:mine")
    assert "Saved now: I'm not sure" in again.words
    assert tab.answers() == {EMAIL: "unsure"}


def test_of_two_conflicts_the_one_that_was_not_chosen_stays_with_what_was_typed(tab):
    mine = tab.open("resources")
    for question in (EMAIL, LOGO):
        tab.elsewhere(question, "yes")
    met = tab.save(mine, resources__email="no", resources__logo="no")
    left = tab.save(met, f"{EMAIL}:mine")
    assert left.words.count(ELSEWHERE) == 1
    assert (left.shows(EMAIL), left.shows(LOGO)) == ("no", "no")
    assert tab.answers() == {EMAIL: "no", LOGO: "yes"}


def test_a_conflict_names_who_saved_the_other_answer(office_browser):
    mine = office_browser.open("resources")
    office_browser.elsewhere(EMAIL, "yes", "since May")
    words = office_browser.save(mine, resources__email="no").words
    assert f"{ELSEWHERE} by Sam Roy" in words
    assert "Saved now: Yes , with the note “since May”" in words


@pytest.mark.parametrize("reason", ["a fault", "a conflict"])
def test_what_one_saved_oneself_beside_something_wrong_is_no_conflict_later(tab, reason):
    mine = tab.open("resources")
    if reason == "a conflict":
        tab.elsewhere(EMAIL, "yes")
    wrong: dict[str, str] = TOO_LONG if reason == "a fault" else {EMAIL: "no"}
    page = tab.save(mine, resources__logo="yes", **wrong)
    assert page.status == 200
    page = tab.save(page, resources__logo="no")
    assert page.words.count(ELSEWHERE) == (reason == "a conflict")
    assert tab.stored()[LOGO] == ("no", 2)
    page = tab.save(page, resources__logo="")
    assert tab.stored()[LOGO] == (None, 3)


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


def test_enter_in_a_field_saves_and_chooses_between_no_answers(tab):
    opened = tab.open("resources")
    tab.elsewhere(EMAIL, "yes")
    fault, conflict = tab.save(opened, **TOO_LONG), tab.save(opened, resources__email="no")
    for page in (opened, fault, conflict):
        assert page.form.buttons[0] == ("go", "on")
        assert ("choose" in dict(page.form.buttons)) is (page is conflict)


# --- Amounts and dates ---------------------------------------------------------------------------------


def test_an_amount_is_read_as_people_write_it(tab):
    tab.elsewhere(UNPAID, "yes")
    assert tab.save(tab.open("gifts"), gifts__value="$1,250.5").status == 302
    assert tab.answers()[VALUE] == "1250.50"
    assert tab.open("gifts").shows(VALUE) == "1250.50"


@pytest.mark.parametrize(
    ("question", "before", "typed", "problem"),
    [
        (VALUE, "620.00", "lots", "Enter an amount from 0 to 1,000,000 dollars"),
        (FILED, "2026-08-20", "incomplete", "Enter the date as year-month-day"),
    ],
)
def test_an_answer_that_is_none_is_named_and_the_one_before_stays_and_still_counts(
    tab, question, before, typed, problem
):
    tab.elsewhere({VALUE: UNPAID, FILED: CANDIDATE}[question], "yes")
    tab.elsewhere(question, before)
    page = tab.save(tab.open(ASKED[question].section), **{question: typed})
    assert problem in page.words
    in_words = {VALUE: "$620.00", FILED: "20 August 2026"}[question]
    assert f"your saved answer counts: {in_words}" in page.words
    assert page.shows(question) == typed
    assert tab.stored()[question] == (before, 1)


@pytest.mark.parametrize("htmx", [True, False])
def test_a_date_in_an_error_message_is_on_one_line(tab, htmx):
    tab.elsewhere(CANDIDATE, "yes")
    page = tab.save(tab.open("election"), "go", htmx=htmx, **{FILED: "<b>"})
    assert page.html.count('such as <span class="date">2026-08-21</span>.') == 2, (
        "in the summary and at the question"
    )
    assert "you entered “&lt;b&gt;”" in page.html


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


# --- Saving by itself, and the button where scripts run ------------------------------------------------------


def test_the_button_leads_on_once_all_is_saved(browser):
    page = browser.save(browser.open("resources"), "go", htmx=True, resources__email="no")
    assert page.headers["HX-Redirect"] == f"{browser.base}/section/election"
    assert page.html == ""
    assert browser.answers() == {EMAIL: "no"}


def test_a_save_by_itself_leads_nowhere(tab):
    assert "HX-Redirect" not in tab.save(tab.open("resources"), htmx=True, resources__email="no").headers


@pytest.mark.parametrize(("button", "reason"), [("go", "a fault"), ("list", "a conflict")])
def test_the_button_stays_at_what_is_wrong_and_sums_it_up(tab, button, reason):
    mine = tab.open("resources")
    tab.elsewhere(EMAIL, "yes")
    wrong = TOO_LONG if reason == "a fault" else {EMAIL: "no"}
    page = tab.save(mine, button, htmx=True, resources__logo="no", **wrong)
    assert "HX-Redirect" not in page.headers
    assert "<form" not in page.html
    assert 'class="error-summary"' in page.html
    assert "<title>Please correct" in page.html
    assert "Not everything is saved. Correct the marked question. The rest is saved." in page.words
    assert 'id="q-resources-email-told"' in page.html
    assert tab.answers() == {EMAIL: "yes", LOGO: "no"}


def test_a_question_that_came_up_is_shown_before_one_moves_on(tab):
    mine = tab.open("resources")
    assert f'name="{POLICIES}"' not in mine.html
    for press in ((), ("go",)):
        page = tab.save(mine, *press, htmx=True, resources__email="yes")
        assert "HX-Redirect" not in page.headers
        assert f"seen.{POLICIES}" in page.loose.fields
        assert 'class="error-summary"' not in page.html
        if not press:
            assert 'id="save-state"' in page.html
            assert "Saved at" in page.words
            # Nothing else of the page comes back.
            assert 'id="q-resources-policies"' in page.html
            assert page.html.count("<fieldset") == 1
    page = tab.save(mine, resources__email="yes")
    assert page.headers["Location"] == "/check/section/resources?ready#q-resources-policies"
    assert f'name="{POLICIES}"' in tab.open("resources").html


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


def test_the_stamp_that_comes_back_is_of_what_this_page_saved(tab, monkeypatch):
    mine = tab.open("resources")

    def and_someone_right_after(**arguments: Any) -> Any:
        saved = save_answers(**arguments)
        tab.elsewhere(EMAIL, "unsure")
        return saved

    with monkeypatch.context() as patch:
        patch.setattr(questionnaire, "save_answers", and_someone_right_after)
        page = tab.save(mine, htmx=True, resources__email="yes")
    [stamp] = page.loose.fields[f"seen.{EMAIL}"]
    assert stamp.startswith("1.")
    # So that the next save meets what this page has not seen, and what is left as it was does not.
    mine.form.fields |= {f"seen.{EMAIL}": [stamp], EMAIL: ["yes"]}
    tab.save(mine, htmx=True, resources__logo="no")
    assert tab.answers() == {EMAIL: "unsure", LOGO: "no"}
    met = tab.save(mine, htmx=True, resources__email="no")
    assert "Saved now: I'm not sure" in met.words
    assert tab.answers() == {EMAIL: "unsure", LOGO: "no"}


def test_saves_by_themselves_one_after_another_are_no_conflict(tab):
    mine = tab.open("resources")
    for answer in ("yes", "no", "unsure", ""):
        page = tab.save(mine, htmx=True, resources__email=answer)
        assert "Saved at" in page.words
        mine.form.fields |= {name: page.loose.fields[name] for name in (f"seen.{EMAIL}",)}
    assert tab.stored() == {EMAIL: (None, 4)}


@pytest.mark.parametrize("htmx", [True, False], ids=["by itself", "by the button"])
def test_an_amount_is_repeated_as_it_was_understood(tab, htmx):
    tab.elsewhere(UNPAID, "yes")
    page = tab.save(tab.open("gifts"), htmx=htmx, gifts__value="1 250,00 $")
    page = page if htmx else tab.open("gifts")
    assert "We read this as $1,250.00." in page.words
    assert tab.answers()[VALUE] == "1250.00"


def test_a_note_is_mended_and_one_that_was_stored_before_is_not_changed_in_passing(tab):
    tab.elsewhere(EMAIL, "yes", "Nu\u0301n\u0303ez")
    page = tab.open("resources")
    tab.save(page, resources__logo="no")
    assert tab.stored() == {EMAIL: ("yes", 1), LOGO: ("no", 1)}
    page = tab.open("resources")
    page.form.fields[f"note.{LOGO}"] = ["call \u202a416-555-0100\u202c\u000bit\u0092s"]
    tab.save(page)
    assert tab.draft.answers.get(question=LOGO).note == "call 416-555-0100\nit’s"


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


# --- What else a section page shows and takes ---------------------------------------------------------------


def test_forged_names_and_questions_of_other_sections_change_nothing(tab):
    sent = {"terms.adopted": "yes", "seen.terms.adopted": "0.x", "seen.nonsense": "0.x"}
    assert tab.client.post("/check/section/resources", sent).status_code == 302
    assert tab.answers() == {}
    assert tab.open("nowhere").status == 404


def test_an_answer_to_a_question_no_longer_asked_is_kept_and_counts_again_when_it_is(tab):
    tab.elsewhere(UNPAID, "yes")
    tab.save(tab.open("gifts"), gifts__value="620")
    tab.save(tab.open("gifts"), gifts__unpaid="no")
    page = tab.open("gifts")
    assert f'name="{VALUE}"' not in page.html
    tab.save(page, gifts__unpaid="yes")
    assert tab.open("gifts").shows(VALUE) == "620.00"


def test_the_answers_file_brings_everything_back(tab):
    tab.save(tab.open("resources"), **{EMAIL: "yes", f"note.{EMAIL}": "a note"})
    file = tab.get("/check/answers.json").html
    another = Client()
    assert another.post("/check/bring-back", {"answers": file}).status_code == 302
    assert another.get("/check/answers.json").content.decode() == file


def test_the_questions_on_campaigning_are_guarded_until_one_says_go_on(tab):
    assert "own device" in tab.open("election", "").words
    page = tab.open("election")
    assert f'name="{USE}"' in page.html
    assert 'class="column with-panel"' in page.html


def test_the_guard_follows_the_question_on_campaign_use_into_a_section_of_another_name(tab):
    publish_edition(edition=with_section_renamed("election", "campaign"))
    tab.client.post("/check/start", {"replace": "yes"})
    assert "own device" in tab.open("campaign", "").words
    assert 'name="campaign.use"' in tab.open("campaign").html
    assert "Read this before you answer these questions" in tab.get("/check/answers").words


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
def test_one_goes_to_the_next_section_that_waits_for_an_answer(tab, done, here, then):
    answer_no(tab, *done)
    assert tab.save(tab.open(here)).headers["Location"] == tab.base + then


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


def test_the_answers_name_no_guarded_question_and_link_past_no_guard(tab):
    guarded = [q.short for q in FIRST if q.section == "election"]
    past = f"{tab.base}/section/election?ready"
    page = tab.get(f"{tab.base}/answers")
    assert not [short for short in guarded if short in page.words]
    assert past not in page.html
    assert f'href="{tab.base}/section/election"' in page.html
    answer_no(tab, *{q.section for q in FIRST} - {"election"})
    assert past not in tab.get(f"{tab.base}/answers").html
    tab.elsewhere(CANDIDATE, "no")
    page = tab.get(f"{tab.base}/answers")
    assert [short for short in guarded if short in page.words] == guarded
    assert past in page.html


def test_no_section_says_that_it_has_nothing_while_other_answers_may_bring_it_up(tab):
    page = tab.get(f"{tab.base}/")
    assert "0 of 10 sections done" in page.words
    assert "Nothing to answer" not in page.words
    assert page.words.count("Depends on other answers") == 1
    answer_no(tab, "resources")
    page = tab.get(f"{tab.base}/")
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
        assert "What you typed is still here" in page.words
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


@pytest.mark.parametrize(
    ("choice", "changed", "stored"),
    [
        ("theirs", {}, {EMAIL: "unsure", LOGO: "no"}),
        ("mine", {LOGO: "yes"}, {EMAIL: "yes", LOGO: "yes"}),
        ("mine", {LOGO: ""}, {EMAIL: "yes", LOGO: None}),
    ],
)
def test_where_the_new_check_has_another_answer_both_are_shown_and_the_rest_is_taken(
    tab, choice, changed, stored
):
    tab.elsewhere(EMAIL, "yes")
    tab.elsewhere(PRINT, "no")
    stale = tab.open("resources")
    tab.client.post("/check/start", {"replace": "yes"})
    tab.draft = AnonymousCheck.objects.get()
    tab.elsewhere(EMAIL, "unsure")
    tab.elsewhere(PRINT, "no")
    page = pressed(tab, tab.save(stale, resources__logo="no"))
    assert page.status == 200
    assert page.words.count(ELSEWHERE) == 1
    assert "Saved now: I'm not sure" in page.words
    assert page.shows(EMAIL) == "yes"
    assert tab.answers() == {EMAIL: "unsure", PRINT: "no", LOGO: "no"}
    # What was taken is on that page as it is stored, and can be changed there.
    newest = tab.open("resources")
    for name in (LOGO, f"seen.{LOGO}", PRINT, f"seen.{PRINT}"):
        assert page.shows(name) == newest.shows(name)
    page = tab.save(page, f"{EMAIL}:{choice}", **changed)
    assert page.status == 302
    assert tab.answers() == {PRINT: "no"} | stored


def test_to_delete_leaves_nothing_and_to_delete_twice_is_to_delete(tab):
    tab.elsewhere(EMAIL, "yes")
    for _ in range(2):
        assert tab.client.post("/check/delete")["Location"] == "/deleted"
        assert not AnonymousCheck.objects.exists()
    assert tab.get("/deleted").status == 200


def test_without_a_check_one_comes_home_with_a_notice(tab):
    notice = "This browser has no self-check in progress"
    assert notice not in tab.get("/?ended").words
    tab.client.post("/check/delete")
    for address in ("/check/", "/check/section/resources", "/check/answers", "/check/details"):
        assert tab.get(address).headers["Location"] == "/?ended"
    assert notice in tab.get("/?ended").words


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


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("goes", "htmx"),
    [(goes_before_the_save, True), (goes_before_the_save, False), (goes_once_it_was_fetched, False)],
)
def test_a_draft_that_goes_while_it_is_saved_gives_back_what_was_typed(browser, monkeypatch, goes, htmx):
    mine = browser.open("resources")
    goes(browser, monkeypatch)
    page = browser.save(mine, htmx=htmx, **{EMAIL: "yes", f"note.{EMAIL}": "a note"})
    assert page.status == 409
    assert "has ended" in page.words
    assert htmx or "a note" in page.words
    assert not CheckAnswer.objects.exists()
    assert not Answer.objects.exists()


@pytest.mark.parametrize(("name", "kept"), [("@newer", "@newer"), ("", "@older")])
def test_a_page_that_is_taken_into_another_check_does_not_rename_its_account(tab, name, kept):
    AnonymousCheck.objects.update(handle=name)
    sent = {"platform": "X", "handle": "@older", f"seen.{EMAIL}": "0.x", EMAIL: "yes"}
    page = Page(tab.client.post("/check/restart?to=/check/section/resources", sent, follow=True), "")
    assert list(CheckAnswer.objects.values_list("question", "value")) == [(EMAIL, "yes")]
    assert AnonymousCheck.objects.get().handle == kept
    assert ("you typed are not saved" in page.words) is bool(name)


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


def test_after_the_term_a_save_stores_nothing_and_gives_back_what_was_typed(office_browser):
    mine = office_browser.open("resources")
    Office.objects.update(ends_on=date(2026, 11, 14))
    for htmx, typed in itertools.product((True, False), ({EMAIL: "yes", f"note.{EMAIL}": "a note"}, {})):
        page = office_browser.save(mine, htmx=htmx, **typed)
        assert page.status == 409
        assert "The term of this office has ended" in page.words
        assert htmx or not typed or "a note" in page.words
    assert office_browser.answers() == {}


@pytest.mark.parametrize("answered", [True, False])
def test_after_the_term_nothing_leads_to_where_answers_were_changed(office_browser, answered):
    if answered:
        office_browser.elsewhere(CANDIDATE, "no")
    Office.objects.update(ends_on=date(2026, 11, 14))
    for section, query in itertools.product(("resources", "election"), ("", "?ready", "?ready&back")):
        page = office_browser.open(section, query)
        assert (page.status, page.headers["Location"]) == (302, f"{office_browser.base}/answers")
    for address in ("/", "/answers", "/advisory"):
        page = office_browser.get(office_browser.base + address)
        assert page.status == 200
        assert f'href="{office_browser.base}/section/' not in page.html


def test_someone_who_may_open_it_no_more_keeps_what_they_typed_as_for_one_that_is_not_there(
    cast, office_browser
):
    mine, own = office_browser.open("resources"), office_browser.draft.pk
    office_browser.client.force_login(former := cast.former_staff)
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


def test_someone_who_was_signed_out_keeps_what_they_typed_and_saves_it_after_signing_in(cast, office_browser):
    mine, client = office_browser.open("resources"), office_browser.client
    client.logout()
    page = office_browser.save(mine, resources__email="yes")
    assert page.status == 409
    [form] = [form for form in page.forms.values() if form.action.startswith("/assessments/")]
    assert "copy what you need now" in page.words
    # A colleague who signs in on this browser does not save it under their own name.
    client.force_login(office_browser.colleague)
    refused = client.post(form.action, form.fields)
    assert refused.status_code == 409
    assert "You are now signed in as Sam Roy, but someone else opened this page" in refused.content.decode()
    assert "Save now" not in refused.content.decode()
    assert office_browser.answers() == {}
    client.force_login(cast.member)
    assert client.post(form.action, form.fields).status_code == 302
    assert office_browser.answers() == {EMAIL: "yes"}


@pytest.mark.parametrize(
    ("kind", "section", "most"),
    [("office_browser", "resources", 6), ("office_browser", "moderation", 6), ("tab", "terms", 2)],
)
def test_a_section_asks_the_database_as_often_with_all_answers_as_with_none(request, kind, section, most):
    browser = request.getfixturevalue(kind)

    def asked() -> tuple[int, Page]:
        with CaptureQueriesContext(connection) as queries:
            page = browser.open(section)
        assert page.status == 200
        return len(queries), page

    if kind == "office_browser":
        browser.get("/help")  # the first request of a session writes that it is in use
    none, _ = asked()
    questions = [question for question in ASKED.values() if question.section == section]
    for question in questions:
        browser.elsewhere(question.id, [*question.choices][:2] if question.kind == "choices" else "yes")
    every, page = asked()
    assert every == none <= most
    assert sum(name.startswith("seen.") for name in page.form.fields) == len(questions)
    # Each by someone else than the reader, who is named beside it.
    assert page.words.count("Sam Roy,") == (len(questions) if kind == "office_browser" else 0)


# --- Two at the same moment ----------------------------------------------------------------------------------------


@at_the_same_moment
def test_the_same_answers_from_two_at_the_same_moment_are_no_conflict():
    publish()
    check, _ = start_check()
    for question in FIRST:
        changes = [Change(question.id, "no", "")]
        results = together(*2 * [partial(save_answers, draft=check, changes=changes, by=None)])
        assert [(saved.versions, saved.conflicts) for saved in results] == 2 * [
            ({question.id: AnswerVersion.of(1, "no", "")}, {})
        ]


def test_with_scripts_the_first_section_saves_the_accounts_name(tab):
    page = tab.open("account")
    tab.save(page, htmx=True, platform="X", handle="@PatLee")
    check = AnonymousCheck.objects.get(pk=tab.draft.pk)
    assert (check.platform, check.handle) == ("X", "@PatLee")
    assert "X · @PatLee" in tab.open("account").words
    refused = tab.save(page, htmx=True, handle="w" * 201)
    assert "Use at most 200 characters. You entered 201." in refused.words
    assert AnonymousCheck.objects.get(pk=tab.draft.pk).handle == "@PatLee"


# --- The list of answers -----------------------------------------------------------------------------


def test_the_list_shows_what_is_unsure_then_missing_and_one_link_a_row(tab):
    tab.elsewhere(EMAIL, "unsure")
    tab.elsewhere(LOGO, "no")
    tab.elsewhere("account.stage", "live")
    page = tab.get("/check/answers")
    parts = re.split(r"<h2[^>]*>", page.html)
    headings = [re.sub(r"\s+", " ", part.partition("</h2>")[0]).strip() for part in parts[1:]]
    assert headings[0].startswith("Not sure")
    assert headings[1].startswith("Not answered")
    assert ASKED[EMAIL].short in parts[1]
    assert ASKED[PRINT].short in parts[2]
    assert ASKED[EMAIL].asks not in page.words
    rows = re.findall(r"<dd>(.*?)</dd>", page.html, re.DOTALL)
    assert rows
    assert {row.count("<a ") for row in rows} == {1}
    # A section that is done is folded.
    folded = re.findall(r"<details class=\"quiet\">\s*<summary>\s*<h2>(.*?)</h2>", page.html, re.DOTALL)
    assert [re.sub(r"<.*", "", title).strip() for title in folded] == ["The account"]


def test_without_an_answer_nothing_offers_an_advisory(tab):
    for page in ("", "/answers", "/section/account", "/next/account.stage"):
        assert "advisory" not in tab.get(f"/check{page}").words.partition("Only this browser")[0].lower(), (
            page
        )
