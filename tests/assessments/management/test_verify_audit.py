"""`manage.py verify_audit`: it names whatever anyone did to the audit trail by hand."""

import io
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from assessments.models import (
    Assessment,
    Attestation,
    AuditAddress,
    AuditEvent,
    AuditHead,
    Office,
    Share,
    ShareContent,
    StoredPdf,
    User,
    Withdrawal,
    frozen,
)
from assessments.models.audit import CHAINED, event_hash
from assessments.pdf.authenticity import new_code
from assessments.records.attested import sha256_of
from assessments.services import audit
from assessments.services.audit import Action, current_address, delete_addresses
from assessments.services.audit_proof import Mark, walk
from assessments.services.printing import pdf_of
from assessments.services.sharing import delete_files, withdraw
from tests.cast import account_of, attested, office_of, person, publish, shared
from tests.thawing import thaw

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

EVENTS = 7


@pytest.fixture(scope="module")
def module_office(module_db: None) -> int:
    member = person("member")
    office = office_of(member)
    office_of(person("stranger"), "Ward 4")
    token = current_address.set("192.0.2.7")
    for _ in range(EVENTS):
        audit.append(office=office, action=Action.KEPT, about=office, by=member)
    for _ in range(2):
        audit.append(office=None, action=Action.SIGN_IN_CLOSED, about=member, by=None)
    current_address.reset(token)
    thaw()
    return office.pk


@pytest.fixture
def office(module_office: int, db: None) -> Office:
    """An office with seven events, and two of the portal's. No triggers, as the database's owner can drop them."""
    return Office.objects.get(pk=module_office)


def verify(**options: Any) -> tuple[int, str]:
    """The exit code, and all that the command wrote."""
    out = io.StringIO()
    try:
        call_command("verify_audit", stdout=out, **options)
    except CommandError as error:
        return error.returncode, out.getvalue() + str(error)
    return 0, out.getvalue()


def events(office: Office, *numbers: int) -> Any:
    chain = AuditEvent.objects.filter(office=office)
    return chain.filter(number__in=numbers) if numbers else chain


def cut(office: Office, *numbers: int) -> None:
    """Remove events, with their addresses."""
    AuditAddress.objects.filter(event__in=events(office, *numbers)).delete()
    events(office, *numbers).delete()


def set_head(office: Office, count: int) -> None:
    AuditHead.objects.filter(office=office).update(count=count, hash=events(office, count).get().hash)


def rewrite(office: Office, first: int) -> None:
    """Rebuild a chain from an event on, and its head, with no actor in any event."""
    AuditAddress.objects.all().delete()
    rows = list(events(office).filter(number__gte=first).order_by("number"))
    previous = rows[0].previous
    events(office).filter(number__gte=first).delete()
    for row in rows:
        row.actor_id, row.previous = None, previous
        row.hash = previous = event_hash(vars(row))
    AuditEvent.objects.bulk_create(rows)
    set_head(office, len(rows) + first - 1)


def test_a_trail_that_nobody_touched_holds_with_and_without_its_addresses(office, tmp_path):
    report = (
        f"The portal: 2 events, intact.\nOffice {office.pk}: 7 events, intact.\n"
        "Compared records: 0, stored files: 0. All match.\n"
    )
    anchor = tmp_path / "anchor.json"
    assert verify(write_anchor=str(anchor)) == (0, report)
    head = AuditHead.objects.get(office=office)
    assert json.loads(anchor.read_text())[str(office.pk)] == {"count": 7, "hash": head.hash}
    assert [path.name for path in tmp_path.iterdir()] == ["anchor.json"]
    assert delete_addresses(until=events(office, 4).get().at) == 4
    with transaction.atomic():
        audit.append(office=office, action=Action.KEPT, about=office, by=None)
    assert verify(anchor=str(anchor)) == (0, report.replace("7 events", "8 events"))


def test_an_empty_trail_holds(office):
    for model in (AuditAddress, AuditEvent, AuditHead):
        model.objects.all().delete()
    assert verify() == (0, "The audit trail is empty.\n")


# --- A change in each column ------------------------------------------------------------------


CHANGED: dict[str, Callable[[AuditEvent], Any]] = {
    "office": lambda _: Office.objects.get(name="Ward 4"),
    "number": lambda _: 99,
    "at": lambda event: event.at + timedelta(microseconds=1),
    "actor": lambda _: User.objects.get(name="Kim Tran"),
    "action": lambda _: Action.SHARED,
    "record_type": lambda _: "user",
    "record_id": lambda event: event.record_id + 1,
    "address_hash": lambda _: "0" * 64,
    "previous": lambda _: "0" * 64,
    "record_hash": lambda _: "0" * 64,
    "hash": lambda _: "0" * 64,
}
"""For each column, a value that differs from an event's own."""


@pytest.mark.parametrize("number", [2, 4, EVENTS])
@pytest.mark.parametrize("name", [field.name for field in AuditEvent._meta.concrete_fields])
def test_a_change_in_any_column_is_found(office, name, number):
    AuditAddress.objects.all().delete()
    event = events(office, number).get()
    assert events(office, number).update(**{name: CHANGED[name](event)}) == 1
    code, report = verify()
    assert code == 1
    assert "The portal: 2 events, intact." in report
    assert (
        f"Office {office.pk}: Event {number} " in report
        or f"Office {office.pk}: Events are missing" in report
    )


@pytest.mark.parametrize("name", ["office", "actor"])
def test_a_column_that_was_emptied_is_found(office, name):
    AuditAddress.objects.all().delete()
    events(office, 5).update(**{name: None})
    assert verify()[0] == 1


@pytest.mark.parametrize("name", ["address", "salt"])
def test_a_changed_address_is_found(office, name):
    AuditAddress.objects.filter(event__in=events(office, 3)).update(**{name: "192.0.2.8"})
    assert "The network address of event 3 was changed." in verify()[1]


def test_an_address_that_was_put_to_an_event_without_one_is_found(office):
    with transaction.atomic():
        audit.append(office=office, action=Action.KEPT, about=office, by=None)
    AuditAddress.objects.create(event=events(office, 8).get(), address="192.0.2.8", salt="")
    assert "The network address of event 8 was changed." in verify()[1]


# --- Rows that are missing, or in another's place ------------------------------------------------


def swap(office: Office) -> None:
    for old, new in ((3, 100), (4, 3), (100, 4)):
        events(office, old).update(number=new)


def swap_contents(office: Office) -> None:
    third, fourth = (events(office, number).get() for number in (3, 4))
    for number, source in ((3, fourth), (4, third)):
        events(office, number).update(
            **{n: getattr(source, n) for n in CHAINED if n not in ("number", "previous")}
        )
    events(office, 3).update(at=fourth.at)


def replace(office: Office) -> None:
    """Put another event in an event's place, with a correct hash."""
    AuditAddress.objects.all().delete()
    event = events(office, 4).get()
    event.action = Action.SHARED
    event.hash = event_hash(vars(event))
    events(office, 4).delete()
    event.save(force_insert=True)


def add_at_the_end(office: Office) -> None:
    last = events(office, EVENTS).get()
    last.number, last.previous, last.address_hash = EVENTS + 1, last.hash, ""
    last.hash = event_hash(vars(last))
    last.save(force_insert=True)


TAMPERING: dict[str, tuple[Callable[[Office], Any], str]] = {
    "the first row taken out": (lambda o: cut(o, 1), "Event 1 is missing."),
    "a row taken out": (lambda o: cut(o, 4), "Event 4 is missing."),
    "numbers swapped": (swap, "Event 3 was changed."),
    "contents swapped": (swap_contents, "Event 3 was changed."),
    "a row in place of another": (replace, "Event 5 does not follow event 4"),
    "the tail cut": (lambda o: cut(o, 6, 7), "Events are missing at the end: the head of the chain counts 7"),
    "all cut": (
        cut,
        "Events are missing at the end: the head of the chain counts 7, and there are 0",
    ),
    "the head gone": (
        lambda o: AuditHead.objects.filter(office=o).delete(),
        "Events were inserted at the end: the head of the chain counts 0.",
    ),
    "a row put in at the end": (add_at_the_end, "Events were inserted at the end"),
    "the head's hash": (
        lambda o: AuditHead.objects.filter(office=o).update(hash="0" * 64),
        "Event 7 is not the one that the head of its chain names.",
    ),
}


@pytest.mark.parametrize("name", TAMPERING)
def test_whatever_was_done_to_a_chain_is_named(office, name):
    tamper, fault = TAMPERING[name]
    tamper(office)
    code, report = verify()
    assert code == 1
    assert f"Office {office.pk}: {fault}" in report
    assert "One chain is not intact" in report


# --- What only an anchor shows --------------------------------------------------------------------


def cut_with_head(office: Office) -> None:
    cut(office, 6, 7)
    set_head(office, 5)


def cut_and_gone_on(office: Office) -> None:
    cut_with_head(office)
    with transaction.atomic():
        for _ in range(4):
            audit.append(office=office, action=Action.SHARED, about=office, by=None)


def all_gone(office: Office) -> None:
    cut(office)
    AuditHead.objects.filter(office=office).delete()


@pytest.mark.parametrize(
    ("tamper", "fault"),
    [
        (cut_with_head, "Events are missing at the end: the anchor counts 7, and there are 5."),
        (cut_and_gone_on, "Event 7 is not the one that the anchor names."),
        (lambda o: rewrite(o, 1), "Event 7 is not the one that the anchor names."),
        (lambda o: rewrite(o, 7), "Event 7 is not the one that the anchor names."),
        (all_gone, "Events are missing at the end: the anchor counts 7, and there are 0."),
    ],
    ids=["tail with its head", "tail with its head, then more", "rewritten", "last rewritten", "all gone"],
)
def test_a_chain_that_holds_by_itself_is_held_against_an_anchor(office, tmp_path, tamper, fault):
    anchor = tmp_path / "anchor.json"
    verify(write_anchor=str(anchor))
    tamper(office)
    assert verify()[0] == 0
    code, report = verify(anchor=str(anchor))
    assert code == 1
    assert f"Office {office.pk}: {fault}" in report


def test_no_anchor_is_written_of_a_trail_that_does_not_hold(office, tmp_path):
    cut(office, 4)
    assert verify(write_anchor=str(tmp_path / "anchor.json"))[0] == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", "[]", "{", '{"portal": 3}', '{"x": {"count": 1, "hash": ""}}', None])
def test_what_is_no_anchor_is_refused(tmp_path, content):
    anchor = Path(tmp_path / "anchor.json")
    if content is not None:
        anchor.write_text(content)
    code, report = verify(anchor=str(anchor))
    assert code == 2
    assert report.startswith(f"--anchor: {anchor}: ")


def test_an_anchor_that_cannot_be_written_is_reported(office, tmp_path):
    assert verify(write_anchor=str(tmp_path / "nowhere" / "anchor.json"))[0] == 2


# --- While people work -------------------------------------------------------------------------------


def test_what_is_appended_during_a_walk_is_no_fault(office, monkeypatch):
    real = AuditHead.objects.filter(office=office).get()
    AuditHead.objects.filter(office=office).update(count=5, hash=events(office, 5).get().hash)

    def then_append(_: int) -> None:
        AuditHead.objects.filter(office=office).update(count=real.count, hash=real.hash)

    monkeypatch.setattr("assessments.services.audit_proof.CHUNK_SIZE", 5)
    assert walk(str(office.pk), advance=then_append).mark == Mark(real.count, real.hash)
    assert walk(str(office.pk)).fault == ""


def test_a_walk_asks_the_database_as_often_for_many_events_as_for_few(office):
    with CaptureQueriesContext(connection) as few:
        walk("portal")
    with CaptureQueriesContext(connection) as many:
        walk(str(office.pk))
    assert len(few) == len(many) <= 2


# --- Records and files ------------------------------------------------------------------------


@pytest.fixture
def records(office: Office, unprinted: None) -> tuple[Attestation, Share]:
    """An attestation and a share of the office, with their PDFs, as the services write them."""
    publish()
    attestation = attested(account_of(office))
    share = shared(attestation, ask="May I?")
    for record in (attestation, share):
        pdf_of(record)
    return attestation, share


def hashless(action: str) -> None:
    """Make an event like one from before events had a hash, and rebuild the chain."""
    row = AuditEvent.objects.filter(action=action).order_by("number").first()
    assert row
    AuditAddress.objects.all().delete()
    office = Office.objects.get(pk=row.office_id or 0)
    first, chain = row.number, events(office)
    rows = list(chain.filter(number__gte=first).order_by("number"))
    previous = rows[0].previous
    chain.filter(number__gte=first).delete()
    for event in rows:
        event.record_hash = "" if event.action == action else event.record_hash
        event.previous = previous
        event.hash = previous = event_hash(vars(event))
    AuditEvent.objects.bulk_create(rows)
    set_head(office, rows[-1].number)


def test_the_event_of_an_attestation_share_and_print_has_the_hash_of_its_record(records):
    attestation, share = records
    hashes = dict(AuditEvent.objects.exclude(record_hash="").values_list("action", "record_hash"))
    assert hashes["attested"] == attestation.sha256
    assert hashes["shared"] == share.sha256
    assert hashes.keys() == {"attested", "shared", "printed"}
    code, report = verify()
    assert code == 0
    assert "Compared records: 2, stored files: 2. All match." in report


def test_a_record_that_was_rewritten_is_found_with_and_without_its_hash(records):
    attestation, share = records
    forged = attestation.record.replace("Ana Silva", "Hacked By Admin")
    Attestation.objects.update(record=forged)
    code, report = verify()
    assert code == 1
    assert f"The record of attestation {attestation.pk} was changed" in report
    Attestation.objects.update(sha256=sha256_of(forged))
    code, report = verify()
    assert code == 1
    assert f"Attestation {attestation.pk} does not match the hash in its event." in report
    ShareContent.objects.update(record="{}")
    assert f"The record of share {share.pk} was changed" in verify()[1]


def test_a_stored_file_that_was_changed_is_found_and_one_that_is_missing_is_counted(records):
    stored = StoredPdf.objects.get(attestation__isnull=False)
    default_storage.delete(stored.name)
    code, report = verify()
    assert code == 0
    assert "Missing files, which the portal renders again on request: 1." in report
    default_storage.save(stored.name, ContentFile(b"%PDF another"))
    code, report = verify()
    assert code == 1
    assert f"The file of stored PDF {stored.pk} was changed." in report
    StoredPdf.objects.filter(pk=stored.pk).update(sha256=sha256_of("%PDF another"))
    code, report = verify()
    assert code == 1
    assert f"Stored PDF {stored.pk} does not match the hash in its event." in report


def test_a_record_without_an_event_is_found(records):
    attestation, _ = records
    other = Assessment.objects.create(
        account=attestation.assessment.account,
        edition=attestation.assessment.edition,
        started_by=attestation.attested_by,
    )
    Attestation.objects.create(
        assessment=other,
        attested_by=attestation.attested_by,
        as_of=attestation.as_of,
        overall="consistent",
        record="{}",
        sha256=sha256_of("{}"),
        code=new_code(),
    )
    code, report = verify()
    assert code == 1
    assert "has no event: it was inserted by hand." in report


@pytest.mark.parametrize("action", ["attested", "shared"])
def test_events_from_before_the_hash_are_counted_and_do_not_fail(records, action):
    hashless(action)
    code, report = verify()
    assert code == 0
    assert "Compared with their own hash only, because their events are older: 1." in report


def put_in(attestation: Attestation) -> StoredPdf:
    return StoredPdf.objects.create(attestation=attestation, name="forged.pdf", sha256="0" * 64, size=3)


def test_a_stored_pdf_without_an_event_is_found(records):
    stored = put_in(records[0])
    code, report = verify()
    assert code == 1
    assert f"Stored PDF {stored.pk} has no event: it was inserted by hand." in report


@pytest.mark.parametrize("has_hashes", [True, False])
def test_one_from_before_events_had_a_hash_is_counted_and_does_not_fail(records, has_hashes):
    stored = put_in(records[0])
    if has_hashes:
        first = AuditEvent.objects.exclude(record_hash="").order_by("at").first()
        assert first
        StoredPdf.objects.filter(pk=stored.pk).update(made_at=first.at - timedelta(seconds=1))
    else:
        for action in ("printed", "shared", "attested"):
            hashless(action)
    code, report = verify()
    assert code == 0
    assert f"because their events are older: {1 if has_hashes else 5}." in report


def test_a_share_whose_content_was_removed_is_found(records):
    _, share = records
    ShareContent.objects.all().delete()
    code, report = verify()
    assert code == 1
    assert f"Share {share.pk} has no content, and no event says that it was withdrawn." in report
    Withdrawal.objects.create(share=share, withdrawn_by=share.shared_by)
    assert verify()[0] == 1


def test_what_was_withdrawn_is_no_fault(records):
    _, share = records
    frozen.install(using="default")
    withdraw(share=share, by=share.shared_by)
    delete_files(share=share)
    assert verify()[0] == 0


def test_a_storage_that_cannot_be_read_is_said(records, monkeypatch):
    def fails(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr("django.core.files.storage.FileSystemStorage.open", fails)
    code, report = verify()
    assert code == 2
    assert "so not all files were compared" in report
