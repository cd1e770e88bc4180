"""The cache in the database, for the counts of limits."""

from __future__ import annotations

from typing import Any

from django.core.cache.backends.db import DatabaseCache
from django.db import OperationalError, connection


class Cache(DatabaseCache):
    """Django's cache, which fails when the database is full or locked.

    Django's own only reports that nothing was written. A limit then takes the request for one too many, and people
    read that they tried too often.
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
