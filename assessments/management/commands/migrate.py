"""`manage.py migrate`: Django's own."""

from typing import Any

from django.core.management.commands import migrate


class Command(migrate.Command):
    """Does what Django's does, and puts back the triggers of frozen rows in the end.

    So that they are missing must not keep it from running.
    """

    def get_check_kwargs(self, options: dict[str, Any]) -> dict[str, Any]:
        """Check everything but the database, which is about to be put in order."""
        return {**super().get_check_kwargs(options), "databases": None}
