"""Keeping the Commissioner's desk in step with what is shared, opened, answered and withdrawn."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from assessments.models import AdviceEntry, AdviceRequest, DeskEntry, DeskFinding, DeskUnsure, Share, User
from assessments.records.desk_facts import desk_facts, folded
from assessments.services.audit import Action, take_note


class NotShared(Exception):
    """The share was withdrawn, or deleted, a moment ago."""


def enter(*, share: Share) -> None:
    """List a share that was just made, within the transaction that makes it."""
    request = AdviceRequest.objects.filter(share=share).first()
    facts = desk_facts(share.content.record, question=request.question if request else "")
    entry = DeskEntry.objects.create(
        share=share,
        office_id=share.attestation.assessment.account.office_id,
        office_name=facts.office_name,
        account=facts.account,
        account_words=folded(facts.account),
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
    DeskFinding.objects.bulk_create(DeskFinding(entry=entry, **one._asdict()) for one in facts.findings)
    DeskUnsure.objects.bulk_create(DeskUnsure(entry=entry, question=question) for question in facts.unsure)


@transaction.atomic
def open_share(*, share: Share, by: User) -> None:
    """Note that an officer looks at a share: it is no longer unread, and the office's trail says who looked.

    Raises NotShared.
    """
    try:
        entry = _locked(share)
    except DeskEntry.DoesNotExist:
        raise NotShared from None
    if entry.withdrawn_at is not None:
        raise NotShared
    entry.opened_at = timezone.now()
    _settle(entry)
    take_note(
        office=share.attestation.assessment.account.office, action=Action.SHARE_VIEWED, about=share, by=by
    )


def take_in_words(*, share: Share, written: AdviceEntry) -> None:
    """Take in what was just written about a share, within that transaction."""
    entry = _locked(share)
    # Now, and not when it was written: an officer may have opened the page while this waited for the lock.
    now = timezone.now()
    if written.author_id == share.shared_by_id:
        entry.news_at = now
        entry.words = f"{entry.words} {folded(written.text)}"
    else:
        entry.answered_at = entry.answered_at or now
        # Whoever answers has read what was there.
        entry.opened_at = now
    _settle(entry)


def clear(*, share: Share) -> None:
    """Leave of a share that was just withdrawn only that it was, within that transaction."""
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


def _settle(entry: DeskEntry) -> None:
    entry.waiting = entry.is_unread or entry.is_to_answer
    entry.save(update_fields=["opened_at", "news_at", "answered_at", "waiting", "words"])
