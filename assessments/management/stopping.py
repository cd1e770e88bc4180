"""Commands that can be stopped."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError

STOPPED = 130
"""How a command ends that Ctrl-C or SIGTERM stopped."""


@contextmanager
def stoppable(says: str) -> Iterator[None]:
    """A `with` statement that ends by Ctrl-C or SIGTERM in a line of its own, once all within has tidied up."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        raise CommandError(says, returncode=STOPPED) from None
    finally:
        signal.signal(signal.SIGTERM, before)
