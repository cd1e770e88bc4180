"""Exporting everything that an office keeps, as one ZIP file for its member."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Iterator
from datetime import datetime
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone

from assessments.models import Assessment, AuditEvent, Office, Share, SocialAccount, User
from assessments.models.names import person_at
from assessments.pdf.press import PressError
from assessments.records.clock import moment_in_json, moment_in_table
from assessments.records.desk_facts import desk_facts
from assessments.records.state import answers_document, assessment_state
from assessments.reports.trail import in_words
from assessments.services import audit
from assessments.services.attesting import NotTheMember
from assessments.services.audit import Action
from assessments.services.csv_file import write_csv
from assessments.services.file_names import readable_slug
from assessments.services.printing import CannotStore, Kind, Record, pdf_of
from bulletin.publish import encoded

IN_MEMORY = 2_000_000
"""Bytes of a copy kept in memory; a larger copy is written to a temporary file without a name."""
CHUNK_SIZE = 500
"""Audit events read into memory together."""
TRAIL_COLUMNS = ("number", "at", "what", "hash")


def export_all(*, office: Office, by: User) -> IO[bytes]:
    """Make a ZIP file of everything that an office keeps; return it open, at its beginning. Raises NotTheMember.

    Names of files in it tell only accounts and dates, never content. A PDF that cannot be made now is left out, and
    the index has null for its name.
    """
    if office.member_id != by.pk:
        raise NotTheMember
    file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - the caller closes it
    try:
        with ZipFile(file, "w", ZIP_DEFLATED) as archive:
            _write_all(archive, office)
        with transaction.atomic():
            audit.append(office=office, action=Action.ALL_EXPORTED, about=office, by=by)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


def _write_all(archive: ZipFile, office: Office) -> None:
    accounts = []
    for account in SocialAccount.objects.filter(office=office).order_by("pk"):
        folder = f"accounts/{_slug(account)}"
        entry = {
            "platform": account.platform,
            "handle": account.handle,
            "display_name": account.display_name,
            "address": account.address,
            "purpose": account.purpose,
            "added_at": moment_in_json(account.added_at),
        }
        archive.writestr(f"{folder}/account.json", _json(entry))
        assessments = [_write_assessment(archive, folder, each) for each in _assessments(account)]
        accounts.append({"folder": folder, **entry, "assessments": assessments})
    with archive.open(_dated("trail.csv"), "w") as raw, io.TextIOWrapper(raw, "utf-8", newline="") as text:
        write_csv(text, TRAIL_COLUMNS, _trail(office))
    index = {
        "made_at": moment_in_json(timezone.now()),
        "office": office.name,
        "member": str(office.member),
        "starts_on": office.starts_on.isoformat(),
        "ends_on": office.ends_on.isoformat() if office.ends_on else None,
        "keep_drafts_months": office.keep_drafts_months,
        "keep_attested_years": office.keep_attested_years,
        "accounts": accounts,
    }
    archive.writestr("index.json", _json(index))


def _dated(name: str) -> ZipInfo:
    """An entry that is written in pieces, with today's date. Without one, its date would be in 1980."""
    entry = ZipInfo(name, timezone.localtime().timetuple()[:6])
    entry.compress_type = ZIP_DEFLATED
    entry.external_attr = 0o600 << 16
    return entry


def _slug(account: SocialAccount) -> str:
    """A folder's name; the key tells apart accounts whose names have the same Latin letters, or none."""
    name = readable_slug(f"{account.platform} {account.handle}")
    return f"{name or 'account'}-{account.pk}"


def _assessments(account: SocialAccount) -> Iterator[Assessment]:
    """An account's assessments, read one at a time, without deleted drafts."""
    assessments = Assessment.objects.filter(account=account, deleted_at__isnull=True)
    related = assessments.select_related("edition", "account__office__member", "started_by", "attestation")
    for key in assessments.order_by("started_at", "pk").values_list("pk", flat=True):
        yield from related.filter(pk=key)


def _write_assessment(archive: ZipFile, folder: str, assessment: Assessment) -> dict[str, Any]:
    """Write an assessment with its answers, comments, marks, record and shares; return its entry in the index."""
    attestation = assessment.attestation_or_none
    kind = "attested" if attestation else "draft"
    moment = attestation.attested_at if attestation else assessment.started_at
    inside = f"{folder}/{kind}-{_day(moment)}-{assessment.pk}"
    entry: dict[str, Any] = {
        "folder": inside,
        "started_at": moment_in_json(assessment.started_at),
        "started_by": person_at(assessment.started_by, assessment.started_at),
    }
    as_of = attestation.as_of if attestation else timezone.localdate()
    archive.writestr(f"{inside}/answers.json", answers_document(assessment_state(assessment, as_of=as_of)))
    if comments := _comments(assessment):
        archive.writestr(f"{inside}/comments.json", _json(comments))
    if marks := _done_marks(assessment):
        archive.writestr(f"{inside}/done.json", _json(marks))
    if attestation is None:
        return entry
    archive.writestr(f"{inside}/record.json", attestation.record)
    entry |= {
        "attested_at": moment_in_json(attestation.attested_at),
        "attested_by": attestation.signer,
        "sha256": attestation.sha256,
        "code": attestation.code,
        "pdf": _write_pdf(archive, f"{inside}/record.pdf", attestation),
    }
    shares = attestation.shares.order_by("shared_at", "pk").select_related("content", "withdrawal", "request")
    return entry | {"shares": [_write_share(archive, inside, share) for share in shares.iterator()]}


def _comments(assessment: Assessment) -> list[dict[str, Any]]:
    threads = assessment.threads.prefetch_related(
        "comments__author__former_names", "resolved_by__former_names"
    )
    return [
        {
            "about": thread.about,
            "subject": thread.subject,
            "resolved_by": thread.resolved_by_name or None,
            "resolved_at": moment_in_json(thread.resolved_at) if thread.resolved_at else None,
            "comments": [
                {"by": comment.by_name, "at": moment_in_json(comment.written_at), "text": comment.text}
                for comment in thread.comments.all()
            ],
        }
        for thread in threads
    ]


def _done_marks(assessment: Assessment) -> list[dict[str, Any]]:
    return [
        {"rule": mark.rule, "by": mark.by_name, "at": moment_in_json(mark.marked_at)}
        for mark in assessment.done_marks.with_names()
    ]


def _write_share(archive: ZipFile, folder: str, share: Share) -> dict[str, Any]:
    """Write a share, or what is left of a withdrawn one; return its entry in the index."""
    inside = f"{folder}/shared-{_day(share.shared_at)}-{share.pk}"
    withdrawal = getattr(share, "withdrawal", None)
    entry: dict[str, Any] = {
        "shared_at": moment_in_json(share.shared_at),
        "withdrawn_at": moment_in_json(withdrawal.withdrawn_at) if withdrawal else None,
        "sha256": share.sha256,
        "code": share.code,
    }
    if withdrawal is None:
        content = share.content
        archive.writestr(f"{inside}.json", content.record)
        entry["pdf"] = _write_pdf(archive, f"{inside}.pdf", share)
        entry["summary"] = _write_pdf(archive, f"{inside}-summary.pdf", share, Kind.SUMMARY)
    if exchange := exchange_of(share):
        archive.writestr(f"{inside}-exchange.txt", exchange)
    return entry


def _write_pdf(archive: ZipFile, name: str, record: Record, kind: Kind = Kind.FULL) -> str | None:
    try:
        archive.writestr(name, pdf_of(record, kind))
    except (PressError, CannotStore):
        return None
    return name


def exchange_of(share: Share) -> str:
    """The question asked with a share and the answers to it, as text; empty where nothing was asked.

    The office and the account have the names that the share gives them; their present names may never have been
    shared.
    """
    asked = getattr(share, "request", None)
    if asked is None:
        return ""
    edition = encoded(share.attestation.assessment.edition)
    account = share.attestation.assessment.account
    office_name, account_name = account.office.name, str(account)
    if not hasattr(share, "withdrawal"):
        facts = desk_facts(share.content.record)
        office_name, account_name = facts.office_name, facts.account
    context = {
        "share": share,
        "office": office_name,
        "account": account_name,
        "asked": asked,
        "asked_about": [edition.rule[rule].title for rule in asked.about if rule in edition.rule],
        "entries": asked.entries.prefetch_related("author__former_names"),
    }
    return render_to_string("sharing/exchange.txt", context)


def _trail(office: Office) -> Iterator[tuple[object, ...]]:
    """The rows of the audit trail as CSV, the oldest event first, without network addresses."""
    events = AuditEvent.objects.of_chain(office.pk).order_by("number").select_related("actor")
    last = 0
    while chunk := list(events.filter(number__gt=last)[:CHUNK_SIZE]):
        for event, line in zip(chunk, in_words(chunk), strict=True):
            yield event.number, moment_in_table(event.at), line.words, event.hash
        last = chunk[-1].number


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def _day(moment: datetime) -> str:
    return timezone.localdate(moment).isoformat()
