"""Whose access is reviewed twice a year, and which reviews are still due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time

from allauth.mfa.models import Authenticator
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from assessments.models import AccessReview, Invitation, Membership, Office, User
from assessments.reports.people import office_roles, roles_of

MONTHS = (4, 10)
"""April and October: a review starts on the first day of these months."""
LAST_DAY = 30
"""A review is due by this day of its first month. After that, it is overdue."""


@dataclass(frozen=True)
class Review:
    """The access review of a half-year: the day it starts, the day it is due, and the day the next one starts."""

    starts_on: date
    today: date

    @property
    def due_by(self) -> date:
        return self.starts_on.replace(day=LAST_DAY)

    @property
    def next_starts_on(self) -> date:
        spring, autumn = MONTHS
        if self.starts_on.month == spring:
            return self.starts_on.replace(month=autumn)
        return date(self.starts_on.year + 1, spring, 1)

    @property
    def is_overdue(self) -> bool:
        return self.today > self.due_by


def review_on(day: date) -> Review:
    """The review of the half-year that includes a day."""
    spring, autumn = (date(day.year, month, 1) for month in MONTHS)
    if day >= autumn:
        return Review(autumn, day)
    return Review(spring if day >= spring else date(day.year - 1, MONTHS[1], 1), day)


def current_review() -> Review:
    """The review of the present half-year."""
    return review_on(timezone.localdate())


# --- Who has access -----------------------------------------------------------------


@dataclass(frozen=True)
class Access:
    """One person's access. `key` differs when the person or the access does; `since` is when the access began."""

    key: str
    user: User
    roles: tuple[str, ...]
    since: datetime | date
    second_step: bool | None = None
    membership: Membership | None = None
    office: Office | None = None


def staff_access(office: Office) -> list[Access]:
    """The current staff of an office."""
    memberships = Membership.objects.current().filter(office=office).select_related("user")
    return [
        Access(f"staff-{each.pk}", each.user, ("Staff",), each.joined_at, membership=each)
        for each in memberships.prefetch_related("user__former_names").order_by("user__name", "user__email")
    ]


def portal_access() -> list[Access]:
    """Everyone who can sign in, except the staff of current offices whose members can sign in and review them."""
    staff = Membership.objects.current().filter(office__in=_reviewed_by_members()).values("user")
    people = User.objects.filter(is_active=True).exclude(pk__in=staff, offices__isnull=True)
    # The last one counts.
    ended = Office.objects.filter(ends_on__isnull=False).order_by("ends_on")
    offices = {office.member_id: office for office in ended}
    current = {office.member_id: office for office in Office.objects.current()}
    roles, joined, second_steps = office_roles(), _joined(), _with_second_step()
    listed = []
    for user in people.prefetch_related("former_names").order_by("name", "email"):
        office = current.get(user.pk)
        is_privileged = user.is_officer or user.is_staff
        kind = "officer" if user.is_officer else "administrator" if user.is_staff else "other"
        last = office or offices.get(user.pk)
        listed.append(
            Access(
                f"{kind}-{user.pk}-{office.pk if office else 0}",
                user,
                roles_of(user, roles),
                last.starts_on if last else joined.get((user.pk, kind), user.date_joined),
                second_step=user.pk in second_steps if is_privileged else None,
                office=office,
            )
        )
    return listed


def _reviewed_by_members() -> QuerySet[Office]:
    """The current offices whose members can sign in."""
    return Office.objects.current().filter(member__is_active=True)


def _joined() -> dict[tuple[int, str], datetime]:
    """When officers and administrators last accepted the invitation to their role, by their key and the role."""
    used = Invitation.objects.filter(used_at__isnull=False, role__in=("officer", "administrator"))
    rows = used.order_by("used_at").values_list("used_by", "role", "used_at")
    return {(user, role): at for user, role, at in rows if user and at}


def _with_second_step() -> set[int]:
    kinds = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
    return set(Authenticator.objects.filter(type__in=kinds).values_list("user", flat=True))


# --- What is still to be reviewed ---------------------------------------------------


def offices_to_review(review: Review) -> QuerySet[Office]:
    """The offices with staff from before the review started, whose member can do it and has not done it yet."""
    began = _began(review)
    staff = Membership.objects.current().filter(office=OuterRef("pk"), joined_at__lt=began)
    done = AccessReview.objects.filter(office=OuterRef("pk"), starts_on=review.starts_on)
    return _reviewed_by_members().filter(Exists(staff), ~Exists(done))


def portal_to_review(review: Review) -> bool:
    """Whether administrators still have a review to do: not in a portal that is newer than the review."""
    done = AccessReview.objects.filter(office__isnull=True, starts_on=review.starts_on)
    is_older = User.objects.filter(date_joined__lt=_began(review)).exists()
    return is_older and not done.exists()


def _began(review: Review) -> datetime:
    return timezone.make_aware(datetime.combine(review.starts_on, time.min))
