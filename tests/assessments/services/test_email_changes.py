"""One's own name and email address: the address counts once it is confirmed, and no page tells who has which."""

import logging
import re
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount as Link
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from assessments.models import AuditEvent, EmailChange, Invitation, OutgoingMail, User
from assessments.services import email_changes, outbox, people
from assessments.services.audit import Action
from assessments.services.email_changes import AddressTaken
from assessments.services.retention import purge_expired
from config.logs import WithoutKeys
from config.oidc import Provider
from tests.cast import PASSWORD, client_of, person

pytestmark = pytest.mark.django_db

PAGE, SEND, CANCEL = "/your-details/", "/your-details/email", "/your-details/email/cancel"


@pytest.fixture
def ask(cast, django_capture_on_commit_callbacks) -> Any:
    """Ask for an address as the cast's member; return the page that follows."""

    def ask(email: str = "new@example.ca", client: Client | None = None) -> str:
        with django_capture_on_commit_callbacks(execute=True):
            answer = (client or cast.client("member")).post(SEND, {"email": email}, follow=True)
        return str(answer.content.decode())

    return ask


def sent(name: str = "Confirm your new email address") -> Any:
    """The last email with this subject."""
    return next(message for message in reversed(mail.outbox) if message.subject == name)


def link() -> str:
    match = re.search(r"https://[^/\s]+(/your-details/email/\S+)", str(sent().body))
    assert match
    return match[1]


def text_of(html: str) -> str:
    return " ".join(re.sub("<[^>]+>", "", html.partition("<main")[2].partition("</main>")[0]).split())


# --- The name ------------------------------------------------------------------------


def test_a_new_name_counts_immediately_and_the_former_one_stays_beside_it(cast):
    html = cast.client("member").post(PAGE, {"name": " Ana  Silva-Roy "}, follow=True).content.decode()
    assert "Your name is now Ana Silva-Roy." in html
    page = cast.client("staff").get(f"/office/{cast.office_pk}/people").content.decode()
    assert "Ana Silva-Roy (formerly Ana Silva)" in " ".join(page.split())
    assert AuditEvent.objects.of_chain(cast.office_pk).latest("number").action == Action.RENAMED


@pytest.mark.parametrize(("name", "error"), [("", "Enter your name."), ("x" * 201, "at most 200 characters")])
def test_a_name_that_cannot_be_used_stays_in_the_form(cast, name, error):
    html = cast.client("member").post(PAGE, {"name": name}).content.decode()
    assert error in html
    assert name in html
    assert cast.member.name == "Ana Silva"


# --- Asking for an address ---------------------------------------------------------------


def test_the_sign_in_settings_lead_to_the_page(cast):
    assert f'href="{PAGE}"' in cast.client("member").get("/account/security/").content.decode()


def test_a_link_goes_to_the_new_address_and_a_notice_to_the_present_one(cast, ask):
    html = ask(" New@Example.CA ")
    assert "An email with a link is on its way to new@example.ca." in html
    assert "Waiting for you to confirm" in html
    assert cast.member.email == "member@example.ca"
    assert [message.to for message in mail.outbox] == [["new@example.ca"], ["member@example.ca"]]
    notice = str(sent("Someone asked to change your email address").body)
    assert "n•••@example.ca" in notice
    assert "/your-details/" in notice
    assert link().rpartition("/")[2] not in notice
    for message in mail.outbox:
        assert "new@example.ca" not in str(message.body)
        assert "member@example.ca" not in str(message.body)


def test_no_stored_row_has_a_link_that_works(cast, ask, monkeypatch):
    monkeypatch.setattr(outbox, "send_mail", lambda **_: (_ for _ in ()).throw(OSError()))
    ask()
    (queued,) = OutgoingMail.objects.filter(name="email_change")
    assert cast.client("member").get(queued.path).status_code == 404
    monkeypatch.undo()
    OutgoingMail.objects.update(tried_at=None)
    outbox.send_one.call(queued.pk)
    assert cast.client("member").get(link()).status_code == 200


def test_an_email_that_fails_undoes_nothing_and_is_sent_later(cast, ask, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    assert "Waiting for you to confirm" in ask()
    assert OutgoingMail.objects.count() == 2


def test_a_taken_address_gets_the_same_page_and_its_owner_an_email_without_a_link_to_confirm(cast, ask):
    pages = {}
    for email in ("free@example.ca", cast.stranger.email, cast.staff.email):
        mail.outbox.clear()
        pages[email] = text_of(ask(email)).replace(email, "…")
        assert sorted(message.to[0] for message in mail.outbox) == sorted([email, "member@example.ca"])
    assert len(set(pages.values())) == 1
    taken = str(sent("Someone entered your email address").body)
    assert "/your-details/email" not in taken
    assert "Ana" not in taken
    assert "member@example.ca" not in taken


def test_a_taken_address_costs_the_same_work(cast):
    client, work = cast.client("member"), []
    # The first one begins the count of the limit.
    client.post(SEND, {"email": "first@example.ca"})
    for email in ("free@example.ca", cast.stranger.email):
        with CaptureQueriesContext(connection) as queries:
            client.post(SEND, {"email": email})
        work.append(len(queries))
    assert work[0] == work[1]


@pytest.mark.parametrize(
    ("email", "error"),
    [
        ("member@example.ca", "This is already your email address."),
        (" Member@EXAMPLE.ca", "This is already your email address."),
        ("", "Enter the new email address."),
        ("nobody", "Enter one valid email address"),
        (f"{'b' * 250}@example.ca", "at most 254 characters"),
    ],
)
def test_an_address_that_cannot_be_used_stays_in_the_form_and_nothing_is_sent(cast, ask, email, error):
    html = ask(email)
    assert error in html
    assert email.strip().lower() in html.lower()
    assert mail.outbox == []
    assert not EmailChange.objects.exists()


def test_it_asks_for_a_fresh_proof_and_keeps_what_was_typed(cast):
    client = cast.client("member", fresh=False)
    assert client.get(PAGE).status_code == 302
    answer = client.post(SEND, {"email": "new@example.ca"})
    assert answer.status_code == 409
    assert "new@example.ca" in answer.content.decode()
    assert not EmailChange.objects.exists()


@pytest.mark.parametrize("role", ["officer", "administrator"])
def test_without_the_second_step_nobody_with_a_role_reaches_it(role):
    user = person("new", password=PASSWORD)
    User.objects.filter(pk=user.pk).update(is_officer=role == "officer", is_staff=role == "administrator")
    client = Client()
    client.post("/account/login/", {"login": user.email, "password": PASSWORD})
    for answer in (client.get(PAGE), client.post(SEND, {"email": "other@example.ca"})):
        assert (answer.status_code, answer["Location"]) == (302, "/account/security/")
    assert not EmailChange.objects.exists()


def test_many_links_in_a_short_time_have_to_wait(ask, settings):
    settings.ACCOUNT_RATE_LIMITS = {"change_email": "1/h/user"}
    ask()
    assert "Try again in an hour" in ask("other@example.ca")
    assert EmailChange.objects.get().email == "new@example.ca"


# --- Confirming it -------------------------------------------------------------------------


def test_the_address_counts_once_its_link_is_opened_and_other_sessions_end(cast, ask):
    member = cast.member
    member.set_password(PASSWORD)
    member.save()
    here, elsewhere = Client(), Client()
    for client in (here, elsewhere):
        client.post("/account/login/", {"login": member.email, "password": PASSWORD})
    ask(client=here)
    page = here.get(link()).content.decode()
    assert "to <strong" in page
    assert cast.member.email == "member@example.ca"
    answer = here.post(link(), follow=True)
    assert "Your email address is now new@example.ca." in answer.content.decode()
    assert cast.member.email == "new@example.ca"
    assert here.get("/office/").status_code == 200
    assert elsewhere.get("/office/").status_code == 302
    for email, is_in in (("member@example.ca", False), ("new@example.ca", True)):
        client = Client()
        client.post("/account/login/", {"login": email, "password": PASSWORD})
        assert ("_auth_user_id" in client.session) is is_in
    assert not EmailAddress.objects.exists()
    for chain in (cast.office_pk, None):
        event = AuditEvent.objects.of_chain(chain).get(action="email_changed")
        assert (event.record_type, event.record_id) == ("user", member.pk)


def test_an_office_where_the_person_no_longer_works_does_not_learn_of_the_change(cast, ask):
    client = cast.client("former_staff")
    ask(client=client)
    before = AuditEvent.objects.of_chain(cast.office_pk).count()
    assert client.post(link()).status_code == 302
    assert AuditEvent.objects.of_chain(cast.office_pk).count() == before
    assert AuditEvent.objects.of_chain(None).latest("number").action == "email_changed"


def test_the_former_address_gets_a_notice_of_the_change(cast, ask, django_capture_on_commit_callbacks):
    ask()
    with django_capture_on_commit_callbacks(execute=True):
        cast.client("member").post(link())
    notice = sent("Your email address was changed")
    assert notice.to == ["member@example.ca"]
    assert "n•••@example.ca" in str(notice.body)
    assert "new@example.ca" not in str(notice.body)


def test_someone_who_is_signed_out_signs_in_and_comes_back_to_the_link(ask):
    ask()
    answer = Client().get(link())
    assert answer.status_code == 302
    assert answer["Location"].startswith("/account/login/?next=/your-details/email/")


@pytest.mark.parametrize("who", ["stranger", "staff", "officer", "administrator"])
def test_another_person_changes_nothing_with_the_link_and_is_told_so(cast, ask, who):
    ask()
    client, before = cast.client(who), cast.user(who).email
    for answer in (client.get(link()), client.post(link())):
        html = answer.content.decode()
        assert answer.status_code == 403
        assert "This link is for another sign-in" in html
        assert "Nothing was changed." in html
        assert "new@example.ca" not in html
        assert "member@example.ca" not in html
    assert (cast.user(who).email, cast.member.email) == (before, "member@example.ca")


@pytest.mark.parametrize(("seconds", "works"), [(-1, True), (0, False), (1, False)])
def test_a_link_works_for_a_week_and_then_says_what_to_do(cast, ask, time_machine, seconds, works):
    ask()
    time_machine.move_to(EmailChange.objects.get().ends_at + timedelta(seconds=seconds), tick=False)
    for method in ("get", "post"):
        answer = getattr(client_of(cast.member), method)(link())
        assert answer.status_code == ({"get": 200, "post": 302}[method] if works else 404)
        assert works or "This link has expired" in answer.content.decode()
    assert (cast.member.email == "new@example.ca") is works
    assert works or "Ask for a new link" in answer.content.decode()


@pytest.mark.parametrize("how", ["used", "replaced", "cancelled", "suspended", "no signature", "forged"])
def test_a_link_that_is_of_no_use_any_more_changes_nothing_and_says_so(cast, ask, how):
    ask()
    address, client = link(), cast.client("member")
    if how == "used":
        client.post(address)
    elif how == "replaced":
        ask("other@example.ca")
    elif how == "cancelled":
        client.post(CANCEL)
    elif how == "suspended":
        people.set_active(user=cast.member, active=False, by=cast.administrator)
        people.set_active(user=cast.member, active=True, by=cast.administrator)
        client = cast.client("member")
    elif how == "no signature":
        address = address.rpartition(":")[0]
    else:
        address = address[:-1] + ("a" if address[-1] != "a" else "b")
    before = cast.member.email
    for answer in (client.get(address), client.post(address)):
        assert answer.status_code == 404
        assert "This link can’t be used" in answer.content.decode()
    assert cast.member.email == before


def test_a_suspended_person_confirms_nothing(cast, ask):
    ask()
    client = cast.client("member")
    User.objects.filter(pk=cast.member.pk).update(is_active=False)
    assert client.post(link()).status_code == 409
    assert cast.member.email == "member@example.ca"


@pytest.mark.postgres
def test_an_address_that_is_taken_by_then_is_not_given_twice(cast, ask):
    ask()
    person("new")
    client = cast.client("member")
    answer = client.post(link())
    assert answer.status_code == 409
    assert "Another sign-in now uses the new address." in answer.content.decode()
    token = link().rpartition("/")[2]
    with pytest.raises(AddressTaken):
        email_changes.confirm_email(token=token, by=cast.member, session=None)
    assert cast.member.email == "member@example.ca"


def test_a_change_that_is_cancelled_is_gone_from_the_page_and_from_the_outbox(cast, ask, monkeypatch):
    monkeypatch.setattr(outbox, "send_mail", lambda **_: (_ for _ in ()).throw(OSError()))
    ask()
    html = cast.client("member").post(CANCEL, follow=True).content.decode()
    assert "The change is cancelled. Your email address is member@example.ca." in html
    assert "Waiting for you" not in html
    assert not OutgoingMail.objects.filter(name="email_change").exists()
    assert "is cancelled" in cast.client("member").post(CANCEL, follow=True).content.decode()


def test_an_expired_change_is_deleted_after_a_month(ask, time_machine):
    ask()
    ends_at = EmailChange.objects.get().ends_at
    for days, stays in ((29, True), (30, False)):
        time_machine.move_to(ends_at + timedelta(days=days), tick=False)
        purge_expired()
        assert EmailChange.objects.exists() is stays


def test_an_invitation_and_a_password_link_are_for_the_new_address_only(cast, ask):
    member = cast.member
    Invitation.objects.all().delete()
    ask()
    Client().post("/account/password/reset/", {"email": member.email})
    reset = re.search(r"https://[^/\s]+(/account/password/reset/key/\S+)", str(mail.outbox[-1].body))
    assert reset
    cast.client("member").post(link())
    assert "This link no longer works" in Client().get(reset[1], follow=True).content.decode()


def test_what_happens_to_single_sign_on_is_said_where_it_is_linked(cast, settings):
    client = cast.client("member")
    settings.OIDC = Provider("https://login.example.ca", "portal", "secret", name="City account")
    assert "sign in with City account" not in client.get(PAGE).content.decode()
    Link.objects.create(user=cast.member, provider="https://login.example.ca", uid="1")
    assert "You can still sign in with City account" in client.get(PAGE).content.decode()


def test_the_log_and_the_record_show_neither_the_link_nor_the_address(ask):
    ask()
    record = logging.LogRecord("x", 30, "x", 1, f"Not Found: {link()}", (), None)
    WithoutKeys().filter(record)
    assert record.getMessage() == "Not Found: /your-details/email/…"
    assert "new" not in str(EmailChange.objects.get())
