"""Recording invitations and their links. A link's key is stored nowhere: one is made when the email is sent."""

from __future__ import annotations

import secrets
from datetime import date

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from assessments.models import Invitation, Office, User
from assessments.models.invitations import a_week_from_now, key_hash
from assessments.services import audit
from assessments.services.audit import Action


@transaction.atomic
def record_invitation(
    *,
    email: str,
    role: str,
    by: User,
    office: Office | None,
    seat: str,
    starts_on: date | None,
    key: str = "",
) -> Invitation:
    """Record an invitation whose link has this key. Without a key, it waits for `new_link` to make one."""
    invitation = Invitation.objects.create(
        email=email,
        role=role,
        office=office,
        seat=seat,
        starts_on=starts_on,
        # The column needs a hash. Nobody has the key of this one.
        key_hash=key_hash(key or secrets.token_urlsafe(32)),
        invited_by=by,
    )
    audit.append(office=office, action=Action.INVITED, about=invitation, by=by)
    return invitation


def new_link(pk: int) -> tuple[Invitation, str] | None:
    """Give an invitation that is not sent yet a new key and a week from now; return it with its link's path.

    Return None if nobody could use it any more. If an earlier try at the email did arrive, its link stops working.
    """
    key = secrets.token_urlsafe(32)
    unsent = Invitation.objects.open().filter(pk=pk, sent_at__isnull=True)
    if not unsent.update(key_hash=key_hash(key), ends_at=a_week_from_now()):
        return None
    invitation = Invitation.objects.select_related("office", "invited_by").get(pk=pk)
    return invitation, reverse("invitation", kwargs={"key": key})


def mark_sent(invitation: Invitation) -> None:
    """Mark an invitation as sent, and revoke the earlier unused ones to the same role."""
    Invitation.objects.filter(pk=invitation.pk).update(sent_at=timezone.now())
    earlier = Invitation.objects.filter(
        email=invitation.email,
        role=invitation.role,
        office=invitation.office,
        seat=invitation.seat,
        pk__lt=invitation.pk,
    )
    earlier.filter(used_at__isnull=True, revoked_at__isnull=True).update(revoked_at=timezone.now())
