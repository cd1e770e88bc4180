"""Places that only a benchmark uses, whatever the environment says: it fills databases and mails people."""

import os

from django.core.management import call_command

from tests.postgres import STARTED_FOR_US


def places(scratch: str) -> dict[str, str]:
    """Settings for a database, files and mail of its own: on SQLite, unless tests.postgres started us."""
    return {
        "DATABASE_URL": os.environ.get(STARTED_FOR_US) or f"sqlite:///{scratch}/db.sqlite3",
        "MEDIA_ROOT": f"{scratch}/media",
        "S3_BUCKET": "",
        "EMAIL_URL": "dummy:",
    }


def tables() -> None:
    """Make the tables, and publish the bulletin. Call it after `django.setup`."""
    for command in ("migrate", "createcachetable", "load_editions"):
        call_command(command, verbosity=0)
