"""What a member gave to the Commissioner's office, and what the two wrote about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Length
from django.db.models.lookups import Exact
from django.utils import timezone

from assessments.models.attestations import CODE_LENGTH, Attestation
from assessments.models.people import Office, User

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

MAX_QUESTION = 4_000
"""Characters of a question to the Commissioner, and of an answer."""


class ShareQuerySet(models.QuerySet["Share"]):
    """Shares."""

    def visible_to(self, user: User | AnonymousUser) -> ShareQuerySet:
        """Keep those of the offices that this person works in; an officer sees that each is there.

        What a withdrawn one said is gone for officers and for everybody: see `ShareContent`.
        """
        if user.is_authenticated and user.is_active and user.is_officer:
            return self
        return self.filter(attestation__assessment__account__office__in=Office.objects.visible_to(user))

    def standing(self) -> ShareQuerySet:
        """Keep those that were not withdrawn."""
        return self.filter(withdrawal__isnull=True)

    def with_superseded(self) -> ShareQuerySet:
        """Tell of each in `is_superseded` whether a later attestation of the account is shared as well.

        Not whether there is a later attestation: that is the member's own until it is shared.
        """
        later = Share.objects.standing().filter(
            attestation__assessment__account=OuterRef("attestation__assessment__account"),
            attestation__attested_at__gt=OuterRef("attestation__attested_at"),
        )
        return self.annotate(is_superseded=Exists(later))


class Share(models.Model):
    """A part of an attestation that its member gave to the Commissioner's office, never changed.

    `sha256` is the hash of its content, and has nothing to do with the attestation's own.
    """

    attestation = models.ForeignKey(Attestation, on_delete=models.PROTECT, related_name="shares")
    shared_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    shared_at = models.DateTimeField(default=timezone.now)
    sha256 = models.CharField(max_length=64, unique=True)
    code = models.CharField(max_length=CODE_LENGTH, unique=True)

    objects = ShareQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-shared_at", "-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(Exact(Length("sha256"), 64)) & Q(Exact(Length("code"), CODE_LENGTH)),
                name="share_can_be_proved",
            ),
        ]

    def __str__(self) -> str:
        return f"share {self.pk}"


class ShareContent(models.Model):
    """What a share says, as canonical JSON with a nonce of its own. A share that is withdrawn has none."""

    share = models.OneToOneField(Share, on_delete=models.PROTECT, related_name="content")
    record = models.TextField()

    def __str__(self) -> str:
        return f"content of {self.share}"


class Withdrawal(models.Model):
    """That a share was withdrawn."""

    share = models.OneToOneField(Share, on_delete=models.PROTECT, related_name="withdrawal")
    withdrawn_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    withdrawn_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"withdrawal of {self.share}"


class AdviceRequest(models.Model):
    """A member's own question that goes with a share: about which findings, and by when an answer is needed."""

    share = models.OneToOneField(Share, on_delete=models.PROTECT, related_name="request")
    question = models.TextField(max_length=MAX_QUESTION)
    about = models.JSONField(default=list, help_text="The rules whose findings it is about.")
    needed_by = models.DateField(null=True, blank=True)

    def __str__(self) -> str:
        return f"advice asked with {self.share}"


class AdviceEntry(models.Model):
    """An answer to a request by an officer, or the member's word on it."""

    request = models.ForeignKey(AdviceRequest, on_delete=models.PROTECT, related_name="entries")
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    written_at = models.DateTimeField(default=timezone.now)
    text = models.TextField(max_length=MAX_QUESTION)

    class Meta:
        ordering: ClassVar = ["written_at", "pk"]

    def __str__(self) -> str:
        return f"entry {self.pk} on {self.request}"


class StoredPdf(models.Model):
    """The bytes that were printed of an attestation or a share, or of a share's summary.

    They are the record, kept in Django's default storage. Printed again only where they are missing; every print
    that was kept still verifies.
    """

    class Kind(models.TextChoices):
        """What was printed."""

        FULL = "full", "all of it"
        SUMMARY = "summary", "a summary"

    attestation = models.ForeignKey(
        Attestation, on_delete=models.PROTECT, null=True, blank=True, related_name="pdfs"
    )
    share = models.ForeignKey(Share, on_delete=models.PROTECT, null=True, blank=True, related_name="pdfs")
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.FULL)
    name = models.CharField(max_length=200, unique=True)
    sha256 = models.CharField(max_length=64, db_index=True)
    size = models.PositiveIntegerField()
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["-made_at", "-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(attestation__isnull=True, share__isnull=False)
                | Q(attestation__isnull=False, share__isnull=True),
                name="storedpdf_is_of_one_record",
            ),
            models.CheckConstraint(
                condition=Q(kind="full") | Q(kind="summary", share__isnull=False),
                name="storedpdf_summary_is_of_a_share",
            ),
        ]

    def __str__(self) -> str:
        return self.name
