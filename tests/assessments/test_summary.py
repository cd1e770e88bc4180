"""A share's summary: on two pages at most, whatever was shared, and tagged like its sibling."""

import io
from datetime import UTC, date, datetime
from typing import Any

import pikepdf
import pytest
from django.core.files.storage import default_storage

from assessments.models import AdviceRequest, Attestation, Office, Share, SocialAccount, StoredPdf, User
from assessments.reports.draft import draft_state
from assessments.reports.press import PressError
from assessments.reports.shared import offered
from assessments.reports.summary import AskedFor, Summary, summaries_pdf, summarize, summary_pdf
from assessments.services import sharing
from assessments.services.papers import judge_file
from assessments.services.printing import Kind, pdf_of, print_record, summary_of
from bulletin import shelf
from bulletin.publish import publish_edition
from tests.attested import attested, shared
from tests.reading import assert_pdf_ua, blocks_of_pdf, flat, opened
from tests.second_step import fresh_client

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]
GIVEN = {"conduct.abuse": "yes", "resources.email": "yes", "resources.website": "yes"}
NOTES = {"conduct.abuse": "Once, by Jo Tremblay. مرحبا", "gifts.value": "Withheld zq7."}


@pytest.fixture
def attestation(time_machine) -> Attestation:
    time_machine.move_to(datetime(2026, 7, 1, 15, 0, tzinfo=UTC), tick=False)
    for edition in shelf.editions().values():
        publish_edition(edition=edition)
    member = User.objects.create_user("ana@example.ca", name="Ana Silva")
    office = Office.objects.create(name="Ward 10", member=member, starts_on=date(2022, 11, 15))
    return attested(
        SocialAccount.objects.create(office=office, platform="X", handle="@ana"), GIVEN, notes=NOTES
    )


def words_of(pdf: bytes) -> str:
    return flat(" ".join(text for _, text in blocks_of_pdf(opened(pdf))))


def everything(attestation: Attestation) -> dict[str, Any]:
    whole = offered(draft_state(attestation.assessment, as_of=attestation.as_of))
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
    for told in (
        "Summary: Ward 10",
        "X @ana",
        "Ana Silva",
        "Shared on 1 July 2026, 11:00",
        "May I answer it?",
        "Contact the Integrity Commissioner",
        "¶17",
        "2 findings; 1 answer; 1 note, words blacked out in 1 of them",
        "Nothing follows from what is not here",
        share.code,
    ):
        assert flat(told) in words, told
    for withheld in ("zq7", "Tremblay", attestation.code, attestation.sha256):
        assert flat(withheld) not in words
        assert withheld.encode() not in pdf
    (tmp_path / "a.pdf").write_bytes(pdf)
    assert_pdf_ua(tmp_path / "a.pdf", monkeypatch)
    assert judge_file(pdf).authentic


@pytest.mark.parametrize(
    ("what", "ask"),
    [
        ("all", "w " * 2_000),
        ("all", "x" * 4_000),
        ("all", "مرحبا بالعالم\n" * 280),
        ("answer", ""),
    ],
)
def test_whatever_was_shared_it_has_two_pages_at_most(attestation, what, ask):
    SocialAccount.objects.update(handle="@" + "W" * 90)
    picked = everything(attestation) if what == "all" else {"rules": set(), "questions": {"conduct.abuse"}}
    share = shared(attestation, ask=ask, **picked)
    assert len(opened(pdf_of(share, Kind.SUMMARY)).pages) <= 2


@pytest.mark.parametrize(("most", "more"), [(0, 1), (1, 0), (8, 0)])
def test_a_list_that_is_cut_says_how_many_more(attestation, monkeypatch, most, more):
    monkeypatch.setattr("assessments.reports.summary.MOST", most)
    share = shared(attestation, **everything(attestation))
    (contacts,) = summary_of(share).contacts
    assert (len(contacts.points), contacts.more) == (1 - more, more)
    assert (flat("And 1 more, in the full document") in words_of(pdf_of(share, Kind.SUMMARY))) is bool(more)


def test_it_follows_from_what_was_shared_and_asked_and_from_nothing_else(attestation):
    share = shared(attestation, ask="May I?")
    content, summary = share.content.record, summary_of(share)
    other = attested(
        SocialAccount.objects.create(office=Office.objects.get(), platform="X", handle="@other"),
        {**GIVEN, "gifts.unpaid": "yes", "gifts.value": "700.00"},
    )
    share.attestation = other
    edition = next(iter(shelf.editions().values()))
    asked = AskedFor("May I?", tuple(edition.rule[r].title for r in ["9"]), None)
    assert summarize(content, edition, summary.proof, asked) == summary_of(share) == summary


def test_both_are_printed_once_it_is_kept_and_both_go_when_it_is_withdrawn(
    attestation, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        share = shared(attestation)
    stored = StoredPdf.objects.filter(share=share)
    assert sorted(stored.values_list("kind", flat=True)) == ["full", "summary"]
    print_record.call("share", share.pk)
    assert stored.count() == 2
    names = list(stored.values_list("name", flat=True))
    assert all(map(default_storage.exists, names))
    with django_capture_on_commit_callbacks(execute=True):
        sharing.withdraw(share=share, by=attestation.attested_by)
    assert not any(map(default_storage.exists, names))


def test_it_is_given_beside_the_whole_to_the_member_and_to_officers(attestation):
    share = shared(attestation)
    client = fresh_client(attestation.attested_by)
    assert f"/shares/{share.pk}/summary.pdf" in client.get(f"/shares/{share.pk}").content.decode()
    answer = client.get(f"/shares/{share.pk}/summary.pdf")
    assert answer["Content-Disposition"] == f'attachment; filename="shared-{share.pk}-2026-07-01-summary.pdf"'
    assert answer.content == pdf_of(share, Kind.SUMMARY)


# --- Many in one ---------------------------------------------------------------------------------


def collected(attestation: Attestation, many: int) -> list[Summary]:
    return [summary_of(shared(attestation, nonce=f"{number:064x}", ask="May I?")) for number in range(many)]


def test_many_are_one_document_with_a_bookmark_for_each_and_its_tags(attestation, tmp_path, monkeypatch):
    summaries = collected(attestation, 3)
    pdf = summaries_pdf(summaries)
    (tmp_path / "a.pdf").write_bytes(pdf)
    assert_pdf_ua(tmp_path / "a.pdf", monkeypatch)
    with pikepdf.open(io.BytesIO(pdf)) as document, document.open_outline() as outline:
        assert [str(one.title) for one in outline.root] == ["Summary: Ward 10"] * 3
        assert len(document.pages) == 3
    for summary in summaries:
        assert flat(summary.proof.code) in words_of(pdf)


@pytest.mark.parametrize("many", [0, 101])
def test_none_or_too_many_are_refused(attestation, many):
    one = collected(attestation, 1)
    with pytest.raises(ValueError, match=f"{many} summaries"):
        summaries_pdf(one * many)


def test_a_summary_that_is_hostile_is_stopped_like_any_document(attestation, monkeypatch):
    monkeypatch.setattr("assessments.reports.press.MAX_HTML", 100)
    (one,) = collected(attestation, 1)
    with pytest.raises(PressError):
        summary_pdf(one)
    assert Share.objects.count() == 1
    assert AdviceRequest.objects.count() == 1
