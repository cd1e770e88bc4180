"""Invitations: the only way to get a sign-in."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Length, Lower
from django.db.models.lookups import Exact
from django.utils import timezone

from assessments.models.people import Office, User

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

LIFE = timedelta(days=7)
"""How long the link of an invitation works."""
LISTED = timedelta(days=30)
"""How long an expired invitation is listed, so that it can be sent again."""


def key_hash(key: str) -> str:
    """The SHA-256 of a link's key, stored instead of the key. A key is random and long, so it needs no salt."""
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


def a_week_from_now() -> datetime:
    """When an invitation ends if it is sent now."""
    return timezone.now() + LIFE


class InvitationQuerySet(models.QuerySet["Invitation"]):
    """Invitations."""

    def open(self) -> InvitationQuerySet:
        """Keep the invitations that can still be used: the sender can sign in, and the office has not ended."""
        return self.filter(
            Q(office__isnull=True) | Q(office__ends_on__isnull=True),
            used_at__isnull=True,
            revoked_at__isnull=True,
            ends_at__gt=timezone.now(),
            invited_by__is_active=True,
        )

    def unanswered(self) -> InvitationQuerySet:
        """Keep the invitations that are neither used nor revoked, with those that expired in the last 30 days."""
        return self.filter(
            used_at__isnull=True, revoked_at__isnull=True, ends_at__gt=timezone.now() - LISTED
        ).select_related("invited_by", "office__member")

    def with_key(self, key: str) -> InvitationQuerySet:
        """Keep the invitation whose link has this key."""
        return self.filter(key_hash=key_hash(key))

    def visible_to(self, user: User | AnonymousUser) -> InvitationQuerySet:
        """Keep what a person may see: a member their own office's; an administrator all but those to staff."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.is_staff:
            return self.exclude(role=Invitation.Role.STAFF)
        return self.filter(role=Invitation.Role.STAFF, office__member=user)


class Invitation(models.Model):
    """A link, sent by email, with which one person can join once, within a week, unless it is revoked.

    A member is invited to a seat, and the office is created when they accept. Staff are invited to an office.
    """

    class Role(models.TextChoices):
        """The role that someone is invited to."""

        MEMBER = "member", "Member of Council"
        STAFF = "staff", "Member’s staff"
        OFFICER = "officer", "Commissioner’s office"
        ADMINISTRATOR = "administrator", "Administrator"

    email = models.EmailField("email address")
    role = models.CharField(max_length=13, choices=Role)
    office = models.ForeignKey(
        Office, on_delete=models.PROTECT, null=True, blank=True, related_name="invitations"
    )
    seat = models.CharField(max_length=200, blank=True, help_text="“Mayor”, “Councillor, Ward 10”.")
    starts_on = models.DateField("first day", null=True, blank=True)
    key_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    invited_at = models.DateTimeField(default=timezone.now)
    # Empty while the email is queued. Until it is sent, nobody has the key.
    sent_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(default=a_week_from_now)
    used_at = models.DateTimeField(null=True, blank=True)
    used_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-invited_at", "-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(role="staff", office__isnull=False) | (~Q(role="staff") & Q(office__isnull=True)),
                name="invitation_to_staff_names_an_office",
            ),
            models.CheckConstraint(
                condition=(Q(role="member", starts_on__isnull=False) & ~Q(seat=""))
                | (~Q(role="member") & Q(starts_on__isnull=True, seat="")),
                name="invitation_to_a_member_names_a_seat",
            ),
            models.CheckConstraint(
                condition=Q(role__in=["member", "staff", "officer", "administrator"]),
                name="invitation_role_is_known",
            ),
            models.CheckConstraint(
                condition=Q(used_at__isnull=True, used_by__isnull=True)
                | Q(used_at__isnull=False, used_by__isnull=False, revoked_at__isnull=True),
                name="invitation_is_used_by_someone_or_revoked",
            ),
            models.CheckConstraint(condition=Q(email=Lower("email")), name="invitation_email_is_lower_case"),
            models.CheckConstraint(
                condition=Q(Exact(Length("key_hash"), 64)), name="invitation_key_is_hashed"
            ),
        ]

    def __str__(self) -> str:
        return f"invitation of {self.email}"

    @property
    def is_expired(self) -> bool:
        """Whether the link is too old to be used."""
        return self.ends_at <= timezone.now()

    @property
    def role_in_words(self) -> str:
        """The role in words, for someone invited to a role in the whole portal and not to an office."""
        if self.role == self.Role.OFFICER:
            return "as an officer of the Integrity Commissioner"
        return "as an administrator of the portal"
