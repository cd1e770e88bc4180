"""The export of everything that an office keeps."""

import csv
import io
import json
import re
from datetime import date
from typing import Any
from zipfile import ZipFile

import pytest
from django.db import DatabaseError
from django.utils import timezone

from assessments.models import Attestation, AuditEvent, Office, Share, User
from assessments.pdf.press import PressError, PrintProblem
from assessments.scoring.document import read_document
from assessments.services import audit, drafts, office_copy, reviewing, sharing
from assessments.services.answering import Change, save_answers
from assessments.services.attesting import NotTheMember
from assessments.services.audit import Action
from bulletin.shelf import calendar, editions
from tests.cast import Cast, account_of, attested, client_of, shared

pytestmark = pytest.mark.django_db

PDF = b"%PDF-1.7 a print"


@pytest.fixture(scope="module")
def module_filled(module_cast: Cast) -> None:
    """A draft with an answer, a note and a comment; an attestation with a current share and a withdrawn one."""
    User.objects.filter(pk=module_cast.member.pk).update(name='=HYPERLINK("http://example.com")')
    member, account, draft = module_cast.member, module_cast.account, module_cast.draft
    account_of(account.office, "X", "../../ΠΑΤ")
    changes = [Change("resources.email", "yes", "a note on it")]
    save_answers(draft=draft, changes=changes, by=member)
    reviewing.comment(assessment=draft, about="whole", subject="", text="a comment", by=member)
    drafts.delete_draft(assessment=drafts.start_assessment(account=account, by=member), by=member)
    attestation = attested(account, notes={"resources.email": "another note"})
    answered_share = shared(attestation, ask="May I do that?")
    sharing.write_advice(share=answered_share, text="Yes, you may.", by=module_cast.officer)
    sharing.withdraw(share=shared(attestation, nonce="b" * 64), by=member)


@pytest.fixture
def office(cast: Cast, module_filled: None, monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.setattr(office_copy, "pdf_of", lambda *_: PDF)
    office: Office = cast.office
    return office


def exported(office: Office) -> ZipFile:
    answer: Any = client_of(office.member).post(f"/office/{office.pk}/export")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/zip"
    today = timezone.localdate().isoformat()
    assert answer["Content-Disposition"] == f'attachment; filename="everything-{today}.zip"'
    assert "no-store" in answer["Cache-Control"]
    archive = ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    assert archive.testzip() is None
    return archive


@pytest.mark.postgres
def test_everything_is_in_it_and_names_tell_of_accounts_and_days_alone(office, cast):
    attestation, standing = Attestation.objects.get(), Share.objects.standing().get()
    archive = exported(office)
    today = timezone.localdate().isoformat()
    first, second = office.accounts.order_by("pk").values_list("pk", flat=True)
    home = f"accounts/tiktok-ward10-6142-{first}"
    whole = f"{home}/attested-{today}-{attestation.assessment_id}"
    mine = f"{home}/draft-{today}-{cast.draft_pk}"
    assert sorted(archive.namelist()) == sorted(
        [
            f"{home}/account.json",
            f"accounts/x-πατ-{second}/account.json",
            f"{mine}/answers.json",
            f"{mine}/comments.json",
            f"{whole}/answers.json",
            f"{whole}/record.json",
            f"{whole}/record.pdf",
            f"{whole}/shared-{today}-{standing.pk}.json",
            f"{whole}/shared-{today}-{standing.pk}.pdf",
            f"{whole}/shared-{today}-{standing.pk}-summary.pdf",
            f"{whole}/shared-{today}-{standing.pk}-exchange.txt",
            "index.json",
            "trail.csv",
        ]
    )
    document = read_document(archive.read(f"{mine}/answers.json"), editions(), calendar())
    assert (dict(document.answers), dict(document.notes)) == (
        {"resources.email": "yes"},
        {"resources.email": "a note on it"},
    )
    (thread,) = json.loads(archive.read(f"{mine}/comments.json"))
    assert [comment["text"] for comment in thread["comments"]] == ["a comment"]
    assert archive.read(f"{whole}/record.json").decode() == attestation.record
    assert archive.read(f"{whole}/record.pdf") == PDF
    assert archive.read(f"{whole}/shared-{today}-{standing.pk}.json").decode() == standing.content.record
    exchange = archive.read(f"{whole}/shared-{today}-{standing.pk}-exchange.txt").decode()
    assert exchange.index("May I do that?") < exchange.index("Yes, you may.")
    index = json.loads(archive.read("index.json"))
    assert (index["office"], len(index["accounts"])) == ("Ward 10", 2)
    entry = index["accounts"][0]["assessments"][1]
    assert (entry["pdf"], entry["sha256"]) == (f"{whole}/record.pdf", attestation.sha256)
    assert [bool(share["withdrawn_at"]) for share in entry["shares"]] == [False, True]


def test_the_trail_is_a_table_that_no_spreadsheet_reckons_with(office):
    archive = exported(office)
    rows = list(csv.reader(io.StringIO(archive.read("trail.csv").decode("utf-8-sig"), newline="")))
    assert rows[0] == ["number", "at", "what", "hash"]
    events = AuditEvent.objects.of_chain(office.pk).exclude(action=Action.ALL_EXPORTED)
    assert [int(row[0]) for row in rows[1:]] == sorted(events.values_list("number", flat=True))
    assert archive.read("trail.csv").startswith(b"\xef\xbb\xbf")
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d E[SD]T", row[1]) for row in rows[1:])
    assert {entry.date_time[:3] for entry in archive.infolist()} == {timezone.localdate().timetuple()[:3]}
    assert rows[1][2].startswith("'=HYPERLINK")
    assert not [cell for row in rows for cell in row if re.match(r"\s*[=+@-]", cell)]
    assert AuditEvent.objects.filter(action=Action.ALL_EXPORTED).count() == 1


def test_a_trail_longer_than_what_is_held_in_memory_is_whole(office, monkeypatch):
    monkeypatch.setattr(office_copy, "CHUNK_SIZE", 2)
    rows = exported(office).read("trail.csv").decode().splitlines()
    assert len(rows) == AuditEvent.objects.of_chain(office.pk).count()


def test_a_pdf_that_cannot_be_made_is_left_out_and_the_index_says_so(office, monkeypatch):

    def fail(*_: Any) -> bytes:
        raise PressError(PrintProblem.BROKEN, "no press")

    monkeypatch.setattr(office_copy, "pdf_of", fail)
    archive = exported(office)
    assert not [name for name in archive.namelist() if name.endswith(".pdf")]
    assert json.loads(archive.read("index.json"))["accounts"][0]["assessments"][1]["pdf"] is None


def test_a_long_copy_lies_on_disk_without_a_name(office, monkeypatch):
    monkeypatch.setattr(office_copy, "IN_MEMORY", 1_000)
    with office_copy.export_all(office=office, by=office.member) as file:
        assert file._rolled  # type: ignore[attr-defined]  # whether it is on disk
        assert ZipFile(file).testzip() is None


def test_what_is_not_in_the_trail_is_not_given(office, monkeypatch):
    def fail(**_: Any) -> None:
        raise DatabaseError

    monkeypatch.setattr(audit, "append", fail)
    with pytest.raises(DatabaseError):
        office_copy.export_all(office=office, by=office.member)


def test_of_an_ended_term_the_member_still_takes_everything_and_nobody_else_does(office, cast):
    Office.objects.update(ends_on=date(2026, 6, 1))
    assert "index.json" in exported(office).namelist()
    assert cast.client("staff").post(f"/office/{office.pk}/export").status_code == 404
    with pytest.raises(NotTheMember):
        office_copy.export_all(office=cast.office, by=cast.staff)


def test_each_office_has_its_own(office, cast):
    archive = exported(cast.elsewhere)
    assert sorted(archive.namelist()) == ["index.json", "trail.csv"]
    assert len(archive.read("trail.csv").decode().splitlines()) == 1
