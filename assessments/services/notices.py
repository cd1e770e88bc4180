"""Telling people that something waits for them, and never what it says."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from smtplib import SMTPException
from typing import Any

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from assessments.models import Assessment, Membership, Notice, User
from assessments.services.mail import send_mail

log = logging.getLogger(__name__)

BETWEEN_MAILS = timedelta(hours=1)
"""One person gets no more than one mail in this time."""
SALT = "notices"
"""What tokens for stopping mail are signed for, and for nothing else."""


def tell(*, assessment: Assessment, kind: str, by: User) -> None:
    """Tell everybody else who works in the office that `by` did something on a draft.

    A notice of the same that nobody has seen yet is brought up to date in place of a second one.
    """
    office = assessment.account.office
    on_staff = Membership.objects.current().filter(office=office)
    people = User.objects.filter(Q(pk=office.member_id) | Q(memberships__in=on_staff), is_active=True)
    now = timezone.now()
    for user in people.exclude(pk=by.pk).distinct():
        same = Notice.objects.unseen().filter(user=user, assessment=assessment, kind=kind, by=by)
        if not same.filter(mailed_at__isnull=True).update(at=now):
            Notice.objects.create(user=user, assessment=assessment, kind=kind, by=by, at=now)


def mark_seen(*, by: User) -> None:
    """Take note that someone has seen what waits for them."""
    Notice.objects.visible_to(by).unseen().update(seen_at=timezone.now())


def set_mail(*, user: User, wanted: bool) -> None:
    """Turn mail about notices on or off."""
    User.objects.filter(pk=user.pk).update(mail_notices=wanted)


def stop_token(user: User) -> str:
    """The token of a link that turns somebody's mail off without signing in, and does nothing else."""
    return signing.dumps(user.pk, salt=SALT)


def user_of(token: str) -> User | None:
    """Whose mail a token turns off, or nobody's."""
    try:
        return User.objects.filter(pk=signing.loads(token, salt=SALT)).first()
    except signing.BadSignature:
        return None


def send_digests() -> tuple[int, int]:
    """Mail each person once about all that is new; return how many mails were sent, and how many could not be.

    Two runs at once send nothing twice; what could not be sent is tried again by the next run.
    """
    sent = failed = 0
    # The order of notices would count as a part of what is distinct.
    unsent = Notice.objects.unseen().filter(mailed_at__isnull=True).order_by()
    for pk in list(unsent.values_list("user", flat=True).distinct()):
        claimed = _claim(pk)
        if claimed is None:
            continue
        try:
            _send_digest(claimed)
        except (OSError, SMTPException) as error:
            # Not the error's own text, which can hold the address.
            log.error("A digest could not be sent: %s", type(error).__name__)
            failed += 1
        else:
            sent += 1
    return sent, failed


@dataclass(frozen=True)
class _Claimed:
    """What one person is to be told of, and that this run alone does."""

    user: User
    notices: tuple[int, ...]
    drafts: int


@transaction.atomic
def _claim(pk: int) -> _Claimed | None:
    """Take on one person's digest, unless there is nothing to tell, or they want none, or had one within the hour.

    A transaction of its own, and a short one: nobody else's work waits for a mail server.
    """
    user = (
        User.objects.select_for_update(skip_locked=True, no_key=True).filter(pk=pk, mail_notices=True).first()
    )
    if user is None:
        return None
    now = timezone.now()
    if Notice.objects.filter(user=user, mailed_at__gt=now - BETWEEN_MAILS).exists():
        return None
    unsent = Notice.objects.visible_to(user).unseen().filter(mailed_at__isnull=True)
    found = dict(unsent.values_list("pk", "assessment"))
    if not found:
        return None
    Notice.objects.filter(pk__in=found).update(mailed_at=now)
    return _Claimed(user, tuple(found), len(set(found.values())))


def _send_digest(claimed: _Claimed) -> None:
    """Mail one person; what cannot be sent is as unsent again as it was."""
    context = {"count": len(claimed.notices), "drafts": claimed.drafts, "waiting": reverse("waiting")}
    try:
        mail_about_notices(user=claimed.user, name="notices", context=context)
    except BaseException:
        Notice.objects.filter(pk__in=claimed.notices).update(mailed_at=None)
        raise


def mail_about_notices(*, user: User, name: str, context: Mapping[str, Any]) -> None:
    """Send a mail that people can turn off, by the link in it and by their mail program's own button."""
    path = reverse("stop_notices", kwargs={"token": stop_token(user)})
    headers = {
        "List-Unsubscribe": f"<{settings.PORTAL_URL}{path}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    send_mail(to=user.email, name=name, context={**context, "stop": path}, headers=headers)
