"""Keeping the desk's entries up to date as shares are made, opened, answered, handled and withdrawn."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from assessments.models import AdviceEntry, AdviceRequest, DeskEntry, DeskFinding, DeskUnsure, Share, User
from assessments.records.desk_facts import desk_facts
from assessments.services import audit
from assessments.services.audit import Action, append_access
from assessments.typed.folding import searchable


class NotShared(Exception):
    """The share was withdrawn or deleted since the officer's page was made."""


class NotAnOfficer(Exception):
    """The person is no officer, or can no longer sign in."""


class AssignedElsewhere(Exception):
    """Another officer assigned the share since the officer's page was made."""


class Unanswered(Exception):
    """The member asked for advice that no officer has answered."""


class NewsUnread(Exception):
    """The member added something that no officer has read."""


def add_entry(*, share: Share) -> None:
    """List a new share on the desk, within the transaction that makes the share."""
    request = AdviceRequest.objects.filter(share=share).first()
    facts = desk_facts(share.content.record, question=request.question if request else "")
    entry = DeskEntry.objects.create(
        share=share,
        office_id=share.attestation.assessment.account.office_id,
        office_name=facts.office_name,
        member=facts.member,
        platform=facts.platform,
        account=facts.account,
        account_words=facts.account_words,
        edition=facts.edition,
        revision=facts.revision,
        election=facts.election,
        overall=facts.overall,
        contact=facts.contact,
        shared_at=share.shared_at,
        news_at=share.shared_at,
        advice_asked=request is not None,
        needed_by=request.needed_by if request else None,
        words=facts.words,
    )
    DeskFinding.objects.bulk_create(
        DeskFinding(entry=entry, **finding._asdict()) for finding in facts.findings
    )
    DeskUnsure.objects.bulk_create(DeskUnsure(entry=entry, question=question) for question in facts.unsure)


@transaction.atomic
def open_share(*, share: Share, by: User) -> None:
    """Mark a share as read by an officer, and record in its office's audit trail who viewed it. Raises NotShared."""
    entry = _locked_standing(share)
    entry.opened_at = timezone.now()
    _save_entry(entry)
    append_access(
        office=share.attestation.assessment.account.office, action=Action.SHARE_VIEWED, about=share, by=by
    )


@transaction.atomic
def assign_share(*, share: Share, to: User | None, seen: int | None, by: User) -> None:
    """Assign a share to an officer, or to nobody. `seen` is the key of the officer it was assigned to on the page.

    Raises NotShared, NotAnOfficer and AssignedElsewhere.
    """
    entry = _locked_standing(share)
    to_key = to.pk if to else None
    if entry.assigned_to_id == to_key:
        return
    if entry.assigned_to_id != seen:
        raise AssignedElsewhere
    if to and not User.objects.officers().filter(pk=to.pk).exists():
        raise NotAnOfficer
    entry.assigned_to = to
    _save_entry(entry)
    # In the portal's trail, not in the office's: members do not see who handles what they share.
    audit.append(office=None, action=Action.SHARE_ASSIGNED, about=share, by=by)


@transaction.atomic
def mark_dealt(*, share: Share, by: User, without_reply: bool = False) -> None:
    """Mark a share as dealt with. A second mark changes nothing.

    Raises NotShared, NewsUnread, and Unanswered unless `without_reply` confirms that no reply is meant.
    """
    entry = _locked_standing(share)
    if entry.dealt_at is not None:
        return
    if entry.is_unread:
        raise NewsUnread
    if entry.is_to_answer and not without_reply:
        raise Unanswered
    entry.dealt_at, entry.dealt_by = timezone.now(), by
    _save_entry(entry)
    audit.append(office=None, action=Action.SHARE_DEALT, about=share, by=by)


@transaction.atomic
def reopen_share(*, share: Share, by: User) -> None:
    """Remove the mark that a share is dealt with. Raises NotShared."""
    entry = _locked_standing(share)
    if entry.dealt_at is None:
        return
    entry.dealt_at = entry.dealt_by = None
    _save_entry(entry)
    audit.append(office=None, action=Action.SHARE_REOPENED, about=share, by=by)


def update_entry(*, share: Share, advice: AdviceEntry) -> None:
    """Update a share's entry for an answer or reply just written about it, within the same transaction.

    A member's reply reopens a share that was dealt with.
    """
    entry = _locked(share)
    # The time now, not the time of writing: an officer may have opened the page while this waited for the lock.
    now = timezone.now()
    if advice.author_id == share.shared_by_id:
        entry.news_at = now
        entry.dealt_at = entry.dealt_by = None
        entry.words = f"{entry.words} {searchable(advice.text)}"
    else:
        entry.answered_at = entry.answered_at or now
        # An officer who answers has read everything before it.
        entry.opened_at = now
    _save_entry(entry)


def clear_entry(*, share: Share) -> None:
    """Empty the entry of a share just withdrawn, except for its times, within the same transaction."""
    entry = _locked(share)
    entry.findings.all().delete()
    entry.unsure.all().delete()
    DeskEntry.objects.filter(pk=entry.pk).update(
        withdrawn_at=share.withdrawal.withdrawn_at,
        office=None,
        office_name="",
        member="",
        platform="",
        account="",
        account_words="",
        edition="",
        revision=None,
        election="",
        overall="",
        contact="",
        advice_asked=False,
        needed_by=None,
        answered_at=None,
        assigned_to=None,
        dealt_at=None,
        dealt_by=None,
        waiting=False,
        words="",
    )


def _locked(share: Share) -> DeskEntry:
    return DeskEntry.objects.select_for_update(of=("self",)).get(share=share)


def _locked_standing(share: Share) -> DeskEntry:
    """The locked entry of a share that is not withdrawn. Raises NotShared."""
    try:
        entry = _locked(share)
    except DeskEntry.DoesNotExist:
        raise NotShared from None
    if entry.withdrawn_at is not None:
        raise NotShared
    return entry


def _save_entry(entry: DeskEntry) -> None:
    entry.waiting = entry.is_unread or entry.is_to_answer
    entry.save(
        update_fields=[
            "opened_at",
            "news_at",
            "answered_at",
            "assigned_to",
            "dealt_at",
            "dealt_by",
            "waiting",
            "words",
        ]
    )
