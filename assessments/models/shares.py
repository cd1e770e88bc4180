"""What a member shared with the Commissioner's office, and what they wrote to each other about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Length
from django.db.models.lookups import Exact
from django.utils import timezone

from assessments.models.attestations import CODE_LENGTH, Attestation
from assessments.models.names import person_at
from assessments.models.people import Office, User

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

MAX_QUESTION = 4_000
"""The longest question to the Commissioner, and the longest reply, in characters."""


class ShareQuerySet(models.QuerySet["Share"]):
    """Shares."""

    def visible_to(self, user: User | AnonymousUser) -> ShareQuerySet:
        """Keep the shares of the offices that this person works in; for an officer, all shares.

        They include withdrawn shares, whose content nobody can read: see `ShareContent`.
        """
        if user.is_authenticated and user.is_active and user.is_officer:
            return self
        return self.filter(attestation__assessment__account__office__in=Office.objects.visible_to(user))

    def standing(self) -> ShareQuerySet:
        """Keep the shares that were not withdrawn."""
        return self.filter(withdrawal__isnull=True)

    def with_superseded(self) -> ShareQuerySet:
        """Annotate `is_superseded`: a later attestation of the account is also shared.

        That a later attestation exists is not enough: it is the member's own until they share it.
        """
        later = Share.objects.standing().filter(
            attestation__assessment__account=OuterRef("attestation__assessment__account"),
            attestation__attested_at__gt=OuterRef("attestation__attested_at"),
        )
        return self.annotate(is_superseded=Exists(later))


class Share(models.Model):
    """A part of an attestation that its member gave to the Commissioner's office, never changed.

    `sha256` is the hash of the share's content and has nothing to do with the hash of the attestation. `nonce_hash`
    is the SHA-256 of the nonce in that content, so that a preview is shared only once. The nonce itself is deleted
    with the content: with it, anyone who reads the database could test guesses of withdrawn content against `sha256`.
    Shares that were withdrawn before this column existed have none.
    """

    attestation = models.ForeignKey(Attestation, on_delete=models.PROTECT, related_name="shares")
    shared_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    shared_at = models.DateTimeField(default=timezone.now)
    sha256 = models.CharField(max_length=64, unique=True)
    code = models.CharField(max_length=CODE_LENGTH, unique=True)
    nonce_hash = models.CharField(max_length=64, unique=True, null=True, blank=True)

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

    @property
    def by_name(self) -> str:
        """The name of the person who shared it, at the time."""
        return person_at(self.shared_by, self.shared_at)


class ShareContent(models.Model):
    """The content of a share, as canonical JSON with its own nonce.

    It is deleted when the share is withdrawn. Under a legal hold it stays, out of sight, until the hold is lifted.
    """

    share = models.OneToOneField(Share, on_delete=models.PROTECT, related_name="content")
    record = models.TextField()

    def __str__(self) -> str:
        return f"content of {self.share}"


class Withdrawal(models.Model):
    """The withdrawal of a share: who withdrew it, and when."""

    share = models.OneToOneField(Share, on_delete=models.PROTECT, related_name="withdrawal")
    withdrawn_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    withdrawn_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"withdrawal of {self.share}"


class AdviceRequest(models.Model):
    """A member's question that goes with a share: the findings it is about, and the day a reply is needed by."""

    share = models.OneToOneField(Share, on_delete=models.PROTECT, related_name="request")
    question = models.TextField(max_length=MAX_QUESTION)
    about = models.JSONField(default=list, help_text="The rules whose findings it is about.")
    needed_by = models.DateField(null=True, blank=True)

    def __str__(self) -> str:
        return f"advice asked with {self.share}"


class AdviceEntry(models.Model):
    """A message about a request for advice: an officer's answer, or the member's reply to it."""

    request = models.ForeignKey(AdviceRequest, on_delete=models.PROTECT, related_name="entries")
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    written_at = models.DateTimeField(default=timezone.now)
    text = models.TextField(max_length=MAX_QUESTION)

    class Meta:
        ordering: ClassVar = ["written_at", "pk"]

    def __str__(self) -> str:
        return f"entry {self.pk} on {self.request}"

    @property
    def by_name(self) -> str:
        """The author's name at the time of writing."""
        return person_at(self.author, self.written_at)


class StoredPdf(models.Model):
    """A PDF that was printed from an attestation, a share or the summary of a share.

    Its bytes are the record, kept in Django's default storage under `name`. It is printed again only if the file is
    missing; every print that was kept still verifies.
    """

    class Kind(models.TextChoices):
        """How much of the record the PDF has."""

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
