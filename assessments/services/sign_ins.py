"""Changing how people sign in: linking single sign-on, joining with it, and resetting a lost second step."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount as Link
from django.conf import settings
from django.db import IntegrityError, transaction

from assessments.models import Invitation, User
from assessments.oidc.claims import Identity, Reason, Refusal
from assessments.services import people, security_log
from assessments.services.people import end_sessions
from assessments.services.sign_in_changes import Change, record_change, tell_of_change
from config.oidc import Provider


class NoPassword(Exception):
    """Without the link to single sign-on, the person could not sign in: they have no password."""


def linked_person(identity: Identity) -> User | None:
    """The person whose sign-in is linked to this identity; None if there is none. Raises Refusal.

    The subject decides, whatever address the provider has for the person now: providers never give a subject to
    someone else, and they do give addresses to others, for example after a change of name. Entra's tenant and object
    must be those of the first time.
    """
    link = Link.objects.select_related("user").filter(provider=identity.issuer, uid=identity.subject).first()
    if link is None:
        return None
    person: User = link.user
    if link.extra_data != _kept(identity):
        raise Refusal(Reason.LINK_DIFFERS, person=person)
    return person


def is_linked(*, user: User) -> bool:
    """Whether single sign-on signs this person in: they are linked to the current provider."""
    provider: Provider | None = settings.OIDC
    return provider is not None and Link.objects.filter(user=user, provider=provider.issuer).exists()


def _kept(identity: Identity) -> dict[str, str]:
    """What a link keeps beside the issuer and the subject."""
    return {"tid": identity.tenant, "oid": identity.object_id}


@transaction.atomic
def link_single_sign_on(*, by: User, identity: Identity, replace: bool) -> None:
    """Let this identity sign the person in, and tell them.

    `replace` the one that was linked before: only someone who has proved who they are may do that. Raises Refusal if
    the identity is someone else's, or if the person has another and it is not to be replaced.
    """
    # The lock lets two links of one person take turns.
    User.objects.select_for_update(no_key=True).get(pk=by.pk)
    others = Link.objects.filter(user=by).exclude(provider=identity.issuer, uid=identity.subject)
    if replace:
        others.delete()
    elif others.filter(provider=identity.issuer).exists():
        raise Refusal(Reason.LINKED_TO_ANOTHER, person=by)
    if _link(by, identity):
        tell_of_change(user=by, what=Change.SINGLE_SIGN_ON_LINKED, by=by)


def _link(person: User, identity: Identity) -> bool:
    """Link an identity to a person; return whether it was not linked before. Raises Refusal."""
    this = {"provider": identity.issuer, "uid": identity.subject}
    try:
        with transaction.atomic():
            link, is_new = Link.objects.get_or_create(
                **this, defaults={"user": person, "extra_data": _kept(identity)}
            )
    except IntegrityError as error:
        # It was linked to someone at the same moment.
        raise Refusal(Reason.LINKED_TO_ANOTHER) from error
    if link.user_id != person.pk:
        raise Refusal(Reason.LINKED_TO_ANOTHER)
    return bool(is_new)


@transaction.atomic
def join(*, invitation: Invitation, name: str, identity: Identity) -> User:
    """Accept an invitation with a new sign-in that has no password, and link it to single sign-on.

    Raises what `people.accept` raises, and Refusal.
    """
    if invitation.email != identity.address:
        raise Refusal(Reason.OTHER_ADDRESS)
    person = people.accept(invitation=invitation, name=name)
    _link(person, identity)
    # No email: they are just joining.
    record_change(user=person, what=Change.SINGLE_SIGN_ON_LINKED, by=person)
    return person


@transaction.atomic
def unlink_single_sign_on(*, by: User) -> None:
    """Remove the person's link to single sign-on, and tell them.

    Raises NoPassword if they could not sign in without it.
    """
    if not by.has_usable_password():
        raise NoPassword
    if Link.objects.filter(user=by).delete()[0]:
        tell_of_change(user=by, what=Change.SINGLE_SIGN_ON_UNLINKED, by=by)


@transaction.atomic
def forget_single_sign_on(*, user: User) -> int:
    """Remove the links of a person whose account at the provider is new, sign them out everywhere, and tell them.

    Returns how many links there were.
    """
    count = int(Link.objects.filter(user=user).delete()[0])
    end_sessions(user=user, by=None, reason=security_log.Reason.LINK_REMOVED)
    tell_of_change(user=user, what=Change.SINGLE_SIGN_ON_UNLINKED, by=None)
    return count


@transaction.atomic
def forget_second_step(*, user: User) -> int:
    """Delete a person's second steps and sign them out everywhere; return how many steps there were."""
    count = int(Authenticator.objects.filter(user=user).delete()[0])
    end_sessions(user=user, by=None, reason=security_log.Reason.SECOND_STEPS_RESET)
    tell_of_change(user=user, what=Change.SECOND_STEPS_RESET, by=None)
    return count
