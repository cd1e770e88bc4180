"""Self-checks without signing in: kept for a day, under a token that only the browser has."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Length
from django.db.models.lookups import Exact
from django.utils import timezone

from assessments.models.answers import AnswerRow
from assessments.models.elections import ElectionChoice
from assessments.scoring.document import MAX_ACCOUNT_TEXT
from bulletin.models import PublishedEdition

LIFE = timedelta(hours=24)
"""How long an anonymous check is kept after its last answer."""

ROW_BYTES = 500, 100
"""About how many bytes the database needs for a check without answers, and for an answer besides its text."""


def token_hash(token: str) -> str:
    """The SHA-256 of a token, stored instead of the token. A token is random and long, so it needs no salt."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def a_day_from_now() -> datetime:
    """When a check ends if someone answers a question now."""
    return timezone.now() + LIFE


class AnonymousCheckQuerySet(models.QuerySet["AnonymousCheck"]):
    """Anonymous checks."""

    def live(self) -> AnonymousCheckQuerySet:
        """Keep the checks that have not ended."""
        return self.filter(ends_at__gt=timezone.now())

    def with_token(self, token: str) -> AnonymousCheckQuerySet:
        """Keep the check of the browser that holds this token."""
        return self.filter(token_hash=token_hash(token))

    def total_size(self) -> int:
        """The bytes that all checks and their stored PDFs take together."""
        # Two sums: a join takes several times as long, and a save holds the write lock during it.
        return sum(
            int(model._default_manager.aggregate(total=models.Sum("size", default=0))["total"])
            for model in (AnonymousCheck, CheckPdf)
        )


class AnonymousCheck(ElectionChoice):
    """A self-check by someone who has not signed in. Whoever holds the token may see, change and delete it."""

    token_hash = models.CharField(max_length=64, unique=True)
    edition = models.ForeignKey(PublishedEdition, on_delete=models.PROTECT, related_name="+")
    # As long as an answers file allows.
    platform = models.CharField(max_length=MAX_ACCOUNT_TEXT, blank=True)
    handle = models.CharField("account", max_length=MAX_ACCOUNT_TEXT, blank=True)
    member = models.CharField("member of Council", max_length=MAX_ACCOUNT_TEXT, blank=True)
    started_at = models.DateTimeField(default=timezone.now)
    ends_at = models.DateTimeField(default=a_day_from_now, db_index=True)
    # Whether the browser keeps the token after it closes, as the person chose.
    outlives_browser = models.BooleanField(default=False)
    # In bytes, with its answers. Anyone can write these rows, so their size is limited.
    size = models.PositiveIntegerField(default=0)

    objects = AnonymousCheckQuerySet.as_manager()

    class Meta(ElectionChoice.Meta):
        constraints: ClassVar = [
            *ElectionChoice.Meta.constraints,
            models.CheckConstraint(
                condition=Q(Exact(Length("token_hash"), 64)), name="check_token_is_hashed"
            ),
        ]

    def __str__(self) -> str:
        return f"anonymous check {self.pk}"

    @property
    def about(self) -> dict[str, str]:
        """The account, as an answers document has it, without what is empty."""
        named = {"platform": self.platform, "handle": self.handle, "member": self.member}
        return {key: value for key, value in named.items() if value}

    def measured_size(self) -> int:
        """The bytes that the check and its answers take now."""
        of_check, of_answer = ROW_BYTES
        rows = self.answers.values_list("question", "value", "note")
        texts = [*self.about.values()]
        for question, value, note in rows:
            texts += (question, json.dumps(value), note)
        return of_check + of_answer * len(rows) + sum(len(text.encode()) for text in texts)


class CheckAnswer(AnswerRow):
    """An answer in an anonymous check."""

    draft = models.ForeignKey(AnonymousCheck, on_delete=models.CASCADE, related_name="answers")

    class Meta(AnswerRow.Meta):
        constraints: ClassVar = [
            *AnswerRow.Meta.constraints,
            models.UniqueConstraint(fields=["draft", "question"], name="checkanswer_one_per_question"),
        ]


class CheckPdf(models.Model):
    """The PDF last printed of an anonymous check's advisory, deleted when the check changes, moves or ends.

    It is in the database, so that deleting a check also deletes its PDF.
    """

    draft = models.OneToOneField(
        AnonymousCheck, on_delete=models.CASCADE, primary_key=True, related_name="pdf"
    )
    # What its bytes depend on: a PDF with another fingerprint is printed again.
    fingerprint = models.CharField(max_length=64)
    size = models.PositiveIntegerField()
    content = models.BinaryField()

    def __str__(self) -> str:
        return f"PDF of anonymous check {self.draft_id}"
