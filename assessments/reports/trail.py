"""The audit trail in words: a sentence for each event."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Model, Q

from assessments.models import (
    AccessReview,
    Action,
    Assessment,
    Attestation,
    AuditEvent,
    Export,
    FormerName,
    Invitation,
    Membership,
    Office,
    Share,
    SocialAccount,
    StoredPdf,
    Thread,
    User,
)
from assessments.models.names import name_then_and_now

SENTENCES: dict[str, str] = {
    Action.ANSWERS_SAVED: "{who} saved answers about {what}",
    Action.DRAFT_STARTED: "{who} started a self-check of {what}",
    Action.DRAFT_DELETED: "{who} deleted a self-check of {what}",
    Action.DRAFT_RESTORED: "{who} restored a self-check of {what}",
    Action.ELECTION_CHANGED: "{who} changed the election of a self-check of {what}",
    Action.MOVED: "{who} moved a self-check of {what} to the newer revision of the questions",
    Action.KEPT: "{who} saved a self-check of {what} to the office",
    Action.READY: "{who} marked the self-check of {what} as ready for review",
    Action.TAKEN_BACK: "{who} took the self-check of {what} back from review",
    Action.COMMENTED: "{who} wrote a comment about {what}",
    Action.RESOLVED: "{who} resolved comments about {what}",
    Action.REOPENED: "{who} reopened comments about {what}",
    Action.ACCOUNT_ADDED: "{who} added an account to the register: {what}",
    Action.ACCOUNT_DESCRIBED: "{who} changed the details of an account: {what}",
    Action.INVITED: "{who} invited {what}",
    Action.JOINED: "{who} joined with the invitation to {what}",
    Action.STAFF_REMOVED: "{who} removed {what} from the staff",
    Action.INVITATION_REVOKED: "{who} withdrew the invitation to {what}",
    Action.TERM_ENDED: "{who} ended the term: {what}",
    Action.SIGN_IN_CLOSED: "{who} suspended sign-in for {what}",
    Action.SIGN_IN_OPENED: "{who} restored sign-in for {what}",
    Action.ATTESTED: "{who} attested the self-check of {what}",
    Action.REASSESSED: "{who} started the next self-check of {what}",
    Action.SHARED: "{who} shared the self-check of {what}",
    Action.SHARE_WITHDRAWN: "{who} withdrew what was shared about {what}",
    Action.SHARE_VIEWED: "{who} viewed what was shared about {what}",
    Action.FILE_VIEWED: "{who} viewed a file about {what}",
    Action.FILE_DOWNLOADED: "{who} downloaded a file about {what}",
    Action.ADVICE_ASKED: "{who} asked for advice about {what}",
    Action.ADVICE_ANSWERED: "{who} replied to a request for advice about {what}",
    Action.ALL_EXPORTED: "{who} downloaded everything: {what}",
    Action.RETENTION_CHANGED: "{who} changed the retention periods: {what}",
    Action.HOLD_SET: "{who} set a legal hold: {what}",
    Action.HOLD_LIFTED: "{who} lifted the legal hold: {what}",
    Action.PURGED: "{who} deleted a self-check past its retention period: {what}",
    Action.DESK_VIEWED: "{who} viewed the list of what was shared, signed in as {what}",
    Action.SHARES_EXPORTED: "{who} exported what was shared, some of it by {what}",
    Action.ERASED: "{who} erased all self-checks: {what}",
    Action.RENAMED: "{who} changed the name of {before} to {what}",
    Action.EMAIL_ASKED: "{who} asked to change the email address of {what}",
    Action.EMAIL_CANCELLED: "{who} cancelled a change of the email address of {what}",
    Action.EMAIL_CHANGED: "{who} changed the email address of {what}",
    Action.PRINTED: "{who} made the PDF of {what}",
    Action.RETENTION_CHOSEN: "{who} chose shorter retention periods: {what}",
    Action.RETENTION_KEPT: "{who} kept the current retention periods: {what}",
    Action.MARKED_DONE: "{who} marked a thing to do about {what} as done",
    Action.UNMARKED_DONE: "{who} marked a thing to do about {what} as not done",
    # These are in the portal's own trail, which administrators read: they do not name what was shared.
    Action.SHARE_ASSIGNED: "{who} assigned a shared self-check to an officer",
    Action.SHARE_DEALT: "{who} marked a shared self-check as dealt with",
    Action.SHARE_REOPENED: "{who} reopened a shared self-check",
    # How people sign in: in the portal's own trail, too.
    Action.SIGNED_IN: "{who} signed in",
    Action.SIGNED_IN_NEW_DEVICE: "{who} signed in on a new device",
    Action.SIGNED_OUT: "{who} signed out",
    Action.SESSION_ENDED: "{who} ended sessions of {what}",
    Action.LOCKED_OUT: "{who} refused more wrong passwords or codes for {what}",
    Action.GUESSING: "{who} noticed many wrong passwords or codes for {what}",
    Action.PASSWORD_CHANGED: "{who} changed their password",
    Action.PASSWORD_RESET: "{who} accepted a new password, set by an emailed link, for {what}",
    Action.SECOND_STEP_ADDED: "{who} added a second step to their sign-in",
    Action.SECOND_STEP_REMOVED: "{who} removed a second step from their sign-in",
    Action.SECOND_STEPS_RESET: "{who} removed all second steps of {what}",
    Action.RECOVERY_CODES_MADE: "{who} made new recovery codes",
    Action.RECOVERY_CODE_USED: "{who} used a recovery code",
    Action.SSO_LINKED: "{who} linked single sign-on to their sign-in",
    Action.SSO_UNLINKED: "{who} removed the link to single sign-on from the sign-in of {what}",
    Action.ROLE_CHANGED: "{who} changed the role of {what}",
    Action.ACCESS_REVIEWED: "{who} confirmed who has access, in the review of {what}",
}
"""The sentence for each action: `{who}` did it, `{what}` is the record's name, and `{before}` its former name."""
OF_THE_PORTAL = (
    Action.SIGNED_IN,
    Action.SIGNED_IN_NEW_DEVICE,
    Action.SIGNED_OUT,
    Action.SESSION_ENDED,
    Action.LOCKED_OUT,
    Action.GUESSING,
    Action.PASSWORD_CHANGED,
    Action.PASSWORD_RESET,
    Action.SECOND_STEP_ADDED,
    Action.SECOND_STEP_REMOVED,
    Action.SECOND_STEPS_RESET,
    Action.RECOVERY_CODES_MADE,
    Action.RECOVERY_CODE_USED,
    Action.SSO_LINKED,
    Action.SSO_UNLINKED,
    Action.EMAIL_ASKED,
    Action.EMAIL_CANCELLED,
    Action.EMAIL_CHANGED,
    Action.INVITED,
    Action.INVITATION_REVOKED,
    Action.JOINED,
    Action.ROLE_CHANGED,
    Action.RENAMED,
    Action.SIGN_IN_CLOSED,
    Action.SIGN_IN_OPENED,
    Action.ACCESS_REVIEWED,
    Action.HOLD_SET,
    Action.HOLD_LIFTED,
    Action.DESK_VIEWED,
    Action.SHARES_EXPORTED,
    Action.SHARE_ASSIGNED,
    Action.SHARE_DEALT,
    Action.SHARE_REOPENED,
)
"""The actions of the portal's own trail, in the order of its filter."""
PORTAL = "The portal"
"""The name of the actor if no person was signed in."""
GONE = "a deleted record"
"""What a record that has been deleted is called."""


@dataclass(frozen=True)
class RecordKind:
    """A model that events are about, how the portal names its records, and the relations that a name needs."""

    model: type[Model]
    name: Callable[[Any], str]
    related: tuple[str, ...] = ()


def _name_of_pdf(pdf: Any) -> str:
    """Which PDF it is, and of which account."""
    if pdf.attestation:
        return f"the attested self-check of {pdf.attestation.assessment.account}"
    whole = "what was shared" if pdf.kind == StoredPdf.Kind.FULL else "the summary of what was shared"
    return f"{whole} about {pdf.share.attestation.assessment.account}"


RECORD_KINDS = {
    str(kind.model._meta.model_name): kind
    for kind in (
        RecordKind(Assessment, lambda assessment: str(assessment.account), ("account",)),
        RecordKind(
            Attestation,
            lambda attestation: str(attestation.assessment.account),
            ("assessment__account",),
        ),
        RecordKind(
            Share,
            lambda share: str(share.attestation.assessment.account),
            ("attestation__assessment__account",),
        ),
        RecordKind(
            StoredPdf,
            _name_of_pdf,
            ("attestation__assessment__account", "share__attestation__assessment__account"),
        ),
        RecordKind(SocialAccount, str),
        RecordKind(Thread, lambda thread: str(thread.assessment.account), ("assessment__account",)),
        RecordKind(Invitation, lambda invitation: invitation.email),
        RecordKind(Membership, lambda membership: str(membership.user), ("user",)),
        RecordKind(Office, lambda office: office.name),
        # Administrators read this, and may not know who shared.
        RecordKind(Export, lambda _: "members"),
        RecordKind(User, str),
        RecordKind(AccessReview, lambda review: f"{review.starts_on:%B %Y}"),
    )
}
"""The kinds of record that events are about, by the name that events store for them."""


@dataclass(frozen=True)
class Line:
    """An event in words."""

    number: int
    at: datetime
    words: str


def in_words(events: Iterable[AuditEvent]) -> list[Line]:
    """A sentence for each event. It takes one query for each kind of record, however many events there are."""
    events = list(events)
    keys: dict[str, set[int]] = defaultdict(set)
    for event in events:
        keys[event.record_type].add(event.record_id)
    names = {
        (name, record.pk): kind.name(record)
        for name, kind in RECORD_KINDS.items()
        if keys[name]
        for record in kind.model._default_manager.select_related(*kind.related).filter(pk__in=keys[name])
    }
    former = _former_names(events)

    def name_before(event: AuditEvent) -> str:
        """The name that an event changed."""
        rows = former.get((event.record_type, event.record_id), ())
        names = [row.name for row in rows if row.until <= event.at]
        return names[-1] if names else GONE

    def then_and_now(kind: str, key: int | None, at: datetime, now: str) -> str:
        """The name at the time of an event, followed by the current name if it differs."""
        return name_then_and_now(former.get((kind, key), ()), at, now=now)

    return [
        Line(
            event.number,
            event.at,
            SENTENCES[event.action].format(
                before=name_before(event),
                who=then_and_now("user", event.actor_id, event.at, str(event.actor or PORTAL)),
                what=then_and_now(
                    event.record_type,
                    event.record_id,
                    event.at,
                    names.get((event.record_type, event.record_id), GONE),
                ),
            ),
        )
        for event in events
    ]


def _former_names(events: Iterable[AuditEvent]) -> dict[tuple[str, int | None], list[FormerName]]:
    """The former names of the people and offices in events, the oldest first."""
    people = {event.actor_id for event in events}
    people |= {event.record_id for event in events if event.record_type == "user"}
    offices = {event.record_id for event in events if event.record_type == "office"}
    former: dict[tuple[str, int | None], list[FormerName]] = defaultdict(list)
    for row in FormerName.objects.filter(Q(user__in=people) | Q(office__in=offices)):
        key = ("user", row.user_id) if row.user_id else ("office", row.office_id)
        former[key].append(row)
    return former
