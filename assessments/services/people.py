"""Inviting people, letting them join, and ending their work. Everyone joins by an invitation."""

from __future__ import annotations

import secrets
from datetime import date

from allauth.usersessions.models import UserSession
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from assessments.models import EmailChange, FormerName, Invitation, Membership, Office, User
from assessments.services import audit, security_log
from assessments.services.audit import Action
from assessments.services.invitation_links import mark_sent, record_invitation
from assessments.services.mail import send_mail
from assessments.services.outbox import queue_mail
from assessments.services.security_log import Event, Reason

Role = Invitation.Role
SEAT_IS_HELD = "Someone already holds this seat. Their term must end first."


class InvitationGone(Exception):
    """The invitation's link was used, revoked or has expired, or never existed."""


class InvitationUsed(Exception):
    """The person invited has already joined."""


class ExistingAccount(Exception):
    """The person invited already has a sign-in, and joins by signing in."""


class DuplicateSeat(Exception):
    """Another current office has this name."""


class CannotJoin(Exception):
    """The person cannot join; the message tells them why."""


def invite(
    *,
    email: str,
    role: str,
    by: User,
    office: Office | None = None,
    seat: str = "",
    starts_on: date | None = None,
) -> Invitation:
    """Invite an email address by a link that works once, for a week.

    Once the email is sent, earlier unused invitations to the same role are revoked. Nothing reveals whether the
    address has a sign-in. If the email cannot be sent, the new invitation is revoked instead, and this raises
    OSError or SMTPException. It cannot be retried, because the link's key is stored nowhere: send a new invitation.
    """
    key = secrets.token_urlsafe(32)
    invitation = record_invitation(
        email=email, role=role, by=by, office=office, seat=seat, starts_on=starts_on, key=key
    )
    context = {"invitation": invitation, "path": reverse("invitation", kwargs={"key": key})}
    try:
        send_mail(to=email, name="invitation", context=context)
    except BaseException:
        revoke(invitation=invitation, by=by)
        raise
    mark_sent(invitation)
    return invitation


def resend(*, invitation: Invitation, by: User) -> Invitation:
    """Send an invitation again, with a new link; the earlier link stops working once the email is sent.

    Raises InvitationUsed, InvitationGone if it was revoked, and OSError or SMTPException as `invite` does.
    """
    current = Invitation.objects.select_related("office").get(pk=invitation.pk)
    if current.used_at is not None:
        raise InvitationUsed
    if current.revoked_at is not None:
        raise InvitationGone
    return invite(
        email=current.email,
        role=current.role,
        by=by,
        office=current.office,
        seat=current.seat,
        starts_on=current.starts_on,
    )


@transaction.atomic
def revoke(*, invitation: Invitation, by: User) -> bool:
    """Revoke an invitation, even one that has expired; return false if someone has already used it."""
    unused = Invitation.objects.filter(pk=invitation.pk, used_at__isnull=True, revoked_at__isnull=True)
    if unused.update(revoked_at=timezone.now()):
        audit.append(office=invitation.office, action=Action.INVITATION_REVOKED, about=invitation, by=by)
    return not Invitation.objects.filter(pk=invitation.pk, used_at__isnull=False).exists()


def _lock_unused(invitations: QuerySet[Invitation]) -> list[Invitation]:
    """Lock the invitations that are neither used nor revoked; nobody can use them until the transaction ends."""
    unused = invitations.filter(used_at__isnull=True, revoked_at__isnull=True).order_by("pk")
    return list(unused.select_for_update(of=("self",), no_key=True).select_related("office"))


def _revoke_all(invitations: list[Invitation], by: User) -> None:
    for invitation in invitations:
        invitation.revoked_at = timezone.now()
        invitation.save(update_fields=["revoked_at"])
        audit.append(office=invitation.office, action=Action.INVITATION_REVOKED, about=invitation, by=by)


def accept(
    *, invitation: Invitation, user: User | None = None, name: str = "", password: str | None = None
) -> User:
    """Accept an invitation as `user`, or with a new sign-in of this name and password if nobody has signed in.

    Without a password, the new sign-in has none. Raises InvitationGone, ExistingAccount where the address has a
    sign-in and nobody has signed in, CannotJoin, and TooManyHashing.
    """
    # Before the transaction: a password may wait for its turn, and nobody else should wait for the database then.
    hashed = make_password(password) if user is None else ""
    return _accept(invitation_pk=invitation.pk, user=user, name=name, hashed=hashed)


@transaction.atomic
def _accept(*, invitation_pk: int, user: User | None, name: str, hashed: str) -> User:
    # The lock makes a second press of the button wait; by then the link is used.
    invitation = Invitation.objects.select_for_update(of=("self",)).open().filter(pk=invitation_pk).first()
    if invitation is None:
        raise InvitationGone
    if user is None:
        user = _new_account(invitation.email, hashed, name)
    else:
        # Of two invitations accepted at the same time, the second is checked once the first has given its role.
        user = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if user.email != invitation.email or not user.is_active:
        raise InvitationGone
    _join(invitation, user)
    invitation.used_at, invitation.used_by = timezone.now(), user
    invitation.save(update_fields=["used_at", "used_by"])
    if invitation.role in (Role.OFFICER, Role.ADMINISTRATOR):
        # Who may see more is the decision of whoever invited them.
        inviter = invitation.invited_by
        security_log.write(Event.ROLE_CHANGED, person=user, by=inviter)
        audit.append(office=None, action=Action.ROLE_CHANGED, about=user, by=inviter)
    audit.append(office=invitation.office, action=Action.JOINED, about=invitation, by=user)
    return user


def _new_account(email: str, hashed: str, name: str) -> User:
    if User.objects.filter(email=email).exists():
        raise ExistingAccount
    try:
        with transaction.atomic():
            return User.objects.create(email=User.normalize_username(email), password=hashed, name=name)
    except IntegrityError as error:
        # The sign-in was created by another invitation at the same moment.
        raise ExistingAccount from error


def why_not_join(*, invitation: Invitation, user: User) -> str:
    """Why a person's present roles keep them from accepting an invitation; empty if they can accept it."""
    if invitation.role in (Role.OFFICER, Role.ADMINISTRATOR):
        if user.is_staff or user.is_officer:
            return "You already have a role here. A person can’t be both an administrator and an officer."
        if Office.objects.filter(member=user).exists():
            return "You sign in as a member of Council. A member can’t have this role as well."
        if Membership.objects.current().filter(user=user).exists():
            return "You sign in as a member’s staff. Staff can’t have this role as well."
    elif user.is_staff or user.is_officer:
        role = "officer" if user.is_officer else "administrator"
        return f"You sign in as an {role}. An {role} can’t work in a member’s office."
    return ""


def _join(invitation: Invitation, user: User) -> None:
    if reason := why_not_join(invitation=invitation, user=user):
        raise CannotJoin(reason)
    if invitation.role in (Role.OFFICER, Role.ADMINISTRATOR):
        user.is_officer = invitation.role == Role.OFFICER
        user.is_staff = user.is_superuser = invitation.role == Role.ADMINISTRATOR
        user.save(update_fields=["is_officer", "is_staff", "is_superuser"])
    elif invitation.office is not None:
        _join_staff(invitation.office, user)
    else:
        _take_office(invitation, user)


def _take_office(invitation: Invitation, user: User) -> None:
    """Start a term. The database allows each member one current office, and each seat one member."""
    # Two people who take an office at the same time take turns, since PostgreSQL logs what a constraint refuses.
    list(Office.objects.select_for_update(no_key=True).current())
    current = Office.objects.current()
    if current.filter(member=user).exists():
        raise CannotJoin("You already have an office. That term must end first.")
    if current.named(invitation.seat):
        raise CannotJoin(SEAT_IS_HELD)
    first_day = invitation.starts_on or timezone.localdate()
    try:
        with transaction.atomic():
            Office.objects.create(name=invitation.seat, member=user, starts_on=first_day)
    except IntegrityError as error:
        # If no office is current, there is no row to lock, so both can come this far.
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
    path = reverse("office_people", kwargs={"pk": office.pk})
    words = {"person": str(user), "email": user.email, "office": office.name}
    queue_mail(to=office.member, name="joined", path=path, words=words)


@transaction.atomic
def remove_staff(*, membership: Membership, by: User) -> None:
    """End someone's work in an office; from their next request they see none of its pages."""
    ended = Membership.objects.current().filter(pk=membership.pk).update(ended_at=timezone.now())
    if ended:
        end_sessions(user=membership.user, by=by, reason=Reason.REMOVED_FROM_OFFICE)
        audit.append(office=membership.office, action=Action.STAFF_REMOVED, about=membership, by=by)


@transaction.atomic
def end_term(*, office: Office, on: date, by: User) -> None:
    """End a term on its last day. After that the office's records can be read, but not changed.

    Its open invitations are revoked. They are locked first, as `accept` does, so that the two cannot deadlock.
    """
    invitations = _lock_unused(Invitation.objects.filter(office=office))
    if Office.objects.current().filter(pk=office.pk).update(ends_on=on):
        _revoke_all(invitations, by)
        audit.append(office=office, action=Action.TERM_ENDED, about=office, by=by)


@transaction.atomic
def rename_person(*, user: User, name: str, by: User) -> None:
    """Change a person's name. The former name is kept, and what the person signed does not change."""
    locked = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if locked.name == name:
        return
    FormerName.objects.create(user=locked, name=str(locked))
    User.objects.filter(pk=user.pk).update(name=name)
    memberships = Membership.objects.filter(user=locked).values("office")
    for office in Office.objects.filter(Q(member=locked) | Q(pk__in=memberships)).order_by("pk"):
        audit.append(office=office, action=Action.RENAMED, about=locked, by=by)
    audit.append(office=None, action=Action.RENAMED, about=locked, by=by)


@transaction.atomic
def rename_office(*, office: Office, name: str, by: User) -> None:
    """Change the name of an office's seat, and keep the former name. Raises DuplicateSeat."""
    # Lock, so that two changes to one name at the same time take turns: PostgreSQL logs what a constraint refuses.
    list(Office.objects.select_for_update(no_key=True).current().order_by("pk"))
    locked = Office.objects.select_for_update(no_key=True).get(pk=office.pk)
    if locked.name == name:
        return
    if locked.ends_on is None and Office.objects.current().exclude(pk=locked.pk).named(name):
        raise DuplicateSeat
    FormerName.objects.create(office=locked, name=locked.name)
    Office.objects.filter(pk=office.pk).update(name=name)
    audit.append(office=locked, action=Action.RENAMED, about=locked, by=by)


@transaction.atomic
def set_active(*, user: User, active: bool, by: User) -> None:
    """Suspend a person's sign-in, or restore it.

    Suspending also ends their sessions, cancels a change of their email address, and revokes the invitations that
    they sent.
    """
    changed = User.objects.filter(pk=user.pk, is_active=not active).update(is_active=active)
    if not active:
        end_sessions(user=user, by=by, reason=Reason.ENDED_BY_ADMINISTRATOR)
        EmailChange.objects.filter(user=user).delete()
        _revoke_all(_lock_unused(Invitation.objects.filter(invited_by=user)), by)
    if changed:
        event = Event.SIGN_IN_RESTORED if active else Event.SIGN_IN_SUSPENDED
        security_log.write(event, person=user, by=by)
        action = Action.SIGN_IN_OPENED if active else Action.SIGN_IN_CLOSED
        audit.append(office=None, action=action, about=user, by=by)


def end_sessions(*, user: User, by: User | None, reason: Reason, but: str | None = None) -> None:
    """Sign a person out everywhere, except in the session with the key `but`.

    The caller's own audit event says why, so the trail has no other.
    """
    for session in UserSession.objects.filter(user=user).exclude(session_key=but or ""):
        session.end()
        security_log.write(Event.SESSION_ENDED, person=user, by=by, reason=reason)
