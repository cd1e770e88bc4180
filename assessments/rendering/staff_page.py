"""What staff may not do with an account: the edition's sentences for the rules that apply to it.

It has no answer, note or outcome: staff read it beside the account, and others may see it there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from assessments.rendering.projection import Projection, cite
from assessments.scoring.advisory import Advisory, Finding
from bulletin.encoding.conditions import Always


@dataclass(frozen=True)
class StaffRule:
    """One sentence on what staff may not do, or only if, with its citation."""

    text: str
    citation: str


@dataclass(frozen=True)
class StaffSection:
    """The sentences on one section of the bulletin's questions."""

    title: str
    rules: tuple[StaffRule, ...]


@dataclass(frozen=True)
class StaffPage:
    """The page for staff. `questions_left` counts the questions whose answers may add to it."""

    account: tuple[str, ...]
    member: str
    as_of: date
    as_of_text: str
    sections: tuple[StaffSection, ...]
    questions_left: int
    bulletin: str
    stamp: str


def staff_page(advisory: Advisory, projection: Projection) -> StaffPage | None:
    """The page for the staff of an advisory's account; None if its edition has no sentences for them."""
    edition = advisory.edition
    if not any(advice.staff for advice in edition.advice.values()):
        return None
    sections = []
    for section in edition.sections_with_rules:
        applying = [f.rule for f in advisory.findings if f.rule.section == section.id and _applies(f)]
        rules = tuple(
            StaffRule(text, cite(rule.paragraphs))
            for rule in applying
            if (text := edition.advice[rule.id].staff)
        )
        if rules:
            sections.append(StaffSection(section.title, rules))
    return StaffPage(
        account=projection.subject_parts,
        member=projection.member,
        as_of=projection.as_of,
        as_of_text=projection.as_of_text,
        sections=tuple(sections),
        questions_left=len(advisory.unanswered),
        bulletin=projection.bulletin,
        stamp=projection.stamp,
    )


def _applies(finding: Finding) -> bool:
    """Whether a rule applies, or may apply: where the member is unsure, staff keep to the rule."""
    if finding.outcome == "unanswered":
        return isinstance(finding.rule.applies, Always)
    return finding.outcome != "not_applicable"
