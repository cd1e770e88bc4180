"""Places that only a benchmark uses, whatever the environment says: it fills databases and mails people."""

import os

import django
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


def ready_to_serve(scratch: str) -> None:
    """Set Django up for hosts of the portal behind a proxy, with a database and files in `scratch`."""
    os.environ.update(
        places(scratch),
        DEBUG="false",
        SECRET_KEY="only benchmarks sign with this",
        ALLOWED_HOSTS="127.0.0.1",
        PROXIES="1",
        TASKS="database",
        DJANGO_SETTINGS_MODULE="config.settings",
    )
    django.setup()
    tables()
    call_command("collectstatic", interactive=False, verbosity=0)


def tables() -> None:
    """Make the tables, and publish the bulletin. Call it after `django.setup`."""
    for command in ("migrate", "createcachetable", "load_editions"):
        call_command(command, verbosity=0)
