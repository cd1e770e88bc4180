"""What the Commissioner's desk knows of a share: read from what was shared, and from nothing else."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from assessments.rendering.projection import CONTACT_ORDER
from bulletin.encoding.conditions import UNSURE

ANSWERS_ALONE = "answers_alone"
"""The overall of a share without findings: nothing can be said of it, not even that nothing is flagged."""


class SharedFinding(NamedTuple):
    """A rule's outcome, once for each of its paragraphs; `contact` is empty where there is none to make."""

    rule: str
    paragraph: str
    outcome: str
    contact: str


@dataclass(frozen=True)
class DeskFacts:
    """What a record of a share tells: by what it is listed, filtered, searched and counted."""

    office_name: str
    account: str
    edition: str
    revision: int
    election: str
    overall: str
    contact: str
    findings: tuple[SharedFinding, ...]
    unsure: tuple[str, ...]
    words: str


def desk_facts(record: str, *, question: str = "") -> DeskFacts:
    """Read a share's record; `question` is what the member asked with it."""
    told: dict[str, Any] = json.loads(record)
    advisory = told["advisory"]
    contacts = {entry["when"] for entry in advisory["contact"]}
    texts = [told["office"], *told["account"].values(), *told["notes"].values(), question]
    return DeskFacts(
        office_name=told["office"],
        account=account_of(told),
        edition=told["edition"],
        revision=told["revision"],
        election=advisory["election"]["id"],
        overall=advisory["overall"] if advisory["findings"] else ANSWERS_ALONE,
        contact=next((when for when in CONTACT_ORDER if when in contacts), ""),
        findings=tuple(
            SharedFinding(one["rule"], paragraph, one["outcome"], one["contact"] or "")
            for one in advisory["findings"]
            for paragraph in one["paragraphs"]
        ),
        unsure=tuple(question for question, value in told["answers"].items() if value == UNSURE),
        words=folded("\n".join(filter(None, texts))),
    )


def account_of(told: Mapping[str, Any]) -> str:
    """What the account was called when it was shared, from the record of that; empty if it had no name."""
    return " ".join(filter(None, (told["account"].get(key, "") for key in ("platform", "handle"))))


def folded(text: str) -> str:
    """Text as search compares it: without regard to capitals, to how accents are written and to white space."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
