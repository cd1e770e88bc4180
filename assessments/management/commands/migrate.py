"""`manage.py migrate`: Django's own, without the check of the database."""

from typing import Any

from django.core.management.commands import migrate
from django.db import connections

from assessments.models import frozen


class Command(migrate.Command):
    """Runs the migrations, after which the triggers of frozen rows are put back (see `AssessmentsConfig.ready`).

    It skips the checks of the database: they fail when triggers are missing, which this command repairs.
    """

    def handle(self, *args: Any, **options: Any) -> None:
        frozen.lift_for_migration(connections[options["database"]])
        super().handle(*args, **options)

    def check(self, *args: Any, **options: Any) -> None:
        super().check(*args, **{**options, "databases": None})
