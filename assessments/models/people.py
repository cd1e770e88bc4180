"""People and offices: who may act, and for whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone

from assessments.typed.folding import same

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

MAX_HOLD_REASON, MAX_FILE_NUMBER = 500, 60
"""Characters of a legal hold's reason, and of its file number."""


class UserManager(BaseUserManager["User"]):
    """Creates and finds people by their email address, however it was typed."""

    def officers(self) -> models.QuerySet[User]:
        """The officers of the Commissioner's office who can sign in, by name."""
        return self.filter(is_officer=True, is_active=True).order_by("name", "pk")

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create a person.

        Without a password, they cannot sign in until they set one. Raises ValueError if there is no address.
        """
        if not email:
            raise ValueError("A person needs an email address.")
        user = self.model(email=self.model.normalize_username(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create an administrator."""
        return self.create_user(email, password, **fields, is_staff=True, is_superuser=True)

    def get_by_natural_key(self, username: str | None) -> User:
        """Return the person with this email address, typed in any case."""
        return self.get(email=self.model.normalize_username(username or ""))


class User(AbstractBaseUser, PermissionsMixin):
    """Anyone who signs in: a member, a member's staff, the Commissioner's staff, an administrator.

    People sign in with their email address. It is stored in lower case, so that nobody has two sign-ins that differ
    only in how the address was typed. Nobody is deleted while a record refers to them: a person who leaves is made
    inactive.
    """

    email = models.EmailField(
        "email address",
        unique=True,
        error_messages={"unique": "Someone with this email address already has an account."},
    )
    name = models.CharField(max_length=200, help_text="As it should read beside an answer.")
    is_active = models.BooleanField(
        "active", default=True, help_text="Unticked, this person can no longer sign in."
    )
    # Django's word, which has nothing to do with a member's staff: for those see Membership.
    is_staff = models.BooleanField(
        "administrator", default=False, help_text="Manages people and offices, and sees no answers."
    )
    is_officer = models.BooleanField(
        "officer",
        default=False,
        help_text="Of the Commissioner's office: sees what members share, and no more.",
    )
    mail_notices = models.BooleanField(
        "email about notices", default=True, help_text="Unticked, notices are only in the portal."
    )
    date_joined = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    class Meta:
        verbose_name = "person"
        verbose_name_plural = "people"
        constraints: ClassVar = [
            # Together with `unique`: no two addresses differ only in case.
            models.CheckConstraint(condition=Q(email=Lower("email")), name="user_email_is_lower_case"),
            models.CheckConstraint(
                condition=~Q(is_officer=True, is_staff=True),
                name="user_is_officer_or_administrator",
                violation_error_message="A person cannot be both an officer and an administrator.",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    @classmethod
    def normalize_username(cls, username: str) -> str:
        """Return the address as it is stored: trimmed, in lower case.

        Forms also call this, through the model's `clean`.
        """
        return super().normalize_username(username).strip().lower()


class OfficeQuerySet(models.QuerySet["Office"]):
    """Offices."""

    def current(self) -> OfficeQuerySet:
        """Keep the offices whose term has not ended."""
        return self.filter(ends_on__isnull=True)

    def named(self, name: str) -> list[Office]:
        """The offices whose name reads the same, however it is spelled."""
        return [office for office in self if same(office.name, name)]

    def visible_to(self, user: User | AnonymousUser) -> OfficeQuerySet:
        """Keep the offices that this person works in: as the member, or on the staff today.

        An administrator manages people and offices but sees no answers, and an officer sees only what is shared with
        the Commissioner's office: for both, no office is visible here.
        """
        if not user.is_authenticated or not user.is_active or user.is_staff or user.is_officer:
            return self.none()
        on_staff = Membership.objects.current().filter(user=user)
        return self.filter(Q(member=user) | Q(memberships__in=on_staff)).distinct()


class Office(models.Model):
    """One member's term. All that is assessed in it belongs to that member alone.

    A successor gets a new office and sees nothing from this one, so `member` never changes. Dates are days in
    Toronto. `ends_on`, the last day, stays empty until the term has ended.
    """

    name = models.CharField(max_length=200, help_text="The seat: “Mayor”, “Councillor, Ward 10”.")
    member = models.ForeignKey(User, on_delete=models.PROTECT, related_name="offices")
    starts_on = models.DateField("first day")
    ends_on = models.DateField("last day", null=True, blank=True)
    # How long the office keeps its records. A legal hold stops every deletion until it is lifted.
    keep_drafts_months = models.PositiveSmallIntegerField(
        "months that a draft is kept after its last change",
        default=24,
        validators=[MinValueValidator(1), MaxValueValidator(120)],
    )
    keep_attested_years = models.PositiveSmallIntegerField(
        "years that an attested assessment is kept",
        default=7,
        validators=[MinValueValidator(1), MaxValueValidator(30)],
    )
    held_at = models.DateTimeField("legal hold since", null=True, blank=True)
    held_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    # Only administrators see these two. The office sees that there is a hold, and since when.
    hold_reason = models.CharField("reason for the legal hold", max_length=MAX_HOLD_REASON, blank=True)
    hold_file_number = models.CharField("file number", max_length=MAX_FILE_NUMBER, blank=True)

    objects = OfficeQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name", "-starts_on"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(ends_on__gt=F("starts_on")),
                name="office_ends_after_it_starts",
                violation_error_message="A term ends after it starts.",
            ),
            models.UniqueConstraint(
                fields=["member"],
                condition=Q(ends_on__isnull=True),
                name="office_one_current_per_member",
                violation_error_message="This member already has an office. End that term first.",
            ),
            # Services compare names however they are spelled, and lock the current offices so that they take turns.
            # So no stored key is needed, as the register has one: this constraint guards only the first office.
            models.UniqueConstraint(
                Lower("name"),
                condition=Q(ends_on__isnull=True),
                name="office_one_current_per_name",
                violation_error_message="Someone already holds this seat. End that term first.",
            ),
            models.CheckConstraint(
                condition=Q(keep_drafts_months__range=(1, 120), keep_attested_years__range=(1, 30)),
                name="office_keeps_for_some_time",
            ),
            models.CheckConstraint(
                condition=Q(held_at__isnull=True, held_by__isnull=True, hold_reason="", hold_file_number="")
                | (
                    Q(held_at__isnull=False, held_by__isnull=False)
                    & ~Q(hold_reason="")
                    & ~Q(hold_file_number="")
                ),
                name="office_hold_is_whole_or_absent",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.member})"

    @property
    def hold_mark(self) -> str:
        """Which legal hold the office has: a text that differs from hold to hold. Empty without one."""
        return self.held_at.isoformat() if self.held_at else ""


class MembershipQuerySet(models.QuerySet["Membership"]):
    """Memberships."""

    def current(self) -> MembershipQuerySet:
        """Keep the memberships that have begun and have not ended."""
        return self.filter(joined_at__lte=timezone.now(), ended_at__isnull=True)


class Membership(models.Model):
    """A person on the staff of an office, from `joined_at` until `ended_at`.

    Staff answer, review and comment; only the member attests. Someone who comes back gets a new membership, so that
    the records show when they were away.
    """

    office = models.ForeignKey(Office, on_delete=models.PROTECT, related_name="memberships")
    user = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="memberships", verbose_name="person"
    )
    joined_at = models.DateTimeField("joined", default=timezone.now)
    ended_at = models.DateTimeField("ended", null=True, blank=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(ended_at__gte=F("joined_at")),
                name="membership_ends_after_it_starts",
                violation_error_message="A membership ends after it starts.",
            ),
            models.UniqueConstraint(
                fields=["office", "user"],
                condition=Q(ended_at__isnull=True),
                name="membership_one_current_per_person",
                violation_error_message="This person is already on the office's staff.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}, staff of {self.office}"
