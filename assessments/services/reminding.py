"""Reminding an office of what is due by its attestations: emails that tell when and how many, never what."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from django.db import models, transaction
from django.db.models import Count, Q
from django.urls import reverse
from django.utils import timezone

from assessments.models import Attestation, Finding, Membership, Reminder, User
from assessments.services.mail import BETWEEN_TRIES
from assessments.services.notices import mail_about_notices

log = logging.getLogger(__name__)

WEEK_BEFORE, DAY_BEFORE = 7, 1
"""How many days before something is due people are first and last reminded of it."""


@dataclass(frozen=True)
class Due:
    """How many things are due on a day by an attestation, and which reminder of them to send now."""

    attestation: Attestation
    day: date
    count: int
    days_before: int


def send_reminders() -> tuple[int, int]:
    """Email each person once about each day on which something is due; return how many were sent and how many failed.

    A reminder missed on its day is sent by the next run while it is still true. Two runs at the same time send
    nothing twice. The next run retries what failed.
    """
    sent = failed = 0
    for due in _due():
        for pk in _people(due).values_list("pk", flat=True):
            try:
                sent += _remind(due, pk)
            except Exception as error:  # noqa: BLE001 - whatever it is, the others can still be sent
                # Not the error's own text, which can hold the address.
                log.error("A reminder could not be sent: %s", type(error).__name__)
                failed += 1
    return sent, failed


def which_reminder(days: int) -> int | None:
    """Which reminder to send a number of days before something is due; None outside the last week."""
    if days > WEEK_BEFORE or days < 0:
        return None
    return WEEK_BEFORE if days > DAY_BEFORE else DAY_BEFORE


def _due() -> Iterator[Due]:
    """What is due within a week by the latest attestation of each account, in terms that have not ended."""
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
    """The member and current staff who want email and have not had this reminder."""
    office = due.attestation.assessment.account.office
    on_staff = Membership.objects.current().filter(office=office)
    people = User.objects.filter(Q(pk=office.member_id) | Q(memberships__in=on_staff))
    return (
        people.filter(is_active=True, mail_notices=True).exclude(pk__in=_sent(due).values("user")).distinct()
    )


def _reminders(due: Due) -> models.QuerySet[Reminder]:
    return Reminder.objects.filter(attestation=due.attestation, due=due.day, days_before=due.days_before)


def _sent(due: Due) -> models.QuerySet[Reminder]:
    """The reminders that were sent, and those that another run began to send in the last minutes."""
    is_claimed = Q(claimed_at__gt=timezone.now() - BETWEEN_TRIES)
    return _reminders(due).filter(Q(sent_at__isnull=False) | is_claimed)


def _remind(due: Due, pk: int) -> int:
    """Email one person and return 1; return 0 where another run is doing so now or has done so."""
    reminder = _claim(due, pk)
    if reminder is None:
        return 0
    path = reverse("assessment:tasks", kwargs={"pk": due.attestation.assessment_id})
    context = {"count": due.count, "day": due.day, "path": path}
    try:
        mail_about_notices(user=reminder.user, name="due", context=context)
    except BaseException:
        # The next run tries again.
        reminder.delete()
        raise
    Reminder.objects.filter(pk=reminder.pk).update(sent_at=timezone.now())
    return 1


@transaction.atomic
def _claim(due: Due, pk: int) -> Reminder | None:
    """Reserve one person's reminder for this run. Return None if another run has it.

    This has its own short transaction, so that no other work waits for an email server. A run that is stopped before
    it has sent the reminder loses its claim after some minutes.
    """
    user = (
        User.objects.select_for_update(skip_locked=True, no_key=True).filter(pk=pk, mail_notices=True).first()
    )
    if user is None or _sent(due).filter(user=user).exists():
        return None
    reminder, _ = _reminders(due).update_or_create(
        user=user,
        defaults={"claimed_at": timezone.now()},
        create_defaults={
            "attestation": due.attestation,
            "due": due.day,
            "days_before": due.days_before,
            "claimed_at": timezone.now(),
        },
    )
    return reminder
