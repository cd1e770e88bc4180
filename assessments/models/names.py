"""Former names of people and offices."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from assessments.models.people import Office, User
from assessments.typed.folding import fold


class FormerName(models.Model):
    """A name that a person or an office had `until` it was changed."""

    user = models.ForeignKey(
        User, on_delete=models.CASCADE, null=True, blank=True, related_name="former_names"
    )
    office = models.ForeignKey(
        Office, on_delete=models.CASCADE, null=True, blank=True, related_name="former_names"
    )
    name = models.CharField(max_length=200)
    until = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["until", "pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(user__isnull=True, office__isnull=False)
                | Q(user__isnull=False, office__isnull=True),
                name="formername_is_of_a_person_or_an_office",
            ),
        ]

    def __str__(self) -> str:
        return self.name


def name_at(former: Iterable[FormerName], at: datetime, *, now: str) -> str:
    """The name at a moment. `former` are all former names of the same person or office, the oldest first."""
    return next((row.name for row in former if row.until > at), now)


def person_at(person: User, at: datetime) -> str:
    """The name that a person had at a moment."""
    return name_at(person.former_names.all(), at, now=str(person))


def name_then_and_now(former: Iterable[FormerName], at: datetime, *, now: str) -> str:
    """The name at a moment, followed by the current name if it differs: `Ana Silva (now Ana Roy)`."""
    then = name_at(former, at, now=now)
    return now if then == now else f"{then} (now {now})"


def distinct_former_names(former: Iterable[FormerName], *, now: str) -> list[str]:
    """Each former name once, the oldest first, without those that read the same as the current name."""
    by_key = {fold(now): now}
    for row in former:
        by_key.setdefault(fold(row.name), row.name)
    return list(by_key.values())[1:]
