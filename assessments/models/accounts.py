"""The social accounts that an office answers for."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.core.validators import URLValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from assessments.models.people import Office, User
from assessments.scoring.document import MAX_ACCOUNT_TEXT

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class SocialAccountQuerySet(models.QuerySet["SocialAccount"]):
    """Social accounts."""

    def visible_to(self, user: User | AnonymousUser) -> SocialAccountQuerySet:
        """Keep the accounts of the offices that this person works in."""
        return self.filter(office__in=Office.objects.visible_to(user))


class SocialAccount(models.Model):
    """One account on one platform, of one office."""

    class Purpose(models.TextChoices):
        """What the office uses the account for."""

        OFFICIAL = "official", "Official: my work as a member of Council"
        CAMPAIGN = "campaign", "Campaign: my own election"
        PERSONAL = "personal", "Personal"

    office = models.ForeignKey(Office, on_delete=models.PROTECT, related_name="accounts")
    # As long as an answers file allows.
    platform = models.CharField(max_length=MAX_ACCOUNT_TEXT, help_text="Instagram, Facebook, TikTok …")
    handle = models.CharField(
        max_length=MAX_ACCOUNT_TEXT, help_text="The name that people look it up by, like @PatLee."
    )
    display_name = models.CharField("name shown", max_length=200, blank=True)
    address = models.URLField(blank=True, validators=[URLValidator(schemes=["https"])])
    purpose = models.CharField(max_length=10, choices=Purpose, default=Purpose.OFFICIAL)
    added_at = models.DateTimeField(default=timezone.now, editable=False)
    name_key = models.CharField(
        max_length=64,
        blank=True,
        editable=False,
        help_text="The name as it is compared. Empty if another account had the name before names were compared so.",
    )

    objects = SocialAccountQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["platform", "handle"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["office", "name_key"], condition=~Q(name_key=""), name="account_once_per_office"
            ),
            models.CheckConstraint(
                condition=Q(purpose__in=["official", "campaign", "personal"]), name="account_purpose_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.platform}: {self.handle}"
