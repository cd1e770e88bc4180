"""The editions and the election calendar on file, read and checked once per process."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from bulletin.encoding.loader import EncodingFaults, load_calendar, load_editions
from bulletin.encoding.schema import Calendar, Edition, Question

HERE = Path(__file__).resolve().parent
CURRENT = "toronto-social-media-1.1"
"""The id of the current edition: self-checks begin with it, and the pages of the portal are about it.

It is named, and not found by a date or a folder, so that another bulletin on file or in the database changes nothing.
"""


@cache
def editions() -> Mapping[str, Edition]:
    """Every edition on file, by id, each at its latest revision; the current one first. Raises EncodingFaults."""
    loaded = load_editions(HERE / "editions")
    if CURRENT not in loaded:
        fault = "add it, or name another one as CURRENT in bulletin/shelf.py"
        raise EncodingFaults([f"editions: there is no folder `{CURRENT}`, the current edition; {fault}"])
    return {CURRENT: loaded.pop(CURRENT), **loaded}


def current() -> Edition:
    """The current edition, as it is on file. Raises EncodingFaults."""
    return editions()[CURRENT]


def questions() -> Mapping[str, tuple[Edition, Question]]:
    """Every question on file by id, with its edition. If several editions have the id, the current one goes first."""
    by_id: dict[str, tuple[Edition, Question]] = {}
    for edition in editions().values():
        for question in edition.questions:
            by_id.setdefault(question.id, (edition, question))
    return by_id


@cache
def calendar() -> Calendar:
    """The election calendar. Raises EncodingFaults."""
    return load_calendar(HERE / "elections.yaml")
