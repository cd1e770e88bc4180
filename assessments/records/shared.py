"""What the Commissioner's office is given of an attestation: frozen by itself, and read from nothing else."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from assessments.records.attested import FORMAT, canonical
from assessments.records.state import AssessmentState
from assessments.rendering.data import advisory_data, answer_data
from assessments.rendering.projection import Given, Projection, SectionOfAnswers, project
from assessments.scoring.answers import read_answer
from assessments.scoring.document import Document
from assessments.scoring.part import can_be_shared, part_of, shared_part
from assessments.scoring.wording import answer_in_words
from bulletin.encoding.conditions import Answer
from bulletin.encoding.digest import digest
from bulletin.encoding.schema import Edition, Election

BLACKED_OUT = "[blacked out]"
"""What stands in a note for words that the member took out: the same whatever their length was."""
PART = (
    "This is a part of a self-assessment, which the member chose to share. Overall, counts and days are reckoned "
    "from this part alone, and nothing follows from what is not here."
)


PART_HEADLINES = {"consistent": "Nothing flagged in the part that was shared"}
"""What would be said of the whole, and can only be said of the part."""
ONLY_ANSWERS = "Answers were shared, and no findings"
ONLY_A_NOTE = "Only this note was shared"


@dataclass(frozen=True)
class Picked:
    """What a member picked to share: rules, questions, notes, and the words to black out in each note."""

    rules: frozenset[str]
    questions: frozenset[str]
    notes: frozenset[str]
    black_out: Mapping[str, tuple[str, ...]]


def redacted(note: str, words: tuple[str, ...]) -> str:
    """A note without some words, in whatever case they stand in it; of words that overlap nothing stays."""
    taken: set[int] = set()
    for word in filter(None, words):
        # Looked for ahead, so that one is found that begins within another.
        for found in re.finditer(f"(?=({re.escape(word)}))", note, flags=re.IGNORECASE):
            taken.update(range(*found.span(1)))
    kept = ("\0" if at in taken else letter for at, letter in enumerate(note))
    return re.sub("\0+", BLACKED_OUT, "".join(kept))


def shared_record(
    state: AssessmentState, picked: Picked, *, at: datetime, office: str, nonce: str = ""
) -> str:
    """All that the office is given, as canonical JSON with a nonce of its own.

    `state` is an attestation's. Of what was not picked nothing is in it, and neither is the attestation's own hash.
    """
    edition, answers = state.edition, state.advisory.answers
    part = shared_part(state.advisory, rules=picked.rules, questions=picked.questions)
    notes = (
        (q.id, state.rows[q.id].note)
        for q in edition.questions
        if q.id in picked.notes and q.id in state.rows
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
            "election": state.election.model_dump(mode="json"),
            "answers": {question: answer_data(answers[question]) for question in part.answers},
            "notes": {q: redacted(note, picked.black_out.get(q, ())) for q, note in notes if note},
            "outcomes": {finding.rule.id: finding.outcome for finding in part.findings},
            "advisory": advisory_data(part),
        }
    )


def shared_projection(record: str, edition: Edition) -> Projection:
    """What a record of a share says, in words; `edition` is the one that it names."""
    told: dict[str, Any] = json.loads(record)
    read = {q: read_answer(edition.question[q], value) for q, value in told["answers"].items()}
    answers = {question: answer for question, answer in read.items() if answer is not None}
    election = Election.model_validate_json(json.dumps(told["election"]))
    as_of = date.fromisoformat(told["as_of"])
    part = part_of(edition, answers, told["outcomes"], as_of=as_of, election=election)
    document = Document(edition, answers, account=told["account"], as_of=as_of, election=election)
    whole = project(part, document, whose="the")
    findings, given = len(part.findings), len(answers)
    headline = ONLY_ANSWERS if not findings else PART_HEADLINES.get(part.overall, whole.headline)
    return replace(
        whole,
        account=(*whole.account, ("Office", told["office"])),
        headline=headline,
        tone=whole.tone if findings and part.overall != "consistent" else "unknown",
        title="Social media self-check: shared with the Integrity Commissioner",
        heading="Shared part of an advisory on a social media account",
        meaning=f"Reckoned from the {findings} finding{'s' * (findings != 1)} and {given} "
        f"answer{'s' * (given != 1)} that were shared, and from nothing else."
        f"{' The advice speaks to the member.' if findings else ''}",
        score=whole.score if findings else "",
        no_contacts="None of the findings that were shared calls for it.",
        no_to_do="None of the findings that were shared asks for anything to be done.",
        limits=(PART, *whole.limits),
        # A section of which nothing was shared is not there, like its findings.
        sections=tuple(section for section in whole.sections if section.items),
        answers=_given(edition, answers, told["notes"]),
    )


def _given(
    edition: Edition, answers: Mapping[str, Answer], notes: Mapping[str, str]
) -> tuple[SectionOfAnswers, ...]:
    """Every answer and note that was shared, whatever else is said of it; a note may come without its answer."""
    given: dict[str, list[Given]] = {}
    for q in edition.questions:
        if q.id in answers or q.id in notes:
            answer = answer_in_words(edition, q.id, answers[q.id]) if q.id in answers else ONLY_A_NOTE
            given.setdefault(q.section, []).append(Given(q.short, answer, notes.get(q.id, "")))
    return tuple(
        SectionOfAnswers(s.title, tuple(given[s.id])) for s in edition.sheet.sections if s.id in given
    )


def offered(state: AssessmentState) -> Picked:
    """All that can be shared of an attestation."""
    return Picked(
        rules=frozenset(finding.rule.id for finding in can_be_shared(state.advisory)),
        questions=frozenset(state.advisory.answers),
        notes=frozenset(question for question, row in state.rows.items() if row.note),
        black_out={},
    )
