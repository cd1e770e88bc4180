"""The register of accounts: who sees it, which input it accepts, and keeping an anonymous check there."""

import re
import threading
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assessments.models import AnonymousCheck, Answer, Assessment, Membership, Office, SocialAccount, User
from assessments.services.answering import Change, save_answers
from assessments.services.drafts import start_assessment, start_check
from assessments.services.register import DuplicateAccount, NewAccount, add_account, keep_in_register
from bulletin.publish import publish_edition
from bulletin.shelf import editions
from tests.second_step import let_in, with_second_step

pytestmark = pytest.mark.django_db

REGISTER, NEW, KEEP = "/office/", "/office/accounts/new", "/check/keep"
ACCOUNT = {"platform": "Instagram", "handle": "@PatLee", "purpose": "campaign"}


@pytest.fixture(autouse=True)
def edition(db) -> None:
    for edition in editions().values():
        publish_edition(edition=edition)


def person(name: str, **fields: Any) -> User:
    return User.objects.create_user(f"{name}@example.ca", name=name.title(), **fields)


@pytest.fixture
def member() -> User:
    return person("member")


@pytest.fixture
def office(member) -> Office:
    return Office.objects.create(name="Ward 10", member=member, starts_on=date(2022, 11, 15))


@pytest.fixture
def other_office() -> Office:
    return Office.objects.create(name="Ward 4", member=person("stranger"), starts_on=date(2022, 11, 15))


@pytest.fixture
def account(office) -> SocialAccount:
    return SocialAccount.objects.create(office=office, platform="TikTok", handle="@ward10")


@pytest.fixture
def draft(account, member) -> Assessment:
    draft = start_assessment(account=account, by=member)
    save_answers(draft=draft, changes=[Change("resources.email", "yes", "")], by=member)
    return draft


@pytest.fixture
def cast(member, office, other_office) -> dict[str, User]:
    """One person of each kind, by their relation to the office."""
    staff, former, inactive = person("staff"), person("former"), person("inactive", is_active=False)
    Membership.objects.create(office=office, user=staff)
    Membership.objects.create(office=office, user=former, ended_at=timezone.now() + timedelta(seconds=1))
    Membership.objects.create(office=office, user=inactive)
    return {
        "member": member,
        "staff": staff,
        "former staff": former,
        "stranger": other_office.member,
        "nobody's staff": person("alone"),
        "administrator": with_second_step(person("admin", is_staff=True, is_superuser=True)),
        "inactive": inactive,
    }


def as_(who: User) -> Client:
    return let_in(Client(), who)


INSIDE = ("member", "staff")
OUTSIDE = ("former staff", "stranger", "nobody's staff", "administrator")


# --- Who sees it ----------------------------------------------------------------


@pytest.mark.parametrize("who", INSIDE)
def test_the_member_and_their_staff_see_the_account_and_its_draft(cast, draft, who):
    client, account = as_(cast[who]), draft.account
    assert "TikTok: @ward10" in client.get(REGISTER).content.decode()
    assert f"/assessments/{draft.pk}/" in client.get(f"/office/accounts/{account.pk}").content.decode()
    assert client.get(f"/assessments/{draft.pk}/").status_code == 200


@pytest.mark.parametrize("who", OUTSIDE)
def test_anyone_else_sees_nothing_of_it_as_if_it_did_not_exist(cast, draft, who):
    client, account = as_(cast[who]), draft.account
    assert "@ward10" not in client.get(REGISTER).content.decode()
    for pk in (account.pk, account.pk + 1000):
        assert client.get(f"/office/accounts/{pk}").status_code == 404
        assert client.post(f"/office/accounts/{pk}/assess").status_code == 404
    for pk in (draft.pk, draft.pk + 1000):
        assert client.get(f"/assessments/{pk}/").status_code == 404


@pytest.mark.parametrize("who", ["member", "staff", "former staff", "stranger", "nobody's staff", "inactive"])
def test_accounts_and_drafts_are_visible_to_those_who_work_in_the_office(cast, draft, who):
    seen = who in INSIDE
    assert SocialAccount.objects.visible_to(cast[who]).exists() is seen
    assert Assessment.objects.visible_to(cast[who]).exists() is seen


@pytest.mark.parametrize("who", ["anonymous", "inactive"])
def test_someone_who_is_not_signed_in_is_sent_to_sign_in_and_back(cast, draft, who):
    client = Client() if who == "anonymous" else as_(cast["inactive"])
    for address in (REGISTER, NEW, KEEP, f"/office/accounts/{draft.account_id}"):
        assert client.get(address)["Location"] == f"/account/login/?next={address}"


@pytest.mark.parametrize("address", [NEW, KEEP])
def test_what_someone_posts_who_was_signed_out_stays_on_the_page(client, account, address):
    response = client.post(address, ACCOUNT)
    assert response.status_code == 409
    page = response.content.decode()
    assert 'name="handle" value="@PatLee"' in page
    assert f'action="{address}"' in page
    assert SocialAccount.objects.count() == 1


def test_staff_who_leave_lose_the_register_at_the_next_request(cast, account):
    client = as_(cast["staff"])
    assert client.get(f"/office/accounts/{account.pk}").status_code == 200
    Membership.objects.filter(user=cast["staff"]).update(ended_at=timezone.now())
    assert client.get(f"/office/accounts/{account.pk}").status_code == 404


@pytest.mark.parametrize("address", [REGISTER, NEW, "/office/accounts/{}"])
def test_a_page_of_the_register_is_kept_nowhere_and_says_who_sees_it(member, account, address):
    response = as_(member).get(address.format(account.pk))
    assert "no-store" in response["Cache-Control"]
    assert "noindex" in response["X-Robots-Tag"]
    assert "This page shows nothing of anyone" not in response.content.decode()


# --- What it shows ----------------------------------------------------------------


def test_an_account_shows_its_purpose_what_is_left_and_what_its_newest_draft_comes_to(member, draft):
    page = as_(member).get(REGISTER).content.decode()
    assert "Official. " in page
    assert "questions left, about" in page
    assert "Not complete yet" in page
    start_assessment(account=draft.account, by=member)
    assert "Official, 2 drafts. " in as_(member).get(REGISTER).content.decode()


def test_an_account_without_a_draft_says_so(member, account):
    assert "No self-check yet" in as_(member).get(REGISTER).content.decode()


def test_someone_in_no_office_is_told_what_to_do(cast):
    page = as_(cast["nobody's staff"]).get(REGISTER).content.decode()
    assert "You work in no office yet" in page
    assert NEW not in page


def test_a_term_that_has_ended_can_be_read_and_takes_nothing_in(member, draft):
    Office.objects.update(ends_on=timezone.localdate())
    client = as_(member)
    assert "This term ended" in client.get(REGISTER).content.decode()
    assert "Start a new self-check" not in client.get(f"/office/accounts/{draft.account_id}").content.decode()
    assert client.post(f"/office/accounts/{draft.account_id}/assess").status_code == 404
    assert client.post(NEW, ACCOUNT)["Location"] == REGISTER
    assert (SocialAccount.objects.count(), Assessment.objects.count()) == (1, 1)


def queries(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as asked:
        assert client.get(address).status_code == 200
    return len(asked)


def fill(office: Office, by: User, *, accounts: int, drafts: int) -> None:
    for number in range(accounts):
        account = SocialAccount.objects.create(office=office, platform="X", handle=f"@{number}")
        for _ in range(drafts):
            draft = start_assessment(account=account, by=by)
            save_answers(draft=draft, changes=[Change("resources.email", "no", "")], by=by)


def test_the_register_asks_the_database_as_often_for_twenty_accounts_as_for_one(member, office, draft):
    client = as_(member)
    queries(client, REGISTER)  # the first request of a session writes that it is in use
    for_one = queries(client, REGISTER)
    fill(office, member, accounts=19, drafts=2)
    assert queries(client, REGISTER) == for_one
    assert for_one <= 7


def test_an_account_asks_the_database_as_often_for_twenty_drafts_as_for_one(member, draft):
    client, address = as_(member), f"/office/accounts/{draft.account_id}"
    queries(client, address)
    for_one = queries(client, address)
    for _ in range(19):
        start_assessment(account=draft.account, by=member)
    assert queries(client, address) == for_one


# --- Adding an account --------------------------------------------------------------


def test_an_account_that_is_added_stands_in_the_register_of_ones_office(member, office):
    response = as_(member).post(NEW, {**ACCOUNT, "address": "example.com/patlee"})
    added = SocialAccount.objects.get()
    assert response["Location"] == f"/office/accounts/{added.pk}"
    assert (added.office, added.handle, added.purpose) == (office, "@PatLee", "campaign")
    assert added.address == "https://example.com/patlee"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"platform": ""}, "Platform: Please fill this in."),
        ({"handle": "  "}, "Account: Please fill this in."),
        ({"handle": "@" + "x" * 200}, "at most 200 characters"),
        ({"handle": "@pat\u202elee"}, "makes text read other than it is"),
        ({"platform": "Insta\x07gram"}, "a control character"),
        ({"address": "http://example.com/"}, "Web address: Enter a valid URL."),
        ({"address": "javascript:alert(1)"}, "Web address: Enter a valid URL."),
        ({"purpose": "other"}, "Purpose: "),
        ({"platform": "TIKTOK", "handle": "@Ward10"}, "in the register already"),
        ({"platform": "tiktok", "handle": "ward10"}, "in the register already"),
        ({"address": "https://example.com/\u202epat"}, "makes text read other than it is"),
    ],
)
def test_what_is_wrong_is_named_and_what_was_typed_stays(member, account, wrong, message):
    response = as_(member).post(NEW, {**ACCOUNT, "display_name": "Pat Lee's page", **wrong})
    page = response.content.decode()
    assert response.status_code == 200
    assert "There is a problem" in page
    assert message in page
    assert "Pat Lee&#x27;s page" in page
    assert SocialAccount.objects.count() == 1


def test_a_fault_in_a_choice_links_to_its_first_option(member, office):
    page = as_(member).post(NEW, {**ACCOUNT, "purpose": ""}).content.decode()
    assert 'href="#id_purpose_0"' in page
    assert 'id="id_purpose_0"' in page


def test_a_forged_office_is_not_written_to(member, office, other_office):
    as_(member).post(NEW, {**ACCOUNT, "office": other_office.pk})
    assert list(SocialAccount.objects.values_list("office", flat=True)) == [office.pk]


def test_a_person_in_several_offices_chooses_and_cannot_choose_another(cast, office, other_office):
    Membership.objects.create(office=other_office, user=cast["staff"])
    third = Office.objects.create(name="Ward 7", member=person("third"), starts_on=date(2022, 11, 15))
    client = as_(cast["staff"])
    assert "Please fill this in" in client.post(NEW, ACCOUNT).content.decode()
    assert "There is a problem" in client.post(NEW, {**ACCOUNT, "office": third.pk}).content.decode()
    assert not SocialAccount.objects.exists()
    client.post(NEW, {**ACCOUNT, "office": other_office.pk})
    assert SocialAccount.objects.get().office == other_office


def test_two_offices_may_have_an_account_of_the_same_name(cast, account, other_office):
    response = as_(cast["stranger"]).post(NEW, {**ACCOUNT, "platform": "TikTok", "handle": "@ward10"})
    assert response.status_code == 302


# --- A new self-check -----------------------------------------------------------------


def test_a_button_that_is_pressed_twice_begins_one_draft(member, account):
    client = as_(member)
    first, second = (client.post(f"/office/accounts/{account.pk}/assess") for _ in range(2))
    assert first["Location"] == second["Location"] == f"/assessments/{Assessment.objects.get().pk}/"


def test_beside_a_draft_with_answers_a_new_one_is_begun(member, draft):
    as_(member).post(f"/office/accounts/{draft.account_id}/assess")
    assert Assessment.objects.count() == 2


def test_to_follow_a_link_begins_nothing(member, account):
    assert as_(member).get(f"/office/accounts/{account.pk}/assess").status_code == 405
    assert not Assessment.objects.exists()


# --- Keeping an anonymous check ---------------------------------------------------------


@pytest.fixture
def check() -> tuple[AnonymousCheck, str]:
    check, token = start_check()
    AnonymousCheck.objects.update(platform="Instagram", handle="@patlee", election="2022")
    save_answers(
        draft=check,
        changes=[
            Change("resources.email", "yes", "Only the newsletter."),
            Change("resources.print", "no", ""),
        ],
        by=None,
    )
    return check, token


@pytest.fixture
def keeper(member, office, check) -> Client:
    """The member, in the browser that has the check."""
    client = as_(member)
    client.cookies["check"] = check[1]
    return client


def stored_answers() -> list[tuple[str, Any, str]]:
    return sorted(Answer.objects.values_list("question", "value", "note"))


ANSWERS = [("resources.email", "yes", "Only the newsletter."), ("resources.print", "no", "")]


def test_a_check_is_moved_with_everything_and_its_cookie_is_deleted(keeper, account, check, member):
    response = keeper.post(KEEP, {"account": account.pk})
    moved = Assessment.objects.get()
    assert response["Location"] == f"/assessments/{moved.pk}/"
    assert (moved.account, moved.started_by, moved.election) == (account, member, "2022")
    assert moved.edition_id == check[0].edition_id
    assert stored_answers() == ANSWERS
    assert not AnonymousCheck.objects.exists()
    assert keeper.cookies["check"].value == ""


def test_a_check_that_is_sent_twice_is_moved_once(keeper, account, check):
    keeper.post(KEEP, {"account": account.pk})
    keeper.cookies["check"] = check[1]
    response = keeper.post(KEEP, {"account": account.pk}, follow=True)
    assert response.redirect_chain == [(REGISTER, 302)]
    assert "If you just kept one, it is in the list below" in response.content.decode()
    assert Assessment.objects.count() == 1
    assert stored_answers() == ANSWERS


def test_a_check_that_another_request_moves_meanwhile_leads_to_the_register(keeper, account, monkeypatch):
    def moved(**_: Any) -> None:
        raise AnonymousCheck.DoesNotExist

    monkeypatch.setattr("assessments.services.register.keep_in_register", moved)
    assert keeper.post(KEEP, {"account": account.pk})["Location"] == REGISTER


@pytest.mark.parametrize("handle", ["@new", "@ward10"])
def test_a_check_that_goes_while_it_is_being_kept_adds_no_account(account, member, check, handle):
    check[0].delete()
    check[0].pk = 1000
    new = NewAccount(office=account.office, platform="TikTok", handle=handle, purpose="official")
    with pytest.raises(AnonymousCheck.DoesNotExist):
        keep_in_register(check=check[0], account=new, by=member)
    assert SocialAccount.objects.count() == 1


def test_a_check_for_an_account_that_is_there_already_is_not_lost(account, member, check):
    new = NewAccount(office=account.office, platform="tiktok", handle="@WARD10", purpose="official")
    with pytest.raises(DuplicateAccount):
        keep_in_register(check=check[0], account=new, by=member)
    assert check[0].answers.count() == 2
    assert not Assessment.objects.exists()


def test_a_new_account_is_offered_as_the_check_describes_it_and_added(keeper, account, office):
    page = keeper.get(KEEP).content.decode()
    assert 'value="@patlee"' in page
    assert re.search(r'<input[^>]*id="id_account_1"[^>]*checked[^>]*value="new"', page)
    keeper.post(KEEP, {"account": "new", "platform": "Instagram", "handle": "@patlee", "purpose": "personal"})
    added = Assessment.objects.get().account
    assert (added.office, str(added), added.purpose) == (office, "Instagram: @patlee", "personal")


def test_an_account_that_the_check_names_is_chosen_beforehand(keeper, office):
    known = SocialAccount.objects.create(office=office, platform="INSTAGRAM", handle="@PatLee")
    form = keeper.get(KEEP).context["form"]
    assert form["account"].initial == str(known.pk)


def test_where_an_account_was_chosen_the_fields_for_a_new_one_do_not_count(keeper, account):
    sent = {"account": account.pk, "platform": "TikTok", "handle": "@ward10", "purpose": "nonsense"}
    assert keeper.post(KEEP, sent).status_code == 302
    assert SocialAccount.objects.count() == 1


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ({}, "Choose an account"),
        ({"account": "100000"}, "There is a problem"),
        ({"account": "new", "handle": "@typed", "purpose": "personal"}, "A new account needs this."),
        ({"account": "new", "platform": "TikTok", "handle": "@WARD10", "purpose": "personal"}, "already"),
    ],
)
def test_what_is_wrong_with_the_choice_of_account_is_named_and_the_check_stays(
    keeper, account, check, sent, message
):
    page = keeper.post(KEEP, sent).content.decode()
    assert message in page
    assert "handle" not in sent or f'value="{sent["handle"]}"' in page
    assert check[0].answers.count() == 2
    assert (SocialAccount.objects.count(), Assessment.objects.count()) == (1, 0)


def test_a_check_cannot_be_put_into_another_office(keeper, other_office, check):
    theirs = SocialAccount.objects.create(office=other_office, platform="X", handle="@theirs")
    assert "There is a problem" in keeper.post(KEEP, {"account": theirs.pk}).content.decode()
    assert not Assessment.objects.exists()


def test_a_person_in_several_offices_says_in_which_a_new_account_is(
    cast, keeper, check, office, other_office
):
    Membership.objects.create(office=other_office, user=cast["staff"])
    client = as_(cast["staff"])
    client.cookies["check"] = check[1]
    new = {"account": "new", "platform": "X", "handle": "@x", "purpose": "official"}
    assert "A new account needs this." in client.post(KEEP, new).content.decode()
    client.post(KEEP, {**new, "office": other_office.pk})
    assert Assessment.objects.get().account.office == other_office


def test_someone_in_no_office_is_told_what_to_do_and_keeps_the_check(cast, check):
    client = as_(cast["nobody's staff"])
    client.cookies["check"] = check[1]
    for response in (client.get(KEEP), client.post(KEEP, {"account": "new", **ACCOUNT})):
        assert "save your answers as a file" in response.content.decode()
    assert check[0].answers.count() == 2
    assert not SocialAccount.objects.exists()


def test_without_a_check_the_register_says_so(member, office):
    page = as_(member).get(KEEP, follow=True).content.decode()
    assert "no self-check to keep" in page


@pytest.mark.django_db(transaction=True)
def test_two_at_the_same_moment_move_a_check_once(office, member, check):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite lets one in after the other, whatever the code does")
    results: list[str] = []
    start = threading.Barrier(2)

    def keep(handle: str) -> None:
        start.wait()
        try:
            keep_in_register(
                check=check[0],
                account=NewAccount(office=office, platform="X", handle=handle, purpose="official"),
                by=member,
            )
            results.append("kept")
        except AnonymousCheck.DoesNotExist:
            results.append("gone")
        finally:
            connection.close()

    threads = [threading.Thread(target=keep, args=(f"@{name}",)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["gone", "kept"]
    assert (SocialAccount.objects.count(), Assessment.objects.count()) == (1, 1)
    assert stored_answers() == ANSWERS


def test_an_account_is_added_once_however_its_name_is_typed(account):
    with pytest.raises(DuplicateAccount):
        add_account(
            account=NewAccount(
                office=account.office, platform="tiktok", handle="@WARD10", purpose="official"
            ),
            by=account.office.member,
        )
