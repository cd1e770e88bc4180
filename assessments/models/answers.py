"""The fields of an answer, the same in an anonymous check and in an office's assessment."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone


class AnswerRow(models.Model):
    """The answer and note to one question in one self-check.

    `value` is the answer as an answers document has it (JSON null: no answer). `version` counts the saves from 1.
    A save must name the version that it replaces, so that nobody overwrites an answer that they have not seen.
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
        # Never the answer itself: logs may show this text.
        return f"answer to {self.question}"
