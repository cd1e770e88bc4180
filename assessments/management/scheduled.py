"""Commands that a timer runs."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from assessments.operations.command_runs import recorded


class ScheduledCommand(BaseCommand):
    """A command whose runs are recorded for monitoring, except with --dry-run."""

    def execute(self, *args: Any, **options: Any) -> Any:
        if options.get("dry_run"):
            return super().execute(*args, **options)
        with recorded(self.__module__.rpartition(".")[2]):
            return super().execute(*args, **options)
