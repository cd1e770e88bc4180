"""The titles of results and of times to contact the Commissioner, by their codes in records."""

from __future__ import annotations

from assessments.records.desk_facts import ANSWERS_ALONE
from assessments.records.shared import ONLY_ANSWERS, PART_HEADLINES
from assessments.scoring.advisory import WHEN_ORDER
from bulletin.shelf import current

NOT_STATED = "Time not stated"


def _titles(kind: str) -> dict[str, str]:
    """The current edition's titles of overall results, or of times to contact; every edition has the same keys."""
    return {key: titled.title for key, titled in getattr(current().sheet.words, kind).items()}


def overall_titles() -> dict[str, str]:
    """The title of each overall result that a part of an advisory can have."""
    return _titles("overall") | PART_HEADLINES | {ANSWERS_ALONE: ONLY_ANSWERS}


def contact_titles() -> dict[str, str]:
    """The title of each time to contact the Commissioner, the earliest first."""
    titles = _titles("contact") | {"unstated": NOT_STATED}
    return {when: titles[when] for when in WHEN_ORDER if when in titles}
