"""Reminding an office of what its attestations say is due, by mail that says when and how much, and never what."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from smtplib import SMTPException

from django.db import models, transaction
from django.db.models import Count, Q
from django.urls import reverse
from django.utils import timezone

from assessments.models import Attestation, Finding, Membership, Reminder, User
from assessments.services.notices import mail_about_notices

log = logging.getLogger(__name__)

WEEK_BEFORE, DAY_BEFORE = 7, 1
"""Days before something is due on which people are reminded of it."""


@dataclass(frozen=True)
class Due:
    """How many things an attestation says are due on a day, and which reminder of them it is time for."""

    attestation: Attestation
    day: date
    count: int
    days_before: int


def send_reminders() -> tuple[int, int]:
    """Mail each person once about each day on which something is due; return how many mails were and were not sent.

    What a run missed on the very day, the next one sends, as long as it is still true. Two runs at once send nothing
    twice, and what could not be sent is tried again.
    """
    sent = failed = 0
    for due in _due():
        for pk in _people(due).values_list("pk", flat=True):
            try:
                sent += _remind(due, pk)
            except (OSError, SMTPException) as error:
                # Not the error's own text, which can hold the address.
                log.error("A reminder could not be sent: %s", type(error).__name__)
                failed += 1
    return sent, failed


def which_reminder(days: int) -> int | None:
    """Which reminder it is time for, so many days before something is due; None where it is time for none."""
    if days > WEEK_BEFORE or days < 0:
        return None
    return WEEK_BEFORE if days > DAY_BEFORE else DAY_BEFORE


def _due() -> Iterator[Due]:
    """What is due within a week by the newest attestation of each account, in terms that have not ended."""
    today = timezone.localdate()
    newest = (
        Attestation.objects.with_superseded()
        .filter(is_superseded=False)  # type: ignore[misc]  # annotated
        .filter(assessment__account__office__ends_on__isnull=True)
        .select_related("assessment__account__office")
        .defer("record")
    )
    days = Finding.objects.filter(due__range=(today, today + timedelta(days=WEEK_BEFORE))).order_by("due")
    for attestation in newest.filter(pk__in=days.values("attestation")):
        counted = days.filter(attestation=attestation).values("due").annotate(count=Count("pk"))
        for day, count in counted.values_list("due", "count"):
            days_before = which_reminder((day - today).days) if day else None
            if day and days_before is not None:
                yield Due(attestation, day, count, days_before)


def _people(due: Due) -> models.QuerySet[User]:
    """The member and the staff of today who want mail and have not been reminded of it."""
    office = due.attestation.assessment.account.office
    on_staff = Membership.objects.current().filter(office=office)
    people = User.objects.filter(Q(pk=office.member_id) | Q(memberships__in=on_staff))
    return (
        people.filter(is_active=True, mail_notices=True).exclude(pk__in=_sent(due).values("user")).distinct()
    )


def _sent(due: Due) -> models.QuerySet[Reminder]:
    return Reminder.objects.filter(attestation=due.attestation, due=due.day, days_before=due.days_before)


@transaction.atomic
def _remind(due: Due, pk: int) -> int:
    """Mail one person, unless another run does so just now, or has done so."""
    user = (
        User.objects.select_for_update(skip_locked=True, no_key=True).filter(pk=pk, mail_notices=True).first()
    )
    if user is None or _sent(due).filter(user=user).exists():
        return 0
    Reminder.objects.create(attestation=due.attestation, user=user, due=due.day, days_before=due.days_before)
    path = reverse("assessment:tasks", kwargs={"pk": due.attestation.assessment_id})
    # Within the transaction: what cannot be sent stays as unsent as it was.
    mail_about_notices(user=user, name="due", context={"count": due.count, "day": due.day, "path": path})
    return 1
