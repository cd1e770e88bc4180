"""People, offices and staff: what the database accepts."""

from datetime import UTC, date, datetime

import pytest
from django.contrib.auth import authenticate
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

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
    with pytest.raises(ValueError, match="needs an email address"):
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
