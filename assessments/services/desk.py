"""Keeping the desk's entries up to date as shares are made, opened, answered and withdrawn."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from assessments.models import AdviceEntry, AdviceRequest, DeskEntry, DeskFinding, DeskUnsure, Share, User
from assessments.records.desk_facts import desk_facts
from assessments.services.audit import Action, append_access
from assessments.typed.folding import searchable


class NotShared(Exception):
    """The share was withdrawn or deleted since the officer's page was made."""


def add_entry(*, share: Share) -> None:
    """List a new share on the desk, within the transaction that makes the share."""
    request = AdviceRequest.objects.filter(share=share).first()
    facts = desk_facts(share.content.record, question=request.question if request else "")
    entry = DeskEntry.objects.create(
        share=share,
        office_id=share.attestation.assessment.account.office_id,
        office_name=facts.office_name,
        account=facts.account,
        account_words=searchable(facts.account),
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
    try:
        entry = _locked(share)
    except DeskEntry.DoesNotExist:
        raise NotShared from None
    if entry.withdrawn_at is not None:
        raise NotShared
    entry.opened_at = timezone.now()
    _save_entry(entry)
    append_access(
        office=share.attestation.assessment.account.office, action=Action.SHARE_VIEWED, about=share, by=by
    )


def update_entry(*, share: Share, advice: AdviceEntry) -> None:
    """Update a share's entry for an answer or reply just written about it, within the same transaction."""
    entry = _locked(share)
    # The time now, not the time of writing: an officer may have opened the page while this waited for the lock.
    now = timezone.now()
    if advice.author_id == share.shared_by_id:
        entry.news_at = now
        entry.words = f"{entry.words} {searchable(advice.text)}"
    else:
        entry.answered_at = entry.answered_at or now
        # An officer who answers has read everything before it.
        entry.opened_at = now
    _save_entry(entry)


def clear_entry(*, share: Share) -> None:
    """Empty the entry of a share just withdrawn but for its times, within the same transaction."""
    entry = _locked(share)
    entry.findings.all().delete()
    entry.unsure.all().delete()
    DeskEntry.objects.filter(pk=entry.pk).update(
        withdrawn_at=share.withdrawal.withdrawn_at,
        office=None,
        office_name="",
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
        waiting=False,
        words="",
    )


def _locked(share: Share) -> DeskEntry:
    return DeskEntry.objects.select_for_update(of=("self",)).get(share=share)


def _save_entry(entry: DeskEntry) -> None:
    entry.waiting = entry.is_unread or entry.is_to_answer
    entry.save(update_fields=["opened_at", "news_at", "answered_at", "waiting", "words"])
