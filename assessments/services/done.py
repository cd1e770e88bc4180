"""Marking what an advisory says to do as done. No answer, outcome or record changes by it."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction

from assessments.models import Assessment, DoneMark, User
from assessments.services import audit
from assessments.services.answering import lock_self_check
from assessments.services.audit import Action


@transaction.atomic
def mark_done(*, assessment: Assessment, rules: Collection[str], by: User) -> None:
    """Mark what some rules say to do as done. A mark keeps its first author. Raises DraftGone and TermEnded."""
    lock_self_check(assessment, attested_too=True)
    marked = set(assessment.done_marks.values_list("rule", flat=True))
    new = [DoneMark(assessment=assessment, rule=rule, marked_by=by) for rule in rules if rule not in marked]
    # Pressed twice, or by two people at the same time, it leaves one mark and one event.
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
