"""Access reviews twice a year: asking people by email to review who has access, and recording that they did."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import date

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from assessments.models import AccessReview, AccessReviewRequest, Office, User
from assessments.reports.access_reviews import (
    Access,
    Review,
    current_review,
    offices_to_review,
    portal_access,
    portal_to_review,
    staff_access,
)
from assessments.scoring.wording import long_date
from assessments.services import audit
from assessments.services.audit import Action
from assessments.services.outbox import drop_mail, queue_mail

log = logging.getLogger(__name__)


class AlreadyReviewed(Exception):
    """This review of the half-year is already done."""


class AccessChanged(Exception):
    """Access has changed since the page: `joined` are not on it, and `left` people on it no longer have access."""

    def __init__(self, joined: list[Access], left: int) -> None:
        super().__init__()
        self.joined, self.left = joined, left


# --- Asking -------------------------------------------------------------------------


def ask_for_reviews() -> int:
    """Queue an email to each person who has a review to do, once in the half-year; return how many were queued.

    It is queued in the review's first month. After that, the portal's pages show that the review is overdue. The next
    run makes up for one that was missed. `send_waiting` retries what cannot be sent.
    """
    review = current_review()
    if review.is_overdue:
        return 0
    asked = 0
    for user, path in _reviewers(review):
        try:
            asked += _ask(user, path, review)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others can still be asked
            # Not the error's own message, which can contain an address.
            log.error("A request for an access review could not be queued: %s", type(error).__name__)
    return asked


def _reviewers(review: Review) -> list[tuple[int, str]]:
    """The keys of the people who have a review to do, each with the path of its page."""
    offices = offices_to_review(review).order_by("pk")
    reviewers = [(office.member_id, _path(office)) for office in offices]
    if portal_to_review(review):
        administrators = User.objects.filter(is_staff=True, is_active=True).order_by("pk")
        reviewers += [(pk, _path(None)) for pk in administrators.values_list("pk", flat=True)]
    return reviewers


def _path(office: Office | None) -> str:
    return reverse("review_staff", kwargs={"pk": office.pk}) if office else reverse("review_access")


@transaction.atomic
def _ask(pk: int, path: str, review: Review) -> int:
    """Queue one person's email and return 1; return 0 if this or another run has already queued it."""
    # Locked, so that two runs at the same time take turns.
    user = User.objects.select_for_update(no_key=True).get(pk=pk)
    asked = AccessReviewRequest.objects.filter(user=user, starts_on=review.starts_on)
    if asked.exists():
        return 0
    AccessReviewRequest.objects.create(user=user, starts_on=review.starts_on)
    words: dict[str, str | int] = {"due_by": long_date(review.due_by), "of_staff": int(not user.is_staff)}
    queue_mail(to=user, name="access_review", path=path, words=words)
    return 1


# --- Confirming ---------------------------------------------------------------------


@transaction.atomic
def confirm_access(*, office: Office | None, listed: Iterable[str], by: User) -> AccessReview:
    """Record that everyone `listed` should still have access, by their keys on the page.

    Without an office, they are those whom administrators review. Raises AlreadyReviewed and AccessChanged, each
    before anything is written.
    """
    starts_on = _lock(office)
    if AccessReview.objects.filter(office=office, starts_on=starts_on).exists():
        raise AlreadyReviewed
    access, keys = staff_access(office) if office else portal_access(), set(listed)
    joined = [each for each in access if each.key not in keys]
    left = keys - {each.key for each in access}
    if joined or left:
        raise AccessChanged(joined, len(left))
    review = AccessReview.objects.create(
        office=office, starts_on=starts_on, reviewed_by=by, reviewed_at=timezone.now()
    )
    # Emails to the others who were asked, if they are not sent yet.
    drop_mail(paths=[_path(office)])
    audit.append(office=office, action=Action.ACCESS_REVIEWED, about=review, by=by)
    return review


def _lock(office: Office | None) -> date:
    """Have two confirmations of one review take turns; return the day on which the half-year starts."""
    if office:
        Office.objects.select_for_update(no_key=True).get(pk=office.pk)
    else:
        list(User.objects.select_for_update(no_key=True).filter(is_staff=True).order_by("pk"))
    return current_review().starts_on
