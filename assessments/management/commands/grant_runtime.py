"""`manage.py grant_runtime ROLE`: the rights in PostgreSQL that the running portal needs, and no more."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from assessments.operations.runtime_role import CannotGrant, grant_runtime


class Command(BaseCommand):
    """Grants a role its rights. Run it as the owner of the tables, after each `migrate`."""

    help = "Let a role of PostgreSQL read and write the portal's rows, but change no table. Run it after migrate."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("role", metavar="ROLE", help="the role that the running portal connects as")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            count = grant_runtime(options["role"])
        except CannotGrant as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{options['role']} can read and write the rows of {count} tables, but cannot change a table."
        )
