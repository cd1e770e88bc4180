"""Notices: something waits for a person. A notice never has the content."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from assessments.models.assessments import Assessment
from assessments.models.people import User

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class NoticeQuerySet(models.QuerySet["Notice"]):
    """Notices."""

    def visible_to(self, user: User | AnonymousUser) -> NoticeQuerySet:
        """Keep a person's own notices, about the assessments that they may still see."""
        if not user.is_authenticated:
            return self.none()
        return self.filter(user=user, assessment__in=Assessment.objects.visible_to(user))

    def unseen(self) -> NoticeQuerySet:
        """Keep the notices that the person has not seen in the portal."""
        return self.filter(seen_at__isnull=True)


class Notice(models.Model):
    """One person's notice that somebody else did something to an assessment."""

    class Kind(models.TextChoices):
        """What was done."""

        READY = "ready", "marked it ready for review"
        TAKEN_BACK = "taken_back", "took it back from review"
        COMMENT = "comment", "wrote a comment"
        RESOLVED = "resolved", "resolved comments"
        REOPENED = "reopened", "opened comments again"
        ATTESTED = "attested", "attested it"
        SHARED = "shared", "shared it with the Commissioner"
        WITHDRAWN = "withdrawn", "withdrew what was shared"
        ADVISED = "advised", "wrote about what was shared"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notices")
    assessment = models.ForeignKey(Assessment, on_delete=models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=10, choices=Kind)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(null=True, blank=True)
    # When a run last began to send the email about it.
    claimed_at = models.DateTimeField(null=True, blank=True)
    mailed_at = models.DateTimeField(null=True, blank=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-at", "-pk"]
        indexes: ClassVar = [
            models.Index(fields=["user", "seen_at"], name="notice_by_person"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(
                    kind__in=[
                        "ready",
                        "taken_back",
                        "comment",
                        "resolved",
                        "reopened",
                        "attested",
                        "shared",
                        "withdrawn",
                        "advised",
                    ]
                ),
                name="notice_kind_is_known",
            ),
        ]

    def __str__(self) -> str:
        return f"notice {self.pk} to {self.user}"

    @property
    def leads_to(self) -> str:
        """The URL name of the page that shows what was done."""
        kinds = self.Kind
        about_the_record = (kinds.ATTESTED, kinds.SHARED, kinds.WITHDRAWN, kinds.ADVISED)
        return "assessment:tasks" if self.kind in about_the_record else "assessment:review"
