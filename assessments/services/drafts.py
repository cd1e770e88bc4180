"""Starting, describing, saving and deleting drafts."""

from __future__ import annotations

import secrets
from datetime import date
from typing import Any

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from assessments.models import AnonymousCheck, Assessment, CheckAnswer, SocialAccount, User
from assessments.models.answers import AnswerRow
from assessments.models.checks import a_day_from_now, token_hash
from assessments.rendering.data import answer_data
from assessments.scoring.document import Document
from assessments.services import audit
from assessments.services.answering import DraftGone, lock_self_check, note_change
from assessments.services.audit import Action
from assessments.services.carrying import fill_in_from_office
from bulletin.encoding.digest import digest
from bulletin.models import PublishedEdition
from bulletin.publish import current_published, encoded
from bulletin.shelf import calendar


def default_election() -> str:
    """The election that a new draft is about, unless someone chooses another."""
    return calendar().default_for(timezone.localdate()).id


@transaction.atomic
def start_check(
    *, document: Document | None = None, replacing: AnonymousCheck | None = None
) -> tuple[AnonymousCheck, str]:
    """Start an anonymous check, with the answers of a document if one is given; return the check and its token.

    Only the browser keeps the token. A check to be replaced is deleted in the same transaction. Raises TooLarge,
    AddressFull and NoRoom.
    """
    token = secrets.token_urlsafe(32)
    check = AnonymousCheck.objects.create(
        token_hash=token_hash(token),
        edition=_edition_of(document) if document else current_published(),
        election=document.election.id if document and document.election else default_election(),
        voting_day=document.voting_day if document else None,
        campaign_ends=document.campaign_ends if document else None,
        **(document.account if document else {}),
    )
    if document:
        CheckAnswer.objects.bulk_create(CheckAnswer(draft=check, **row) for row in _rows_of(document))
    if replacing:
        delete_check(check=replacing)
    note_change(check)
    return check, token


def _edition_of(document: Document) -> PublishedEdition:
    """The published edition that a document's answers belong to."""
    published = PublishedEdition.objects.defer("content").filter(digest=digest(document.edition)).first()
    # The files may be ahead of what is published, until somebody loads them.
    return published or PublishedEdition.objects.latest_revision(document.edition.id)


def _rows_of(document: Document) -> list[dict[str, Any]]:
    questions = dict.fromkeys((*document.answers, *document.notes))
    return [
        {
            "question": question,
            "value": answer_data(document.answers.get(question)),
            "note": document.notes.get(question, ""),
        }
        for question in questions
    ]


@transaction.atomic
def describe_check(
    *,
    check: AnonymousCheck,
    election: str,
    voting_day: date | None = None,
    campaign_ends: date | None = None,
    **about: str,
) -> None:
    """Set which account (platform, handle, member) and which election a check is about.

    Raises DraftGone where the check has been deleted, TooLarge, AddressFull and NoRoom.
    """
    _describe(
        check, {"election": election, "voting_day": voting_day, "campaign_ends": campaign_ends, **about}
    )


@transaction.atomic
def name_check(*, check: AnonymousCheck, platform: str, handle: str) -> None:
    """Set the platform and name of the account that a check is about.

    Raises DraftGone where the check has been deleted, TooLarge, AddressFull and NoRoom.
    """
    _describe(check, {"platform": platform, "handle": handle})


def _describe(check: AnonymousCheck, columns: dict[str, Any]) -> None:
    if not AnonymousCheck.objects.filter(pk=check.pk).update(**columns):
        raise DraftGone
    note_change(AnonymousCheck.objects.get(pk=check.pk))


def extend_check(*, check: AnonymousCheck) -> None:
    """Keep a check for another day, as an answer does. Raises DraftGone where it has ended or been deleted."""
    if not AnonymousCheck.objects.live().filter(pk=check.pk).update(ends_at=a_day_from_now()):
        raise DraftGone


@transaction.atomic
def change_election(
    *,
    assessment: Assessment,
    election: str,
    voting_day: date | None = None,
    campaign_ends: date | None = None,
    by: User,
) -> None:
    """Set which election a draft is about, with the days that someone gives. The same choice again changes nothing.

    Answers to questions of an election must be confirmed when the election, or its voting day, is another. Raises
    DraftGone, TermEnded and Attested.
    """
    locked = lock_self_check(assessment)
    choice = {"election": election, "voting_day": voting_day, "campaign_ends": campaign_ends}
    if all(getattr(locked, name) == value for name, value in choice.items()):
        return
    if (locked.election, locked.voting_day) != (election, voting_day):
        questions = [question.id for question in encoded(locked.edition).questions if question.of_election]
        given = locked.answers.filter(question__in=questions)
        given.filter(pk__in=[row.pk for row in given if row.value is not None]).update(
            carried=True, version=F("version") + 1
        )
    Assessment.objects.filter(pk=locked.pk).update(**choice)
    audit.append(office=locked.account.office, action=Action.ELECTION_CHANGED, about=locked, by=by)


def set_outlives_browser(*, check: AnonymousCheck, outlives_browser: bool) -> None:
    """Choose whether the browser keeps the check's token after it closes. When the check ends stays the same."""
    AnonymousCheck.objects.filter(pk=check.pk).update(outlives_browser=outlives_browser)


def delete_check(*, check: AnonymousCheck) -> None:
    """Delete an anonymous check and all its answers, now."""
    check.delete()


@transaction.atomic
def start_assessment(
    *,
    account: SocialAccount,
    by: User,
    election: str = "",
    voting_day: date | None = None,
    campaign_ends: date | None = None,
) -> Assessment:
    """Start a draft about an account, filled in with what is known about its office: see `fill_in_from_office`."""
    draft = Assessment.objects.create(
        account=account,
        edition=current_published(),
        election=election or default_election(),
        voting_day=voting_day,
        campaign_ends=campaign_ends,
        started_by=by,
    )
    fill_in_from_office(draft)
    audit.append(office=account.office, action=Action.DRAFT_STARTED, about=draft, by=by)
    return draft


@transaction.atomic
def keep_check(*, check: AnonymousCheck, account: SocialAccount, by: User) -> Assessment:
    """Move an anonymous check into an office, as a draft about one of its accounts.

    The draft keeps the edition of the check, and its election with the dates given. The check is deleted.
    """
    # The lock makes a double submit wait; the second then has no check to move.
    check = AnonymousCheck.objects.select_for_update().get(pk=check.pk)
    assessment = Assessment.objects.create(
        account=account,
        edition_id=check.edition_id,
        election=check.election,
        voting_day=check.voting_day,
        campaign_ends=check.campaign_ends,
        started_by=by,
    )
    rows: list[AnswerRow] = list(check.answers.all())
    assessment.answers.bulk_create(
        assessment.answers.model(
            draft=assessment,
            question=row.question,
            value=row.value,
            note=row.note,
            answered_at=row.answered_at,
            answered_by=by,
        )
        for row in rows
    )
    check.delete()
    audit.append(office=account.office, action=Action.KEPT, about=assessment, by=by)
    return assessment


@transaction.atomic
def delete_draft(*, assessment: Assessment, by: User) -> None:
    """Hide a draft from everyone; for a while it can be restored. Deleting it twice changes nothing.

    Raises TermEnded and Attested.
    """
    try:
        locked = lock_self_check(assessment)
    except DraftGone:
        return
    Assessment.objects.filter(pk=locked.pk).update(deleted_at=timezone.now(), deleted_by=by)
    audit.append(office=locked.account.office, action=Action.DRAFT_DELETED, about=locked, by=by)


@transaction.atomic
def restore_draft(*, assessment: Assessment, by: User) -> None:
    """Restore a deleted draft. Restoring it twice changes nothing.

    Raises TermEnded, and DraftGone where it was deleted too long ago.
    """
    locked = lock_self_check(assessment, deleted_too=True)
    if locked.deleted_at is None:
        return
    if not Assessment.objects.restorable().filter(pk=locked.pk).exists():
        raise DraftGone
    Assessment.objects.filter(pk=locked.pk).update(deleted_at=None, deleted_by=None)
    audit.append(office=locked.account.office, action=Action.DRAFT_RESTORED, about=locked, by=by)


def delete_ended_checks() -> int:
    """Delete the anonymous checks that have ended, and expired sessions; return the number of checks."""
    ended = AnonymousCheck.objects.filter(ends_at__lte=timezone.now())
    count = ended.count()
    ended.delete()
    # Expired sessions name the people who had signed in, and nothing else would delete them.
    call_command("clearsessions")
    # Nor the network addresses of those sessions, which only the list of a person's own sessions needs.
    UserSession.objects.exclude(session_key__in=Session.objects.values("session_key")).delete()
    return count
