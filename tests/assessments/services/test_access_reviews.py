"""Access reviews: twice a year, administrators and members confirm who should still have access."""

import re
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.core.management import call_command
from django.utils import timezone

from assessments.models import AccessReview, AuditEvent, Membership, Office, OutgoingMail, User
from assessments.reports.access_reviews import offices_to_review, portal_access, review_on, staff_access
from assessments.services import access_reviews, outbox, people
from assessments.services.access_reviews import AccessChanged, AlreadyReviewed, confirm_access
from assessments.services.mail import send_mail
from assessments.services.outbox import queue_mail
from tests.cast import Cast, at_the_same_moment, office_of, person, together

pytestmark = pytest.mark.django_db

TORONTO = ZoneInfo("America/Toronto")
NOW = datetime(2027, 1, 15, 12, 0, tzinfo=TORONTO)
"""When the cast joined."""
APRIL = date(2027, 4, 1)


@pytest.fixture(autouse=True)
def a_day_later(time_machine: Any) -> None:
    time_machine.move_to(NOW + timedelta(days=1))


def go_to(time_machine: Any, day: date, hour: int = 9) -> None:
    time_machine.move_to(datetime(day.year, day.month, day.day, hour, tzinfo=TORONTO), tick=False)


@pytest.fixture
def run(cast: Cast, time_machine: Any, django_capture_on_commit_callbacks: Any) -> Any:
    """Runs the command on a day; returns the addresses to which it sends email."""

    def run(day: date, hour: int = 9) -> list[str]:
        go_to(time_machine, day, hour)
        before = len(mail.outbox)
        with django_capture_on_commit_callbacks(execute=True):
            call_command("send_reminders")
        return sorted(message.to[0] for message in mail.outbox[before:])

    return run


def listed(office: Office | None) -> list[str]:
    return [each.key for each in (staff_access(office) if office else portal_access())]


ALL = ["administrator@example.ca", "member@example.ca", "stranger@example.ca"]


# --- When ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "starts_on", "overdue", "following"),
    [
        ("2027-03-31", "2026-10-01", True, "2027-04-01"),
        ("2027-04-01", "2027-04-01", False, "2027-10-01"),
        ("2027-04-30", "2027-04-01", False, "2027-10-01"),
        ("2027-05-01", "2027-04-01", True, "2027-10-01"),
        ("2027-09-30", "2027-04-01", True, "2027-10-01"),
        ("2027-10-01", "2027-10-01", False, "2028-04-01"),
        ("2027-10-30", "2027-10-01", False, "2028-04-01"),
        ("2027-10-31", "2027-10-01", True, "2028-04-01"),
        ("2028-01-01", "2027-10-01", True, "2028-04-01"),
    ],
)
def test_a_review_starts_in_april_and_october_and_is_overdue_after_the_thirtieth(
    day, starts_on, overdue, following
):
    review = review_on(date.fromisoformat(day))
    assert (review.starts_on, review.next_starts_on) == tuple(map(date.fromisoformat, (starts_on, following)))
    assert review.is_overdue is overdue


@pytest.mark.parametrize(
    ("day", "hour", "sent"),
    [
        (APRIL - timedelta(days=1), 23, []),
        (APRIL, 0, ALL),
        (APRIL + timedelta(days=29), 23, ALL),
        (APRIL + timedelta(days=30), 0, []),
        (date(2027, 10, 1), 9, ALL),
    ],
)
def test_an_email_goes_to_each_reviewer_in_the_first_month_of_a_half_year(run, day, hour, sent):
    assert run(day, hour) == sent


@pytest.mark.postgres
def test_each_is_asked_once_in_a_half_year_however_often_it_is_run(run):
    days = [APRIL + timedelta(days=d) for d in (0, 0, 1, 15, 29, 60)] + [
        date(2027, 10, 1),
        date(2027, 10, 2),
    ]
    assert [run(day) for day in days] == [ALL, [], [], [], [], [], ALL, []]


def test_whoever_has_no_review_to_do_gets_no_email(run, cast, time_machine):
    Membership.objects.filter(office=cast.elsewhere).update(ended_at=timezone.now() + timedelta(days=1))
    second = person("second admin", is_staff=True, is_superuser=True)
    go_to(time_machine, APRIL)
    confirm_access(office=None, listed=listed(None), by=second)
    assert run(APRIL) == ["member@example.ca"]


@pytest.mark.parametrize("how", ["suspended", "ended", "new staff only"])
def test_no_email_goes_to_a_member_who_cannot_or_need_not_review(run, cast, how):
    if how == "suspended":
        User.objects.filter(pk=cast.member.pk).update(is_active=False)
    elif how == "ended":
        Office.objects.filter(pk=cast.office_pk).update(ends_on=date(2027, 3, 1))
    else:
        Membership.objects.current().filter(office=cast.office_pk).update(
            joined_at=datetime(2027, 4, 1, 0, 0, tzinfo=TORONTO)
        )
    assert run(APRIL) == ["administrator@example.ca", "stranger@example.ca"]
    assert not offices_to_review(review_on(APRIL)).filter(pk=cast.office_pk).exists()


def test_a_new_portal_has_no_review_to_do(run):
    User.objects.update(date_joined=datetime(2027, 4, 1, 0, 0, tzinfo=TORONTO))
    assert run(APRIL) == ["member@example.ca", "stranger@example.ca"]


def test_an_email_names_nobody_and_leads_to_the_page(run, cast):
    run(APRIL)
    pages = {"member": f"/office/{cast.office_pk}/people/review", "administrator": "/people/review"}
    for name, page in pages.items():
        message: Any = next(each for each in mail.outbox if each.to == [f"{name}@example.ca"])
        for text in (message.body, str(message.alternatives[0][0])):
            assert page in text
            assert "by 30 April 2027" in text
            assert not re.search("Ana|Sam|Ward|Alex|@|Robin", text)
        assert cast.client(name).get(page).status_code == 200


def test_a_failed_email_is_retried_and_dropped_once_another_has_reviewed(
    run, cast, monkeypatch, time_machine, caplog
):
    def fail(*, to: str, **_: Any) -> None:
        raise OSError(f"cannot reach {to}")

    monkeypatch.setattr(outbox, "send_mail", fail)
    person("second admin", is_staff=True, is_superuser=True, date_joined=NOW)
    assert run(APRIL) == []
    assert OutgoingMail.objects.filter(name="access_review").count() == 4
    assert "@example.ca" not in caplog.text
    confirm_access(office=None, listed=listed(None), by=cast.administrator)
    monkeypatch.setattr(outbox, "send_mail", send_mail)
    time_machine.shift(timedelta(minutes=5))
    call_command("send_notices")
    assert sorted(message.to[0] for message in mail.outbox) == ALL[1:]


# --- Who is listed ------------------------------------------------------------------


def test_everyone_who_can_sign_in_is_reviewed_by_administrators_or_by_their_member(cast):
    person("no role")
    person("suspended", is_active=False)
    ended = office_of(person("past member"), "Ward 7", ends_on=date(2026, 12, 1))
    Membership.objects.create(office=ended, user=person("past staff"))
    without_member = office_of(person("suspended member", is_active=False), "Ward 9")
    Membership.objects.create(office=without_member, user=person("staff of a suspended member"))
    both = person("member and staff")
    office_of(both, "Ward 8")
    Membership.objects.create(office=cast.elsewhere, user=both)
    offices = Office.objects.current().filter(member__is_active=True)
    by_members = {each.user.email for office in offices for each in staff_access(office)}
    by_administrators = {each.user.email for each in portal_access()}
    active = set(User.objects.filter(is_active=True).values_list("email", flat=True))
    assert by_members | by_administrators == active
    assert by_members & by_administrators == {both.email}
    assert by_members == {"staff@example.ca", "other_staff@example.ca", both.email}


def test_after_two_terms_the_access_is_that_of_the_later(cast):
    past = person("past member")
    office_of(past, "Ward 7", starts_on=date(2018, 12, 1), ends_on=date(2022, 11, 14))
    later = office_of(past, "Ward 8", starts_on=date(2022, 11, 15), ends_on=date(2026, 12, 1))
    (listed,) = (each for each in portal_access() if each.user == past)
    assert listed.since == later.starts_on


def test_the_page_shows_role_since_last_sign_in_and_second_step(cast):
    User.objects.filter(pk=cast.officer.pk).update(last_login=datetime(2027, 1, 3, 9, tzinfo=TORONTO))
    second = person("second admin", is_staff=True, is_superuser=True)
    Authenticator.objects.filter(user=second).delete()
    by_name = {each.user.name: each for each in portal_access()}
    assert by_name["Robin Ng"].second_step is True
    assert by_name["Second Admin"].second_step is False
    assert by_name["Ana Silva"].second_step is None
    assert by_name["Ana Silva"].since == cast.office.starts_on
    html = cast.client("administrator").get("/people/review").content.decode()
    for words in (
        second.email,
        "Officer, Commissioner’s office",
        "Member, Ward 10",
        "3 Jan 2027",
        "Never",
        "15 Nov 2022",
    ):
        assert words in html
    assert "sam" not in html.lower()
    staff = cast.client("member").get(f"/office/{cast.office_pk}/people/review").content.decode()
    assert "staff@example.ca" in staff
    assert "Second step" not in staff


# --- Confirming ---------------------------------------------------------------------


@pytest.mark.parametrize("name", ["member", "administrator"])
def test_one_press_confirms_the_list_and_the_trail_records_it(cast, name, time_machine):
    go_to(time_machine, APRIL)
    office = cast.office if name == "member" else None
    page = f"/office/{cast.office_pk}/people/review" if office else "/people/review"
    client = cast.client(name)
    html = client.get(page).content.decode()
    keys = re.findall(r'name="listed" value="([^"]+)"', html)
    assert sorted(keys) == sorted(listed(office))
    html = client.post(page, {"listed": keys}, follow=True).content.decode()
    assert "The review is done." in html
    assert "Completed on 1 April 2027" in html
    assert "The next review starts on 1 October 2027." in html
    assert 'name="listed"' not in html
    review = AccessReview.objects.get()
    assert (review.office, review.starts_on, review.reviewed_by) == (office, APRIL, cast.user(name))
    event = AuditEvent.objects.filter(office=office).first()
    assert event is not None
    assert (event.action, event.record_id, event.actor) == ("access_reviewed", review.pk, cast.user(name))
    if office:
        trail = client.get(f"/office/{office.pk}/trail").content.decode()
        assert "confirmed who has access, in the review of April 2027" in trail
    assert "This review is already done." in client.post(page, {"listed": keys}, follow=True).content.decode()
    assert AccessReview.objects.count() == 1


def test_a_page_that_no_longer_shows_who_has_access_is_not_accepted(cast):
    office, client = cast.office, cast.client("member")
    page, keys = f"/office/{office.pk}/people/review", listed(office)
    new = Membership.objects.create(office=office, user=person("dee", name="Dee Diaz"))
    answer = client.post(page, {"listed": keys})
    html = answer.content.decode()
    assert answer.status_code == 409
    assert "Access has changed since you opened this page" in html
    assert "Dee Diaz (dee@example.ca)" in html
    assert not AccessReview.objects.exists()
    assert not AuditEvent.objects.filter(action="access_reviewed").exists()
    shown = re.findall(r'name="listed" value="([^"]+)"', html)
    people.remove_staff(membership=new, by=office.member)
    html = client.post(page, {"listed": shown}).content.decode()
    assert "1 person on the earlier list no longer has that access." in html
    assert client.post(page, {"listed": listed(office)}).status_code == 302


@pytest.mark.parametrize("change", ["other role", "came back", "new term"])
def test_the_same_people_with_another_access_are_asked_about_again(cast, change):
    office = cast.office if change == "came back" else None
    keys = listed(office)
    if change == "other role":
        User.objects.filter(pk=cast.former_staff.pk).update(is_officer=True)
    elif change == "came back":
        Membership.objects.filter(user=cast.staff).update(ended_at=timezone.now() + timedelta(seconds=1))
        Membership.objects.create(office=cast.office, user=cast.staff)
    else:
        office_of(cast.former_staff, "Ward 9")
    with pytest.raises(AccessChanged) as raised:
        confirm_access(office=office, listed=keys, by=cast.administrator)
    assert (len(raised.value.joined), raised.value.left) == (1, 1)


def test_removing_and_suspending_lead_back_to_the_review(cast):
    membership = Membership.objects.get(user=cast.staff)
    page = f"/office/{cast.office_pk}/people/review"
    remove = f"/office/{cast.office_pk}/people/{membership.pk}/remove"
    assert cast.client("member").post(remove, {"review": "yes"})["Location"] == page
    suspend = f"/people/{cast.officer.pk}/active"
    answer = cast.client("administrator").post(suspend, {"review": "yes"})
    assert answer["Location"] == "/people/review"
    assert not cast.officer.is_active


def test_a_confirmation_needs_a_fresh_proof_and_is_given_back(cast):
    client = cast.client("administrator", fresh=False)
    answer = client.post("/people/review", {"listed": listed(None)})
    assert answer.status_code == 409
    assert "Confirm it’s you" in answer.content.decode()
    assert not AccessReview.objects.exists()


@at_the_same_moment
def test_of_two_confirmations_at_the_same_moment_one_counts(transactional_db):
    from tests.cast import make  # noqa: PLC0415

    cast = make()
    second = person("second admin", is_staff=True, is_superuser=True)
    keys = listed(None)
    results = together(
        *(
            lambda by=by: confirm_access(office=None, listed=keys, by=by)
            for by in (cast.administrator, second)
        )
    )
    assert sorted(type(result).__name__ for result in results) == ["AccessReview", "AlreadyReviewed"]


# --- Where it is seen ---------------------------------------------------------------


@pytest.mark.parametrize(("day", "word"), [(APRIL, "due by 30 April 2027"), (date(2027, 5, 1), "overdue")])
def test_a_review_to_do_is_on_the_pages_of_those_who_do_it(cast, time_machine, day, word):
    go_to(time_machine, day)
    member, administrator = cast.client("member"), cast.client("administrator")
    waiting = member.get("/office/waiting").content.decode()
    assert word in waiting.lower().replace("due by 30 april", "due by 30 April")
    assert "You have 1 item waiting." in waiting
    assert (
        "Your access review of April 2027" in member.get(f"/office/{cast.office_pk}/people").content.decode()
    )
    page = administrator.get("/people/").content.decode()
    assert f"The access review of April 2027 is {word}" in page
    assert ("2 members have not reviewed their staff." in page) is (word == "overdue")
    assert ('<li class="note">Ward 4: Kim Tran</li>' in page) is (word == "overdue")
    assert (
        "access review" not in cast.client("staff").get(f"/office/{cast.office_pk}/people").content.decode()
    )
    confirm_access(office=cast.office, listed=listed(cast.office), by=cast.member)
    confirm_access(office=None, listed=listed(None), by=cast.administrator)
    assert "You have no items waiting." in member.get("/office/waiting").content.decode()
    page = administrator.get("/people/").content.decode()
    assert "is overdue" not in page
    assert "Ward 10: Ana Silva" not in page


def test_a_fault_with_one_person_stops_no_other(run, cast, monkeypatch, caplog):
    def one_fails(*, to: User, **more: Any) -> None:
        if to == cast.member:
            raise OSError(f"a fault with {to.email}")
        queue_mail(to=to, **more)

    monkeypatch.setattr(access_reviews, "queue_mail", one_fails)
    assert run(APRIL) == ["administrator@example.ca", "stranger@example.ca"]
    assert "member@example.ca" not in caplog.text
    monkeypatch.setattr(access_reviews, "queue_mail", queue_mail)
    assert run(APRIL) == ["member@example.ca"]


def test_a_review_that_is_done_is_not_done_twice(cast):
    confirm_access(office=cast.office, listed=listed(cast.office), by=cast.member)
    with pytest.raises(AlreadyReviewed):
        confirm_access(office=cast.office, listed=listed(cast.office), by=cast.member)
