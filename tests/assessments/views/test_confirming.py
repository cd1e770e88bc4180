"""Answers about the office that a new self-check starts with, and confirming earlier answers with one press."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from assessments.models import Assessment, Office
from assessments.records.state import assessment_state
from assessments.services import reviewing
from assessments.services.answering import AnswerVersion, save_answers
from assessments.services.attesting import attest, reassess
from assessments.services.drafts import change_election, delete_draft, start_assessment
from bulletin.publish import publish_edition
from bulletin.shelf import current
from tests.assessments.views.test_one_at_a_time import Person, screen
from tests.assessments.views.test_saving import Browser, Page, put
from tests.bulletin.other_editions import another_bulletin
from tests.cast import Cast, account_of, answered, attested, seen

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
EMAIL, LOGO = "resources.email", "resources.logo"
OF_OFFICE = {question.id for question in current().questions if question.of_office}
ALONE = {question.id for question in current().questions if question.confirmed_alone}
CONDUCT = [q for q in ALONE if q.startswith("conduct.")]


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    with time_machine.travel(NOW + timedelta(hours=1), tick=True) as traveller:
        yield traveller


@pytest.fixture
def again(cast: Cast) -> Assessment:
    """The next self-check of an account whose last one is attested."""
    return reassess(assessment=attested(cast.account).assessment, by=cast.member)


def browser(cast: Cast, draft: Assessment, who: str = "member") -> Browser:
    return Browser(cast.client(who), draft, f"/assessments/{draft.pk}", cast.staff)


def to_confirm(draft: Assessment) -> set[str]:
    fresh = Assessment.objects.select_related("edition", "account__office__member").get(pk=draft.pk)
    return set(assessment_state(fresh, as_of=date(2026, 6, 1)).carried)


def press(client: Client, page: Page, **button: str) -> Page:
    """Press a button of the list of sections, and follow where it leads."""
    (form,) = (form for form in page.forms.values() if form.action.endswith("/confirm"))
    response = client.post(form.action, form.fields | button, follow=True)
    return Page(response, response.redirect_chain[-1][0] if response.redirect_chain else form.action)


# --- What is about the office ------------------------------------------------------------------------


def test_a_new_self_check_starts_with_the_answers_about_the_office(cast):
    first = answered(cast.account, cast.member)
    other = account_of(cast.office, "Instagram", "@ward10")
    draft = start_assessment(account=other, by=cast.staff)
    given = {row.question: row for row in first.answers.all() if row.question in OF_OFFICE}
    filled = {row.question: row for row in draft.answers.all()}
    assert filled.keys() == given.keys() > {"terms.adopted", "election.candidate"}
    assert all(filled[q].value == given[q].value for q in given)
    assert {(row.carried, row.carried_from, row.answered_by) for row in filled.values()} == {
        (True, f"{cast.account.handle} (TikTok)", cast.member)
    }
    page = browser(cast, draft).open("terms")
    assert f"This answer is from {cast.account.handle} (TikTok) . Is it still right?" in page.words
    # Once confirmed, an answer is this self-check's own.
    browser(cast, draft).save(page, "unchanged")
    confirmed = draft.answers.get(question="terms.adopted")
    assert (confirmed.carried, confirmed.carried_from, confirmed.answered_by) == (False, "", cast.member)


def test_a_new_self_check_says_once_where_its_answers_are_from_and_shows_no_result_of_them(cast):
    answered(cast.account, cast.member, {"terms.adopted": "no"})
    account = account_of(cast.office, "Instagram", "@two")
    client = cast.client("member")
    response = client.post(f"/office/accounts/{account.pk}/assess", {"election": "toronto-2026"}, follow=True)
    page = Page(response, response.redirect_chain[-1][0])
    draft = account.assessments.get()
    count, base = draft.answers.count(), f"/assessments/{draft.pk}"
    words = (
        f"{count} answers come from the self-check of {cast.account.handle} (TikTok). "
        "Confirm them when they appear."
    )
    assert words in page.words
    assert words not in Page(client.get(page.address), page.address).words
    for address in (page.address, f"{base}/", f"{base}/section/terms"):
        assert f'href="{base}/advisory"' not in client.get(address).content.decode(), address
        assert "to do ·" not in Page(client.get(address), address).words
    put(draft, "account.stage", "live", by=cast.member)
    assert f'href="{base}/advisory"' in client.get(f"{base}/").content.decode()


def test_what_nobody_confirmed_in_between_is_still_from_the_first_account(cast):
    answered(cast.account, cast.member)
    second, third = (account_of(cast.office, "Instagram", handle) for handle in ("@two", "@three"))
    start_assessment(account=second, by=cast.member)
    draft = start_assessment(account=third, by=cast.member)
    assert {row.carried_from for row in draft.answers.all()} == {f"{cast.account.handle} (TikTok)"}


def test_an_attested_self_check_of_an_earlier_revision_fills_in_too(cast, first):
    earlier = answered(cast.account, cast.member)
    Assessment.objects.filter(pk=earlier.pk).update(edition=first)
    draft = start_assessment(account=account_of(cast.office, "Instagram", "@two"), by=cast.member)
    assert draft.edition != first
    assert "terms.adopted" in {row.question for row in draft.answers.all()}


def test_a_deleted_self_check_and_another_office_fill_in_nothing(cast):
    delete_draft(assessment=answered(cast.account, cast.member), by=cast.member)
    answered(account_of(cast.elsewhere), cast.stranger)
    draft = start_assessment(account=cast.account, by=cast.member)
    assert not draft.answers.exists()
    assert "No answers about your office" not in browser(cast, draft).get(f"/assessments/{draft.pk}/").words


def test_of_another_bulletin_nothing_is_filled_in_and_the_page_says_what_to_do(cast):
    other, _ = publish_edition(edition=another_bulletin("zz-toronto"))
    earlier = answered(cast.account, cast.member)
    Assessment.objects.filter(pk=earlier.pk).update(edition=other)
    draft = start_assessment(account=account_of(cast.office, "Instagram", "@two"), by=cast.member)
    assert not draft.answers.exists()
    for page in ("", "next/account.stage"):
        words = browser(cast, draft).get(f"/assessments/{draft.pk}/{page}").words
        assert "uses another bulletin" in words
        assert "Answer the questions about your office here." in words


def test_of_another_election_nothing_is_filled_in_and_the_page_says_what_to_do(cast):
    answered(cast.account, cast.member)
    account = account_of(cast.office, "Instagram", "@two")
    draft = start_assessment(account=account, by=cast.member, election="toronto-2030")
    assert not draft.answers.exists()
    page = browser(cast, draft).get(f"/assessments/{draft.pk}/")
    assert "is about another election:" in page.words
    assert f'href="/office/accounts/{account.pk}"' in page.html
    put(draft, "terms.adopted", "yes", by=cast.member)
    assert "No answers about your office" not in browser(cast, draft).get(f"/assessments/{draft.pk}/").words


def test_two_presses_start_one_draft_although_it_has_answers(cast):
    answered(cast.account, cast.member)
    account = account_of(cast.office, "Instagram", "@two")
    client = cast.client("member")
    for _ in range(2):
        client.post(f"/office/accounts/{account.pk}/assess", {"election": "toronto-2026"})
    assert account.assessments.count() == 1


# --- One press a section -----------------------------------------------------------------------------


def test_a_reassessment_where_nothing_changed_takes_at_most_15_presses(cast):
    attestation = attested(cast.account)
    client = cast.client("member")
    presses = 0

    def pressed(address: str, sent: Any = None) -> Page:
        nonlocal presses
        presses += 1
        response = (
            client.get(address, follow=True) if sent is None else client.post(address, sent, follow=True)
        )
        return Page(response, response.redirect_chain[-1][0] if response.redirect_chain else address)

    page = pressed(f"/assessments/{attestation.assessment_id}/reassess", {})
    draft = Assessment.objects.get(copied_from=attestation.assessment)
    (form,) = (form for form in page.forms.values() if form.action.endswith("/confirm"))
    page = pressed(form.action, form.fields)
    while not page.address.endswith("/advisory"):
        if "ask-form" not in page.forms:
            onwards = re.search(r'href="([^"]+)">I’m on my own device', page.html)
            assert onwards, page.address
            page = pressed(onwards[1])
            continue
        form = page.forms["ask-form"]
        left = [q for q in to_confirm(draft) if f"seen.{q}" in form.fields]
        together = [q for q in left if q not in ALONE]
        button = {"unchanged": "on"} if together and ("unchanged", "on") in form.buttons else {}
        if not button:
            question = next(q for q in current().question if q in left)
            value = form.fields[f"kept.{question}"][0]
            assert (question, value) in form.buttons
            button = {question: value}
        page = pressed(form.action, form.fields | button)
    assert not to_confirm(draft)
    assert presses <= 15


def test_one_press_confirms_a_section_and_never_what_is_confirmed_alone(cast, again):
    client = cast.client("staff")
    address = f"/assessments/{again.pk}/"
    page = press(client, Page(client.get(address), address), section="resources")
    assert page.address == address
    left = to_confirm(again)
    assert not {q for q in left if q.startswith("resources.")}
    assert {"account.stage", "terms.adopted"} <= left
    assert again.answers.get(question=EMAIL).answered_by == cast.staff
    assert "You confirmed" in page.words
    # Nor does a forged press confirm what is confirmed alone.
    rows = again.answers.filter(question__startswith="conduct.")
    client.post(f"{address}confirm", {f"confirm.{row.question}": f"{row.version}.x" for row in rows})
    assert set(CONDUCT) <= to_confirm(again)


def test_the_counts_of_answers_to_confirm_add_up(cast):
    answers = {
        "election.candidate": "yes",
        "election.use": "planned",
        "election.nomination_date": "2026-08-14",
    }
    draft = reassess(assessment=attested(cast.account, answers).assessment, by=cast.member)
    # The filing date is optional, and is confirmed like any other answer.
    left = to_confirm(draft)
    assert "election.nomination_date" in left
    address = f"/assessments/{draft.pk}/"
    page = Page(cast.client("member").get(address), address)
    assert f"Confirm {len(left)} answers from an earlier self-check." in page.words
    guarded = [q for q in left if current().question[q].section in current().guarded_sections]
    alone = [q for q in left if q in ALONE and q not in guarded]
    together = len(left) - len(guarded) - len(alone)
    assert f"{together} answers were given earlier" in page.words
    assert f"Confirm {len(alone)} more one by one." in page.words
    assert f"Confirm {len(guarded)} more on the page of their section, after its warning." in page.words
    assert f"Confirm {len(guarded)} answers in this section." in page.words
    fresh = Assessment.objects.select_related("edition", "account__office__member").get(pk=draft.pk)
    state = assessment_state(fresh, as_of=date(2026, 6, 1))
    assert sum(progress.carried for progress in state.sections) == len(left)


def test_pressed_twice_from_a_stale_tab_it_says_that_all_is_confirmed(cast, again):
    client, address = cast.client("member"), f"/assessments/{again.pk}/"
    stale = Page(client.get(address), address)
    press(client, stale, section="resources")
    before = {row.question: row.version for row in again.answers.all()}
    page = press(client, stale, section="resources")
    assert "These answers are already confirmed." in page.words
    assert {row.question: row.version for row in again.answers.all()} == before


@pytest.mark.parametrize("where", ["list", "section", "one at a time"])
def test_what_a_colleague_changed_since_is_not_confirmed_and_named(cast, again, where):
    client, base = cast.client("member"), f"/assessments/{again.pk}"
    person = Person(client, again, base)
    on_list = Page(client.get(f"{base}/"), f"{base}/")
    here = browser(cast, again)
    in_section, on_screen = here.open("resources"), person.get(f"{base}/next/signs")
    put(again, LOGO, "yes", by=cast.staff)
    if where == "list":
        page = press(client, on_list, section="resources")
    elif where == "one at a time":
        page = person.press(on_screen, "unchanged")
        assert screen(page) == "signs"
    else:
        assert here.save(in_section, "unchanged").status == 302
        page = here.open("resources")
    assert (
        "This answer changed after you opened the page, so you did not confirm it: "
        f"{current().question[LOGO].short} (by {cast.staff}). Check it now."
    ) in page.words
    row = again.answers.get(question=LOGO)
    assert (row.value, row.answered_by) == ("yes", cast.staff)
    assert again.answers.get(question=EMAIL).carried is False


def test_several_answers_that_changed_are_named_together(cast, again):
    client, address = cast.client("member"), f"/assessments/{again.pk}/"
    stale = Page(client.get(address), address)
    for question in (LOGO, EMAIL):
        put(again, question, "yes", by=cast.staff)
    page = press(client, stale, section="resources")
    assert "These answers changed after you opened the page, so you did not confirm them: " in page.words


def test_after_the_term_no_page_asks_to_confirm_what_can_no_longer_change(cast, again):
    client, address = cast.client("member"), f"/assessments/{again.pk}/"
    assert "Confirm" in Page(client.get(address), address).words
    Office.objects.update(ends_on=timezone.localdate())
    assert "Confirm" not in Page(client.get(address), address).words


@pytest.mark.parametrize("name", ["member", "staff"])
def test_a_review_with_answers_to_confirm_offers_that_and_not_to_attest(cast, again, name):
    reviewing.look(assessment=again, by=cast.user(name))
    address = f"/assessments/{again.pk}/review"
    page = Page(cast.client(name).get(address), address)
    count = len(to_confirm(again))
    assert f"Your next step is to confirm {count} answers from an earlier self-check ." in page.words
    assert f'href="/assessments/{again.pk}/attest"' not in page.html


def test_with_scripts_the_page_is_loaded_again_where_a_colleague_changed_something(cast, again):
    here = browser(cast, again)
    page = here.open("resources")
    put(again, LOGO, "yes", by=cast.staff)
    assert here.save(page, "unchanged", htmx=True).headers["HX-Refresh"] == "true"


def test_an_answer_to_another_election_since_is_to_be_confirmed_again(cast, again):
    here = browser(cast, again)
    page = here.open("election")
    change_election(assessment=again, election="toronto-2030", by=cast.member)
    assert here.save(page, "unchanged").status == 302
    assert "election.candidate" in to_confirm(again)
    assert "because the election changed after you opened the page" in here.open("election").words


def test_what_is_no_longer_asked_is_not_confirmed_and_the_page_says_so(cast, again):
    client, address = cast.client("member"), f"/assessments/{again.pk}/"
    form = {"confirm.terms.public": "1.x", "section": "terms"}
    put(again, "terms.adopted", "no", by=cast.member)
    response = client.post(f"{address}confirm", form, follow=True)
    assert "These questions are no longer asked." in Page(response, address).words


@pytest.mark.parametrize(("becomes", "status"), [("deleted", 404), ("attested", 409)])
def test_of_a_draft_that_is_deleted_or_attested_since_nothing_is_confirmed(cast, again, becomes, status):
    client, address = cast.client("member"), f"/assessments/{again.pk}/"
    page = Page(client.get(address), address)
    if becomes == "deleted":
        delete_draft(assessment=again, by=cast.member)
    else:
        versions = {row.question: AnswerVersion.of_row(row) for row in again.answers.all()}
        save_answers(draft=again, changes=(), by=cast.member, confirmed=versions)
        attest(assessment=again, by=cast.member, seen=seen(again))
    after = press(client, page, section="resources")
    assert after.status == status
    assert "Not saved" in after.words


# --- By section --------------------------------------------------------------------------------------


def test_saving_does_not_lead_past_answers_to_confirm(cast, again):
    here = browser(cast, again)
    page = here.save(here.open("resources"))
    assert "/section/resources" in page.headers["Location"]
    page = here.save(here.open("resources"), "unchanged")
    assert page.headers["Location"].endswith("/section/election")
    page = here.save(here.open("conduct"))
    assert "/section/conduct" in page.headers["Location"]
    assert "Confirm each answer from earlier before you continue." in here.open("conduct").words
    assert set(CONDUCT) <= to_confirm(again)
    page = here.save(here.open("conduct"), "go", htmx=True)
    assert "Confirm each of these answers before you continue" in page.words
    for _ in CONDUCT:
        here.save(here.open("conduct"), "still")
    assert not set(CONDUCT) & to_confirm(again)
    assert here.save(here.open("conduct")).headers["Location"].endswith("/section/confidential")
    # After the last section, the first one that still has some comes.
    assert here.save(here.open("moderation"), "unchanged").headers["Location"].endswith("/section/account")


@pytest.mark.parametrize("button", ["go", "list"])
def test_a_save_confirms_only_the_answers_that_were_changed(cast, again, button):
    here = browser(cast, again)
    before = to_confirm(again)
    here.save(here.open("terms"), button, terms__content="no")
    here.save(here.open("conduct"), button, conduct__abuse="yes")
    assert before - to_confirm(again) == {"terms.content", "conduct.abuse"}
    assert "You confirmed" not in here.open("conduct").words


def test_with_scripts_an_answer_that_was_changed_is_no_longer_to_be_confirmed(cast, again):
    here = browser(cast, again)
    page = here.open("terms")
    remark = "This answer was given earlier. Is it still right?"
    many = page.words.count(remark)
    after = here.save(page, htmx=True, terms__content="no")
    assert after.words.count(remark) == many - 1
    assert "confirm.terms.content" not in after.loose.fields
    assert f"{many - 1} answers in this section were given earlier." in after.words


def test_with_scripts_an_answer_is_confirmed_by_itself_without_leaving(cast, again):
    here = browser(cast, again)
    page = here.save(here.open("conduct"), "still", htmx=True)
    assert "HX-Redirect" not in page.headers
    assert again.answers.get(question="conduct.abuse").carried is False
    assert set(CONDUCT) - to_confirm(again) == {"conduct.abuse"}
