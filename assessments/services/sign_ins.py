"""Changing how people sign in: linking single sign-on, and resetting a lost second step."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount as Link
from django.db import transaction

from assessments.models import User
from assessments.services.people import end_sessions
from assessments.services.security_log import Reason
from assessments.services.sign_in_changes import Change, tell_of_change


class LinkConflict(Exception):
    """This identity of single sign-on is linked to someone else's sign-in."""


@transaction.atomic
def link_single_sign_on(*, by: User, provider: str, uid: str) -> None:
    """Let single sign-on sign this person in, in place of any identity linked to them before.

    Only the provider's id for the person is stored. Raises LinkConflict.
    """
    User.objects.select_for_update(no_key=True).get(pk=by.pk)
    if Link.objects.filter(provider=provider, uid=uid).exclude(user=by).exists():
        raise LinkConflict
    Link.objects.filter(provider=provider, user=by).exclude(uid=uid).delete()
    Link.objects.get_or_create(provider=provider, uid=uid, user=by)


def unlink_single_sign_on(*, by: User) -> None:
    """Remove the person's link to single sign-on."""
    Link.objects.filter(user=by).delete()


@transaction.atomic
def forget_second_step(*, user: User) -> int:
    """Delete a person's second steps and sign them out everywhere; return how many steps there were."""
    count = int(Authenticator.objects.filter(user=user).delete()[0])
    end_sessions(user=user, by=None, reason=Reason.SECOND_STEPS_RESET)
    tell_of_change(user=user, what=Change.SECOND_STEPS_RESET, by=None)
    return count
