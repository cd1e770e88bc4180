"""Giving a part of an attestation to the Commissioner's office, taking it back, and asking for advice with it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date
from functools import partial
from smtplib import SMTPException

from django.core.files.storage import default_storage
from django.db import transaction
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
from assessments.services import audit, desk
from assessments.services.answering import TermEnded
from assessments.services.attesting import NotTheMember
from assessments.services.audit import Action
from assessments.services.mail import send_mail
from assessments.services.notices import mail_about_notices, tell
from assessments.services.printing import print_soon
from assessments.services.purging import purging

log = logging.getLogger(__name__)


class WithdrawnShare(Exception):
    """The share was withdrawn."""


@dataclass(frozen=True)
class Asked:
    """A member's question to the Commissioner: about which rules' findings, and by when an answer is needed."""

    question: str
    about: tuple[str, ...] = ()
    needed_by: date | None = None


def shared_with(*, attestation: Attestation, nonce: str) -> Share | None:
    """What was shared from the preview with this nonce, if it was."""
    return attestation.shares.filter(content__record__contains=f'"nonce":"{nonce}"').first()


@transaction.atomic
def share(
    *, attestation: Attestation, picked: Picked, by: User, nonce: str, asked: Asked | None = None
) -> Share:
    """Give the Commissioner's office what was picked, frozen by itself.

    `nonce` is that of the preview: a button that is pressed twice shares once. Raises NotTheMember and TermEnded.
    """
    locked = Attestation.objects.select_for_update(no_key=True).get(pk=attestation.pk)
    assessment = locked.assessment
    office = assessment.account.office
    if office.member_id != by.pk:
        raise NotTheMember
    if earlier := shared_with(attestation=locked, nonce=nonce):
        return earlier
    if office.ends_on is not None:
        raise TermEnded
    now = timezone.now()
    state = assessment_state(assessment, as_of=locked.as_of)
    content = shared_record(state, picked, at=now, office=office.name, nonce=nonce)
    made = Share.objects.create(
        attestation=locked, shared_by=by, shared_at=now, sha256=sha256_of(content), code=new_code()
    )
    ShareContent.objects.create(share=made, record=content)
    if asked:
        AdviceRequest.objects.create(
            share=made,
            question=asked.question,
            about=[rule for rule in asked.about if rule in picked.rules],
            needed_by=asked.needed_by,
        )
    desk.enter(share=made)
    tell(assessment=assessment, kind=Notice.Kind.SHARED, by=by)
    print_soon(made)
    if asked:
        transaction.on_commit(partial(mail_officers.enqueue, made.pk), robust=True)
    audit.append(office=office, action=Action.SHARED, about=made, by=by)
    if asked:
        audit.append(office=office, action=Action.ADVICE_ASKED, about=made, by=by)
    return made


@transaction.atomic
def withdraw(*, share: Share, by: User) -> None:
    """Take a share back: its content and its PDF are deleted, and that it was withdrawn is kept.

    Under a legal hold both stay, out of everybody's sight, until `purge_expired` finds the hold lifted.
    Pressed twice, it is withdrawn once. Raises NotTheMember.
    """
    # The office first, so that no hold is set in between.
    of_share = Office.objects.filter(accounts__assessments__attestation__shares=share.pk)
    office = of_share.select_for_update(no_key=True, of=("self",)).get()
    locked = Share.objects.select_for_update(no_key=True, of=("self",)).get(pk=share.pk)
    if office.member_id != by.pk:
        raise NotTheMember
    if Withdrawal.objects.filter(share=locked).exists():
        return
    Withdrawal.objects.create(share=locked, withdrawn_by=by)
    desk.clear(share=locked)
    if office.held_at is None:
        with purging():
            ShareContent.objects.filter(share=locked).delete()
        transaction.on_commit(partial(delete_files, share=locked), robust=True)
    tell(assessment=locked.attestation.assessment, kind=Notice.Kind.WITHDRAWN, by=by)
    audit.append(office=office, action=Action.SHARE_WITHDRAWN, about=locked, by=by)


def delete_files(*, share: Share) -> None:
    """Delete the PDFs of a share that was withdrawn; what cannot be deleted now, `purge_expired` tries again."""
    for stored in share.pdfs.all():
        try:
            default_storage.delete(stored.name)
        except OSError as error:
            log.error("The file of stored PDF %s is not deleted yet: %s", stored.pk, type(error).__name__)


@transaction.atomic
def write_advice(*, share: Share, text: str, by: User) -> None:
    """Add an officer's answer, or the member's word on it, to what was asked with a share.

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
        # Pressed twice.
        return
    desk.take_in_words(
        share=locked, written=AdviceEntry.objects.create(request=request, author=by, text=text)
    )
    tell(assessment=locked.attestation.assessment, kind=Notice.Kind.ADVISED, by=by)
    if by.is_officer:
        context = {"path": reverse("share", kwargs={"pk": locked.pk})}
        mail = partial(send_mail, to=office.member.email, name="advised", context=context)
        transaction.on_commit(mail, robust=True)
    else:
        transaction.on_commit(partial(mail_officers.enqueue, locked.pk), robust=True)
    action = Action.ADVICE_ANSWERED if by.is_officer else Action.ADVICE_ASKED
    audit.append(office=office, action=action, about=locked, by=by)


@task()
def mail_officers(pk: int) -> None:
    """Tell officers by mail that a member waits for their answer and by when, and nothing of what it is about."""
    request = AdviceRequest.objects.filter(share=pk, share__withdrawal__isnull=True).first()
    if request is None:
        return
    context = {"path": reverse("share", kwargs={"pk": pk}), "needed_by": request.needed_by}
    for officer in User.objects.filter(is_officer=True, is_active=True, mail_notices=True):
        try:
            mail_about_notices(user=officer, name="asked", context=context)
        except (OSError, SMTPException) as error:
            # Not the error's own text, which can hold the address. The desk shows it as waiting all the same.
            log.error("An officer could not be mailed: %s", type(error).__name__)
