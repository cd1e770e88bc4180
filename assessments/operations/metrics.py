"""The portal's figures for monitoring: counts and times for the whole portal, never for a person or an office."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Min, Q
from django.utils import timezone
from django_tasks_db.models import DBTaskResult
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from assessments.models import CommandRun, OutgoingMail
from assessments.operations.command_runs import UNITS
from assessments.services.printing import count_without_pdf

SENDING = timedelta(minutes=1)
"""If an email's last try began longer ago than this, the try did not send it."""
VERDICTS = {0: 1, 1: 0}
"""Whether the audit trail is intact, by the exit code of verify_audit. Any other code is no verdict."""


def in_prometheus_format() -> bytes:
    """All figures, read from the database now, in Prometheus's text format. Raises DatabaseError."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Portal())
    return generate_latest(registry)


class _Portal(Collector):
    def collect(self) -> Iterator[GaugeMetricFamily]:
        now = timezone.now()
        yield from _mail(now)
        yield from _tasks(now)
        yield _gauge(
            "pdfs_missing",
            "PDFs that are due but not printed yet.",
            count_without_pdf(),
        )
        yield from _commands()


def _gauge(name: str, meaning: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"portal_{name}", meaning, value=value)


def _age(since: datetime | None, now: datetime) -> float:
    return max((now - since).total_seconds(), 0) if since else 0


def _mail(now: datetime) -> Iterator[GaugeMetricFamily]:
    mail = OutgoingMail.objects.aggregate(
        waiting=Count("pk"),
        failed=Count("pk", filter=Q(tried_at__lt=now - SENDING)),
        oldest=Min("written_at"),
    )
    yield _gauge("mail_waiting", "Emails that are not sent yet.", mail["waiting"])
    yield _gauge("mail_failed", "Emails that were tried, and wait for another try.", mail["failed"])
    yield _gauge(
        "mail_oldest_age_seconds", "Age of the oldest email not sent yet.", _age(mail["oldest"], now)
    )


def _tasks(now: datetime) -> Iterator[GaugeMetricFamily]:
    ready, running, failed = (Q(status=status) for status in ("READY", "RUNNING", "FAILED"))
    tasks = DBTaskResult.objects.aggregate(
        waiting=Count("pk", filter=ready),
        running=Count("pk", filter=running),
        failed=Count("pk", filter=failed),
        oldest=Min("enqueued_at", filter=ready),
    )
    yield _gauge("tasks_waiting", "Tasks that no worker has begun.", tasks["waiting"])
    yield _gauge("tasks_running", "Tasks that a worker has begun.", tasks["running"])
    yield _gauge("tasks_failed", "Tasks that failed in the last two weeks.", tasks["failed"])
    yield _gauge("tasks_oldest_age_seconds", "Age of the oldest task waiting.", _age(tasks["oldest"], now))


def _commands() -> Iterator[GaugeMetricFamily]:
    began, succeeded, code = (
        GaugeMetricFamily(f"portal_command_{name}", meaning, labels=["command"])
        for name, meaning in (
            ("began_timestamp_seconds", "When the scheduled command last began; 0: never."),
            ("succeeded_timestamp_seconds", "When the scheduled command last succeeded; 0: never."),
            ("exit_code", "Exit code with which the scheduled command last ended."),
        )
    )
    runs = {run.command: run for run in CommandRun.objects.all()}
    for command in scheduled():
        run = runs.get(command, CommandRun(command=command))
        began.add_metric([command], run.began_at.timestamp() if run.began_at else 0)
        succeeded.add_metric([command], run.succeeded_at.timestamp() if run.succeeded_at else 0)
        if run.exit_code is not None:
            code.add_metric([command], run.exit_code)
    yield from (began, succeeded, code)
    audit = runs.get("verify_audit")
    if audit and audit.exit_code in VERDICTS:
        yield _gauge(
            "audit_intact", "Result of the last verify_audit; 0: it found a fault.", VERDICTS[audit.exit_code]
        )


def scheduled() -> list[str]:
    """The commands that timers run here. Without workers, there are no tasks to prune."""
    uses_workers = "django_tasks_db" in settings.TASKS["default"]["BACKEND"]
    return [command for command in UNITS if uses_workers or command != "prune_db_task_results"]
