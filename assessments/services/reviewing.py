"""Reviewing a draft together: ready or not, comments, and who has looked."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from assessments.models import Assessment, Comment, Look, Notice, Thread, User
from assessments.services import audit
from assessments.services.answering import DraftGone, NotSaved, TermEnded, lock_draft
from assessments.services.audit import Action
from assessments.services.notices import tell

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
    "take_back",
]

TWICE = timedelta(minutes=1)
"""The same words by the same person within this time were sent twice."""
Kind = Notice.Kind


class ThreadMoved(Exception):
    """Somebody else resolved the thread, or opened it again, since it was seen; it is as it stands now."""

    def __init__(self, thread: Thread) -> None:
        super().__init__()
        self.thread = thread


@transaction.atomic
def mark_ready(*, assessment: Assessment, by: User) -> None:
    """Say that a draft can be reviewed. It can still be changed. Raises TermEnded and Attested."""
    _set_ready(assessment, by, ready=True)


@transaction.atomic
def take_back(*, assessment: Assessment, by: User) -> None:
    """Say that a draft is not ready for review after all. Raises TermEnded and Attested."""
    _set_ready(assessment, by, ready=False)


def _set_ready(assessment: Assessment, by: User, *, ready: bool) -> None:
    lock_draft(assessment)
    others = Assessment.objects.filter(pk=assessment.pk, ready_at__isnull=ready)
    # Pressed twice, or by two at once, it is said once.
    if others.update(ready_at=timezone.now() if ready else None, ready_by=by if ready else None):
        tell(assessment=assessment, kind=Kind.READY if ready else Kind.TAKEN_BACK, by=by)
        action = Action.READY if ready else Action.TAKEN_BACK
        audit.append(office=assessment.account.office, action=action, about=assessment, by=by)


@transaction.atomic
def comment(*, assessment: Assessment, about: str, subject: str, text: str, by: User) -> Thread:
    """Begin a thread on a question, a finding or the whole. Raises TermEnded."""
    lock_draft(assessment, attested_too=True)
    just_now = Comment.objects.filter(
        thread__assessment=assessment, thread__about=about, thread__subject=subject, author=by, text=text
    ).filter(written_at__gt=timezone.now() - TWICE)
    if twice := just_now.select_related("thread").first():
        return twice.thread
    thread = Thread.objects.create(assessment=assessment, about=about, subject=subject)
    Comment.objects.create(thread=thread, author=by, text=text)
    tell(assessment=assessment, kind=Kind.COMMENT, by=by)
    _record(Action.COMMENTED, thread, by)
    return thread


@transaction.atomic
def reply(*, thread: Thread, text: str, by: User, seen: int) -> None:
    """Add a comment to a thread; one that was seen to be resolved is open again. Raises ThreadMoved, and TermEnded.

    `seen` is the version of the thread that was answered: one that was resolved since is not opened again unseen.
    """
    lock_draft(thread.assessment, attested_too=True)
    if thread.comments.filter(author=by, text=text, written_at__gt=timezone.now() - TWICE).exists():
        return
    now = Thread.objects.select_related("resolved_by").get(pk=thread.pk)
    was_resolved = now.resolved_at is not None
    if was_resolved and now.version != seen:
        raise ThreadMoved(now)
    if was_resolved:
        _turn(now, seen=seen, resolved=False, by=by)
    Comment.objects.create(thread=thread, author=by, text=text)
    tell(assessment=thread.assessment, kind=Kind.COMMENT, by=by)
    if was_resolved:
        _record(Action.REOPENED, thread, by)
    _record(Action.COMMENTED, thread, by)


@transaction.atomic
def resolve(*, thread: Thread, seen: int, by: User) -> None:
    """Resolve a thread that stands as it was seen. Raises ThreadMoved, and TermEnded."""
    lock_draft(thread.assessment, attested_too=True)
    _turn(thread, seen=seen, resolved=True, by=by)
    tell(assessment=thread.assessment, kind=Kind.RESOLVED, by=by)
    _record(Action.RESOLVED, thread, by)


@transaction.atomic
def reopen(*, thread: Thread, seen: int, by: User) -> None:
    """Open a thread again that stands as it was seen. Raises ThreadMoved, and TermEnded."""
    lock_draft(thread.assessment, attested_too=True)
    _turn(thread, seen=seen, resolved=False, by=by)
    tell(assessment=thread.assessment, kind=Kind.REOPENED, by=by)
    _record(Action.REOPENED, thread, by)


def _turn(thread: Thread, *, seen: int, resolved: bool, by: User) -> None:
    standing = Thread.objects.filter(pk=thread.pk, version=seen, resolved_at__isnull=resolved)
    turned = standing.update(
        resolved_at=timezone.now() if resolved else None,
        resolved_by=by if resolved else None,
        version=seen + 1,
    )
    if not turned:
        raise ThreadMoved(Thread.objects.select_related("resolved_by").get(pk=thread.pk))


def _record(action: Action, thread: Thread, by: User) -> None:
    audit.append(office=thread.assessment.account.office, action=action, about=thread, by=by)


@transaction.atomic
def look(*, assessment: Assessment, by: User, at: datetime | None = None) -> None:
    """Take note that someone has looked a draft over, and so has seen its notices; what changes later is new to them.

    `at` is when the page that they looked at was made: what changed while it was open they have not seen. No page was
    made before the draft or later than now, so that such a time counts for none.
    """
    now = timezone.now()
    looked_at = at if at is not None and assessment.started_at <= at <= now else now
    # Of two pages that are open, the one made first takes nothing back.
    before = Look.objects.select_for_update().filter(assessment=assessment, user=by).first()
    if before is not None and before.looked_at > looked_at:
        looked_at = before.looked_at
    Look.objects.update_or_create(assessment=assessment, user=by, defaults={"looked_at": looked_at})
    seen = Notice.objects.unseen().filter(user=by, assessment=assessment, at__lte=looked_at)
    seen.update(seen_at=now)
