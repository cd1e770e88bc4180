"""The PDFs of attestations and shares: printed once the record is kept, and again only if missing."""

from __future__ import annotations

import hashlib
import logging
from functools import partial

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import close_old_connections, transaction
from django.db.models import Exists, OuterRef
from django.urls import reverse
from django.utils import timezone
from django_tasks import task

from assessments.models import Attestation, Share, StoredPdf
from assessments.pdf.authenticity import MAX_STAMP, Proof
from assessments.pdf.press import PressError
from assessments.records.shared import shared_projection
from assessments.records.state import assessment_state
from assessments.rendering.documents import advisory_pdf
from assessments.reports.summary import AskedFor, Summary, summarize, summary_pdf
from assessments.scoring.wording import long_date
from bulletin.publish import encoded

log = logging.getLogger(__name__)

Record = Attestation | Share
Kind = StoredPdf.Kind
GONE = "What you asked for was withdrawn or deleted while its PDF was made."


class CannotStore(Exception):
    """The PDF was printed and could not be kept, or its record is gone; the message is for people."""


class RecordGone(CannotStore):
    """The record was withdrawn or deleted meanwhile."""


def print_soon(record: Record) -> None:
    """Have a record printed once it is kept; whatever becomes of that, `pdf_of` makes good."""
    kind = "attestation" if isinstance(record, Attestation) else "share"
    transaction.on_commit(partial(print_record.enqueue, kind, record.pk), robust=True)


@task()
def print_record(kind: str, pk: int) -> None:
    """Print a record that has no PDF yet. It may be run twice, and at once: one PDF is kept."""
    found: Record | None = (Attestation if kind == "attestation" else Share).objects.filter(pk=pk).first()
    if found is None or (isinstance(found, Share) and hasattr(found, "withdrawal")):
        return
    try:
        for one in Kind if isinstance(found, Share) else (Kind.FULL,):
            pdf_of(found, one)
    except (PressError, CannotStore) as error:
        # It is printed again when someone asks for it.
        _not_made(kind, pk, error)


def without_pdf() -> list[tuple[str, int, Kind]]:
    """Which PDFs were never printed, of what is attested or shared and not withdrawn: the oldest first."""
    found: list[tuple[str, int, Kind]] = []
    never = ~Exists(StoredPdf.objects.filter(attestation=OuterRef("pk")))
    attestations = Attestation.objects.filter(never).order_by("pk")
    found += [("attestation", pk, Kind.FULL) for pk in attestations.values_list("pk", flat=True)]
    for kind in Kind:
        never = ~Exists(StoredPdf.objects.filter(share=OuterRef("pk"), kind=kind))
        shares = Share.objects.standing().filter(never).order_by("pk")
        found += [("share", pk, kind) for pk in shares.values_list("pk", flat=True)]
    return found


def print_missing(wanted: tuple[str, int, Kind]) -> bool:
    """Print one PDF, unless it is there by now; whether it is there, or its record is gone."""
    kind, pk, which = wanted
    found: Record | None = (Attestation if kind == "attestation" else Share).objects.filter(pk=pk).first()
    if found is None or (isinstance(found, Share) and hasattr(found, "withdrawal")):
        return True
    try:
        pdf_of(found, which)
    except RecordGone:
        return True
    except Exception as error:  # noqa: BLE001 - whatever it is, the others can still be printed
        _not_made(kind, pk, error)
        # A connection that the fault broke is opened anew for the next.
        close_old_connections()
        return False
    return True


def _not_made(kind: str, pk: int, error: Exception) -> None:
    """Say so in the log, without the error's own words: they may have people's."""
    why = type(error).__name__ + (f" ({error.reason})" if isinstance(error, PressError) else "")
    log.error("The PDF of %s %s is not made yet: %s", kind, pk, why)


def pdf_of(record: Record, kind: Kind = Kind.FULL) -> bytes:
    """The PDF of a record, as it was first printed; printed again where it is missing or not what it was.

    A share has a summary as well. Raises PressError and CannotStore, whose messages are for people. A share must
    have its content.
    """
    for stored in record.pdfs.filter(kind=kind):
        data = _read(stored.name)
        if data is not None and hashlib.sha256(data).hexdigest() == stored.sha256:
            return data
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
        data = _summary(record) if isinstance(record, Share) and kind == Kind.SUMMARY else _printed(record)
    except ObjectDoesNotExist as error:
        raise RecordGone(GONE) from error
    sha256 = hashlib.sha256(data).hexdigest()
    if record.pdfs.filter(sha256=sha256).exists():
        name = record.pdfs.filter(sha256=sha256)[0].name
        _keep(name, data)
        return data
    folder = "attestations" if isinstance(record, Attestation) else "shares"
    name = _keep(f"{folder}/{record.pk}/{sha256}.pdf", data)
    with transaction.atomic():
        # Two who print at once print the same bytes: the second finds the row.
        found = type(record).objects.select_for_update(no_key=True).filter(pk=record.pk).first()
        if found is None or hasattr(found, "withdrawal"):
            raise RecordGone(GONE)
        if not record.pdfs.filter(sha256=sha256).exists():
            of = {"attestation" if isinstance(record, Attestation) else "share": record}
            StoredPdf.objects.create(kind=kind, name=name, sha256=sha256, size=len(data), **of)
    return data


def _keep(name: str, data: bytes) -> str:
    """Write a file, unless it is there whole; return the name that it has."""
    try:
        if default_storage.exists(name):
            if _read(name) == data:
                return name
            # What a process left half-written when it was killed.
            default_storage.delete(name)
        return default_storage.save(name, ContentFile(data))
    except OSError as error:
        log.error("A PDF cannot be stored: %s", type(error).__name__)
        raise CannotStore(
            "The PDF could not be stored just now. What was attested or shared is safe: try again in a few minutes."
        ) from error


def _summary(share: Share) -> bytes:
    return summary_pdf(summary_of(share))


def summary_of(share: Share) -> Summary:
    """What a share says in short, with the question as it was asked with it."""
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
    """Who did it and when, as one line that fits; a name that is too long is cut."""
    end = f" on {when}"
    by = " ".join(by.split())
    return (by if len(by + end) <= MAX_STAMP else f"{by[: MAX_STAMP - len(end) - 1]}…") + end


def _printed(record: Record) -> bytes:
    code, address = record.code, settings.PORTAL_URL + reverse("verify", kwargs={"code": record.code})
    if isinstance(record, Attestation):
        at = timezone.localtime(record.attested_at)
        when = f"{long_date(at.date())}, {at:%H:%M}"
        projection = assessment_state(record.assessment, as_of=record.as_of).projection
        return advisory_pdf(
            projection,
            Proof(code, address, record.record.encode(), _stamp(f"Attested by {record.attested_by}", when)),
        )
    content = record.content.record
    edition = encoded(record.attestation.assessment.edition)
    day = long_date(timezone.localdate(record.shared_at))
    return advisory_pdf(
        shared_projection(content, edition), Proof(code, address, content.encode(), f"Shared on {day}")
    )
