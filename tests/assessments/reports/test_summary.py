"""A share's summary: on two pages at most, whatever was shared, and tagged like its sibling."""

import io
from datetime import UTC, date, datetime
from typing import Any

import pikepdf
import pytest
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction

from assessments.models import (
    AdviceRequest,
    Attestation,
    AuditEvent,
    Share,
    StoredPdf,
)
from assessments.pdf.authenticity import Proof
from assessments.pdf.press import PressError
from assessments.records.shared import Picked, offered, shared_record
from assessments.records.state import assessment_state
from assessments.reports.summary import AskedFor, Summary, summaries_pdf, summarize, summary_pdf
from assessments.services import printing, sharing
from assessments.services.printing import Kind, pdf_of, print_record, summary_of
from assessments.services.verifying import judge_file
from bulletin import shelf
from tests.cast import account_of, attested, office_of, person, shared
from tests.reading import assert_pdf_ua, blocks_of_pdf, flat, opened
from tests.tables import edition

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 7, 1, 15, 0, tzinfo=UTC)
FULL = {
    "account.stage": "planned",
    "resources.print": "yes",
    "resources.logo": "yes",
    "resources.devices": "unsure",
    "resources.policies": "unsure",
    "election.use": "planned",
    "election.separate": "no",
    "election.supported": "yes",
    "election.place": "yes",
    "election.plan": "no",
    "election.publications": "unsure",
    "election.registration": "unsure",
    "election.label": "unsure",
    "election.keep": "no",
    "political.promotes": "yes",
    "influence.regular": "yes",
    "conduct.reputation": "unsure",
    "conduct.capacities": "unsure",
    "confidential.meetings": "yes",
    "confidential.disclosure": "unsure",
    "confidential.requests": "unsure",
    "gifts.value": "unsure",
    "gifts.other": "yes",
    "terms.public": "unsure",
    "terms.requests": "no",
    "terms.appeal": "unsure",
    "moderation.removes": "unsure",
    "moderation.police": "unsure",
    "moderation.impact": "yes",
}
"""Answers of which more follows than the lists hold, with many days to do it by."""
PICTURES = "".join(map(chr, range(0x1F300, 0x1F300 + 700)))
GIVEN = {"conduct.abuse": "yes", "resources.email": "yes", "resources.website": "yes"}
NOTES = {"conduct.abuse": "Once, by Jo Tremblay. مرحبا", "gifts.value": "Withheld zq7."}


@pytest.fixture
def attestation(cast, time_machine) -> Attestation:
    time_machine.move_to(NOW, tick=False)
    return attested(account_of(cast.office, handle="@ana"), GIVEN, notes=NOTES)


def attest_as(
    given: dict[str, str], *, name: str = "Ana Silva", handle: str = "@ana", office: str
) -> Attestation:
    account = account_of(office_of(person("another", name=name), office), handle=handle)
    return attested(account, given, notes=NOTES)


def words_of(pdf: bytes) -> str:
    return flat(" ".join(text for _, text in blocks_of_pdf(opened(pdf))))


def everything(attestation: Attestation) -> dict[str, Any]:
    whole = offered(assessment_state(attestation.assessment, as_of=attestation.as_of))
    return {"rules": set(whole.rules), "questions": set(whole.questions), "notes": {"conduct.abuse"}}


def test_it_says_what_was_shared_by_whom_when_to_contact_and_what_is_asked(
    attestation, tmp_path, monkeypatch
):
    share = shared(
        attestation,
        ask="May I answer it?",
        rules={"17a", "9"},
        questions={"conduct.abuse"},
        notes={"conduct.abuse"},
        black_out={"conduct.abuse": ("Jo Tremblay",)},
    )
    pdf = pdf_of(share, Kind.SUMMARY)
    words = words_of(pdf)
    for text in (
        "Summary of a shared self-check: Ward 10",
        "X @ana",
        "Ana Silva",
        "Shared on 1 July 2026, 11:00",
        "May I answer it?",
        "Contact the Integrity Commissioner",
        "¶17",
        "2 findings; 1 answer; 1 note, words blacked out in 1 of them",
        "Draw no conclusions from that",
        share.code,
    ):
        assert flat(text) in words, text
    for withheld in ("zq7", "Tremblay", attestation.code, attestation.sha256):
        assert flat(withheld) not in words
        assert withheld.encode() not in pdf
    (tmp_path / "a.pdf").write_bytes(pdf)
    assert_pdf_ua(tmp_path / "a.pdf", monkeypatch)
    assert judge_file(pdf).authentic


@pytest.mark.parametrize(
    ("ask", "names"),
    [
        ("w " * 2_000, {"handle": "@" + "W" * 99}),
        ("x" * 4_000, {"name": "W" * 200, "handle": "W " * 50, "office": "W" * 200}),
        ("مرحبا بالعالم\n" * 280, {"name": "مرحبا", "handle": "مرحبا", "office": "مرحبا بالعالم"}),
        (PICTURES * 5, {"name": PICTURES[:200], "handle": PICTURES[:100], "office": PICTURES[:200]}),
        ("ཧྐྵྨླྺྼྻྂ" * 400, {"name": "Z" + "\u0301" * 199, "handle": "@" + "གྷ" * 40, "office": "Ward 😀 11"}),
    ],
    ids=["words", "unbroken", "arabic", "pictures", "marks"],
)
def test_whatever_was_shared_it_has_two_pages_at_most(attestation, tmp_path, monkeypatch, ask, names):
    whole = attest_as(FULL, **({"office": "Ward 11"} | names))
    pdf = pdf_of(shared(whole, ask=ask, **everything(whole)), Kind.SUMMARY)
    assert len(opened(pdf).pages) == 2
    (tmp_path / "a.pdf").write_bytes(pdf)
    assert_pdf_ua(tmp_path / "a.pdf", monkeypatch)
    words = words_of(pdf)
    assert flat("What was shared") in words
    assert flat("The full document lists") in words


def test_of_an_answer_alone_it_says_that_no_findings_were_shared_on_one_page(attestation):
    pdf = pdf_of(shared(attestation, rules=set(), questions={"conduct.abuse"}), Kind.SUMMARY)
    assert len(opened(pdf).pages) == 1
    words = words_of(pdf)
    assert flat("Only answers were shared, no points of the advisory") in words
    assert flat("0 findings; 1 answer; 0 notes") in words
    assert flat("Shared findings by section") not in words


@pytest.mark.parametrize(
    ("text", "printed", "is_cut"),
    [
        ("One\n\n\nTwo", ["One", "Two"], False),
        ("one " * 149 + "four", ["one " * 149 + "four"], False),
        ("one " * 149 + "fives", ["one " * 148 + "one"], True),
        ("one " * 149 + "four\nTwo", ["one " * 149 + "four"], True),
        ("x" * 800, ["x" * 581], True),
        ("\n".join("abcdefgh"), list("abcdefgh"), False),
        ("\n".join("abcdefghi"), list("abcdefgh"), True),
        ("x " * 295 + "😀😀", ["x " * 294 + "x"], True),
    ],
)
def test_a_question_is_cut_at_a_word_and_says_so(attestation, text, printed, is_cut):
    summary = summary_of(shared(attestation, ask=text))
    assert [line.text.replace("\u200b", "") for line in summary.question] == printed
    assert summary.is_cut is is_cut


@pytest.mark.parametrize(("most", "more"), [(0, 1), (1, 0), (8, 0)])
def test_a_list_that_is_cut_says_how_many_more(attestation, monkeypatch, most, more):
    monkeypatch.setattr("assessments.reports.summary.MAX_POINTS", most)
    share = shared(attestation, **everything(attestation))
    contacts = summary_of(share).contacts
    assert (len(contacts.groups), contacts.more) == (1 - more, more)
    assert (flat("The full document lists 1 point.") in words_of(pdf_of(share, Kind.SUMMARY))) is bool(more)


@pytest.mark.parametrize(
    "withheld",
    [
        {"gifts.unpaid": "yes", "gifts.value": "700.00"},
        {"conduct.reputation": "unsure"},
        {"terms.public": "no"},
    ],
)
def test_it_is_the_same_whatever_was_withheld(attestation, withheld):
    other = attest_as(GIVEN | withheld, office="Ward 11")
    assert other.record != attestation.record
    edition = next(iter(shelf.editions().values()))
    asked = AskedFor("May I?", (edition.rule["9"].title,), date(2026, 7, 9))
    picked = Picked(frozenset({"17a", "9"}), frozenset({"conduct.abuse"}), frozenset({"conduct.abuse"}), {})
    pdfs = set()
    for each in (attestation, other):
        state = assessment_state(each.assessment, as_of=each.as_of)
        record = shared_record(state, picked, at=attestation.attested_at, office="Ward 10", nonce="a" * 64)
        proof = Proof(
            "K35Q-TSNS-BJ65-ZH2C-CK3Y",
            "https://localhost/verify/K35Q-TSNS-BJ65-ZH2C-CK3Y",
            record.encode(),
            "Summary",
        )
        pdfs.add(summary_pdf(summarize(record, edition, proof, asked)))
    assert len(pdfs) == 1


def test_what_is_asked_stands_in_it_as_it_was_asked(cast, attestation):
    share = sharing.share(
        attestation=attestation,
        picked=Picked(frozenset({"9"}), frozenset(), frozenset(), {}),
        by=attestation.attested_by,
        nonce="a" * 64,
        asked=sharing.Asked("May I?", ("9",), date(2026, 7, 9)),
    )
    before = summary_of(Share.objects.get())
    sharing.write_advice(share=share, text="Yes, you may.", by=cast.officer)
    assert summary_of(Share.objects.get()) == before
    words = words_of(summary_pdf(before))
    assert flat("Reply needed by 9 July 2026.") in words
    assert flat(f"About: {edition().rule['9'].title}.") in words
    assert flat("you may") not in words


def test_both_are_printed_once_it_is_kept_and_both_go_when_it_is_withdrawn(
    attestation, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        share = shared(attestation)
    stored = StoredPdf.objects.filter(share=share)
    assert sorted(stored.values_list("kind", flat=True)) == ["full", "summary"]
    print_record.call("share", share.pk)
    assert stored.count() == 2
    for kind in Kind:
        # As when two print at once: neither saw the other's.
        assert printing._print(share, kind) == pdf_of(share, kind)
    assert stored.count() == 2
    names = list(stored.values_list("name", flat=True))
    assert all(map(default_storage.exists, names))
    with django_capture_on_commit_callbacks(execute=True):
        sharing.withdraw(share=share, by=attestation.attested_by)
    assert not any(map(default_storage.exists, names))


def test_one_that_is_missing_is_printed_again_to_the_same_bytes(attestation):
    share = shared(attestation, ask="May I?")
    first = pdf_of(share, Kind.SUMMARY)
    stored = StoredPdf.objects.get(share=share, kind=Kind.SUMMARY)
    default_storage.delete(stored.name)
    assert pdf_of(Share.objects.get(), Kind.SUMMARY) == first
    assert StoredPdf.objects.get(share=share, kind=Kind.SUMMARY) == stored


def test_an_attestation_has_no_summary(attestation):
    with pytest.raises(IntegrityError, match="storedpdf_summary_is_of_a_share"), transaction.atomic():
        StoredPdf.objects.create(
            attestation=attestation, kind=Kind.SUMMARY, name="a.pdf", sha256="a" * 64, size=1
        )


@pytest.mark.parametrize("is_officer", [False, True])
def test_it_is_given_beside_the_whole_and_what_an_officer_takes_is_noted(cast, attestation, is_officer):
    share = shared(attestation)
    client = cast.client("officer" if is_officer else "member")
    assert f"/shares/{share.pk}/summary.pdf" in client.get(f"/shares/{share.pk}").content.decode()
    answer = client.get(f"/shares/{share.pk}/summary.pdf")
    assert answer["Content-Disposition"] == f'attachment; filename="shared-{share.pk}-2026-07-01-summary.pdf"'
    assert answer.content == pdf_of(share, Kind.SUMMARY)
    assert AuditEvent.objects.filter(action="file_downloaded", actor=cast.officer).count() == is_officer


# --- Many in one ---------------------------------------------------------------------------------


def collected(attestation: Attestation, many: int) -> list[Summary]:
    return [summary_of(shared(attestation, nonce=f"{number:064x}", ask="May I?")) for number in range(many)]


def test_many_are_one_document_with_a_bookmark_for_each_and_its_tags(attestation, tmp_path, monkeypatch):
    office = attestation.assessment.account.office
    whole = [attestation, *(attested(account_of(office, handle=handle), GIVEN) for handle in ("@b", "@c"))]
    summaries = [summary_of(shared(each, nonce=f"{at:064x}", ask="May I?")) for at, each in enumerate(whole)]
    pdf = summaries_pdf(summaries)
    (tmp_path / "a.pdf").write_bytes(pdf)
    assert_pdf_ua(tmp_path / "a.pdf", monkeypatch)
    with pikepdf.open(io.BytesIO(pdf)) as document, document.open_outline() as outline:
        assert [str(item.title) for item in outline.root] == [
            f"Ward 10, X @{name}, 1 July 2026" for name in ("ana", "b", "c")
        ]
        assert len(document.pages) == 3
    for summary in summaries:
        assert flat(summary.proof.code) in words_of(pdf)


@pytest.mark.parametrize("many", [0, 101])
def test_none_or_too_many_are_refused(attestation, many):
    summaries = collected(attestation, 1)
    with pytest.raises(ValueError, match=f"{many} summaries"):
        summaries_pdf(summaries * many)


def test_a_summary_that_is_hostile_is_stopped_like_any_document(attestation, monkeypatch):
    monkeypatch.setattr("assessments.pdf.press.MAX_HTML", 100)
    (summary,) = collected(attestation, 1)
    with pytest.raises(PressError):
        summary_pdf(summary)
    assert Share.objects.count() == 1
    assert AdviceRequest.objects.count() == 1
