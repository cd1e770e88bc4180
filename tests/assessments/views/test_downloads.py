"""Downloads: their headers, and the one page for every PDF that cannot be made."""

import io
from typing import Any

import pytest
from django.test import Client

from assessments.pdf.press import BUSY, PressError, PrintProblem
from assessments.views.downloads import file_response
from tests.cast import client_of, person

ATTACHED = {"Content-Type": "application/pdf", "Content-Disposition": 'attachment; filename="a.pdf"'}


@pytest.mark.parametrize(
    ("content", "options", "headers"),
    [
        (b"%PDF", {}, ATTACHED),
        (b"%PDF", {"inline": True}, ATTACHED | {"Content-Disposition": 'inline; filename="a.pdf"'}),
        (io.BytesIO(b"%PDF"), {}, ATTACHED | {"Content-Length": "4"}),
        (iter([b"%P", b"DF"]), {"size": 4}, ATTACHED | {"Content-Length": "4", "X-Accel-Buffering": "no"}),
    ],
    ids=["bytes", "inline", "a file", "parts"],
)
def test_a_download_has_the_same_headers_whatever_it_comes_from(content, options, headers):
    response: Any = file_response(content, "application/pdf", "a.pdf", **options)
    assert dict(response.items()) == headers
    assert b"".join(response) == b"%PDF"


def busy(*_: object, **__: object) -> bytes:
    raise PressError(PrintProblem.BUSY, BUSY)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("address", "printer", "back"),
    [
        ("/examples/conversion.pdf", "public.advisory_pdf", "/examples/conversion"),
        ("/questionnaire.pdf", "public.questionnaire_pdf", "/"),
        ("/check/advisory.pdf", "questionnaire.pdf_of_check", "/check/advisory"),
        ("/desk/insights.pdf?since=2026-01-01", "insights.print_pdf", "/desk/insights?since=2026-01-01"),
    ],
)
def test_a_pdf_that_cannot_be_made_leads_back_to_where_the_person_was(
    published, monkeypatch, address, printer, back
):
    client = client_of(person("officer", is_officer=True)) if address.startswith("/desk/") else Client()
    client.post("/check/start")
    monkeypatch.setattr(f"assessments.views.{printer}", busy)
    response = client.get(address)
    page = response.content.decode()
    assert (response.status_code, BUSY in page) == (503, True)
    assert f'<a class="btn btn-outline-primary" href="{back}">' in page
    assert client.get(back).status_code == 200
