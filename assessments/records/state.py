"""The state of a self-check on one day: its answers, its advisory and its progress."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

from assessments import models
from assessments.models import AnonymousCheck, AnswerRow, Assessment, Attestation
from assessments.records.frozen_advisory import advisory_from
from assessments.rendering.data import answer_data
from assessments.rendering.findings import Tone
from assessments.rendering.projection import TONE_OF_OVERALL, Projection, project
from assessments.scoring.advisory import Advisory, Finding
from assessments.scoring.answers import AnswerError, read_answer
from assessments.scoring.assess import assess
from assessments.scoring.document import Document
from assessments.scoring.effort import minutes_left
from assessments.scoring.explain import same_act
from assessments.scoring.settled import Progress as AnswersSoFar
from assessments.scoring.settled import progress
from assessments.scoring.wording import in_election
from bulletin.encoding.conditions import UNSURE, Answer, Condition, Verdict
from bulletin.encoding.digest import digest
from bulletin.encoding.elections import Election
from bulletin.encoding.schema import Edition, Question, Section
from bulletin.publish import encoded
from bulletin.shelf import calendar


@dataclass(frozen=True)
class Progress:
    """The progress of one section: the questions asked in it, and how many of them are answered.

    `waits` means that the section asks nothing so far, but answers elsewhere may still add questions. `carried`
    counts the answers that were copied from an earlier assessment and are not confirmed yet, optional ones too.
    """

    section: Section
    asked: tuple[str, ...]
    answered: int
    unsure: int
    waits: bool = False
    carried: int = 0

    @property
    def left(self) -> int:
        return len(self.asked) - self.answered

    @property
    def status(self) -> str:
        """The status in words, for the task list."""
        if not self.asked:
            return "Depends on other answers" if self.waits else "Nothing to answer"
        if not self.answered:
            return "Not started"
        if self.left:
            return "In progress"
        return "To confirm" if self.carried else "Done"

    @property
    def is_done(self) -> bool:
        return not self.left and not self.carried


@dataclass(frozen=True)
class AssessmentState:
    """All that a page shows of a self-check: a draft as of one day, or an attestation as it was attested.

    `frozen` is the advisory in an attestation's record, and `attested_notes` are the notes in that record. For a
    draft, both are None, and the advisory is scored.
    """

    self_check: AnonymousCheck | Assessment
    about: Mapping[str, str]
    edition: Edition
    election: Election
    as_of: date
    rows: Mapping[str, AnswerRow]
    answers: Mapping[str, Answer]
    frozen: Mapping[str, Any] | None = None
    attested_notes: Mapping[str, str] | None = None

    @cached_property
    def advisory(self) -> Advisory:
        if self.frozen is not None:
            return advisory_from(
                self.frozen, self.edition, as_of=self.as_of, election=self.election, answers=self.answers
            )
        return assess(self.edition, self.answers, as_of=self.as_of, election=self.election)

    @cached_property
    def progress(self) -> AnswersSoFar:
        """What the answers settle, and the question to ask next."""
        return progress(self.advisory)

    @cached_property
    def before_last_save(self) -> Advisory:
        """The advisory without the answers that were saved last, together. It shows what these made clear."""
        last = max((row.answered_at for row in self.rows.values() if row.value is not None), default=None)
        answers = {
            q: a for q, a in self.answers.items() if q in self.rows and self.rows[q].answered_at != last
        }
        return assess(self.edition, answers, as_of=self.as_of, election=self.election)

    def saved_at(self, rules: Iterable[str]) -> datetime | None:
        """When an answer that the findings of some rules rest on was last saved; None if they rest on none."""
        named = set(rules)
        behind = {q for f in self.advisory.findings if f.rule.id in named for q in f.rests_on}
        return max((row.answered_at for q, row in self.rows.items() if q in behind), default=None)

    @cached_property
    def document(self) -> Document:
        # Older records have notes on questions that are not asked. They are printed again as they were.
        notes = self.notes if self.attested_notes is None else self.attested_notes
        return Document(self.edition, self.answers, notes, self.about, self.as_of, self.election)

    @cached_property
    def notes(self) -> dict[str, str]:
        """The notes on the questions that are asked.

        Other notes are kept, but are not shared or compared; only the print of an older record has them.
        """
        kept = self.attested_notes
        if kept is None:
            kept = {q: row.note for q, row in self.rows.items() if row.note}
        return {q: note for q, note in kept.items() if q in self.advisory.asked}

    @property
    def not_asked(self) -> tuple[tuple[Question, Answer | None, AnswerRow], ...]:
        """The questions that are no longer asked but have an answer or a note: each with its answer and row."""
        kept = self.kept_answers
        return tuple(
            (in_election(q, self.election), kept.get(q.id), self.rows[q.id])
            for q in self.edition.questions
            if q.id in self.rows
            and q.id not in self.advisory.asked
            and (q.id in kept or self.rows[q.id].note)
        )

    @cached_property
    def kept_answers(self) -> dict[str, Answer]:
        """Every answer that is kept, even if its question is no longer asked: only for those who gave it."""
        rows = read_answers(self.edition, {name: row.value for name, row in self.rows.items()})
        return rows | dict(self.answers)

    @cached_property
    def carried(self) -> frozenset[str]:
        """The asked questions whose answers were copied from an earlier assessment and are not confirmed yet."""
        asked = set(self.advisory.asked)
        return frozenset(q for q, row in self.rows.items() if getattr(row, "carried", False) and q in asked)

    @cached_property
    def has_own_answers(self) -> bool:
        """Whether somebody gave an answer for this account, and not only for another account of the office."""
        return any(not getattr(self.rows.get(question), "carried_from", "") for question in self.kept_answers)

    @property
    def still_open(self) -> tuple[Finding, ...]:
        """The findings that an answer is missing for."""
        return tuple(finding for finding in self.advisory.findings if finding.outcome == "unanswered")

    @property
    def can_be_attested(self) -> bool:
        """Whether every answer is given and confirmed. Unsure answers and points to raise are no obstacle.

        No edition that the loader accepts has an open finding without an open question; this refuses any other.
        """
        return not self.advisory.unanswered and not self.still_open and not self.carried

    @cached_property
    def seen(self) -> str:
        """A hash of all that is attested, which shows whether a page was made from this state."""
        versions = [(q, row.version) for q, row in sorted(self.rows.items())]
        about, election = sorted(self.about.items()), self.election.model_dump(mode="json")
        content = repr((digest(self.edition), versions, about, election, self.as_of))
        return hashlib.sha256(content.encode()).hexdigest()

    @cached_property
    def projection(self) -> Projection:
        return project(self.advisory, self.document)

    @cached_property
    def count_of_acts(self) -> int:
        """How many things there are to do, as the advisory lists them, without the cost of a projection."""
        return len(same_act(self.advisory))

    @property
    def headline(self) -> str:
        """The title of the overall result, without the cost of a projection."""
        return self.edition.sheet.words.overall[self.advisory.overall].title

    @property
    def tone(self) -> Tone:
        return TONE_OF_OVERALL[self.advisory.overall]

    @cached_property
    def sections(self) -> tuple[Progress, ...]:
        unanswered = set(self.advisory.unanswered)
        asked: dict[str, list[str]] = {section.id: [] for section in self.edition.sheet.sections}
        for name in self.advisory.asked:
            question = self.edition.question[name]
            # An optional question does not count towards progress.
            if not question.optional:
                asked[question.section].append(name)
        progress = []
        for section in self.edition.sheet.sections:
            answered = [q for q in asked[section.id] if q not in unanswered]
            unsure = sum(self.advisory.answers.get(q) == UNSURE for q in answered)
            waits = not asked[section.id] and self._may_ask(section.id)
            carried = sum(self.edition.question[q].section == section.id for q in self.carried)
            progress.append(
                Progress(section, tuple(asked[section.id]), len(answered), unsure, waits, carried)
            )
        return tuple(progress)

    @property
    def questions_left(self) -> str:
        """How many questions are left, in words. While answers can still add questions, the number is about right."""
        count = len(self.advisory.unanswered)
        about = "about " if count and self.advisory.pending else ""
        return f"{about}{count} question{'' if count == 1 else 's'} left"

    @property
    def effort_left(self) -> str:
        """How many questions and minutes are left, in words."""
        left, minutes = self.questions_left, self.minutes_left
        about = "" if left.startswith("about") else "about "
        return f"{left}, {about}{minutes} minute{'' if minutes == 1 else 's'}"

    def _may_ask(self, section: str) -> bool:
        questions = (q for q in self.edition.questions if q.section == section)
        return any(self.weigh(question.asked).value is None for question in questions)

    def weigh(self, condition: Condition) -> Verdict:
        """The verdict of a condition of the edition on the answers that count."""
        return condition.weigh(_AdvisoryCircumstances(self.advisory))

    @property
    def sections_asked(self) -> int:
        """How many sections have questions to answer, or may still get some."""
        return sum(bool(progress.asked) or progress.waits for progress in self.sections)

    @property
    def sections_done(self) -> int:
        """How many sections have questions and are done."""
        return sum(bool(progress.asked) and progress.is_done for progress in self.sections)

    @property
    def minutes_left(self) -> int:
        """About how many minutes the rest takes."""
        return minutes_left(self.advisory)

    def questions_of(self, section: str) -> tuple[Question, ...]:
        """A section's questions, in the words that this self-check shows."""
        return tuple(in_election(q, self.election) for q in self.edition.questions if q.section == section)

    def question(self, name: str) -> Question:
        """A question in the words that this self-check shows: with its election and the days filled in."""
        return in_election(self.edition.question[name], self.election)


class _AdvisoryCircumstances:
    """The answers and facts of an advisory, as circumstances to weigh a condition against."""

    def __init__(self, advisory: Advisory) -> None:
        self.answers: Mapping[str, Any] = advisory.answers
        self._facts = advisory.facts

    def fact(self, name: str) -> Verdict:
        return self._facts[name]


def assessment_state(self_check: AnonymousCheck | Assessment, *, as_of: date) -> AssessmentState:
    """The state of a draft as of a day, or of an attestation as of its own day.

    The self-check's edition and attestation (if any) must be loaded already. The only query here is for its answers.
    """
    edition = encoded(self_check.edition)
    rows = {row.question: row for row in self_check.answers.all() if row.question in edition.question}
    if isinstance(self_check, Assessment) and (attestation := self_check.attestation_or_none):
        return _attested_state(attestation, edition, rows)
    return AssessmentState(
        self_check=self_check,
        about=self_check.about,
        edition=edition,
        election=election_of(self_check, as_of=as_of),
        as_of=as_of,
        rows=rows,
        answers=read_answers(edition, {name: row.value for name, row in rows.items()}),
    )


def election_of(self_check: AnonymousCheck | Assessment, *, as_of: date) -> Election:
    """The election that a draft is about, with the days that a person gave."""
    elections = calendar()
    election = elections.get(self_check.election) or elections.default_for(as_of)
    return election.with_dates(voting_day=self_check.voting_day, campaign_ends=self_check.campaign_ends)


def answers_document(state: AssessmentState) -> bytes:
    """The answers as an answers document, to continue elsewhere or to give to `manage.py advise`.

    It is the person's or the office's own copy, so it includes questions that are no longer asked.
    """
    document = {
        "edition": state.edition.id,
        "revision": state.edition.sheet.revision,
        "account": dict(state.about),
        "election": state.election.id,
        **_given_days(state.election),
        "answers": {q: answer_data(answer) for q, answer in state.kept_answers.items()},
        "notes": {q: row.note for q, row in state.rows.items() if row.note},
    }
    return json.dumps(document, ensure_ascii=False, indent=2).encode() + b"\n"


def _given_days(election: Election) -> dict[str, str]:
    """The days of an election that a person gave, as an answers document has them."""
    days = {
        "voting_day": election.voting_day if election.undated else None,
        "campaign_ends": election.campaign_ends if election.given else None,
    }
    return {key: day.isoformat() for key, day in days.items() if day}


def _attested_state(
    attestation: Attestation, edition: Edition, rows: Mapping[str, AnswerRow]
) -> AssessmentState:
    """The attested state from its record, unaffected by later changes to the account's name or the calendar."""
    record = json.loads(attestation.record)
    values = {entry["question"]: entry["answer"] for entry in record["answers"]}
    for entry in record["answers"]:
        if isinstance(row := rows.get(entry["question"]), models.Answer):
            row.signed_by = entry["by"]
    return AssessmentState(
        self_check=attestation.assessment,
        about=record["account"],
        edition=edition,
        election=Election.model_validate_json(json.dumps(record["election"])),
        as_of=attestation.as_of,
        rows=rows,
        answers=read_answers(edition, values),
        frozen=record["advisory"],
        attested_notes={entry["question"]: entry["note"] for entry in record["answers"] if entry["note"]},
    )


def read_answers(edition: Edition, values: Mapping[str, object]) -> dict[str, Answer]:
    """The stored answers to questions of an edition, by question. Others are left out."""
    known = {question: value for question, value in values.items() if question in edition.question}
    answers = {question: _stored(edition, question, value) for question, value in known.items()}
    return {question: answer for question, answer in answers.items() if answer is not None}


def _stored(edition: Edition, question: str, value: object) -> Answer | None:
    try:
        return read_answer(edition.question[question], value)
    except AnswerError:
        # Only valid answers are ever stored. If a row is not one all the same, it must not count as an answer.
        return None
