"""How people prove who they are: their link to single sign-on, and a second step that they lost."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount as Link
from django.db import transaction

from assessments.models import User
from assessments.services.people import end_sessions


class LinkConflict(Exception):
    """Single sign-on knows this person here as another one."""


@transaction.atomic
def link_single_sign_on(*, by: User, provider: str, uid: str) -> None:
    """Let single sign-on sign this person in from now on, in place of whom it knew before.

    Of what the other site tells, its own id of the person is kept and nothing else. Raises LinkConflict.
    """
    User.objects.select_for_update(no_key=True).get(pk=by.pk)
    if Link.objects.filter(provider=provider, uid=uid).exclude(user=by).exists():
        raise LinkConflict
    Link.objects.filter(provider=provider, user=by).exclude(uid=uid).delete()
    Link.objects.get_or_create(provider=provider, uid=uid, user=by)


def unlink_single_sign_on(*, by: User) -> None:
    """Take the link away."""
    Link.objects.filter(user=by).delete()


@transaction.atomic
def forget_second_step(*, of: User) -> int:
    """Delete the second steps of someone who lost them, and sign them out everywhere: how many there were."""
    count = int(Authenticator.objects.filter(user=of).delete()[0])
    end_sessions(user=of)
    return count
