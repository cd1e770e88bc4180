"""The figures for monitoring: who gets them, what they say, and that they name no one."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django_tasks_db.models import DBTaskResult
from prometheus_client.parser import text_string_to_metric_families

from assessments.models import CommandRun, OutgoingMail
from assessments.operations.command_runs import UNITS
from assessments.services.outbox import queue_mail, send_waiting
from assessments.services.printing import pdf_of
from tests.cast import HANDLE, account_of, attested, office_of, person, shared

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

TOKEN = "zq7-" * 8
NOON = datetime(2026, 11, 30, 17, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _token(settings: Any) -> None:
    settings.METRICS_TOKEN = TOKEN


def ask(authorization: str | None = f"Bearer {TOKEN}") -> Any:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = Client(headers=headers).get("/metrics")
    assert not answer.cookies
    return answer


def figures() -> dict[str, float]:
    """Each figure by its name and, for a command's, the command."""
    answer = ask()
    assert (answer.status_code, answer["Content-Type"].partition(";")[0]) == (200, "text/plain")
    return {
        " ".join([sample.name.removeprefix("portal_"), *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


# --- Who gets them ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("authorization", "reason"),
    [
        (None, "the request has no token"),
        (TOKEN, "the request has no token"),
        (f"Basic {TOKEN}", "the request has no token"),
        ("Bearer", "the token is wrong"),
        (f"Bearer {TOKEN[:-1]}", "the token is wrong"),
        (f"Bearer {TOKEN}x", "the token is wrong"),
        ("Bearer é", "the token is wrong"),
    ],
)
def test_without_the_token_nothing_is_answered_and_only_the_log_says_why(caplog, authorization, reason):
    with CaptureQueriesContext(connection) as queries:
        answer = ask(authorization)
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    assert answer.content == b"Send the token in the header Authorization: Bearer.\n"
    assert not queries.captured_queries
    assert f"The metrics were refused: {reason}." in caplog.messages
    assert "zq7" not in caplog.text


@pytest.mark.parametrize("authorization", [f"bearer {TOKEN}", f"Bearer  {TOKEN} "])
def test_the_token_is_read_however_the_header_is_spaced(authorization):
    assert ask(authorization).status_code == 200


@pytest.mark.parametrize("method", ["get", "head", "post"])
def test_where_no_token_is_set_there_is_no_such_page(settings, method):
    settings.METRICS_TOKEN = ""
    assert getattr(Client(headers={"Authorization": "Bearer "}), method)("/metrics").status_code == 404


def test_a_database_that_does_not_work_is_said_to_be_down(monkeypatch, caplog):
    def fails(*_: Any, **__: Any) -> None:
        raise OperationalError("zq7")

    monkeypatch.setattr(OutgoingMail.objects, "aggregate", fails)
    answer = ask()
    assert (answer.status_code, answer.content) == (
        503,
        b"The database does not work. /health/ready says more.\n",
    )
    assert "The metrics cannot be read: OperationalError" in caplog.messages
    assert "zq7" not in caplog.text


# --- What they say ----------------------------------------------------------------------------


def test_a_new_portal_has_nothing_waiting_and_no_command_ran():
    values = figures()
    commands = UNITS.keys() - {"prune_db_task_results"}
    assert values == dict.fromkeys(
        [
            "mail_waiting",
            "mail_failed",
            "mail_oldest_age_seconds",
            "tasks_waiting",
            "tasks_running",
            "tasks_failed",
            "tasks_oldest_age_seconds",
            "pdfs_missing",
            *(f"command_began_timestamp_seconds {command}" for command in commands),
            *(f"command_succeeded_timestamp_seconds {command}" for command in commands),
        ],
        0,
    )


def test_emails_are_counted_with_the_age_of_the_oldest(monkeypatch):
    def fails(**_: Any) -> None:
        raise OSError

    monkeypatch.setattr("assessments.services.outbox.send_mail", fails)
    user = person("member")
    with time_machine.travel(NOON, tick=False) as clock:
        queue_mail(to=user, name="joined", path="/")
        clock.shift(timedelta(minutes=10))
        send_waiting()
        queue_mail(to=user, name="joined", path="/")
        clock.shift(timedelta(minutes=5))
        values = figures()
    assert (values["mail_waiting"], values["mail_failed"], values["mail_oldest_age_seconds"]) == (2, 1, 900)


def test_tasks_are_counted_by_state_with_the_age_of_the_oldest_that_waits():
    for number, state in enumerate(["READY", "READY", "RUNNING", "FAILED", "SUCCESSFUL"]):
        task = DBTaskResult.objects.create(
            args_kwargs={}, backend_name="default", task_path="a.task", status=state, exception_class_path=""
        )
        DBTaskResult.objects.filter(pk=task.pk).update(enqueued_at=NOON + timedelta(minutes=number))
    with time_machine.travel(NOON + timedelta(hours=1), tick=False):
        values = figures()
    assert [values[f"tasks_{name}"] for name in ("waiting", "running", "failed")] == [2, 1, 1]
    assert values["tasks_oldest_age_seconds"] == 3600


def test_a_pdf_is_missing_until_it_is_printed(published, monkeypatch):
    monkeypatch.setattr("assessments.services.printing.print_soon", lambda _: None)
    attestation = attested(account_of(office_of(person("member"))))
    share = shared(attestation)
    before = figures()["pdfs_missing"]
    pdf_of(share)
    assert (before, figures()["pdfs_missing"]) == (3, 2)


def test_a_command_is_listed_with_when_it_began_and_succeeded_and_how_it_ended(monkeypatch):
    with time_machine.travel(NOON, tick=False) as clock:
        call_command("send_reminders")
        clock.shift(timedelta(hours=1))
        monkeypatch.setattr("assessments.management.commands.send_reminders.send_reminders", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            call_command("send_reminders")
        values = figures()
    assert values["command_began_timestamp_seconds send_reminders"] == NOON.timestamp() + 3600
    assert values["command_succeeded_timestamp_seconds send_reminders"] == NOON.timestamp()
    assert values["command_exit_code send_reminders"] == 70
    assert "command_exit_code backup" not in values


def fault(code: int) -> Callable[..., Any]:
    def fails(*_: Any, **__: Any) -> None:
        raise CommandError("A fault.", returncode=code)

    return fails


@pytest.mark.parametrize(("code", "verdict"), [(0, 1), (1, 0), (2, None)])
def test_the_verdict_on_the_audit_trail_is_that_of_the_last_run(monkeypatch, code, verdict):
    if code:
        monkeypatch.setattr("assessments.management.commands.verify_audit.chains", fault(code))
        with pytest.raises(CommandError):
            call_command("verify_audit")
    else:
        call_command("verify_audit")
    assert figures().get("audit_intact") == verdict


@pytest.mark.parametrize(("backend", "is_listed"), [("immediate", False), ("database", True)])
def test_tasks_are_pruned_only_where_there_are_workers(settings, backend, is_listed):
    path = {"immediate": "django_tasks.backends.immediate.ImmediateBackend"}.get(backend)
    settings.TASKS = {"default": {"BACKEND": path or "django_tasks_db.DatabaseBackend"}}
    assert ("command_began_timestamp_seconds prune_db_task_results" in figures()) is is_listed


def test_the_figures_cost_as_many_queries_however_much_there_is_and_name_no_one(published):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            ask()
        return len(captured)

    empty = queries()
    member = person("member")
    attestation = attested(account_of(office_of(member, "Ward 7")))
    for number in range(3):
        shared(attestation, nonce=f"{number:064x}")
        queue_mail(to=member, name="joined", path="/zq7")
    for command in UNITS:
        CommandRun.objects.create(command=command)
    assert queries() == empty <= 8
    text = ask().content.decode()
    for name in (HANDLE, member.name, member.email, "Ward 7", "zq7", "example.ca"):
        assert name not in text
    # No label but a command's name.
    assert set(re.findall(r"(\w+)=", text)) == {"command"}
