"""The editions and the election calendar on file, read and checked once per process."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from bulletin.encoding.loader import load_calendar, load_editions
from bulletin.encoding.schema import Calendar, Edition

HERE = Path(__file__).resolve().parent


@cache
def editions() -> Mapping[str, Edition]:
    """Every edition on file, by id, each at its latest revision. Raises EncodingFaults."""
    return load_editions(HERE / "editions")


@cache
def calendar() -> Calendar:
    """The election calendar. Raises EncodingFaults."""
    return load_calendar(HERE / "elections.yaml")
