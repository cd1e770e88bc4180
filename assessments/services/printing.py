"""Printing the PDFs of attestations and shares: once the record is committed, and again only if a PDF is missing."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import close_old_connections, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse
from django.utils import timezone
from django_tasks import task

from assessments.models import Attestation, Share, StoredPdf
from assessments.pdf.authenticity import MAX_STAMP, Proof
from assessments.pdf.press import PressError
from assessments.records.clock import moment_in_words
from assessments.records.shared import shared_projection
from assessments.records.state import assessment_state
from assessments.rendering.documents import advisory_pdf
from assessments.reports.summary import AskedFor, Summary, summarize, summary_pdf
from assessments.scoring.wording import long_date
from assessments.services import audit
from assessments.services.after_commit import after_commit
from assessments.services.audit import Action
from bulletin.publish import encoded

log = logging.getLogger(__name__)

Record = Attestation | Share
Kind = StoredPdf.Kind
GONE = "This was withdrawn or deleted while its PDF was being made."


class CannotStore(Exception):
    """The PDF could not be stored, or its record no longer exists; the message tells people why."""


class RecordGone(CannotStore):
    """The record was withdrawn or deleted while its PDF was made."""


def print_soon(record: Record) -> None:
    """Queue a record to be printed on commit. If that fails, `pdf_of` prints it on request."""
    kind = "attestation" if isinstance(record, Attestation) else "share"
    after_commit("printing a PDF", print_record.enqueue, kind, record.pk)


@task()
def print_record(kind: str, pk: int) -> None:
    """Print a record that has no PDF yet. Two runs, even at the same time, keep one PDF."""
    record = _printable(kind, pk)
    if record is None:
        return
    try:
        for pdf_kind in Kind if isinstance(record, Share) else (Kind.FULL,):
            pdf_of(record, pdf_kind)
    except (PressError, CannotStore) as error:
        # It is printed when someone asks for it.
        _log_failure(kind, pk, error)


def _printable(kind: str, pk: int) -> Record | None:
    """The attestation or share with this key, unless it was deleted or withdrawn."""
    record: Record | None = (Attestation if kind == "attestation" else Share).objects.filter(pk=pk).first()
    return None if isinstance(record, Share) and hasattr(record, "withdrawal") else record


def without_pdf() -> list[tuple[str, int, Kind]]:
    """The PDFs that were never printed, of attestations and of shares not withdrawn, the oldest first.

    Each is named as `print_missing` takes it: "attestation" or "share", the record's key, and the kind of PDF.
    """
    return [
        (name, pk, kind)
        for name, kind, records in _never_printed()
        for pk in records.order_by("pk").values_list("pk", flat=True)
    ]


def count_without_pdf() -> int:
    """The number of PDFs that were never printed."""
    return sum(records.count() for _, _, records in _never_printed())


def _never_printed() -> Iterator[tuple[str, Kind, QuerySet[Attestation] | QuerySet[Share]]]:
    never = ~Exists(StoredPdf.objects.filter(attestation=OuterRef("pk")))
    yield "attestation", Kind.FULL, Attestation.objects.filter(never)
    for kind in Kind:
        never = ~Exists(StoredPdf.objects.filter(share=OuterRef("pk"), kind=kind))
        yield "share", kind, Share.objects.standing().filter(never)


def print_missing(missing: tuple[str, int, Kind]) -> bool:
    """Print a PDF unless it exists by now. Return false if it could not be printed and its record still exists."""
    kind, pk, pdf_kind = missing
    record = _printable(kind, pk)
    if record is None:
        return True
    try:
        pdf_of(record, pdf_kind)
    except RecordGone:
        return True
    except Exception as error:  # noqa: BLE001 - whatever it is, the others can still be printed
        _log_failure(kind, pk, error)
        # A connection that the error broke is replaced for the next PDF.
        close_old_connections()
        return False
    return True


def _log_failure(kind: str, pk: int, error: Exception) -> None:
    """Log that a PDF is not made yet, without the error's own message, which may quote people's answers."""
    why = type(error).__name__ + (f" ({error.reason})" if isinstance(error, PressError) else "")
    log.error("The PDF of %s %s is not made yet: %s", kind, pk, why)


def pdf_of(record: Record, kind: Kind = Kind.FULL) -> bytes:
    """The stored PDF of a record, printed again if its file is missing or changed.

    Only a share has a summary, and only one that still has its content can be printed. Raises PressError and
    CannotStore, whose messages are for people.
    """
    for stored in record.pdfs.filter(kind=kind):
        content = _read(stored.name)
        if content is not None and hashlib.sha256(content).hexdigest() == stored.sha256:
            return content
        log.error("The file of stored PDF %s is missing or not what it was", stored.pk)
    return _print(record, kind)


def _read(name: str) -> bytes | None:
    try:
        with default_storage.open(name) as file:
            return bytes(file.read())
    except OSError:
        return None


def _print(record: Record, kind: Kind) -> bytes:
    try:
        content = (
            _summary_pdf(record) if isinstance(record, Share) and kind == Kind.SUMMARY else _full_pdf(record)
        )
    except ObjectDoesNotExist as error:
        raise RecordGone(GONE) from error
    sha256 = hashlib.sha256(content).hexdigest()
    if record.pdfs.filter(sha256=sha256).exists():
        name = record.pdfs.filter(sha256=sha256)[0].name
        _store(name, content)
        return content
    folder = "attestations" if isinstance(record, Attestation) else "shares"
    name = _store(f"{folder}/{record.pk}/{sha256}.pdf", content)
    with transaction.atomic():
        # Two that print at the same time print the same bytes, and the second finds the first's row.
        locked = type(record).objects.select_for_update(no_key=True).filter(pk=record.pk).first()
        if locked is None or hasattr(locked, "withdrawal"):
            raise RecordGone(GONE)
        if not record.pdfs.filter(sha256=sha256).exists():
            owner = {"attestation" if isinstance(record, Attestation) else "share": record}
            stored = StoredPdf.objects.create(kind=kind, name=name, sha256=sha256, size=len(content), **owner)
            attestation = record if isinstance(record, Attestation) else record.attestation
            office = attestation.assessment.account.office
            audit.append(office=office, action=Action.PRINTED, about=stored, by=None, record_hash=sha256)
    return content


def _store(name: str, content: bytes) -> str:
    """Store a file unless the same bytes are stored already; return the name it is stored under."""
    try:
        if default_storage.exists(name):
            if _read(name) == content:
                return name
            # A process was killed while it wrote this file.
            default_storage.delete(name)
        return default_storage.save(name, ContentFile(content))
    except OSError as error:
        log.error("A PDF cannot be stored: %s", type(error).__name__)
        raise CannotStore(
            "The PDF could not be stored. What was attested or shared is safe. Try again in a few minutes."
        ) from error


def _summary_pdf(share: Share) -> bytes:
    return summary_pdf(summary_of(share))


def summary_of(share: Share) -> Summary:
    """The summary of a share, with the question asked with it."""
    content, edition = share.content.record, encoded(share.attestation.assessment.edition)
    address = settings.PORTAL_URL + reverse("verify", kwargs={"code": share.code})
    day = long_date(timezone.localdate(share.shared_at))
    request = getattr(share, "request", None)
    asked = None
    if request:
        titles = tuple(edition.rule[rule].title for rule in request.about if rule in edition.rule)
        asked = AskedFor(request.question, titles, request.needed_by)
    proof = Proof(share.code, address, content.encode(), f"Summary of what was shared on {day}")
    return summarize(content, edition, proof, asked)


def _stamp(by: str, when: str) -> str:
    """Who did it and when, on one line; a name that is too long is cut."""
    end = f" on {when}"
    by = " ".join(by.split())
    return (by if len(by + end) <= MAX_STAMP else f"{by[: MAX_STAMP - len(end) - 1]}…") + end


def _full_pdf(record: Record) -> bytes:
    code, address = record.code, settings.PORTAL_URL + reverse("verify", kwargs={"code": record.code})
    if isinstance(record, Attestation):
        projection = assessment_state(record.assessment, as_of=record.as_of).projection
        stamp = _stamp(f"Attested by {record.signer}", moment_in_words(record.attested_at))
        return advisory_pdf(projection, Proof(code, address, record.record.encode(), stamp))
    content = record.content.record
    edition = encoded(record.attestation.assessment.edition)
    day = long_date(timezone.localdate(record.shared_at))
    projection = shared_projection(content, edition, asks=hasattr(record, "request"))
    return advisory_pdf(projection, Proof(code, address, content.encode(), f"Shared on {day}"))
