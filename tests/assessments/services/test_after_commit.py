"""What follows a commit undoes neither the write nor the response to it: mail and storage may fail."""

import re
from datetime import timedelta
from pathlib import Path
from smtplib import SMTPServerDisconnected
from threading import Thread
from typing import Any

import pytest
from django.core import mail
from django.core.files.storage import FileSystemStorage
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from assessments.models import (
    AdviceEntry,
    Assessment,
    Membership,
    OutgoingMail,
    Share,
    StoredPdf,
    User,
    Withdrawal,
)
from assessments.services import after_commit as module
from assessments.services import printing, sharing
from assessments.services.after_commit import after_commit
from assessments.services.outbox import TRIED_FOR, queue_mail, send_one, send_waiting
from assessments.services.people import invite
from tests.cast import NONCE, attested, make, seen, shared

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).parents[3]
PASSWORD = "a quiet harbour 9"
GIVE = {"rule": "9", "question": "account.stage", "nonce": NONCE, "give": "yes", "consent": "yes"}


@pytest.fixture
def portal(db: None) -> Any:
    return make()


@pytest.fixture
def no_mail(settings: Any) -> None:
    """Nothing listens at the mail server's address."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9


@pytest.fixture
def no_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    """No task can be queued, as when the database fails just after the commit."""

    def fails(*_: object, **__: object) -> None:
        raise ConnectionError("with an address: pat@example.ca")

    monkeypatch.setattr("django_tasks.base.Task.enqueue", fails)


@pytest.fixture
def no_storage(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every use of the storage fails, and not with OSError."""

    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("the bucket is gone")

    for name in ("save", "delete", "exists", "open"):
        monkeypatch.setattr(FileSystemStorage, name, fails)


def test_every_hook_goes_through_the_one_function():
    uses = {
        str(path.relative_to(ROOT))
        for folder in ("assessments", "bulletin", "config")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"\bon_commit\(", re.sub(r"`[^`]*`", "", path.read_text()))
    }
    # The migration deletes files only on the way back.
    assert uses == {"assessments/services/after_commit.py", "assessments/migrations/0008_exports.py"}


def test_a_hook_that_raises_is_logged_without_its_message_and_stops_no_other(portal, caplog):
    done: list[int] = []

    def fails() -> None:
        raise RuntimeError("pat@example.ca")

    with transaction.atomic():
        after_commit("the first", fails)
        after_commit("the second", done.append, 2)
    assert done == [2]
    assert [(r.name, r.getMessage()) for r in caplog.records] == [
        (module.__name__, "An error after a commit: the first (RuntimeError)")
    ]


@pytest.mark.parametrize("broken", ["no_mail", "no_queue", "no_storage"])
def test_each_write_stands_and_is_answered_when_what_follows_it_fails(portal, unprinted, broken, request):
    attestation = attested(portal.account)
    share = shared(attestation, ask="May I?")
    printing.pdf_of(share)
    invite(email="new@example.ca", role="staff", office=portal.office, by=portal.member)
    link = re.findall(r"/invitation/\S+", str(mail.outbox[-1].body))[0]
    draft = portal.draft
    request.getfixturevalue(broken)
    joining, member = Client(), portal.client("member")
    answers = {
        "advice": portal.client("officer").post(f"/shares/{share.pk}/advice", {"text": "You may."}),
        "reply": member.post(f"/shares/{share.pk}/advice", {"text": "Thanks."}),
        "share": member.post(f"/assessments/{attestation.assessment_id}/share", GIVE),
        "withdraw": member.post(f"/shares/{share.pk}/withdraw"),
        "join": joining.post(
            link, {"name": "New Person", "new_password1": PASSWORD, "new_password2": PASSWORD}
        ),
    }
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(answers, 302)
    assert Withdrawal.objects.count() == 1
    assert Share.objects.count() == 2
    # Whoever joined is signed in.
    assert joining.get("/office/").status_code == 200
    assert Membership.objects.filter(user__email="new@example.ca").exists()
    name = portal.office.name
    answer = member.post(f"/office/{portal.office_pk}/erase", {"name_of_office": name})
    assert answer.status_code == 302
    assert not Share.objects.exists()
    assert not Assessment.objects.filter(pk=draft.pk).exists()


@pytest.mark.parametrize("broken", ["no_queue", "no_storage"])
def test_attesting_stands_when_its_pdf_cannot_be_queued_or_stored(portal, unprinted, broken, request):
    from tests.cast import answered  # noqa: PLC0415 - only here

    draft = answered(portal.account, portal.member)
    request.getfixturevalue(broken)
    answer = portal.client("member").post(
        f"/assessments/{draft.pk}/attest", {"stand": "yes", "seen": seen(draft)}
    )
    assert answer["Location"] == f"/assessments/{draft.pk}/"
    assert not StoredPdf.objects.exists()


def test_mail_that_fails_is_sent_by_the_next_run(portal, unprinted, settings, capsys):
    working = settings.EMAIL_BACKEND
    attestation = attested(portal.account)
    share = shared(attestation, ask="May I?")
    mail.outbox.clear()
    OutgoingMail.objects.all().delete()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    sharing.write_advice(share=share, text="You may.", by=portal.officer)
    sharing.write_advice(share=share, text="Thanks.", by=portal.member)
    assert AdviceEntry.objects.count() == 2
    assert OutgoingMail.objects.count() == 2
    settings.EMAIL_BACKEND = working
    call_command("send_notices")
    assert " Emails waiting: 2. The first run that starts" in capsys.readouterr().out
    mail.outbox.clear()
    later = timezone.now() - timedelta(minutes=3)
    OutgoingMail.objects.update(written_at=later, tried_at=later)
    call_command("send_notices")
    sent = {(address, message.subject) for message in mail.outbox for address in message.to}
    assert ("member@example.ca", "The Commissioner’s office replied to you") in sent
    assert ("officer@example.ca", "A member asks for advice") in sent
    assert f"Emails sent: {len(mail.outbox)}. Emails waiting: 0." in capsys.readouterr().out
    assert not OutgoingMail.objects.exists()


def test_mail_about_a_question_that_was_withdrawn_is_not_sent_any_more(portal, unprinted, no_mail):
    share = shared(attested(portal.account), ask="May I?")
    assert OutgoingMail.objects.filter(name="asked").count() == 1
    sharing.withdraw(share=share, by=portal.member)
    assert not OutgoingMail.objects.exists()


def test_mail_is_given_up_after_days_and_not_sent_to_who_turned_it_off_or_left(portal, no_mail, settings):
    officer = portal.officer
    for name, person in (("asked", officer), ("advised", portal.staff), ("advised", portal.member)):
        queue_mail(to=person, name=name, path="/shares/1")
    User.objects.filter(pk=officer.pk).update(mail_notices=False)
    User.objects.filter(pk=portal.staff.pk).update(is_active=False)
    OutgoingMail.objects.update(written_at=timezone.now() - timedelta(minutes=3), tried_at=None)
    OutgoingMail.objects.filter(to=portal.member).update(written_at=timezone.now() - TRIED_FOR)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    mail.outbox.clear()
    assert send_waiting() == (0, 0)
    assert mail.outbox == []
    assert not OutgoingMail.objects.exists()


def test_a_server_that_hangs_up_fails_as_one_that_is_gone(portal, monkeypatch):
    def hangs_up(**_: object) -> None:
        raise SMTPServerDisconnected

    monkeypatch.setattr("assessments.services.outbox.send_mail", hangs_up)
    queue_mail(to=portal.member, name="advised", path="/shares/1")
    assert OutgoingMail.objects.count() == 1


def test_no_fault_of_one_email_stops_the_others(portal, monkeypatch, caplog):
    for _ in range(2):
        queued = OutgoingMail.objects.create(to=portal.member, name="advised", path="/shares/1")
        OutgoingMail.objects.filter(pk=queued.pk).update(written_at=timezone.now() - timedelta(minutes=3))

    def fails(*, to: str, **_: object) -> None:
        raise ValueError(f"a header for {to}")

    monkeypatch.setattr("assessments.services.outbox.send_mail", fails)
    assert send_waiting() == (0, 2)
    assert "member@example.ca" not in caplog.text


def test_an_email_that_is_dropped_while_it_is_claimed_stops_nothing(portal, monkeypatch):
    queued = OutgoingMail.objects.create(to=portal.member, name="advised", path="/shares/1")
    OutgoingMail.objects.update(written_at=timezone.now() - timedelta(minutes=3))
    monkeypatch.setattr(OutgoingMail.objects, "select_related", lambda _: OutgoingMail.objects.none())
    assert send_waiting() == (0, 0)
    assert queued.pk


def test_an_email_that_was_tried_just_now_is_not_due_yet(portal, no_mail):
    queue_mail(to=portal.member, name="advised", path="/shares/1")
    OutgoingMail.objects.update(written_at=timezone.now() - timedelta(minutes=3))
    # Tried just now, by the commit.
    assert send_waiting() == (0, 0)
    assert OutgoingMail.objects.count() == 1


def test_one_process_sends_an_email_that_another_is_sending(portal, monkeypatch):
    """The second begins, in a connection of its own, while the first is in the middle of sending."""
    sent: list[str] = []
    others: list[tuple[int, int]] = []

    def another() -> None:
        others.append(send_waiting())
        # It may also have listed the email before the first one claimed it.
        send_one.func(waiting.pk)
        connection.close()

    def send(*, to: str, **_: object) -> None:
        sent.append(to)
        if len(sent) == 1:
            process = Thread(target=another)
            process.start()
            process.join(timeout=20)

    monkeypatch.setattr("assessments.services.outbox.send_mail", send)
    waiting = OutgoingMail.objects.create(
        to=portal.member,
        name="advised",
        path="/shares/1",
        written_at=timezone.now() - timedelta(minutes=3),
    )
    assert send_waiting() == (1, 0)
    assert sent == ["member@example.ca"]
    assert others == [(0, 0)]
