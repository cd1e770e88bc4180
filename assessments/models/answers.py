"""What an answer's row holds, whether the self-check is anonymous or an office's."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone


class AnswerRow(models.Model):
    """One question's answer and note within one draft.

    `value` is the answer as an answers document gives it (JSON null is no answer); `version` counts the saves from
    1, and a save must name the version that it was made on, so that nobody overwrites what they have not seen.
    """

    question = models.CharField(max_length=60)
    value = models.JSONField(null=True)
    note = models.TextField(blank=True, max_length=2_000)
    version = models.PositiveIntegerField(default=1)
    answered_at = models.DateTimeField(default=timezone.now)

    class Meta:
        abstract = True
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(version__gte=1), name="%(class)s_versions_count_from_one"),
        ]

    def __str__(self) -> str:
        # Never the answer itself: this text ends up in logs and in the admin site.
        return f"answer to {self.question}"
