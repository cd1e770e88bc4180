"""The public pages: choose or paste, see the advisory, take it away; and nothing of it stays or leaks."""

import html
import io
import json
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client

from assessments.management.commands.advise import Command
from assessments.reports.press import PressError
from assessments.samples import TITLES, sample
from assessments.scoring.document import MAX_BYTES
from tests.reading import blocks_of_html
from tests.tables import EDITION, edition

Answer = Any
"""What the test client gives: a response of a class that it makes up."""

CANARY = "canary7741"
"""A word that is in what people send and may be nowhere but in what they get back."""


def document(**changes: Any) -> str:
    whole = {"edition": EDITION, "as_of": "2026-07-01", "answers": {"resources.email": "yes"}}
    return json.dumps(whole | changes)


def posted(client: Client, **fields: str) -> Answer:
    return client.post("/advisory", fields)


def text_of(answer: Answer) -> str:
    return html.unescape(answer.content.decode())


def faults_of(answer: Answer) -> list[str]:
    """The lines of the error summary."""
    found = re.search(r'<div class="error-summary".*?</div>', answer.content.decode(), re.DOTALL)
    return [text.strip() for tag, text in blocks_of_html(found[0] if found else "") if tag == "li"]


def by_command(raw: bytes, form: str, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """What `manage.py advise` prints for the same document."""
    out = io.BytesIO()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(raw)))
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(out, write_through=True))
    Command().run_from_argv(["manage.py", "advise", "-", "--format", form])
    return out.getvalue()


# --- Home ---------------------------------------------------------------------


def test_home_offers_every_sample_and_a_place_to_paste(client):
    answer = client.get("/")
    assert answer.status_code == 200
    for name, title in TITLES.items():
        assert f'value="{name}"' in answer.content.decode()
        assert title in text_of(answer)
    assert '<textarea name="answers"' in answer.content.decode()


# --- The advisory -------------------------------------------------------------


@pytest.mark.parametrize("name", TITLES)
def test_a_sample_shows_its_advisory(client, name):
    answer = posted(client, sample=name)
    assert answer.status_code == 200
    assert "Advisory on a social media account" in text_of(answer)
    assert json.loads(sample(name))["account"]["handle"] in text_of(answer)
    assert faults_of(answer) == []


def test_pasted_answers_show_their_advisory_and_go_before_a_sample(client):
    pasted = document(account={"handle": "@of-my-own"}, notes={"resources.email": "Since\n2019"})
    answer = posted(client, sample="conversion", answers=f"\r\n  {pasted}\r\n")
    assert "@of-my-own" in text_of(answer)
    assert "@CouncillorLee" not in text_of(answer)
    assert "Since<br>2019" in answer.content.decode()


def test_without_a_day_in_the_document_the_page_is_as_of_today_in_toronto(client):
    with time_machine.travel(datetime(2026, 7, 1, 3, 59, 59, tzinfo=UTC), tick=False):
        answer = posted(client, answers=json.dumps({"edition": EDITION, "answers": {}}))
    assert "30 June 2026" in text_of(answer)


@pytest.mark.parametrize("name", TITLES)
def test_the_json_is_the_commands_byte_for_byte(client, monkeypatch, name):
    answer = posted(client, sample=name, file="json")
    assert answer["Content-Type"] == "application/json"
    assert answer["Content-Disposition"] == 'attachment; filename="advisory.json"'
    assert answer.content == by_command(sample(name), "json", monkeypatch)


def test_the_pdf_is_the_commands_byte_for_byte(client, monkeypatch):
    answer = posted(client, sample="nothing-flagged", file="pdf")
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"] == 'attachment; filename="advisory.pdf"'
    assert answer.content == by_command(sample("nothing-flagged"), "pdf", monkeypatch)


def test_what_the_page_hands_on_to_the_downloads_is_what_was_pasted(client):
    pasted = document(notes={"resources.email": '"quoted" <b> & é 👍 &quot;'})
    page = posted(client, answers=pasted).content.decode()
    hidden = re.search(r'<input type="hidden" name="answers" value="([^"]*)"', page)
    assert hidden
    assert html.unescape(hidden[1]) == pasted
    assert posted(client, answers=html.unescape(hidden[1]), file="json").status_code == 200


def test_when_the_pdf_cannot_be_made_the_page_says_why_and_still_shows_the_advisory(client, monkeypatch):
    def busy(*_: object) -> bytes:
        raise PressError("busy", "The printer is busy with other documents.")

    monkeypatch.setattr("assessments.views.public.advisory_pdf", busy)
    answer = posted(client, sample="conversion", file="pdf")
    assert answer.status_code == 200
    assert "The PDF could not be made" in text_of(answer)
    assert "The printer is busy with other documents." in text_of(answer)
    assert "@CouncillorLee" in text_of(answer)


def test_an_advisory_that_is_asked_for_without_answers_leads_home(client):
    answer = client.get("/advisory")
    assert (answer.status_code, answer["Location"]) == (302, "/")


# --- Faults -------------------------------------------------------------------


def test_nothing_chosen_and_nothing_pasted_is_said(client):
    assert faults_of(posted(client)) == ["Choose a sample situation, or paste an answers file."]
    assert faults_of(posted(client, answers=" \r\n\t ")) == faults_of(posted(client))


def test_every_fault_is_told_and_what_was_typed_is_still_there(client):
    pasted = document(answers={"resources.emial": "yes", "gifts.value": "lots"}, edition=EDITION)
    answer = posted(client, sample="conversion", answers=pasted)
    assert answer.status_code == 200
    assert faults_of(answer) == [
        (
            'answers: "resources.emial": toronto-social-media-1.1 has no such question; '
            "did you mean `resources.email`?"
        ),
        (
            'answers.gifts.value: "lots": the answer is an amount from 0 to 1000000.00 dollars, like 620.00, or '
            "unsure"
        ),
    ]
    kept = re.search(r"<textarea[^>]*>(.*?)</textarea>", answer.content.decode(), re.DOTALL)
    assert kept
    assert html.unescape(kept[1]).strip() == pasted
    assert re.search(r'<input[^>]*value="conversion"[^>]*checked', answer.content.decode())
    assert "<title>Please correct:" in answer.content.decode()


HOSTILE = {
    "no JSON": "{",
    "markup": "<script>alert(1)</script></textarea><script>",
    "NUL": "{\0}",
    "brackets": "[" * 900_000,
    "a number without end": document().replace('"yes"', "1" * 100_000),
    "NaN": document().replace('"yes"', "NaN"),
    "half of a character": document(notes={"gifts.value": "x"}).replace('"x"', '"\\ud800"'),
    "a bidi override": document(account={"handle": "\u202e"}),
    "an escape": document(account={"handle": "\x1b[2J"}),
    "too many letters": " " * (MAX_BYTES + 1),
    "too many bytes": document(notes={"gifts.value": "é" * (MAX_BYTES * 2 // 3)}).replace("\\u00e9", "é"),
    "a byte order mark": "\ufeff" + document(),
}


@pytest.mark.parametrize("pasted", HOSTILE.values(), ids=HOSTILE)
def test_hostile_answers_get_words_and_never_an_error_of_the_portals(client, pasted):
    answer = posted(client, answers=pasted)
    assert answer.status_code == 200
    assert len(faults_of(answer)) == 1
    assert "<script" not in answer.content.decode()


@pytest.mark.parametrize(
    ("body", "content_type", "statuses"),
    [
        (b"answers=%ff%fe%80&sample=", "application/x-www-form-urlencoded", {200}),
        (b"answers=\xff\xfe\x80", "application/x-www-form-urlencoded", {200}),
        (b"sample=conversion%00", "application/x-www-form-urlencoded", {200}),
        (b"sample=../../../etc/passwd", "application/x-www-form-urlencoded", {200}),
        (b"sample=conversion&file=exe", "application/x-www-form-urlencoded", {200}),
        (b"sample=conversion&sample=&answers=", "application/x-www-form-urlencoded", {200}),
        (b"&".join(b"a%d=1" % n for n in range(5_000)), "application/x-www-form-urlencoded", {400}),
        (b"answers=" + b"a" * 3_000_000, "application/x-www-form-urlencoded", {400}),
        (b"not a form", "multipart/form-data; boundary=x", {200, 400}),
        (b"not a form", "multipart/form-data", {400}),
        (b'--x\r\nContent-Disposition: form-data; name="answers"', "multipart/form-data; boundary=x", {200}),
        (b"{}", "application/json", {200}),
        (b"answers=%7B%7D", "application/x-www-form-urlencoded; charset=no-such", {200, 400}),
        (b"answers=%E9", "application/x-www-form-urlencoded; charset=latin-1", {200, 400}),
    ],
)
def test_hostile_bodies_are_refused_and_never_an_error_of_the_portals(client, body, content_type, statuses):
    answer = client.generic("POST", "/advisory", body, content_type)
    assert answer.status_code in statuses


# --- What every answer carries ------------------------------------------------


def every_kind_of_answer(client: Client) -> dict[str, Answer]:
    return {
        "home": client.get("/"),
        "advisory": posted(client, sample="nothing-flagged"),
        "faults": posted(client, answers="{"),
        "json": posted(client, sample="nothing-flagged", file="json"),
        "redirect": client.get("/advisory"),
        "not allowed": client.put("/advisory"),
        "not found": client.get("/nowhere"),
        "too large": client.post("/advisory", {"answers": "a" * 3_000_000}),
        "no token": Client(enforce_csrf_checks=True).post("/advisory", {"sample": "conversion"}),
    }


def test_every_answer_forbids_what_a_page_does_not_need(client):
    for kind, answer in every_kind_of_answer(client).items():
        policy = answer["Content-Security-Policy"]
        assert "default-src 'none'" in policy, kind
        assert "frame-ancestors 'none'" in policy, kind
        assert "unsafe" not in policy, kind
        assert answer["X-Frame-Options"] == "DENY", kind
        assert answer["X-Content-Type-Options"] == "nosniff", kind
        assert answer["Referrer-Policy"] == "same-origin", kind


def test_pages_hold_nothing_that_the_policy_refuses(client):
    for kind in ("home", "advisory", "faults", "no token"):
        page = every_kind_of_answer(client)[kind].content.decode()
        assert not re.search(r"<style|\sstyle=|<script|\son[a-z]+=|javascript:", page), kind
        assert not re.search(r'(?:src|href)="(?:https?:)?//(?!www\.toronto\.ca)', page), kind


def test_what_shows_answers_is_kept_by_no_cache_and_no_search_engine(client):
    answers = every_kind_of_answer(client)
    for kind in ("advisory", "faults", "json"):
        assert "no-store" in answers[kind]["Cache-Control"], kind
        assert "private" in answers[kind]["Cache-Control"], kind
        assert answers[kind]["X-Robots-Tag"] == "noindex, nofollow", kind
    assert "no-store" in answers["redirect"]["Cache-Control"]


def test_a_form_without_its_token_is_refused_with_a_way_on():
    answer = Client(enforce_csrf_checks=True).post("/advisory", {"sample": "conversion"})
    assert answer.status_code == 403
    assert "reload the page and send it again" in text_of(answer)


def test_a_form_with_its_token_is_taken():
    client = Client(enforce_csrf_checks=True)
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', client.get("/").content.decode())
    assert token
    answer = posted(client, sample="nothing-flagged", csrfmiddlewaretoken=token[1])
    assert answer.status_code == 200
    assert "Nothing flagged on your answers" in text_of(answer)


def test_pages_touch_no_database_and_start_no_session(client):
    """No database is at hand in this test, so that touching one would fail."""
    for answer in every_kind_of_answer(client).values():
        assert set(answer.cookies) <= {"csrftoken"}


# --- Where answers must not be ------------------------------------------------


@pytest.fixture
def logged() -> Iterator[list[logging.LogRecord]]:
    """All that any logger writes, down to DEBUG, with the records' own attributes."""
    records: list[logging.LogRecord] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record)

    keep = Keep(logging.DEBUG)
    watched = [logging.getLogger(), logging.getLogger("django")]
    levels = [logger.level for logger in watched]
    for logger in watched:
        logger.addHandler(keep)
        logger.setLevel(logging.DEBUG)
    yield records
    for logger, level in zip(watched, levels, strict=True):
        logger.removeHandler(keep)
        logger.setLevel(level)


def test_answers_are_in_no_address_no_header_and_no_log(client, logged, monkeypatch, capfd):
    good = document(account={"handle": f"@{CANARY}"}, notes={"resources.email": CANARY})
    sent = [
        posted(client, answers=good),
        posted(client, answers=good, file="json"),
        posted(client, answers=document(answers={CANARY: CANARY})),
        posted(client, answers="{" + CANARY),
        posted(client, sample=CANARY),
        posted(client, answers=CANARY * 300_000),
        Client(enforce_csrf_checks=True).post("/advisory", {"answers": CANARY}),
        client.put("/advisory", CANARY),
    ]

    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("the view failed")

    monkeypatch.setattr("assessments.views.public.project", fails)
    client.raise_request_exception = False
    sent.append(posted(client, answers=good))

    assert [answer.status_code for answer in sent] == [200] * 5 + [400, 403, 405, 500]
    assert CANARY in text_of(sent[0])
    for answer in sent:
        assert CANARY not in str(answer.headers)
        assert CANARY not in str(answer.cookies)
    formatter = logging.Formatter()
    assert len(logged) >= 4
    assert [line for line in map(formatter.format, logged) if CANARY in line] == []
    assert CANARY not in "".join(capfd.readouterr())


def test_no_form_of_the_pages_sends_answers_in_an_address(client):
    for answer in (client.get("/"), posted(client, sample="conversion")):
        forms = re.findall(r"<form[^>]*>", answer.content.decode())
        assert len(forms) == 1
        for form in forms:
            assert 'method="post"' in form
            assert 'action="/advisory"' in form


def test_links_to_elsewhere_take_no_address_of_the_page_along(client):
    page = posted(client, sample="conversion").content.decode()
    away = re.findall(r'<a [^>]*href="https?://[^>]*>', page)
    assert away
    assert all('rel="noreferrer"' in link for link in away)
    assert edition().sheet.contact.website in text_of(posted(client, sample="conversion"))
