"""The published editions of the bulletin, which assessments are pinned to."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Length, Lower
from django.db.models.lookups import Exact
from django.utils import timezone


class PublishedEditionQuerySet(models.QuerySet["PublishedEdition"]):
    """Queries on published editions."""

    def latest_revision(self, edition_id: str) -> PublishedEdition:
        """Return the edition's newest revision, without its content; raise DoesNotExist when it has none."""
        return self.filter(edition_id=edition_id).defer("content").order_by("-revision")[:1].get()


class PublishedEdition(models.Model):
    """One revision of an edition, exactly as it was published.

    A row is added and never changed, so an assessment keeps the questions and rules that it was made with. A
    correction is a new revision of the same edition.
    """

    edition_id = models.CharField(
        max_length=100, help_text="The bulletin and its version: “toronto-social-media-1.1”."
    )
    revision = models.PositiveSmallIntegerField(help_text="Counts the corrections of our encoding, from 1.")
    digest = models.CharField(
        max_length=64,
        unique=True,
        help_text="SHA-256 of the content and the engine's version, in lower-case hexadecimal.",
    )
    content = models.JSONField(help_text="The whole edition: paragraphs, questions, rules, advice.")
    published_at = models.DateTimeField(default=timezone.now)

    objects = PublishedEditionQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["edition_id", "-revision"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["edition_id", "revision"], name="edition_each_revision_once"),
            models.CheckConstraint(condition=Q(revision__gte=1), name="edition_revisions_count_from_one"),
            models.CheckConstraint(
                condition=Q(Exact(Length("digest"), 64)) & Q(digest=Lower("digest")),
                name="edition_digest_is_sha256",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.edition_id}, revision {self.revision}"
