"""The election of a self-check, the same in an anonymous check and in an office's assessment."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

BY_ELECTION = "by-election"
"""The calendar's election without dates. A constraint needs its id: the database cannot read the calendar."""


class ElectionChoice(models.Model):
    """An election of the calendar, by its id, with the days that a person gives.

    Only a by-election takes a voting day. `campaign_ends` is given if the campaign period does not end on the usual
    day: after an extension, a withdrawal or a rejected nomination.
    """

    election = models.CharField(max_length=40)
    voting_day = models.DateField(null=True, blank=True)
    campaign_ends = models.DateField(null=True, blank=True)

    class Meta:
        abstract = True
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(voting_day__isnull=True) | Q(election=BY_ELECTION),
                name="%(class)s_voting_day_is_of_a_by_election",
            ),
        ]
