"""Notices: listed in full in the portal, and only as a number in emails."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail, signing
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from assessments.models import Assessment, Membership, Notice, Office, Thread, User
from assessments.services import notices, reviewing
from assessments.services.answering import Change, save_answers
from assessments.services.mail import send_mail
from assessments.services.notices import SALT
from tests.cast import HANDLE, Cast, client_of, make, person

pytestmark = pytest.mark.django_db

CANARY = "canary7741"


def fill(cast: Cast) -> None:
    """Two more people on the staff, one of whom cannot sign in; and the draft's first answer."""
    for name, fields in {"cy": {}, "ed": {"is_active": False}}.items():
        Membership.objects.create(office=cast.office, user=person(name, **fields))
    changes = [Change("resources.email", "yes", f"{CANARY} note")]
    save_answers(draft=cast.draft, changes=changes, by=cast.member)


@pytest.fixture(scope="module")
def module_filled(module_cast: Cast) -> None:
    fill(module_cast)


@pytest.fixture
def draft(module_filled: None, cast: Cast) -> Assessment:
    draft: Assessment = cast.draft
    return draft


def user(name: str) -> User:
    return User.objects.get(email=f"{name}@example.ca")


def as_(name: str) -> Client:
    return client_of(user(name))


def say(draft: Any, name: str = "staff", text: str = f"{CANARY} comment") -> Thread:
    return reviewing.comment(assessment=draft, about="whole", subject="", text=text, by=user(name))


def notified() -> list[tuple[str, str]]:
    return sorted(Notice.objects.values_list("user__name", "kind"))


@pytest.mark.postgres
def test_everybody_else_who_works_there_today_is_told_and_nobody_more(draft):
    say(draft)
    assert notified() == [("Ana Silva", "comment"), ("Cy", "comment")]


def test_the_same_again_brings_a_notice_up_to_date_until_it_was_seen_or_mailed(draft, time_machine):
    say(draft)
    first = Notice.objects.get(user=user("member"))
    time_machine.move_to(timezone.now() + timedelta(minutes=5))
    say(draft, text="more")
    assert notified() == [("Ana Silva", "comment"), ("Cy", "comment")]
    assert Notice.objects.get(user=user("member")).at > first.at
    say(draft, name="cy")
    assert len(notified()) == 4
    notices.mark_seen(by=user("member"))
    say(draft, text="and more")
    assert Notice.objects.filter(user=user("member"), by=user("staff")).count() == 2


def test_the_queue_shows_what_waits_and_the_head_of_the_page_how_much(draft):
    say(draft)
    reviewing.mark_ready(assessment=draft, by=user("staff"))
    page = as_("member").get("/office/waiting").content.decode()
    assert "Waiting (2" in page
    assert "You have 2 items waiting." in page
    # A thread that waits is not listed a second time as a notice.
    assert page.count(f"/assessments/{draft.pk}/review") == 2
    assert f"/review#t-{Thread.objects.get().pk}" in page
    assert "About the whole self-check. Sam Roy wrote the last comment" in page
    assert f"“{CANARY} comment”" in page
    assert "Sam Roy marked this draft as ready on " in page
    # The person who did it gets no notice of it.
    mine = as_("staff").get("/office/waiting").content.decode()
    assert f"/assessments/{draft.pk}/review" not in mine


def test_what_one_has_looked_at_answered_or_seen_waits_no_more(draft):
    thread = say(draft)
    reviewing.mark_ready(assessment=draft, by=user("staff"))
    reviewing.look(assessment=draft, by=user("member"))
    reviewing.reply(thread=thread, text="Yes.", by=user("member"), seen=1)
    client = as_("member")
    client.post("/office/waiting/seen")
    page = client.get("/office/waiting").content.decode()
    assert "You have no items waiting." in page
    assert "No drafts to review" in page
    assert "No comments to answer" in page
    assert "New." not in page
    assert "Waiting (" not in page


def test_someone_who_left_sees_no_notice_any_more(draft):
    say(draft)
    Membership.objects.filter(user=user("cy")).update(ended_at=timezone.now())
    assert CANARY not in as_("cy").get("/office/waiting").content.decode()
    call_command("send_notices")
    assert [message.to for message in mail.outbox] == [["member@example.ca"]]


def test_nothing_of_a_term_that_has_ended_waits_for_anybody(draft):
    say(draft)
    reviewing.mark_ready(assessment=draft, by=user("staff"))
    notices.mark_seen(by=user("member"))
    Office.objects.update(ends_on="2026-11-14")
    page = as_("member").get("/office/waiting").content.decode()
    assert "You have no items waiting." in page
    assert "Waiting (" not in page


def test_a_thread_that_waits_says_which_question_it_is_on_and_a_notice_leads_to_it(draft):
    thread = reviewing.comment(
        assessment=draft, about="question", subject="resources.email", text="Hm?", by=user("staff")
    )
    page = as_("member").get("/office/waiting").content.decode()
    assert "About the question “toronto.ca address in the registration”" in page
    reviewing.resolve(thread=thread, seen=1, by=user("staff"))
    page = as_("member").get("/office/waiting").content.decode()
    assert "Sam Roy resolved comments" in page
    assert page.count(f"/review#t-{thread.pk}") == 2


# --- Mail ---------------------------------------------------------------------------------------


def test_a_mail_says_how_much_waits_and_nothing_of_what_it_is(draft, capsys):
    say(draft)
    reviewing.mark_ready(assessment=draft, by=user("staff"))
    call_command("send_notices")
    assert capsys.readouterr().out == "Emails sent: 2. Emails waiting: 0.\n"
    message: Any = next(message for message in mail.outbox if message.to == ["member@example.ca"])
    html = str(message.alternatives[0][0])
    for text in (message.body, html):
        assert "You have 2 new notices about a self-check" in text
        assert "/office/waiting" in text
        assert not re.search(f"{CANARY}|{HANDLE}|Sam|@|comment|ready|Ward", text.replace("@media", ""))
    assert message.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert CANARY not in str(message.extra_headers) + message.subject


@pytest.mark.postgres
def test_one_person_gets_one_mail_an_hour_at_most(draft, time_machine):
    say(draft)
    call_command("send_notices")
    assert len(mail.outbox) == 2
    say(draft, text="more")
    for minutes in (0, 30, 29):
        time_machine.move_to(timezone.now() + timedelta(minutes=minutes))
        call_command("send_notices")
    assert len(mail.outbox) == 2
    time_machine.move_to(timezone.now() + timedelta(minutes=2))
    call_command("send_notices")
    assert len(mail.outbox) == 4


def test_what_was_seen_or_mailed_is_not_mailed(draft):
    say(draft)
    notices.mark_seen(by=user("member"))
    for _ in range(2):
        call_command("send_notices")
    assert [message.to for message in mail.outbox] == [["cy@example.ca"]]


def test_a_mail_that_cannot_be_sent_stops_no_other_and_is_tried_again(draft, monkeypatch, capsys):
    say(draft)
    sending = send_mail

    def one_fails(*, to: str, **more: Any) -> None:
        if to == "member@example.ca":
            raise OSError(f"cannot reach {to}")
        sending(to=to, **more)

    monkeypatch.setattr(notices, "send_mail", one_fails)
    call_command("send_notices")
    output = capsys.readouterr().out
    assert "Emails sent: 1. Emails waiting: 1." in output
    assert "2 minutes or more after the last attempt" in output
    monkeypatch.undo()
    call_command("send_notices")
    assert sorted(message.to[0] for message in mail.outbox) == ["cy@example.ca", "member@example.ca"]


def test_a_run_that_is_killed_before_it_sends_loses_no_digest(draft, time_machine):
    say(draft)
    assert notices._claim(user("member").pk)
    # What is new meanwhile is a notice of its own.
    say(draft, text="more")
    call_command("send_notices")
    assert [message.to for message in mail.outbox] == [["cy@example.ca"]]
    time_machine.move_to(timezone.now() + timedelta(minutes=3))
    call_command("send_notices")
    assert [message.to for message in mail.outbox][1:] == [["member@example.ca"]]


@pytest.mark.parametrize("error", [OSError, ValueError])
def test_no_fault_of_one_digest_stops_the_others(draft, monkeypatch, error):
    say(draft)

    def fails(**_: Any) -> None:
        raise error("member@example.ca")

    monkeypatch.setattr(notices, "send_mail", fails)
    assert notices.send_digests() == (0, 2)


@pytest.mark.django_db(transaction=True)
def test_one_attempt_is_made_for_a_person_however_much_waits_and_outside_of_a_transaction(monkeypatch):
    cast = make()
    fill(cast)
    draft = cast.draft
    say(draft)
    say(draft, name="cy", text="more")
    reviewing.mark_ready(assessment=draft, by=user("staff"))
    tried = []

    def fails(*, to: str, **_: Any) -> None:
        tried.append((to, connection.in_atomic_block))
        raise OSError

    monkeypatch.setattr(notices, "send_mail", fails)
    assert notices.send_digests() == (0, len(tried))
    assert sorted(tried) == [(f"{name}@example.ca", False) for name in ("cy", "member", "staff")]
    assert not Notice.objects.filter(mailed_at__isnull=False).exists()


def test_the_link_in_a_mail_stops_it_with_one_press_and_without_signing_in(draft):
    say(draft)
    call_command("send_notices")
    message: Any = next(message for message in mail.outbox if message.to == ["member@example.ca"])
    path = re.search(r"https://[^/]+(/\S+)>", message.extra_headers["List-Unsubscribe"])
    assert path
    client = Client(enforce_csrf_checks=True)
    assert "Turn off email notices to m•••@example.ca?" in client.get(path[1]).content.decode()
    assert user("member").mail_notices
    client.post(path[1], {"List-Unsubscribe": "One-Click"})
    assert (user("member").mail_notices, user("cy").mail_notices) == (False, True)
    assert client.get(path[1] + "x").status_code == 404


def test_the_page_that_stops_mail_says_whose_it_is_and_warns_somebody_else(draft):
    path = f"/notices/stop/{notices.stop_token(user('member'))}"
    for name, warned in (("member", False), ("cy", True)):
        for answer in (as_(name).get(path), as_(name).post(path)):
            html = answer.content.decode()
            assert "m•••@example.ca" in html
            assert "member@example.ca" not in html
            assert ("these notices are for someone else" in html) is warned
    assert "signed in as" not in Client().get(path).content.decode()


def test_mail_can_be_turned_off_and_on_in_the_portal(draft):
    client = as_("member")
    client.post("/office/waiting/mail")
    say(draft)
    call_command("send_notices")
    assert [message.to for message in mail.outbox] == [["cy@example.ca"]]
    client.post("/office/waiting/mail", {"wanted": "yes"})
    call_command("send_notices")
    assert mail.outbox[-1].to == ["member@example.ca"]


@pytest.mark.parametrize(
    "forged",
    [
        lambda pk: signing.dumps(pk, salt="another purpose"),
        lambda pk: signing.dumps(pk, salt=SALT, key="a key of their own"),
        lambda pk: signing.TimestampSigner(salt=SALT, algorithm="sha1").sign_object(pk),
        lambda pk: signing.TimestampSigner(salt=SALT, algorithm="md5").sign_object(pk),
        lambda pk: signing.dumps(pk, salt=SALT).rpartition(":")[0],
        lambda pk: (
            signing.dumps(pk + 1, salt=SALT).partition(":")[0]
            + ":"
            + signing.dumps(pk, salt=SALT).partition(":")[2]
        ),
    ],
    ids=["purpose", "key", "sha1", "md5", "unsigned", "content"],
)
def test_a_token_counts_only_with_our_key_our_algorithm_and_for_its_own_purpose(draft, forged):
    person = user("member")
    assert Client().get(f"/notices/stop/{signing.dumps(person.pk, salt=SALT)}").status_code == 200
    assert Client().get(f"/notices/stop/{forged(person.pk)}").status_code == 404
