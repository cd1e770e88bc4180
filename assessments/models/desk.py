"""What the Commissioner's desk lists and searches: facts derived from what was shared, never the record itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, ClassVar, Self

from django.db import models
from django.db.models import Count, F, Q
from django.utils import timezone

from assessments.models.people import Office, User
from assessments.models.shares import Share
from assessments.scoring.document import MAX_ACCOUNT_TEXT

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
UNREAD = Q(opened_at__isnull=True) | Q(opened_at__lt=F("news_at"))
TO_ANSWER = Q(advice_asked=True, answered_at__isnull=True, dealt_at__isnull=True)


def officer_name(person: User) -> str:
    """An officer's name, with a note if they are no longer one."""
    return str(person) if person.is_officer and person.is_active else f"{person} (no longer an officer)"


@dataclass(frozen=True)
class Place:
    """A row's place in the desk's order: waiting rows come first, then the newest, then the highest key."""

    waiting: bool
    shared_at: datetime
    pk: int

    def __str__(self) -> str:
        return f"{self.waiting:d}.{(self.shared_at - EPOCH) // timedelta(microseconds=1)}.{self.pk}"

    @classmethod
    def read(cls, text: str) -> Self:
        """Read a place from a web address, as `str` writes it. Raises ValueError."""
        waiting, micros, pk = map(int, text.split(".")) if len(text) <= 60 and text.isascii() else ((-1,) * 3)
        if waiting not in (0, 1) or not 0 <= micros < 10**17 or not 0 <= pk < 2**63:
            raise ValueError(text)
        return cls(bool(waiting), EPOCH + timedelta(microseconds=micros), pk)


@dataclass(frozen=True)
class Page:
    """Rows in the desk's order, and the places where newer and older rows continue, each None without such rows."""

    rows: Sequence[DeskEntry]
    newer: Place | None
    older: Place | None


class DeskEntryQuerySet(models.QuerySet["DeskEntry"]):
    """Rows of the desk."""

    def visible_to(self, user: User | AnonymousUser) -> DeskEntryQuerySet:
        """Keep all rows for an officer, and none for anybody else."""
        return self if user.is_authenticated and user.is_active and user.is_officer else self.none()

    def unread(self) -> DeskEntryQuerySet:
        """Keep the rows that no officer has opened since the member last added something."""
        return self._waiting(True).filter(UNREAD)

    def to_answer(self) -> DeskEntryQuerySet:
        """Keep the rows that ask for advice, have no answer from an officer, and are not dealt with."""
        return self._waiting(True).filter(TO_ANSWER)

    def in_state(self, state: str) -> DeskEntryQuerySet:
        """Keep the rows that have this one of `DeskEntry.states`. `dealt` keeps all that were dealt with."""
        states = DeskEntry.State
        if state == states.UNREAD:
            return self.unread()
        if state == states.TO_ANSWER:
            return self.to_answer()
        if state == states.WITHDRAWN:
            return self.filter(withdrawn_at__isnull=False)
        rows = self._waiting(False).filter(withdrawn_at__isnull=True)
        if state == states.ANSWERED:
            return rows.filter(answered_at__isnull=False)
        if state == states.READ:
            return rows.filter(dealt_at__isnull=True, answered_at__isnull=True)
        rows = rows.filter(dealt_at__isnull=False)
        if state == states.DEALT_UNANSWERED:
            return rows.filter(advice_asked=True, answered_at__isnull=True)
        return rows

    def how_many_wait(self) -> dict[str, int]:
        """How many rows are `unread` and how many `to_answer`, in one query that reads only waiting rows."""
        counted: dict[str, int] = self._waiting(True).aggregate(
            unread=Count("pk", filter=UNREAD), to_answer=Count("pk", filter=TO_ANSWER)
        )
        return counted

    def page(self, *, size: int, after: Place | None = None, before: Place | None = None) -> Page:
        """Up to `size` rows from the top, or after a place, or before it.

        It makes at most two queries, one for the waiting rows and one for the others. Each walks the index from the
        place where it begins, so that a page deep in the list costs no more than the first.
        """
        backwards, place = before is not None, before or after
        rows: list[DeskEntry] = []
        for waiting in (False, True) if backwards else (True, False):
            if place and (waiting < place.waiting if backwards else waiting > place.waiting):
                continue
            part = self._waiting(waiting)
            if place and waiting == place.waiting:
                part = part._beyond(place, backwards=backwards)
            order = ("shared_at", "pk") if backwards else ("-shared_at", "-pk")
            rows += part.order_by(*order)[: size + 1 - len(rows)]
            if len(rows) > size:
                break
        has_more = len(rows) > size
        rows = rows[:size]
        if backwards:
            rows.reverse()
        if not rows:
            return Page((), None, None)
        first, last = rows[0].place, rows[-1].place
        if backwards:
            return Page(rows, newer=first if has_more else None, older=last)
        return Page(rows, newer=first if place else None, older=last if has_more else None)

    def _waiting(self, waiting: bool) -> DeskEntryQuerySet:
        """Keep the rows that wait, or those that do not.

        `__in` and not `waiting=True`: Django writes the latter as the bare column, and SQLite then uses no index.
        """
        return self.filter(waiting__in=[waiting])

    def _beyond(self, place: Place, *, backwards: bool) -> DeskEntryQuerySet:
        """Keep the rows past a place, with conditions that let both databases walk an index (`c <= x AND (…)`)."""
        at, pk = place.shared_at, place.pk
        if backwards:
            return self.filter(Q(shared_at__gt=at) | Q(pk__gt=pk), shared_at__gte=at)
        return self.filter(Q(shared_at__lt=at) | Q(pk__lt=pk), shared_at__lte=at)


class DeskEntry(models.Model):
    """A share, as the desk lists and searches it, and how officers handle it.

    `opened_at`, `assigned_to`, `dealt_at` and `dealt_by` are what officers did. The rest is derived from the share's
    content, its request for advice and the advice written. A withdrawn share keeps only its times here.
    """

    class State(models.TextChoices):
        """What officers have done about a share. A share can be both unread and to answer."""

        UNREAD = "unread", "Unread"
        TO_ANSWER = "to_answer", "Needs a reply"
        ANSWERED = "answered", "Replied"
        READ = "read", "Read"
        DEALT = "dealt", "Dealt with"
        DEALT_UNANSWERED = "dealt_unanswered", "Dealt with, no reply"
        WITHDRAWN = "withdrawn", "Withdrawn"

    share = models.OneToOneField(Share, on_delete=models.CASCADE, primary_key=True, related_name="desk_entry")
    office = models.ForeignKey(Office, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    office_name = models.CharField(max_length=200, blank=True)
    member = models.CharField(max_length=200, blank=True, help_text="The member's name when it was shared.")
    platform = models.CharField(max_length=MAX_ACCOUNT_TEXT, blank=True)
    account = models.CharField(
        max_length=2 * MAX_ACCOUNT_TEXT + 1, blank=True, help_text="The platform and the handle."
    )
    account_words = models.TextField(blank=True, help_text="The account as search compares it.")
    edition = models.CharField(max_length=100, blank=True)
    revision = models.PositiveIntegerField(null=True, blank=True)
    election = models.CharField(max_length=100, blank=True)
    overall = models.CharField(max_length=30, blank=True)
    contact = models.CharField(max_length=20, blank=True, help_text="The earliest time to contact, if any.")
    shared_at = models.DateTimeField()
    news_at = models.DateTimeField(help_text="When the member last added something.")
    opened_at = models.DateTimeField(null=True, blank=True, help_text="When an officer last opened it.")
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    advice_asked = models.BooleanField(default=False)
    needed_by = models.DateField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True, help_text="When an officer first answered.")
    assigned_to = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    dealt_at = models.DateTimeField(
        null=True, blank=True, help_text="When an officer marked it as dealt with."
    )
    dealt_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    waiting = models.BooleanField(default=True, help_text="Unread or to answer.")
    words = models.TextField(blank=True, help_text="What search looks in, in small letters.")

    objects = DeskEntryQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-waiting", "-shared_at", "-share_id"]
        indexes: ClassVar = [
            # `withdrawn_at` is in the index so that counting rows reads nothing else.
            models.Index(fields=["waiting", "shared_at", "share", "withdrawn_at"], name="desk_order"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True)
                | Q(
                    office__isnull=True,
                    office_name="",
                    member="",
                    platform="",
                    account="",
                    account_words="",
                    edition="",
                    revision__isnull=True,
                    election="",
                    overall="",
                    contact="",
                    words="",
                    advice_asked=False,
                    needed_by__isnull=True,
                    answered_at__isnull=True,
                    assigned_to__isnull=True,
                    dealt_at__isnull=True,
                    waiting=False,
                ),
                name="desk_tells_nothing_of_what_is_withdrawn",
            ),
            models.CheckConstraint(
                condition=Q(dealt_at__isnull=True, dealt_by__isnull=True)
                | Q(dealt_at__isnull=False, dealt_by__isnull=False),
                name="desk_entry_is_dealt_with_by_someone",
            ),
        ]

    def __str__(self) -> str:
        return f"desk entry of {self.share_id}"

    @property
    def place(self) -> Place:
        """The row's place in the desk's order."""
        return Place(self.waiting, self.shared_at, self.pk)

    @property
    def is_unread(self) -> bool:
        """Whether the member added something after an officer last opened the share, or no officer has opened it."""
        return self.withdrawn_at is None and (self.opened_at is None or self.opened_at < self.news_at)

    @property
    def is_to_answer(self) -> bool:
        """Whether the member asked for advice that no officer has answered, and the share is not dealt with."""
        return self.advice_asked and self.answered_at is None and self.dealt_at is None

    @property
    def handle(self) -> str:
        """The account without its platform."""
        return self.account.removeprefix(self.platform).strip()

    @property
    def states(self) -> tuple[State, ...]:
        """The state, or both if it is unread and to answer, or answered and dealt with."""
        state = self.State
        if self.withdrawn_at is not None:
            return (state.WITHDRAWN,)
        if self.is_unread or self.is_to_answer:
            both = {state.UNREAD: self.is_unread, state.TO_ANSWER: self.is_to_answer}
            return tuple(each for each, applies in both.items() if applies)
        if self.dealt_at is not None and self.advice_asked and self.answered_at is None:
            return (state.DEALT_UNANSWERED,)
        done = {state.ANSWERED: self.answered_at, state.DEALT: self.dealt_at}
        return tuple(each for each, at in done.items() if at) or (state.READ,)


class DeskFinding(models.Model):
    """A shared finding: one row for each paragraph that its rule is based on."""

    entry = models.ForeignKey(DeskEntry, on_delete=models.CASCADE, related_name="findings")
    rule = models.CharField(max_length=60)
    paragraph = models.CharField(max_length=20)
    outcome = models.CharField(max_length=20)
    contact = models.CharField(max_length=20, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["paragraph", "outcome"], name="desk_by_paragraph")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["entry", "rule", "paragraph"], name="deskfinding_once_for_each_paragraph"
            ),
        ]

    def __str__(self) -> str:
        return f"finding on {self.rule}, ¶{self.paragraph}"


class DeskUnsure(models.Model):
    """A question to which the member shared the answer "I'm not sure"."""

    entry = models.ForeignKey(DeskEntry, on_delete=models.CASCADE, related_name="unsure")
    question = models.CharField(max_length=100)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["entry", "question"], name="deskunsure_once"),
        ]

    def __str__(self) -> str:
        return f"not sure of {self.question}"


class Export(models.Model):
    """One export from the desk: the list of its shares, which an event of the audit trail refers to."""

    class Form(models.TextChoices):
        """The file format."""

        ZIP = "zip", "ZIP file of PDFs, with an index"
        PDF = "pdf", "one PDF of summaries"
        CSV = "csv", "spreadsheet (CSV), one line for each share"
        FINDINGS = "findings", "spreadsheet (CSV), one line for each finding"
        JSONL = "jsonl", "JSON Lines, with everything that was shared"

    exported_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    exported_at = models.DateTimeField(default=timezone.now)
    form = models.CharField(max_length=10, choices=Form)
    shares = models.JSONField(help_text="The keys of the shares.")

    class Meta:
        ordering: ClassVar = ["-exported_at", "-pk"]

    def __str__(self) -> str:
        return f"export {self.pk}"
