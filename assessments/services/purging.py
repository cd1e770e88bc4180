"""Deleting frozen rows, which the database otherwise refuses, once they have been kept long enough."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from assessments.models import PurgePermit


@contextmanager
def purging() -> Iterator[None]:
    """Within this block and its transaction, let frozen rows be deleted, except those that are kept for ever."""
    with transaction.atomic():
        permit = PurgePermit.objects.create()
        yield
        # If the block raises, the transaction rolls the permit back with everything else.
        permit.delete()
