"""The facts by which the Commissioner's desk lists a share, read only from the share's record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from assessments.scoring.advisory import WHEN_ORDER
from assessments.typed.folding import searchable
from assessments.typed.handles import account_name
from bulletin.encoding.conditions import UNSURE

ANSWERS_ALONE = "answers_alone"
"""The overall result of a share without findings, which does not even show that nothing is flagged."""


class SharedFinding(NamedTuple):
    """A rule's outcome, once for each of its paragraphs. `contact` is empty if the finding has none."""

    rule: str
    paragraph: str
    outcome: str
    contact: str


@dataclass(frozen=True)
class DeskFacts:
    """The facts of a share by which the desk lists, filters, searches and counts it."""

    office_name: str
    member: str
    platform: str
    account: str
    account_words: str
    edition: str
    revision: int
    election: str
    overall: str
    contact: str
    findings: tuple[SharedFinding, ...]
    unsure: tuple[str, ...]
    words: str


def desk_facts(record: str, *, question: str = "") -> DeskFacts:
    """Read the facts from a share's record. `question` is what the member asked with the share."""
    content: dict[str, Any] = json.loads(record)
    advisory = content["advisory"]
    contacts = {entry["when"] for entry in advisory["contact"]}
    texts = [content["office"], *content["account"].values(), *content["notes"].values(), question]
    platform, name = content["account"].get("platform", ""), account_of(content)
    key = search_key(platform, content["account"].get("handle", ""))
    return DeskFacts(
        office_name=content["office"],
        member=content["account"].get("member", ""),
        platform=platform,
        account=name,
        account_words=f"{key}{searchable(name)}",
        edition=content["edition"],
        revision=content["revision"],
        election=advisory["election"]["id"],
        overall=advisory["overall"] if advisory["findings"] else ANSWERS_ALONE,
        contact=next((when for when in WHEN_ORDER if when in contacts), ""),
        findings=tuple(
            SharedFinding(finding["rule"], paragraph, finding["outcome"], finding["contact"] or "")
            for finding in advisory["findings"]
            for paragraph in finding["paragraphs"]
        ),
        unsure=tuple(question for question, value in content["answers"].items() if value == UNSURE),
        words=key + searchable("\n".join(filter(None, texts))),
    )


def search_key(platform: str, handle: str) -> str:
    """What a search for an account's address or handle looks for: `instagram/patlee; `. Empty without a handle."""
    return f"{account_name(platform, handle)}; " if handle else ""


def account_of(content: Mapping[str, Any]) -> str:
    """The account's name in the content of a share's record. Empty if the account had no name."""
    return " ".join(filter(None, (content["account"].get(key, "") for key in ("platform", "handle"))))
