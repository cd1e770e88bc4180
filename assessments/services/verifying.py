"""Where a paper of the portal's stands: by its code, by its file, by the record that it carries."""

from __future__ import annotations

from assessments.models import Attestation, Share, StoredPdf
from assessments.pdf.judging import FileVerdict, KnownDocument, Standing, judge


def standing_of(code: str) -> Standing | None:
    """Where the paper with a verification code stands, or None where the portal gave no such code."""
    found = _share(code=code) or _attestation(code=code)
    return found.standing if found else None


def judge_file(data: bytes) -> FileVerdict:
    """Say of a file whether it is what the portal made, to the last byte. Raises TooBusy."""
    return judge(data, known_file=_by_file, known_record=_by_record, known_code=_by_code)


def _by_file(sha256: str) -> KnownDocument | None:
    stored = StoredPdf.objects.filter(sha256=sha256).first()
    if stored is None:
        return None
    return _share(pk=stored.share_id) if stored.share_id else _attestation(pk=stored.attestation_id)


def _by_record(sha256: str) -> KnownDocument | None:
    return _share(sha256=sha256) or _attestation(sha256=sha256)


def _by_code(code: str) -> KnownDocument | None:
    return _share(code=code) or _attestation(code=code)


def _share(**which: object) -> KnownDocument | None:
    found = Share.objects.with_superseded().select_related("withdrawal").filter(**which).first()
    if found is None:
        return None
    superseded: bool = found.is_superseded  # type: ignore[attr-defined]  # annotated
    if hasattr(found, "withdrawal"):
        return KnownDocument(found.code, "withdrawn")
    return KnownDocument(found.code, "superseded" if superseded else "current")


def _attestation(**which: object) -> KnownDocument | None:
    found = Attestation.objects.with_superseded().filter(**which).first()
    if found is None:
        return None
    superseded: bool = found.is_superseded  # type: ignore[attr-defined]  # annotated
    return KnownDocument(found.code, "superseded" if superseded else "current")
