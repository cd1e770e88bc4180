"""The cache in the database, which has the counts for rate limits."""

from __future__ import annotations

from typing import Any

from django.core.cache.backends.db import DatabaseCache
from django.db import OperationalError, connection


class Cache(DatabaseCache):
    """Django's cache, but it raises OperationalError when the database is full or locked.

    Django's own cache only returns that nothing was written. A limit would then refuse the request, and tell people
    that they tried too often.
    """

    def _base_set(self, mode: str, key: str, value: Any, timeout: Any = None) -> bool:
        faults: list[OperationalError] = []

        def execute(run: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            try:
                return run(sql, params, many, context)
            except OperationalError as error:
                faults.append(error)
                raise

        with connection.execute_wrapper(execute):
            written = bool(super()._base_set(mode, key, value, timeout))  # type: ignore[misc]  # not in the stubs
        if faults and not written:
            raise faults[0]
        return written
