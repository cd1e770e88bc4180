"""Work that follows a response. No one waits for it, and how long it takes reveals nothing to the client."""

from __future__ import annotations

import contextvars
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

log = logging.getLogger(__name__)

Work = Callable[[], object]

waiting_work: contextvars.ContextVar[list[Work] | None] = contextvars.ContextVar("waiting_work", default=None)
"""The work that waits for the current response; None outside of requests (set by middleware/after_response.py)."""


def after_response(what: str, work: Callable[..., object], /, *args: Any, **kwargs: Any) -> None:
    """Do `work` once the response is sent; outside of requests, now.

    It keeps the request's network address and identifier. If it raises, the log names `what` it was.
    """
    waiting = waiting_work.get()
    do = partial(contextvars.copy_context().run, partial(_do, what, partial(work, *args, **kwargs)))
    if waiting is None:
        do()
    else:
        waiting.append(do)


def _do(what: str, work: Work) -> None:
    try:
        work()
    except Exception as error:  # noqa: BLE001 - whatever it is, the response is sent
        # Not the error's own message, which can contain an address.
        log.error("An error after a response: %s (%s)", what, type(error).__name__)
