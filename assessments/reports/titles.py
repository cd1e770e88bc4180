"""The titles of what records name by codes: results, times to contact, rules, paragraphs, editions, elections."""

from __future__ import annotations

from typing import NamedTuple

from assessments.records.desk_facts import ANSWERS_ALONE
from assessments.records.shared import ONLY_ANSWERS, PART_HEADLINES
from assessments.rendering.projection import cite
from assessments.scoring.advisory import WHEN_ORDER
from bulletin.shelf import calendar, current, editions, revisions

NOT_STATED = "Time not stated"
NO_CONTACT = "None in what was shared"
"""The time to contact of a share in which no finding calls for it.

A share is often a part of a self-check, so that nobody can conclude from it that no contact is needed.
"""


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


def outcome_titles() -> dict[str, str]:
    """The title of each outcome of a finding."""
    return _titles("outcomes")


class RuleTitle(NamedTuple):
    """A rule's title, and the title of its section."""

    rule: str
    section: str


def rule_titles() -> dict[tuple[str, str], RuleTitle]:
    """The titles of each rule on file, by the ids of its edition and of the rule; the newest revision's first."""
    titles: dict[tuple[str, str], RuleTitle] = {}
    for edition, _ in revisions():
        sections = {section.id: section.title for section in edition.sheet.sections}
        for rule in edition.rules:
            titles.setdefault((edition.id, rule.id), RuleTitle(rule.title, sections[rule.section]))
    return titles


def paragraph_titles() -> dict[str, str]:
    """Each paragraph that a rule on file cites, with its title, as in `¶9: City policies apply`."""
    titles: dict[str, str] = {}
    for edition, _ in revisions():
        for paragraph in (p for rule in edition.rules for p in rule.paragraphs):
            title = edition.paragraph[paragraph.partition("(")[0]].title
            titles.setdefault(paragraph, f"{cite([paragraph])}: {title}")
    return titles


def edition_titles() -> dict[str, str]:
    """The title and version of each edition on file."""
    return {e.id: f"{e.sheet.title}, version {e.sheet.version}" for e in editions().values()}


def election_titles() -> dict[str, str]:
    """The name of each election in the calendar."""
    return {election.id: election.name for election in calendar().elections}
