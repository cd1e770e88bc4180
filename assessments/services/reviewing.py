"""Reviewing a self-check together: marking it ready, commenting, and recording who has looked at it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from assessments.models import Assessment, Comment, Look, Notice, Thread, User
from assessments.services import audit
from assessments.services.answering import DraftGone, NotSaved, TermEnded, lock_self_check
from assessments.services.audit import Action
from assessments.services.notices import notify

__all__ = [
    "DraftGone",
    "NotSaved",
    "TermEnded",
    "ThreadMoved",
    "comment",
    "look",
    "mark_ready",
    "reopen",
    "reply",
    "resolve",
    "unmark_ready",
]

TWICE = timedelta(minutes=1)
"""The same text by the same person within this time is one comment sent twice."""
Kind = Notice.Kind


class ThreadMoved(Exception):
    """Someone else resolved or reopened the thread since the page was made; `thread` is its present state."""

    def __init__(self, thread: Thread) -> None:
        super().__init__()
        self.thread = thread


@transaction.atomic
def mark_ready(*, assessment: Assessment, by: User) -> None:
    """Mark a draft as ready for review. It can still be changed. Raises TermEnded and Attested."""
    _set_ready(assessment, by, ready=True)


@transaction.atomic
def unmark_ready(*, assessment: Assessment, by: User) -> None:
    """Mark a draft as not ready for review. Raises TermEnded and Attested."""
    _set_ready(assessment, by, ready=False)


def _set_ready(assessment: Assessment, by: User, *, ready: bool) -> None:
    lock_self_check(assessment)
    to_change = Assessment.objects.filter(pk=assessment.pk, ready_at__isnull=ready)
    # If it is pressed twice, or by two people at the same time, there is one notice and one event.
    if to_change.update(ready_at=timezone.now() if ready else None, ready_by=by if ready else None):
        notify(assessment=assessment, kind=Kind.READY if ready else Kind.TAKEN_BACK, by=by)
        action = Action.READY if ready else Action.TAKEN_BACK
        audit.append(office=assessment.account.office, action=action, about=assessment, by=by)


@transaction.atomic
def comment(*, assessment: Assessment, about: str, subject: str, text: str, by: User) -> Thread:
    """Start a thread about a question, a finding or the whole self-check. Raises TermEnded."""
    lock_self_check(assessment, attested_too=True)
    repeated = Comment.objects.filter(
        thread__assessment=assessment, thread__about=about, thread__subject=subject, author=by, text=text
    ).filter(written_at__gt=timezone.now() - TWICE)
    if existing := repeated.select_related("thread").first():
        return existing.thread
    thread = Thread.objects.create(assessment=assessment, about=about, subject=subject)
    Comment.objects.create(thread=thread, author=by, text=text)
    notify(assessment=assessment, kind=Kind.COMMENT, by=by)
    _append(Action.COMMENTED, thread, by)
    return thread


@transaction.atomic
def reply(*, thread: Thread, text: str, by: User, seen: int) -> None:
    """Add a comment to a thread, and reopen the thread if the page showed it as resolved.

    `seen` is the version that the page showed: a thread that was resolved later is not reopened. Raises ThreadMoved
    and TermEnded.
    """
    lock_self_check(thread.assessment, attested_too=True)
    if thread.comments.filter(author=by, text=text, written_at__gt=timezone.now() - TWICE).exists():
        return
    current = Thread.objects.select_related("resolved_by").get(pk=thread.pk)
    was_resolved = current.resolved_at is not None
    if was_resolved and current.version != seen:
        raise ThreadMoved(current)
    if was_resolved:
        _set_resolved(current, seen=seen, resolved=False, by=by)
    Comment.objects.create(thread=thread, author=by, text=text)
    notify(assessment=thread.assessment, kind=Kind.COMMENT, by=by)
    if was_resolved:
        _append(Action.REOPENED, thread, by)
    _append(Action.COMMENTED, thread, by)


@transaction.atomic
def resolve(*, thread: Thread, seen: int, by: User) -> None:
    """Resolve a thread that is still as the page showed it. Raises ThreadMoved and TermEnded."""
    lock_self_check(thread.assessment, attested_too=True)
    _set_resolved(thread, seen=seen, resolved=True, by=by)
    notify(assessment=thread.assessment, kind=Kind.RESOLVED, by=by)
    _append(Action.RESOLVED, thread, by)


@transaction.atomic
def reopen(*, thread: Thread, seen: int, by: User) -> None:
    """Reopen a thread that is still as the page showed it. Raises ThreadMoved and TermEnded."""
    lock_self_check(thread.assessment, attested_too=True)
    _set_resolved(thread, seen=seen, resolved=False, by=by)
    notify(assessment=thread.assessment, kind=Kind.REOPENED, by=by)
    _append(Action.REOPENED, thread, by)


def _set_resolved(thread: Thread, *, seen: int, resolved: bool, by: User) -> None:
    to_change = Thread.objects.filter(pk=thread.pk, version=seen, resolved_at__isnull=resolved)
    changed = to_change.update(
        resolved_at=timezone.now() if resolved else None,
        resolved_by=by if resolved else None,
        version=seen + 1,
    )
    if not changed:
        raise ThreadMoved(Thread.objects.select_related("resolved_by").get(pk=thread.pk))


def _append(action: Action, thread: Thread, by: User) -> None:
    audit.append(office=thread.assessment.account.office, action=action, about=thread, by=by)


@transaction.atomic
def look(*, assessment: Assessment, by: User, at: datetime | None = None) -> None:
    """Record that someone has looked at a self-check, and mark its notices as seen. Later changes are new to them.

    `at` is when their page was made: they have not seen what changed while it was open. A time before the self-check
    was started, or after now, is ignored, since no page can have been made then.
    """
    now = timezone.now()
    looked_at = at if at is not None and assessment.started_at <= at <= now else now
    # With two pages open, the older page does not undo what the newer one recorded.
    last = Look.objects.select_for_update().filter(assessment=assessment, user=by).first()
    if last is not None and last.looked_at > looked_at:
        looked_at = last.looked_at
    Look.objects.update_or_create(assessment=assessment, user=by, defaults={"looked_at": looked_at})
    seen = Notice.objects.unseen().filter(user=by, assessment=assessment, at__lte=looked_at)
    seen.update(seen_at=now)
