"""Processes that print side by side."""

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
    """What is started within never hears Ctrl-C, which reaches every process of a terminal.

    The command hears it a little later, and lets each of its processes end the document in hand.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def set_up() -> None:
    """Make a new process ready to print, and to end its own printing process before it ends itself."""
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    django.setup()
    from assessments.pdf import press  # noqa: PLC0415 - after the set-up

    Finalize(None, press.stop, exitpriority=10)


def _leave_with_parent() -> None:
    """End this process when the command has gone without a word, as after kill -9; its printing process follows."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
