"""Reviewing a self-check together: threads of comments, and when each person last looked."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from assessments.models.assessments import Assessment
from assessments.models.names import person_at
from assessments.models.people import User

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

MAX_COMMENT = 2_000
"""The longest comment, in characters."""


class ThreadQuerySet(models.QuerySet["Thread"]):
    """Threads."""

    def visible_to(self, user: User | AnonymousUser) -> ThreadQuerySet:
        """Keep the threads of the assessments that this person may see."""
        return self.filter(assessment__in=Assessment.objects.visible_to(user))

    def open(self) -> ThreadQuerySet:
        """Keep the threads that nobody has resolved."""
        return self.filter(resolved_at__isnull=True)

    def open_on_questions(self) -> dict[str, int]:
        """How many open threads each question has."""
        on_questions = self.open().filter(about=Thread.About.QUESTION).order_by()
        return dict(on_questions.values_list("subject").annotate(models.Count("pk")))


class Thread(models.Model):
    """Comments on one question, one finding or the whole of an assessment, until someone resolves them.

    `subject` is the id of the question or of the rule. `version` starts at 1 and increases each time the thread is
    resolved or reopened. Whoever does so sends the version that they saw, so that nobody undoes a change that they
    have not seen.
    """

    class About(models.TextChoices):
        """What the comments are on."""

        QUESTION = "question", "A question"
        FINDING = "finding", "A finding"
        WHOLE = "whole", "The whole"

    assessment = models.ForeignKey(Assessment, on_delete=models.CASCADE, related_name="threads")
    about = models.CharField(max_length=8, choices=About)
    subject = models.CharField(max_length=60, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    version = models.PositiveIntegerField(default=1)

    objects = ThreadQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(about="whole", subject="")
                | (Q(about__in=["question", "finding"]) & ~Q(subject="")),
                name="thread_is_about_something",
            ),
            models.CheckConstraint(
                condition=Q(resolved_at__isnull=True, resolved_by__isnull=True)
                | Q(resolved_at__isnull=False, resolved_by__isnull=False),
                name="thread_is_resolved_by_someone",
            ),
            models.CheckConstraint(condition=Q(version__gte=1), name="thread_versions_count_from_one"),
        ]

    def __str__(self) -> str:
        return f"thread {self.pk} of {self.assessment}"

    @property
    def resolved_by_name(self) -> str:
        """The name of the person who resolved it, at the time; empty if it is open."""
        if self.resolved_by is None or self.resolved_at is None:
            return ""
        return person_at(self.resolved_by, self.resolved_at)


class CommentQuerySet(models.QuerySet["Comment"]):
    """Comments."""

    def visible_to(self, user: User | AnonymousUser) -> CommentQuerySet:
        """Keep the comments of the assessments that this person may see."""
        return self.filter(thread__in=Thread.objects.visible_to(user))


class Comment(models.Model):
    """What one person wrote in a thread. A comment is never edited."""

    thread = models.ForeignKey(Thread, on_delete=models.CASCADE, related_name="comments")
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    text = models.TextField(max_length=MAX_COMMENT)
    written_at = models.DateTimeField(default=timezone.now)

    objects = CommentQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["written_at", "pk"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(text=""), name="comment_says_something"),
        ]

    def __str__(self) -> str:
        # Never the words: logs may show this text.
        return f"comment {self.pk}"

    @property
    def by_name(self) -> str:
        """The author's name at the time of writing."""
        return person_at(self.author, self.written_at)


class Look(models.Model):
    """When a person last looked at a self-check. The review page marks later changes as new."""

    assessment = models.ForeignKey(Assessment, on_delete=models.CASCADE, related_name="looks")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    looked_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["assessment", "user"], name="look_one_per_person"),
        ]

    def __str__(self) -> str:
        return f"look of {self.user} at {self.assessment}"
