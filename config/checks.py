"""What `manage.py check --deploy` reports about the portal's own settings."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import checks


def deployed(**_: Any) -> list[checks.CheckMessage]:
    """Warn of settings that are easily forgotten, and whose lack shows only once somebody uses the portal."""
    warnings: list[checks.CheckMessage] = []
    if not settings.ALLAUTH_TRUSTED_PROXY_COUNT:
        warnings.append(
            checks.Warning(
                "PROXIES is not set. Behind a proxy that speaks HTTPS, browsers are sent on to HTTPS again and "
                "again, and all people share one limit on wrong guesses.",
                hint="Set it to how many proxies of yours stand before the portal, such as PROXIES=1.",
                id="config.W001",
            )
        )
    if not settings.EMAIL_URL_IS_SET:
        warnings.append(
            checks.Warning(
                "EMAIL_URL is not set, so mail goes to port 25 of this host. Where nothing takes it there, "
                "nobody can be invited.",
                hint="Name your mail server, or say smtp://localhost:25 if it is meant to be there.",
                id="config.W002",
            )
        )
    if settings.DEFAULT_FROM_EMAIL.endswith("@localhost"):
        warnings.append(
            checks.Warning(
                "EMAIL_FROM is not set, so mail comes from portal@localhost, which mail servers refuse.",
                hint="Set it to an address of yours that may send mail, such as portal@example.ca.",
                id="config.W003",
            )
        )
    uses_workers = "django_tasks_db" in settings.TASKS["default"]["BACKEND"]
    if uses_workers and settings.DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
        warnings.append(
            checks.Warning(
                "TASKS=database has workers write to SQLite beside the web server. They wait for one another, and a "
                "worker on another host has another list of work.",
                hint="Name a PostgreSQL in DATABASE_URL, or leave TASKS out.",
                id="config.W004",
            )
        )
    return warnings
