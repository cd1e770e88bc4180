"""Recording when scheduled commands run, and telling the operator when one fails."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.conf import settings
from django.core.management.base import CommandError, SystemCheckError
from django.db import DatabaseError
from django.utils import timezone

from assessments.models import CommandRun
from assessments.services.mail import send_mail

log = logging.getLogger(__name__)

UNITS = {
    "backup": "portal-backup",
    "prune_db_task_results": "portal-prune",
    "purge_expired": "portal-purge",
    "render_missing": "portal-render",
    "send_notices": "portal-notices",
    "send_reminders": "portal-reminders",
    "verify_audit": "portal-audit",
}
"""The scheduled commands, and the unit of systemd that runs each."""
CRASHED = 70
"""The exit code that is recorded for an error in the portal or in what it depends on, such as its database."""
BETWEEN_REPORTS = timedelta(days=1)
"""A command that keeps failing is reported again after this time."""


@contextmanager
def recorded(command: str) -> Iterator[None]:
    """Record that a run of a scheduled command begins, and how it ends. A killed run has no end.

    A run continues if it cannot be recorded: its own outcome matters more.
    """
    _record(command, began_at=timezone.now())
    try:
        yield
    except CommandError as error:
        code = CRASHED if isinstance(error, SystemCheckError) else error.returncode
        _record(command, ended_at=timezone.now(), exit_code=code)
        raise
    except Exception:
        _record(command, ended_at=timezone.now(), exit_code=CRASHED)
        raise
    now = timezone.now()
    _record(command, ended_at=now, exit_code=0, succeeded_at=now)


def report_failure(command: str) -> bool:
    """Email OPERATOR_EMAIL that a scheduled command failed; return whether an email was due.

    One is due for the first failure after a success, and once a day while the command keeps failing. Raises OSError
    or SMTPException if it cannot be sent.
    """
    log.error("The scheduled command %s failed.", command)
    if not _is_due(command):
        return False
    context = {"command": command, "host": socket.gethostname(), "unit": UNITS[command]}
    send_mail(to=settings.OPERATOR_EMAIL, name="failure", context=context)
    _record(command, reported_at=timezone.now())
    return True


def _is_due(command: str) -> bool:
    try:
        run = CommandRun.objects.filter(command=command).first()
    except DatabaseError:
        # Without the database, an earlier report is not known.
        return True
    if run is None or run.reported_at is None or run.reported_at <= timezone.now() - BETWEEN_REPORTS:
        return True
    return run.succeeded_at is not None and run.succeeded_at > run.reported_at


def _record(command: str, **values: object) -> None:
    try:
        CommandRun.objects.update_or_create(command=command, defaults=values)
    except DatabaseError as error:
        log.error("The run of %s could not be recorded: %s", command, type(error).__name__)
