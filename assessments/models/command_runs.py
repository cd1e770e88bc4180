"""The last run of each scheduled command, for monitoring."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class CommandRun(models.Model):
    """When a scheduled command last began, ended and succeeded, and with which exit code it last ended.

    A run that is under way, or was killed, began after the last one ended. `reported_at` is when the operator
    last got an email about a failure.
    """

    command = models.CharField(max_length=40, primary_key=True)
    began_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    exit_code = models.PositiveSmallIntegerField(null=True)
    succeeded_at = models.DateTimeField(null=True)
    reported_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(ended_at__isnull=True, exit_code__isnull=True)
                | models.Q(ended_at__isnull=False, exit_code__isnull=False),
                name="run_ends_with_code",
            ),
        ]

    def __str__(self) -> str:
        return self.command
