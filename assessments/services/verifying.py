"""Verifying the portal's documents: by the code, by the file, or by the record within the file."""

from __future__ import annotations

from assessments.models import Attestation, Share, StoredPdf
from assessments.pdf.judging import FileVerdict, KnownDocument, Standing, judge


def standing_of(code: str) -> Standing | None:
    """Whether the document with a code is current, superseded or withdrawn; None if the portal gave no such code."""
    document = _by_code(code)
    return document.standing if document else None


def judge_file(content: bytes) -> FileVerdict:
    """Judge whether a file is, byte for byte, one that the portal made. Raises TooBusy."""
    return judge(content, known_file=_by_file, known_record=_by_record, known_code=_by_code)


def _by_file(sha256: str) -> KnownDocument | None:
    stored = StoredPdf.objects.filter(sha256=sha256).first()
    if stored is None:
        return None
    return _share(pk=stored.share_id) if stored.share_id else _attestation(pk=stored.attestation_id)


def _by_record(sha256: str) -> KnownDocument | None:
    return _share(sha256=sha256) or _attestation(sha256=sha256)


def _by_code(code: str) -> KnownDocument | None:
    return _share(code=code) or _attestation(code=code)


def _share(**lookup: object) -> KnownDocument | None:
    share = Share.objects.with_superseded().select_related("withdrawal").filter(**lookup).first()
    if share is None:
        return None
    superseded: bool = share.is_superseded  # type: ignore[attr-defined]  # annotated
    if hasattr(share, "withdrawal"):
        return KnownDocument(share.code, "withdrawn")
    return KnownDocument(share.code, "superseded" if superseded else "current")


def _attestation(**lookup: object) -> KnownDocument | None:
    attestation = Attestation.objects.with_superseded().filter(**lookup).first()
    if attestation is None:
        return None
    superseded: bool = attestation.is_superseded  # type: ignore[attr-defined]  # annotated
    return KnownDocument(attestation.code, "superseded" if superseded else "current")
