"""The editions and the election calendar on file, read and checked once per process."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from bulletin.encoding.carry import follow
from bulletin.encoding.digest import canonical, digest
from bulletin.encoding.elections import Calendar
from bulletin.encoding.loader import EncodingFaults, load_calendar, load_editions
from bulletin.encoding.proof import Flaw, prove
from bulletin.encoding.schema import Edition, Question

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


def keep(edition: Edition) -> Path:
    """Write an edition on file to its folder `earlier/`, where the next revision needs it; return the file's path."""
    path = HERE / "editions" / edition.id / "earlier" / f"{edition.sheet.revision}.json"
    path.parent.mkdir(exist_ok=True)
    published = {"digest": digest(edition), "content": json.loads(canonical(edition))}
    path.write_text(json.dumps(published, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return path


def current() -> Edition:
    """The current edition, as it is on file. Raises EncodingFaults."""
    return editions()[CURRENT]


def revisions() -> Iterator[tuple[Edition, Edition]]:
    """Every edition on file and its earlier revisions, each with the newest revision of it.

    The newest revisions go first, and the current edition before the others.
    """
    yield from ((edition, edition) for edition in editions().values())
    for newest in editions().values():
        for edition in reversed(list(newest.earlier.values())):
            yield edition, newest


def questions() -> Mapping[str, tuple[Edition, Question]]:
    """Every question on file by id, with its edition. If several editions have the id, the current one goes first.

    A question that only earlier revisions have stands for what became of it. If it is gone, it is as it was.
    """
    by_id: dict[str, tuple[Edition, Question]] = {}
    for edition, newest in revisions():
        for question in edition.questions:
            name = follow(question.id, edition, newest).name
            by_id.setdefault(question.id, (newest, newest.question[name]) if name else (edition, question))
    return by_id


@cache
def calendar() -> Calendar:
    """The election calendar. Raises EncodingFaults."""
    return load_calendar(HERE / "elections.yaml")


def flaws(edition: Edition) -> list[str]:
    """The flaws of an edition on file, each with its place, followed by an answers file that shows it."""
    lines = []
    for flaw in prove(edition):
        lines.append(f"{edition.id}/{flaw.located(HERE / 'editions' / edition.id)}")
        if flaw.answers is not None:
            lines.append(json.dumps(_answers_file(edition, flaw), ensure_ascii=False))
    return lines


def _answers_file(edition: Edition, flaw: Flaw) -> dict[str, Any]:
    """The answers that show a flaw, as of a day within the campaign period or after it, as the flaw needs."""
    document: dict[str, Any] = {"edition": edition.id, "answers": flaw.answers}
    election = calendar().default_for(edition.sheet.issued)
    if flaw.campaign_over is not None and election.campaign_ends:
        day = election.campaign_ends + timedelta(days=flaw.campaign_over)
        document |= {"election": election.id, "as_of": day.isoformat()}
    return document
