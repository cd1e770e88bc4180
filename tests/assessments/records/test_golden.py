"""What was attested or shared under revision 1 stays what it was.

The portal wrote tests/golden/revision-1/ while revision 1 was the current one: rows of the database, the stored PDFs,
and, for each document, the texts of the edition and of its answers that it had. Layout may change, and so may the
portal's own words; these texts, the records and the stored files may not.
"""

import io
import json
import re
from collections.abc import Mapping
from datetime import date, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client

from assessments.models import (
    AdviceRequest,
    Answer,
    Assessment,
    Attestation,
    DeskEntry,
    DeskFinding,
    DeskUnsure,
    Finding,
    Share,
    ShareContent,
    StoredPdf,
)
from assessments.records.attested import canonical, sha256_of
from assessments.records.shared import Picked, shared_record
from assessments.records.state import AssessmentState, assessment_state
from assessments.rendering.data import advisory_data
from assessments.scoring import assess as engine
from assessments.scoring.assess import Timing, assess
from assessments.services import printing
from assessments.services.desk_export import collect
from assessments.services.office_copy import export_all
from assessments.services.printing import Kind
from assessments.services.verifying import judge_file
from bulletin import shelf
from bulletin.models import PublishedEdition
from bulletin.publish import encoded
from tests.cast import Cast, account_of
from tests.reading import blocks_of_pdf, flat, opened

pytestmark = pytest.mark.django_db

FOLDER = Path(__file__).parents[2] / "golden" / "revision-1"
GOLDEN = json.loads((FOLDER / "golden.json").read_text())
SELF_CHECKS = {each["name"]: each for each in GOLDEN["self_checks"]}
SHARES = {f"{name}-{each['name']}": each for name, check in SELF_CHECKS.items() for each in check["shares"]}
FILES = [*SELF_CHECKS, *(f"{name}{end}" for name in SHARES for end in ("", "-summary"))]
"""The stored PDFs, by their names in the folder."""


# --- The rows ----------------------------------------------------------------------


def moments(row: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a row, with moments and days read."""
    days = {"as_of", "due", "needed_by"}
    return {
        name: datetime.fromisoformat(value)
        if name.endswith("_at") and value
        else date.fromisoformat(value)
        if name in days and value
        else value
        for name, value in row.items()
    }


def store_rows(cast: Cast) -> dict[str, tuple[str, int]]:
    """Write all rows; return "attestation" or "share" and the key for each name of FILES."""
    earlier = json.loads((shelf.HERE / "editions" / shelf.CURRENT / "earlier" / "1.json").read_text())
    content = json.dumps(earlier["content"], ensure_ascii=False, separators=(",", ":"))
    edition = PublishedEdition.objects.create(content=content, **moments(GOLDEN["edition"]))
    keys: dict[str, tuple[str, int]] = {}
    for name, row in SELF_CHECKS.items():
        attestation = store_attestation(cast, edition, row)
        keys[name] = ("attestation", attestation.pk)
        store_pdf(row["pdfs"]["full"], f"attestations/{attestation.pk}", attestation=attestation)
        for of_share in row["shares"]:
            share = store_share(attestation, of_share)
            for kind, end in (("full", ""), ("summary", "-summary")):
                keys[f"{name}-{of_share['name']}{end}"] = ("share", share.pk)
                store_pdf(of_share["pdfs"][kind], f"shares/{share.pk}", share=share, kind=kind)
    return keys


def store_attestation(cast: Cast, edition: PublishedEdition, row: Mapping[str, Any]) -> Attestation:
    assessment = Assessment.objects.create(
        account=account_of(cast.office, **row["account"]),
        edition=edition,
        election=row["election"],
        started_by=cast.member,
        started_at=datetime.fromisoformat(row["started_at"]),
    )
    Answer.objects.bulk_create(
        Answer(draft=assessment, answered_by=cast.member, **moments(answer)) for answer in row["answers"]
    )
    fields = moments(row["attestation"])
    attestation = Attestation.objects.create(assessment=assessment, attested_by=cast.member, **fields)
    Finding.objects.bulk_create(
        Finding(attestation=attestation, **moments(finding)) for finding in row["findings"]
    )
    return attestation


def store_share(attestation: Attestation, row: Mapping[str, Any]) -> Share:
    by = attestation.attested_by
    share = Share.objects.create(attestation=attestation, shared_by=by, **moments(row["share"]))
    ShareContent.objects.create(share=share, record=row["record"])
    if row["request"]:
        AdviceRequest.objects.create(share=share, **moments(row["request"]))
    office = attestation.assessment.account.office
    entry = DeskEntry.objects.create(share=share, office=office, **moments(row["desk"]))
    DeskFinding.objects.bulk_create(DeskFinding(entry=entry, **finding) for finding in row["desk_findings"])
    DeskUnsure.objects.bulk_create(DeskUnsure(entry=entry, question=q) for q in row["desk_unsure"])
    return share


def store_pdf(row: Mapping[str, Any], folder: str, **owner: Any) -> None:
    StoredPdf.objects.create(name=f"{folder}/{row['sha256']}.pdf", **moments(row), **owner)


@pytest.fixture(scope="module")
def module_keys(module_cast: Cast) -> dict[str, tuple[str, int]]:
    return store_rows(module_cast)


class Documents:
    """The documents as the member reads them, by their names in FILES."""

    def __init__(self, client: Client, keys: Mapping[str, tuple[str, int]]) -> None:
        self.client = client
        self.keys = keys

    def record(self, name: str) -> Attestation | Share:
        kind, pk = self.keys[name]
        return (Attestation if kind == "attestation" else Share).objects.get(pk=pk)

    def stored(self, name: str) -> StoredPdf:
        kind = Kind.SUMMARY if name.endswith("-summary") else Kind.FULL
        stored: StoredPdf = self.record(name).pdfs.get(kind=kind)
        return stored

    def state(self, name: str) -> AssessmentState:
        related = Assessment.objects.select_related("edition", "account__office__member", "attestation")
        assessment = related.get(attestation=self.keys[name][1])
        return assessment_state(assessment, as_of=assessment.attestation.as_of)

    def address(self, name: str, page: str = "") -> str:
        record = self.record(name)
        if isinstance(record, Attestation):
            return f"/assessments/{record.assessment_id}/{page}"
        return f"/shares/{record.pk}{page}"

    def file(self, name: str) -> bytes:
        """The PDF as it is downloaded."""
        attested, summary = self.keys[name][0] == "attestation", name.endswith("-summary")
        page = "advisory.pdf" if attested else "/summary.pdf" if summary else ".pdf"
        return self.read(self.address(name, page))

    def read(self, address: str) -> bytes:
        response = self.client.get(address)
        assert response.status_code == 200, address
        return bytes(response.content)


@pytest.fixture
def documents(cast: Cast, module_keys: dict[str, tuple[str, int]]) -> Documents:
    documents = Documents(cast.client("member"), module_keys)
    for name in FILES:
        stored = documents.stored(name).name
        if default_storage.exists(stored):
            default_storage.delete(stored)
        default_storage.save(stored, ContentFile((FOLDER / f"{name}.pdf").read_bytes()))
    return documents


# --- The texts ---------------------------------------------------------------------


class Texts(HTMLParser):
    """All texts of a page."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.feed(page.decode())

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def words_of_page(page: bytes) -> str:
    return flat("".join(Texts(page).texts)).casefold()


def words_of_pdf(pdf: bytes) -> str:
    return flat("".join(text for _, text in blocks_of_pdf(opened(pdf)))).casefold()


def missing(texts: list[str], words: str) -> list[str]:
    """The texts that are not among the words, in whatever case, since a phrase may begin a line or end one."""
    return [text for text in texts if flat(text).casefold() not in words]


def texts_of(name: str) -> list[str]:
    """The texts that a PDF must have."""
    if name in SELF_CHECKS:
        texts: list[str] = SELF_CHECKS[name]["texts"]
    elif name in SHARES:
        texts = SHARES[name]["texts"]
    else:
        texts = SHARES[name.removesuffix("-summary")]["summary_texts"]
    return texts


# --- What it was -------------------------------------------------------------------


@pytest.mark.parametrize("name", FILES)
def test_a_download_is_the_stored_file_and_verifies(documents, name):
    content = documents.file(name)
    assert content == (FOLDER / f"{name}.pdf").read_bytes()
    assert judge_file(content).authentic


@pytest.mark.parametrize("name", SELF_CHECKS)
def test_the_json_of_an_attestation_is_its_record(documents, name):
    frozen = SELF_CHECKS[name]["attestation"]
    content = documents.read(documents.address(name, "advisory.json"))
    assert content.decode() == frozen["record"]
    assert sha256_of(content.decode()) == frozen["sha256"]
    answers = json.loads(documents.read(documents.address(name, "answers.json")))
    assert answers == json.loads(SELF_CHECKS[name]["file"])


@pytest.mark.parametrize("name", SHARES)
def test_the_json_of_a_share_is_its_record(documents, name):
    content = documents.read(documents.address(name, ".json")).decode()
    assert content == SHARES[name]["record"]
    assert sha256_of(content) == SHARES[name]["share"]["sha256"]


@pytest.mark.parametrize("name", SELF_CHECKS)
def test_the_pages_of_an_attestation_have_every_finding_day_and_contact_and_every_answer(documents, name):
    row = SELF_CHECKS[name]
    advisory = words_of_page(documents.read(documents.address(name, "advisory")))
    assert not missing([*row["texts"], GOLDEN["edition"]["digest"]], advisory)
    # The page of answers names each question by its short name.
    names = {question.asks: question.short for question in documents.state(name).edition.questions}
    answers = [names.get(text, text) for text in row["in_words"]]
    assert not missing(answers, words_of_page(documents.read(documents.address(name, "answers"))))


@pytest.mark.parametrize("name", SHARES)
def test_the_page_of_a_share_has_every_finding_day_and_contact_for_member_and_officer(documents, cast, name):
    row = SHARES[name]
    for client in (documents.client, cast.client("officer")):
        page = client.get(documents.address(name)).content
        assert not missing([*row["texts"], *row["asked"], GOLDEN["edition"]["digest"]], words_of_page(page))


@pytest.mark.parametrize("name", FILES)
def test_a_reprint_has_every_text_and_the_record_and_both_files_verify(documents, name):
    stored = documents.stored(name)
    default_storage.delete(stored.name)
    reprint = documents.file(name)
    assert not missing(texts_of(name), words_of_pdf(reprint))
    record = documents.record(name)
    content = record.record if isinstance(record, Attestation) else record.content.record
    pdf = opened(reprint)
    assert pdf.attachments["record.json"].get_file().read_bytes().decode() == content
    for file in (reprint, (FOLDER / f"{name}.pdf").read_bytes()):
        assert judge_file(file).authentic


def test_the_desk_lists_each_share_for_programs_as_it_did(documents):
    keys = [documents.keys[name][1] for name in SHARES]
    content = b"".join(collect(keys=keys, form="zip", kind="summary").chunks)
    with ZipFile(io.BytesIO(content)) as archive:
        lines = json.loads(archive.read("index.json"))
    for line, row in zip(lines, SHARES.values(), strict=True):
        # The same moment: exports give Toronto's time since.
        shared_at = datetime.fromisoformat(line["shared_at"])
        assert shared_at == datetime.fromisoformat(row["csv"]["shared_at"])
        expected = row["csv"] | {"shared_at": line["shared_at"]}
        listed = {column: "" if line[column] is None else str(line[column]) for column in row["csv"]}
        assert listed == expected


def test_the_office_gets_a_copy_of_the_same_records_and_files(documents, cast):
    with ZipFile(export_all(office=cast.office, by=cast.member)) as archive:
        contents = [archive.read(name) for name in archive.namelist()]
        answers = [json.loads(archive.read(name)) for name in archive.namelist() if "answers" in name]
    for row in SELF_CHECKS.values():
        assert row["attestation"]["record"].encode() in contents
        assert json.loads(row["file"]) in answers
    for row in SHARES.values():
        assert row["record"].encode() in contents
    for name in FILES:
        assert (FOLDER / f"{name}.pdf").read_bytes() in contents


# --- It is not scored again --------------------------------------------------------


def pages_of(documents: Documents) -> dict[str, str]:
    """Every page that shows something attested or shared, by its address, with the HTML of the PDFs."""
    pages = {}
    for name, (kind, _) in documents.keys.items():
        if kind == "attestation":
            addresses = [documents.address(name, page) for page in ("", "advisory", "answers", "review")]
        else:
            addresses = [documents.address(name)]
        for address in addresses:
            pages[address] = " ".join(Texts(documents.read(address)).texts)
        record = documents.record(name)
        if isinstance(record, Share) and name.endswith("-summary"):
            pages[f"{name}.pdf"] = printing._summary_pdf(record).decode()
        else:
            pages[f"{name}.pdf"] = printing._full_pdf(record).decode()
    return pages


class Scored(Exception):
    """The engine ran."""


def raise_scored(*_: Any, **__: Any) -> Any:
    raise Scored


def test_no_page_or_reprint_runs_the_engine_whatever_it_would_find_now(documents, cast, monkeypatch):
    for module in ("assessments.rendering.documents", "assessments.reports.summary"):
        monkeypatch.setattr(f"{module}.print_pdf", lambda html, **_: html.encode())
    before = pages_of(documents)
    for name in ("find", "find_closing", "contact_of", "when_due", "in_order", "overall_of"):
        monkeypatch.setattr(engine, name, raise_scored)
    monkeypatch.setattr(Timing, "__init__", raise_scored)
    with pytest.raises(Scored):
        cast.client("member").get(f"/assessments/{cast.draft.pk}/advisory")
    assert pages_of(documents) == before


@pytest.mark.parametrize("name", SELF_CHECKS)
def test_the_findings_contacts_and_deadlines_are_the_records(documents, name):
    advisory = documents.state(name).advisory
    frozen = json.loads(SELF_CHECKS[name]["attestation"]["record"])["advisory"]
    assert json.loads(canonical(advisory_data(advisory))) == frozen
    in_words = [
        [item.rule, item.status, item.contact, item.advice]
        for section in documents.state(name).projection.sections
        for item in section.items
    ]
    assert in_words == SELF_CHECKS[name]["outcomes"]


@pytest.mark.parametrize("name", SELF_CHECKS)
def test_what_to_do_is_gathered_by_day_and_what_has_none_comes_last(documents, name):
    whens = [group.when for group in documents.state(name).projection.to_do]
    assert len(set(whens)) == len(whens)
    dated = [re.search(r"\d{4}", when) is not None for when in whens]
    assert dated == sorted(dated, reverse=True)


# --- It is scored as it was --------------------------------------------------------


@pytest.mark.parametrize("name", SELF_CHECKS)
def test_a_draft_on_revision_1_is_scored_as_it_was(documents, name):
    state = documents.state(name)
    scored = assess(state.edition, state.answers, as_of=state.as_of, election=state.election)
    frozen = json.loads(SELF_CHECKS[name]["attestation"]["record"])["advisory"]
    assert json.loads(canonical(advisory_data(scored))) == frozen


@pytest.mark.parametrize("name", SHARES)
def test_a_share_made_now_is_what_it_would_have_been(documents, name):
    row = SHARES[name]
    frozen, picked = json.loads(row["record"]), row["picked"]
    state = documents.state(name.partition("-")[0])
    # Notes on questions that are not asked were shared then.
    frozen["notes"] = {q: note for q, note in frozen["notes"].items() if q in state.advisory.asked}
    record = shared_record(
        state,
        Picked(
            rules=frozenset(picked["rules"]),
            questions=frozenset(picked["questions"]),
            notes=frozenset(picked["notes"]),
            black_out={question: tuple(words) for question, words in picked["black_out"].items()},
        ),
        at=datetime.fromisoformat(row["share"]["shared_at"]),
        office=GOLDEN["office"],
        nonce=frozen["nonce"],
    )
    assert record == canonical(frozen)


def test_the_edition_has_the_digest_under_which_it_was_published(documents):
    row = PublishedEdition.objects.get(revision=1)
    edition = encoded(row)
    assert edition.sheet.revision == 1
    assert edition.published_digest == row.digest == GOLDEN["edition"]["digest"]
