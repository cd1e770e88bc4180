"""Exporting shares: each form, missing PDFs, changes during an export, and the audit trail."""

import csv
import io
import json
import re
import resource
import signal
import tracemalloc
from datetime import UTC, date, datetime
from typing import Any
from zipfile import ZipFile

import pytest
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command

from assessments.models import Attestation, AuditEvent, DeskEntry, Export, Office, Share, StoredPdf, User
from assessments.pdf.press import PressError, PrintProblem
from assessments.records.clock import moment_in_table
from assessments.rendering.projection import cite
from assessments.reports.titles import contact_titles, overall_titles
from assessments.services import desk_export as exporting
from assessments.services import printing, sharing
from assessments.services.desk_export import CannotExport, collect
from assessments.services.file_names import readable_slug
from assessments.services.printing import Kind, pdf_of
from bulletin.shelf import current
from tests.cast import HANDLE, Cast, account_of, attested, client_of, let_in, office_of, person, shared
from tests.reading import opened

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 7, 1, 15, 0, tzinfo=UTC)


class World:
    """The cast, and an office with a name like a formula, whose attestation tests share."""

    def __init__(self, cast: Cast, attestation: Attestation) -> None:
        self.officer, self.client = cast.officer, cast.client("officer")
        self.attestation, self.member = attestation, attestation.attested_by
        self.office: Office = attestation.assessment.account.office

    def share(self, number: int, **more: Any) -> Share:
        return shared(self.attestation, nonce=f"{number:064x}", **more)


@pytest.fixture(scope="module")
def module_notes(module_cast: Cast, module_time: Any) -> int:
    with module_time():
        office = office_of(person("councillor"), '=HYPERLINK("http://example.com")')
        return attested(account_of(office), {"conduct.abuse": "yes"}, notes={"conduct.abuse": "Été. Zq7."}).pk


@pytest.fixture
def world(module_notes: int, cast: Cast, time_machine) -> World:
    time_machine.move_to(NOW, tick=False)
    return World(cast, Attestation.objects.get(pk=module_notes))


@pytest.fixture
def quick(monkeypatch) -> None:
    """Replace printing by short bytes, which take no time."""
    monkeypatch.setattr(
        "assessments.services.printing._full_pdf", lambda record: b"%PDF-1.7 full " + record.code.encode()
    )
    monkeypatch.setattr(
        "assessments.services.printing._summary_pdf", lambda share: b"%PDF-1.7 short " + share.code.encode()
    )
    monkeypatch.setattr(exporting, "summaries_pdf", lambda summaries: repr(summaries).encode())


def text_of(answer: Any) -> str:
    """A page's HTML with single spaces."""
    return " ".join(answer.content.decode().split())


def bytes_of(collection: exporting.Collection) -> bytes:
    data = b"".join(collection.chunks)
    assert len(data) == collection.size
    return data


def ready(keys: list[int]) -> list[int]:
    exporting.make_missing(exporting.list_missing(keys, list(Kind)))
    return keys


# --- From the desk to the file -------------------------------------------------------------------


def test_what_was_ticked_is_made_ready_and_taken_away_with_its_size_known(world, quick):
    first, _, third = (world.share(number) for number in range(3))
    chosen = {"form": "zip", "kind": "both", "share": [first.pk, third.pk]}
    address = world.client.post("/desk/export", chosen)["Location"]
    page = text_of(world.client.get(address))
    assert "2 shared self-checks: ZIP file of PDFs, with an index." in page
    assert "Everything is ready" in page
    answer: Any = world.client.post(address)
    data = b"".join(answer.streaming_content)
    assert len(data) == int(answer["Content-Length"])
    assert answer["Content-Disposition"] == 'attachment; filename="shared-2026-07-01-2.zip"'
    archive = ZipFile(io.BytesIO(data))
    assert archive.testzip() is None
    index = json.loads(archive.read("index.json"))
    assert [row["share"] for row in index] == [third.pk, first.pk]
    for row, share in zip(index, (third, first), strict=True):
        assert (row["code"], row["sha256"]) == (share.code, share.sha256)
        for kind in Kind:
            assert archive.read(row[kind.value]) == pdf_of(share, kind)
    assert "Every file that the index names is included." in archive.read("contents.txt").decode()


@pytest.mark.postgres
def test_what_left_is_in_the_portals_trail_and_that_some_is_its_in_the_offices(world, quick):
    share = world.share(1)
    address = world.client.post("/desk/export", {"form": "csv"})["Location"]
    world.client.get(address)
    assert not Export.objects.exists()
    world.client.post(address)
    export = Export.objects.get()
    assert (export.exported_by, export.form, export.shares) == (world.officer, "csv", [share.pk])
    events = AuditEvent.objects.filter(action="shares_exported").order_by("office")
    chained = {(event.office_id, event.record_type, event.record_id, event.actor_id) for event in events}
    by = world.officer.pk
    assert chained == {(None, "export", export.pk, by), (world.office.pk, "office", world.office.pk, by)}


@pytest.mark.postgres
def test_all_that_was_found_is_what_the_filters_and_the_words_find(world, quick):
    share = world.share(1, notes={"conduct.abuse"}, questions={"conduct.abuse"})
    world.share(2)
    search = world.client.post("/desk/", {"words": "zq7", "advice": "none"})["Location"]
    parts = dict(part.split("=") for part in search.partition("?")[2].split("&"))
    address = world.client.post("/desk/export", {"form": "csv", **parts})["Location"]
    world.client.post(address)
    assert Export.objects.get().shares == [share.pk]


def test_without_a_fresh_proof_nothing_leaves(world):
    world.share(1)
    let_in(world.client, world.officer)
    address = world.client.post("/desk/export", {"form": "csv"})["Location"]
    assert "/account/" in world.client.get(address)["Location"]
    assert world.client.post(address).status_code == 409
    assert not Export.objects.exists()


def test_missing_pdfs_are_made_in_steps_with_how_far_it_is(world, quick, monkeypatch):
    monkeypatch.setattr("assessments.views.desk_exports.STEP_SECONDS", -1)
    share = world.share(1)
    address = world.client.post("/desk/export", {"form": "zip", "kind": "both"})["Location"]
    assert "PDFs ready: 0 of 2" in text_of(world.client.get(address))
    assert "store it safely" not in text_of(world.client.get(address))
    pdf_of(share)
    assert "PDFs ready: 1 of 2" in text_of(world.client.get(address))
    pdf_of(share, Kind.SUMMARY)
    assert "store it safely" in text_of(world.client.get(address))


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"form": "exe"},
        {"form": "csv", "share": "x"},
        {"form": "csv", "share": ""},
        {"form": "csv", "share": "987654"},
    ],
)
def test_what_names_nothing_takes_nothing_away_and_says_why(world, sent):
    world.share(1)
    answer = world.client.post("/desk/export", sent)
    assert answer.status_code == 400
    assert "Nothing was exported" in text_of(answer)


def test_nothing_found_is_said(world):
    answer = world.client.post("/desk/export", {"form": "csv"})
    assert "No share that can be exported matches" in text_of(answer)


def test_too_many_at_once_are_refused_in_words(world, monkeypatch):
    monkeypatch.setattr(exporting, "MAX_SHARES", 1)
    for number in range(2):
        world.share(number)
    answer = world.client.post("/desk/export", {"form": "csv"})
    assert "One export has at most 1 shares. Use the filters" in text_of(answer)


def test_with_the_storage_gone_it_says_so_and_goes_on_later(world, settings, tmp_path, quick):
    world.share(1)
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    settings.MEDIA_ROOT = blocked
    address = world.client.post("/desk/export", {"form": "zip", "kind": "full"})["Location"]
    answer = world.client.get(address)
    assert answer.status_code == 503
    assert "could not be stored" in text_of(answer)
    settings.MEDIA_ROOT = tmp_path / "media"
    assert "store it safely" in text_of(world.client.get(address))


# --- Each form ------------------------------------------------------------------------------------


def test_no_cell_of_the_csv_is_a_formula(world):
    share = world.share(1)
    text = bytes_of(collect(keys=[share.pk], form="csv")).decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(text))
    assert row["Office"] == '\'=HYPERLINK("http://example.com")'
    assert row["Account"] == f"X {HANDLE}"
    assert row["Verification code"] == share.code


def test_the_csv_has_words_for_its_codes_and_times_with_their_zone(world):
    share = world.share(1, ask="May I?")
    (row,) = csv.DictReader(io.StringIO(bytes_of(collect(keys=[share.pk], form="csv")).decode("utf-8-sig")))
    entry = DeskEntry.objects.get(share=share)
    assert row["Result"] == overall_titles()[entry.overall]
    assert row["When to contact the Commissioner"] == contact_titles().get(
        entry.contact, "None in what was shared"
    )
    assert row["Advice"] == "asked for, no reply yet"
    # Spreadsheets take a day alone for a date.
    assert (row["Shared on"], row["Time shared"]) == tuple(moment_in_table(share.shared_at).split(" ", 1))
    assert (row["Question"], row["Reply"], row["Replied on"]) == ("May I?", "", "")
    for text, by in (("You may.", world.officer), ("Thanks.", world.member), ("Until May.", world.officer)):
        sharing.write_advice(share=share, text=text, by=by)
    (row,) = csv.DictReader(io.StringIO(bytes_of(collect(keys=[share.pk], form="csv")).decode("utf-8-sig")))
    assert (row["Advice"], row["Reply"]) == ("replied", "You may.\nUntil May.")
    date.fromisoformat(row["Replied on"])


def test_the_csv_names_the_member_the_account_and_what_is_to_raise_and_to_do(world):
    share = world.share(1, rules={"17a", "9"}, ask="May I?")
    DeskEntry.objects.filter(pk=share.pk).update(assigned_to=world.officer)
    (row,) = csv.DictReader(io.StringIO(bytes_of(collect(keys=[share.pk], form="csv")).decode("utf-8-sig")))
    expected = {
        "Share": str(share.pk),
        "Member": "Councillor",
        "Platform": "X",
        "Profile address": f"https://x.com/{HANDLE[1:]}",
        "Points to raise": current().rule["17a"].title,
        "Things to do": "",
        "State": "Unread, Needs a reply",
        "Assigned to": "Robin Ng",
        "Edition": "Use of Social Media by Members of Council, version 1.1",
        "Election": "Toronto municipal election of 26 October 2026",
        "Office number": str(world.office.pk),
    }
    assert {column: row[column] for column in expected} == expected


def test_the_csv_of_findings_has_one_line_for_each_with_its_paragraphs(world):
    first, second = world.share(1, rules={"17a", "9"}), world.share(2)
    text = bytes_of(collect(keys=[second.pk, first.pk], form="findings")).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    rule = current().rule["17a"]
    assert [row["Share"] for row in rows] == [str(share.pk) for share in (second, first, first)]
    assert rows[2]["Office"].startswith("'=HYPERLINK")
    assert (rows[2]["Finding"], rows[2]["Paragraphs"]) == (rule.title, cite(rule.paragraphs))
    assert (rows[2]["Outcome"], rows[2]["Section"]) == ("Ask the Commissioner", "Conduct respecting others")
    assert (rows[0]["When to contact the Commissioner"], rows[0]["Verification code"]) == ("", second.code)


def test_a_zip_has_both_spreadsheets_and_names_its_files_in_the_first(world, quick, monkeypatch):
    monkeypatch.setattr(exporting, "IN_MEMORY", 100)
    keys = ready([world.share(1).pk, world.share(2).pk])
    archive = ZipFile(io.BytesIO(bytes_of(collect(keys=keys, form="zip", kind="summary"))))
    assert archive.testzip() is None
    shares = list(csv.DictReader(io.StringIO(archive.read("index.csv").decode("utf-8-sig"))))
    assert all(row["Summary PDF"] in archive.namelist() and not row["Full PDF"] for row in shares)
    assert archive.read("findings.csv") == bytes_of(collect(keys=keys, form="findings"))


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("Zoë Sœur, Ward 10", "zoe-soeur-ward-10"),
        ("Łukasz Straße", "lukasz-strasse"),
        ("X கமலா", "x-கமலா"),
        ("a" * 50 + " " + "b" * 20, "a" * 50),
        ("a" * 70, "a" * 60),
        ("@!", ""),
    ],
)
def test_the_name_of_a_file_can_be_read(text, slug):
    assert readable_slug(text) == slug


def test_json_lines_have_the_record_and_what_was_asked_and_answered(world):
    first = world.share(1, ask="Öffnet?", notes={"conduct.abuse"}, questions={"conduct.abuse"})
    sharing.write_advice(share=first, text="Ja.", by=world.officer)
    second = world.share(2)
    lines = bytes_of(collect(keys=[first.pk, second.pk], form="jsonl")).splitlines()
    rows = [json.loads(line) for line in lines]
    assert rows[0]["record"] == json.loads(first.content.record)
    assert rows[0]["exchange"]["question"] == "Öffnet?"
    assert [entry["text"] for entry in rows[0]["exchange"]["entries"]] == ["Ja."]
    assert rows[1]["exchange"] is None
    assert rows[1]["index"]["share"] == second.pk


def test_one_pdf_has_a_summary_of_each(world):
    keys = [world.share(number).pk for number in range(2)]
    assert len(opened(bytes_of(collect(keys=keys, form="pdf"))).pages) == 2


def test_one_pdf_of_more_than_a_hundred_is_refused(world, monkeypatch):
    monkeypatch.setattr(exporting, "MAX_SUMMARIES", 1)
    keys = [world.share(number).pk for number in range(2)]
    with pytest.raises(CannotExport, match="Choose fewer, or a ZIP file"):
        collect(keys=keys, form="pdf")


# --- Changes during an export ---------------------------------------------------------------------


@pytest.mark.postgres
@pytest.mark.parametrize("form", ["zip", "jsonl"])
def test_what_is_withdrawn_meanwhile_is_left_out_and_the_rest_is_whole(world, quick, form):
    kept, gone = world.share(1), world.share(2)
    keys = ready([gone.pk, kept.pk])
    collection = collect(keys=keys, form=form)
    sharing.withdraw(share=gone, by=world.member)
    data = bytes_of(collection)
    assert gone.content.record.encode() not in data
    if form == "jsonl":
        first, second = map(json.loads, data.splitlines())
        assert first == {"share": gone.pk, "withdrawn": True}
        assert second["index"]["share"] == kept.pk
        return
    archive = ZipFile(io.BytesIO(data))
    assert archive.testzip() is None
    index = json.loads(archive.read("index.json"))
    assert archive.read(index[1]["full"]) == pdf_of(kept)
    assert archive.read(index[0]["full"]).startswith(b"This share was withdrawn")
    assert archive.read("contents.txt").decode().split("Shares:")[1].split() == [str(gone.pk)]


def test_however_many_are_withdrawn_meanwhile_all_are_listed(world, quick, monkeypatch):
    keys = ready([world.share(number).pk for number in range(6)])
    collection = collect(keys=keys, form="zip")
    for share in Share.objects.all():
        sharing.withdraw(share=share, by=world.member)
    archive = ZipFile(io.BytesIO(bytes_of(collection)))
    assert archive.read("contents.txt").decode().split("Shares:")[1].split() == [str(key) for key in keys]


@pytest.mark.parametrize("form", Export.Form.values)
def test_where_all_is_withdrawn_nothing_is_taken_away(world, quick, form):
    share = world.share(1)
    sharing.withdraw(share=share, by=world.member)
    with pytest.raises(CannotExport, match="since been withdrawn or deleted"):
        collect(keys=[share.pk], form=form)


@pytest.mark.parametrize("form", Export.Form.values)
def test_what_is_withdrawn_before_the_first_byte_does_not_leave_and_the_trail_says_what_did(
    world, quick, form, monkeypatch
):
    kept, gone = world.share(1), world.share(2)
    chosen = {"form": form, "kind": "full"}
    address = world.client.post("/desk/export", chosen)["Location"]
    sharing.withdraw(share=gone, by=world.member)
    page = text_of(world.client.get(address))
    assert (
        '<p class="lead">1 shared self-check: ' in page,
        "One share that you chose has since been" in page,
    ) == (
        True,
        True,
    )
    assert "Everything is ready" in page
    answer: Any = world.client.post(address)
    assert gone.code.encode() not in b"".join(answer.streaming_content)
    assert answer["Content-Disposition"].startswith('attachment; filename="shared-2026-07-01-1')
    assert Export.objects.get().shares == [kept.pk]


def test_what_is_withdrawn_while_it_is_put_together_is_refused(world, quick, monkeypatch):
    world.share(1)
    gone = world.share(2)
    address = world.client.post("/desk/export", {"form": "csv"})["Location"]
    whole = exporting._csv

    def slow(index: Any) -> Any:
        made = whole(index)
        sharing.withdraw(share=gone, by=world.member)
        return made

    monkeypatch.setattr(exporting, "_csv", slow)
    answer = world.client.post(address)
    assert (answer.status_code, "was just changed, withdrawn or deleted" in text_of(answer)) == (503, True)
    assert not Export.objects.exists()


def test_a_line_that_grew_meanwhile_ends_it_before_it_looks_whole(world):
    share = world.share(1, ask="May I?")
    sharing.write_advice(share=share, text="You may.", by=world.officer)
    collection = collect(keys=[share.pk], form="jsonl")
    User.objects.filter(pk=world.officer.pk).update(name="Robin Ng-Magnusson")
    sent: list[bytes] = []
    with pytest.raises(CannotExport, match="just changed"):
        sent.extend(collection.chunks)
    assert sum(map(len, sent)) < collection.size


# --- What cannot be printed -----------------------------------------------------------------------


@pytest.fixture
def one_unprinted(world, quick, monkeypatch) -> Share:
    """Three shares, the full PDF of one of which cannot be printed."""
    world.share(1)
    bad: Share = world.share(2)
    world.share(3)
    whole = printing._full_pdf

    def printed(record: Any) -> bytes:
        if record == bad:
            raise PressError(PrintProblem.TOO_SLOW, "It took too long.")
        return whole(record)

    monkeypatch.setattr(printing, "_full_pdf", printed)
    return bad


def test_one_that_cannot_be_printed_stops_no_other_and_is_named(world, one_unprinted):
    chosen = {"form": "zip", "kind": "full"}
    address = world.client.post("/desk/export", chosen)["Location"]
    page = text_of(world.client.get(address))
    assert "These PDFs could not be made" in page
    assert f"(share {one_unprinted.pk}). It took too long." in page
    answer: Any = world.client.post(address)
    archive = ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    index = {row["share"]: row["full"] for row in json.loads(archive.read("index.json"))}
    assert index.pop(one_unprinted.pk) is None
    assert [archive.read(path)[:4] for path in index.values()] == [b"%PDF"] * 2
    assert archive.read("contents.txt").decode().split("Shares:")[1].split() == [str(one_unprinted.pk)]


def test_every_page_leads_back_to_the_desk_as_it_was(world, quick):
    world.share(1)
    world.client.get("/desk/?waiting=unread&other=x")
    address = world.client.post("/desk/export", {"form": "csv"})["Location"]
    for page in address, "/desk/export/forgotten", "/desk/insights":
        assert 'href="/desk/?state=unread">Back to shared self-checks' in text_of(world.client.get(page))


def test_it_can_be_tried_again(world, one_unprinted, monkeypatch):
    address = world.client.post("/desk/export", {"form": "zip", "kind": "full"})["Location"]
    assert "These PDFs could not be made" in text_of(world.client.get(address))
    monkeypatch.setattr(printing, "_full_pdf", lambda _: b"%PDF")
    assert "These PDFs could not be made" in text_of(world.client.get(address))
    assert world.client.post(address, {"again": "1"})["Location"] == address
    assert "Everything is ready" in text_of(world.client.get(address))


def test_where_nothing_can_be_printed_it_says_so_at_once(world, monkeypatch):
    for number in range(2):
        world.share(number)
    asked = []

    def busy(record: Any) -> bytes:
        asked.append(record)
        raise PressError(PrintProblem.BUSY, "The printer is busy.")

    monkeypatch.setattr(printing, "_full_pdf", busy)
    address = world.client.post("/desk/export", {"form": "zip", "kind": "full"})["Location"]
    answer = world.client.get(address)
    assert (answer.status_code, "The printer is busy." in text_of(answer), len(asked)) == (503, True, 1)
    # htmx, which requests the page repeatedly, shows only answers without an error status.
    assert world.client.get(address, headers={"HX-Request": "true"}).status_code == 200
    assert world.client.get("/desk/export/forgotten", headers={"HX-Request": "true"})["HX-Refresh"] == "true"


def test_a_page_that_asks_by_itself_is_led_to_prove_who_asks(world, quick):
    world.share(1)
    address = world.client.post("/desk/export", {"form": "zip"})["Location"]
    let_in(world.client, world.officer)
    answer = world.client.get(address, headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Redirect"].split("?")[0]) == (200, "/account/second-step/again/")


# --- Shares that the officer has seen -------------------------------------------------------------


def test_a_search_that_is_forgotten_takes_nothing_away(world, monkeypatch):
    world.share(1)
    for more in {"search": "forgotten"}, {"office": "987654"}, {"since": "yesterday"}:
        answer = world.client.post("/desk/export", {"form": "csv"} | more)
        assert (answer.status_code, "The search has expired, or" in text_of(answer)) == (400, True), more


@pytest.mark.postgres
def test_a_number_that_no_database_has_is_nothing(world):
    chosen = {"form": "csv", "share": "9" * 20}
    assert world.client.post("/desk/export", chosen).status_code == 400


def test_withdrawn_before_it_is_sent_it_is_not_there_at_all(world, quick):
    kept, gone = world.share(1), world.share(2)
    keys = ready([gone.pk, kept.pk])
    sharing.withdraw(share=gone, by=world.member)
    index = json.loads(ZipFile(io.BytesIO(bytes_of(collect(keys=keys, form="zip")))).read("index.json"))
    assert [row["share"] for row in index] == [kept.pk]


def test_a_zip_whose_storage_goes_meanwhile_has_no_end(world, quick, monkeypatch):
    keys = ready([world.share(1).pk, world.share(2).pk])
    collection = collect(keys=keys, form="zip", kind="full")
    chunks = iter(collection.chunks)
    sent = [next(chunks)]
    for stored in StoredPdf.objects.all():
        default_storage.delete(stored.name)

    def broken(*_: object) -> bytes:
        raise PressError(PrintProblem.BROKEN, "No.")

    monkeypatch.setattr("assessments.services.printing._full_pdf", broken)
    with pytest.raises(PressError):
        sent += chunks
    data = b"".join(sent)
    assert len(data) < collection.size
    with pytest.raises(Exception, match="not a zip"):
        ZipFile(io.BytesIO(data))


def test_a_large_zip_is_never_held_whole(world, monkeypatch):
    large = b"%PDF-1.7 " + bytes(2_000_000)
    monkeypatch.setattr("assessments.services.printing._full_pdf", lambda _: large)
    keys = [world.share(number).pk for number in range(20)]
    exporting.make_missing(exporting.list_missing(keys, [Kind.FULL]))
    collection = collect(keys=keys, form="zip", kind="full")
    tracemalloc.start()
    size = sum(map(len, collection.chunks))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size == collection.size > 40_000_000
    assert peak < 15_000_000


def test_only_officers_take_anything_away(world):
    world.share(1)
    assert client_of(world.member).post("/desk/export", {"form": "csv"}).status_code == 404


# --- From the command line ------------------------------------------------------------------------


def export_shared(*more: str) -> str:
    out = io.StringIO()
    call_command("export_shared", *more, stdout=out)
    return out.getvalue()


@pytest.mark.parametrize("form", ["zip", "csv", "findings", "jsonl"])
def test_the_command_writes_the_same_and_says_how_much(world, quick, tmp_path, form):
    share = world.share(1, ask="May I?")
    world.share(2)
    target = tmp_path / f"out.{form}"
    output = export_shared("--format", form, "--output", str(target), "--advice", "asked")
    assert f"1 share, {target.stat().st_size:,} bytes" in output
    assert target.read_bytes() == bytes_of(collect(keys=[share.pk], form=form))
    assert Export.objects.get().shares == [share.pk]
    assert [path.name for path in tmp_path.iterdir()] == [target.name]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (["--since", "yesterday"], "--since: Enter the date as year-month-day, such as 2026-08-21."),
        (["--office", "x"], ': =HYPERLINK("http://example.com")'),
        (["--overall", "x"], "\n  action_required: "),
        (["--state", "x"], "\n  to_answer: Needs a reply"),
        (["--waiting", "x"], "\n  to_answer: Needs a reply"),
        (["--assigned", "me"], "\n  nobody: Not assigned"),
        (["--assigned", "nobody", "--state", "dealt"], "No share that can be exported matches"),
        (["--output", "."], "--output: . is a folder"),
        (["--advice", "answered"], "No share that can be exported matches"),
        (
            ["--output", "/nowhere/x.csv"],
            "--output: /nowhere/x.csv: No such file or directory. Nothing was written.",
        ),
    ],
)
def test_what_the_command_cannot_do_it_says(world, tmp_path, more, reason):
    world.share(1)
    with pytest.raises(CommandError, match=re.escape(reason)):
        export_shared("--format", "csv", "--output", str(tmp_path / "x.csv"), *more)
    assert not list(tmp_path.iterdir())
    assert not Export.objects.exists()


def test_the_command_names_what_cannot_be_printed_and_leaves_it_out_only_if_told_to(one_unprinted, tmp_path):
    how = ["--format", "zip", "--kind", "full", "--output", str(tmp_path / "x.zip")]
    with pytest.raises(CommandError, match=f"share {one_unprinted.pk}: It took too long."):
        export_shared(*how)
    assert not list(tmp_path.iterdir())
    assert not Export.objects.exists()
    assert "3 shares" in export_shared(*how, "--without-unprinted")
    assert str(one_unprinted.pk) in ZipFile(tmp_path / "x.zip").read("contents.txt").decode()


def test_a_full_disk_leaves_no_file_that_looks_whole(world, tmp_path, quick):
    world.share(1)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    ready([Share.objects.get().pk])
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, limit[1]))
    try:
        with pytest.raises(CommandError, match="File too large"):
            export_shared("--format", "zip", "--output", str(tmp_path / "x.zip"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, before)
    assert not list(tmp_path.iterdir())


@pytest.mark.postgres
def test_what_was_never_printed_is_counted_and_printed_once(world, quick):
    share, gone = world.share(1), world.share(2)
    sharing.withdraw(share=gone, by=world.member)
    wanted = printing.without_pdf()
    assert wanted == [
        ("attestation", world.attestation.pk, "full"),
        ("share", share.pk, "full"),
        ("share", share.pk, "summary"),
    ]
    out = io.StringIO()
    call_command("render_missing", "--dry-run", stdout=out)
    assert "Missing PDFs: 3." in out.getvalue()
    assert all(map(printing.print_missing, wanted))
    assert printing.without_pdf() == []
    assert printing.print_missing(("share", 987654, Kind.FULL))
