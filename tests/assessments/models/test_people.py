"""People, offices and staff: what the database and the admin site accept."""

from datetime import UTC, date, datetime

import pytest
from django.contrib.admin import site
from django.contrib.auth import authenticate
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.test import Client

from assessments.models import Membership, Office, User
from tests.cast import PASSWORD, office_of, person

pytestmark = pytest.mark.django_db

SPRING = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SUMMER = datetime(2026, 7, 6, 9, 0, tzinfo=UTC)


# --- People -------------------------------------------------------------------


def test_an_address_typed_in_capitals_is_kept_in_lower_case():
    assert User.objects.create_user(" Ana.Silva@Example.CA ").email == "ana.silva@example.ca"


def test_an_address_typed_in_capitals_signs_in_unless_the_person_is_inactive():
    new = person("new", password=PASSWORD)
    assert authenticate(username="New@Example.CA", password=PASSWORD) == new
    User.objects.filter(pk=new.pk).update(is_active=False)
    assert authenticate(username="new@example.ca", password=PASSWORD) is None


def test_a_person_without_a_password_cannot_sign_in():
    new = User.objects.create_user("new@example.ca")
    assert not new.has_usable_password()
    assert authenticate(username="new@example.ca", password="") is None


def test_a_person_without_an_address_is_refused():
    with pytest.raises(ValueError, match="needs an e-mail address"):
        User.objects.create_user("")


@pytest.mark.postgres
def test_the_database_refuses_an_address_in_capitals_or_for_a_second_person():
    person("new")
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user("NEW@example.ca")
    with pytest.raises(IntegrityError, match="user_email_is_lower_case"):
        User.objects.bulk_create([User(email="Ana@example.ca")])


def test_a_person_is_shown_by_name_and_by_address_while_they_have_none():
    assert str(User(email="new@example.ca", name="Ana Silva")) == "Ana Silva"
    assert str(User(email="new@example.ca")) == "new@example.ca"


def test_createsuperuser_makes_an_administrator(monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", "--noinput", email="First@Example.ca", name="First", verbosity=0)
    first = User.objects.get(email="first@example.ca")
    assert first.is_staff
    assert first.is_superuser


# --- Offices ------------------------------------------------------------------


@pytest.mark.postgres
@pytest.mark.parametrize("last_day", [date(2022, 11, 14), date(2022, 11, 15)])
def test_a_term_that_ends_no_later_than_it_starts_is_refused(cast, last_day):
    with pytest.raises(IntegrityError, match="office_ends_after_it_starts"):
        Office.objects.filter(pk=cast.office_pk).update(ends_on=last_day)


@pytest.mark.postgres
def test_a_member_who_holds_an_office_cannot_get_another_and_a_seat_that_is_held_no_other_member(cast):
    for member, name in ((cast.member, "Mayor"), (cast.staff, "WARD 10")):
        with pytest.raises(IntegrityError), transaction.atomic():
            office_of(member, name, starts_on=date(2026, 11, 15))


def test_a_member_whose_office_has_ended_can_get_another(cast):
    Office.objects.update(ends_on=date(2023, 7, 11))
    mayor = office_of(cast.member, "Mayor", starts_on=date(2023, 7, 12))
    assert list(Office.objects.current()) == [mayor]


def test_a_seat_whose_term_has_ended_can_be_given_to_a_successor(cast):
    Office.objects.update(ends_on=date(2026, 11, 14))
    successor = office_of(cast.staff, starts_on=date(2026, 11, 15))
    assert list(Office.objects.current()) == [successor]


def test_a_member_who_has_had_an_office_cannot_be_deleted(cast):
    with pytest.raises(ProtectedError):
        cast.member.delete()


# --- Staff --------------------------------------------------------------------


def test_a_person_can_be_on_the_staff_of_two_offices_but_not_twice_of_one(cast):
    Membership.objects.create(office=cast.elsewhere, user=cast.staff)
    assert cast.staff.memberships.current().count() == 2
    with pytest.raises(IntegrityError):
        Membership.objects.create(office=cast.office, user=cast.staff)


def test_a_person_who_left_the_staff_can_come_back_with_a_new_membership(cast):
    again = Membership.objects.create(office=cast.office, user=cast.former_staff)
    assert list(cast.former_staff.memberships.current()) == [again]


@pytest.mark.postgres
def test_a_membership_that_ends_before_it_starts_is_refused(cast):
    with pytest.raises(IntegrityError, match="membership_ends_after_it_starts"):
        Membership.objects.create(office=cast.office, user=cast.staff, joined_at=SUMMER, ended_at=SPRING)


# --- The admin site -----------------------------------------------------------


@pytest.fixture
def admin(cast) -> Client:
    client: Client = cast.client("administrator")
    return client


@pytest.mark.parametrize("kind", ["user", "office", "membership"])
def test_an_administrator_finds_people_offices_and_staff_there_and_adds_and_deletes_nobody(admin, cast, kind):
    membership = cast.staff.memberships.get()
    key = {"user": cast.staff.pk, "office": cast.office_pk, "membership": membership.pk}[kind]
    for page in ("", "?q=ward", f"{key}/change/"):
        assert admin.get(f"/admin/assessments/{kind}/{page}").status_code == 200
    assert admin.get(f"/admin/assessments/{kind}/add/").status_code == 403
    assert admin.post(f"/admin/assessments/{kind}/add/", {"user": cast.staff.pk}).status_code == 403
    assert admin.post(f"/admin/assessments/{kind}/{key}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.parametrize(
    ("typed", "is_match"), [("ANA", True), ("ána silva", True), ("Ana\u200b Silva", True), ("Anb", False)]
)
def test_the_search_matches_people_however_their_names_are_spelled(admin, cast, typed, is_match):
    page = admin.get("/admin/assessments/user/", {"q": typed}).content.decode()
    assert (f"/admin/assessments/user/{cast.member.pk}/change/" in page) is is_match


def test_an_administrator_gives_nobody_a_role_an_address_or_a_password_there(admin, cast):
    staff = cast.staff
    staff.set_password(PASSWORD)
    staff.save()
    admin.post(
        f"/admin/assessments/user/{staff.pk}/change/",
        {"name": "Bo C.", "email": "spy@example.ca", "is_staff": "on", "is_officer": "on", "password": "x"},
    )
    staff.refresh_from_db()
    assert (staff.name, staff.email, staff.is_staff, staff.is_officer) == (
        "Sam Roy",
        "staff@example.ca",
        False,
        False,
    )
    assert staff.check_password(PASSWORD)
    assert admin.get(f"/admin/assessments/user/{staff.pk}/password/").status_code in (302, 404)


def test_the_admin_site_has_pages_of_people_offices_staff_and_editions_alone():
    kinds = {model.__name__ for model in site._registry}
    assert kinds == {"User", "Office", "Membership", "PublishedEdition"}


def test_an_administrator_cannot_give_an_office_to_another_member(admin, cast):
    answer = admin.post(
        f"/admin/assessments/office/{cast.office_pk}/change/",
        {"name": "Ward 10", "member": cast.staff.pk, "starts_on": "2022-11-15"},
    )
    assert answer.status_code == 403
    assert cast.office.member == cast.member


def test_an_administrator_brings_nobody_back_and_changes_nothing_of_an_office_there(admin, cast):
    left = cast.former_staff.memberships.get()
    ended_at = left.ended_at
    admin.post(f"/admin/assessments/membership/{left.pk}/change/", {"ended_at_0": "", "ended_at_1": ""})
    left.refresh_from_db()
    assert left.ended_at == ended_at
    forged = {
        "starts_on": "2021-01-01",
        "ends_on": "2023-01-01",
        "keep_drafts_months": "1",
        "keep_attested_years": "1",
        "held_at_0": "2026-01-01",
        "held_at_1": "10:00",
        "held_by": cast.staff.pk,
    }
    this = Office.objects.filter(pk=cast.office_pk)
    before = this.values().get()
    admin.post(f"/admin/assessments/office/{cast.office_pk}/change/", {"name": "Ward Ten", **forged})
    assert this.values().get() == before


@pytest.mark.parametrize("page", ["password_change/", "password_change/done/"])
def test_a_password_is_changed_on_the_portals_own_page_alone(admin, page):
    for answer in (admin.get(f"/admin/{page}"), admin.post(f"/admin/{page}", {"old_password": "x"})):
        assert (answer.status_code, answer["Location"]) == (302, "/account/password/change/")


@pytest.mark.parametrize("name", ["member", "officer"])
def test_to_others_who_have_signed_in_there_is_no_admin_site(cast, name):
    client = cast.client(name)
    for page in ("", "login/", "assessments/user/", "password_change/", "nothing/", "jsi18n/"):
        assert client.get(f"/admin/{page}").status_code == 404, page
