"""An office's assessments of its social accounts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from assessments.models.accounts import SocialAccount
from assessments.models.answers import AnswerRow
from assessments.models.people import User
from bulletin.models import PublishedEdition

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from assessments.models.attestations import Attestation

RESTORABLE = timedelta(days=30)
"""How long a draft that was deleted can be brought back."""


class AssessmentQuerySet(models.QuerySet["Assessment"]):
    """Assessments."""

    def visible_to(self, user: User | AnonymousUser) -> AssessmentQuerySet:
        """Keep the assessments of the accounts that this person may see; a deleted one is seen by nobody."""
        return self.in_offices_of(user).filter(deleted_at__isnull=True)

    def in_offices_of(self, user: User | AnonymousUser) -> AssessmentQuerySet:
        """The same, with the deleted ones that can still be brought back."""
        return self.filter(account__in=SocialAccount.objects.visible_to(user))

    def with_superseded(self) -> AssessmentQuerySet:
        """Tell of each in `is_superseded` whether it was attested, and the account has a later attestation."""
        later = Assessment.objects.filter(
            account=OuterRef("account"), attestation__attested_at__gt=OuterRef("attestation__attested_at")
        )
        return self.annotate(is_superseded=Exists(later))

    def drafts(self) -> AssessmentQuerySet:
        """Keep those that nobody has attested."""
        return self.filter(attestation__isnull=True)

    def restorable(self) -> AssessmentQuerySet:
        """Keep the deleted drafts that can still be brought back."""
        return self.drafts().filter(deleted_at__gt=timezone.now() - RESTORABLE)


class Assessment(models.Model):
    """An assessment of one account, pinned for good to one edition revision and one election.

    It is a draft until its member attests it. `copied_from` is the earlier one whose answers it began with.
    """

    account = models.ForeignKey(SocialAccount, on_delete=models.PROTECT, related_name="assessments")
    edition = models.ForeignKey(PublishedEdition, on_delete=models.PROTECT, related_name="+")
    election = models.CharField(max_length=40)
    started_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField(default=timezone.now)
    # Someone says that it can be reviewed; it stays a draft, and can be taken back.
    ready_at = models.DateTimeField(null=True, blank=True)
    ready_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    copied_from = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="copies"
    )
    # A draft that is deleted can be brought back for a while.
    deleted_at = models.DateTimeField(null=True, blank=True)
    deleted_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    objects = AssessmentQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-started_at", "-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(ready_at__isnull=True, ready_by__isnull=True)
                | Q(ready_at__isnull=False, ready_by__isnull=False),
                name="assessment_is_made_ready_by_someone",
            ),
            models.CheckConstraint(
                condition=Q(deleted_at__isnull=True, deleted_by__isnull=True)
                | Q(deleted_at__isnull=False, deleted_by__isnull=False),
                name="assessment_is_deleted_by_someone",
            ),
        ]

    def __str__(self) -> str:
        return f"assessment {self.pk} of {self.account}"

    @property
    def attestation_or_none(self) -> Attestation | None:
        """Its attestation, if it is no draft any more."""
        return getattr(self, "attestation", None)

    @property
    def restorable_until(self) -> datetime | None:
        """Until when it can be brought back, if it is deleted."""
        return self.deleted_at + RESTORABLE if self.deleted_at else None

    @property
    def about(self) -> dict[str, str]:
        """The account, as an answers document gives it."""
        return {
            "platform": self.account.platform,
            "handle": self.account.handle,
            "member": str(self.account.office.member),
        }


class AnswerManager(models.Manager["Answer"]):
    """Answers, each with the person who gave it: wherever it is shown, so are they."""

    def get_queryset(self) -> models.QuerySet[Answer]:
        return super().get_queryset().select_related("answered_by")


class Answer(AnswerRow):
    """An answer within an office's assessment, and who gave it last."""

    draft = models.ForeignKey(Assessment, on_delete=models.CASCADE, related_name="answers")
    answered_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    # Copied from an earlier assessment, and to be confirmed before it counts as this one's.
    carried = models.BooleanField(default=False)

    objects = AnswerManager()

    class Meta(AnswerRow.Meta):
        constraints: ClassVar = [
            *AnswerRow.Meta.constraints,
            models.UniqueConstraint(fields=["draft", "question"], name="answer_one_per_question"),
        ]
