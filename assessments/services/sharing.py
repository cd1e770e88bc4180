"""Sharing a part of an attestation with the Commissioner's office, withdrawing it, and asking for advice about it."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from django_tasks import task

from assessments.models import (
    AdviceEntry,
    AdviceRequest,
    Attestation,
    Notice,
    Office,
    Share,
    ShareContent,
    User,
    Withdrawal,
)
from assessments.pdf.authenticity import new_code
from assessments.records.attested import sha256_of
from assessments.records.shared import Picked, shared_record
from assessments.records.state import assessment_state
from assessments.scoring.wording import long_date
from assessments.services import audit, desk
from assessments.services.after_commit import after_commit
from assessments.services.answering import TermEnded
from assessments.services.attesting import NotTheMember
from assessments.services.audit import Action
from assessments.services.notices import notify
from assessments.services.outbox import drop_mail, queue_mail
from assessments.services.printing import print_soon
from assessments.services.purging import purging

log = logging.getLogger(__name__)


class WithdrawnShare(Exception):
    """The share was withdrawn."""


@dataclass(frozen=True)
class Asked:
    """A member's question to the Commissioner: about which rules' findings, and the day it needs a reply by."""

    question: str
    about: tuple[str, ...] = ()
    needed_by: date | None = None


def shared_with(*, attestation: Attestation, nonce: str) -> Share | None:
    """The share made from the preview with this nonce, if there is one."""
    return attestation.shares.filter(nonce_hash=sha256_of(nonce)).first()


@transaction.atomic
def share(
    *, attestation: Attestation, picked: Picked, by: User, nonce: str, asked: Asked | None = None
) -> Share:
    """Share what was picked with the Commissioner's office, as a frozen record of its own.

    `nonce` is the preview's: a button pressed twice shares once, even if the share has been withdrawn since. Raises
    NotTheMember and TermEnded, and Share.DoesNotExist for a nonce with which another attestation was shared.
    """
    locked = Attestation.objects.select_for_update(no_key=True).get(pk=attestation.pk)
    assessment = locked.assessment
    office = assessment.account.office
    if office.member_id != by.pk:
        raise NotTheMember
    if existing := shared_with(attestation=locked, nonce=nonce):
        return existing
    if office.ends_on is not None:
        raise TermEnded
    now = timezone.now()
    state = assessment_state(assessment, as_of=locked.as_of)
    content = shared_record(state, picked, at=now, office=office.name, nonce=nonce)
    try:
        with transaction.atomic():
            new_share = Share.objects.create(
                attestation=locked,
                shared_by=by,
                shared_at=now,
                sha256=sha256_of(content),
                code=new_code(),
                nonce_hash=sha256_of(nonce),
            )
    except IntegrityError:
        # Another request shared from this preview first, in spite of the lock.
        return Share.objects.get(attestation=locked, nonce_hash=sha256_of(nonce))
    ShareContent.objects.create(share=new_share, record=content)
    if asked:
        AdviceRequest.objects.create(
            share=new_share,
            question=asked.question,
            about=[rule for rule in asked.about if rule in picked.rules],
            needed_by=asked.needed_by,
        )
    desk.add_entry(share=new_share)
    notify(assessment=assessment, kind=Notice.Kind.SHARED, by=by)
    print_soon(new_share)
    if asked:
        _mail_officers(new_share)
    audit.append(office=office, action=Action.SHARED, about=new_share, by=by, record_hash=new_share.sha256)
    if asked:
        audit.append(office=office, action=Action.ADVICE_ASKED, about=new_share, by=by)
    return new_share


@transaction.atomic
def withdraw(*, share: Share, by: User) -> None:
    """Withdraw a share: delete its content, its PDFs, the question asked with it, and the replies.

    A record of the withdrawal is kept. Under a legal hold, everything is kept but hidden, until `purge_expired` runs
    after the hold is lifted. Withdrawing a share twice changes nothing. Raises NotTheMember.
    """
    # The office is locked first, so that no hold is set during the withdrawal.
    offices = Office.objects.filter(accounts__assessments__attestation__shares=share.pk)
    office = offices.select_for_update(no_key=True, of=("self",)).get()
    locked = Share.objects.select_for_update(no_key=True, of=("self",)).get(pk=share.pk)
    if office.member_id != by.pk:
        raise NotTheMember
    if Withdrawal.objects.filter(share=locked).exists():
        return
    Withdrawal.objects.create(share=locked, withdrawn_by=by)
    desk.clear_entry(share=locked)
    drop_mail(paths=[share_path(locked.pk)])
    if office.held_at is None:
        delete_content([locked.pk])
        after_commit("deleting the PDFs of a withdrawn share", delete_files, share=locked)
    notify(assessment=locked.attestation.assessment, kind=Notice.Kind.WITHDRAWN, by=by)
    audit.append(office=office, action=Action.SHARE_WITHDRAWN, about=locked, by=by)


def delete_content(shares: Collection[int]) -> int:
    """Delete the content, questions and replies of withdrawn shares; return the number of shares."""
    with purging():
        AdviceEntry.objects.filter(request__share__in=shares).delete()
        AdviceRequest.objects.filter(share__in=shares).delete()
        ShareContent.objects.filter(share__in=shares).delete()
    return len(shares)


def delete_files(*, share: Share) -> None:
    """Delete the PDFs of a withdrawn share; `purge_expired` tries again those that cannot be deleted now."""
    for stored in share.pdfs.all():
        try:
            default_storage.delete(stored.name)
        except OSError as error:
            log.error("The file of stored PDF %s is not deleted yet: %s", stored.pk, type(error).__name__)


@transaction.atomic
def write_advice(*, share: Share, text: str, by: User) -> None:
    """Add an officer's answer to the question asked with a share, or the member's reply.

    Raises WithdrawnShare, and TermEnded for the member.
    """
    locked = Share.objects.select_for_update(no_key=True).get(pk=share.pk)
    if Withdrawal.objects.filter(share=locked).exists():
        raise WithdrawnShare
    request = AdviceRequest.objects.get(share=locked)
    office = locked.attestation.assessment.account.office
    if not by.is_officer and office.ends_on is not None:
        raise TermEnded
    last = request.entries.last()
    if last is not None and (last.author_id, last.text) == (by.pk, text):
        # The button was pressed twice.
        return
    advice = AdviceEntry.objects.create(request=request, author=by, text=text)
    desk.update_entry(share=locked, advice=advice)
    notify(assessment=locked.attestation.assessment, kind=Notice.Kind.ADVISED, by=by)
    if by.is_officer:
        queue_mail(to=office.member, name="advised", path=share_path(locked.pk))
    else:
        _mail_officers(locked)
    action = Action.ADVICE_ANSWERED if by.is_officer else Action.ADVICE_ASKED
    audit.append(office=office, action=action, about=locked, by=by)


def share_path(pk: int) -> str:
    """The address of a share's page."""
    return reverse("share", kwargs={"pk": pk})


def _mail_officers(share: Share) -> None:
    """Email officers that a member waits for an answer, and until which day, without saying what it is about."""
    needed_by = share.request.needed_by
    words = {"needed_by": long_date(needed_by)} if needed_by else {}
    for officer in User.objects.filter(is_officer=True, is_active=True, mail_notices=True):
        queue_mail(to=officer, name="asked", path=share_path(share.pk), words=words)


@task()
def mail_officers(pk: int) -> None:
    """Email officers about a question. Only tasks queued by an earlier release use this."""
    share = Share.objects.standing().filter(pk=pk, request__isnull=False).first()
    if share:
        with transaction.atomic():
            _mail_officers(share)
