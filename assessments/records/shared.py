"""The record of a share: what the Commissioner's office receives of an attestation, frozen separately from it."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from assessments.records.attested import FORMAT, canonical, election_data
from assessments.records.frozen_advisory import advisory_from
from assessments.records.state import AssessmentState
from assessments.rendering.data import advisory_data, answer_data
from assessments.rendering.projection import (
    Projection,
    SectionOfAnswers,
    SharedAnswer,
    answer_of,
    project,
)
from assessments.scoring.answers import read_answer
from assessments.scoring.document import Document
from assessments.scoring.part import can_be_shared, shared_part
from assessments.scoring.wording import answer_in_words
from assessments.typed.folding import occurrences
from bulletin.encoding.conditions import Answer
from bulletin.encoding.digest import digest
from bulletin.encoding.elections import Election
from bulletin.encoding.schema import Edition

BLACKED_OUT = "[blacked out]"
"""Replaces words that the member removed from a note, whatever their length."""
PART = (
    "This is the part of a self-check that the member chose to share. The result, counts and dates are calculated "
    "from this part alone. Draw no conclusions from what it leaves out."
)


PART_HEADLINES = {"consistent": "Nothing flagged in the part that was shared"}
"""Headlines of a share, for results whose usual headline is only true of a whole advisory."""
ONLY_ANSWERS = "Only answers were shared, no points of the advisory"
ONLY_A_NOTE = "Only this note was shared"


@dataclass(frozen=True)
class Picked:
    """What a member picked to share: rules, questions, notes, and the words to black out in each note."""

    rules: frozenset[str]
    questions: frozenset[str]
    notes: frozenset[str]
    black_out: Mapping[str, tuple[str, ...]]


def redacted(note: str, words: tuple[str, ...]) -> str:
    """A note with every occurrence of some words blacked out, in any spelling, even where they overlap."""
    blacked_out: set[int] = set()
    for word in words:
        for span in occurrences(word, note):
            blacked_out.update(range(*span))
    kept = ("\0" if at in blacked_out else letter for at, letter in enumerate(note))
    return re.sub("\0+", BLACKED_OUT, "".join(kept))


def shared_record(
    state: AssessmentState, picked: Picked, *, at: datetime, office: str, nonce: str = ""
) -> str:
    """All that the Commissioner's office receives, as canonical JSON with its own nonce.

    `state` is that of an attestation. The record has nothing that was not picked, and not the attestation's hash.
    """
    edition, answers = state.edition, state.advisory.answers
    part = shared_part(state.advisory, rules=picked.rules, questions=picked.questions)
    notes = (
        (q.id, state.notes[q.id]) for q in edition.questions if q.id in picked.notes and q.id in state.notes
    )
    return canonical(
        {
            "kind": "share",
            "format": FORMAT,
            "nonce": nonce or secrets.token_hex(32),
            "shared_at": at.isoformat(),
            "office": office,
            "account": dict(state.about),
            "edition": edition.id,
            "revision": edition.sheet.revision,
            "digest": digest(edition),
            "as_of": state.as_of.isoformat(),
            "election": election_data(state.election),
            "answers": {question: answer_data(answers[question]) for question in part.answers},
            "notes": {q: redacted(note, picked.black_out.get(q, ())) for q, note in notes if note},
            "outcomes": {finding.rule.id: finding.outcome for finding in part.findings},
            "advisory": advisory_data(part),
        }
    )


def shared_projection(record: str, edition: Edition, *, asks: bool = False) -> Projection:
    """A share's record in words. `edition` is the edition that the record names.

    `asks`: the member asked a question with the share, so nothing may say that sharing is not asking for advice.
    """
    content: dict[str, Any] = json.loads(record)
    read = {q: read_answer(edition.question[q], value) for q, value in content["answers"].items()}
    answers = {question: answer for question, answer in read.items() if answer is not None}
    election = Election.model_validate_json(json.dumps(content["election"]))
    as_of = date.fromisoformat(content["as_of"])
    part = advisory_from(
        content["advisory"], edition, as_of=as_of, election=election, answers=answers, is_part=True
    )
    document = Document(edition, answers, account=content["account"], as_of=as_of, election=election)
    projection = project(part, document, whose="the")
    finding_count, answer_count = len(part.findings), len(answers)
    headline = ONLY_ANSWERS if not finding_count else PART_HEADLINES.get(part.overall, projection.headline)
    meaning = (
        f"Calculated only from the {finding_count} point{'s' * (finding_count != 1)} and {answer_count} "
        f"answer{'s' * (answer_count != 1)} that were shared."
        f"{' In the advice, “you” means the member.' if finding_count else ''}"
    )
    score = projection.score if finding_count else ""
    return replace(
        projection,
        answer=answer_of(headline, part) if part.contacts else f"{headline}.",
        remarks=(meaning, score) if score else (meaning,),
        account=(*projection.account, ("Office", content["office"])),
        headline=headline,
        tone=projection.tone if finding_count and part.overall != "consistent" else "unknown",
        title="Social media self-check: shared with the Integrity Commissioner",
        heading="Shared part of an advisory on a social media account",
        meaning=meaning,
        score=score,
        no_contacts="The member shared no points to raise.",
        no_to_do="The member shared no things to do.",
        limits=(
            PART,
            *(limit for limit in projection.limits if not asks or limit != edition.sheet.sharing_limit),
        ),
        # A section without shared findings is left out.
        sections=tuple(section for section in projection.sections if section.items),
        answers=_shared_answers(edition, answers, content["notes"]),
    )


def _shared_answers(
    edition: Edition, answers: Mapping[str, Answer], notes: Mapping[str, str]
) -> tuple[SectionOfAnswers, ...]:
    """Every shared answer and note, by section. A note may be shared without its answer."""
    by_section: dict[str, list[SharedAnswer]] = {}
    for q in edition.questions:
        if q.id in answers or q.id in notes:
            answer = answer_in_words(edition, q.id, answers[q.id]) if q.id in answers else ONLY_A_NOTE
            by_section.setdefault(q.section, []).append(SharedAnswer(q.short, answer, notes.get(q.id, "")))
    return tuple(
        SectionOfAnswers(s.title, tuple(by_section[s.id]))
        for s in edition.sheet.sections
        if s.id in by_section
    )


def offered(state: AssessmentState) -> Picked:
    """Everything that a member can share from an attestation."""
    return Picked(
        rules=frozenset(finding.rule.id for finding in can_be_shared(state.advisory)),
        questions=frozenset(state.advisory.answers),
        notes=frozenset(state.notes),
        black_out={},
    )


def preselected(state: AssessmentState) -> Picked:
    """What is picked at first: the points to raise with the Commissioner, and the answers that they rest on."""
    offer, edition = offered(state), state.edition
    contacts = [finding for finding in state.advisory.contacts if finding.rule.id in offer.rules]
    questions = {question for finding in contacts for question in finding.rests_on}
    if contacts:
        # Without these answers, the office would see that a contact is due, but not when.
        timing_questions = edition.sheet.timing
        conditions = (timing_questions.planned, timing_questions.wished)
        questions |= {*edition.questions_behind(*conditions), timing_questions.filing}
    return Picked(
        rules=frozenset(finding.rule.id for finding in contacts),
        questions=offer.questions & questions,
        notes=frozenset(),
        black_out={},
    )
