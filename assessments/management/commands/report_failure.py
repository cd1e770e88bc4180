"""`manage.py report_failure COMMAND`: email the operator that a scheduled command failed."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from assessments.operations.command_runs import BETWEEN_REPORTS, UNITS, report_failure
from config.mail import fault_in_words


class Command(BaseCommand):
    """Emails OPERATOR_EMAIL that a scheduled command failed. deploy/systemd/portal-failed@.service runs it."""

    help = (
        "Email OPERATOR_EMAIL that a scheduled command failed. While it still fails, email once a day. The units of "
        "deploy/systemd run this."
    )
    # The fault may be in what the checks look at.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("command", metavar="COMMAND", choices=UNITS, help="the command that failed")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.OPERATOR_EMAIL:
            raise CommandError(
                "No email was sent, because OPERATOR_EMAIL is not set. Set it to the address of the people who run "
                "the portal."
            )
        try:
            sent = report_failure(options["command"])
        except OSError as error:
            raise CommandError(f"No email was sent: {fault_in_words(error)}") from error
        hours = int(BETWEEN_REPORTS.total_seconds() // 3600)
        self.stdout.write(
            f"Emailed {settings.OPERATOR_EMAIL}."
            if sent
            else f"No email was sent: {settings.OPERATOR_EMAIL} already got one in the last {hours} hours."
        )
