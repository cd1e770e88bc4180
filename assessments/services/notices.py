"""Telling people that something waits for them, and never what it says."""

from __future__ import annotations

import logging
from collections.abc import Mapping
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
    for pk in (
        Notice.objects.unseen().filter(mailed_at__isnull=True).values_list("user", flat=True).distinct()
    ):
        try:
            sent += _send_digest(pk)
        except (OSError, SMTPException) as error:
            # Not the error's own text, which can hold the address.
            log.error("A digest could not be sent: %s", type(error).__name__)
            failed += 1
    return sent, failed


@transaction.atomic
def _send_digest(pk: int) -> int:
    """Mail one person, unless there is nothing to tell, they want no mail, or they had one within the hour."""
    user = (
        User.objects.select_for_update(skip_locked=True, no_key=True).filter(pk=pk, mail_notices=True).first()
    )
    if user is None:
        return 0
    now = timezone.now()
    if Notice.objects.filter(user=user, mailed_at__gt=now - BETWEEN_MAILS).exists():
        return 0
    notices = Notice.objects.visible_to(user).unseen().filter(mailed_at__isnull=True)
    drafts = notices.order_by().values("assessment").distinct().count()
    count = notices.update(mailed_at=now)
    if not count:
        return 0
    context = {"count": count, "drafts": drafts, "waiting": reverse("waiting")}
    # Within the transaction: what cannot be sent stays as unsent as it was.
    mail_about_notices(user=user, name="notices", context=context)
    return 1


def mail_about_notices(*, user: User, name: str, context: Mapping[str, Any]) -> None:
    """Send a mail that people can turn off, by the link in it and by their mail program's own button."""
    path = reverse("stop_notices", kwargs={"token": stop_token(user)})
    headers = {
        "List-Unsubscribe": f"<{settings.PORTAL_URL}{path}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    send_mail(to=user.email, name=name, context={**context, "stop": path}, headers=headers)
