"""An office's assessments of its social accounts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from assessments.models.accounts import SocialAccount
from assessments.models.answers import AnswerRow
from assessments.models.elections import ElectionChoice
from assessments.models.people import User
from assessments.scoring.document import MAX_ACCOUNT_TEXT
from bulletin.models import PublishedEdition

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from assessments.models.attestations import Attestation

RESTORABLE = timedelta(days=30)
"""How long a deleted draft can be restored."""


class AssessmentQuerySet(models.QuerySet["Assessment"]):
    """Assessments."""

    def visible_to(self, user: User | AnonymousUser) -> AssessmentQuerySet:
        """Keep the assessments of the accounts that this person may see, except deleted ones."""
        return self.in_offices_of(user).filter(deleted_at__isnull=True)

    def in_offices_of(self, user: User | AnonymousUser) -> AssessmentQuerySet:
        """Keep the assessments of the accounts that this person may see, including deleted ones."""
        return self.filter(account__in=SocialAccount.objects.visible_to(user))

    def with_superseded(self) -> AssessmentQuerySet:
        """Annotate `is_superseded`: attested, and the account has a later attestation."""
        later = Assessment.objects.filter(
            account=OuterRef("account"), attestation__attested_at__gt=OuterRef("attestation__attested_at")
        )
        return self.annotate(is_superseded=Exists(later))

    def drafts(self) -> AssessmentQuerySet:
        """Keep the assessments that nobody has attested."""
        return self.filter(attestation__isnull=True)

    def restorable(self) -> AssessmentQuerySet:
        """Keep the deleted drafts that can still be restored."""
        return self.drafts().filter(deleted_at__gt=timezone.now() - RESTORABLE)


class Assessment(ElectionChoice):
    """An assessment of one account, by one revision of an edition and about one election.

    It is a draft until the member attests it. `copied_from` is the assessment that its answers were copied from.
    """

    account = models.ForeignKey(SocialAccount, on_delete=models.PROTECT, related_name="assessments")
    edition = models.ForeignKey(PublishedEdition, on_delete=models.PROTECT, related_name="+")
    started_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField(default=timezone.now)
    # Set while the draft is marked ready for review. It stays a draft, and the mark can be removed.
    ready_at = models.DateTimeField(null=True, blank=True)
    ready_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    copied_from = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="copies"
    )
    # Set while a draft is deleted. It can be restored for a while: see RESTORABLE.
    deleted_at = models.DateTimeField(null=True, blank=True)
    deleted_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    objects = AssessmentQuerySet.as_manager()

    class Meta(ElectionChoice.Meta):
        ordering: ClassVar = ["-started_at", "-pk"]
        constraints: ClassVar = [
            *ElectionChoice.Meta.constraints,
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
        """The attestation; None for a draft."""
        return getattr(self, "attestation", None)

    @property
    def restorable_until(self) -> datetime | None:
        """When a deleted draft can no longer be restored; None unless it is deleted."""
        return self.deleted_at + RESTORABLE if self.deleted_at else None

    @property
    def about(self) -> dict[str, str]:
        """The account, as an answers document has it."""
        return {
            "platform": self.account.platform,
            "handle": self.account.handle,
            "member": str(self.account.office.member),
        }


class AnswerManager(models.Manager["Answer"]):
    """Answers, each loaded with the person who gave it: a page that shows an answer also shows that person."""

    def get_queryset(self) -> models.QuerySet[Answer]:
        return super().get_queryset().select_related("answered_by")


class Answer(AnswerRow):
    """An answer in an office's assessment, and who last gave it."""

    draft = models.ForeignKey(Assessment, on_delete=models.CASCADE, related_name="answers")
    answered_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    # Copied from an earlier assessment. Someone must confirm it before it counts in this one.
    carried = models.BooleanField(default=False)
    # The account whose self-check it was copied from, as it was called then, if that is another self-check of the
    # office and not an earlier one of this account. Its text stays when that account is deleted.
    carried_from = models.CharField(max_length=2 * MAX_ACCOUNT_TEXT + 3, blank=True, default="")
    signed_by = ""
    """The name of the person who gave it, as an attestation's record has it."""

    objects = AnswerManager()

    class Meta(AnswerRow.Meta):
        constraints: ClassVar = [
            *AnswerRow.Meta.constraints,
            models.UniqueConstraint(fields=["draft", "question"], name="answer_one_per_question"),
        ]

    @property
    def by_name(self) -> str:
        """The name of the person who gave the answer: in an attestation, the name at the time."""
        return self.signed_by or str(self.answered_by)
