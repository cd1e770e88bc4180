"""Scheduled commands: what is recorded of a run, and when the operator is told of a failure."""

import re
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command, get_commands, load_command_class
from django.core.management.base import SystemCheckError
from django.db import DatabaseError, OperationalError
from django.test.utils import override_settings

from assessments.management.scheduled import ScheduledCommand
from assessments.models import CommandRun
from assessments.operations import command_runs
from assessments.operations.command_runs import CRASHED, UNITS, recorded

pytestmark = pytest.mark.django_db

SYSTEMD = Path(__file__).resolve().parents[3] / "deploy/systemd"
NOON = datetime(2026, 11, 30, 17, 0, tzinfo=UTC)
OPERATOR = "operator@example.ca"


def run_of(command: str) -> CommandRun:
    return CommandRun.objects.get(command=command)


def ran(command: str, error: BaseException | None = None) -> CommandRun:
    """Record a run that ends like this."""
    with pytest.raises(type(error)) if error else nullcontext(), recorded(command):
        if error:
            raise error
    return run_of(command)


# --- What is recorded -------------------------------------------------------------------------


def test_every_command_that_a_timer_runs_is_recorded():
    scheduled = {
        name
        for name, app in get_commands().items()
        if app == "assessments" and isinstance(load_command_class(app, name), ScheduledCommand)
    }
    assert scheduled == UNITS.keys()
    for command, unit in UNITS.items():
        assert f"manage.py {command}" in (SYSTEMD / f"{unit}.service").read_text()
        assert (SYSTEMD / f"{unit}.timer").exists()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (None, 0),
        (CommandError("Refused."), 1),
        (CommandError("Refused.", returncode=2), 2),
        (SystemCheckError("A setting is wrong."), CRASHED),
        (OperationalError("The disk is full."), CRASHED),
        (ZeroDivisionError(), CRASHED),
    ],
)
def test_a_run_is_recorded_with_its_exit_code(error, code):
    with time_machine.travel(NOON, tick=False):
        run = ran("backup", error)
    assert (run.began_at, run.ended_at, run.exit_code) == (NOON, NOON, code)
    assert run.succeeded_at == (None if error else NOON)


def test_the_last_success_outlives_a_failure():
    with time_machine.travel(NOON, tick=False) as clock:
        ran("backup")
        clock.shift(timedelta(days=1))
        run = ran("backup", CommandError("Refused."))
    assert (run.succeeded_at, run.ended_at, run.exit_code) == (NOON, NOON + timedelta(days=1), 1)
    assert CommandRun.objects.count() == 1


def test_a_run_that_was_killed_began_after_the_last_one_ended():
    with time_machine.travel(NOON, tick=False) as clock:
        ran("backup")
        clock.shift(timedelta(days=1))
        run = ran("backup", KeyboardInterrupt())
    assert (run.began_at, run.ended_at, run.exit_code) == (NOON + timedelta(days=1), NOON, 0)


@pytest.mark.parametrize("command", ["send_notices", "send_reminders", "purge_expired", "verify_audit"])
def test_a_command_is_recorded_under_its_own_name(command, published):
    call_command(command, verbosity=0)
    assert run_of(command).exit_code == 0
    assert CommandRun.objects.count() == 1


@override_settings(TASKS={"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}})
def test_pruning_tasks_is_recorded_too():
    call_command("prune_db_task_results", verbosity=0)
    assert run_of("prune_db_task_results").exit_code == 0


@pytest.mark.parametrize("command", ["purge_expired", "render_missing"])
def test_a_run_that_only_counts_is_not_recorded(command):
    call_command(command, "--dry-run")
    assert not CommandRun.objects.exists()


def test_a_run_that_cannot_be_recorded_goes_on(monkeypatch, caplog):
    def fails(**_: Any) -> None:
        raise DatabaseError("zq7")

    monkeypatch.setattr(CommandRun.objects, "update_or_create", fails)
    call_command("send_reminders")
    assert "The run of send_reminders could not be recorded: DatabaseError" in caplog.messages
    assert "zq7" not in caplog.text


# --- Telling the operator ---------------------------------------------------------------------


def report(command: str = "verify_audit") -> str:
    return str(call_command("report_failure", command) or "")


@override_settings(OPERATOR_EMAIL=OPERATOR)
def test_the_operator_is_told_what_failed_and_where_its_reason_is(mailoutbox, capsys):
    ran("verify_audit", CommandError("Office 7 is not intact.", returncode=1))
    report()
    (mail,) = mailoutbox
    assert mail.to == [OPERATOR]
    assert re.fullmatch(r"verify_audit failed on \S+", mail.subject)
    for text in (mail.body, mail.alternatives[0].content):
        assert "journalctl -u portal-audit" in text
        # Of the failure itself, only the log tells.
        assert "Office" not in text
    assert capsys.readouterr().out == f"Emailed {OPERATOR}.\n"


@override_settings(OPERATOR_EMAIL=OPERATOR)
def test_a_command_that_goes_on_failing_is_reported_once_a_day_and_at_once_after_a_success(mailoutbox):
    counts = []
    with time_machine.travel(NOON, tick=False) as clock:
        for hours, outcome in (
            (0, None),
            (1, None),
            (22, None),
            (1, None),
            (1, "success"),
            (1, None),
            (1, None),
        ):
            clock.shift(timedelta(hours=hours))
            ran("verify_audit", None if outcome else CommandError("Refused."))
            if not outcome:
                report()
            counts.append(len(mailoutbox))
    assert counts == [1, 1, 1, 2, 2, 3, 3]


@override_settings(OPERATOR_EMAIL=OPERATOR)
def test_each_command_is_reported_and_so_is_one_that_never_began(mailoutbox):
    report("backup")
    report("verify_audit")
    assert len(mailoutbox) == 2


@override_settings(OPERATOR_EMAIL=OPERATOR)
def test_without_a_database_the_operator_is_told(monkeypatch, mailoutbox):
    def fails(**_: Any) -> None:
        raise OperationalError

    monkeypatch.setattr(CommandRun.objects, "filter", fails)
    monkeypatch.setattr(CommandRun.objects, "update_or_create", fails)
    report()
    report()
    assert len(mailoutbox) == 2


def test_without_an_address_the_command_says_that_no_email_was_sent(mailoutbox):
    with pytest.raises(CommandError, match="No email was sent, because OPERATOR_EMAIL is not set"):
        report()
    assert mailoutbox == []


@override_settings(
    OPERATOR_EMAIL=OPERATOR, EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend", EMAIL_PORT=1
)
def test_when_email_is_what_fails_the_command_says_so_and_tries_again_next_time():
    for _ in range(2):
        with pytest.raises(
            CommandError, match="No email was sent: the email server localhost, port 1, cannot be"
        ):
            report()
    assert command_runs._is_due("verify_audit")
