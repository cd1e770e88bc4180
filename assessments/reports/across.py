"""What the accounts of one office mean for one another, on the newest self-check of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from assessments.models import SocialAccount
from assessments.records.state import AssessmentState
from assessments.rendering.projection import Tone, cite
from bulletin.encoding.conditions import Condition, Fact, Is
from bulletin.encoding.schema import Across, Edition, Pointer


@dataclass(frozen=True)
class Pointed:
    """One thing to point out: what kind, which paragraphs, and in words."""

    tone: Tone
    citation: str
    says: str


Checked = tuple[SocialAccount, AssessmentState]
"""An account of the register, and where its newest self-check stands."""


def across(accounts: Iterable[SocialAccount], checked: Iterable[Checked]) -> tuple[Pointed, ...]:
    """What to point out (¶11 and ¶12): a campaign account that shares City signs, is missing, or is apart.

    `accounts` are all of the office, `checked` those of them that have a self-check. What is not answered, or not
    sure, points out nothing.
    """
    checked = list(checked)
    campaign = SocialAccount.Purpose.CAMPAIGN
    found: list[Pointed] = []
    for account, state in checked:
        rules = state.edition.sheet.across
        if rules is None or account.purpose != campaign:
            continue
        for other, its in checked:
            if other.purpose == SocialAccount.Purpose.OFFICIAL and (signs := _shared(rules, state, its)):
                found.append(_point(rules.shared, "action", account=account, other=other, signs=signs))
        if state.weigh(rules.supported).value is False:
            found.append(_point(rules.apart, "consistent", account=account))
    if all(account.purpose != campaign for account in accounts):
        found += _missing(checked)
    return tuple(found)


def _missing(checked: list[Checked]) -> Iterator[Pointed]:
    """That the member runs and has no account for it: said once, of the first account that tells."""
    for account, state in checked:
        rules = state.edition.sheet.across
        over = state.as_of > state.election.campaign_ends
        if rules is not None and not over and state.weigh(rules.candidate).value:
            yield _point(rules.alone, "improvement", account=account)
            return


def _shared(rules: Across, one: AssessmentState, other: AssessmentState) -> str:
    """The City signs that both accounts have, in words; empty where there is none."""
    both = [
        one.edition.question[sign.question].short
        for sign in _signs(one.edition, rules.signs)
        if all(state.advisory.answers.get(sign.question) == sign.choice for state in (one, other))
    ]
    return "; ".join(both)


def _signs(edition: Edition, condition: Condition) -> Iterator[Is]:
    for term in condition.terms():
        if isinstance(term, Is):
            yield term
        elif isinstance(term, Fact) and not isinstance(when := edition.fact[term.name].when, str):
            yield from _signs(edition, when)


def _point(pointer: Pointer, tone: Tone, *, account: SocialAccount, **more: object) -> Pointed:
    # Not `format`: a handle may have braces of its own.
    says = pointer.says
    for name, value in {"account": account, **more}.items():
        says = says.replace(f"{{{name}}}", str(value))
    return Pointed(tone, cite(pointer.paragraphs), says)
