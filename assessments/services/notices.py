"""Notifying people, on the portal and by email, that something waits for them, never of its content."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from assessments.models import Assessment, Membership, Notice, User
from assessments.services.mail import BETWEEN_TRIES, send_mail

log = logging.getLogger(__name__)

BETWEEN_MAILS = timedelta(hours=1)
"""One person gets no more than one email in this time."""
SALT = "notices"
"""The signing salt of unsubscribe tokens, so that they are valid for nothing else."""


def notify(*, assessment: Assessment, kind: str, by: User) -> None:
    """Notify everyone else who works in the office that `by` did something on an assessment.

    An unseen notice of the same kind is dated again instead of adding a second one.
    """
    office = assessment.account.office
    on_staff = Membership.objects.current().filter(office=office)
    people = User.objects.filter(Q(pk=office.member_id) | Q(memberships__in=on_staff), is_active=True)
    now = timezone.now()
    for user in people.exclude(pk=by.pk).distinct():
        same = Notice.objects.unseen().filter(user=user, assessment=assessment, kind=kind, by=by)
        if not same.filter(claimed_at__isnull=True, mailed_at__isnull=True).update(at=now):
            Notice.objects.create(user=user, assessment=assessment, kind=kind, by=by, at=now)


def mark_seen(*, by: User) -> None:
    """Mark all of someone's notices as seen."""
    Notice.objects.visible_to(by).unseen().update(seen_at=timezone.now())


def set_mail(*, user: User, wanted: bool) -> None:
    """Turn email about notices on or off."""
    User.objects.filter(pk=user.pk).update(mail_notices=wanted)


def stop_token(user: User) -> str:
    """The token of a link that turns off a person's email without signing in, and does nothing else."""
    return signing.dumps(user.pk, salt=SALT)


def user_of(token: str) -> User | None:
    """The person whose email a token turns off; None for a token that is not valid."""
    try:
        return User.objects.filter(pk=signing.loads(token, salt=SALT)).first()
    except signing.BadSignature:
        return None


def send_digests() -> tuple[int, int]:
    """Email each person once about everything new; return how many emails were sent, and how many failed.

    Two runs at the same time send nothing twice. The next run retries what failed.
    """
    sent = failed = 0
    # Without order_by() the default order would be part of what has to be distinct.
    unsent = Notice.objects.unseen().filter(mailed_at__isnull=True).order_by()
    for pk in list(unsent.values_list("user", flat=True).distinct()):
        claimed = _claim(pk)
        if claimed is None:
            continue
        try:
            _send_digest(claimed)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others can still be sent
            # Not the error's own text, which can hold the address.
            log.error("A digest could not be sent: %s", type(error).__name__)
            failed += 1
        else:
            sent += 1
    return sent, failed


@dataclass(frozen=True)
class _Claimed:
    """One person's new notices, reserved for this run to send."""

    user: User
    notices: tuple[int, ...]
    drafts: int


@transaction.atomic
def _claim(pk: int) -> _Claimed | None:
    """Reserve one person's digest for this run; None if they have nothing new, want none or had one within the hour.

    It is a short transaction of its own, so that nobody's work waits for a mail server. A run that is stopped before
    it has sent the digest loses its claim after some minutes.
    """
    user = (
        User.objects.select_for_update(skip_locked=True, no_key=True).filter(pk=pk, mail_notices=True).first()
    )
    if user is None:
        return None
    now = timezone.now()
    was_mailed = Q(mailed_at__gt=now - BETWEEN_MAILS)
    is_claimed = Q(mailed_at__isnull=True, claimed_at__gt=now - BETWEEN_TRIES)
    if Notice.objects.filter(was_mailed | is_claimed, user=user).exists():
        return None
    unsent = Notice.objects.visible_to(user).unseen().filter(mailed_at__isnull=True)
    assessments = dict(unsent.values_list("pk", "assessment"))
    if not assessments:
        return None
    Notice.objects.filter(pk__in=assessments).update(claimed_at=now)
    return _Claimed(user, tuple(assessments), len(set(assessments.values())))


def _send_digest(claimed: _Claimed) -> None:
    """Email one person their digest and mark its notices as mailed; if that fails, free them for the next run."""
    notices = Notice.objects.filter(pk__in=claimed.notices)
    context = {"count": len(claimed.notices), "drafts": claimed.drafts, "waiting": reverse("waiting")}
    try:
        mail_about_notices(user=claimed.user, name="notices", context=context)
    except BaseException:
        notices.update(claimed_at=None)
        raise
    notices.update(mailed_at=timezone.now())


def mail_about_notices(*, user: User, name: str, context: Mapping[str, Any]) -> None:
    """Send an email that people can turn off by the link in it or by their mail program's own button."""
    path = reverse("stop_notices", kwargs={"token": stop_token(user)})
    headers = {
        "List-Unsubscribe": f"<{settings.PORTAL_URL}{path}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    send_mail(to=user.email, name=name, context={**context, "stop": path}, headers=headers)
