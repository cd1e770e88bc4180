"""Changing the register of an office's social media accounts, and starting self-checks about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.db.models import Exists, OuterRef

from assessments.models import AnonymousCheck, Answer, Assessment, Office, SocialAccount, User
from assessments.services import audit
from assessments.services.audit import Action
from assessments.services.drafts import default_election, keep_check, start_assessment
from assessments.typed.handles import account_key
from bulletin.publish import current_published


@dataclass(frozen=True)
class NewAccount:
    """A social media account as someone describes it in the form."""

    office: Office
    platform: str
    handle: str
    purpose: str
    display_name: str = ""
    address: str = ""


class DuplicateAccount(Exception):
    """The office already has an account with this name on this platform: `account`."""

    def __init__(self, pk: int) -> None:
        super().__init__()
        self.account = SocialAccount.objects.get(pk=pk)


@transaction.atomic
def add_account(*, account: NewAccount, by: User) -> SocialAccount:
    """Add an account to its office's register. Raises DuplicateAccount."""
    key = account_key(account.platform, account.handle)
    if namesakes := _namesakes(account.office, key):
        raise DuplicateAccount(min(namesakes))
    added = SocialAccount.objects.create(**vars(account), name_key=key)
    audit.append(office=account.office, action=Action.ACCOUNT_ADDED, about=added, by=by)
    return added


def _namesakes(office: Office, key: str) -> set[int]:
    """Lock the office, and return the primary keys of its accounts with this name, however they are spelled.

    The database's constraint would refuse the name as well, but PostgreSQL logs what a constraint refuses.
    """
    Office.objects.select_for_update(no_key=True).get(pk=office.pk)
    named = office.accounts.values_list("pk", "platform", "handle")
    return {pk for pk, platform, handle in named if account_key(platform, handle) == key}


@transaction.atomic
def describe_account(*, account: SocialAccount, described: NewAccount, by: User) -> None:
    """Replace the description of an account; its office stays the same. Raises DuplicateAccount.

    Two accounts that have had the same name since before spellings were compared may keep it.
    """
    key = account_key(described.platform, described.handle)
    namesakes = _namesakes(described.office, key)
    others = namesakes - {account.pk}
    if others and account.pk not in namesakes:
        raise DuplicateAccount(min(others))
    columns = {name: value for name, value in vars(described).items() if name != "office"}
    SocialAccount.objects.filter(pk=account.pk).update(**columns, **({} if others else {"name_key": key}))
    audit.append(office=account.office, action=Action.ACCOUNT_DESCRIBED, about=account, by=by)


@transaction.atomic
def keep_in_register(*, check: AnonymousCheck, account: SocialAccount | NewAccount, by: User) -> Assessment:
    """Move an anonymous check into an office, to an account of its register or to a new one.

    Raises DuplicateAccount, and AnonymousCheck.DoesNotExist where the check has been moved or deleted. Then no
    account is added.
    """
    # Locked first, so that a double submit waits here, has no check to move, and adds no account.
    check = AnonymousCheck.objects.select_for_update().get(pk=check.pk)
    if isinstance(account, NewAccount):
        account = add_account(account=account, by=by)
    return keep_check(check=check, account=account, by=by)


@transaction.atomic
def assess_account(
    *,
    account: SocialAccount,
    by: User,
    election: str = "",
    voting_day: date | None = None,
    campaign_ends: date | None = None,
) -> Assessment:
    """Start a draft about an account. If the account has one that nobody has answered in, return that one."""
    account = SocialAccount.objects.select_for_update(no_key=True).get(pk=account.pk)
    blank = account.assessments.filter(
        ~Exists(Answer.objects.filter(draft=OuterRef("pk"), carried=False)),
        deleted_at=None,
        copied_from=None,
        edition=current_published(),
        election=election or default_election(),
        voting_day=voting_day,
        campaign_ends=campaign_ends,
    )
    return blank.first() or start_assessment(
        account=account, by=by, election=election, voting_day=voting_day, campaign_ends=campaign_ends
    )
