"""What the register and an account's page show of each self-check: its state, its result and what is due next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from django.db.models import Exists, OuterRef

from assessments.models import AdviceEntry, Assessment, Attestation, Share, SocialAccount
from assessments.models.attestations import AttestationQuerySet
from assessments.records.state import AssessmentState, assessment_state
from assessments.rendering.findings import Tone
from assessments.rendering.projection import answer_of
from assessments.reports.done import done_rules
from assessments.scoring.advisory import Deadline
from assessments.scoring.explain import same_act
from assessments.scoring.wording import long_date

SHARED, ANSWERED, NOT_SHARED = "Shared", "Reply received", "Not shared"
"""How an attested self-check is shared with the Commissioner's office, in words."""
NOW = "Now"
"""When something is due that was due by the day of the self-check, or became due since."""


@dataclass(frozen=True)
class Due:
    """What is due next: `when` is a day or words such as `Now`, `what` is a title or a number of things to do."""

    when: str
    what: str


@dataclass(frozen=True)
class AssessmentRow:
    """A self-check in a list, with its state today. `sharing` is one of SHARED, ANSWERED and NOT_SHARED, or empty."""

    assessment: Assessment
    state: AssessmentState
    today: date
    sharing: str = ""

    @property
    def attestation(self) -> Attestation | None:
        return self.assessment.attestation_or_none

    @property
    def is_superseded(self) -> bool:
        """Whether the account has a later attestation."""
        return bool(self.assessment.is_superseded)  # type: ignore[attr-defined]  # annotated

    @property
    def is_ready(self) -> bool:
        """Whether it is marked ready for review, and not attested."""
        return self.assessment.ready_at is not None and self.attestation is None

    @property
    def left(self) -> str:
        """How much is left to answer, in words."""
        facts = len(self.state.advisory.check)
        if self.state.advisory.unanswered:
            left = self.state.effort_left
            return left[0].upper() + left[1:]
        if carried := len(self.state.carried):
            return f"{_number(carried, 'answer')} to confirm"
        return "Every question answered" + (f", {_number(facts, 'fact')} to check" if facts else "")

    @property
    def result(self) -> str:
        """The result in a sentence: when to contact the Commissioner, or else the overall result.

        It is empty as long as all answers come from another account's self-check.
        """
        advisory = self.state.advisory
        if not self.state.has_own_answers:
            return ""
        return answer_of(self.state.headline, advisory) if advisory.contacts else self.state.headline

    @property
    def tone(self) -> Tone:
        return self.state.tone

    @cached_property
    def due(self) -> Due | None:
        """What is due next and not done: now, or else by the nearest day ahead, or else at a time without a date."""
        if not self.state.has_own_answers:
            return None
        advisory, done = self.state.advisory, done_rules(self.state, self.assessment.done_marks.all())
        deadlines = {deadline.rule.id: deadline for deadline in advisory.deadlines}
        acts = [(deadlines[rules[0]], rules) for rules in same_act(advisory) if not done.issuperset(rules)]
        days = [deadline.due for deadline, _ in acts if deadline.due and deadline.due >= self.today]
        if any(self._is_now(deadline) for deadline, _ in acts):
            return self._due(NOW, [rules for deadline, rules in acts if self._is_now(deadline)])
        if days:
            return self._due(
                long_date(min(days)), [rules for deadline, rules in acts if deadline.due == min(days)]
            )
        if acts:
            text = acts[0][0].text
            return self._due(text.rstrip("."), [rules for deadline, rules in acts if deadline.text == text])
        return None

    def _is_now(self, deadline: Deadline) -> bool:
        """Whether it was due by the day of the self-check, or became due since."""
        return deadline.is_now or (deadline.due is not None and deadline.due < self.today)

    def _due(self, when: str, acts: list[tuple[str, ...]]) -> Due:
        if len(acts) > 1:
            count = self.state.count_of_acts
            part = "" if len(acts) == count else f" of {count}"
            return Due(when, f"{len(acts)}{part} things due{' now' if when == NOW else ''}")
        return Due(when, self.state.edition.rule[acts[0][0]].title)


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


@dataclass(frozen=True)
class AccountRow:
    """An account in the register, with the newest of its self-checks and the last attestation.

    `drafts` and `attested` count its self-checks.
    """

    account: SocialAccount
    drafts: int
    attested: int
    newest: AssessmentRow | None
    last: Attestation | None

    @property
    def purpose(self) -> str:
        return purpose_of(self.account)

    @property
    def counted(self) -> str:
        """How many drafts and attested self-checks there are, in words; empty if there is at most one self-check."""
        if self.drafts + self.attested < 2:
            return ""
        drafts = _number(self.drafts, "draft") if self.drafts else ""
        attested = f"{self.attested} attested" if self.attested else ""
        return ", ".join(filter(None, (drafts, attested)))

    @property
    def sharing(self) -> str:
        """How the last attestation is shared; empty without an attestation."""
        return sharing_of(self.last) if self.last else ""


def purpose_of(account: SocialAccount) -> str:
    """The purpose in one word, without the explanation that the form gives."""
    return account.get_purpose_display().partition(":")[0]


def account_rows(
    accounts: Iterable[SocialAccount], newest: Iterable[Assessment], *, today: date
) -> list[AccountRow]:
    """A row for each account. Each is annotated with its numbers of `drafts` and `attested`; `newest` has one
    self-check of each account that has any."""
    accounts = list(accounts)
    rows = {row.assessment.account_id: row for row in assessment_rows(newest, today=today)}
    attestations = with_sharing(Attestation.objects.filter(assessment__account__in=accounts))
    # The last one of an account replaces the earlier ones.
    in_order = attestations.select_related("assessment").order_by("attested_at", "pk")
    last = {attestation.assessment.account_id: attestation for attestation in in_order}
    return [
        AccountRow(
            account,
            account.drafts,  # type: ignore[attr-defined]  # annotated
            account.attested,  # type: ignore[attr-defined]
            rows.get(account.pk),
            last.get(account.pk),
        )
        for account in accounts
    ]


def assessment_rows(
    assessments: Iterable[Assessment], *, today: date, attestations: Iterable[Attestation] = ()
) -> list[AssessmentRow]:
    """A row for each self-check, a draft as of today. `attestations` are annotated by `with_sharing`."""
    sharing = {attestation.assessment_id: sharing_of(attestation) for attestation in attestations}
    return [
        AssessmentRow(
            assessment, assessment_state(assessment, as_of=today), today, sharing.get(assessment.pk, "")
        )
        for assessment in assessments
    ]


def with_sharing(attestations: AttestationQuerySet) -> AttestationQuerySet:
    """Annotate `is_shared`: a share of it was not withdrawn; and `is_answered`: an officer answered about one."""
    standing = Share.objects.standing().filter(attestation=OuterRef("pk"))
    answers = AdviceEntry.objects.filter(
        request__share__attestation=OuterRef("pk"),
        request__share__withdrawal__isnull=True,
        author__is_officer=True,
    )
    return attestations.defer("record").annotate(is_shared=Exists(standing), is_answered=Exists(answers))


def sharing_of(attestation: Attestation) -> str:
    """How an attestation that `with_sharing` annotated is shared, in words."""
    if attestation.is_answered:  # type: ignore[attr-defined]
        return ANSWERED
    return SHARED if attestation.is_shared else NOT_SHARED  # type: ignore[attr-defined]
