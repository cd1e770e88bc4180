"""PDFs of anonymous checks: kept until the check changes, one at a time, and never in the way of members."""

import os
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from assessments.models import AnonymousCheck, CheckPdf
from assessments.pdf import press
from assessments.pdf.press import PressError, PrintProblem, fingerprint, print_pdf
from assessments.services import answering, check_pdfs
from assessments.services.drafts import delete_check, describe_check
from config.places import place, places_of
from tests.assessments.views.test_database_down import failing

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("published")]
HTML = "<!DOCTYPE html><html lang='en'><title>T</title><p>Words</p></html>"


@pytest.fixture
def printed(monkeypatch) -> list[str]:
    """The documents that were printed, without a printing process."""
    documents: list[str] = []

    def printing(html: str, *, css: str = "", for_stranger: bool = False, **_: Any) -> bytes:
        assert for_stranger
        documents.append(html)
        return f"%PDF {len(documents)}".encode()

    monkeypatch.setattr(check_pdfs, "print_pdf", printing)
    return documents


@pytest.fixture
def browser(client: Client) -> Client:
    client.post("/check/start")
    return client


def test_the_pdf_of_a_check_is_printed_once_and_again_when_the_check_has_changed(browser, printed):
    assert [browser.get("/check/advisory.pdf").content for _ in range(3)] == [b"%PDF 1"] * 3
    browser.post("/check/section/resources", {"resources.email": "yes", "seen.resources.email": "0"})
    assert not CheckPdf.objects.exists()
    assert browser.get("/check/advisory.pdf").content == b"%PDF 2"
    describe_check(check=AnonymousCheck.objects.get(), election="toronto-2026", handle="@new")
    assert not CheckPdf.objects.exists()
    assert browser.get("/check/advisory.pdf").content == b"%PDF 3"
    delete_check(check=AnonymousCheck.objects.get())
    assert not CheckPdf.objects.exists()
    assert len(printed) == 3


def test_a_kept_pdf_of_another_stylesheet_or_font_is_printed_again(browser, printed, monkeypatch):
    browser.get("/check/advisory.pdf")
    monkeypatch.setattr(press, "_fingerprint_of_files", lambda: b"another font")
    assert browser.get("/check/advisory.pdf").content == b"%PDF 2"
    assert CheckPdf.objects.count() == 1
    assert len({fingerprint("a", "b"), fingerprint("ab", ""), fingerprint("a", "c")}) == 3


@pytest.mark.parametrize("busy", ["check", "address"])
def test_a_second_pdf_for_a_check_or_an_address_is_refused_in_words(browser, printed, busy):
    check = AnonymousCheck.objects.get()
    of_check, of_address = places_of("check-pdf", str(check.pk)), places_of("address-pdf", "127.0.0.1")
    with place(of_check if busy == "check" else of_address):
        refused = browser.get("/check/advisory.pdf")
        elsewhere = browser.get("/check/advisory.pdf", REMOTE_ADDR="192.0.2.1")
    assert refused.status_code == 503
    assert "one at a time" in " ".join(refused.content.decode().split())
    assert elsewhere.status_code == (503 if busy == "check" else 200)
    assert browser.get("/check/advisory.pdf").status_code == 200


def test_a_refusal_works_nothing_out(browser, printed, monkeypatch):
    def too_early(*_: Any, **__: Any) -> None:
        raise AssertionError("worked out for nothing")

    monkeypatch.setattr("assessments.records.state.assess", too_early)
    with place(places_of("check-pdf", str(AnonymousCheck.objects.get().pk))):
        assert browser.get("/check/advisory.pdf").status_code == 503


def test_a_pdf_is_not_kept_when_there_is_no_room_or_the_check_has_changed_meanwhile(
    browser, printed, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr(answering, "MAX_CHECKS_BYTES", AnonymousCheck.objects.get().size)
        assert browser.get("/check/advisory.pdf").status_code == 200
    assert not CheckPdf.objects.exists()
    check = AnonymousCheck.objects.get()

    def changed_meanwhile(*_: Any, **__: Any) -> bytes:
        describe_check(check=AnonymousCheck.objects.get(), election="toronto-2026", handle="@new")
        return b"%PDF of the old account"

    monkeypatch.setattr(check_pdfs, "print_pdf", changed_meanwhile)
    check_pdfs.pdf_of_check(check)
    assert not CheckPdf.objects.exists()


def test_a_pdf_is_sent_although_nothing_can_be_written(browser, printed, caplog):
    with failing(writes_only=True):
        answer = browser.get("/check/advisory.pdf")
    assert (answer.status_code, answer.content) == (200, b"%PDF 1")
    assert "A PDF could not be kept: OperationalError" in caplog.text


def test_kept_pdfs_count_towards_what_all_checks_may_take(browser, printed):
    before = AnonymousCheck.objects.total_size()
    browser.get("/check/advisory.pdf")
    with CaptureQueriesContext(connection) as asked:
        assert AnonymousCheck.objects.total_size() == before + len(b"%PDF 1")
    # With thousands of checks a join takes several times as long.
    assert not [query for query in asked.captured_queries if " JOIN " in query["sql"]]


def test_what_strangers_print_has_a_process_of_its_own_that_gives_way_and_refuses_a_third(monkeypatch):
    def not_this_one() -> None:
        raise AssertionError("members would wait for it")

    with monkeypatch.context() as patch:
        patch.setattr(press._document_press, "pool", not_this_one)
        assert print_pdf(HTML, for_stranger=True).startswith(b"%PDF")
    (child,) = press._stranger_press.pool()._pool_manager.worker_manager.workers.values()
    assert child.pid
    assert os.getpriority(os.PRIO_PROCESS, child.pid) == 5
    with press._stranger_press.place(), press._stranger_press.place():
        with pytest.raises(PressError) as refused:
            print_pdf(HTML, for_stranger=True)
        assert refused.value.reason == PrintProblem.BUSY
        assert print_pdf(HTML).startswith(b"%PDF")
