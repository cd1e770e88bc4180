"""What `manage.py check --deploy` reports about the portal's own settings."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import checks


def deployed(**_: Any) -> list[checks.CheckMessage]:
    """Warn of missing settings that would otherwise show only when someone uses the portal."""
    warnings: list[checks.CheckMessage] = []
    if not settings.ALLAUTH_TRUSTED_PROXY_COUNT:
        warnings.append(
            checks.Warning(
                "PROXIES is not set. Behind a proxy that speaks HTTPS, the site redirects forever, and everyone "
                "shares one limit on wrong guesses.",
                hint="Set it to the number of your proxies in front of the portal, such as PROXIES=1.",
                id="config.W001",
            )
        )
    if not settings.EMAIL_URL_IS_SET:
        warnings.append(
            checks.Warning(
                "EMAIL_URL is not set, so the portal sends emails to port 25 of this host. Without an email server "
                "there, you cannot invite people.",
                hint="Set it to your email server, or to smtp://localhost:25 if that is the right one.",
                id="config.W002",
            )
        )
    if settings.DEFAULT_FROM_EMAIL.endswith("@localhost"):
        warnings.append(
            checks.Warning(
                "EMAIL_FROM is not set, so emails come from portal@localhost, which email servers refuse.",
                hint="Set it to an address that you may send from, such as portal@example.ca.",
                id="config.W003",
            )
        )
    if not settings.SECURITY_CONTACT:
        warnings.append(
            checks.Warning(
                "SECURITY_CONTACT is not set, so the portal does not say where to report a vulnerability.",
                hint="Set it to an email address that someone reads, such as security@example.ca, or to a page.",
                id="config.W005",
            )
        )
    if not settings.OPERATOR_EMAIL:
        warnings.append(
            checks.Warning(
                "OPERATOR_EMAIL is not set, so no one gets an email when a backup or another command fails.",
                hint="Set it to the address of the people who run the portal.",
                id="config.W006",
            )
        )
    uses_workers = "django_tasks_db" in settings.TASKS["default"]["BACKEND"]
    if uses_workers and settings.DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
        warnings.append(
            checks.Warning(
                "With TASKS=database and SQLite, workers and the web server wait for each other. A worker on another "
                "host has another list of tasks.",
                hint="Set DATABASE_URL to a PostgreSQL database, or remove TASKS.",
                id="config.W004",
            )
        )
    return warnings
