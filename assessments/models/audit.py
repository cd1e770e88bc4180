"""The audit trail: who did what, when and to which record, in chains of hashes that reveal any tampering."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Coalesce, Length
from django.db.models.lookups import Exact

from assessments.models.people import Office, User

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

CHAINED = (
    "office_id",
    "number",
    "at",
    "actor_id",
    "action",
    "record_type",
    "record_id",
    "address_hash",
    "previous",
)
"""The columns that every event's hash covers, in this order. It also covers `record_hash`, unless that is empty."""


def event_hash(columns: Mapping[str, Any]) -> str:
    """The SHA-256 of an event's other columns, as JSON without spaces, with times in UTC to the microsecond."""
    chained = {name: _plain(columns[name]) for name in CHAINED}
    # Left out if empty, so that the hashes of events from before the column stay as they are.
    if record_hash := columns.get("record_hash"):
        chained["record_hash"] = record_hash
    return hashlib.sha256(json.dumps(chained, separators=(",", ":")).encode()).hexdigest()


def _plain(value: Any) -> Any:
    return value.astimezone(UTC).isoformat(timespec="microseconds") if isinstance(value, datetime) else value


def address_hash(address: str, salt: str) -> str:
    """The hash that a chain keeps of a network address. Once its salt is deleted, nobody can recover the address."""
    return hashlib.sha256(f"{salt}{address}".encode()).hexdigest()


class Action(models.TextChoices):
    """The actions that the audit trail records."""

    ANSWERS_SAVED = "answers_saved", "Saved answers"
    DRAFT_STARTED = "draft_started", "Started a draft"
    DRAFT_DELETED = "draft_deleted", "Deleted a draft"
    DRAFT_RESTORED = "draft_restored", "Restored a draft"
    ELECTION_CHANGED = "election_changed", "Changed the election of a draft"
    MOVED = "moved", "Moved a draft to a newer revision"
    KEPT = "kept", "Saved a self-check to the office"
    READY = "ready", "Marked a draft ready for review"
    TAKEN_BACK = "taken_back", "Took a draft back from review"
    COMMENTED = "commented", "Commented"
    RESOLVED = "resolved", "Resolved comments"
    REOPENED = "reopened", "Reopened comments"
    ACCOUNT_ADDED = "account_added", "Added a social account"
    ACCOUNT_DESCRIBED = "account_described", "Changed the details of a social account"
    INVITED = "invited", "Invited someone"
    JOINED = "joined", "Joined"
    STAFF_REMOVED = "staff_removed", "Removed someone from the staff"
    INVITATION_REVOKED = "invitation_revoked", "Withdrew an invitation"
    TERM_ENDED = "term_ended", "Ended a term"
    SIGN_IN_CLOSED = "sign_in_closed", "Suspended sign-in"
    SIGN_IN_OPENED = "sign_in_opened", "Restored sign-in"
    ATTESTED = "attested", "Attested a self-check"
    REASSESSED = "reassessed", "Started a reassessment"
    SHARED = "shared", "Shared a self-check"
    SHARE_WITHDRAWN = "share_withdrawn", "Withdrew a share"
    SHARE_VIEWED = "share_viewed", "Viewed a share"
    FILE_VIEWED = "file_viewed", "Viewed a file"
    FILE_DOWNLOADED = "file_downloaded", "Downloaded a file"
    ADVICE_ASKED = "advice_asked", "Asked for advice"
    ADVICE_ANSWERED = "advice_answered", "Answered a request for advice"
    ALL_EXPORTED = "all_exported", "Downloaded everything"
    RETENTION_CHANGED = "retention_changed", "Changed the retention periods"
    HOLD_SET = "hold_set", "Set a legal hold"
    HOLD_LIFTED = "hold_lifted", "Lifted a legal hold"
    PURGED = "purged", "Deleted a self-check past its retention period"
    DESK_VIEWED = "desk_viewed", "Viewed the list of shares"
    SHARES_EXPORTED = "shares_exported", "Exported shares"
    ERASED = "erased", "Erased all self-checks of an office"
    RENAMED = "renamed", "Changed a name"
    EMAIL_ASKED = "email_asked", "Asked to change an email address"
    EMAIL_CANCELLED = "email_cancelled", "Cancelled a change of email address"
    EMAIL_CHANGED = "email_changed", "Changed an email address"
    PRINTED = "printed", "Printed a PDF"
    RETENTION_CHOSEN = "retention_chosen", "Chose shorter retention periods"
    RETENTION_KEPT = "retention_kept", "Kept the current retention periods"
    MARKED_DONE = "marked_done", "Marked something as done"
    UNMARKED_DONE = "unmarked_done", "Removed a mark"
    SHARE_ASSIGNED = "share_assigned", "Assigned a share"
    SHARE_DEALT = "share_dealt", "Marked a share as dealt with"
    SHARE_REOPENED = "share_reopened", "Reopened a share"
    SIGNED_IN = "signed_in", "Signed in"
    SIGNED_IN_NEW_DEVICE = "signed_in_new_device", "Signed in on a new device"
    SIGNED_OUT = "signed_out", "Signed out"
    SESSION_ENDED = "session_ended", "Ended sessions"
    LOCKED_OUT = "locked_out", "Refused more guesses for a while"
    GUESSING = "guessing", "Noticed many wrong guesses"
    PASSWORD_CHANGED = "password_changed", "Changed a password"
    PASSWORD_RESET = "password_reset", "Set a new password by a link"
    SECOND_STEP_ADDED = "second_step_added", "Added a second step"
    SECOND_STEP_REMOVED = "second_step_removed", "Removed a second step"
    SECOND_STEPS_RESET = "second_steps_reset", "Reset the second steps"
    RECOVERY_CODES_MADE = "recovery_codes_made", "Made recovery codes"
    RECOVERY_CODE_USED = "recovery_code_used", "Used a recovery code"
    SSO_LINKED = "sso_linked", "Linked single sign-on"
    SSO_UNLINKED = "sso_unlinked", "Unlinked single sign-on"
    ROLE_CHANGED = "role_changed", "Changed a role"
    ACCESS_REVIEWED = "access_reviewed", "Reviewed who has access"


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    """Audit events."""

    def visible_to(self, user: User | AnonymousUser) -> AuditEventQuerySet:
        """Keep the events that a person may see: their own offices' events, or for an administrator the portal's.

        Nobody sees both: an administrator learns nothing about what an office does.
        """
        if user.is_authenticated and user.is_active and user.is_staff:
            return self.filter(office__isnull=True)
        return self.filter(office__in=Office.objects.visible_to(user))

    def of_chain(self, office: int | None) -> AuditEventQuerySet:
        """Keep the events of the office with this key; None keeps the portal's own events, which have no office."""
        return self.filter(office=office) if office else self.filter(office__isnull=True)


class AuditEvent(models.Model):
    """Someone did something to a record. The event never has the record's content, nor any text that a person wrote.

    The event of an attestation, share or print also has the record's hash, which reveals a replaced record. The event
    of a hold has the hash of its reason and file number.

    Each office has its own chain; events that belong to no office are in the portal's chain. `hash` covers all the
    other columns, including the hash of the event before, so that nobody can change, remove or insert a row without
    it showing. The hash is also the primary key: a number from the database would come too late to be hashed.

    `actor` is who did it; empty if nobody was signed in. The event has no name, because a name can change or may
    have to be erased, and these rows never change. An erased person keeps a `User` row without a name.
    """

    office = models.ForeignKey(
        Office, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    number = models.PositiveBigIntegerField()
    at = models.DateTimeField()
    actor = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    action = models.CharField(max_length=20, choices=Action)
    # Which record, by kind and key. No foreign key: the event outlives the record.
    record_type = models.CharField(max_length=40)
    record_id = models.PositiveBigIntegerField()
    # The SHA-256 of what was attested, shared or printed, or of why a hold was set; empty for other actions, and for
    # events from before this column.
    record_hash = models.CharField(max_length=64, blank=True, default="")
    # Empty if the event did not come from a request.
    address_hash = models.CharField(max_length=64, blank=True)
    # Empty for the first event of a chain.
    previous = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64, primary_key=True)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-number"]
        indexes: ClassVar = [
            models.Index(fields=["record_type", "record_id", "number"], name="auditevent_by_record"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["office", "number"], name="auditevent_number_once_per_office"),
            models.UniqueConstraint(
                fields=["number"], condition=Q(office__isnull=True), name="auditevent_number_once_in_portal"
            ),
            models.CheckConstraint(condition=Q(number__gte=1), name="auditevent_numbers_count_from_one"),
            models.CheckConstraint(
                condition=Q(number=1, previous="") | (Q(number__gt=1) & Q(Exact(Length("previous"), 64))),
                name="auditevent_follows_another",
            ),
            models.CheckConstraint(condition=Q(action__in=Action.values), name="auditevent_action_is_known"),
        ]

    def __str__(self) -> str:
        return f"audit event {self.number} of {self.office_id or 'the portal'}"


class AuditAddress(models.Model):
    """The network address that an event came from, for as long as addresses are kept.

    The chain has only the salted hash of the address, so the chain still verifies when this row is deleted.
    """

    event = models.OneToOneField(
        AuditEvent, on_delete=models.PROTECT, primary_key=True, related_name="address"
    )
    address = models.CharField(max_length=45)
    salt = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"address of {self.event_id}"


class AuditHead(models.Model):
    """The head of a chain: its number of events and the hash of the last. Appending an event locks this row."""

    office = models.OneToOneField(Office, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    count = models.PositiveBigIntegerField(default=0)
    hash = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints: ClassVar = [
            # A database does not count two NULLs as equal, so a plain constraint would allow two portal heads.
            models.UniqueConstraint(Coalesce("office", Value(0)), name="audithead_one_per_chain"),
        ]

    def __str__(self) -> str:
        return f"head of {self.office_id or 'the portal'}"
