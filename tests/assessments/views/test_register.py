"""The register of accounts: who sees it, which input it accepts, and keeping an anonymous check there."""

import importlib
import re
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.html import escape

from assessments.models import AnonymousCheck, Answer, Assessment, Membership, Office, SocialAccount, User
from assessments.records.state import AssessmentState
from assessments.scoring.wording import long_date
from assessments.services.answering import Change, save_answers
from assessments.services.done import mark_done
from assessments.services.drafts import delete_draft, start_assessment, start_check
from assessments.services.register import DuplicateAccount, NewAccount, add_account, keep_in_register
from assessments.services.reviewing import mark_ready
from assessments.services.sharing import withdraw, write_advice
from assessments.views.workspace import COOKIE
from tests.cast import (
    HANDLE,
    account_of,
    answered,
    at_the_same_moment,
    attested,
    client_of,
    make,
    office_of,
    person,
    shared,
    together,
)
from tests.tables import BASE, edition

pytestmark = pytest.mark.django_db

REGISTER, NEW, KEEP = "/office/", "/office/accounts/new", "/check/keep"
ACCOUNT = {"platform": "Instagram", "handle": "@PatLee", "purpose": "campaign"}
INSIDE = ("member", "staff")
OUTSIDE = ("former_staff", "stranger", "nobody's staff", "administrator")


@pytest.fixture
def client(cast):
    """The member's browser."""
    return cast.client("member")


@pytest.fixture
def draft(cast) -> Assessment:
    """The cast's draft with an answer."""
    draft: Assessment = cast.draft
    save_answers(draft=draft, changes=[Change("resources.email", "yes", "")], by=cast.member)
    return draft


@pytest.fixture
def nobodys_staff(cast) -> User:
    return person("alone")


# --- Who sees it ----------------------------------------------------------------


@pytest.mark.parametrize("who", INSIDE)
def test_the_member_and_their_staff_see_the_account_and_its_draft(cast, who):
    client = cast.client(who)
    assert f"TikTok: {HANDLE}" in client.get(REGISTER).content.decode()
    address = f"/assessments/{cast.draft_pk}/"
    assert address in client.get(f"/office/accounts/{cast.account_pk}").content.decode()
    assert client.get(address).status_code == 200


@pytest.mark.parametrize("who", OUTSIDE)
def test_anyone_else_sees_nothing_of_it_as_if_it_did_not_exist(cast, who):
    client = client_of(person("alone")) if who == "nobody's staff" else cast.client(who)
    assert HANDLE not in client.get(REGISTER).content.decode()
    for pk in (cast.account_pk, cast.account_pk + 1000):
        assert client.get(f"/office/accounts/{pk}").status_code == 404
        assert client.post(f"/office/accounts/{pk}/assess").status_code == 404
    for pk in (cast.draft_pk, cast.draft_pk + 1000):
        assert client.get(f"/assessments/{pk}/").status_code == 404


def test_accounts_and_drafts_are_visible_to_those_who_work_in_the_office(cast):
    inactive = person("inactive", is_active=False)
    Membership.objects.create(office=cast.office, user=inactive)
    others = [cast.user(who) for who in ("former_staff", "stranger")]
    for who, seen in (
        *((cast.user(who), True) for who in INSIDE),
        *((who, False) for who in (*others, person("alone"), inactive)),
    ):
        assert SocialAccount.objects.visible_to(who).exists() is seen, who
        assert Assessment.objects.visible_to(who).exists() is seen, who


def test_someone_who_is_not_signed_in_is_sent_to_sign_in_and_back(cast):
    for client in (Client(), client_of(person("inactive", is_active=False))):
        for address in (REGISTER, NEW, KEEP, f"/office/accounts/{cast.account_pk}"):
            assert client.get(address)["Location"] == f"/account/login/?next={address}"


@pytest.mark.parametrize("address", [NEW, KEEP])
def test_what_someone_posts_who_was_signed_out_stays_on_the_page(cast, address):
    response = Client().post(address, ACCOUNT)
    assert response.status_code == 409
    page = response.content.decode()
    assert 'name="handle" value="@PatLee"' in page
    assert f'action="{address}"' in page
    assert SocialAccount.objects.count() == 1


def test_staff_who_leave_lose_the_register_at_the_next_request(cast):
    client, address = cast.client("staff"), f"/office/accounts/{cast.account_pk}"
    assert client.get(address).status_code == 200
    Membership.objects.filter(user=cast.staff).update(ended_at=timezone.now())
    assert client.get(address).status_code == 404


def test_a_page_of_the_register_is_kept_nowhere_and_says_who_sees_it(cast, client):
    for address in (REGISTER, NEW, f"/office/accounts/{cast.account_pk}"):
        response = client.get(address)
        assert "no-store" in response["Cache-Control"]
        assert "noindex" in response["X-Robots-Tag"]
        assert "This page shows nothing of anyone" not in response.content.decode()


# --- What it shows ----------------------------------------------------------------


def test_an_account_shows_its_purpose_what_is_left_and_what_its_newest_draft_comes_to(client, draft):
    page = client.get(REGISTER).content.decode()
    assert cells(page)[0][1:3] == ["Official", cells(page)[0][2]]
    assert re.fullmatch(r"Draft About \d+ questions left, \d+ minutes", cells(page)[0][2])
    assert "Not complete yet" in page
    start_assessment(account=draft.account, by=draft.started_by)
    account_of(draft.account.office)
    first, second = cells(client.get(REGISTER).content.decode())
    assert first[0] == f"TikTok: {HANDLE} 2 drafts"
    assert second[1:] == ["Official", "No self-check yet", "", ""]


def cells(page: str) -> list[list[str]]:
    """The words in each cell of the tables of a page, row by row."""
    rows = re.findall(r"<tr>(.*?)</tr>", page.partition("<tbody>")[2], re.DOTALL)
    return [
        [
            " ".join(re.sub(r"<[^>]+>", " ", cell).split())
            for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)
        ]
        for row in rows
    ]


def test_the_register_shows_the_state_and_the_sharing_and_counts_drafts_apart(cast, client, unprinted):
    account = account_of(cast.office, handle="@two")
    attestation = attested(account)
    day = long_date(timezone.localdate(attestation.attested_at))

    def row() -> list[str]:
        return next(row for row in cells(client.get(REGISTER).content.decode()) if "@two" in row[0])

    assert row()[2] == f"Attested on {day} Not shared"
    share = shared(attestation, ask="May I?")
    assert row()[2] == f"Attested on {day} Shared"
    write_advice(share=share, text="Yes.", by=cast.officer)
    assert row()[2] == f"Attested on {day} Reply received"
    assert row()[0] == "X: @two"
    draft = start_assessment(account=account, by=cast.member)
    assert row()[0] == "X: @two 1 draft, 1 attested"
    assert row()[2].endswith(f"Last attested on {day} Reply received")
    withdraw(share=share, by=cast.member)
    assert row()[2].endswith(f"Last attested on {day} Not shared")
    mark_ready(assessment=draft, by=cast.staff)
    assert row()[2].startswith("Ready for review ")


def test_what_is_due_next_is_the_nearest_and_not_what_is_done(cast, client, monkeypatch):
    account = account_of(cast.office, handle="@due")
    draft = answered(account, cast.member, {"terms.public": "no", "terms.content": "no"})

    def due() -> str:
        return next(row[4] for row in cells(client.get(REGISTER).content.decode()) if "@due" in row[0])

    assert due() == "Now 2 things due now"
    with monkeypatch.context() as patched:
        patched.setattr(AssessmentState, "count_of_acts", 7)
        assert due() == "Now 2 of 7 things due now"
    mark_done(assessment=draft, rules=["23a"], by=cast.member)
    assert due() == f"Now {edition().rule['22-public'].title}"
    mark_done(assessment=draft, rules=["22-public"], by=cast.member)
    assert due() == ""


def primary_buttons(page: str) -> int:
    """How many there are in the page itself. The hidden notice before a session ends has another one."""
    return page.partition("<main")[2].partition("</main>")[0].count("btn-primary")


def test_an_office_without_accounts_is_shown_what_to_do_first_with_one_button(cast):
    page = cast.client("stranger").get(REGISTER).content.decode()
    assert primary_buttons(page) == 1
    assert "Add your first account" in page
    assert "<table" not in page


def test_the_first_account_can_be_added_after_an_earlier_office_whose_term_ended_without_any(cast):
    office_of(cast.user("stranger"), "A seat before", ends_on=timezone.localdate())
    page = cast.client("stranger").get(REGISTER).content.decode()
    assert page.index("This office had no accounts.") < page.index("Add your first account")
    assert primary_buttons(page) == 1


def test_of_several_offices_without_accounts_one_has_the_button(cast):
    Membership.objects.create(office=office_of(person("di"), "Another seat"), user=cast.user("stranger"))
    assert primary_buttons(cast.client("stranger").get(REGISTER).content.decode()) == 1


NEXT = [
    ("member", {}, "Continue the draft", "/next"),
    ("staff", {}, "Continue the draft", "/next"),
    ("member", BASE["answers"], "Attest the draft", "/attest"),
    ("staff", BASE["answers"], "Review the draft", "/review"),
]


@pytest.mark.parametrize(("who", "answers", "words", "page"), NEXT)
def test_the_next_thing_to_do_about_an_account_is_its_one_primary_button(cast, who, answers, words, page):
    account = account_of(cast.office)
    draft = answered(account, cast.member) if answers else start_assessment(account=account, by=cast.member)
    html = cast.client(who).get(f"/office/accounts/{account.pk}").content.decode()
    assert primary_buttons(html) == 1
    link = f'class="btn btn-primary" href="/assessments/{draft.pk}{page}">{words}<'
    assert link in " ".join(html.split())


def test_the_next_self_check_of_an_attested_account_begins_with_its_answers(cast, client, unprinted):
    attestation = attested(account_of(cast.office))
    address = f"/office/accounts/{attestation.assessment.account_id}"
    page = client.get(address).content.decode()
    assert primary_buttons(page) == 1
    assert f'action="/assessments/{attestation.assessment_id}/reassess"' in page
    assert cells(page)[0][3] == "Not shared"


def test_someone_in_no_office_is_told_what_to_do(nobodys_staff):
    page = client_of(nobodys_staff).get(REGISTER).content.decode()
    assert "You don’t belong to an office yet" in page
    assert NEW not in page


def test_a_term_that_has_ended_can_be_read_and_takes_nothing_in(client, draft):
    Office.objects.update(ends_on=timezone.localdate())
    assert "This term ended" in client.get(REGISTER).content.decode()
    assert "Start a new self-check" not in client.get(f"/office/accounts/{draft.account_id}").content.decode()
    assert client.post(f"/office/accounts/{draft.account_id}/assess").status_code == 404
    assert client.post(NEW, ACCOUNT)["Location"] == REGISTER


def test_a_draft_deleted_before_the_end_of_the_term_is_not_offered_back_after_it(cast, client):
    delete_draft(assessment=cast.draft, by=cast.member)
    address = f"/office/accounts/{cast.draft.account_id}"
    assert "You can restore it until" in client.get(address).content.decode()
    Office.objects.update(ends_on=timezone.localdate())
    page = client.get(address).content.decode()
    assert "You can restore it until" not in page
    assert "This term has ended, so you can’t restore it." in page
    assert (SocialAccount.objects.count(), Assessment.objects.count()) == (1, 1)


def queries(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as asked:
        assert client.get(address).status_code == 200
    return len(asked)


def test_the_register_asks_the_database_as_often_for_ten_accounts_as_for_one(cast, client, draft):
    queries(client, REGISTER)  # the first request of a session writes that it is in use
    for_one = queries(client, REGISTER)
    for number in range(9):
        account = account_of(cast.office, handle=f"@{number}")
        for _ in range(2):
            another = start_assessment(account=account, by=cast.member)
            save_answers(draft=another, changes=[Change("resources.email", "no", "")], by=cast.member)
    assert queries(client, REGISTER) == for_one
    assert for_one <= 9


def test_an_account_asks_the_database_as_often_for_ten_drafts_as_for_one(cast, client, draft):
    address = f"/office/accounts/{draft.account_id}"
    queries(client, address)
    for_one = queries(client, address)
    for _ in range(9):
        start_assessment(account=draft.account, by=cast.member)
    assert queries(client, address) == for_one


# --- Adding an account --------------------------------------------------------------


def test_an_account_that_is_added_stands_in_the_register_of_ones_office(cast, client):
    response = client.post(NEW, {**ACCOUNT, "address": "example.com/patlee"})
    added = SocialAccount.objects.exclude(pk=cast.account_pk).get()
    assert response["Location"] == f"/office/accounts/{added.pk}"
    assert (added.office, added.handle, added.purpose) == (cast.office, "@PatLee", "campaign")
    assert added.address == "https://example.com/patlee"


WRONG = [
    ({"platform": ""}, "Enter the platform."),
    ({"handle": "  "}, "Enter the account."),
    ({"handle": "@" + "x" * 200}, "at most 200 characters"),
    ({"platform": "\x07\u200b"}, "Enter the platform."),
    ({"address": "ftp://example.com/"}, "Enter a web address, such as"),
    ({"address": "javascript:alert(1)"}, "Enter a web address, such as"),
    ({"purpose": "other"}, "Purpose: "),
    ({"platform": "TIKTOK", "handle": HANDLE.upper()}, "already on your list"),
    ({"platform": "tiktok", "handle": HANDLE.removeprefix("@")}, "already on your list"),
]


@pytest.mark.postgres
def test_what_is_wrong_is_named_and_what_was_typed_stays(client):
    for wrong, message in WRONG:
        response = client.post(NEW, {**ACCOUNT, "display_name": "Pat Lee's page", **wrong})
        page = response.content.decode()
        assert response.status_code == 200
        assert "There is a problem" in page
        assert message in page, wrong
        assert "Pat Lee&#x27;s page" in page
    assert SocialAccount.objects.count() == 1


def test_a_fault_in_a_choice_links_to_its_first_option(client):
    page = client.post(NEW, {**ACCOUNT, "purpose": ""}).content.decode()
    assert 'href="#id_purpose_0"' in page
    assert 'id="id_purpose_0"' in page


def test_a_forged_office_is_not_written_to(cast, client):
    client.post(NEW, {**ACCOUNT, "office": cast.elsewhere_pk})
    assert list(SocialAccount.objects.values_list("office", flat=True)) == 2 * [cast.office_pk]


def test_a_person_in_several_offices_chooses_and_cannot_choose_another(cast):
    Membership.objects.create(office=cast.elsewhere, user=cast.staff)
    third = office_of(person("third"), "Ward 7")
    client = cast.client("staff")
    assert "Choose an office" in client.post(NEW, ACCOUNT).content.decode()
    assert "There is a problem" in client.post(NEW, {**ACCOUNT, "office": third.pk}).content.decode()
    assert SocialAccount.objects.count() == 1
    client.post(NEW, {**ACCOUNT, "office": cast.elsewhere_pk})
    assert SocialAccount.objects.exclude(pk=cast.account_pk).get().office == cast.elsewhere


def test_two_offices_may_have_an_account_of_the_same_name(cast):
    same = {**ACCOUNT, "platform": "TikTok", "handle": HANDLE}
    assert cast.client("stranger").post(NEW, same).status_code == 302


@pytest.mark.postgres
def test_an_account_is_added_once_however_its_name_is_typed(cast):
    named = {"platform": "tiktok", "handle": HANDLE.upper(), "purpose": "official"}
    with pytest.raises(DuplicateAccount):
        add_account(account=NewAccount(office=cast.office, **named), by=cast.member)


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("@Zoë", "@ZOË"),
        ("@Zoë", "@Zoe\u0308"),
        ("@PatLee", "@patlee\u200b"),
        ("@PatLee", "＠ｐａｔｌｅｅ"),
        ("@PatLee", "https://instagram.com/patlee/"),
        ("@O’Brien", "@O'Brien"),
        ("@İstanbul", "@istanbul"),
        ("@Zoë", "https://www.instagram.com/zo%C3%AB/?hl=fr"),
    ],
)
def test_a_name_that_looks_the_same_is_in_the_register_already(client, first, second):
    assert client.post(NEW, {**ACCOUNT, "handle": first}).status_code == 302
    page = client.post(NEW, {**ACCOUNT, "handle": second}).content.decode()
    added = SocialAccount.objects.get(platform="Instagram")
    assert f"This account is already on your list, as {escape(first)}." in page
    assert f'<a href="/office/accounts/{added.pk}">' in page


def test_another_offices_account_is_neither_named_nor_linked(cast, client):
    elsewhere = account_of(cast.elsewhere, "Instagram", "@Zoë")
    account_of(cast.office, "Instagram", "@ZOË")
    page = client.post(NEW, {**ACCOUNT, "handle": "zoë"}).content.decode()
    assert "as @ZOË." in page
    assert "@Zoë" not in page
    assert f"/office/accounts/{elsewhere.pk}" not in page


@pytest.mark.parametrize(
    ("typed", "address"), [("", "https://x.com/PatLee"), ("https://a.example/", "https://a.example/")]
)
def test_a_pasted_profile_becomes_the_handle_and_the_web_address(client, typed, address):
    pasted = {**ACCOUNT, "platform": "Twitter", "handle": "https://x.com/PatLee?s=20", "address": typed}
    assert client.post(NEW, pasted).status_code == 302
    added = SocialAccount.objects.get(platform="Twitter")
    assert (added.handle, added.address) == ("@PatLee", address)
    page = client.post(NEW, {**ACCOUNT, "platform": "X", "handle": "@patlee"}).content.decode()
    assert "already on your list, as @PatLee." in page


def test_a_profile_of_another_platform_is_refused_in_words_that_name_both(client):
    page = client.post(NEW, {**ACCOUNT, "handle": "https://x.com/PatLee"}).content.decode()
    assert "Account: This is an address on X, but the platform is Instagram. Correct one of them." in page
    assert "https://x.com/PatLee" in page


@pytest.fixture
def doubles(cast) -> list[SocialAccount]:
    """Two accounts that were added before spellings were compared."""
    named = [account_of(cast.office, "Instagram", handle, name_key="") for handle in ("@Zoë", "@ZOË")]
    importlib.import_module("assessments.migrations.0012_folding").compare_by_folded_names(apps, None)
    return named


@pytest.mark.postgres
def test_accounts_that_have_one_name_already_are_kept_and_pointed_out(cast, client, doubles):
    keys = SocialAccount.objects.filter(pk__in=[account.pk for account in doubles]).order_by("pk")
    assert [bool(key) for key in keys.values_list("name_key", flat=True)] == [True, False]
    page = " ".join(client.get(REGISTER).content.decode().split())
    assert "These look like the same account" in page
    second = doubles[1]
    address = f"/office/accounts/{second.pk}/edit"
    # What else is known of them can be changed, and a third is not added.
    assert client.post(address, {**ACCOUNT, "handle": "@ZOË", "display_name": "Zoë"}).status_code == 302
    assert client.post(NEW, {**ACCOUNT, "handle": "@zoë"}).status_code == 200
    # Once one is renamed, both have a key.
    assert client.post(address, {**ACCOUNT, "handle": "@zoe_campaign"}).status_code == 302
    assert "These look like" not in client.get(REGISTER).content.decode()
    assert all(keys.values_list("name_key", flat=True))
    assert client.post(address, {**ACCOUNT, "handle": "zoë"}).status_code == 200


def test_what_nobody_can_see_is_mended_and_an_address_has_https(client):
    pasted = {
        "platform": "Insta\x07gram\ufeff",
        "handle": "\u202a@pat\u200blee\u202c ",
        "display_name": "Pat\u000bLee",
    }
    assert (
        client.post(NEW, {**ACCOUNT, **pasted, "address": " <http://example.com/\u202epat>"}).status_code
        == 302
    )
    account = SocialAccount.objects.get(platform="Instagram")
    assert (account.handle, account.display_name) == ("@patlee", "Pat Lee")
    assert account.address == "https://example.com/pat"


# --- A new self-check -----------------------------------------------------------------


def test_a_button_that_is_pressed_twice_begins_one_draft_and_a_link_none(cast, client):
    account = account_of(cast.office)
    address = f"/office/accounts/{account.pk}/assess"
    assert client.get(address).status_code == 405
    assert not account.assessments.exists()
    first, second = (client.post(address) for _ in range(2))
    assert first["Location"] == second["Location"] == f"/assessments/{account.assessments.get().pk}/next"


def test_beside_a_draft_with_answers_a_new_one_is_begun(client, draft):
    client.post(f"/office/accounts/{draft.account_id}/assess")
    assert Assessment.objects.count() == 2


# --- Keeping an anonymous check ---------------------------------------------------------


def begin_check() -> tuple[AnonymousCheck, str]:
    check, token = start_check()
    AnonymousCheck.objects.update(platform="Instagram", handle="@patlee", election="2022")
    answers = [
        Change("resources.email", "yes", "Only the newsletter."),
        Change("resources.print", "no", ""),
    ]
    save_answers(draft=check, changes=answers, by=None)
    return check, token


@pytest.fixture
def check(published) -> tuple[AnonymousCheck, str]:
    return begin_check()


@pytest.fixture
def keeper(client, check):
    """The member, in the browser that has the check."""
    client.cookies[COOKIE] = check[1]
    return client


def kept() -> Any:
    """The assessments that are not the cast's draft."""
    return Assessment.objects.exclude(account__handle=HANDLE, answers=None)


def stored_answers() -> list[tuple[str, Any, str]]:
    return sorted(Answer.objects.values_list("question", "value", "note"))


ANSWERS = [("resources.email", "yes", "Only the newsletter."), ("resources.print", "no", "")]


def test_a_check_is_moved_with_everything_and_its_cookie_is_deleted(cast, keeper, check):
    response = keeper.post(KEEP, {"account": cast.account_pk})
    moved = kept().get()
    assert response["Location"] == f"/assessments/{moved.pk}/"
    assert (moved.account, moved.started_by, moved.election) == (cast.account, cast.member, "2022")
    assert moved.edition_id == check[0].edition_id
    assert stored_answers() == ANSWERS
    assert not AnonymousCheck.objects.exists()
    assert keeper.cookies[COOKIE].value == ""
    # Sent twice, it is moved once.
    keeper.cookies[COOKIE] = check[1]
    response = keeper.post(KEEP, {"account": cast.account_pk}, follow=True)
    assert response.redirect_chain == [(REGISTER, 302)]
    assert "If you just saved one, it is in the list below" in response.content.decode()
    assert kept().get() == moved
    assert stored_answers() == ANSWERS


def test_a_check_that_another_request_moves_meanwhile_leads_to_the_register(cast, keeper, monkeypatch):
    def moved(**_: Any) -> None:
        raise AnonymousCheck.DoesNotExist

    monkeypatch.setattr("assessments.services.register.keep_in_register", moved)
    assert keeper.post(KEEP, {"account": cast.account_pk})["Location"] == REGISTER


@pytest.mark.parametrize("handle", ["@new", HANDLE])
def test_a_check_that_goes_while_it_is_being_kept_adds_no_account(cast, check, handle):
    check[0].delete()
    check[0].pk = 1000
    new = NewAccount(office=cast.office, platform="TikTok", handle=handle, purpose="official")
    with pytest.raises(AnonymousCheck.DoesNotExist):
        keep_in_register(check=check[0], account=new, by=cast.member)
    assert SocialAccount.objects.count() == 1


@pytest.mark.postgres
def test_a_check_for_an_account_that_is_there_already_is_not_lost(cast, check):
    new = NewAccount(office=cast.office, platform="tiktok", handle=HANDLE.upper(), purpose="official")
    with pytest.raises(DuplicateAccount):
        keep_in_register(check=check[0], account=new, by=cast.member)
    assert check[0].answers.count() == 2
    assert not kept().exists()


def test_a_new_account_is_offered_as_the_check_describes_it_and_added(cast, keeper):
    page = keeper.get(KEEP).content.decode()
    assert 'value="@patlee"' in page
    assert re.search(r'<input[^>]*id="id_account_1"[^>]*checked[^>]*value="new"', page)
    keeper.post(KEEP, {"account": "new", "platform": "Instagram", "handle": "@patlee", "purpose": "personal"})
    added = kept().get().account
    assert (added.office, str(added), added.purpose) == (cast.office, "Instagram: @patlee", "personal")


def test_an_account_that_the_check_names_is_chosen_beforehand(cast, keeper):
    known = account_of(cast.office, "INSTAGRAM", "@PatLee")
    form = keeper.get(KEEP).context["form"]
    assert form["account"].initial == str(known.pk)


def test_where_an_account_was_chosen_the_fields_for_a_new_one_do_not_count(cast, keeper):
    sent = {"account": cast.account_pk, "platform": "TikTok", "handle": HANDLE, "purpose": "nonsense"}
    assert keeper.post(KEEP, sent).status_code == 302
    assert SocialAccount.objects.count() == 1


def test_what_is_wrong_with_the_choice_of_account_is_named_and_the_check_stays(cast, keeper, check):
    theirs = account_of(cast.elsewhere, handle="@theirs")
    new = {"account": "new", "purpose": "personal"}
    for sent, message in (
        ({}, "Choose an account"),
        ({"account": "100000"}, "There is a problem"),
        ({"account": theirs.pk}, "There is a problem"),
        ({**new, "handle": "@typed"}, "Enter the platform."),
        ({**new, "platform": "TikTok", "handle": HANDLE.upper()}, "already"),
    ):
        page = keeper.post(KEEP, sent).content.decode()
        assert message in page, sent
        assert "handle" not in sent or f'value="{sent["handle"]}"' in page
    assert check[0].answers.count() == 2
    assert SocialAccount.objects.count() == 2
    assert not kept().exists()


def test_a_person_in_several_offices_says_in_which_a_new_account_is(cast, check):
    Membership.objects.create(office=cast.elsewhere, user=cast.staff)
    client = cast.client("staff")
    client.cookies[COOKIE] = check[1]
    new = {"account": "new", "platform": "X", "handle": "@x", "purpose": "official"}
    assert "Choose an office." in client.post(KEEP, new).content.decode()
    client.post(KEEP, {**new, "office": cast.elsewhere_pk})
    assert kept().get().account.office == cast.elsewhere


def test_someone_in_no_office_is_told_what_to_do_and_keeps_the_check(nobodys_staff, check):
    client = client_of(nobodys_staff)
    client.cookies[COOKIE] = check[1]
    for response in (client.get(KEEP), client.post(KEEP, {"account": "new", **ACCOUNT})):
        assert "save your answers to a file" in response.content.decode()
    assert check[0].answers.count() == 2
    assert not SocialAccount.objects.exclude(handle=HANDLE).exists()


def test_whose_term_has_ended_reads_why_nothing_can_be_kept(client, check):
    Office.objects.update(ends_on=timezone.localdate())
    client.cookies[COOKIE] = check[1]
    assert "you don’t belong to an office in its current term" in client.get(KEEP).content.decode()


def test_without_a_check_the_register_says_so(client):
    assert "no self-check to save" in client.get(KEEP, follow=True).content.decode()


@at_the_same_moment
def test_two_at_the_same_moment_move_a_check_once():
    cast = make()
    check, _ = begin_check()
    office, member = cast.office, cast.member

    def keep(handle: str) -> Any:
        new = NewAccount(office=office, platform="X", handle=handle, purpose="official")
        return keep_in_register(check=check, account=new, by=member)

    results = together(lambda: keep("@a"), lambda: keep("@b"))
    assert sorted(isinstance(result, AnonymousCheck.DoesNotExist) for result in results) == [False, True]
    assert kept().count() == 1
    assert SocialAccount.objects.count() == 2
    assert stored_answers() == ANSWERS
