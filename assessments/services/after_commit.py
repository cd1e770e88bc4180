"""Work that follows a commit. If it fails, the write and the response to it still stand."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from django.db import transaction

log = logging.getLogger(__name__)


def after_commit(what: str, work: Callable[..., object], /, *args: Any, **kwargs: Any) -> None:
    """Do `work` once the transaction has committed.

    If the work raises, the log names `what` it was, and the work after it is still done. Django's own
    `on_commit(…, robust=True)` fails if the work is a `functools.partial`, which has no name to log.
    """

    def do() -> None:
        try:
            work(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - whatever it is, the write is committed
            # Not the error's own message, which can contain an address or what someone wrote.
            log.error("An error after a commit: %s (%s)", what, type(error).__name__)

    transaction.on_commit(do)
