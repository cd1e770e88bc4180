"""How the accounts of one office affect each other, from the newest self-check of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from assessments.models import SocialAccount
from assessments.records.state import AssessmentState
from assessments.rendering.findings import Tone
from assessments.rendering.projection import cite
from assessments.typed.handles import account_key
from bulletin.encoding.conditions import Condition, Fact, Is
from bulletin.encoding.schema import Across, Edition, Pointer


@dataclass(frozen=True)
class Remark:
    """A sentence about how accounts affect each other, with its tone and the paragraphs that it is about."""

    tone: Tone
    citation: str
    text: str


CheckedAccount = tuple[SocialAccount, AssessmentState]
"""An account of the register, and the state of its newest self-check."""


def across(accounts: Iterable[SocialAccount], checked: Iterable[CheckedAccount]) -> tuple[Remark, ...]:
    """Remarks under ¶11 and ¶12: a campaign account shares City signs, is missing, or uses no City resources.

    `accounts` are all accounts of the office, `checked` those that have a self-check. An answer that is missing or
    not sure leads to no remark.
    """
    checked = list(checked)
    campaign = SocialAccount.Purpose.CAMPAIGN
    remarks: list[Remark] = []
    for account, state in checked:
        rules = state.edition.sheet.across
        if rules is None or account.purpose != campaign:
            continue
        for other, other_state in checked:
            if other.purpose != SocialAccount.Purpose.OFFICIAL:
                continue
            if signs := _shared_signs(rules, state, other_state):
                remarks.append(_remark(rules.shared, "action", account=account, other=other, signs=signs))
        if state.weigh(rules.supported).value is False:
            remarks.append(_remark(rules.apart, "consistent", account=account))
    if all(account.purpose != campaign for account in accounts):
        remarks += _missing_campaign_account(checked)
    return tuple(remarks)


def doubles(accounts: Iterable[SocialAccount]) -> list[list[SocialAccount]]:
    """The accounts of one office that have the same name, each group in the order given."""
    by_key: dict[str, list[SocialAccount]] = {}
    for account in accounts:
        by_key.setdefault(account_key(account.platform, account.handle), []).append(account)
    return [named for named in by_key.values() if len(named) > 1]


def _missing_campaign_account(checked: list[CheckedAccount]) -> Iterator[Remark]:
    """At most one remark, about the first account whose answers say that the member is running."""
    for account, state in checked:
        rules = state.edition.sheet.across
        over = state.election.is_over(state.as_of)
        if rules is not None and not over and state.weigh(rules.candidate).value:
            yield _remark(rules.alone, "improvement", account=account)
            return


def _shared_signs(rules: Across, state: AssessmentState, other: AssessmentState) -> str:
    """The City signs that both accounts have, in words; empty if they share none."""
    shared = [
        state.edition.question[sign.question].short
        for sign in _signs(state.edition, rules.signs)
        if all(each.advisory.answers.get(sign.question) == sign.choice for each in (state, other))
    ]
    return "; ".join(shared)


def _signs(edition: Edition, condition: Condition) -> Iterator[Is]:
    for term in condition.terms():
        if isinstance(term, Is):
            yield term
        elif isinstance(term, Fact) and not isinstance(when := edition.fact[term.name].when, str):
            yield from _signs(edition, when)


def _remark(pointer: Pointer, tone: Tone, *, account: SocialAccount, **more: object) -> Remark:
    # Not `format`: a handle may contain braces.
    text = pointer.says
    for name, value in {"account": account, **more}.items():
        text = text.replace(f"{{{name}}}", str(value))
    return Remark(tone, cite(pointer.paragraphs), text)
