"""Changing one's own email address: it counts once the person confirms it by a link sent to it.

Nothing that the person sees depends on whether the address already belongs to somebody else's sign-in. In that case
its owner gets an email without a link to confirm.
"""

from __future__ import annotations

from datetime import datetime

from django.core import signing
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from assessments.models import EmailChange, Membership, Office, User
from assessments.models.invitations import LISTED
from assessments.services import audit, security_log
from assessments.services.audit import Action
from assessments.services.mail import partly_hidden
from assessments.services.outbox import drop_mail, path_in, queue_mail
from assessments.services.people import end_sessions
from assessments.services.security_log import Event, Reason


class SameAddress(Exception):
    """The address is the person's already."""


class LinkGone(Exception):
    """The link was used, replaced or cancelled, or never existed."""


class LinkExpired(Exception):
    """The link is over a week old."""


class OtherPerson(Exception):
    """The link is for somebody other than the person who is signed in."""


class AddressTaken(Exception):
    """The address has come to belong to another sign-in since the person asked for it."""


@transaction.atomic
def ask_for_email(*, email: str, by: User) -> None:
    """Send a link to a new address and a notice to the present one, in place of an earlier change.

    Raises SameAddress.
    """
    user = User.objects.select_for_update(no_key=True).get(pk=by.pk)
    if email == user.email:
        raise SameAddress
    _drop(user)
    change = EmailChange.objects.create(user=user, email=email)
    owner = User.objects.filter(email=email).first()
    if owner is None:
        queue_mail(to=user, address=email, name="email_change", path=_path(change.nonce))
    else:
        queue_mail(to=owner, name="email_taken", path=reverse("account_login"))
    words = {"address": partly_hidden(email)}
    queue_mail(to=user, address=user.email, name="email_asked", path=reverse("your_details"), words=words)
    audit.append(office=None, action=Action.EMAIL_ASKED, about=user, by=by)


@transaction.atomic
def cancel_email(*, by: User) -> bool:
    """Cancel a person's change of address; return false if there was none."""
    user = User.objects.select_for_update(no_key=True).get(pk=by.pk)
    if not _drop(user):
        return False
    audit.append(office=None, action=Action.EMAIL_CANCELLED, about=user, by=by)
    return True


@transaction.atomic
def confirm_email(*, token: str, by: User, session: str | None) -> None:
    """Change a person's address to the one that a link confirms, and sign them out in all other sessions.

    Raises LinkGone, LinkExpired, OtherPerson and AddressTaken, each before anything is changed.
    """
    # Locked before the change is read, so that a second press of the button finds it gone.
    user = User.objects.select_for_update(no_key=True).get(pk=by.pk)
    if not user.is_active:
        raise LinkGone
    change = change_of(token=token, by=by)
    if User.objects.filter(email=change.email).exclude(pk=user.pk).exists():
        raise AddressTaken
    change.delete()
    words = {"address": partly_hidden(change.email)}
    queue_mail(to=user, address=user.email, name="email_changed", path=reverse("help"), words=words)
    end_sessions(user=user, but=session, by=by, reason=Reason.NEW_ADDRESS)
    security_log.write(Event.EMAIL_CHANGED, person=user, by=by)
    # Not those where the person no longer works: their trails show no address that could need explaining.
    memberships = Membership.objects.current().filter(user=user).values("office")
    for office in Office.objects.filter(Q(member=user) | Q(pk__in=memberships)).order_by("pk"):
        audit.append(office=office, action=Action.EMAIL_CHANGED, about=user, by=by)
    audit.append(office=None, action=Action.EMAIL_CHANGED, about=user, by=by)
    # After the events: to change a unique column takes a stronger lock, which could wait for others that wait for the
    # audit trail.
    try:
        with transaction.atomic():
            User.objects.filter(pk=user.pk).update(email=change.email)
    except IntegrityError as error:
        # Another sign-in got the address at the same moment.
        raise AddressTaken from error


def change_of(*, token: str, by: User) -> EmailChange:
    """The change that a link confirms. Raises LinkGone, OtherPerson and LinkExpired."""
    try:
        nonce = path_in(_path(token)).rpartition("/")[2]
    except signing.BadSignature:
        raise LinkGone from None
    change = EmailChange.objects.filter(nonce=nonce).first()
    if change is None:
        raise LinkGone
    if change.user_id != by.pk:
        raise OtherPerson
    if change.is_expired:
        raise LinkExpired
    return change


def delete_expired(*, now: datetime | None = None) -> int:
    """Delete the changes whose link expired over 30 days ago; return how many."""
    until = (now or timezone.now()) - LISTED
    return EmailChange.objects.filter(ends_at__lte=until).delete()[0]


def _path(token: str) -> str:
    return reverse("confirm_email", kwargs={"token": token})


def _drop(user: User) -> bool:
    """Delete a person's change of address and the email with its link; return whether there was one."""
    change = EmailChange.objects.filter(user=user).first()
    if change is None:
        return False
    drop_mail(paths=[_path(change.nonce)])
    change.delete()
    return True
