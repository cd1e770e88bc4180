"""The way through one screen at a time: what it asks, saves and says, and where it leads.

Every save posts what the page before it would post: the page's inputs, and the button that is pressed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

import pytest
import time_machine
from django.test import Client

from assessments.models import AnonymousCheck
from assessments.records.state import AssessmentState, assessment_state
from assessments.reports.screens import checks_for_contacts
from assessments.samples import sample
from assessments.scoring.document import read_document
from assessments.services.answering import Change, SelfCheck, save_answers
from assessments.services.drafts import start_check
from assessments.views import one_at_a_time
from assessments.views.workspace import COOKIE
from bulletin.shelf import calendar, current, editions
from tests.assessments.views.test_saving import Page, put
from tests.cast import at_the_same_moment, publish, together

STAGE, EMAIL, LOGO, PEOPLE = "account.stage", "resources.email", "resources.logo", "resources.people"
USE, CANDIDATE, FILED = "election.use", "election.candidate", "election.nomination_date"
SIGNS = ("email", "identity", "website", "print", "logo", "contact", "devices", "people")
CONDUCT = tuple(f"conduct.{name}" for name in ("abuse", "workplace", "reputation", "capacities"))
GUARD = "Before the election questions"
KNOWN = "You now know whether to contact the Commissioner"
QUIET = {
    STAGE: "live", **{f"resources.{sign}": "no" for sign in SIGNS}, USE: "none",
    "election.referendum": "no", **dict.fromkeys(CONDUCT, "no"), "confidential.disclosure": "no",
    "gifts.lobbyist": "no", "gifts.unpaid": "no", "gifts.other": "no", "moderation.removes": "no",
}  # fmt: skip
"""Answers that settle the contacts: there are none."""


@dataclass
class Person:
    """Someone who goes one screen at a time."""

    client: Client
    draft: SelfCheck
    base: str = "/check"

    def get(self, address: str) -> Page:
        """The page that an address leads to."""
        response = self.client.get(address, follow=True)
        return Page(response, response.redirect_chain[-1][0] if response.redirect_chain else address)

    def next(self, query: str = "") -> Page:
        return self.get(f"{self.base}/next{query}")

    def press(self, page: Page, name: str, value: str = "on", **typed: Any) -> Page:
        """Press a button of a page, and follow where it leads."""
        form = page.forms["ask-form"]
        assert any(button == name and value in (given, "on") for button, given in form.buttons), (
            "no such button"
        )
        sent = form.fields | {key.replace("__", "."): text for key, text in typed.items()} | {name: value}
        response = self.client.post(form.action, sent, follow=True)
        return Page(response, response.redirect_chain[-1][0] if response.redirect_chain else form.action)

    def give(self, **answers: str) -> None:
        """Answer questions elsewhere, as a colleague or another tab does."""
        for question, answer in answers.items():
            put(self.draft, question, answer)

    def answers(self) -> dict[str, Any]:
        return {row.question: row.value for row in self.draft.answers.all()}


@pytest.fixture
def person(published) -> Iterator[Person]:
    # The clock goes on, since saves are told apart by their times.
    with time_machine.travel(date(2026, 6, 1), tick=True):
        check, token = start_check()
        client = Client()
        client.cookies[COOKIE] = token
        yield Person(client, check)


def screen(page: Page) -> str:
    return page.address.partition("?")[0].partition("#")[0].rpartition("/")[2]


# --- What is asked, and in which order ---------------------------------------------------------------


def test_the_first_press_on_the_home_page_leads_to_the_first_question(published):
    with time_machine.travel(date(2026, 6, 1), tick=False):
        response = Client().post("/check/start", follow=True)
    assert response.redirect_chain[-1][0] == f"/check/next/{STAGE}"


def test_one_press_answers_and_goes_on(person):
    page = person.next()
    assert [name for name, value in page.forms["ask-form"].buttons if (name, value) != ("go", "on")] == [
        STAGE
    ] * 2
    after = person.press(page, STAGE, "live")
    assert person.answers() == {STAGE: "live"}
    assert screen(after) == "signs"


def test_what_belongs_together_is_one_screen_with_a_button_for_each_answer(person):
    person.give(**{STAGE: "live"})
    page = person.next()
    assert {name for name, _ in page.forms["ask-form"].buttons} == {
        "go", "rest", *(f"resources.{sign}" for sign in SIGNS)
    }  # fmt: skip


def test_in_a_group_a_press_stays_until_all_is_answered(person):
    person.give(**{STAGE: "live"})
    page = person.press(person.next(), EMAIL, "yes")
    assert page.address == "/check/next/signs#q-resources-identity"
    person.give(**{f"resources.{sign}": "no" for sign in SIGNS[2:]})
    page = person.press(person.get("/check/next/signs"), "resources.identity", "no")
    assert screen(page) != "signs"


def test_whoever_comes_back_to_a_group_can_change_several_answers(person):
    person.give(**{STAGE: "live"}, **{f"resources.{sign}": "no" for sign in SIGNS})
    page = person.press(person.get("/check/next/signs"), EMAIL, "yes")
    assert screen(page) == "signs"
    page = person.press(person.press(page, LOGO, "yes"), "go")
    assert screen(page) != "signs"
    assert person.answers()[EMAIL] == person.answers()[LOGO] == "yes"


def test_of_a_group_only_what_can_bring_a_contact_comes_before_the_stop(person):
    person.give(**{STAGE: "live"})
    early = person.get("/check/next/confidential")
    assert "confidential.disclosure" in dict(early.forms["ask-form"].buttons)
    assert "confidential.meetings" not in dict(early.forms["ask-form"].buttons)
    assert "Later in this self-check: Posts during confidential meetings" in early.words
    person.give(**QUIET)
    assert "confidential.meetings" in dict(person.get("/check/next/confidential").forms["ask-form"].buttons)


def test_a_follow_up_of_the_group_comes_on_the_same_screen(person):
    person.give(**QUIET)
    page = person.press(person.get("/check/next/candidate"), CANDIDATE, "yes")
    assert page.address.startswith("/check/next/candidate")
    assert f"seen.{FILED}" in page.forms["ask-form"].fields
    page = person.press(page, "go", **{FILED: "2026-08-10"})
    assert person.answers()[FILED] == "2026-08-10"
    assert screen(page) != "candidate"


def test_a_second_press_does_not_skip_a_follow_up_that_nobody_need_answer(person):
    person.give(**QUIET)
    page = person.get("/check/next/candidate")
    for _ in range(2):
        assert f"seen.{FILED}" in person.press(page, CANDIDATE, "yes").html


def test_a_faulty_amount_comes_back_with_what_is_wrong_and_a_way_on(person):
    person.give(**{"gifts.unpaid": "yes"})
    page = person.press(person.get("/check/next/gifts.value"), "go", **{"gifts.value": "lots"})
    assert "Enter an amount from 0 to 1,000,000 dollars" in page.words
    assert ("go", "yes") in page.forms["ask-form"].buttons
    person.press(page, "go", **{"gifts.value": "$620"})
    assert person.answers()["gifts.value"] == "620.00"


def test_an_emptied_amount_is_asked_again_and_still_counts(person):
    person.give(**{"gifts.unpaid": "yes", "gifts.value": "1250.50"})
    page = person.press(person.get("/check/next/gifts.value"), "go", **{"gifts.value": ""})
    assert "enter an amount, or choose “I'm not sure”" in page.words
    assert person.answers()["gifts.value"] == "1250.50"
    person.press(page, "go", **{"unsure.gifts.value": "on"})
    assert person.answers()["gifts.value"] == "unsure"


def test_an_amount_that_was_never_given_may_stay_empty(person):
    person.give(**{"gifts.unpaid": "yes"})
    page = person.press(person.get("/check/next/gifts.value"), "go")
    assert "enter an amount" not in page.words


def test_the_advisory_so_far_leads_on_to_the_next_question(person):
    person.give(**{STAGE: "live"})
    assert 'href="/check/next">Continue with' in person.get("/check/advisory").html


def test_back_leads_to_the_screen_saved_last_with_its_answer(person):
    person.press(person.next(), STAGE, "live")
    page = person.next()
    assert f'href="/check/next/{STAGE}?ready">Back' in page.html
    assert 'aria-pressed="true">In use' in person.get(f"/check/next/{STAGE}").html


def test_at_the_end_it_leads_to_the_advisory(person):
    document = read_document(sample("nothing-flagged"), editions(), calendar())
    put_all = [Change(q, a if isinstance(a, str) else list(a), "") for q, a in document.answers.items()]  # type: ignore[arg-type]
    save_answers(draft=person.draft, changes=put_all, by=None)
    assert person.next().address == "/check/advisory"


# --- The rest is no ----------------------------------------------------------------------------------


def test_the_rest_is_no_says_first_what_it_fills_in(person):
    person.give(**{STAGE: "live", EMAIL: "yes"})
    page = person.get("/check/next/signs")
    assert (
        "“No to the rest” answers “No” to 7 questions: "
        "Named as a member of Council; On the constituency or City website" in page.words
    )
    after = person.press(page, "rest")
    assert person.answers() == {STAGE: "live", EMAIL: "yes"} | {f"resources.{s}": "no" for s in SIGNS[1:]}
    assert screen(after) != "signs"


def test_the_rest_leaves_what_a_colleague_answered_in_between_and_says_so(person):
    person.give(**{STAGE: "live"})
    page = person.next()
    person.give(**{LOGO: "yes"})
    after = person.press(page, "rest")
    assert person.answers()[LOGO] == "yes"
    assert "1 of these questions already had an answer. That answer is kept." in after.words


def test_pressing_it_twice_changes_nothing_more_and_goes_on(person):
    person.give(**{STAGE: "live"})
    page = person.next()
    first = person.press(page, "rest")
    before = {row.question: row.version for row in person.draft.answers.all()}
    after = person.press(page, "rest")
    assert after.address == first.address
    assert screen(after) != "signs"
    assert "already had an answer" not in after.words
    person.give(**{LOGO: "yes"})
    after = person.press(page, "rest")
    assert "1 of these questions already had an answer" in after.words
    assert person.answers()[LOGO] == "yes"
    assert {q: v for q, v in before.items() if q != LOGO}.items() <= {
        row.question: row.version for row in person.draft.answers.all()
    }.items()


def test_a_note_beside_it_is_kept(person):
    person.give(**{STAGE: "live"})
    person.press(person.next(), "rest", **{f"note.{LOGO}": "ask Sam"})
    row = person.draft.answers.get(question=LOGO)
    assert (row.value, row.note) == ("no", "ask Sam")


def test_a_note_is_not_lost_where_a_colleague_answered_in_between(person):
    person.give(**{STAGE: "live"})
    page = person.next()
    person.give(**{LOGO: "yes"})
    after = person.press(page, "rest", **{f"note.{LOGO}": "ask Sam"})
    assert "This answer was changed elsewhere" in after.words
    assert "ask Sam" in after.html
    assert person.answers()[LOGO] == "yes"


@pytest.mark.parametrize("group", ["conduct", "confidential", "gifts", "steps"])
def test_what_is_attested_one_by_one_has_no_such_button(person, group):
    # The steps are asked of those who convert an account.
    person.give(**QUIET | ({USE: "now", "election.supported": "yes"} if group == "steps" else {}))
    page = person.get(f"/check/next/{group}")
    assert page.address.startswith(f"/check/next/{group}")
    assert "rest" not in dict(page.forms["ask-form"].buttons)
    marked = {q.together for e in editions().values() for q in e.questions if q.rest_is_no}
    assert group not in marked


def test_a_forged_press_fills_in_nothing_there(person):
    page = person.get("/check/next/conduct")
    form = page.forms["ask-form"]
    person.client.post(form.action, form.fields | {"rest": "on"})
    assert person.answers() == {}


@at_the_same_moment
def test_at_the_same_moment_nothing_that_was_saved_is_overwritten():
    publish()
    check, _ = start_check()
    rest = [Change(f"resources.{sign}", "no", "") for sign in SIGNS]
    fill_in = partial(save_answers, draft=check, changes=(), by=None, unless_answered=rest)
    answer = partial(save_answers, draft=check, changes=[Change(LOGO, "yes", "")], by=None)
    for _ in range(5):
        check.answers.all().delete()
        first, second, colleague = together(fill_in, fill_in, answer)
        assert first.conflicts == second.conflicts == {}
        values = {row.question: row.value for row in check.answers.all()}
        # Whichever came first stays, and the other person is told.
        logo = "yes" if LOGO in colleague.versions else "no"
        assert (LOGO in colleague.conflicts) is (logo == "no")
        assert values == {f"resources.{sign}": "no" for sign in SIGNS} | {LOGO: logo}


# --- The guard ---------------------------------------------------------------------------------------


def test_the_warning_stands_before_the_first_guarded_question(person):
    person.give(**{STAGE: "live"}, **{f"resources.{sign}": "no" for sign in SIGNS})
    page = person.next()
    assert (screen(page), GUARD in page.words) == (USE, True)
    assert "All other questions" not in page.words
    page = person.get(f"/check/next/{USE}?ready")
    assert GUARD not in page.words
    page = person.press(page, USE, "none")
    assert GUARD not in person.get("/check/next/election.referendum").words


def test_who_leaves_them_for_later_goes_on_with_the_rest_and_meets_them_at_the_end(person):
    person.give(**{STAGE: "live"}, **{f"resources.{sign}": "no" for sign in SIGNS})
    seen = []
    page = person.next("?later")
    for _ in range(60):
        if GUARD in page.words:
            break
        seen.append(screen(page))
        assert "later" in page.forms["ask-form"].fields
        left = [
            q
            for q, _ in page.forms["ask-form"].buttons
            if "." in q and f"kept.{q}" not in page.forms["ask-form"].fields
        ]
        assert left, page.words
        page = person.press(page, left[0], "no")
        if KNOWN in page.words:
            page = person.next("?later")
    assert GUARD in page.words
    assert "Save and finish later" in page.words
    assert "All other questions are answered. So far, you have no points to raise" in page.words
    assert 'href="/check/advisory">Read the advisory so far' in page.html
    assert not [name for name in seen if name.startswith("election.")]
    state = assessment_state(person.draft, as_of=date(2026, 6, 1))
    assert {state.edition.question[q].section for q in state.advisory.unanswered} == {"election"}


def test_leaving_them_for_later_is_for_one_person_alone(person):
    person.give(**{STAGE: "live"}, **{f"resources.{sign}": "no" for sign in SIGNS})
    person.next("?later")
    assert screen(person.next()) == USE


# --- The stop ----------------------------------------------------------------------------------------


def test_the_stop_comes_once_as_soon_as_the_contacts_are_settled(person):
    person.give(**{q: a for q, a in QUIET.items() if q != "moderation.removes"})
    assert KNOWN not in person.next().words
    page = person.press(person.get("/check/next/moderation"), "moderation.removes", "no")
    assert page.address == "/check/settled"
    assert KNOWN in page.words
    assert "No need to contact the Commissioner" in page.words
    assert "not settled yet" not in page.words
    assert KNOWN not in person.next().words
    assert 'href="/check/settled"' in person.get("/check/").html


def test_the_stop_comes_after_a_second_press_too(person):
    person.give(**{q: a for q, a in QUIET.items() if q != "moderation.removes"})
    page = person.get("/check/next/moderation")
    for _ in range(2):
        assert person.press(page, "moderation.removes", "no").address == "/check/settled"


def test_the_stop_comes_where_a_colleague_answered_what_was_left(person):
    person.give(**{q: a for q, a in QUIET.items() if q not in ("moderation.removes", "gifts.other")})
    page = person.get("/check/next/moderation")
    person.give(**{"gifts.other": "no", "moderation.removes": "no"})
    assert person.press(page, "moderation.removes", "no").address == "/check/settled"


def test_before_that_its_address_leads_to_the_next_question(person):
    assert screen(person.get("/check/settled")) == STAGE


def test_it_names_the_points_and_how_to_reach_the_commissioner(person):
    person.give(**QUIET)
    person.give(**{"conduct.abuse": "yes"})
    page = person.get("/check/settled")
    assert "¶17" in page.words
    ((_, about),) = assessment_state(person.draft, as_of=date(2026, 6, 1)).projection.contacts[0].items
    assert f"Discuss {about}." in page.words
    assert 'href="tel:+14163923826"' in page.html
    assert 'href="mailto:integrity@toronto.ca"' in page.html


STEPS = ("publications", "profile", "registration", "website", "team", "notice", "label", "keep")
CONVERTED = {CANDIDATE: "yes", "election.supported": "yes", "election.place": "no", "election.help": "no"}
CONVERTED |= {f"election.{step}": "yes" for step in STEPS}


@pytest.mark.parametrize(
    ("use", "plan", "may_change"), [("now", "no", False), ("planned", "no", True), ("planned", "yes", False)]
)
def test_a_filing_date_is_named_only_where_it_can_change_a_time(person, use, plan, may_change):
    person.give(**QUIET | CONVERTED | {USE: use, "election.plan": plan})
    page = person.get("/check/settled")
    assert KNOWN in page.words
    assert ("your filing date may still change the timing" in page.words) is may_change


def test_a_filing_date_that_cannot_be_right_is_questioned_before_the_next_screen(person):
    person.give(**{STAGE: "live", USE: "planned", CANDIDATE: "yes"})
    group = current().question[FILED].together
    page = person.press(
        person.get(f"/check/next/{group}?ready"), "go", election__nomination_date="2016-08-14"
    )
    assert screen(page) == group
    assert "so please check the date" in page.words
    assert person.answers()[FILED] == "2016-08-14"
    # It blocks nothing.
    assert screen(person.press(page, "go")) != group


def test_only_facts_that_can_bring_a_contact_are_named_as_such(person):
    person.give(**QUIET | {"terms.adopted": "unsure"})
    page = person.get("/check/settled")
    assert KNOWN in page.words
    assert "You answered “I’m not sure” to these questions" not in page.words
    person.give(**CONVERTED | {USE: "planned", "election.plan": "yes", EMAIL: "unsure"})
    state = assessment_state(person.draft, as_of=date(2026, 6, 1))
    assert [question.id for question in checks_for_contacts(state)] == [EMAIL]


def test_the_bar_and_the_panel_count_the_things_to_do_as_the_advisory_does(person, monkeypatch):
    person.give(**QUIET | CONVERTED | {USE: "now", "resources.devices": "yes", "election.place": "yes"})
    state = assessment_state(person.draft, as_of=date(2026, 6, 1))
    assert state.count_of_acts == len(state.projection.acts_to_do) > 0
    monkeypatch.setattr(AssessmentState, "count_of_acts", 77)
    words = person.get("/check/next/conduct").words
    assert "77 to do" in words
    assert "Things to do 77 " in words


def test_at_most_so_many_questions_come_before_the_contacts_are_settled(person):
    said = []
    page = person.next("?ready")
    for _ in range(60):
        if KNOWN in page.words:
            break
        if GUARD in page.words:
            page = person.get(f"/check/next/{USE}?ready")
        said.append((int(re.findall(r"[Aa]t most (\d+)[. ]", page.words)[0]), len(person.answers())))
        fields = page.forms["ask-form"].fields
        left = [(q, a) for q, a in page.forms["ask-form"].buttons if "." in q and f"kept.{q}" not in fields]
        question, answer = next((pair for pair in left if pair[1] in ("no", "none")), left[0])
        page = person.press(page, question, answer)
    assert KNOWN in page.words
    given = len(person.answers())
    assert all(most >= given - before for most, before in said)


def test_a_bound_above_the_questions_left_says_why(person):
    page = person.next("?ready")
    left = int(re.findall(r"About (\d+) questions? left", page.words)[0])
    [(about, most)] = re.findall(
        r"About (\d+) questions until you know whether to contact the Commissioner. "
        r"Your answers can add some, to at most (\d+)\.",
        page.words,
    )
    assert int(about) == left < int(most)


def test_the_questions_left_can_only_add_to_a_point_that_is_already_there(person):
    page = person.next("?ready")
    for _ in range(60):
        if "You already know to contact the Commissioner." in page.words:
            break
        assert "could add to that" not in page.words
        if GUARD in page.words:
            page = person.get(f"/check/next/{USE}?ready")
        fields = page.forms["ask-form"].fields
        left = [(q, a) for q, a in page.forms["ask-form"].buttons if "." in q and f"kept.{q}" not in fields]
        question, answer = next((pair for pair in left if pair[1] in ("yes", "now")), left[0])
        page = person.press(page, question, answer)
    assert re.search(r"At most (1 more question|\d+ more questions) could add to that\.", page.words)
    assert "until you know whether" not in page.words


def test_everything_else_is_saved_only_where_something_is(person):
    page = person.press(person.next(), STAGE, "live", **{"note.account__stage": "n" * 3_000})
    assert "There is a problem" in page.words
    assert "Everything else is saved." not in page.words
    person.give(**{STAGE: "live"})
    page = person.get(f"/check/next/{STAGE}")
    page = person.press(page, STAGE, "live", **{"note.account__stage": "n" * 3_000})
    assert "Everything else is saved." in page.words


# --- What became clear -------------------------------------------------------------------------------


def test_what_an_answer_makes_clear_is_said_after_it_and_not_later(person):
    person.give(**{STAGE: "live"})
    sentence = "This account uses City resources, so City policies apply."
    page = person.press(person.next(), EMAIL, "yes")
    assert sentence in page.words
    noted = person.press(page, EMAIL, "yes", **{f"note.{EMAIL}": "ask Sam"})
    assert screen(noted) == "signs"
    assert person.draft.answers.get(question=EMAIL).note == "ask Sam"
    assert sentence not in noted.words
    page = person.press(page, LOGO, "no")
    assert sentence not in page.words


def test_what_became_clear_stands_where_the_browser_scrolls_to(person):
    person.give(**{STAGE: "live"})
    page = person.press(person.next(), EMAIL, "yes")
    _, _, row = page.html.partition(f'id="{page.address.partition("#")[2]}"')
    assert 'role="status"' in row.partition('class="row-label"')[0]


# --- Two people, and stale pages ----------------------------------------------------------------------


def test_a_colleagues_answer_is_not_overwritten_unseen(person):
    page = person.next()
    person.give(**{STAGE: "planned"})
    met = person.press(page, STAGE, "live")
    assert "This answer was changed elsewhere" in met.words
    assert person.answers() == {STAGE: "planned"}
    form = met.forms["ask-form"]
    mine = next(value for name, value in form.buttons if name == "choose" and ":mine:" in value)
    person.client.post(form.action, form.fields | {"choose": mine})
    assert person.answers() == {STAGE: "live"}


def test_the_same_press_twice_is_one_answer(person):
    page = person.next()
    person.press(page, STAGE, "live")
    assert screen(person.press(page, STAGE, "live")) == "signs"
    assert person.draft.answers.get().version == 1


def test_an_answer_to_a_question_that_is_not_asked_any_more_is_kept_and_said(person):
    person.give(**{EMAIL: "yes"})
    page = person.get("/check/next/resources.policies")
    person.give(**{EMAIL: "no"})
    after = person.press(page, "resources.policies", "yes")
    assert "Your answer is kept but not counted, because this question is no longer asked." in after.words
    assert person.answers()["resources.policies"] == "yes"
    assert (
        "Another answer makes that question unnecessary."
        in person.get("/check/next/resources.policies").words
    )


def test_a_page_of_a_check_that_ended_gives_back_what_was_pressed(person):
    page = person.next()
    AnonymousCheck.objects.all().delete()
    given_back = person.press(page, STAGE, "live", **{f"note.{STAGE}": "since May"})
    assert given_back.status == 409
    assert "since May" in given_back.words
    form = next(form for form in given_back.forms.values() if "/check/restart" in form.action)
    person.client.post(form.action, form.fields)
    row = AnonymousCheck.objects.get().answers.get()
    assert (row.question, row.value, row.note) == (STAGE, "live", "since May")


def test_no_to_the_rest_on_a_page_of_a_check_that_ended_is_saved_in_a_new_one(person):
    person.give(**{STAGE: "live"})
    page = person.next()
    AnonymousCheck.objects.all().delete()
    given_back = person.press(page, "rest", **{f"note.{LOGO}": "since May"})
    form = next(form for form in given_back.forms.values() if "/check/restart" in form.action)
    person.client.post(form.action, form.fields)
    rows = {row.question: (row.value, row.note) for row in AnonymousCheck.objects.get().answers.all()}
    assert rows == {f"resources.{sign}": ("no", "") for sign in SIGNS} | {LOGO: ("no", "since May")}


def test_a_question_that_was_never_asked_is_not_said_to_be_asked_no_more(person):
    words = person.get("/check/next/gifts.value").words
    assert "That question isn't asked yet" in words
    assert "unnecessary" not in words


@pytest.mark.parametrize("name", ["resources.nothing", "section", "..", "%00"])
def test_a_name_that_is_no_screen_is_not_found(person, name):
    assert person.client.get(f"/check/next/{name}").status_code == 404


def test_no_address_on_the_way_has_an_answer(person):
    page = person.press(person.press(person.next(), STAGE, "live"), EMAIL, "yes")
    assert "live" not in page.address
    assert "yes" not in page.address


# --- Carried answers, and attested ones ----------------------------------------------------------------


def test_a_carried_answer_is_confirmed_by_pressing_it_again(cast):
    draft = cast.draft
    put(draft, STAGE, "live", by=cast.member)
    put(draft, EMAIL, "yes", by=cast.member)
    draft.answers.update(carried=True)
    client = cast.client("member")
    page = Page(client.get(f"/assessments/{draft.pk}/next/{STAGE}"), "")
    assert "This answer was given earlier. Is it still right?" in page.words
    form = page.forms["ask-form"]
    client.post(form.action, form.fields | {STAGE: form.fields[f"kept.{STAGE}"][0]})
    assert draft.answers.get(question=STAGE).carried is False
    assert draft.answers.filter(carried=True).exists()


def test_what_was_said_is_confirmed_answer_by_answer(cast):
    draft, client = cast.draft, cast.client("member")
    for question in CONDUCT:
        put(draft, question, "no", by=cast.member)
    draft.answers.update(carried=True)
    person = Person(client, draft, f"/assessments/{draft.pk}")
    page = person.get(f"{person.base}/next/conduct")
    assert ("go", "yes") not in page.forms["ask-form"].buttons
    person.press(page, "go")
    assert draft.answers.filter(carried=True).count() == 4
    for left, question in zip((3, 2, 1, 0), CONDUCT, strict=True):
        page = person.press(page, question, "no")
        assert draft.answers.filter(carried=True).count() == left
        # The last one leads on, and those before it to the next that is to be confirmed.
        assert (screen(page) == "conduct") is (left > 0)
        if left:
            assert ("go", "yes") not in page.forms["ask-form"].buttons
            assert page.address.endswith(f"#q-{CONDUCT[4 - left].replace('.', '-')}")


def test_facts_that_one_sees_at_a_glance_are_confirmed_together(cast):
    draft = cast.draft
    for sign in SIGNS:
        put(draft, f"resources.{sign}", "no", by=cast.member)
    draft.answers.update(carried=True)
    person = Person(cast.client("member"), draft, f"/assessments/{draft.pk}")
    page = person.get(f"{person.base}/next/signs")
    assert ("go", "yes") not in page.forms["ask-form"].buttons
    page = person.press(page, "go")
    assert draft.answers.filter(carried=True).count() == len(SIGNS)
    assert "Confirm each answer from earlier before you continue." in page.words
    person.press(person.get(f"{person.base}/next/signs"), "unchanged")
    assert not draft.answers.filter(carried=True).exists()


def test_a_typed_answer_is_confirmed_by_its_button_and_not_by_continue(cast):
    draft = cast.draft
    put(draft, "gifts.unpaid", "yes", by=cast.member)
    put(draft, "gifts.value", "620.00", by=cast.member)
    draft.answers.filter(question="gifts.value").update(carried=True)
    person = Person(cast.client("member"), draft, f"/assessments/{draft.pk}")
    page = person.press(person.get(f"{person.base}/next/gifts.value"), "go", "yes")
    assert draft.answers.get(question="gifts.value").carried is True
    assert "Confirm each answer from earlier before you continue." in page.words
    person.press(person.get(f"{person.base}/next/gifts.value"), "still", "gifts.value")
    assert draft.answers.get(question="gifts.value").carried is False


@pytest.mark.parametrize("page", ["next/election.use", "section/election"])
def test_the_warning_comes_before_guarded_answers_from_an_earlier_self_check(cast, page):
    draft, client = cast.draft, cast.client("member")
    put(draft, CANDIDATE, "no", by=cast.member)
    address = f"/assessments/{draft.pk}/{page}"
    assert GUARD not in client.get(address).content.decode()
    draft.answers.update(carried=True)
    assert GUARD in client.get(address).content.decode()


def test_who_leaves_guarded_questions_for_later_confirms_the_others_first(cast):
    document = read_document(sample("nothing-flagged"), editions(), calendar())
    draft = cast.draft
    for question, answer in document.answers.items():
        if not question.startswith("election."):
            put(draft, question, answer if isinstance(answer, str) else list(answer), by=cast.member)  # type: ignore[arg-type]
    draft.answers.filter(question="terms.adopted").update(carried=True)
    person = Person(cast.client("member"), draft, f"/assessments/{draft.pk}")
    assert screen(person.next("?later")) == "terms.adopted"


# --- Which election ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("today", "asks"),
    [
        (date(2026, 10, 26), False),
        (date(2026, 10, 27), True),
        (date(2026, 12, 31), True),
        (date(2027, 1, 1), False),
    ],
)
def test_between_the_vote_and_the_end_of_its_period_it_asks_first_which_election(published, today, asks):
    with time_machine.travel(f"{today}T12:00:00-04:00", tick=False):
        client = Client()
        response = client.post("/check/start", follow=True)
        assert (response.redirect_chain[-1][0] == "/check/election") is asks
        if asks:
            response = client.post("/check/election", {"election": "toronto-2030"})
            assert response.headers["Location"] == f"/check/next/{STAGE}"
            assert AnonymousCheck.objects.get().election == "toronto-2030"
            assert client.post("/check/election", {"election": "toronto-1830"}).status_code == 200


def test_the_answer_of_the_rest_is_one_that_these_questions_take():
    for edition in editions().values():
        for question in edition.questions:
            assert not question.rest_is_no or one_at_a_time.REST_ANSWER in question.values


# --- The account's name ----------------------------------------------------------------------------------


def test_the_first_question_asks_for_the_accounts_name_until_there_is_one(person):
    page = person.next()
    assert {"platform", "handle"} <= page.forms["ask-form"].fields.keys()
    after = person.press(page, STAGE, "live", platform=" Instagram ", handle="@PatLee")
    assert screen(after) == "signs"
    assert "platform" not in after.forms["ask-form"].fields
    check = AnonymousCheck.objects.get(pk=person.draft.pk)
    assert (check.platform, check.handle, person.answers()) == ("Instagram", "@PatLee", {STAGE: "live"})
    assert "platform" not in person.get(f"/check/next/{STAGE}").forms["ask-form"].fields
    # A page from before the account had a name does not remove it.
    person.press(page, STAGE, "planned")
    assert AnonymousCheck.objects.get(pk=person.draft.pk).handle == "@PatLee"


def test_the_name_can_be_left_out_and_a_name_that_is_too_long_comes_back(person):
    page = person.press(person.next(), STAGE, "live", handle="@" * 201)
    assert "Account name (optional): Use at most 200 characters. You entered 201." in page.words
    assert "@" * 201 in page.html
    assert person.answers() == {STAGE: "live"}
    assert screen(person.press(page, "go", handle="")) == "signs"


def test_an_office_names_its_accounts_elsewhere(cast):
    client = cast.client("member")
    for page in (f"next/{STAGE}", "section/account"):
        assert 'name="platform"' not in client.get(f"/assessments/{cast.draft.pk}/{page}").content.decode()
