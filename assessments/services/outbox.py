"""Emails with retries: each is stored in the transaction that it reports, and sent on commit."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from functools import partial

from django.core import signing
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django_tasks import task

from assessments.models import OutgoingMail, User
from assessments.services.after_commit import after_commit
from assessments.services.after_response import after_response
from assessments.services.invitation_links import mark_sent, new_link
from assessments.services.mail import BETWEEN_TRIES, send_mail
from assessments.services.notices import mail_about_notices

log = logging.getLogger(__name__)

TRIED_FOR = timedelta(days=3)
"""An email that is older than this is not sent any more: what it reports is no longer news."""
STOPPABLE = frozenset({"asked"})
"""The emails that people can turn off."""
INVITATION = "invitation"
"""The email whose link gets its key only when it is sent. Its words have the invitation's primary key."""
GIVE_UP_AFTER = 5
"""After so many failures in a row, the mail server is not responding: the rest waits for the next run."""
SIGNED = frozenset({"email_change"})
"""The emails whose link is signed only when they are sent, so that no stored row has a link that works."""
_signer = partial(signing.Signer, salt="a link in an email")


def queue_mail(
    *,
    to: User,
    name: str,
    path: str,
    words: Mapping[str, str | int] | None = None,
    address: str = "",
    soon: bool = True,
) -> None:
    """Store an email within the caller's transaction, and send it once that commits and the response is sent.

    `send_waiting` retries a failed one. It also sends those that are not wanted `soon`, so that strangers who cause
    emails, and lists of people to invite, do not keep the web server busy. An email goes to the person's own address
    as it is when it is sent, unless there is an `address`.
    """
    mail = OutgoingMail.objects.create(to=to, address=address, name=name, path=path, words=dict(words or {}))
    if soon:
        what = "sending an email"
        after_commit(what, after_response, what, send_one.enqueue, mail.pk)


def path_in(signed: str) -> str:
    """The path that a signed link had when it was queued. Raises signing.BadSignature."""
    return _signer().unsign(signed)


def drop_mail(*, paths: Collection[str]) -> None:
    """Drop the emails that link to pages whose content is deleted."""
    OutgoingMail.objects.filter(path__in=paths).delete()


@task()
def send_one(pk: int) -> None:
    """Send an email, unless it was already sent or dropped. If this fails, `send_waiting` retries."""
    _send(pk)


def send_waiting() -> tuple[int, int]:
    """Send the emails that could not be sent before; return how many were sent, and how many failed again."""
    now = timezone.now()
    OutgoingMail.objects.filter(written_at__lte=now - TRIED_FOR).delete()
    results: list[bool | None] = []
    for pk in list(_due().values_list("pk", flat=True)):
        results.append(_send(pk))
        if results[-GIVE_UP_AFTER:] == [False] * GIVE_UP_AFTER:
            break
    return results.count(True), results.count(False)


def count_waiting() -> int:
    """The number of emails that are not sent yet."""
    return OutgoingMail.objects.count()


def _due() -> models.QuerySet[OutgoingMail]:
    """The emails that no process has begun to send in the last BETWEEN_TRIES. The commit makes the first try.

    Those that were not tried come first, so that a few bad addresses hold up no others.
    """
    until = timezone.now() - BETWEEN_TRIES
    due = OutgoingMail.objects.filter(_is_free(until), written_at__lte=until)
    return due.order_by(F("tried_at").asc(nulls_first=True), "written_at", "pk")


def _is_free(until: datetime) -> Q:
    """Whether no process has begun to send an email since a moment."""
    return Q(tried_at__isnull=True) | Q(tried_at__lte=until)


def _send(pk: int) -> bool | None:
    """Send one email. None means that there is nothing to send, or that another process is sending it."""
    now = timezone.now()
    # Claimed first and sent outside of any transaction, so that nobody's work waits for a mail server.
    if not OutgoingMail.objects.filter(_is_free(now - BETWEEN_TRIES), pk=pk).update(tried_at=now):
        return None
    mail = OutgoingMail.objects.select_related("to").filter(pk=pk).first()
    if mail is None:
        # What it reports was deleted just now.
        return None
    is_wanted = mail.to.is_active and (mail.name not in STOPPABLE or mail.to.mail_notices)
    if is_wanted:
        try:
            _deliver(mail)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others can still be sent
            # Not the error's own message, which can contain the address.
            log.error("Email %s could not be sent, and will be retried: %s", pk, type(error).__name__)
            return False
    OutgoingMail.objects.filter(pk=pk).delete()
    return is_wanted or None


def _deliver(mail: OutgoingMail) -> None:
    path = _signer().sign(mail.path) if mail.name in SIGNED else mail.path
    context = {**mail.words, "path": path}
    if mail.name == INVITATION:
        _deliver_invitation(mail)
    elif mail.name in STOPPABLE:
        mail_about_notices(user=mail.to, name=mail.name, context=context)
    else:
        send_mail(to=mail.address or mail.to.email, name=mail.name, context=context)


def _deliver_invitation(mail: OutgoingMail) -> None:
    link = new_link(mail.words["invitation"])
    if link is None:
        # It was withdrawn, or its sender was suspended.
        return
    invitation, path = link
    send_mail(to=invitation.email, name=INVITATION, context={"invitation": invitation, "path": path})
    mark_sent(invitation)
