"""Inviting many people at once: each invitation is recorded, and its email is queued."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Protocol

from django.db import transaction
from django.urls import reverse

from assessments.models import Invitation, User
from assessments.services.invitation_links import record_invitation
from assessments.services.outbox import INVITATION, queue_mail


class Invitee(Protocol):
    """Someone to invite to a role in the whole portal or, with a seat and a first day, as a member."""

    @property
    def email(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def seat(self) -> str: ...
    @property
    def starts_on(self) -> date | None: ...


@transaction.atomic
def queue_invitations(*, people: Iterable[Invitee], by: User) -> int:
    """Record an invitation for each person, and queue its email for the next run of `send_waiting`; return how many.

    No email is sent before the request is answered: a list of hundreds would take minutes, and a mail server that
    does not respond would hold up the request. If the same list is sent twice at the same moment, as by a double
    click, the second time invites nobody.
    """
    # Locked, so that the two take turns.
    list(User.objects.select_for_update(no_key=True).filter(is_staff=True).order_by("pk"))
    waiting = Invitation.objects.open().filter(office__isnull=True)
    invited = set(waiting.values_list("email", "role", "seat", "starts_on"))
    page, count = reverse("people"), 0
    for each in people:
        if (each.email, each.role, each.seat, each.starts_on) in invited:
            continue
        invitation = record_invitation(
            email=each.email, role=each.role, by=by, office=None, seat=each.seat, starts_on=each.starts_on
        )
        words = {"invitation": invitation.pk}
        count += 1
        queue_mail(to=by, address=each.email, name=INVITATION, path=page, words=words, soon=False)
    return count
