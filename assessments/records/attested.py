"""The record of an attestation: canonical JSON whose hash proves it."""

from __future__ import annotations

import hashlib
import json
import secrets
from datetime import datetime
from typing import Any

from assessments.models import Answer, User
from assessments.records.state import AssessmentState
from assessments.rendering.data import advisory_data, answer_data
from bulletin.encoding.digest import digest
from bulletin.encoding.elections import Election

FORMAT = 1
"""Raise this when the meaning of a record's keys changes."""


def canonical(record: dict[str, Any]) -> str:
    """A record as canonical JSON: equal records give equal text."""
    return json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def sha256_of(record: str) -> str:
    """The hash that proves a record, in lower-case hexadecimal."""
    return hashlib.sha256(record.encode()).hexdigest()


def attested_record(state: AssessmentState, *, by: User, at: datetime, office: str) -> str:
    """All that is attested: who, when and which account, each answer and note with its author, and the advisory."""
    edition = state.edition
    # Answers to questions that are no longer asked are kept but not attested. The advisory's `ignored` has their ids.
    asked = set(state.advisory.asked)
    rows = (state.rows[q.id] for q in edition.questions if q.id in state.rows and q.id in asked)
    return canonical(
        {
            "kind": "attestation",
            "format": FORMAT,
            # Without a nonce, anyone who has the hash could guess the answers by trying likely ones.
            "nonce": secrets.token_hex(32),
            "attested_by": str(by),
            "attested_at": at.isoformat(),
            "office": office,
            "account": dict(state.about),
            "edition": edition.id,
            "revision": edition.sheet.revision,
            "digest": digest(edition),
            "as_of": state.as_of.isoformat(),
            "election": election_data(state.election),
            "answers": [_answer(state, row) for row in rows if isinstance(row, Answer)],
            "advisory": advisory_data(state.advisory),
        }
    )


def election_data(election: Election) -> dict[str, Any]:
    """An election in a record. A flag that is not set is left out, so that records made before it are equal."""
    unset = {flag for flag in ("undated", "given") if not getattr(election, flag)}
    return election.model_dump(mode="json", exclude=unset)


def _answer(state: AssessmentState, row: Answer) -> dict[str, Any]:
    return {
        "question": row.question,
        "answer": answer_data(state.answers.get(row.question)),
        "note": row.note,
        "by": str(row.answered_by),
        "at": row.answered_at.isoformat(),
        "version": row.version,
    }
