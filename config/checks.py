"""What `manage.py check --deploy` reports about the portal's own settings."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import checks

from config.oidc import ONE_FACTOR, Provider


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
    warnings += _of_connections()
    if settings.OIDC:
        warnings += _of_single_sign_on(settings.OIDC)
    return warnings


def _of_single_sign_on(provider: Provider) -> list[checks.CheckMessage]:
    warnings: list[checks.CheckMessage] = []
    if not provider.issuer.startswith("https://"):
        warnings.append(
            checks.Warning(
                "OIDC_SERVER_URL is on this machine, without HTTPS. Use such a server only for tests.",
                hint="Set it to the provider of your organization, such as "
                "https://login.microsoftonline.com/<tenant ID>/v2.0.",
                id="config.W009",
            )
        )
    for claim, value in sorted(provider.second_step & ONE_FACTOR):
        warnings.append(
            checks.Warning(
                f"OIDC_SECOND_STEP has {claim}:{value}, which providers also send for a password alone.",
                hint="Name a claim that only a second step gives, such as amr:mfa.",
                id="config.W010",
            )
        )
    return warnings


def _of_connections() -> list[checks.CheckMessage]:
    """Warn about connections to other hosts that someone between them could read or answer."""
    warnings: list[checks.CheckMessage] = []
    database = settings.DATABASES["default"]
    options = database.get("OPTIONS", {})
    checks_certificate = options.get("sslmode") in ("verify-ca", "verify-full")
    if _is_elsewhere(database.get("HOST", "")) and not checks_certificate:
        warnings.append(
            checks.Warning(
                "DATABASE_URL names another host without sslmode=verify-full, so the portal does not check whether "
                "it reaches the right database, and may send everything unencrypted.",
                hint="End it with ?sslmode=verify-full&sslrootcert= and the path of the certificate of whoever "
                "issued the database's certificate.",
                id="config.W007",
            )
        )
    by_smtp = settings.EMAIL_BACKEND == "django.core.mail.backends.smtp.EmailBackend"
    is_safe = settings.EMAIL_USE_TLS or settings.EMAIL_USE_SSL
    if by_smtp and _is_elsewhere(settings.EMAIL_HOST) and not is_safe:
        warnings.append(
            checks.Warning(
                "EMAIL_URL begins with smtp://, so the portal sends emails and its password to another host "
                "unencrypted.",
                hint="Begin it with submission:// or smtps:// instead.",
                id="config.W008",
            )
        )
    return warnings


def _is_elsewhere(host: str) -> bool:
    """Whether a host is neither this one nor a container beside it, whose name has no dot."""
    is_path = host.startswith("/")
    is_here = host in ("", "localhost", "::1") or host.startswith("127.")
    return not (is_path or is_here) and ("." in host or ":" in host)
