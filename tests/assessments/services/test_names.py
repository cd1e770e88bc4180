"""Names: what was signed keeps the name that it was signed with, and a change of name leaves a trace."""

import io
import re
import zipfile
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import transaction

from assessments.models import AuditEvent, FormerName, Office, StoredPdf, User
from assessments.reports.trail import in_words
from assessments.services import people, printing, reviewing
from assessments.services.audit import Action
from assessments.services.desk_export import collect
from assessments.services.office_copy import export_all
from assessments.services.sharing import write_advice
from tests.cast import attested, person, shared
from tests.reading import blocks_of_pdf, flat, margins_of_pdf, opened

pytestmark = pytest.mark.django_db


def rename(cast: Any, name: str = "Hacked By Admin") -> None:
    people.rename_person(user=cast.member, name=name, by=cast.administrator)


def actions(office: Any) -> list[str]:
    return list(AuditEvent.objects.of_chain(office).values_list("action", flat=True))


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, Any]]:
    """What would be printed: the projection and the proof of each PDF."""
    prints: list[tuple[Any, Any]] = []

    def keep(projection: Any, proof: Any) -> bytes:
        prints.append((projection, proof))
        return f"{projection}{proof}".encode()

    monkeypatch.setattr(printing, "advisory_pdf", keep)
    return prints


def test_a_pdf_that_is_printed_again_has_the_names_that_were_signed(cast, attestation, printed):
    first = printing.pdf_of(attestation)
    default_storage.delete(StoredPdf.objects.get().name)
    rename(cast)
    people.rename_office(office=cast.office, name="Ward 99", by=cast.administrator)
    attestation.refresh_from_db()
    again = printing.pdf_of(type(attestation).objects.get(pk=attestation.pk))
    assert again == first
    assert printed[1][1].stamp.startswith("Attested by Ana Silva on ")
    assert b"Hacked" not in again


def test_a_share_that_is_printed_again_has_them_too(cast, attestation, printed):
    share = shared(attestation, ask="May I?")
    first = printing.pdf_of(share)
    default_storage.delete(StoredPdf.objects.get().name)
    rename(cast)
    people.rename_office(office=cast.office, name="Ward 99", by=cast.administrator)
    assert printing.pdf_of(type(share).objects.get(pk=share.pk)) == first
    page = cast.client("officer").get(f"/shares/{share.pk}").content.decode()
    assert "Ward 99" not in page
    assert "Hacked" not in page
    assert "Ward 10" in page
    assert "Shared by Ana Silva" in page


def test_the_pages_of_what_was_attested_name_who_signed_it(cast, attestation):
    rename(cast)
    for page in ("", "advisory", "answers", "review"):
        html = cast.client("staff").get(f"/assessments/{attestation.assessment_id}/{page}").content.decode()
        # What is not asked any more was not signed.
        assert "Hacked By Admin" not in html.partition('id="not-asked"')[0], page
        assert page == "answers" or "Ana Silva" in html, page


def test_what_was_shared_and_written_keeps_the_names_of_the_time(cast, attestation, unprinted):
    share = shared(attestation, ask="May I?")
    write_advice(share=share, text="You may.", by=cast.officer)
    about = {"assessment": attestation.assessment, "about": "whole", "subject": ""}
    thread = reviewing.comment(**about, text="A comment.", by=cast.member)
    reviewing.resolve(thread=thread, by=cast.member, seen=thread.version)
    rename(cast)
    people.rename_person(user=cast.officer, name="Hacked Officer", by=cast.administrator)
    archive = zipfile.ZipFile(io.BytesIO(b"".join(export_all(office=cast.office, by=cast.member))))
    # The copy's index, its drafts and the trail are of today.
    names = [name for name in archive.namelist() if "/attested-" in name]
    copied = {name: archive.read(name).decode() for name in names}
    officer, staff = cast.client("officer"), cast.client("staff")
    on_pages = {
        "share": officer.get(f"/shares/{share.pk}").content.decode(),
        "exchange": officer.get(f"/shares/{share.pk}/exchange.txt").content.decode(),
        "desk": officer.get("/desk/").content.decode(),
        "exported": b"".join(collect(keys=[share.pk], form="jsonl").chunks).decode(),
        "attested": staff.get(f"/assessments/{attestation.assessment_id}/").content.decode(),
        "review": staff.get(f"/assessments/{attestation.assessment_id}/review").content.decode(),
        "waiting": staff.get("/office/waiting").content.decode(),
    }
    # The head of a page has its reader's present name, and the desk's filter those of the offices.
    shown = {
        name: re.sub(r"<option.*?</option>", "", text.rpartition("</header>")[2])
        for name, text in (on_pages | copied).items()
    }
    # The office's own pages add the present name, as its trail does. What is attested or shared never has it.
    for name in ("review", "waiting"):
        shown[name] = shown[name].replace(" (now Hacked By Admin)", "").replace(" (now Hacked Officer)", "")
    assert [name for name, text in shown.items() if "Hacked" in text] == []
    for name in ("share", "exchange", "exported", "attested"):
        assert "Robin Ng" in shown[name], name
    for name in ("share", "exchange", "review", "waiting"):
        assert "Ana Silva" in shown[name], name


def test_what_is_written_after_a_change_of_name_has_the_new_one(cast, attestation, unprinted):
    share = shared(attestation, ask="May I?")
    rename(cast, "Ana Roy")
    write_advice(share=share, text="Thanks.", by=cast.member)
    page = cast.client("officer").get(f"/shares/{share.pk}").content.decode()
    assert "Shared by Ana Silva on " in page
    assert "Ana Roy, " in page


def test_a_new_attestation_has_the_new_name(cast):
    rename(cast, "Ana Silva-Roy")
    assert attested(cast.account).signer == "Ana Silva-Roy"


def test_a_change_of_name_is_in_the_trail_of_the_portal_and_of_the_office(cast, attestation):
    before = AuditEvent.objects.of_chain(cast.office_pk).first()
    rename(cast, "Ana Silva-Roy")
    assert actions(cast.office_pk)[0] == actions(None)[0] == Action.RENAMED
    assert before is not None
    (earlier,) = in_words([before])
    assert earlier.words.startswith("Ana Silva (now Ana Silva-Roy) ")
    (line,) = in_words(AuditEvent.objects.of_chain(cast.office_pk)[:1])
    assert line.words == "Alex Martin changed the name of Ana Silva to Ana Silva-Roy"
    rename(cast, "Ana Roy")
    before = AuditEvent.objects.get(pk=before.pk)
    assert in_words([before])[0].words.startswith("Ana Silva (now Ana Roy) ")
    lines = in_words(AuditEvent.objects.of_chain(cast.office_pk)[:2])
    assert [line.words for line in lines] == [
        "Alex Martin changed the name of Ana Silva-Roy to Ana Roy",
        "Alex Martin changed the name of Ana Silva to Ana Silva-Roy (now Ana Roy)",
    ]


def test_a_change_to_the_same_name_is_none(cast):
    rename(cast, "Ana Silva")
    people.rename_office(office=cast.office, name="Ward 10", by=cast.administrator)
    assert not FormerName.objects.exists()
    assert Action.RENAMED not in actions(None)


def test_the_former_name_is_beside_the_new_one(cast):
    administrator = cast.client("administrator")
    answer = administrator.post(f"/people/{cast.member.pk}/name", {"name": " Ana Silva-Roy "})
    assert answer["Location"] == "/people/"
    administrator.post(f"/people/offices/{cast.office_pk}/name", {"name": "Ward 10 (North)"})
    page = re.sub(r"\s+", " ", administrator.get("/people/").content.decode())
    assert "Ana Silva-Roy (formerly Ana Silva)" in page
    assert "Ward 10 (North) (formerly Ward 10)" in page
    page = re.sub(r"\s+", " ", cast.client("staff").get(f"/office/{cast.office_pk}/people").content.decode())
    assert "Ana Silva-Roy (formerly Ana Silva)" in page


def test_each_former_name_is_listed_once_and_the_present_one_never(cast):
    for name in ("Sam O'Roy", "SAM O’ROY", "Sam Roy", "Sam O‘Roy"):
        people.rename_person(user=cast.staff, name=name, by=cast.administrator)
    address = f"/office/{cast.office_pk}/people"
    page = cast.client("member").get(address).content.decode()
    assert "Sam O‘Roy (formerly Sam Roy)" in page


def test_who_did_something_is_named_as_then_and_as_now_on_every_page(cast):
    before = cast.staff
    reviewing.mark_ready(assessment=cast.draft, by=before)
    reviewing.comment(assessment=cast.draft, about="whole", subject="", text="Look here.", by=before)
    people.rename_person(user=cast.staff, name="Pat O'Brien", by=cast.administrator)
    client = cast.client("member")
    named = f"{before} (now Pat O&#x27;Brien)"
    page = client.get("/office/waiting").content.decode()
    assert page.count(named) == page.count("O&#x27;Brien") == 2
    page = client.get(f"/assessments/{cast.draft_pk}/review").content.decode()
    assert page.count(named) == page.count("O&#x27;Brien") > 1


@pytest.mark.parametrize(
    ("name", "reason"),
    [("", "Enter the name"), ("WARD 4", "Another office has this name"), ("x" * 201, "200")],
)
def test_a_name_that_cannot_be_given_stays_in_the_form_with_the_reason(cast, name, reason):
    answer = cast.client("administrator").post(f"/people/offices/{cast.office_pk}/name", {"name": name})
    assert answer.status_code == 200
    assert reason in answer.content.decode()
    assert f'value="{name}"' in answer.content.decode() or not name
    assert cast.office.name == "Ward 10"


def test_an_ended_office_may_have_the_name_of_a_current_one(cast):
    Office.objects.filter(pk=cast.office_pk).update(ends_on="2026-01-01")
    people.rename_office(office=cast.office, name="Ward 4", by=cast.administrator)
    assert cast.office.name == "Ward 4"


def test_a_change_of_name_needs_a_fresh_proof(cast):
    answer = cast.client("administrator", fresh=False).post(f"/people/{cast.member.pk}/name", {"name": "New"})
    assert answer.status_code == 409
    assert cast.member.name == "Ana Silva"


def test_verify_pdf_and_the_name_within_the_pdf_agree(cast, attestation, tmp_path):
    """The finding itself: a lost file, a renamed member, and a PDF that the portal calls authentic."""
    people.rename_person(user=cast.member, name="Hacked By Admin", by=cast.administrator)
    file = tmp_path / "advisory.pdf"
    file.write_bytes(printing.pdf_of(type(attestation).objects.get(pk=attestation.pk)))
    call_command("verify_pdf", str(file))
    pdf = opened(file.read_bytes())
    words = flat(" ".join([*margins_of_pdf(pdf), *(text for _, text in blocks_of_pdf(pdf))]))
    assert flat("Attested by Ana Silva on ") in words
    assert flat("Hacked") not in words


def test_a_person_without_an_office_is_renamed_in_the_portals_trail_alone(cast):
    with transaction.atomic():
        someone: User = person("someone")
        people.rename_person(user=someone, name="Someone Else", by=cast.administrator)
    assert actions(None)[0] == Action.RENAMED
    assert Action.RENAMED not in actions(cast.office_pk)
