"""The editions and the election calendar on file: read once per process, checked as they are read."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from bulletin.encoding.loader import load_calendar, load_edition
from bulletin.encoding.schema import Calendar, Edition

HERE = Path(__file__).resolve().parent


@cache
def editions() -> Mapping[str, Edition]:
    """Every edition on file, by id, each in its latest revision. Raises EncodingFaults."""
    folders = sorted(path for path in (HERE / "editions").iterdir() if path.is_dir())
    loaded = [load_edition(folder) for folder in folders]
    return {edition.id: edition for edition in loaded}


@cache
def calendar() -> Calendar:
    """The election calendar. Raises EncodingFaults."""
    return load_calendar(HERE / "elections.yaml")
