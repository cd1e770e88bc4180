"""The dates of a self-check for a calendar, and those of the self-check before it that no longer hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from assessments.models import Assessment, Attestation
from assessments.records.state import AssessmentState, assessment_state
from assessments.rendering.calendar_file import DatedEntry, calendar_file, dated_entries


@dataclass(frozen=True)
class Dates:
    """What a calendar is to have of a self-check, and what it is to remove.

    `cancelled` has the days still ahead that the attestation before this one gave and this self-check does not. The
    portal does not know what a calendar has, so no earlier attestation and no draft counts.
    """

    entries: tuple[DatedEntry, ...]
    cancelled: tuple[DatedEntry, ...]
    name: str
    revised_at: datetime

    def __bool__(self) -> bool:
        return bool(self.entries or self.cancelled)

    def file(self, portal: str) -> bytes:
        """The calendar file. `portal` is the portal's address."""
        return calendar_file(
            self.entries, self.cancelled, source=f"{portal}/{self.name}", revised_at=self.revised_at
        )


def dates_of(state: AssessmentState) -> Dates:
    """The dates of a draft, an attestation or an anonymous check."""
    check = state.self_check
    entries = dated_entries(state.advisory, state.projection)
    if not isinstance(check, Assessment):
        return Dates(entries, (), f"check-{check.pk}", _revised_at(state))
    earlier = _attested_before(check)
    before = () if earlier is None else dated_entries(earlier.advisory, earlier.projection)
    kept = {entry.key for entry in entries}
    cancelled = tuple(entry for entry in before if entry.key not in kept and entry.day > state.as_of)
    # Of the account: the next self-check of it moves the same events.
    return Dates(entries, cancelled, f"account-{check.account_id}", _revised_at(state))


def _revised_at(state: AssessmentState) -> datetime:
    """When the dates were last revised: at attestation or, since anything about a draft may have changed, now.

    So the file of an attested self-check never moves the dates that a later one has given.
    """
    check = state.self_check
    attestation = check.attestation_or_none if isinstance(check, Assessment) else None
    return attestation.attested_at if attestation else timezone.now()


def _attested_before(check: Assessment) -> AssessmentState | None:
    """The state of the account's last attestation before this self-check."""
    attestation = check.attestation_or_none
    before = attestation.attested_at if attestation else check.started_at
    related = Attestation.objects.select_related("assessment__edition", "assessment__account__office__member")
    earlier = related.filter(assessment__account=check.account_id, attested_at__lt=before).first()
    return assessment_state(earlier.assessment, as_of=earlier.as_of) if earlier else None
