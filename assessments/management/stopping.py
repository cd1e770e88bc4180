"""Commands that end cleanly when someone stops them."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError

STOPPED = 130
"""The exit code of a command that Ctrl-C or SIGTERM stopped."""


@contextmanager
def stoppable(message: str) -> Iterator[None]:
    """Turn Ctrl-C or SIGTERM in this block into a CommandError with this message, once the block has cleaned up."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        raise CommandError(message, returncode=STOPPED) from None
    finally:
        signal.signal(signal.SIGTERM, before)
