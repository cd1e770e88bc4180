"""People and offices: who is invited, who joins, who leaves. Nobody comes in without an invitation."""

from __future__ import annotations

import secrets
from datetime import date
from functools import partial

from allauth.usersessions.models import UserSession
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone

from assessments.models import Invitation, Membership, Office, User
from assessments.models.invitations import key_hash
from assessments.services import audit
from assessments.services.audit import Action
from assessments.services.mail import send_mail

Role = Invitation.Role


SEAT_IS_HELD = "Someone holds this seat already. That term has to end first."


class InvitationGone(Exception):
    """The link was used, was revoked, is too old, or never was one."""


class ExistingAccount(Exception):
    """Whoever was invited has an account, and joins by signing in."""


class CannotJoin(Exception):
    """Something stands in the way of joining; the message is for people."""


@transaction.atomic
def invite(
    *,
    email: str,
    role: str,
    by: User,
    office: Office | None = None,
    seat: str = "",
    starts_on: date | None = None,
) -> Invitation:
    """Invite an address, and send it a link that works once, for a week.

    An earlier invitation to the same that is still open gives way. Nothing tells whether the address has an account.
    The mail leaves once this is kept: where it cannot be sent, OSError or SMTPException comes from there.
    """
    key = secrets.token_urlsafe(32)
    earlier = Invitation.objects.open().filter(email=email, role=role, office=office, seat=seat)
    earlier.update(revoked_at=timezone.now())
    invitation = Invitation.objects.create(
        email=email,
        role=role,
        office=office,
        seat=seat,
        starts_on=starts_on,
        key_hash=key_hash(key),
        invited_by=by,
    )
    context = {"invitation": invitation, "path": reverse("invitation", kwargs={"key": key})}
    transaction.on_commit(partial(send_mail, to=email, name="invitation", context=context))
    audit.append(office=office, action=Action.INVITED, about=invitation, by=by)
    return invitation


@transaction.atomic
def revoke(*, invitation: Invitation, by: User) -> bool:
    """Take back an invitation that nobody has used; return whether that came in time."""
    if Invitation.objects.open().filter(pk=invitation.pk).update(revoked_at=timezone.now()):
        audit.append(office=invitation.office, action=Action.INVITATION_REVOKED, about=invitation, by=by)
    return not Invitation.objects.filter(pk=invitation.pk, used_at__isnull=False).exists()


def _lock_unused(invitations: QuerySet[Invitation]) -> list[Invitation]:
    """Those that nobody has used or taken back, which nobody can use until this transaction ends."""
    unused = invitations.filter(used_at__isnull=True, revoked_at__isnull=True).order_by("pk")
    return list(unused.select_for_update(of=("self",), no_key=True).select_related("office"))


def _take_back(invitations: list[Invitation], by: User) -> None:
    for invitation in invitations:
        invitation.revoked_at = timezone.now()
        invitation.save(update_fields=["revoked_at"])
        audit.append(office=invitation.office, action=Action.INVITATION_REVOKED, about=invitation, by=by)


@transaction.atomic
def accept(*, key: str, user: User | None = None, name: str = "", password: str = "") -> User:
    """Let someone in: as `user` where they have signed in, else with a new account of this name and password.

    Raises InvitationGone, ExistingAccount where the address has an account and nobody has signed in, and CannotJoin.
    """
    # The lock makes a double press wait, and then find the link used.
    invitation = Invitation.objects.select_for_update(of=("self",)).open().with_key(key).first()
    if invitation is None:
        raise InvitationGone
    if user is None:
        user = _new_account(invitation.email, password, name)
    else:
        # Whoever accepts two invitations at once has the role of the first by the time the second is looked at.
        user = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if user.email != invitation.email or not user.is_active:
        raise InvitationGone
    _join(invitation, user)
    invitation.used_at, invitation.used_by = timezone.now(), user
    invitation.save(update_fields=["used_at", "used_by"])
    audit.append(office=invitation.office, action=Action.JOINED, about=invitation, by=user)
    return user


def _new_account(email: str, password: str, name: str) -> User:
    if User.objects.filter(email=email).exists():
        raise ExistingAccount
    try:
        with transaction.atomic():
            return User.objects.create_user(email, password, name=name)
    except IntegrityError as error:
        # By another invitation, at the same moment.
        raise ExistingAccount from error


def _join(invitation: Invitation, user: User) -> None:
    if invitation.role in (Role.OFFICER, Role.ADMINISTRATOR):
        if (
            Office.objects.filter(member=user).exists()
            or Membership.objects.current().filter(user=user).exists()
        ):
            raise CannotJoin("Someone who works in a member's office cannot have this role as well.")
        if user.is_staff or user.is_officer:
            raise CannotJoin("You have a role already. An administrator and an officer are two people.")
        user.is_officer = invitation.role == Role.OFFICER
        user.is_staff = user.is_superuser = invitation.role == Role.ADMINISTRATOR
        user.save(update_fields=["is_officer", "is_staff", "is_superuser"])
        return
    if user.is_staff or user.is_officer:
        raise CannotJoin("An administrator or an officer cannot work in a member's office.")
    if invitation.office is not None:
        _join_staff(invitation.office, user)
    else:
        _take_office(invitation, user)


def _take_office(invitation: Invitation, user: User) -> None:
    """Begin a term. The database allows one current office a member, and one member a seat."""
    # Two who take an office at once take turns: PostgreSQL writes what a constraint refuses to its log.
    list(Office.objects.select_for_update(no_key=True).current())
    current = Office.objects.current()
    if current.filter(member=user).exists():
        raise CannotJoin("You hold an office already. That term has to end first.")
    if current.alias(seat=Lower("name")).filter(seat=invitation.seat.lower()).exists():
        raise CannotJoin(SEAT_IS_HELD)
    first_day = invitation.starts_on or timezone.localdate()
    try:
        with transaction.atomic():
            Office.objects.create(name=invitation.seat, member=user, starts_on=first_day)
    except IntegrityError as error:
        # Where no office is current there is no row to wait for.
        raise CannotJoin(SEAT_IS_HELD) from error


def _join_staff(office: Office, user: User) -> None:
    office = (
        Office.objects.select_for_update(of=("self",), no_key=True).select_related("member").get(pk=office.pk)
    )
    if office.ends_on is not None:
        raise CannotJoin("The term of this office has ended.")
    if office.member_id == user.pk:
        raise CannotJoin("This is your own office.")
    if Membership.objects.current().filter(office=office, user=user).exists():
        return
    Membership.objects.create(office=office, user=user)
    context = {"office": office, "user": user}
    transaction.on_commit(
        partial(send_mail, to=office.member.email, name="joined", context=context), robust=True
    )


@transaction.atomic
def remove_staff(*, membership: Membership, by: User) -> None:
    """End someone's work in an office: at their next request they see nothing of it."""
    ended = Membership.objects.current().filter(pk=membership.pk).update(ended_at=timezone.now())
    if ended:
        end_sessions(user=membership.user)
        audit.append(office=membership.office, action=Action.STAFF_REMOVED, about=membership, by=by)


@transaction.atomic
def end_term(*, office: Office, on: date, by: User) -> None:
    """End a term on its last day. What the office keeps can be read from then on, and not changed.

    Its open invitations are taken back. They are locked first, as by whoever accepts one.
    """
    invitations = _lock_unused(Invitation.objects.filter(office=office))
    if Office.objects.current().filter(pk=office.pk).update(ends_on=on):
        _take_back(invitations, by)
        audit.append(office=office, action=Action.TERM_ENDED, about=office, by=by)


@transaction.atomic
def set_active(*, user: User, active: bool, by: User) -> None:
    """Close somebody's sign-in, with all their sessions and the invitations they sent, or open it again."""
    turned = User.objects.filter(pk=user.pk, is_active=not active).update(is_active=active)
    if not active:
        end_sessions(user=user)
        _take_back(_lock_unused(Invitation.objects.filter(invited_by=user)), by)
    if turned:
        action = Action.SIGN_IN_OPENED if active else Action.SIGN_IN_CLOSED
        audit.append(office=None, action=action, about=user, by=by)


def end_sessions(*, user: User, but: str | None = None) -> None:
    """Sign somebody out everywhere, or everywhere but in the session of this key."""
    for session in UserSession.objects.filter(user=user).exclude(session_key=but or ""):
        session.end()
