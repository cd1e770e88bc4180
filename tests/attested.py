"""Makes assessments that are answered, attested and shared, for tests of what follows."""

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from assessments.models import Assessment, Attestation, Share, SocialAccount, User
from assessments.records.attested import sha256_of
from assessments.records.shared import Picked
from assessments.records.state import assessment_state
from assessments.rendering.data import answer_data
from assessments.services.answering import Change, save_answers
from assessments.services.attesting import attest
from assessments.services.drafts import start_assessment
from assessments.services.sharing import Asked, share
from tests.tables import BASE, answers_of

NONCE = "a" * 64


def answered(
    account: SocialAccount,
    by: User,
    given: Mapping[str, Any] | None = None,
    notes: Mapping[str, str] | None = None,
) -> Assessment:
    """A draft with an answer to every question of the edition: those given, else the base situation's."""
    draft = start_assessment(account=account, by=by)
    answers = answers_of(BASE["answers"] | dict(given or {}))
    notes = notes or {}
    changes = [Change(q, answer_data(answer), notes.get(q, "")) for q, answer in answers.items()]
    save_answers(draft=draft, changes=changes, by=by)
    return draft


def seen(draft: Assessment) -> str:
    """The stamp of the state that the member's page shows: its form field `seen`."""
    fresh = Assessment.objects.select_related("edition", "account__office__member").get(pk=draft.pk)
    return assessment_state(fresh, as_of=timezone.localdate()).seen


def attested(account: SocialAccount, given: Mapping[str, Any] | None = None, **more: Any) -> Attestation:
    """An attestation by the account's member."""
    member = account.office.member
    draft = answered(account, member, given, **more)
    return attest(assessment=draft, by=member, seen=seen(draft))


def shared(attestation: Attestation, *, ask: str = "", nonce: str = "", **picked: Any) -> Share:
    """A part of an attestation that its member shared: by default one finding and one answer, from one preview."""
    parts: dict[str, Any] = {"rules": {"9"}, "questions": {"account.stage"}, "notes": set(), "black_out": {}}
    parts |= picked
    return share(
        attestation=attestation,
        picked=Picked(
            frozenset(parts["rules"]),
            frozenset(parts["questions"]),
            frozenset(parts["notes"]),
            parts["black_out"],
        ),
        by=attestation.attested_by,
        nonce=nonce or sha256_of(f"the preview of {attestation.pk}"),
        asked=Asked(ask, ("9",)) if ask else None,
    )
