"""Marking things to do as done. This changes no answer, outcome or record."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from assessments.models import Assessment, DoneMark, User
from assessments.services import audit
from assessments.services.answering import lock_self_check
from assessments.services.audit import Action


@transaction.atomic
def mark_done(
    *, assessment: Assessment, rules: Collection[str], by: User, since: datetime | None = None
) -> None:
    """Mark what some rules ask for as done. A mark keeps its first author, but one from before `since` is replaced.

    `since` is when an answer that the rules' findings rest on was last saved. Raises DraftGone and TermEnded.
    """
    lock_self_check(assessment, attested_too=True)
    if since:
        assessment.done_marks.filter(rule__in=rules, marked_at__lt=since).delete()
    marked = set(assessment.done_marks.values_list("rule", flat=True))
    new = [DoneMark(assessment=assessment, rule=rule, marked_by=by) for rule in rules if rule not in marked]
    # Two presses, or two people at the same time, make one mark and one event.
    if new:
        DoneMark.objects.bulk_create(new)
        audit.append(office=assessment.account.office, action=Action.MARKED_DONE, about=assessment, by=by)


@transaction.atomic
def unmark_done(*, assessment: Assessment, rules: Collection[str], by: User) -> None:
    """Remove the marks of some rules. Raises DraftGone and TermEnded."""
    lock_self_check(assessment, attested_too=True)
    deleted, _ = DoneMark.objects.filter(assessment=assessment, rule__in=rules).delete()
    if deleted:
        audit.append(office=assessment.account.office, action=Action.UNMARKED_DONE, about=assessment, by=by)
