"""Invitations: links that work once, for a week, and are the only way to join; and how people leave."""

import logging
import re
from datetime import UTC, date, datetime, timedelta
from functools import partial
from threading import Barrier
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assessments.models import AuditEvent, FormerName, Invitation, Membership, Office, User
from assessments.models.invitations import key_hash
from assessments.services import people
from config.logs import WithoutKeys
from tests.cast import PASSWORD, at_the_same_moment, client_of, office_of, person, together

pytestmark = pytest.mark.django_db

NEW = {"name": "Bo Bell", "new_password1": PASSWORD, "new_password2": PASSWORD}


def link() -> str:
    """The path of the link in the last email."""
    link = re.search(r"https://[^/\s]+(/invitation/\S+)", str(mail.outbox[-1].body))
    assert link
    return link[1]


@pytest.fixture
def invite(cast, django_capture_on_commit_callbacks) -> Any:
    def invite(email: str = "bo@example.ca", **how: Any) -> str:
        how = {"role": "staff", "office": cast.office, "by": cast.member} | how
        with django_capture_on_commit_callbacks(execute=True):
            people.invite(email=email, **how)
        return link()

    return invite


def address_of(cast: Any) -> str:
    """The page of the people of Ward 10."""
    return f"/office/{cast.office_pk}/people"


# --- Joining ------------------------------------------------------------------------


def test_someone_without_an_account_chooses_a_name_and_a_password_and_is_in(invite):
    client, address = Client(), invite()
    assert "bo@example.ca" in client.get(address).content.decode()
    assert client.post(address, NEW)["Location"] == "/office/"
    assert "Ward 10" in client.get("/office/").content.decode()
    bo = User.objects.get(email="bo@example.ca")
    assert (bo.name, bo.check_password(PASSWORD)) == ("Bo Bell", True)
    assert bo.memberships.current().get().office.name == "Ward 10"


def test_the_member_is_told_who_joined(invite, django_capture_on_commit_callbacks):
    address = invite()
    with django_capture_on_commit_callbacks(execute=True):
        Client().post(address, NEW)
    assert mail.outbox[-1].to == ["member@example.ca"]
    assert "Bo Bell (bo@example.ca)" in mail.outbox[-1].body


def test_someone_with_an_account_signs_in_and_joins_with_it(invite):
    bo = person("bo", password=PASSWORD)
    address = invite()
    html = Client().post(address, NEW).content.decode()
    assert f"/account/login/?next={address}" in html
    bo.refresh_from_db()
    assert bo.check_password(PASSWORD)
    assert client_of(bo).post(address)["Location"] == "/office/"
    assert bo.memberships.current().get().office.name == "Ward 10"


def test_an_invitation_is_not_for_whoever_else_has_signed_in(invite, cast):
    address, before = invite(), Membership.objects.count()
    client = cast.client("stranger")
    assert "for a different email address" in client.get(address).content.decode()
    client.post(address, NEW)
    assert Membership.objects.count() == before


@pytest.mark.parametrize("how", ["used", "revoked", "too old", "unknown", "replaced"])
def test_a_link_that_is_of_no_use_any_more_says_the_same_whatever_became_of_it(invite, how, time_machine):
    address = invite()
    if how == "used":
        Client().post(address, NEW)
    elif how == "revoked":
        people.revoke(invitation=Invitation.objects.get(), by=Invitation.objects.get().invited_by)
    elif how == "too old":
        time_machine.move_to(Invitation.objects.get().ends_at + timedelta(seconds=1))
    elif how == "replaced":
        assert invite() != address
    else:
        address = "/invitation/nothing-like-it"
    for answer in (Client().get(address), Client().post(address, NEW)):
        assert answer.status_code == 404
        assert "This invitation can’t be used" in answer.content.decode()
    assert User.objects.filter(email="bo@example.ca").exists() is (how == "used")


def test_an_earlier_link_works_until_a_new_one_is_sent(invite, cast, settings):
    address = invite()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    member = cast.client("member")
    page = member.post(f"/office/{cast.office_pk}/people", {"email": "bo@example.ca"}).content.decode()
    assert "The email could not be sent. Any earlier link to this address still works." in page
    assert Invitation.objects.open().count() == 1
    assert Client().get(address).status_code == 200


def test_a_link_works_to_the_end_of_its_week(invite, time_machine):
    address = invite()
    time_machine.move_to(Invitation.objects.get().ends_at - timedelta(seconds=1))
    assert Client().get(address).status_code == 200


def test_the_database_holds_no_key_and_the_log_shows_none(invite):
    key = invite().rpartition("/")[2]
    assert Invitation.objects.get().key_hash == key_hash(key)
    record = logging.LogRecord("x", 30, "x", 1, f"Not Found: /invitation/{key}", (), None)
    WithoutKeys().filter(record)
    assert key not in record.getMessage()


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"name": ""}, "Enter your name."),
        ({"name": "\u202e\u200b"}, "Enter your name."),
        ({"new_password2": "another"}, "Password again"),
        ({"new_password1": "12345678", "new_password2": "12345678"}, "less common"),
        (
            {"new_password1": "bo@example.ca", "new_password2": "bo@example.ca"},
            "less like your name or email address",
        ),
    ],
)
def test_what_is_wrong_is_said_and_nobody_comes_in(invite, wrong, reason):
    answer = Client().post(invite(), NEW | wrong)
    assert reason in answer.content.decode()
    assert not User.objects.filter(email="bo@example.ca").exists()


def test_whoever_has_just_chosen_a_password_is_not_asked_for_it_and_signed_in_until_the_browser_closes(
    invite, cast
):
    client, address = Client(), invite(role="officer", office=None, by=cast.administrator)
    assert client.post(address, NEW).status_code == 302
    assert client.get("/account/app/").status_code == 200
    cookie = client.cookies["__Host-sessionid"]
    assert cookie["max-age"] == cookie["expires"] == ""


# --- Roles ----------------------------------------------------------------------------


def test_a_member_gets_an_office_of_the_seat_when_they_accept(invite):
    Client().post(invite(role="member", office=None, seat="Ward 7", starts_on=date(2026, 11, 15)), NEW)
    office = Office.objects.get(name="Ward 7")
    assert (office.member.email, office.starts_on) == ("bo@example.ca", date(2026, 11, 15))


@pytest.mark.parametrize("seat", ["Ward 10", "WARD 10"])
def test_a_seat_that_is_held_waits_for_the_end_of_its_term_and_the_successor_sees_nothing_of_it(
    invite, cast, seat
):
    office = cast.office
    address = invite(role="member", office=None, seat=seat, starts_on=date(2026, 11, 15))
    assert "Someone already holds this seat" in Client().post(address, NEW).content.decode()
    people.end_term(office=office, on=date(2026, 11, 14), by=office.member)
    client = Client()
    assert client.post(address, NEW).status_code == 302
    successor = User.objects.get(email="bo@example.ca")
    assert [office.pk for office in Office.objects.visible_to(successor)] == [Office.objects.latest("pk").pk]
    assert Office.objects.visible_to(office.member).get() == office


@pytest.mark.parametrize(
    ("role", "flags"), [("officer", (True, False, False)), ("administrator", (False, True, True))]
)
def test_an_officer_and_an_administrator_get_their_role_alone(invite, cast, role, flags):
    Client().post(invite(role=role, office=None, by=cast.administrator), NEW)
    new = User.objects.get(email="bo@example.ca")
    assert (new.is_officer, new.is_staff, new.is_superuser) == flags
    assert not Office.objects.visible_to(new).exists()


@pytest.mark.parametrize(
    ("before", "role", "reason"),
    [
        ({"is_officer": True}, "staff", "An officer can’t work in a member’s office."),
        ({"is_staff": True}, "staff", "An administrator can’t work in a member’s office."),
        ({"is_staff": True}, "officer", "You already have a role"),
        ({"is_officer": True}, "administrator", "You already have a role"),
    ],
)
def test_nobody_has_two_roles_that_must_not_meet(invite, before, role, reason):
    who = person("new", **before)
    address = invite(who.email, role=role, **({} if role == "staff" else {"office": None}))
    assert reason in client_of(who).post(address).content.decode()
    assert not who.memberships.exists()


def test_staff_cannot_become_an_officer_while_they_are_staff(invite, cast):
    address = invite(cast.staff.email, role="officer", office=None)
    assert "Staff can’t have this role as well" in cast.client("staff").post(address).content.decode()


def test_someone_on_the_staff_already_joins_once(invite, cast):
    cast.client("staff").post(invite(cast.staff.email))
    assert cast.staff.memberships.count() == 1


# --- The pages ------------------------------------------------------------------------


def test_the_member_invites_by_mail_and_is_not_told_whether_there_is_an_account(
    cast, django_capture_on_commit_callbacks
):
    person("known")
    client, messages = cast.client("member"), []
    for email in ("known@example.ca", "Unknown@Example.ca"):
        with django_capture_on_commit_callbacks(execute=True):
            answer = client.post(address_of(cast), {"email": email}, follow=True)
        message = re.search(r'<div class="messages".*?</div>', answer.content.decode(), re.DOTALL)
        messages.append(message[0].lower().replace(email.lower(), "…") if message else "")
    assert "is on its way" in messages[0]
    assert messages[0] == messages[1]
    assert [m.to for m in mail.outbox] == [["known@example.ca"], ["unknown@example.ca"]]
    assert mail.outbox[0].subject == mail.outbox[1].subject


@pytest.mark.parametrize(
    ("email", "reason"),
    [
        ("member@example.ca", "the member’s own address"),
        ("nobody", "valid email"),
        ("", "Enter the email address."),
    ],
)
def test_an_address_that_cannot_be_invited_is_said_and_stays_in_the_form(cast, email, reason):
    html = cast.client("member").post(address_of(cast), {"email": email}).content.decode()
    assert reason in html
    assert f'value="{email}"' in html or not email
    assert not Invitation.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_when_the_mail_cannot_be_sent_the_page_says_so(monkeypatch):
    def down(**_: object) -> None:
        raise OSError

    monkeypatch.setattr(people, "send_mail", down)
    office = office_of(person("member"))
    client, page = client_of(office.member), f"/office/{office.pk}/people"
    assert "could not be sent" in client.post(page, {"email": "bo@example.ca"}).content.decode()


@pytest.mark.parametrize(
    ("starts_on", "on", "refused"),
    [
        (date(2022, 11, 15), "2026-11-14", False),
        (date(2022, 11, 15), "2026-11-15", True),
        (date(2026, 11, 14), "2026-11-15", False),
        (date(2026, 11, 14), "2026-11-16", True),
        (date(2026, 12, 1), "2026-12-02", False),
    ],
)
def test_a_last_day_to_come_is_refused_unless_the_term_had_hardly_begun(
    cast, time_machine, *, starts_on, on, refused
):
    # It is still the 14th in Toronto.
    time_machine.move_to(datetime(2026, 11, 15, 4, 0, tzinfo=UTC))
    Office.objects.update(starts_on=starts_on)
    client, page = cast.client("administrator"), f"/people/offices/{cast.office_pk}/end"
    html = client.post(page, {"on": on, "sure": on}, follow=True).content.decode()
    assert ("a day no later than" in html) is refused
    assert (cast.office.ends_on is None) is refused


def test_staff_of_an_ended_term_read_until_the_member_removes_them_and_nobody_is_invited(cast, invite):
    membership = cast.staff.memberships.get()
    address = invite()
    people.end_term(office=cast.office, on=date(2026, 11, 14), by=cast.administrator)
    assert Invitation.objects.get().revoked_at
    assert Client().get(address).status_code == 404
    member, staff = cast.client("member"), cast.client("staff")
    for client, reason in ((member, "until you remove them"), (staff, "until the member removes them")):
        html = client.get(address_of(cast)).content.decode()
        assert reason in html
        assert ("Remove Sam Roy" in html) is (client is member)
        assert "bo@example.ca" not in html
        assert "Send the invitation" not in html
    assert member.post(address_of(cast), {"email": "x@example.ca"}).status_code == 404
    assert member.post(f"{address_of(cast)}/{membership.pk}/remove").status_code == 302
    assert staff.get(address_of(cast)).status_code == 404


def test_an_invitation_of_an_office_that_ended_without_more_ado_is_not_open(invite):
    address = invite()
    Office.objects.update(ends_on=date(2026, 11, 14))
    assert Client().get(address).status_code == 404


@pytest.mark.parametrize("directly", [False, True])
def test_an_invitation_ends_with_the_sign_in_of_whoever_sent_it(cast, invite, directly):
    member_pk = cast.users["member"]
    address = invite()
    if directly:
        User.objects.filter(pk=member_pk).update(is_active=False)
    else:
        admin = cast.client("administrator")
        admin.post(f"/people/{member_pk}/active")
        assert Invitation.objects.get().revoked_at
        admin.post(f"/people/{member_pk}/active", {"active": "yes"})
    assert Client().post(address, NEW).status_code == 404


def test_what_someone_may_join_is_decided_by_what_they_are_by_then(invite):
    who = person("bo")
    invite()
    invitation = Invitation.objects.get()
    User.objects.filter(pk=who.pk).update(is_officer=True)
    with pytest.raises(people.CannotJoin):
        people.accept(invitation=invitation, user=who)
    User.objects.filter(pk=who.pk).update(is_officer=False, is_active=False)
    with pytest.raises(people.InvitationGone):
        people.accept(invitation=invitation, user=who)


def test_an_officer_sees_no_office_whatever_else_they_are(cast):
    Membership.objects.create(office=cast.office, user=cast.officer)
    assert not Office.objects.visible_to(cast.officer).exists()


def test_to_take_back_what_was_used_claims_nothing(cast, invite):
    Client().post(invite(), NEW)
    pk = Invitation.objects.get().pk
    html = cast.client("member").post(f"/invitations/{pk}/revoke", follow=True).content.decode()
    assert "bo@example.ca has already joined. You can remove them on this page." in html
    assert "no longer works" not in html
    Client().post(invite("new@example.ca", role="officer", office=None, by=cast.administrator), NEW)
    pk = Invitation.objects.latest("pk").pk
    html = cast.client("administrator").post(f"/invitations/{pk}/revoke", follow=True).content.decode()
    assert "new@example.ca has already joined. You can suspend their sign-in on this page." in html


def test_to_take_an_invitation_back_twice_says_that_it_no_longer_works(cast, invite):
    invite()
    client, pk = cast.client("member"), Invitation.objects.get().pk
    for _ in range(2):
        html = client.post(f"/invitations/{pk}/revoke", follow=True).content.decode()
        assert "no longer works" in html


def test_what_was_typed_waits_for_a_fresh_proof(cast):
    client = cast.client("member", fresh=False)
    assert client.get(address_of(cast)).status_code == 200
    answer = client.post(address_of(cast), {"email": "bo@example.ca"})
    assert answer.status_code == 409
    assert "bo@example.ca" in answer.content.decode()
    assert not Invitation.objects.exists()


@pytest.mark.parametrize(
    "typed", ["Bo Chan <bo@example.ca>", "mailto:bo@example.ca", "bo@example.ca.", "\ufeffbo@example.ca"]
)
def test_an_address_is_taken_out_of_what_was_pasted(cast, typed):
    cast.client("member").post(address_of(cast), {"email": typed})
    assert Invitation.objects.get().email == "bo@example.ca"


@pytest.mark.parametrize(
    "typed", ["bo@example.ca\r\nBcc: spy@example.ca", "bo@example.ca\nSubject: x", "a@b.ca,c@d.ca"]
)
def test_what_is_typed_adds_no_line_to_the_head_of_an_email_and_no_address(cast, typed):
    User.objects.filter(pk=cast.member.pk).update(name="Pat\r\nBcc: spy@example.ca")
    cast.client("member").post(address_of(cast), {"email": typed})
    for message in mail.outbox:
        assert message.recipients() == ["bo@example.ca"]
        head = message.message().as_string().partition("\n\n")[0]
        assert not re.search(r"^(?:Bcc|Cc)", head, re.MULTILINE)
        assert len(re.findall(r"^Subject", head, re.MULTILINE)) == 1
    assert set(Invitation.objects.values_list("email", flat=True)) <= {"bo@example.ca"}


@pytest.mark.parametrize("path", ["/people/", "/office/{pk}/people"])
@pytest.mark.parametrize("length", [254, 255])
def test_an_address_may_be_as_long_as_addresses_get(cast, path, length):
    email = f"{'b' * 64}@{(('d' * 50 + '.') * 5)[: length - 69]}d.ca"
    assert len(email) == length
    client = cast.client("administrator" if path == "/people/" else "member")
    html = client.post(path.format(pk=cast.office_pk), {"email": email, "role": "officer"}).content.decode()
    assert Invitation.objects.exists() is (length == 254)
    assert length == 254 or "at most 254 characters" in html


def test_staff_see_who_works_there_and_change_nothing(cast, invite):
    membership = cast.staff.memberships.get()
    invite()
    client = cast.client("staff")
    html = client.get(address_of(cast)).content.decode()
    assert "Sam Roy" in html
    assert "bo@example.ca" in html
    assert "Send the invitation" not in html
    assert "Remove" not in html
    assert client.post(address_of(cast), {"email": "x@example.ca"}).status_code == 404
    assert client.post(f"{address_of(cast)}/{membership.pk}/remove").status_code == 404
    assert client.post(f"/invitations/{Invitation.objects.get().pk}/revoke").status_code == 404


def test_someone_who_is_removed_is_out_at_once_and_everywhere(cast, invite):
    client = Client()
    client.post(invite(), NEW)
    assert client.get(address_of(cast)).status_code == 200
    membership = Membership.objects.get(user__email="bo@example.ca")
    cast.client("member").post(f"{address_of(cast)}/{membership.pk}/remove")
    assert client.get("/office/").status_code == 302
    client.post("/account/login/", {"login": "bo@example.ca", "password": PASSWORD})
    assert client.get(address_of(cast)).status_code == 404


def test_a_forged_membership_of_another_office_is_not_ended(cast):
    client, membership = cast.client("member"), cast.other_staff.memberships.get()
    for office_pk in (cast.office_pk, cast.elsewhere_pk):
        assert client.post(f"/office/{office_pk}/people/{membership.pk}/remove").status_code == 404
    assert cast.other_staff.memberships.current().exists()


def test_a_sign_in_that_is_closed_and_opened_again_brings_back_no_session(cast):
    client, boss, member = Client(), cast.client("administrator"), cast.member
    member.set_password(PASSWORD)
    member.save()
    client.post("/account/login/", {"login": member.email, "password": PASSWORD})
    assert client.get("/office/").status_code == 200
    boss.post(f"/people/{member.pk}/active")
    assert client.get("/office/").status_code == 302
    boss.post(f"/people/{member.pk}/active", {"active": "yes"})
    assert client.get("/office/").status_code == 302
    assert cast.member.is_active


def test_an_administrator_does_not_close_their_own_sign_in(cast):
    page = f"/people/{cast.administrator.pk}/active"
    assert cast.client("administrator").post(page).status_code == 404


def test_an_administrator_hands_a_seat_over(cast, django_capture_on_commit_callbacks, time_machine):
    time_machine.move_to(datetime(2026, 11, 14, 15, 0, tzinfo=UTC))
    client, page = cast.client("administrator"), f"/people/offices/{cast.office_pk}/end"
    wrong = client.post(page, {"on": "2022-11-15"}).content.decode()
    assert "The term began on 15 November 2022" in wrong
    ahead = client.post(page, {"on": "2026-11-20"}).content.decode()
    assert "can’t schedule the end of a term. Enter a day no later than 14 November 2026." in ahead
    past = client.post(page, {"on": "2026-11-10"}).content.decode()
    assert "The term of Ward 10 (Ana Silva) ended on 10 November 2026." in past
    asked = client.post(page, {"on": "2026-11-14"}).content.decode()
    assert "The last day of the term of Ward 10 (Ana Silva) is 14 November 2026." in asked
    assert cast.office.ends_on is None
    for sure, status in (("2026-11-13", 200), ("2026-11-14", 302)):
        sent = {"on": "2026-11-14", "sure": sure}
        assert client.post(page, sent).status_code == status
    assert client.get(page).status_code == 404
    form = {"email": "New@example.ca", "role": "member", "seat": "Ward 10", "starts_on": "2026-11-15"}
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post("/people/", form).status_code == 302
    assert "new@example.ca" in client.get("/people/").content.decode()
    assert Client().post(link(), NEW).status_code == 302
    assert Office.objects.current().get(name="Ward 10").member.email == "new@example.ca"


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ({"role": "member"}, "Enter the member’s seat."),
        ({"role": "staff"}, "one of the options in the list"),
        ({"role": "member", "seat": "\x07\u200b", "starts_on": "2026-11-15"}, "Enter the member’s seat."),
        ({"role": "member", "seat": "Mayor", "starts_on": "08/12/2026"}, "Enter 2026-08-12 or 2026-12-08."),
        (
            {"role": "member", "seat": "ＷARD\u200b  10", "starts_on": "2026-11-15"},
            "Ana Silva holds this seat.",
        ),
        ({"role": "member", "seat": "Mayor", "starts_on": "2062-11-15"}, "at most 2 years from now"),
        ({"role": "member", "seat": "Mayor", "starts_on": "2012-11-15"}, "at most 5 years ago"),
        (
            {"role": "administrator", "email": "administrator@example.ca"},
            "Alex Martin is already an administrator",
        ),
        ({"role": "officer", "email": "closed@example.ca"}, "Closed’s sign-in is suspended."),
        ({"role": "officer", "email": "member@example.ca"}, "works in a member’s office"),
        (
            {"role": "member", "email": "member@example.ca", "seat": "Mayor", "starts_on": "2026-11-15"},
            "Ana Silva already has an office: Ward 10.",
        ),
    ],
)
def test_what_is_wrong_with_an_administrators_invitation_is_said(cast, sent, reason, time_machine):
    time_machine.move_to(datetime(2026, 11, 14, 15, 0, tzinfo=UTC))
    person("closed", is_active=False)
    html = cast.client("administrator").post("/people/", {"email": "new@example.ca", **sent}).content.decode()
    # Dates stay whole.
    assert reason in re.sub("</?span[^>]*>", "", html)
    assert not Invitation.objects.exists()


def test_seat_and_first_day_are_wrong_with_members_alone(cast):
    sent = {"email": "new@example.ca", "role": "officer", "seat": "Ward\x07", "starts_on": "soon"}
    assert cast.client("administrator").post("/people/", sent).status_code == 302
    assert Invitation.objects.get().seat == ""


def test_an_address_has_an_open_invitation_to_one_role_only(cast, invite, time_machine):
    time_machine.move_to(datetime(2026, 11, 14, 15, 0, tzinfo=UTC))
    client = cast.client("administrator")
    seat = {"email": "new@example.ca", "role": "member", "seat": "Mayor", "starts_on": "2026-11-15"}
    # Administrators do not learn of an invitation to staff.
    invite("new@example.ca")
    assert client.post("/people/", seat).status_code == 302
    for other in ({"role": "officer"}, seat | {"seat": "Ward 3"}):
        html = client.post("/people/", {"email": "new@example.ca", **other}).content.decode()
        assert "already has an invitation that is not accepted yet: Member of Council, Mayor." in html
        assert "withdraw it first, or send it again." in html
    assert Invitation.objects.exclude(role="staff").count() == 1
    again = client.post("/people/", seat, follow=True).content.decode()
    assert (
        "A new invitation to new@example.ca is on its way. The link in the earlier email no longer works."
        in again
    )
    people.revoke(invitation=Invitation.objects.open().get(role="member"), by=cast.administrator)
    assert client.post("/people/", {"email": "new@example.ca", "role": "officer"}).status_code == 302


def test_a_second_invitation_to_staff_says_that_the_earlier_link_stopped_working(cast):
    client, ends = cast.client("member"), []
    for _ in range(2):
        html = client.post(address_of(cast), {"email": "new@example.ca"}, follow=True).content.decode()
        ends.append("The link in the earlier email no longer works." in html)
    assert ends == [False, True]


def test_a_member_learns_of_an_address_no_more_than_whether_it_is_on_their_own_staff(cast):
    closed, client = person("closed", is_active=False), cast.client("member")
    in_office = client.post(address_of(cast), {"email": cast.staff.email}).content.decode()
    assert "already on your staff" in in_office
    for email in (cast.administrator.email, closed.email):
        assert client.post(address_of(cast), {"email": email}).status_code == 302


@pytest.mark.parametrize(
    ("role", "reason"),
    [
        ("staff", "to the social media self-check, to work for Ward 10 (Ana Silva)."),
        ("officer", "to the social media self-check, as an officer of the Integrity Commissioner."),
        ("administrator", "to the social media self-check, as an administrator of the portal."),
    ],
)
def test_an_invitation_says_in_plain_words_what_one_is_invited_as(invite, cast, role, reason):
    address = invite(role=role, **({} if role == "staff" else {"office": None, "by": cast.administrator}))
    html = Client().get(address).content.decode()
    assert reason in " ".join(html.split())
    assert "Create my sign-in" in html
    assert role == "staff" or reason.rpartition(", ")[2] in " ".join(str(mail.outbox[-1].body).split())


def test_to_close_a_sign_in_is_asked_first_and_times_are_torontos(cast, invite):
    invite(role="officer", office=None, by=cast.administrator)
    html = cast.client("administrator").get("/people/").content.decode()
    at = html.index("Suspend sign-in")
    assert "<details" in html[:at]
    assert "<details" in html[: html.index("will stop working")]
    assert "your own answers" not in html
    assert "signed out everywhere now" in html[at : html.index("</details>", at)]
    assert re.search(r"Works until \d+ \w+ \d{4}, \d\d:\d\d E[SD]T", html)


@pytest.mark.parametrize(("name", "page"), [("officer", "/desk/"), ("administrator", "/people/")])
def test_whoever_has_no_accounts_is_led_to_their_own_first_page(cast, name, page):
    assert cast.client(name).get("/office/")["Location"] == page


def test_whoever_invites_very_many_has_to_wait(cast, settings):
    settings.ACCOUNT_RATE_LIMITS = {"invite": "1/h/user"}
    client = cast.client("member")
    for email in ("one@example.ca", "two@example.ca"):
        html = client.post(address_of(cast), {"email": email}, follow=True).content.decode()
    assert "many invitations" in html
    assert Invitation.objects.count() == 1


# --- Sending again, and searching -------------------------------------------------------


def test_an_invitation_is_sent_again_with_a_new_link_and_the_old_one_no_longer_works(cast, invite):
    old = invite()
    pk = Invitation.objects.get().pk
    html = cast.client("member").post(f"/invitations/{pk}/resend", follow=True).content.decode()
    assert "The link in the earlier email no longer works." in html
    assert mail.outbox[-1].to == ["bo@example.ca"]
    assert link() != old
    assert (Client().get(old).status_code, Client().get(link()).status_code) == (404, 200)


def test_an_expired_invitation_is_listed_for_a_month_and_can_be_sent_again(cast, invite, time_machine):
    invite()
    pk, ends_at = Invitation.objects.get().pk, Invitation.objects.get().ends_at
    client = cast.client("member")
    for days, is_listed in ((1, True), (29, True), (31, False)):
        time_machine.move_to(ends_at + timedelta(days=days))
        html = client_of(cast.member).get(address_of(cast)).content.decode()
        assert ("Expired " in html) is is_listed
    time_machine.move_to(ends_at + timedelta(days=1))
    client = client_of(cast.member)
    html = client.post(f"/invitations/{pk}/resend", follow=True).content.decode()
    assert "Expired " not in html
    assert Client().get(link()).status_code == 200


def test_an_expired_invitation_that_is_withdrawn_is_no_longer_listed(cast, invite, time_machine):
    invite()
    invitation = Invitation.objects.get()
    time_machine.move_to(invitation.ends_at + timedelta(days=1))
    html = client_of(cast.member).post(f"/invitations/{invitation.pk}/revoke", follow=True).content.decode()
    assert "no longer works" in html
    assert "Expired " not in html
    assert AuditEvent.objects.of_chain(cast.office_pk).latest("number").action == "invitation_revoked"


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("used", "bo@example.ca has already joined. You can remove them"),
        ("revoked", "was withdrawn. Send a new one"),
        ("ended", "This term has ended"),
        ("on the staff", "was not sent again. This person is already on your staff."),
    ],
)
def test_an_invitation_that_cannot_be_sent_again_says_why(cast, invite, how, reason):
    address = invite()
    invitation = Invitation.objects.get()
    if how == "used":
        Client().post(address, NEW)
    elif how == "revoked":
        people.revoke(invitation=invitation, by=cast.member)
    elif how == "ended":
        Office.objects.filter(pk=cast.office_pk).update(ends_on=date(2026, 11, 14))
    else:
        Membership.objects.create(office=cast.office, user=person("bo"))
    count = Invitation.objects.count()
    html = cast.client("member").post(f"/invitations/{invitation.pk}/resend", follow=True).content.decode()
    assert reason in html
    assert Invitation.objects.count() == count


def test_an_administrators_invitation_to_a_seat_is_not_sent_again_once_someone_holds_it(cast, invite):
    seat = {"role": "member", "office": None, "seat": "Ward 7", "starts_on": timezone.localdate()}
    invite(**seat, by=cast.administrator)
    office_of(person("new"), "Ward 7")
    pk = Invitation.objects.get().pk
    html = cast.client("administrator").post(f"/invitations/{pk}/resend", follow=True).content.decode()
    assert "was not sent again. New holds this seat." in html


def test_an_earlier_link_still_works_when_the_email_cannot_be_sent_again(cast, invite, settings):
    address = invite()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    pk = Invitation.objects.get().pk
    html = cast.client("member").post(f"/invitations/{pk}/resend", follow=True).content.decode()
    assert "Any earlier link to this address still works." in html
    assert Client().get(address).status_code == 200


@pytest.mark.parametrize("role", ["officer", "administrator"])
def test_someone_with_a_role_learns_before_joining_that_they_cannot_be_staff(cast, invite, role):
    address = invite(cast.user(role).email)
    html = cast.client(role).get(address).content.decode()
    assert "You can’t join with this sign-in" in html
    assert ">Join<" not in html
    assert 'name="name"' not in html


@pytest.mark.parametrize(
    ("words", "shown", "hidden"),
    [
        ("ÁNA", "ana silva", "kim tran"),
        ("staff@example.ca", "sam roy", "robin ng"),
        ("ward\u200b 4", "kim tran", "sam roy"),
        ("officer", "robin ng", "ana silva"),
        ("invited.one", "invited.one@example.ca", "ana silva"),
        ("Old Name", "sam roy", "kim tran"),
    ],
)
def test_people_offices_and_invitations_are_found_however_they_are_spelled(
    cast, invite, words, shown, hidden
):
    invite("invited.one@example.ca", role="officer", office=None, by=cast.administrator)
    staff = cast.staff
    FormerName.objects.create(user=staff, name="Old Name")
    client = cast.client("administrator")
    answer = client.post("/people/search", {"words": words})
    assert answer["Location"] == "/people/search"
    html = client.get("/people/search").content.decode().lower()
    rows = html[html.index("<table") :]
    assert shown in rows
    assert hidden not in rows
    assert "robin ng" in client.get("/people/").content.decode().lower()


def test_a_search_without_results_says_so_and_an_empty_one_shows_everyone(cast):
    client = cast.client("administrator")
    html = client.post("/people/search", {"words": "<nobody>" * 60}, follow=True).content.decode()
    assert "No results for “&lt;nobody&gt;" in html
    assert "<table" not in html
    assert client.post("/people/search", {"words": " "}, follow=True).redirect_chain[-1][0] == "/people/"


def test_the_list_shows_what_each_person_is_and_asks_the_database_as_often_for_many(cast):
    client = cast.client("administrator")
    client.get("/people/")
    with CaptureQueriesContext(connection) as few:
        html = client.get("/people/").content.decode()
    for role in (
        "Member, Ward 10",
        "Staff, Ward 4",
        "Officer, Commissioner’s office",
        "Administrator",
        "No role now",
    ):
        assert f">{role}<" in html
    for number in range(5):
        member = person(f"member {number}")
        Membership.objects.create(office=office_of(member, f"Ward 2{number}"), user=person(f"staff {number}"))
    with CaptureQueriesContext(connection) as many:
        client.get("/people/")
    assert len(many) == len(few)


# --- Several at the same moment --------------------------------------------------------


@at_the_same_moment
def test_of_two_who_use_one_link_at_once_one_comes_in():
    member = person("member")
    people.invite(email="bo@example.ca", role="staff", office=office_of(member), by=member)
    address = link()
    answers = together(*[lambda: Client().post(address, NEW).status_code] * 2)
    assert sorted(answers) == [302, 404]
    assert Membership.objects.count() == 1


@at_the_same_moment
@pytest.mark.parametrize("what", ["one new address", "one seat"])
def test_of_two_who_want_what_one_alone_can_have_at_once_one_comes_in(what, monkeypatch):
    admin = person("administrator", is_staff=True, is_superuser=True)
    addresses = []
    for name in "ab":
        address = "a" if what == "one new address" else name
        seat = "Ward 10" if what == "one seat" else f"Ward {name}"
        people.invite(
            email=f"{address}@example.ca", role="member", seat=seat, starts_on=date(2026, 11, 15), by=admin
        )
        addresses.append(link())
    barrier = Barrier(2)
    # Both requests check that nobody is there before either creates anything.
    make = User.objects.create_user if what == "one new address" else Office.objects.create

    def made(*args: Any, **fields: Any) -> Any:
        barrier.wait(timeout=10)
        return make(*args, **fields)

    if what == "one new address":
        monkeypatch.setattr(
            type(User.objects), "create_user", lambda _, *args, **fields: made(*args, **fields)
        )
    else:
        monkeypatch.setattr(Office.objects, "create", made)
    answers = together(*(partial(Client().post, address, NEW) for address in addresses))
    assert sorted(answer.status_code for answer in answers) == [200, 302]
    reason = {
        "one new address": "You can already sign in with this address",
        "one seat": people.SEAT_IS_HELD,
    }[what]
    assert reason in next(answer for answer in answers if answer.status_code == 200).content.decode()
    assert Office.objects.count() == 1
