"""Reminders that were sent or are being sent, so that nobody is reminded of a deadline twice."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from assessments.models.attestations import Attestation
from assessments.models.people import User


class Reminder(models.Model):
    """One email to one person, `days_before` a day on which an attestation has something due.

    A run claims it before it sends it, and marks it as sent afterwards.
    """

    attestation = models.ForeignKey(Attestation, on_delete=models.PROTECT, related_name="reminders")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    due = models.DateField()
    days_before = models.PositiveSmallIntegerField()
    claimed_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["attestation", "user", "due", "days_before"], name="reminder_sent_once"
            ),
        ]

    def __str__(self) -> str:
        return f"reminder {self.days_before} days before {self.due}"
