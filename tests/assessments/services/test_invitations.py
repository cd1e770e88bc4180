"""Invitations: links that work once, for a week, and are the only way to join; and how people leave."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test import Client

from assessments.models import Invitation, Membership, Office, User
from assessments.models.invitations import key_hash
from assessments.services import people
from config.logs import WithoutKeys
from tests.second_step import let_in, let_in_now, with_second_step

pytestmark = pytest.mark.django_db

PASSWORD = "quiet-harbour-9"
NEW = {"name": "Bo Chen", "new_password1": PASSWORD, "new_password2": PASSWORD}


@pytest.fixture
def member() -> User:
    return User.objects.create_user("member@example.ca", PASSWORD, name="Ana Silva")


@pytest.fixture
def office(member) -> Office:
    return Office.objects.create(name="Ward 10", member=member, starts_on=date(2022, 11, 15))


@pytest.fixture
def admin() -> User:
    return with_second_step(User.objects.create_superuser("admin@example.ca", PASSWORD, name="Alex Martin"))


def as_(who: User) -> Client:
    return let_in_now(Client(), who)


def link() -> str:
    """The path of the link in the last email."""
    link = re.search(r"https://[^/\s]+(/invitation/\S+)", str(mail.outbox[-1].body))
    assert link
    return link[1]


@pytest.fixture
def invite(office, member, django_capture_on_commit_callbacks) -> Any:
    def invite(email: str = "bo@example.ca", **how: Any) -> str:
        how = {"role": "staff", "office": office, "by": member} | how
        with django_capture_on_commit_callbacks(execute=True):
            people.invite(email=email, **how)
        return link()

    return invite


# --- Joining ------------------------------------------------------------------------


def test_someone_without_an_account_chooses_a_name_and_a_password_and_is_in(invite, office):
    client, address = Client(), invite()
    assert "bo@example.ca" in client.get(address).content.decode()
    assert client.post(address, NEW)["Location"] == "/office/"
    assert "Ward 10" in client.get("/office/").content.decode()
    bo = User.objects.get(email="bo@example.ca")
    assert (bo.name, bo.check_password(PASSWORD)) == ("Bo Chen", True)
    assert Membership.objects.current().get().user == bo


def test_the_member_is_told_who_joined(invite, django_capture_on_commit_callbacks):
    address = invite()
    with django_capture_on_commit_callbacks(execute=True):
        Client().post(address, NEW)
    assert mail.outbox[-1].to == ["member@example.ca"]
    assert "Bo Chen (bo@example.ca)" in mail.outbox[-1].body


def test_someone_with_an_account_signs_in_and_joins_with_it(invite, office):
    bo = User.objects.create_user("bo@example.ca", PASSWORD, name="Bo")
    address = invite()
    html = Client().post(address, NEW).content.decode()
    assert f"/account/login/?next={address}" in html
    bo.refresh_from_db()
    assert bo.check_password(PASSWORD)
    assert as_(bo).post(address)["Location"] == "/office/"
    assert Membership.objects.current().get().user == bo


def test_an_invitation_is_not_for_whoever_else_has_signed_in(invite, admin):
    address = invite()
    client = as_(User.objects.create_user("other@example.ca", PASSWORD, name="Other"))
    assert "for somebody else" in client.get(address).content.decode()
    client.post(address, NEW)
    assert not Membership.objects.exists()


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
        assert "This invitation cannot be used" in answer.content.decode()
    assert User.objects.filter(email="bo@example.ca").exists() is (how == "used")


def test_a_link_works_to_the_end_of_its_week(invite, time_machine):
    address = invite()
    time_machine.move_to(Invitation.objects.get().ends_at - timedelta(seconds=1))
    assert Client().get(address).status_code == 200


def test_the_database_holds_no_key_and_the_log_shows_none(invite):
    key = invite().rpartition("/")[2]
    assert Invitation.objects.get().key_hash == key_hash(key)
    record = __import__("logging").LogRecord("x", 30, "x", 1, f"Not Found: /invitation/{key}", (), None)
    WithoutKeys().filter(record)
    assert key not in record.getMessage()


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"name": ""}, "Your name: Please fill this in."),
        ({"name": "Bo\u202e"}, "makes text read other than it is"),
        ({"new_password2": "another"}, "Password again"),
        ({"new_password1": "12345678", "new_password2": "12345678"}, "entirely numeric"),
        ({"new_password1": "bo@example.ca", "new_password2": "bo@example.ca"}, "too similar"),
    ],
)
def test_what_is_wrong_is_said_and_nobody_comes_in(invite, wrong, reason):
    answer = Client().post(invite(), NEW | wrong)
    assert reason in answer.content.decode()
    assert not User.objects.filter(email="bo@example.ca").exists()


def test_whoever_has_just_chosen_a_password_is_not_asked_for_it_and_signed_in_until_the_browser_closes(
    invite, admin
):
    client = Client()
    assert (
        client.post(invite("new@example.ca", role="officer", office=None, by=admin), NEW).status_code == 302
    )
    assert client.get("/account/app/").status_code == 200
    cookie = client.cookies["sessionid"]
    assert cookie["max-age"] == cookie["expires"] == ""


# --- Roles ----------------------------------------------------------------------------


def test_a_member_gets_an_office_of_the_seat_when_they_accept(invite, admin):
    address = invite(
        "new@example.ca", role="member", office=None, seat="Ward 4", starts_on=date(2026, 11, 15)
    )
    Client().post(address, NEW)
    office = Office.objects.get(name="Ward 4")
    assert (office.member.email, office.starts_on) == ("new@example.ca", date(2026, 11, 15))


@pytest.mark.parametrize("seat", ["Ward 10", "WARD 10"])
def test_a_seat_that_is_held_waits_for_the_end_of_its_term_and_the_successor_sees_nothing_of_it(
    invite, office, seat
):
    address = invite("new@example.ca", role="member", office=None, seat=seat, starts_on=date(2026, 11, 15))
    assert "Someone holds this seat already" in Client().post(address, NEW).content.decode()
    people.end_term(office=office, on=date(2026, 11, 14), by=office.member)
    client = Client()
    assert client.post(address, NEW).status_code == 302
    successor = User.objects.get(email="new@example.ca")
    assert [office.pk for office in Office.objects.visible_to(successor)] == [Office.objects.latest("pk").pk]
    assert Office.objects.visible_to(office.member).get() == office


@pytest.mark.parametrize(
    ("role", "flags"), [("officer", (True, False, False)), ("administrator", (False, True, True))]
)
def test_an_officer_and_an_administrator_get_their_role_alone(invite, admin, role, flags):
    Client().post(invite("new@example.ca", role=role, office=None, by=admin), NEW)
    new = User.objects.get(email="new@example.ca")
    assert (new.is_officer, new.is_staff, new.is_superuser) == flags
    assert not Office.objects.visible_to(new).exists()


@pytest.mark.parametrize(
    ("before", "role", "reason"),
    [
        ({"is_officer": True}, "staff", "cannot work in a member"),
        ({"is_staff": True}, "staff", "cannot work in a member"),
        ({"is_staff": True}, "officer", "You have a role already"),
        ({"is_officer": True}, "administrator", "You have a role already"),
    ],
)
def test_nobody_has_two_roles_that_must_not_meet(invite, before, role, reason):
    who = with_second_step(User.objects.create_user("new@example.ca", name="New", **before))
    address = invite(who.email, role=role, **({} if role == "staff" else {"office": None}))
    assert reason in as_(who).post(address).content.decode()
    assert not Membership.objects.exists()


def test_staff_cannot_become_an_officer_while_they_are_staff(invite, office):
    who = User.objects.create_user("new@example.ca", name="New")
    Membership.objects.create(office=office, user=who)
    address = invite(who.email, role="officer", office=None)
    assert "cannot have this role as well" in as_(who).post(address).content.decode()


def test_someone_on_the_staff_already_joins_once(invite, office):
    who = User.objects.create_user("new@example.ca", name="New")
    Membership.objects.create(office=office, user=who)
    as_(who).post(invite(who.email))
    assert Membership.objects.count() == 1


# --- The pages ------------------------------------------------------------------------


def test_the_member_invites_by_mail_and_is_not_told_whether_there_is_an_account(
    office, member, django_capture_on_commit_callbacks
):
    User.objects.create_user("known@example.ca", name="Known")
    client, messages = as_(member), []
    for email in ("known@example.ca", "Unknown@Example.ca"):
        with django_capture_on_commit_callbacks(execute=True):
            answer = client.post(f"/office/{office.pk}/people", {"email": email}, follow=True)
        message = re.search(r'<div class="messages".*?</div>', answer.content.decode(), re.DOTALL)
        messages.append(message[0].lower().replace(email.lower(), "…") if message else "")
    assert "is on its way" in messages[0]
    assert messages[0] == messages[1]
    assert [m.to for m in mail.outbox] == [["known@example.ca"], ["unknown@example.ca"]]
    assert mail.outbox[0].subject == mail.outbox[1].subject


@pytest.mark.parametrize(
    ("email", "reason"),
    [("member@example.ca", "This is the member"), ("nobody", "valid email"), ("", "fill this in")],
)
def test_an_address_that_cannot_be_invited_is_said_and_stays_in_the_form(office, member, email, reason):
    html = as_(member).post(f"/office/{office.pk}/people", {"email": email}).content.decode()
    assert reason in html
    assert f'value="{email}"' in html or not email
    assert not Invitation.objects.exists()


def test_when_the_mail_cannot_be_sent_the_page_says_so(office, member, monkeypatch, transactional_db):
    def down(**_: object) -> None:
        raise OSError

    monkeypatch.setattr(people, "send_mail", down)
    html = as_(member).post(f"/office/{office.pk}/people", {"email": "bo@example.ca"}).content.decode()
    assert "could not be sent" in html


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
    admin, office, time_machine, *, starts_on, on, refused
):
    # It is still the 14th in Toronto.
    time_machine.move_to(datetime(2026, 11, 15, 4, 0, tzinfo=UTC))
    Office.objects.update(starts_on=starts_on)
    client = as_(admin)
    html = client.post(
        f"/people/offices/{office.pk}/end", {"on": on, "sure": on}, follow=True
    ).content.decode()
    assert ("no later than" in html) is refused
    assert Office.objects.current().exists() is refused


def test_staff_of_an_ended_term_read_until_the_member_removes_them_and_nobody_is_invited(
    office, member, admin, invite
):
    staff = User.objects.create_user("staff@example.ca", name="Sam Roy")
    membership = Membership.objects.create(office=office, user=staff)
    address = invite()
    people.end_term(office=office, on=date(2026, 11, 14), by=admin)
    assert Invitation.objects.get().revoked_at
    assert Client().get(address).status_code == 404
    for who, reason in ((member, "until you remove them"), (staff, "until the member removes them")):
        html = as_(who).get(f"/office/{office.pk}/people").content.decode()
        assert reason in html
        assert ("Remove Sam Roy" in html) is (who == member)
        assert "bo@example.ca" not in html
        assert "Send the invitation" not in html
    client = as_(member)
    assert client.post(f"/office/{office.pk}/people", {"email": "x@example.ca"}).status_code == 404
    assert client.post(f"/office/{office.pk}/people/{membership.pk}/remove").status_code == 302
    assert as_(staff).get(f"/office/{office.pk}/people").status_code == 404


def test_an_invitation_of_an_office_that_ended_without_more_ado_is_not_open(office, invite):
    address = invite()
    Office.objects.update(ends_on=date(2026, 11, 14))
    assert Client().get(address).status_code == 404


@pytest.mark.parametrize("directly", [False, True])
def test_an_invitation_ends_with_the_sign_in_of_whoever_sent_it(admin, member, invite, directly):
    address = invite()
    if directly:
        User.objects.filter(pk=member.pk).update(is_active=False)
    else:
        as_(admin).post(f"/people/{member.pk}/active")
        assert Invitation.objects.get().revoked_at
        as_(admin).post(f"/people/{member.pk}/active", {"active": "yes"})
    assert Client().post(address, NEW).status_code == 404


def test_what_someone_may_join_is_decided_by_what_they_are_by_then(invite):
    who = User.objects.create_user("bo@example.ca", name="Bo")
    key = invite().rpartition("/")[2]
    User.objects.filter(pk=who.pk).update(is_officer=True)
    with pytest.raises(people.CannotJoin):
        people.accept(key=key, user=who)
    User.objects.filter(pk=who.pk).update(is_officer=False, is_active=False)
    with pytest.raises(people.InvitationGone):
        people.accept(key=key, user=who)


def test_an_officer_sees_no_office_whatever_else_they_are(office):
    who = User.objects.create_user("officer@example.ca", name="Officer", is_officer=True)
    Membership.objects.create(office=office, user=who)
    assert not Office.objects.visible_to(who).exists()


def test_to_take_back_what_was_used_claims_nothing(office, member, admin, invite):
    Client().post(invite(), NEW)
    pk = Invitation.objects.get().pk
    html = as_(member).post(f"/invitations/{pk}/revoke", follow=True).content.decode()
    assert "bo@example.ca has come in already. You can remove them above." in html
    assert "no longer works" not in html
    Client().post(invite("new@example.ca", role="officer", office=None, by=admin), NEW)
    pk = Invitation.objects.latest("pk").pk
    html = as_(admin).post(f"/invitations/{pk}/revoke", follow=True).content.decode()
    assert "new@example.ca has come in already. You can close their sign-in above." in html


def test_to_take_an_invitation_back_twice_says_that_it_no_longer_works(member, invite):
    invite()
    pk = Invitation.objects.get().pk
    for _ in range(2):
        html = as_(member).post(f"/invitations/{pk}/revoke", follow=True).content.decode()
        assert "no longer works" in html


def test_what_was_typed_waits_for_a_fresh_proof(office, member):
    client = let_in(Client(), member)
    assert client.get(f"/office/{office.pk}/people").status_code == 200
    answer = client.post(f"/office/{office.pk}/people", {"email": "bo@example.ca"})
    assert answer.status_code == 409
    assert "bo@example.ca" in answer.content.decode()
    assert not Invitation.objects.exists()


@pytest.mark.parametrize("path", ["/people/", "/office/{pk}/people"])
@pytest.mark.parametrize("length", [254, 255, 320])
def test_an_address_may_be_as_long_as_addresses_get(office, member, admin, path, length):
    email = f"{'b' * 64}@{(('d' * 50 + '.') * 5)[: length - 69]}d.ca"
    assert len(email) == length
    client = as_(admin if path == "/people/" else member)
    html = client.post(path.format(pk=office.pk), {"email": email, "role": "officer"}).content.decode()
    assert Invitation.objects.exists() is (length == 254)
    assert length == 254 or "at most 254 characters" in html


def test_staff_see_who_works_there_and_change_nothing(office, invite):
    staff = User.objects.create_user("staff@example.ca", name="Sam Roy")
    membership = Membership.objects.create(office=office, user=staff)
    invite()
    client = as_(staff)
    html = client.get(f"/office/{office.pk}/people").content.decode()
    assert "Sam Roy" in html
    assert "bo@example.ca" in html
    assert "Send the invitation" not in html
    assert "Remove" not in html
    assert client.post(f"/office/{office.pk}/people", {"email": "x@example.ca"}).status_code == 404
    assert client.post(f"/office/{office.pk}/people/{membership.pk}/remove").status_code == 404
    assert client.post(f"/invitations/{Invitation.objects.get().pk}/revoke").status_code == 404


def test_someone_who_is_removed_is_out_at_once_and_everywhere(office, member, invite):
    client = Client()
    client.post(invite(), NEW)
    assert client.get(f"/office/{office.pk}/people").status_code == 200
    as_(member).post(f"/office/{office.pk}/people/{Membership.objects.get().pk}/remove")
    assert client.get("/office/").status_code == 302
    client.post("/account/login/", {"login": "bo@example.ca", "password": PASSWORD})
    assert client.get(f"/office/{office.pk}/people").status_code == 404


def test_a_forged_membership_of_another_office_is_not_ended(office, member):
    other = User.objects.create_user("other@example.ca", name="Other")
    elsewhere = Office.objects.create(name="Ward 4", member=other, starts_on=date(2022, 11, 15))
    staff = User.objects.create_user("staff@example.ca", name="Sam")
    membership = Membership.objects.create(office=elsewhere, user=staff)
    for office_pk in (office.pk, elsewhere.pk):
        assert as_(member).post(f"/office/{office_pk}/people/{membership.pk}/remove").status_code == 404
    assert Membership.objects.current().exists()


def test_a_sign_in_that_is_closed_and_opened_again_brings_back_no_session(admin, member):
    client = Client()
    client.post("/account/login/", {"login": member.email, "password": PASSWORD})
    boss = as_(admin)
    boss.post(f"/people/{member.pk}/active")
    assert client.get("/office/").status_code == 302
    boss.post(f"/people/{member.pk}/active", {"active": "yes"})
    assert client.get("/office/").status_code == 302
    member.refresh_from_db()
    assert member.is_active


def test_an_administrator_does_not_close_their_own_sign_in(admin):
    assert as_(admin).post(f"/people/{admin.pk}/active").status_code == 404


def test_an_administrator_hands_a_seat_over(admin, office, django_capture_on_commit_callbacks, time_machine):
    time_machine.move_to(datetime(2026, 11, 14, 15, 0, tzinfo=UTC))
    client = as_(admin)
    wrong = client.post(f"/people/offices/{office.pk}/end", {"on": "2022-11-15"}).content.decode()
    assert "The term began on 15 November 2022" in wrong
    asked = client.post(f"/people/offices/{office.pk}/end", {"on": "2026-11-14"}).content.decode()
    assert "The last day of Ward 10 (Ana Silva) will be 14 November 2026." in asked
    assert Office.objects.current().exists()
    for sure, status in (("2026-11-13", 200), ("2026-11-14", 302)):
        sent = {"on": "2026-11-14", "sure": sure}
        assert client.post(f"/people/offices/{office.pk}/end", sent).status_code == status
    assert client.get(f"/people/offices/{office.pk}/end").status_code == 404
    form = {"email": "New@example.ca", "role": "member", "seat": "Ward 10", "starts_on": "2026-11-15"}
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post("/people/", form).status_code == 302
    assert "new@example.ca" in client.get("/people/").content.decode()
    assert Client().post(link(), NEW).status_code == 302
    assert Office.objects.current().get().member.email == "new@example.ca"


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ({"role": "member"}, "A member needs this."),
        ({"role": "staff"}, "valid choice"),
        ({"role": "member", "seat": "Ward\x07", "starts_on": "2026-11-15"}, "control character"),
        ({"role": "member", "seat": "WARD 10", "starts_on": "2026-11-15"}, "Ana Silva holds this seat."),
        ({"role": "member", "seat": "Mayor", "starts_on": "2062-11-15"}, "at most 2 years from now"),
        ({"role": "member", "seat": "Mayor", "starts_on": "2012-11-15"}, "at most 5 years ago"),
        ({"role": "administrator", "email": "admin@example.ca"}, "Alex Martin is an administrator already"),
        ({"role": "officer", "email": "closed@example.ca"}, "The sign-in of Closed is closed."),
        ({"role": "officer", "email": "member@example.ca"}, "works in a member’s office"),
        (
            {"role": "member", "email": "member@example.ca", "seat": "Mayor", "starts_on": "2026-11-15"},
            "Ana Silva holds an office already: Ward 10.",
        ),
    ],
)
def test_what_is_wrong_with_an_administrators_invitation_is_said(admin, office, sent, reason, time_machine):
    time_machine.move_to(datetime(2026, 11, 14, 15, 0, tzinfo=UTC))
    User.objects.create_user("closed@example.ca", name="Closed", is_active=False)
    html = as_(admin).post("/people/", {"email": "new@example.ca", **sent}).content.decode()
    assert reason in html
    assert not Invitation.objects.exists()


def test_seat_and_first_day_are_wrong_with_members_alone(admin):
    sent = {"email": "new@example.ca", "role": "officer", "seat": "Ward\x07", "starts_on": "soon"}
    assert as_(admin).post("/people/", sent).status_code == 302
    assert Invitation.objects.get().seat == ""


def test_open_invitations_to_more_than_one_role_are_told_of(admin):
    client = as_(admin)
    for role in ("officer", "administrator"):
        html = client.post(
            "/people/", {"email": "new@example.ca", "role": role}, follow=True
        ).content.decode()
    assert "has another open invitation, for this: commissioner&#x27;s office." in html


def test_a_member_learns_of_an_address_no_more_than_whether_it_is_on_their_own_staff(office, member, admin):
    staff = User.objects.create_user("staff@example.ca", name="Sam Roy")
    Membership.objects.create(office=office, user=staff)
    User.objects.create_user("closed@example.ca", name="Closed", is_active=False)
    client = as_(member)
    address = f"/office/{office.pk}/people"
    assert "in the office already" in client.post(address, {"email": staff.email}).content.decode()
    for email in ("admin@example.ca", "closed@example.ca"):
        assert client.post(address, {"email": email}).status_code == 302


@pytest.mark.parametrize(
    ("role", "reason"),
    [
        ("staff", "to the social media self-check, to work for Ward 10 (Ana Silva)."),
        ("officer", "to the social media self-check, as an officer of the Integrity Commissioner."),
        ("administrator", "to the social media self-check, as an administrator of the portal."),
    ],
)
def test_an_invitation_says_in_plain_words_what_one_is_invited_as(invite, admin, role, reason):
    address = invite(role=role, **({} if role == "staff" else {"office": None, "by": admin}))
    html = Client().get(address).content.decode()
    assert reason in " ".join(html.split())
    assert "Create my sign-in" in html
    assert role == "staff" or reason.rpartition(", ")[2] in " ".join(str(mail.outbox[-1].body).split())


def test_to_close_a_sign_in_is_asked_first_and_times_are_torontos(admin, member, invite):
    invite("new@example.ca", role="officer", office=None, by=admin)
    html = as_(admin).get("/people/").content.decode()
    at = html.index("Close the sign-in")
    assert "<details" in html[:at]
    assert "signed out everywhere at once" in html[at : html.index("</details>", at)]
    assert "(Toronto time)" in html


@pytest.mark.parametrize(
    ("more", "page"), [({"is_officer": True}, "/desk/"), ({"is_staff": True}, "/people/")]
)
def test_whoever_has_no_accounts_is_led_to_their_own_first_page(more, page):
    who = with_second_step(User.objects.create_user("new@example.ca", name="New", **more))
    assert as_(who).get("/office/")["Location"] == page


def test_whoever_invites_very_many_has_to_wait(office, member, settings):
    settings.ACCOUNT_RATE_LIMITS = {"invite": "1/h/user"}
    client = as_(member)
    for email in ("one@example.ca", "two@example.ca"):
        html = client.post(f"/office/{office.pk}/people", {"email": email}, follow=True).content.decode()
    assert "many invitations" in html
    assert Invitation.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite lets one in after the other")
def test_of_two_who_use_one_link_at_once_one_comes_in():
    from threading import Barrier, Thread  # noqa: PLC0415

    member = User.objects.create_user("member@example.ca", PASSWORD, name="Ana Silva")
    office = Office.objects.create(name="Ward 10", member=member, starts_on=date(2022, 11, 15))
    people.invite(email="bo@example.ca", role="staff", office=office, by=member)
    address, barrier, statuses = link(), Barrier(2), []

    def come() -> None:
        barrier.wait()
        statuses.append(Client().post(address, NEW).status_code)
        connection.close()

    threads = [Thread(target=come) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [302, 404]
    assert Membership.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite lets one in after the other")
@pytest.mark.parametrize("what", ["one new address", "one seat"])
def test_of_two_who_want_what_one_alone_can_have_at_once_one_comes_in(what, monkeypatch):
    from threading import Barrier, Thread  # noqa: PLC0415

    admin = User.objects.create_superuser("admin@example.ca", PASSWORD, name="Alex Martin")
    addresses = []
    for name in "ab":
        address = "a" if what == "one new address" else name
        seat = "Ward 10" if what == "one seat" else f"Ward {name}"
        people.invite(
            email=f"{address}@example.ca", role="member", seat=seat, starts_on=date(2026, 11, 15), by=admin
        )
        addresses.append(link())
    barrier, answers = Barrier(2), []
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

    def come(address: str) -> None:
        answers.append(Client().post(address, NEW))
        connection.close()

    threads = [Thread(target=come, args=[address]) for address in addresses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [200, 302]
    reason = {"one new address": "There is a sign-in with this address", "one seat": people.SEAT_IS_HELD}[
        what
    ]
    assert reason in next(answer for answer in answers if answer.status_code == 200).content.decode()
    assert Office.objects.count() == 1
