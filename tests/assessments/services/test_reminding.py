"""Reminders of what is due, a week and a day before, once each, without saying what it is."""

import re
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.core.management import call_command

from assessments.models import Attestation, Finding, Membership, Office, Reminder, SocialAccount, User
from assessments.services import notices, reminding
from assessments.services.mail import send_mail
from bulletin.publish import publish_edition
from bulletin.shelf import editions
from tests.attested import attested

pytestmark = pytest.mark.django_db

TORONTO = ZoneInfo("America/Toronto")
BEGAN = datetime(2026, 5, 1, 12, 0, tzinfo=TORONTO)
DUE = date(2026, 8, 14)
CANARY = "canary7741"


@pytest.fixture
def office(time_machine):
    time_machine.move_to(BEGAN, tick=False)
    for edition in editions().values():
        publish_edition(edition=edition)
    create = User.objects.create_user
    office = Office.objects.create(
        name="Ward 10", member=create("ana@example.ca", name="Ana"), starts_on=date(2022, 11, 15)
    )
    for name, more in {"Bo": {}, "Cy": {"mail_notices": False}, "Ed": {"is_active": False}}.items():
        person = create(f"{name.lower()}@example.ca", name=name, **more)  # type: ignore[arg-type]
        Membership.objects.create(office=office, user=person)
    SocialAccount.objects.create(office=office, platform="X", handle=f"@{CANARY}")
    return office


def due(office: Office, *days: date) -> Attestation:
    """Attest, and add to the attestation a finding due on each of these days."""
    attestation = attested(office.accounts.get(), notes={"resources.email": CANARY})
    rules = Finding.objects.filter(attestation=attestation).values_list("rule", flat=True)
    for rule, day in zip(rules, days, strict=False):
        Finding.objects.create(
            attestation=attestation, rule=f"{rule}-due", force="must", outcome="action", due=day
        )
    return attestation


def run_on(time_machine: Any, day: date, hour: int = 9, minute: int = 0) -> list[str]:
    """The addresses to which a run on that day sends email."""
    time_machine.move_to(datetime(day.year, day.month, day.day, hour, minute, tzinfo=TORONTO), tick=False)
    before = len(mail.outbox)
    call_command("send_reminders")
    return sorted(message.to[0] for message in mail.outbox[before:])


BOTH = ["ana@example.ca", "bo@example.ca"]


@pytest.mark.parametrize(
    ("days", "which"),
    [(30, None), (8, None), (7, 7), (6, 7), (2, 7), (1, 1), (0, 1), (-1, None), (-30, None)],
)
def test_from_the_seventh_day_on_it_is_the_first_and_from_the_last_on_the_other(
    office, time_machine, days, which
):
    due(office, DUE)
    sent = run_on(time_machine, DUE - timedelta(days=days))
    assert sent == (BOTH if which else [])
    assert set(Reminder.objects.values_list("days_before", flat=True)) == ({which} if which else set())


def test_each_is_sent_once_to_each_however_often_it_is_run(office, time_machine):
    due(office, DUE)
    sent = {days: run_on(time_machine, DUE - timedelta(days=days)) for days in range(9, -3, -1)}
    assert {days: people for days, people in sent.items() if people} == {7: BOTH, 1: BOTH}
    assert Reminder.objects.count() == 4


@pytest.mark.parametrize(("hour", "minute", "sent"), [(0, 0, BOTH), (23, 59, BOTH)])
def test_a_day_is_torontos(office, time_machine, hour, minute, sent):
    due(office, DUE)
    assert run_on(time_machine, DUE - timedelta(days=8), 23, 59) == []
    assert run_on(time_machine, DUE - timedelta(days=7), hour, minute) == sent


def test_a_mail_says_how_many_and_when_and_nothing_of_what_it_is(office, time_machine):
    attestation = due(office, DUE, DUE, DUE + timedelta(days=1))
    run_on(time_machine, DUE - timedelta(days=7))
    message: Any = next(message for message in mail.outbox if message.to == ["ana@example.ca"])
    html = str(message.alternatives[0][0])
    assert message.subject == "2 things are due on 14 August 2026"
    for text in (message.body, html):
        assert "2 things are due on 14 August 2026" in text
        assert f"/assessments/{attestation.assessment_id}/" in text
        assert not re.search(f"{CANARY}|Ana|Bo|Ward|@", re.sub(r"stop/\S+", "", text))
    assert message.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert CANARY not in f"{message.extra_headers}{message.subject}"
    run_on(time_machine, DUE - timedelta(days=6))
    assert [message.subject for message in mail.outbox].count("1 thing is due on 15 August 2026") == 2


def test_what_a_later_attestation_supersedes_reminds_nobody(office, time_machine):
    due(office, DUE)
    time_machine.move_to(BEGAN + timedelta(days=1), tick=False)
    later = due(office, DUE + timedelta(days=3))
    assert run_on(time_machine, DUE - timedelta(days=7)) == []
    assert run_on(time_machine, DUE - timedelta(days=4)) == BOTH
    assert set(Reminder.objects.values_list("attestation", flat=True)) == {later.pk}


def test_after_a_term_nobody_is_reminded_nor_is_whoever_left(office, time_machine):
    due(office, DUE)
    Membership.objects.filter(user__name="Bo").update(ended_at=BEGAN + timedelta(days=1))
    assert run_on(time_machine, DUE - timedelta(days=7)) == ["ana@example.ca"]
    Office.objects.update(ends_on=DUE - timedelta(days=2))
    assert run_on(time_machine, DUE - timedelta(days=1)) == []


def test_a_mail_that_cannot_be_sent_stops_no_other_and_is_tried_again_in_time(
    office, time_machine, monkeypatch, capsys, caplog
):
    due(office, DUE)

    def one_fails(*, to: str, **more: Any) -> None:
        if to == "ana@example.ca":
            raise OSError(f"cannot reach {to}")
        send_mail(to=to, **more)

    monkeypatch.setattr(notices, "send_mail", one_fails)
    assert run_on(time_machine, DUE - timedelta(days=7)) == ["bo@example.ca"]
    assert "Reminders sent: 1. Not sent, and tried again next time: 1." in capsys.readouterr().out
    assert "ana@example.ca" not in caplog.text
    monkeypatch.setattr(notices, "send_mail", send_mail)
    assert run_on(time_machine, DUE - timedelta(days=6)) == ["ana@example.ca"]


def test_two_runs_that_found_the_same_send_it_once(office, time_machine):
    due(office, DUE)
    time_machine.move_to(datetime(2026, 8, 7, 9, tzinfo=TORONTO), tick=False)
    (reminder,) = reminding._due()
    assert [reminding._remind(reminder, office.member.pk) for _ in range(2)] == [1, 0]


def test_the_link_in_it_stops_this_mail_as_well(office, time_machine):
    due(office, DUE)
    notices.set_mail(user=office.member, wanted=False)
    assert run_on(time_machine, DUE - timedelta(days=7)) == ["bo@example.ca"]
