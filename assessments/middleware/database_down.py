"""When the database is full, locked or not responding, people get a page within seconds, with what they typed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakSet

from django.conf import settings
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse

from assessments.views.not_saved import FAULTS, unavailable

LOCK_TIMEOUT = "4s"
"""How long a request waits for a lock of PostgreSQL. SQLite's is in config/settings.py."""
_limited: WeakSet[Any] = WeakSet()
"""The connections of PostgreSQL that have the limit."""
TRANSACTION_STATUS_IDLE = 0
"""Psycopg's number for a connection on which no transaction has begun."""


class DatabaseDown:
    """Answers 503 for a view in which the database failed. In each request, it waits for a lock only once."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with _waiting_once():
            return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer for a view. For faults outside of views, `server_error` in views/public.py answers."""
        return unavailable(request, exception) if isinstance(exception, FAULTS) else None


def _limit_waits(opened: Any) -> None:
    """Limit how long PostgreSQL waits for a lock on a connection that a request has just opened.

    Commands open their own, without the limit. The address of the database could set it only for both, and a
    PgBouncer refuses the option.
    """
    if opened in _limited or opened.info.transaction_status != TRANSACTION_STATUS_IDLE:
        return
    with opened.cursor() as cursor:
        cursor.execute("SET lock_timeout = %s", [LOCK_TIMEOUT])
    if not opened.autocommit:
        # Otherwise the end of the transaction that begins now could undo it.
        opened.commit()
    _limited.add(opened)


@contextmanager
def _waiting_once() -> Iterator[None]:
    """Within a request, wait only a few seconds for a lock.

    On SQLite, do not wait for the write lock again after one wait failed: the waits would add up. The limits on
    guessing, which are in the database too, go on without it when it cannot be written.
    """
    waited = False

    def execute(run: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        nonlocal waited
        if connection.vendor == "postgresql":
            _limit_waits(connection.connection)
        try:
            return run(sql, params, many, context)
        except OperationalError:
            if connection.vendor == "sqlite" and not waited:
                waited = True
                connection.connection.execute("PRAGMA busy_timeout = 0")
            raise

    with connection.execute_wrapper(execute):
        try:
            yield
        finally:
            if waited and connection.connection is not None:
                seconds = settings.DATABASES["default"]["OPTIONS"]["timeout"]
                connection.connection.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")
