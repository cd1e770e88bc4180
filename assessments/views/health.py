"""Whether the portal lives, and whether it can serve: for the proxy and for those who watch it."""

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
    """That this process answers; it touches nothing else, so that a database that is away restarts no web server."""
    return JsonResponse({"live": True})


@require_safe
def ready(_: HttpRequest) -> JsonResponse:
    """Whether this host can serve: 503 names the parts that cannot, and says nothing more of them to anybody."""
    broken = []
    for name, holds in CHECKS.items():
        if not _holds(name, holds):
            broken.append(name)
            if name == "database":
                # The others ask it too, and would each wait for it.
                break
    return JsonResponse({"ready": not broken, "broken": broken}, status=503 if broken else 200)


def _holds(name: str, holds: Callable[[], bool]) -> bool:
    try:
        return holds()
    except Exception as error:  # noqa: BLE001 - whatever it is, this part does not serve
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
    """Every edition on file is published as it is: until then nobody can begin an assessment by it."""
    published = set(PublishedEdition.objects.values_list("edition_id", "revision", "digest"))
    return published >= {(one.id, one.sheet.revision, digest(one)) for one in shelf.editions().values()}


def _static() -> bool:
    """Where names carry a hash, a page cannot name a file that was not collected."""
    return bool(staticfiles_storage.url("css/site.css"))


def _cache() -> bool:
    # A name of its own each time: hosts that ask at once do not meet.
    key = f"health-{secrets.token_hex(8)}"
    cache.set(key, key, timeout=60)
    found: bool = cache.get(key) == key
    cache.delete(key)
    return found


def _storage() -> bool:
    # A name that is known beforehand: a disk that is full keeps half a file, and `save` returns no name for it.
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
"""What has to hold before a host is sent any requests, in this order."""
