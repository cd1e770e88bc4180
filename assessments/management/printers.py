"""Processes that print side by side."""

from __future__ import annotations

from multiprocessing.util import Finalize

import django


def set_up() -> None:
    """Make a new process ready to print, and to end its own printing process before it ends itself."""
    django.setup()
    from assessments.reports import press  # noqa: PLC0415 - after the set-up

    Finalize(None, press.stop, exitpriority=10)
