"""Shorter retention periods that an office chose and that have not started yet."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from django.db import models
from django.db.models import Q

from assessments.models.people import Office, User

DELAY = timedelta(days=1)
"""How long after the choice a shorter period starts. Until then, the member can keep the longer one."""


class ShorterRetention(models.Model):
    """Retention periods of an office from `starts_at` on, at least one of them shorter than the present one."""

    office = models.OneToOneField(Office, on_delete=models.CASCADE, related_name="shorter_retention")
    keep_drafts_months = models.PositiveSmallIntegerField()
    keep_attested_years = models.PositiveSmallIntegerField()
    chosen_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    starts_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(keep_drafts_months__range=(1, 120), keep_attested_years__range=(1, 30)),
                name="shorterretention_keeps_for_some_time",
            ),
        ]

    def __str__(self) -> str:
        return f"shorter retention of {self.office}"
