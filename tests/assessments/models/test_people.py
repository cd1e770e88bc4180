"""People, offices and staff: what the database and the admin site accept."""

from datetime import UTC, date, datetime

import pytest
from django.contrib.admin import site
from django.contrib.auth import authenticate
from django.core.management import call_command
from django.db import IntegrityError
from django.db.models import ProtectedError

from assessments.models import Membership, Office, User
from tests.second_step import let_in_now, with_second_step

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]

SPRING = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SUMMER = datetime(2026, 7, 6, 9, 0, tzinfo=UTC)


@pytest.fixture
def member() -> User:
    return User.objects.create_user("member@example.ca", "quiet-harbour-9", name="Ana Silva")


@pytest.fixture
def staff() -> User:
    return User.objects.create_user("staff@example.ca", "quiet-harbour-9", name="Bo Chen")


@pytest.fixture
def office(member: User) -> Office:
    return Office.objects.create(name="Ward 10", member=member, starts_on=date(2022, 11, 15))


@pytest.fixture
def admin(client):
    who = User.objects.create_superuser("admin@example.ca", name="Administrator")
    return let_in_now(client, with_second_step(who))


# --- People -------------------------------------------------------------------


def test_an_address_typed_in_capitals_is_kept_in_lower_case():
    assert User.objects.create_user(" Ana.Silva@Example.CA ").email == "ana.silva@example.ca"


def test_an_address_typed_in_capitals_signs_in(member):
    assert authenticate(username="Member@Example.CA", password="quiet-harbour-9") == member


def test_an_inactive_person_cannot_sign_in(member):
    User.objects.filter(pk=member.pk).update(is_active=False)
    assert authenticate(username="member@example.ca", password="quiet-harbour-9") is None


def test_a_person_without_a_password_cannot_sign_in():
    person = User.objects.create_user("new@example.ca")
    assert not person.has_usable_password()
    assert authenticate(username="new@example.ca", password="") is None


def test_a_person_without_an_address_is_refused():
    with pytest.raises(ValueError, match="needs an e-mail address"):
        User.objects.create_user("")


def test_a_second_person_with_the_same_address_in_another_case_is_refused(member):
    with pytest.raises(IntegrityError):
        User.objects.create_user("MEMBER@example.ca")


def test_an_address_in_capitals_that_comes_by_another_way_is_refused_by_the_database():
    with pytest.raises(IntegrityError, match="user_email_is_lower_case"):
        User.objects.bulk_create([User(email="Ana@example.ca")])


def test_a_person_is_shown_by_name_and_by_address_while_they_have_none(member):
    assert str(member) == "Ana Silva"
    assert str(User(email="new@example.ca")) == "new@example.ca"


def test_createsuperuser_makes_an_administrator(monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "quiet-harbour-9")
    call_command("createsuperuser", "--noinput", email="First@Example.ca", name="First", verbosity=0)
    first = User.objects.get(email="first@example.ca")
    assert first.is_staff
    assert first.is_superuser


# --- Offices ------------------------------------------------------------------


@pytest.mark.parametrize("last_day", [date(2022, 11, 14), date(2022, 11, 15)])
def test_a_term_that_ends_no_later_than_it_starts_is_refused(office, last_day):
    office.ends_on = last_day
    with pytest.raises(IntegrityError, match="office_ends_after_it_starts"):
        office.save()


def test_a_member_who_holds_an_office_cannot_get_another(office):
    with pytest.raises(IntegrityError):
        Office.objects.create(name="Mayor", member=office.member, starts_on=date(2023, 7, 12))


def test_a_member_whose_office_has_ended_can_get_another(office):
    Office.objects.update(ends_on=date(2023, 7, 11))
    mayor = Office.objects.create(name="Mayor", member=office.member, starts_on=date(2023, 7, 12))
    assert list(Office.objects.current()) == [mayor]


def test_a_seat_that_is_held_cannot_be_given_to_another_member(office, staff):
    with pytest.raises(IntegrityError):
        Office.objects.create(name="WARD 10", member=staff, starts_on=date(2026, 11, 15))


def test_a_seat_whose_term_has_ended_can_be_given_to_a_successor(office, staff):
    Office.objects.update(ends_on=date(2026, 11, 14))
    successor = Office.objects.create(name="Ward 10", member=staff, starts_on=date(2026, 11, 15))
    assert list(Office.objects.current()) == [successor]


def test_a_member_who_has_had_an_office_cannot_be_deleted(office):
    with pytest.raises(ProtectedError):
        office.member.delete()


# --- Staff --------------------------------------------------------------------


def test_a_person_can_be_on_the_staff_of_two_offices(office, staff):
    other_member = User.objects.create_user("other@example.ca")
    other = Office.objects.create(name="Ward 4", member=other_member, starts_on=date(2022, 11, 15))
    for employer in (office, other):
        Membership.objects.create(office=employer, user=staff)
    assert staff.memberships.current().count() == 2


def test_a_person_on_the_staff_cannot_join_it_again(office, staff):
    Membership.objects.create(office=office, user=staff)
    with pytest.raises(IntegrityError):
        Membership.objects.create(office=office, user=staff)


def test_a_person_who_left_the_staff_can_come_back_with_a_new_membership(office, staff):
    Membership.objects.create(office=office, user=staff, joined_at=SPRING, ended_at=SUMMER)
    again = Membership.objects.create(office=office, user=staff)
    assert list(office.memberships.current()) == [again]


def test_a_membership_that_ends_before_it_starts_is_refused(office, staff):
    with pytest.raises(IntegrityError, match="membership_ends_after_it_starts"):
        Membership.objects.create(office=office, user=staff, joined_at=SUMMER, ended_at=SPRING)


# --- The admin site -----------------------------------------------------------


@pytest.mark.parametrize("kind", ["user", "office", "membership"])
def test_an_administrator_adds_and_deletes_nobody_there(admin, office, staff, kind):
    Membership.objects.create(office=office, user=staff)
    record = {"user": staff, "office": office, "membership": office.memberships.get()}[kind]
    assert admin.get(f"/admin/assessments/{kind}/add/").status_code == 403
    assert admin.post(f"/admin/assessments/{kind}/add/", {"user": staff.pk}).status_code == 403
    assert admin.post(f"/admin/assessments/{kind}/{record.pk}/delete/", {"post": "yes"}).status_code == 403


def test_an_administrator_gives_nobody_a_role_an_address_or_a_password_there(admin, staff):
    admin.post(
        f"/admin/assessments/user/{staff.pk}/change/",
        {"name": "Bo C.", "email": "spy@example.ca", "is_staff": "on", "is_officer": "on", "password": "x"},
    )
    staff.refresh_from_db()
    assert (staff.name, staff.email, staff.is_staff, staff.is_officer) == (
        "Bo C.",
        "staff@example.ca",
        False,
        False,
    )
    assert staff.check_password("quiet-harbour-9")
    assert admin.get(f"/admin/assessments/user/{staff.pk}/password/").status_code in (302, 404)


def test_the_admin_site_has_pages_of_people_offices_staff_and_editions_alone():
    kinds = {model.__name__ for model in site._registry}
    assert kinds == {"User", "Office", "Membership", "PublishedEdition"}


def test_an_administrator_cannot_give_an_office_to_another_member(admin, office, staff):
    answer = admin.post(
        f"/admin/assessments/office/{office.pk}/change/",
        {"name": "Ward 10", "member": staff.pk, "starts_on": "2022-11-15"},
    )
    assert answer.status_code == 302
    assert Office.objects.get().member == office.member


def test_an_administrator_brings_nobody_back_and_changes_of_an_office_the_name_alone(admin, office, staff):
    left = Membership.objects.create(office=office, user=staff, joined_at=SPRING, ended_at=SUMMER)
    admin.post(f"/admin/assessments/membership/{left.pk}/change/", {"ended_at_0": "", "ended_at_1": ""})
    left.refresh_from_db()
    assert left.ended_at == SUMMER
    forged = {
        "starts_on": "2021-01-01",
        "ends_on": "2023-01-01",
        "keep_drafts_months": "1",
        "keep_attested_years": "1",
        "held_at_0": "2026-01-01",
        "held_at_1": "10:00",
        "held_by": staff.pk,
    }
    before = Office.objects.values().get()
    admin.post(f"/admin/assessments/office/{office.pk}/change/", {"name": "Ward Ten", **forged})
    assert Office.objects.values().get() == before | {"name": "Ward Ten"}


@pytest.mark.parametrize("page", ["password_change/", "password_change/done/"])
def test_a_password_is_changed_on_the_portals_own_page_alone(admin, page):
    for answer in (admin.get(f"/admin/{page}"), admin.post(f"/admin/{page}", {"old_password": "x"})):
        assert (answer.status_code, answer["Location"]) == (302, "/account/password/change/")


@pytest.mark.parametrize("role", [{}, {"is_officer": True}])
@pytest.mark.parametrize(
    "page", ["", "login/", "assessments/user/", "password_change/", "nothing/", "jsi18n/"]
)
def test_to_others_who_have_signed_in_there_is_no_admin_site(client, page, role):
    who = User.objects.create_user("other@example.ca", name="Other", **role)
    let_in_now(client, with_second_step(who))
    assert client.get(f"/admin/{page}").status_code == 404


@pytest.mark.parametrize("kind", ["user", "office", "membership"])
def test_an_administrator_finds_lists_and_forms_of_people_offices_and_staff(admin, office, staff, kind):
    membership = Membership.objects.create(office=office, user=staff)
    key = {"user": staff.pk, "office": office.pk, "membership": membership.pk}[kind]
    for page in ("", "?q=ward", f"{key}/change/"):
        assert admin.get(f"/admin/assessments/{kind}/{page}").status_code == 200
