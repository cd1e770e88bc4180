"""What a member attested: complete, never changed, and provable."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Length
from django.db.models.lookups import Exact
from django.utils import timezone

from assessments.models.assessments import Assessment
from assessments.models.people import User

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

CODE_LENGTH = 24
"""Characters in a verification code, including its dashes."""


class AttestationQuerySet(models.QuerySet["Attestation"]):
    """Attestations."""

    def visible_to(self, user: User | AnonymousUser) -> AttestationQuerySet:
        """Keep the attestations of the assessments that this person may see."""
        return self.filter(assessment__in=Assessment.objects.visible_to(user))

    def with_superseded(self) -> AttestationQuerySet:
        """Annotate `is_superseded`: the account has a later attestation."""
        later = Attestation.objects.filter(
            assessment__account=OuterRef("assessment__account"), attested_at__gt=OuterRef("attested_at")
        )
        return self.annotate(is_superseded=Exists(later))


class Attestation(models.Model):
    """An assessment as its member attested it, never changed.

    `record` is canonical JSON: the answers and notes with who gave them and when, the edition's revision and digest,
    the election's dates, the advisory, and a random nonce. `sha256` is the hash of exactly these bytes in UTF-8; the
    nonce stops anyone from guessing the answers from it. `code` is the verification code that the PDF bears.
    """

    assessment = models.OneToOneField(Assessment, on_delete=models.PROTECT, related_name="attestation")
    attested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    attested_at = models.DateTimeField(default=timezone.now)
    as_of = models.DateField()
    overall = models.CharField(max_length=30)
    record = models.TextField()
    sha256 = models.CharField(max_length=64, unique=True)
    code = models.CharField(max_length=CODE_LENGTH, unique=True)

    objects = AttestationQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-attested_at", "-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(Exact(Length("sha256"), 64)) & Q(Exact(Length("code"), CODE_LENGTH)),
                name="attestation_can_be_proved",
            ),
        ]

    def __str__(self) -> str:
        return f"attestation of {self.assessment}"

    @property
    def signer(self) -> str:
        """The name of the person who attested, as the record has it: a later name does not change what was signed."""
        return str(json.loads(self.record)["attested_by"])


class Finding(models.Model):
    """The outcome of one rule in an attestation, as a row so that findings can be counted and searched."""

    attestation = models.ForeignKey(Attestation, on_delete=models.PROTECT, related_name="findings")
    rule = models.CharField(max_length=60)
    force = models.CharField(max_length=10)
    outcome = models.CharField(max_length=20)
    contact = models.CharField(max_length=20, blank=True)
    due = models.DateField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["attestation", "rule"], name="finding_one_per_rule"),
        ]

    def __str__(self) -> str:
        return f"finding on {self.rule}"
