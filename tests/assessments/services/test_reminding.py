"""Reminders of what is due, a week and a day before, once each, without saying what it is."""

import re
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.core.management import call_command

from assessments.models import Attestation, Finding, Membership, Office, Reminder
from assessments.services import notices, reminding
from assessments.services.mail import send_mail
from tests.cast import HANDLE, Cast, attested, person

pytestmark = pytest.mark.django_db

TORONTO = ZoneInfo("America/Toronto")
NOW = datetime(2026, 5, 1, 12, 0, tzinfo=TORONTO)
DUE = date(2026, 8, 14)
CANARY = "canary7741"


@pytest.fixture(scope="module")
def module_due(module_cast: Cast, module_time: Any) -> int:
    """An attestation with a finding that is due, in an office with more staff, whom no mail reaches."""
    for name, fields in {"cy": {"mail_notices": False}, "ed": {"is_active": False}}.items():
        Membership.objects.create(office=module_cast.office, user=person(name, **fields), joined_at=NOW)
    with module_time():
        return due(module_cast, DUE).pk


@pytest.fixture
def attestation(module_due: int, db: None, time_machine: Any) -> Attestation:
    time_machine.move_to(NOW, tick=False)
    return Attestation.objects.get(pk=module_due)


def due(cast: Cast, day: date) -> Attestation:
    """Attest; the attestation has a finding that is due on this day."""
    attestation = attested(cast.account, notes={"resources.email": CANARY})
    add(attestation, day)
    return attestation


def add(attestation: Attestation, day: date) -> None:
    rule = f"due-{attestation.findings.count()}"
    Finding.objects.create(attestation=attestation, rule=rule, force="must", outcome="action", due=day)


def run_on(time_machine: Any, day: date, hour: int = 9, minute: int = 0) -> list[str]:
    """The addresses to which a run on that day sends email."""
    time_machine.move_to(datetime(day.year, day.month, day.day, hour, minute, tzinfo=TORONTO), tick=False)
    before = len(mail.outbox)
    call_command("send_reminders")
    return sorted(message.to[0] for message in mail.outbox[before:])


BOTH = ["member@example.ca", "staff@example.ca"]


@pytest.mark.parametrize(
    ("days", "which"),
    [(30, None), (8, None), (7, 7), (6, 7), (2, 7), (1, 1), (0, 1), (-1, None), (-30, None)],
)
def test_from_the_seventh_day_on_it_is_the_first_and_from_the_last_on_the_other(
    attestation, time_machine, days, which
):
    sent = run_on(time_machine, DUE - timedelta(days=days))
    assert sent == (BOTH if which else [])
    assert set(Reminder.objects.values_list("days_before", flat=True)) == ({which} if which else set())


@pytest.mark.postgres
def test_each_is_sent_once_to_each_however_often_it_is_run(attestation, time_machine):
    sent = {days: run_on(time_machine, DUE - timedelta(days=days)) for days in range(9, -3, -1)}
    assert {days: people for days, people in sent.items() if people} == {7: BOTH, 1: BOTH}
    assert Reminder.objects.count() == 4


@pytest.mark.parametrize(("hour", "minute", "sent"), [(0, 0, BOTH), (23, 59, BOTH)])
def test_a_day_is_torontos(attestation, time_machine, hour, minute, sent):
    assert run_on(time_machine, DUE - timedelta(days=8), 23, 59) == []
    assert run_on(time_machine, DUE - timedelta(days=7), hour, minute) == sent


def test_a_mail_says_how_many_and_when_and_nothing_of_what_it_is(attestation, time_machine):
    add(attestation, DUE)
    add(attestation, DUE + timedelta(days=1))
    run_on(time_machine, DUE - timedelta(days=7))
    message: Any = next(message for message in mail.outbox if message.to == ["member@example.ca"])
    html = str(message.alternatives[0][0])
    assert message.subject == "2 actions are due on 14 August 2026"
    for text in (message.body, html):
        assert "2 actions from your office’s attested self-check are due on 14 August 2026." in text
        assert f"/assessments/{attestation.assessment_id}/" in text
        assert not re.search(f"{CANARY}|{HANDLE}|Ana|Sam|Ward|@", re.sub(r"stop/\S+", "", text))
    assert message.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert CANARY not in f"{message.extra_headers}{message.subject}"
    run_on(time_machine, DUE - timedelta(days=6))
    assert [message.subject for message in mail.outbox].count("An action is due on 15 August 2026") == 2


def test_what_a_later_attestation_supersedes_reminds_nobody(attestation, cast, time_machine):
    time_machine.move_to(NOW + timedelta(days=1), tick=False)
    later = due(cast, DUE + timedelta(days=3))
    assert run_on(time_machine, DUE - timedelta(days=7)) == []
    assert run_on(time_machine, DUE - timedelta(days=4)) == BOTH
    assert set(Reminder.objects.values_list("attestation", flat=True)) == {later.pk}


def test_after_a_term_nobody_is_reminded_nor_is_whoever_left(attestation, time_machine):
    Membership.objects.filter(user__email="staff@example.ca").update(ended_at=NOW + timedelta(days=1))
    assert run_on(time_machine, DUE - timedelta(days=7)) == ["member@example.ca"]
    Office.objects.update(ends_on=DUE - timedelta(days=2))
    assert run_on(time_machine, DUE - timedelta(days=1)) == []


def test_a_mail_that_cannot_be_sent_stops_no_other_and_is_tried_again_in_time(
    attestation, time_machine, monkeypatch, capsys, caplog
):

    def one_fails(*, to: str, **more: Any) -> None:
        if to == "member@example.ca":
            raise OSError(f"cannot reach {to}")
        send_mail(to=to, **more)

    monkeypatch.setattr(notices, "send_mail", one_fails)
    assert run_on(time_machine, DUE - timedelta(days=7)) == ["staff@example.ca"]
    assert "Reminders sent: 1. Not sent: 1. The next run tries again." in capsys.readouterr().out
    assert "member@example.ca" not in caplog.text
    monkeypatch.setattr(notices, "send_mail", send_mail)
    assert run_on(time_machine, DUE - timedelta(days=6)) == ["member@example.ca"]


def test_two_runs_that_found_the_same_send_it_once(attestation, cast, time_machine):
    time_machine.move_to(datetime(2026, 8, 7, 9, tzinfo=TORONTO), tick=False)
    (reminder,) = reminding._due()
    assert [reminding._remind(reminder, cast.member.pk) for _ in range(2)] == [1, 0]


def test_a_run_that_is_killed_before_it_sends_loses_no_reminder(attestation, cast, time_machine):
    day = DUE - timedelta(days=7)
    time_machine.move_to(datetime(day.year, day.month, day.day, 9, tzinfo=TORONTO), tick=False)
    (due_now,) = reminding._due()
    assert reminding._claim(due_now, cast.member.pk)
    assert run_on(time_machine, day) == ["staff@example.ca"]
    assert run_on(time_machine, day, minute=3) == ["member@example.ca"]
    assert run_on(time_machine, day, minute=30) == []


@pytest.mark.parametrize("error", [OSError, ValueError])
def test_no_fault_of_one_mail_stops_the_others(attestation, time_machine, monkeypatch, error):
    def fails(**_: Any) -> None:
        raise error("member@example.ca")

    monkeypatch.setattr(notices, "send_mail", fails)
    assert run_on(time_machine, DUE - timedelta(days=7)) == []
    monkeypatch.setattr(notices, "send_mail", send_mail)
    assert run_on(time_machine, DUE - timedelta(days=7)) == BOTH


def test_the_link_in_it_stops_this_mail_as_well(attestation, cast, time_machine):
    notices.set_mail(user=cast.member, wanted=False)
    assert run_on(time_machine, DUE - timedelta(days=7)) == ["staff@example.ca"]
