"""The pages of a self-check, through the test client: what is saved, shown, kept and refused."""

import re

import pytest
from django.test import Client

from assessments.models import AnonymousCheck, CheckAnswer
from bulletin.publish import publish_edition
from bulletin.shelf import editions
from tests.bulletin.other_editions import with_section_renamed

EMAIL = "resources.email"
FRESH = "0." + "x"  # a stamp that matches nothing: whatever is posted counts as changed


@pytest.fixture
def browser(db):
    for edition in editions().values():
        publish_edition(edition=edition)
    client = Client()
    client.post("/check/start")
    return client


def page(browser, section):
    return browser.get(f"/check/section/{section}?ready").content.decode()


def stamp_of(html, question):
    return stamps(html)[f"seen.{question}"]


def post(browser, section, answers, **extra):
    fields = stamps(page(browser, section)) | extra
    for question, value in answers.items():
        fields |= {question: value, f"seen.{question}": fields.get(f"seen.{question}", FRESH)}
    return browser.post(f"/check/section/{section}", fields)


def stamps(html):
    return dict(re.findall(r'name="(seen\.[^"]+)"\s+value="([^"]*)"', html))


def answers():
    return dict(CheckAnswer.objects.values_list("question", "value"))


def test_an_answer_is_saved_and_the_next_section_follows(browser):
    answer = post(browser, "account", {"account.stage": "live"})
    assert (answer.status_code, answer["Location"]) == (302, "/check/section/resources")
    assert answers() == {"account.stage": "live"}


def test_questions_that_come_up_are_shown_before_one_moves_on(browser):
    answer = post(browser, "resources", {EMAIL: "yes"})
    assert answer["Location"] == "/check/section/resources?ready#q-resources-policies"
    assert 'name="resources.policies"' in page(browser, "resources")


def test_a_question_that_is_not_asked_is_not_on_the_page(browser):
    assert 'name="resources.policies"' not in page(browser, "resources")


def test_money_is_read_as_people_write_it(browser):
    post(browser, "gifts", {"gifts.unpaid": "yes"})
    post(browser, "gifts", {"gifts.unpaid": "yes", "gifts.value": "$1,250.5"})
    assert answers()["gifts.value"] == "1250.50"


@pytest.mark.parametrize("typed", ["lots", "1e9", "-3", "1,2", "9" * 10_000, "<b>", "٣"])
def test_an_amount_that_is_none_is_named_and_stays_as_typed_while_the_rest_is_saved(browser, typed):
    post(browser, "gifts", {"gifts.unpaid": "yes"})
    answer = post(browser, "gifts", {"gifts.unpaid": "yes", "gifts.other": "no", "gifts.value": typed})
    html = answer.content.decode()
    assert answer.status_code == 200
    assert "write an amount from 0 to 1,000,000 dollars" in html
    assert 'class="error-summary"' in html
    assert answers() == {"gifts.unpaid": "yes", "gifts.other": "no"}


def test_a_note_that_is_too_long_is_named_and_kept_on_the_page(browser):
    answer = post(browser, "resources", {EMAIL: "yes"}, **{"note." + EMAIL: "w" * 2_001})
    assert "w" * 2_001 in answer.content.decode()
    assert answers() == {}


def test_forged_names_and_questions_of_other_sections_change_nothing(browser):
    fields = {"terms.adopted": "yes", "seen.terms.adopted": FRESH, "seen.nonsense": "0.x"}
    assert browser.post("/check/section/resources", fields).status_code == 302
    assert answers() == {}


def test_a_choice_that_is_none_is_refused_with_words(browser):
    answer = post(browser, "resources", {EMAIL: "perhaps"})
    assert "choose one of the answers shown" in answer.content.decode()


def test_an_unknown_section_is_not_found(browser):
    assert browser.get("/check/section/nowhere").status_code == 404


def test_an_answer_to_a_question_no_longer_asked_is_kept_and_counts_again_when_it_is(browser):
    post(browser, "gifts", {"gifts.unpaid": "yes"})
    post(browser, "gifts", {"gifts.unpaid": "yes", "gifts.value": "620"})
    post(browser, "gifts", {"gifts.unpaid": "no", "gifts.value": "620"})
    assert 'name="gifts.value"' not in page(browser, "gifts")
    post(browser, "gifts", {"gifts.unpaid": "yes"})
    assert 'value="620.00"' in page(browser, "gifts")


def test_two_tabs_never_overwrite_one_another_unseen(browser):
    html = page(browser, "resources")
    first = {EMAIL: "yes", f"seen.{EMAIL}": stamp_of(html, EMAIL)}
    second = {EMAIL: "no", f"seen.{EMAIL}": stamp_of(html, EMAIL)}
    browser.post("/check/section/resources", first)
    answer = browser.post("/check/section/resources", second)
    assert "This answer was changed elsewhere" in answer.content.decode()
    assert answers() == {EMAIL: "yes"}
    browser.post("/check/section/resources", second | {"choose": f"{EMAIL}:mine:1"})
    assert answers() == {EMAIL: "no"}


def test_what_someone_left_as_it_was_is_no_change(browser):
    html = page(browser, "resources")
    untouched = {EMAIL: "", f"seen.{EMAIL}": stamp_of(html, EMAIL)}
    post(browser, "resources", {EMAIL: "yes"})
    answer = browser.post("/check/section/resources", untouched | {"list": "yes"})
    assert answer.status_code == 302
    assert answers() == {EMAIL: "yes"}


def test_what_is_saved_can_be_taken_in_place_of_ones_own(browser):
    html = page(browser, "resources")
    seen = stamp_of(html, EMAIL)
    post(browser, "resources", {EMAIL: "yes"})
    browser.post(
        "/check/section/resources", {EMAIL: "no", f"seen.{EMAIL}": seen, "choose": f"{EMAIL}:theirs:1"}
    )
    assert answers() == {EMAIL: "yes"}


def test_a_check_that_has_ended_gives_back_what_was_typed_and_takes_it_into_a_new_one(browser):
    html = page(browser, "resources")
    AnonymousCheck.objects.all().delete()
    fields = {EMAIL: "yes", f"seen.{EMAIL}": stamp_of(html, EMAIL), "note." + EMAIL: "since 2023"}
    answer = browser.post("/check/section/resources", fields)
    assert answer.status_code == 409
    assert "since 2023" in answer.content.decode()
    again = browser.post("/check/restart?to=/check/section/resources", fields)
    assert again.status_code == 302
    assert list(CheckAnswer.objects.values_list("value", "note")) == [("yes", "since 2023")]


def test_a_form_whose_token_is_stale_gives_back_what_was_typed(browser):
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = browser.cookies
    answer = strict.post("/check/section/resources", {EMAIL: "yes", f"seen.{EMAIL}": "0.x"})
    assert answer.status_code == 403
    assert f'name="{EMAIL}" value="yes"' in answer.content.decode()
    assert "csrfmiddlewaretoken" in answer.content.decode()


def test_to_delete_leaves_nothing(browser):
    post(browser, "resources", {EMAIL: "yes"})
    answer = browser.post("/check/delete")
    assert answer.status_code == 302
    assert not AnonymousCheck.objects.exists()
    assert browser.get("/check/").status_code == 302


def test_the_answers_file_brings_everything_back(browser):
    post(browser, "resources", {EMAIL: "yes"}, **{"note." + EMAIL: "a note"})
    file = browser.get("/check/answers.json").content.decode()
    another = Client()
    answer = another.post("/check/bring-back", {"answers": file})
    assert answer.status_code == 302
    assert another.get("/check/answers.json").content.decode() == file


@pytest.mark.parametrize(
    "pasted", ["", "not json", "[]", '{"edition": "toronto-social-media-0.9", "answers": {}}']
)
def test_a_file_that_is_not_ours_is_refused_with_words_and_kept(db, pasted):
    answer = Client().post("/check/bring-back", {"answers": pasted})
    assert answer.status_code == 200
    assert "error-summary" in answer.content.decode()
    assert not AnonymousCheck.objects.exists()


def test_a_section_page_asks_the_database_the_same_for_no_answer_and_for_all(
    browser, django_assert_num_queries
):
    with django_assert_num_queries(2):
        page(browser, "terms")
    post(browser, "terms", {"terms.adopted": "yes"})
    with django_assert_num_queries(2):
        page(browser, "terms")


def test_private_pages_are_kept_by_nobody(browser):
    for address in ("", "section/resources", "answers", "advisory", "advisory.json", "answers.json"):
        answer = browser.get(f"/check/{address}")
        assert "no-store" in answer["Cache-Control"], address
        assert "noindex" in answer["X-Robots-Tag"], address


def test_the_election_questions_are_guarded_until_one_says_go_on(browser):
    assert "own device" in browser.get("/check/section/election").content.decode()
    assert 'name="election.use"' in page(browser, "election")


def test_the_guard_follows_the_question_on_campaign_use_into_a_section_of_another_name(browser):
    publish_edition(edition=with_section_renamed("election", "campaign"))
    browser.post("/check/start", {"replace": "yes"})
    assert "own device" in browser.get("/check/section/campaign").content.decode()
    assert 'name="campaign.use"' in page(browser, "campaign")
    assert "there is something to read before them" in browser.get("/check/answers").content.decode()


def test_an_autosave_brings_back_only_what_changed(browser):
    html = page(browser, "resources")
    answer = browser.post(
        "/check/section/resources",
        stamps(html) | {EMAIL: "yes"},
        headers={"HX-Request": "true"},
    )
    fragments = answer.content.decode()
    assert 'id="save-state"' in fragments
    assert "Saved at" in fragments
    assert 'id="q-resources-policies"' in fragments
    assert "<fieldset" in fragments
    assert fragments.count("<fieldset") == 1


def test_the_page_of_a_section_is_laid_out_with_its_panel(browser):
    assert 'class="column with-panel"' in page(browser, "account")
