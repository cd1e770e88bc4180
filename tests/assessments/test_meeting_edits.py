"""A section page and a save that meets something: another answer, a fault, or a draft that is gone."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import resolve

from assessments.models import AnonymousCheck, CheckAnswer, Office, User
from assessments.services import answering
from assessments.services.answering import Change, save_answers
from assessments.services.drafts import start_assessment
from assessments.services.register import NewAccount, add_account
from bulletin.publish import publish_edition
from bulletin.shelf import editions

RESOURCES, GIFTS, ELECTION = (f"/check/section/{name}" for name in ("resources", "gifts", "election"))
EMAIL, LOGO, PEOPLE, POLICIES = (f"resources.{name}" for name in ("email", "logo", "people", "policies"))
UNPAID, VALUE, OTHER = (f"gifts.{name}" for name in ("unpaid", "value", "other"))
TOO_LONG = {f"note.{EMAIL}": "w" * 2_001}


@pytest.fixture
def tab(db):
    """A browser with a self-check; every request of the test comes from it."""
    for edition in editions().values():
        publish_edition(edition=edition)
    client = Client()
    client.post("/check/start")
    return client


def fields(page: Any) -> dict[str, str]:
    """What a page's form would send: its hidden inputs, its chosen options, its texts."""
    html = page.content.decode()
    form = html[html.index('id="section-form"') :]
    inputs = (
        r'<input type="hidden"[^>]*?name="([^"]+)"\s+value="([^"]*)"',
        r'name="([^"]+)"\s+value="([^"]*)" checked',
        r'form-control short"[^>]*?name="([^"]+)"\s+value="([^"]*)"',
        r'<textarea[^>]*?name="([^"]+)"[^>]*>([^<]*)</textarea>',
    )
    return {name: value for pattern in inputs for name, value in re.findall(pattern, form)}


def opened(tab: Client, address: str = RESOURCES) -> dict[str, str]:
    return fields(tab.get(f"{address}?ready"))


def send(tab: Client, address: str, page: dict[str, str], **more: str) -> Any:
    named = {name.replace("__", "."): value for name, value in more.items()}
    return tab.post(address, page | named)


def stored() -> dict[str, Any]:
    return dict(CheckAnswer.objects.values_list("question", "value"))


def put(question: str, value: Any, seen: int = 0) -> None:
    """Save an answer as another tab does."""
    save_answers(draft=AnonymousCheck.objects.get(), changes=[Change(question, value, "", seen)], by=None)


# --- What a page shows after a save, and what it then sends ---------------------------------


def test_a_fault_page_shows_what_another_tab_saved_and_sends_it_back_unchanged(tab):
    mine = opened(tab)
    put(LOGO, "yes")
    page = send(tab, RESOURCES, mine | TOO_LONG, resources__email="yes")
    again = fields(page)
    assert again[LOGO] == "yes"
    send(tab, RESOURCES, again | {f"note.{EMAIL}": "shorter"})
    assert stored() == {LOGO: "yes", EMAIL: "yes"}


def test_to_keep_mine_of_one_question_leaves_what_another_tab_saved_of_others(tab):
    put(LOGO, "no")
    mine = opened(tab)
    put(LOGO, "yes", seen=1)
    put(EMAIL, "yes")
    page = send(tab, RESOURCES, mine, resources__email="no")
    assert "changed elsewhere" in page.content.decode()
    send(tab, RESOURCES, fields(page), choose=f"{EMAIL}:mine:1")
    assert stored() == {LOGO: "yes", EMAIL: "no"}


def test_to_save_a_conflict_page_without_choosing_overwrites_nothing_and_asks_again(tab):
    mine = opened(tab)
    put(EMAIL, "yes")
    page = send(tab, RESOURCES, mine, resources__email="no")
    again = send(tab, RESOURCES, fields(page))
    assert "choose which answer to keep" in again.content.decode()
    assert stored() == {EMAIL: "yes"}


def test_after_a_fault_elsewhere_ones_own_saved_answer_is_no_conflict(tab):
    page = send(tab, RESOURCES, opened(tab) | TOO_LONG, resources__logo="yes")
    again = send(tab, RESOURCES, fields(page) | {f"note.{EMAIL}": ""}, resources__logo="no")
    assert again.status_code == 302
    assert stored() == {LOGO: "no"}


def test_a_question_that_came_up_is_on_the_fault_page(tab):
    page = send(tab, RESOURCES, opened(tab) | {f"note.{LOGO}": "w" * 2_001}, resources__email="yes")
    assert f'name="{POLICIES}"' in page.content.decode()


def test_a_fault_in_a_question_that_is_no_longer_asked_need_not_be_mended(tab):
    put(UNPAID, "yes")
    assert send(tab, GIFTS, opened(tab, GIFTS), gifts__unpaid="no", gifts__value="lots").status_code == 302


def test_the_first_button_of_the_form_chooses_between_no_answers(tab):
    mine = opened(tab)
    put(EMAIL, "yes")
    html = send(tab, RESOURCES, mine, resources__email="no").content.decode()
    form = html[html.index('id="section-form"') :]
    names = re.findall(r'<button type="submit"[^>]*?name="(\w+)"', form)
    assert names[0] == "go"
    assert "choose" in names


# --- Amounts and dates ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed", ["$620", "620.00", "CA$ 620", "620 CAD", "CAD 620.0", "620 dollars", "0620"]
)
def test_an_amount_is_read_as_people_write_it(tab, typed):
    put(UNPAID, "yes")
    send(tab, GIFTS, opened(tab, GIFTS), gifts__value=typed)
    assert stored()[VALUE] == "620.00"


@pytest.mark.parametrize("typed", ["$", "620 EUR", "about 620", "1 234,50"])
def test_an_amount_that_is_none_leaves_the_one_before_which_the_page_says(tab, typed):
    put(UNPAID, "yes")
    put(VALUE, "100.00")
    page = send(tab, GIFTS, opened(tab, GIFTS), gifts__value=typed)
    assert "still counts: <strong>$100.00</strong>" in page.content.decode()
    assert fields(page)[VALUE] == typed
    assert stored()[VALUE] == "100.00"


def test_an_amount_and_that_one_is_not_sure_are_not_both_an_answer(tab):
    put(UNPAID, "yes")
    page = send(tab, GIFTS, opened(tab, GIFTS), gifts__value="620", unsure__gifts__value="yes")
    html = page.content.decode()
    assert "either give an answer or choose “I&#x27;m not sure”, not both" in html
    assert fields(page)[VALUE] == "620"
    assert re.search(r'data-unsure-of="gifts.value" checked', html)
    assert VALUE not in stored()


@pytest.mark.parametrize("typed", ["0202-08-21", "1989-12-31", "2100-01-01", "2026-02-30", "incomplete"])
def test_a_date_that_is_unlikely_or_unfinished_is_not_saved(tab, typed):
    put("election.candidate", "yes")
    page = send(tab, ELECTION, opened(tab, ELECTION), election__nomination_date=typed)
    assert "write a day that is in the calendar" in page.content.decode()
    assert "election.nomination_date" not in stored()


# --- Saving by itself -------------------------------------------------------------------------

HTMX = {"HX-Request": "true"}


def autosave(tab: Client, address: str, page: dict[str, str], **more: str) -> Any:
    named = {name.replace("__", "."): value for name, value in more.items()}
    return tab.post(address, page | named, headers=HTMX)


def test_the_button_leads_on_once_all_is_saved(tab):
    answer = autosave(tab, RESOURCES, opened(tab), resources__email="no", go="on")
    assert answer["HX-Redirect"] == ELECTION
    assert not answer.content


def test_the_button_stays_where_something_is_wrong_and_says_what(tab):
    answer = autosave(tab, RESOURCES, opened(tab) | TOO_LONG, go="on")
    html = answer.content.decode()
    assert "HX-Redirect" not in answer
    assert 'id="summary"' in html
    assert "There is a problem" in html
    assert "<title>Please correct: City resources</title>" in html
    # By itself a save takes no one to a summary.
    assert "There is a problem" not in autosave(tab, RESOURCES, opened(tab) | TOO_LONG).content.decode()


def test_the_button_stays_where_a_question_came_up(tab):
    answer = autosave(tab, RESOURCES, opened(tab), resources__email="yes", go="on")
    assert "HX-Redirect" not in answer
    assert 'class="slot arrived"' in answer.content.decode()


def test_a_text_that_someone_is_typing_is_left_alone(tab):
    put(UNPAID, "yes")
    page = opened(tab, GIFTS)
    answer = autosave(tab, GIFTS, page, gifts__other="no", gifts__value="62", typing=VALUE)
    assert stored() == {UNPAID: "yes", OTHER: "no"}
    assert 'id="q-gifts-value-slot"' not in answer.content.decode()


def test_a_conflict_about_a_question_that_is_no_longer_asked_is_still_shown(tab):
    put(UNPAID, "yes")
    page = opened(tab, GIFTS)
    put(VALUE, "100.00")
    put(UNPAID, "no", seen=1)
    html = autosave(tab, GIFTS, page, gifts__value="620").content.decode()
    assert "changed elsewhere" in html
    assert 'id="q-gifts-value-slot"' not in html


def test_of_two_conflicts_one_is_settled_and_the_other_stays_as_typed(tab):
    page = opened(tab)
    put(EMAIL, "yes")
    put(LOGO, "yes")
    html = autosave(
        tab, RESOURCES, page, resources__email="no", resources__logo="no", choose=f"{EMAIL}:theirs:1"
    ).content.decode()
    # What was chosen comes back whole, what was not keeps its words beside it.
    assert 'id="q-resources-email-slot"' in html
    assert 'id="q-resources-logo-slot"' not in html
    assert 'id="q-resources-logo-theirs"' in html
    assert stored() == {EMAIL: "yes", LOGO: "yes"}


def test_the_stamp_that_comes_back_is_of_what_this_page_saved(tab, monkeypatch):
    page = opened(tab)

    def and_a_colleague_right_after(**what: Any) -> Any:
        saved = save_answers(**what)
        put(EMAIL, "unsure", seen=1)
        return saved

    monkeypatch.setattr("assessments.views.questionnaire.save_answers", and_a_colleague_right_after)
    html = autosave(tab, RESOURCES, page, resources__email="yes").content.decode()
    stamp = re.search(r'name="seen.resources.email"\s+value="([^"]+)"', html)
    assert stamp
    assert stamp[1].startswith("1.")


# --- Where one goes afterwards ------------------------------------------------------------------


def test_sections_that_are_done_are_passed_over(tab):
    for name in ("email", "identity", "website", "print", "logo", "contact", "devices", "people"):
        put(f"resources.{name}", "no")
    answer = send(tab, "/check/section/account", opened(tab, "/check/section/account"), account__stage="live")
    assert answer["Location"] == ELECTION


def test_whoever_came_from_the_answers_goes_back_there(tab):
    page = tab.get(f"{RESOURCES}?ready&back")
    assert fields(page)["back"] == "answers"
    assert send(tab, RESOURCES, fields(page), resources__email="no")["Location"] == "/check/answers"
    # Not before what came up has been shown.
    came_up = send(tab, RESOURCES, fields(tab.get(f"{RESOURCES}?ready&back")), resources__email="yes")
    assert came_up["Location"] == f"{RESOURCES}?ready&back#q-resources-policies"


def test_the_answers_lead_past_no_guard_and_list_nothing_behind_it(tab):
    html = tab.get("/check/answers").content.decode()
    assert f'href="{ELECTION}"' in html
    assert f"{ELECTION}?ready" not in html
    put("election.use", "none")
    assert f"{ELECTION}?ready&amp;back#q-election-use" in tab.get("/check/answers").content.decode()


def test_a_section_that_depends_on_others_says_so_and_counts_as_not_done(tab):
    html = tab.get("/check/").content.decode()
    assert "0 of 10 sections done" in re.sub(r"\s+", " ", html)
    assert html.count("Depends on other answers") == 1
    assert "Nothing to answer" not in html
    assert "is-done" not in html
    for name in ("email", "identity", "website", "print", "logo", "contact", "devices", "people"):
        put(f"resources.{name}", "no")
    html = tab.get("/check/").content.decode()
    assert "1 of 9 sections done" in re.sub(r"\s+", " ", html)
    assert html.count("Nothing to answer") == 1


# --- A draft that is gone -----------------------------------------------------------------------


def test_a_page_of_a_check_that_was_started_over_saves_into_nothing(tab):
    put(EMAIL, "yes")
    stale = opened(tab)
    tab.post("/check/start", {"replace": "yes"})
    answer = send(tab, RESOURCES, stale, resources__logo="yes")
    assert answer.status_code == 409
    assert "The self-check that this page belonged to has ended" in answer.content.decode()
    assert stored() == {}


def test_a_page_of_an_ended_check_goes_whole_into_a_new_one(tab):
    put(EMAIL, "yes")
    put(LOGO, "no")
    stale = opened(tab)
    tab.post("/check/delete")
    again = send(tab, f"/check/restart?to={RESOURCES}", stale, resources__logo="yes")
    assert again.status_code == 302
    assert stored() == {EMAIL: "yes", LOGO: "yes"}


def test_where_the_new_one_has_another_answer_both_are_shown(tab):
    put(EMAIL, "yes")
    stale = opened(tab)
    tab.post("/check/start", {"replace": "yes"})
    put(EMAIL, "no")
    page = send(tab, f"/check/restart?to={RESOURCES}", stale)
    assert page.status_code == 200
    assert "Saved now: <strong>No</strong>" in page.content.decode()
    assert fields(page)[EMAIL] == "yes"
    assert f'hx-post="{RESOURCES}"' in page.content.decode()


def test_a_check_that_is_deleted_while_it_is_saved_gives_back_what_was_typed(tab, monkeypatch):
    page = opened(tab)
    locked = answering.lock_draft

    def deleted_just_before(draft: Any) -> Any:
        AnonymousCheck.objects.all().delete()
        return locked(draft)

    monkeypatch.setattr(answering, "lock_draft", deleted_just_before)
    answer = send(tab, RESOURCES, page, resources__email="yes")
    assert answer.status_code == 409
    assert f'name="{EMAIL}" value="yes"' in answer.content.decode()


def test_without_a_check_the_home_page_says_so(tab):
    tab.post("/check/delete")
    for address in ("/check/", "/check/advisory", RESOURCES):
        answer = tab.get(address, follow=True)
        assert "This browser has no self-check under way" in answer.content.decode()
    assert tab.post("/check/delete")["Location"] == "/deleted"


def test_every_way_on_from_a_page_that_was_not_saved_leads_somewhere(tab):
    tab.post("/check/delete")
    for address in (RESOURCES, "/check/details"):
        html = tab.post(address, {"handle": "@typed", "seen.x": "0"}).content.decode()
        for action in re.findall(r'<form method="post" action="([^"?]+)', html):
            assert resolve(action).url_name
        buttons = html.count('class="btn btn-primary"')
        assert buttons == (1 if address == RESOURCES else 0)
    assert "@typed" in html


def test_a_stale_token_keeps_where_the_answers_were_going(tab):
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = tab.cookies
    html = strict.post(f"/check/restart?to={RESOURCES}", {EMAIL: "yes"}).content.decode()
    assert f'action="/check/restart?to={RESOURCES}"' in html


# --- An office's draft ---------------------------------------------------------------------------


@pytest.fixture
def draft(tab):
    member = User.objects.create_user("member@example.ca", name="Pat Lee")
    office = Office.objects.create(name="Ward 10", member=member, starts_on="2022-11-15")
    account = add_account(
        account=NewAccount(office=office, platform="X", handle="@ward10", purpose="official")
    )
    tab.force_login(member)
    return start_assessment(account=account, by=member)


def test_after_the_term_nothing_is_taken_in_and_what_was_typed_stays_on_the_page(tab, draft):
    address = f"/assessments/{draft.pk}/section/resources"
    page = opened(tab, address)
    Office.objects.update(ends_on="2026-11-14")
    answer = send(tab, address, page, resources__email="yes")
    assert answer.status_code == 409
    assert "The term of this office has ended" in answer.content.decode()
    assert "toronto.ca address" in answer.content.decode()
    assert not draft.answers.exists()
    assert tab.get(address)["Location"] == f"/assessments/{draft.pk}/answers"
    assert "?ready" not in tab.get(f"/assessments/{draft.pk}/answers").content.decode()


def test_someone_who_may_no_longer_open_it_keeps_what_they_typed_whether_it_exists_or_not(tab, draft):
    page = opened(tab, f"/assessments/{draft.pk}/section/resources")
    tab.force_login(User.objects.create_user("former@example.ca", name="Former"))
    for pk in (draft.pk, draft.pk + 1000):
        answer = send(tab, f"/assessments/{pk}/section/resources", page, resources__email="yes")
        assert answer.status_code == 404
        assert "You can no longer open this self-check" in answer.content.decode()
        assert "toronto.ca address" in answer.content.decode()


def test_a_section_of_an_office_asks_the_database_the_same_for_no_answer_and_for_all(
    tab, draft, django_assert_max_num_queries
):
    address = f"/assessments/{draft.pk}/section/terms"
    terms = [q.id for q in next(iter(editions().values())).questions if q.section == "terms"]
    tab.get(address)  # puts off the end of the session, now and then
    with django_assert_max_num_queries(6) as none:
        tab.get(address)
    changes = [Change(question, "yes", "", 0) for question in terms]
    save_answers(draft=draft, changes=changes, by=draft.started_by)
    with django_assert_max_num_queries(6) as every:
        assert tab.get(address).content.count(b"<fieldset") == len(terms)
    assert len(none.captured_queries) == len(every.captured_queries)


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite lets one in after the other")
def test_the_same_answer_from_two_at_once_is_no_conflict():
    from threading import Barrier, Thread  # noqa: PLC0415

    for edition in editions().values():
        publish_edition(edition=edition)
    client = Client()
    client.post("/check/start")
    check, barrier, found = AnonymousCheck.objects.get(), Barrier(2), []

    def save() -> None:
        barrier.wait()
        found.append(save_answers(draft=check, changes=[Change(EMAIL, "yes", "", 0)], by=None))
        connection.close()

    threads = [Thread(target=save) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [(saved.versions, saved.conflicts) for saved in found] == [({EMAIL: 1}, {})] * 2
