"""Attesting a self-check, and starting the account's next one with its answers."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from assessments.models import Answer, Assessment, Attestation, Notice, User
from assessments.models import Finding as FindingRow
from assessments.pdf.authenticity import new_code
from assessments.records.attested import attested_record, sha256_of
from assessments.records.state import AssessmentState, assessment_state, election_of
from assessments.rendering.data import answer_data
from assessments.services import audit
from assessments.services.answering import lock_self_check
from assessments.services.audit import Action
from assessments.services.carrying import carried_over
from assessments.services.drafts import default_election
from assessments.services.notices import notify
from assessments.services.printing import print_soon
from bulletin.models import PublishedEdition


class NotTheMember(Exception):
    """Only the member attests."""


class Changed(Exception):
    """An answer, the account or the date changed since the member opened the page."""


class NotComplete(Exception):
    """Questions are unanswered, or copied answers are not confirmed yet."""


@transaction.atomic
def attest(*, assessment: Assessment, by: User, seen: str) -> Attestation:
    """Freeze an assessment as of today; return the existing attestation if there is one.

    `seen` is `AssessmentState.seen` of the state that the member's page showed. Every check is run again on the
    stored answers. Raises NotTheMember, Changed, NotComplete, DraftGone and TermEnded.
    """
    locked = lock_self_check(assessment, attested_too=True)
    if locked.account.office.member_id != by.pk:
        raise NotTheMember
    existing = Attestation.objects.filter(assessment=locked).first()
    if existing is not None:
        return existing
    # Locked, so that a provisional edition is not replaced while something is attested with it.
    editions = PublishedEdition.objects.defer("content").select_for_update(no_key=True)
    locked.edition = editions.get(pk=locked.edition_id)
    now = timezone.now()
    state = assessment_state(locked, as_of=timezone.localdate(now))
    if state.seen != seen:
        raise Changed
    if not state.can_be_attested:
        raise NotComplete
    record = attested_record(state, by=by, at=now, office=locked.account.office.name)
    attestation = Attestation.objects.create(
        assessment=locked,
        attested_by=by,
        attested_at=now,
        as_of=state.as_of,
        overall=state.advisory.overall,
        record=record,
        sha256=sha256_of(record),
        code=new_code(),
    )
    FindingRow.objects.bulk_create(_findings(attestation, state))
    notify(assessment=locked, kind=Notice.Kind.ATTESTED, by=by)
    print_soon(attestation)
    audit.append(
        office=locked.account.office,
        action=Action.ATTESTED,
        about=attestation,
        by=by,
        record_hash=attestation.sha256,
    )
    return attestation


def _findings(attestation: Attestation, state: AssessmentState) -> list[FindingRow]:
    due = {deadline.rule.id: deadline.due for deadline in state.advisory.deadlines}
    return [
        FindingRow(
            attestation=attestation,
            rule=finding.rule.id,
            force=finding.rule.force,
            outcome=finding.outcome,
            contact=finding.contact or "",
            due=due.get(finding.rule.id),
        )
        for finding in state.advisory.findings
    ]


@transaction.atomic
def reassess(*, assessment: Assessment, by: User) -> Assessment:
    """Start the account's next assessment with the answers of an attested one, each to be confirmed again.

    It keeps the same edition of the bulletin, whichever is current, in its newest revision. Answers that do not fit
    that revision, or that are about another election, are not copied, but their notes are; `carried_over` says which
    answers. A button pressed twice starts one assessment. Raises DraftGone and TermEnded.
    """
    earlier = lock_self_check(assessment, attested_too=True)
    existing = earlier.copies.filter(deleted_at__isnull=True, attestation__isnull=True).first()
    if existing is not None:
        return existing
    copy = Assessment.objects.create(
        account=earlier.account,
        edition=PublishedEdition.objects.latest_revision(earlier.edition.edition_id),
        started_by=by,
        copied_from=earlier,
        **_next_election(earlier),
    )
    carried = carried_over(earlier, copy)
    rows = {row.question: row for row in earlier.answers.all()}
    Answer.objects.bulk_create(
        Answer(
            draft=copy,
            question=name,
            value=answer_data(carried.answers.get(name)),
            note=row.note,
            answered_at=row.answered_at,
            answered_by=row.answered_by,
            carried=name in carried.answers,
        )
        for question, row in rows.items()
        if (name := carried.names.get(question)) and (name in carried.answers or row.note)
    )
    audit.append(office=earlier.account.office, action=Action.REASSESSED, about=copy, by=by)
    return copy


def _next_election(earlier: Assessment) -> dict[str, Any]:
    """The election of the next assessment: the same one until its campaign period ends, then the next one."""
    today = timezone.localdate()
    election = election_of(earlier, as_of=today)
    if (election.undated or election.given) and not election.is_over(today):
        days = {"voting_day": earlier.voting_day, "campaign_ends": earlier.campaign_ends}
        return {"election": earlier.election, **days}
    # A campaign period that ended early, as after a withdrawal, stays ended while the election is the default one.
    following = default_election()
    return {
        "election": following,
        "campaign_ends": earlier.campaign_ends if following == earlier.election else None,
    }
