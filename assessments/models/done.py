"""The things to do in an advisory that people marked as done."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.utils import timezone

from assessments.models.assessments import Assessment
from assessments.models.names import person_at
from assessments.models.people import User

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class DoneMarkQuerySet(models.QuerySet["DoneMark"]):
    """Marks."""

    def with_names(self) -> DoneMarkQuerySet:
        """Load what `by_name` needs."""
        return self.select_related("marked_by").prefetch_related("marked_by__former_names")

    def visible_to(self, user: User | AnonymousUser) -> DoneMarkQuerySet:
        """Keep the marks in the assessments that this person may see."""
        return self.filter(assessment__in=Assessment.objects.visible_to(user))


class DoneMark(models.Model):
    """A person's mark that what a rule asks for is done.

    A mark changes neither the answers nor the record of an attestation: an advisory follows from answers alone.
    """

    assessment = models.ForeignKey(Assessment, on_delete=models.CASCADE, related_name="done_marks")
    rule = models.CharField(max_length=60)
    marked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    marked_at = models.DateTimeField(default=timezone.now)

    objects = DoneMarkQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["marked_at", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["assessment", "rule"], name="donemark_one_per_rule"),
        ]

    def __str__(self) -> str:
        return f"mark on {self.rule} of {self.assessment}"

    @property
    def by_name(self) -> str:
        """The name of the person who marked it, at the time."""
        return person_at(self.marked_by, self.marked_at)
