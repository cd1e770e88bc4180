"""The processes of a command that prints several PDFs at the same time."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import parent_process
from multiprocessing.util import Finalize

import django


@contextmanager
def deaf_to_ctrl_c() -> Iterator[None]:
    """Processes that start inside this block ignore Ctrl-C, which a terminal sends to every process.

    The command itself receives it after the block, and lets each of its processes finish the document it is printing.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def set_up() -> None:
    """Prepare a new process to print, and to stop its own printing process before it exits."""
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    django.setup()
    from assessments.pdf import press  # noqa: PLC0415 - after the set-up

    Finalize(None, press.stop, exitpriority=10)


def _leave_with_parent() -> None:
    """Exit when the command has ended without warning, as after kill -9; the printing process then exits too."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
