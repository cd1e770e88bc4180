"""Whether the portal is alive and whether it can serve requests, for the proxy and for monitoring."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
from collections.abc import Callable

from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from assessments.models import frozen
from bulletin import shelf
from bulletin.encoding.digest import digest
from bulletin.models import PublishedEdition

log = logging.getLogger(__name__)


@require_safe
def live(_: HttpRequest) -> JsonResponse:
    """This process answers. It uses nothing else, so that a database that is down does not restart the web server."""
    return JsonResponse({"live": True})


@require_safe
def ready(_: HttpRequest) -> JsonResponse:
    """Whether this host can serve requests. 503 names the parts that do not work, and gives no detail to anybody."""
    broken = []
    for name, check in CHECKS.items():
        if not _passes(name, check):
            broken.append(name)
            if name == "database":
                # The other checks use the database too, and each would wait for it.
                break
    return JsonResponse({"ready": not broken, "broken": broken}, status=503 if broken else 200)


def _passes(name: str, check: Callable[[], bool]) -> bool:
    try:
        return check()
    except Exception as error:  # noqa: BLE001 - whatever the error, this part does not work
        log.error("Not ready, %s: %s", name, type(error).__name__)
        return False


def _database() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return bool(cursor.fetchone() == (1,))


def _migrations() -> bool:
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def _frozen() -> bool:
    return not frozen.missing(connection)


def _editions() -> bool:
    """Every edition in the code is published as it is: until then nobody can start an assessment with it."""
    published = set(PublishedEdition.objects.values_list("edition_id", "revision", "digest"))
    return published >= {
        (edition.id, edition.sheet.revision, digest(edition)) for edition in shelf.editions().values()
    }


def _static() -> bool:
    """The static files are collected. Without them, a page cannot name a file whose name includes a hash."""
    return bool(staticfiles_storage.url("css/site.css"))


def _cache() -> bool:
    # A new key each time, so that two hosts that check at the same moment do not interfere.
    key = f"health-{secrets.token_hex(8)}"
    cache.set(key, key, timeout=60)
    is_stored: bool = cache.get(key) == key
    cache.delete(key)
    return is_stored


def _storage() -> bool:
    # The name is fixed, so that it can be deleted: a full disk keeps half a file, and `save` returns no name for it.
    name = f"health/{socket.gethostname()}-{os.getpid()}-{threading.get_ident()}"
    default_storage.delete(name)
    try:
        name = default_storage.save(name, ContentFile(b"ready"))
        with default_storage.open(name) as file:
            return bool(file.read() == b"ready")
    finally:
        default_storage.delete(name)


CHECKS: dict[str, Callable[[], bool]] = {
    "database": _database,
    "migrations": _migrations,
    "frozen": _frozen,
    "editions": _editions,
    "static": _static,
    "cache": _cache,
    "storage": _storage,
}
"""The checks that must pass before a host gets requests, in this order."""
