"""The register of an office's social accounts, and what is moved or begun there."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from assessments.models import AnonymousCheck, Assessment, Office, SocialAccount, User
from assessments.services import audit
from assessments.services.audit import Action
from assessments.services.drafts import default_election, keep_check, start_assessment
from bulletin.publish import current_published


@dataclass(frozen=True)
class NewAccount:
    """A social account as someone describes it."""

    office: Office
    platform: str
    handle: str
    purpose: str
    display_name: str = ""
    address: str = ""


class DuplicateAccount(Exception):
    """The office has an account of this name on this platform."""


@transaction.atomic
def add_account(*, account: NewAccount, by: User) -> SocialAccount:
    """Add an account to its office's register. Raises DuplicateAccount."""
    _make_way(account)
    added = SocialAccount.objects.create(**vars(account))
    audit.append(office=account.office, action=Action.ACCOUNT_ADDED, about=added, by=by)
    return added


def _make_way(account: NewAccount, *, instead_of: SocialAccount | None = None) -> None:
    """Have the office to ourselves, and see that no other account of it has the name.

    The database's constraint would refuse it as well, but PostgreSQL writes what it refuses to its own log.
    """
    Office.objects.select_for_update(no_key=True).get(pk=account.office.pk)
    namesakes = account.office.accounts.named(account.platform, account.handle)
    if any(namesake != instead_of for namesake in namesakes):
        raise DuplicateAccount


@transaction.atomic
def describe_account(*, account: SocialAccount, described: NewAccount, by: User) -> None:
    """Describe an account of the register anew; its office stays. Raises DuplicateAccount."""
    _make_way(described, instead_of=account)
    told = {name: value for name, value in vars(described).items() if name != "office"}
    SocialAccount.objects.filter(pk=account.pk).update(**told)
    audit.append(office=account.office, action=Action.ACCOUNT_DESCRIBED, about=account, by=by)


@transaction.atomic
def keep_in_register(*, check: AnonymousCheck, account: SocialAccount | NewAccount, by: User) -> Assessment:
    """Move an anonymous check into an office: to an account of its register, or to one that is added for it.

    Raises DuplicateAccount, and AnonymousCheck.DoesNotExist where the check was moved or deleted meanwhile; then
    nothing is added.
    """
    # First of all, so that a double submit waits here, finds nothing to move, and adds no account.
    check = AnonymousCheck.objects.select_for_update().get(pk=check.pk)
    if isinstance(account, NewAccount):
        account = add_account(account=account, by=by)
    return keep_check(check=check, account=account, by=by)


@transaction.atomic
def assess_account(*, account: SocialAccount, by: User, election: str = "") -> Assessment:
    """Begin a draft about an account, or go on with one that nobody has answered anything in.

    So a button that is pressed twice begins one draft.
    """
    election = election or default_election()
    account = SocialAccount.objects.select_for_update(no_key=True).get(pk=account.pk)
    blank = account.assessments.filter(
        deleted_at__isnull=True, answers__isnull=True, edition=current_published(), election=election
    )
    return blank.first() or start_assessment(account=account, by=by, election=election)
