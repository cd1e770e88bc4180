"""`manage.py migrate`: Django's own."""

from typing import Any

from django.core.management.commands import migrate


class Command(migrate.Command):
    """Does what Django's does, and puts back the triggers of frozen rows in the end.

    So that they are missing must not keep it from running: it checks everything but the database.
    """

    def check(self, *args: Any, **options: Any) -> None:
        super().check(*args, **{**options, "databases": None})
