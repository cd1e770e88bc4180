"""Access reviews: twice a year, someone confirms who should still have access."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from assessments.models.people import Office, User


class AccessReview(models.Model):
    """Someone confirmed that everyone listed should still have access, for the half-year from `starts_on`.

    A member confirms the staff of `office`. Without an office, an administrator confirmed who else can sign in.
    """

    office = models.ForeignKey(
        Office, on_delete=models.PROTECT, null=True, blank=True, related_name="access_reviews"
    )
    starts_on = models.DateField("first day of the half-year")
    reviewed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    reviewed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["-starts_on", "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["office", "starts_on"], name="access_review_once_per_office"),
            models.UniqueConstraint(
                fields=["starts_on"],
                condition=Q(office__isnull=True),
                name="access_review_once_for_the_portal",
            ),
        ]

    def __str__(self) -> str:
        return f"access review of {self.starts_on:%B %Y}"


class AccessReviewRequest(models.Model):
    """An email that asks a person to review access was queued. There is one in the half-year from `starts_on`."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    starts_on = models.DateField("first day of the half-year")
    queued_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "starts_on"], name="access_review_asked_once"),
        ]

    def __str__(self) -> str:
        return f"request for the access review of {self.starts_on:%B %Y}"
