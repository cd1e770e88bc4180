"""Deleting what otherwise stays: frozen rows whose time is up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from assessments.models import PurgePermit


@contextmanager
def purging() -> Iterator[None]:
    """Within this block, and for this transaction alone, frozen rows that may ever be deleted can be."""
    with transaction.atomic():
        permit = PurgePermit.objects.create()
        yield
        # Where something went wrong in between, the transaction takes the permit back with all else.
        permit.delete()
