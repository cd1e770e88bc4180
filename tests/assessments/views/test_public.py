"""The public pages: the examples, and answers from a file; and no answer leaks."""

import html
import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import transaction
from django.http import HttpResponse
from django.test import Client

from assessments.models import AnonymousCheck, CheckAnswer
from assessments.samples import TITLES, sample
from assessments.scoring.document import MAX_BYTES
from bulletin.encoding.digest import canonical
from bulletin.encoding.schema import Edition
from tests.reading import blocks_of_html
from tests.tables import EDITION, edition
from tests.weight import bytes_sent

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("published")]

Answer = Any
"""A response of the test client, whose class is not declared anywhere."""

CANARY = "canary7741"
"""A word in what people send. It may appear only in the pages that they get back."""

BACK = "/check/bring-back"


def document(**changes: Any) -> str:
    whole = {"edition": EDITION, "as_of": "2026-07-01", "answers": {"resources.email": "yes"}}
    return json.dumps(whole | changes)


def posted(client: Client, **fields: Any) -> Answer:
    return client.post(BACK, fields)


def text_of(answer: Answer) -> str:
    return html.unescape(answer.content.decode())


def faults_of(answer: Answer) -> list[str]:
    """The lines of the error summary."""
    summary = re.search(r'<div class="error-summary".*?</div>', answer.content.decode(), re.DOTALL)
    return [text.strip() for tag, text in blocks_of_html(summary[0] if summary else "") if tag == "li"]


def by_command(raw: bytes, form: str, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """What `manage.py advise` prints for the same document."""
    out = io.BytesIO()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(raw)))
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(out, write_through=True))
    call_command("advise", "-", format=form)
    return out.getvalue()


# --- Home and the examples ----------------------------------------------------


def test_home_offers_every_example_and_the_ways_in(client):
    page = client.get("/").content.decode()
    for name, title in TITLES.items():
        assert f'href="/examples/{name}"' in page
        assert title in html.unescape(page)
    assert 'action="/check/start"' in page
    assert f'href="{BACK}"' in page


def weight(url: str, response: HttpResponse) -> int:
    """The bytes that production sends for a page and the files that it names."""
    page = response.content.decode()
    files = dict.fromkeys(re.findall(r'(?:href|src)="(/static/[^"]+)"', page))
    paths = {name: Path(finders.find(name.removeprefix("/static/")) or "") for name in files}
    return bytes_sent(url, response.content) + sum(
        bytes_sent(name, path.read_bytes()) for name, path in paths.items()
    )


def test_home_shows_the_beginning_of_a_real_result_and_stays_small(client):
    response = client.get("/")
    result = client.get("/examples/conversion").context["a"]
    text = text_of(response)
    assert result.answer in text
    assert all(group.heading in text for group in result.acts[:2])
    assert "<img" not in response.content.decode()
    assert weight("/", response) <= 60_000


def test_a_first_page_of_questions_stays_small(client):
    client.post("/check/start")
    section = "/check/section/resources"
    assert weight(section, client.get(section)) <= 60_000


def test_the_guard_is_spoken_of_where_the_edition_has_a_section_on_campaigning(client, monkeypatch):
    words = {"/": "One section is about your re-election.", "/help": "Why am I stopped before the"}
    for address, text in words.items():
        assert text in text_of(client.get(address))
    content = json.loads(canonical(edition()))
    content["sheet"]["timing"]["wished"] = "always"
    unguarded = Edition.model_validate(content)
    monkeypatch.setattr("assessments.views.public.current", lambda: unguarded)
    for address, text in words.items():
        assert text not in text_of(client.get(address))


@pytest.mark.parametrize("name", TITLES)
def test_an_example_shows_its_advisory(client, name):
    answer = client.get(f"/examples/{name}")
    assert answer.status_code == 200
    assert answer.context["a"].answer in text_of(answer)
    assert json.loads(sample(name))["account"]["handle"] in text_of(answer)


def test_the_pdf_of_an_example_is_printed_from_what_the_command_prints(client, monkeypatch):
    def printing(html: str, *, for_stranger: bool, **more: Any) -> bytes:
        return f"%PDF {html} {more}".encode()

    # Of equal input the press makes equal bytes.
    monkeypatch.setattr("assessments.rendering.documents.print_pdf", printing)
    name = "conversion"
    answer = client.get(f"/examples/{name}.pdf")
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"] == 'inline; filename="example-advisory.pdf"'
    assert json.loads(sample(name))["account"]["handle"] in text_of(answer)
    assert answer.content == by_command(sample(name), "pdf", monkeypatch)


def test_an_example_that_there_is_not_is_not_found(client):
    for name in ("nowhere", "..", "conversion.json", "%2e%2e%2fsettings", "conversion%00"):
        for end in ("", ".pdf"):
            assert client.get(f"/examples/{name}{end}").status_code == 404, name


# --- Answers that are brought back ----------------------------------------------


@pytest.mark.parametrize("how", ["pasted", "uploaded"])
def test_answers_that_are_brought_back_are_a_self_check_of_this_browser(client, how):
    raw = document(account={"handle": "@of-my-own"}, notes={"resources.email": "Since\n2019"})
    sent: dict[str, Any] = {"answers": f"\r\n  {raw}\r\n"}
    if how == "uploaded":
        sent = {"file": SimpleUploadedFile("answers.json", raw.encode())}
    answer = posted(client, **sent)
    assert (answer.status_code, answer["Location"]) == (302, "/check/")
    advisory = client.get("/check/advisory")
    assert "@of-my-own" in text_of(advisory)
    assert "Since<br>2019" in advisory.content.decode()
    assert list(CheckAnswer.objects.values_list("question", "value")) == [("resources.email", "yes")]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"%PDF-1.7\n%\xda\xda", "This is a PDF"),
        (b'{"overall": "consistent", "findings": []}', "This is an advisory"),
        (b"PK\x03\x04\x00\x00", "This is not a text file"),
    ],
)
def test_a_file_that_is_plainly_another_kind_is_named_and_is_not_put_into_the_box(client, raw, message):
    answer = posted(client, file=SimpleUploadedFile("advisory", raw))
    assert message in faults_of(answer)[0]
    assert "begins with “answers”" in faults_of(answer)[0]
    assert re.search(r'id="id_answers">\s*</textarea>', answer.content.decode())


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("answers.json", True),
        ("ANSWERS.JSON", True),
        ("answers.json.txt", True),
        ("answers.html", False),
        ("answers.json.exe", False),
        ("answers", False),
    ],
)
def test_an_answers_file_has_a_name_of_its_kind_and_other_names_are_refused(client, name, taken):
    answer = posted(client, file=SimpleUploadedFile(name, document().encode()))
    assert answer.status_code == (302 if taken else 200)
    if not taken:
        assert "ends in “.json”" in faults_of(answer)[0]
        assert not AnonymousCheck.objects.exists()


@pytest.mark.parametrize(
    ("size", "message"), [(MAX_BYTES + 1, "1,000,000 bytes"), (3_000_000, "at most 1 MB")]
)
def test_a_file_that_is_too_long_is_refused_and_is_not_put_into_the_box(client, size, message):
    answer = posted(client, file=SimpleUploadedFile("answers.json", b"1" * size))
    assert message in faults_of(answer)[0]
    assert re.search(r'id="id_answers">\s*</textarea>', answer.content.decode())


def test_a_form_in_another_charset_is_read_as_utf_8(client):
    body = "answers=\\ud800"
    kind = "application/x-www-form-urlencoded; charset=unicode_escape"
    assert client.post(BACK, body, content_type=kind).status_code == 200


def test_whoever_begins_very_many_self_checks_has_to_wait(client, settings):
    settings.ACCOUNT_RATE_LIMITS = {"start_check": "2/m/ip"}
    assert [posted(client, answers=document()).status_code for _ in range(3)] == [302, 302, 429]
    assert client.post("/check/start", {"replace": "yes"}).status_code == 429
    assert AnonymousCheck.objects.count() == 1


def test_what_is_the_same_for_everyone_is_printed_once(client, monkeypatch):
    printed = []

    def printing(*_: object) -> bytes:
        printed.append(1)
        return b"%PDF"

    monkeypatch.setattr("assessments.views.public.questionnaire_pdf", printing)
    assert [client.get("/questionnaire.pdf").content for _ in range(2)] == [b"%PDF", b"%PDF"]
    assert len(printed) == 1


# --- Faults -------------------------------------------------------------------


def test_nothing_chosen_and_nothing_pasted_is_reported(client):
    assert faults_of(posted(client)) == ["Choose your answers file, or paste its text."]
    assert faults_of(posted(client, answers=" \r\n\t ")) == faults_of(posted(client))


def test_every_fault_is_listed_and_what_was_typed_is_still_there(client):
    pasted = document(answers={"resources.emial": "yes", "gifts.value": "lots"}, edition=EDITION)
    answer = posted(client, answers=pasted)
    assert answer.status_code == 200
    assert faults_of(answer) == [
        (
            'answers: "resources.emial": toronto-social-media-1.1 has no such question; '
            "did you mean `resources.email`?"
        ),
        (
            'answers.gifts.value: "lots": enter an amount from 0 to 1,000,000.00 dollars, such as 620.00, or '
            "unsure"
        ),
    ]
    textarea = re.search(r"<textarea[^>]*>(.*?)</textarea>", answer.content.decode(), re.DOTALL)
    assert textarea
    assert html.unescape(textarea[1]).strip() == pasted
    assert "<title>Please correct:" in answer.content.decode()
    assert not AnonymousCheck.objects.exists()


def test_faults_leave_the_check_that_this_browser_has(client):
    client.post("/check/start")
    posted(client, answers="{")
    assert client.get("/check/").status_code == 200


HOSTILE = {
    "no JSON": "{",
    "markup": "<script>alert(1)</script></textarea><script>",
    "NUL": "{\0}",
    "brackets": "[" * 900_000,
    "a number without end": document().replace('"yes"', "1" * 100_000),
    "NaN": document().replace('"yes"', "NaN"),
    "too many letters": " " * (MAX_BYTES + 1),
    "too many bytes": document(notes={"gifts.value": "é" * (MAX_BYTES * 2 // 3)}).replace("\\u00e9", "é"),
    "a list": "[]",
    "no such edition": document(edition="toronto-social-media-0.9"),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_answers_get_words_and_never_an_error_of_the_portals(client, text):
    file = SimpleUploadedFile(f"../{CANARY}.json\0", text.encode("utf-8", "surrogatepass"))
    for sent in ({"answers": text}, {"file": file}):
        answer = posted(client, **sent)
        assert answer.status_code == 200
        assert len(faults_of(answer)) == 1
        assert "<script" not in answer.content.decode()
    assert not AnonymousCheck.objects.exists()


@pytest.mark.parametrize(
    "text",
    [
        document(notes={"gifts.value": "x"}).replace('"x"', '"\\ud800"'),
        document(account={"handle": "\u202e"}),
        document(account={"handle": "\x1b[2J"}),
        "\ufeff" + document(),
        document().replace('"', "”"),
    ],
)
def test_answers_that_another_program_changed_are_brought_back(client, text):
    for sent in ({"answers": text}, {"file": SimpleUploadedFile("answers.json", text.encode())}):
        assert posted(client, **sent).status_code == 302
    unicode = SimpleUploadedFile("answers.json", document().encode("utf-16"))
    assert posted(client, file=unicode).status_code == 302


FORM = "application/x-www-form-urlencoded"
HOSTILE_BODIES: list[tuple[bytes, str, set[int]]] = [
    (b"answers=%ff%fe%80&sample=", FORM, {200}),
    (b"answers=\xff\xfe\x80", FORM, {200}),
    (b"answers=conversion%00", FORM, {200}),
    (b"answers=../../../etc/passwd", FORM, {200}),
    (b"file=exe", FORM, {200}),
    (b"answers=%7B&answers=&answers=", FORM, {200}),
    (b"&".join(b"a%d=1" % n for n in range(5_000)), FORM, {400}),
    (b"answers=" + b"a" * 3_000_000, FORM, {400}),
    (b"not a form", "multipart/form-data; boundary=x", {200, 400}),
    (b"not a form", "multipart/form-data", {400}),
    (b'--x\r\nContent-Disposition: form-data; name="answers"', "multipart/form-data; boundary=x", {200}),
    (b"{}", "application/json", {200}),
    (b"answers=%7B%7D", f"{FORM}; charset=no-such", {200, 400}),
    (b"answers=%E9", f"{FORM}; charset=latin-1", {200, 400}),
]


def test_hostile_bodies_are_refused_and_never_an_error_of_the_portals(client):
    for body, content_type, statuses in HOSTILE_BODIES:
        answer = client.generic("POST", BACK, body, content_type)
        assert answer.status_code in statuses, (body[:60], content_type)
    assert not AnonymousCheck.objects.exists()


def test_a_file_that_is_no_text_gets_words(client):
    for raw in (b"", b"\xff\xfe\x80", b"\0" * 100, b"%PDF-1.7"):
        answer = posted(client, file=SimpleUploadedFile("answers.json", raw))
        assert answer.status_code == 200
        assert faults_of(answer)


def test_a_restart_that_leads_nowhere_is_not_found(client):
    for to in ("", "nowhere", "//elsewhere.example/", "/check/", "\0", "/" + "a/" * 999):
        answer = client.post("/check/restart", {"account.stage": "live"}, query_params={"to": to})
        assert answer.status_code == 404, to
    assert not AnonymousCheck.objects.exists()


# --- What every answer carries ------------------------------------------------


SHOWN = (
    "faults",
    "tasks",
    "section",
    "answers",
    "advisory",
    "json",
    "file",
    "details",
    "brought back",
    "home",
)
"""What shows answers, or whether there are any."""
PAGES = (
    "home",
    "example",
    "back",
    "faults",
    "tasks",
    "section",
    "answers",
    "advisory",
    "details",
    "no token",
    "ended",
)


@pytest.fixture(scope="module")
def answers(module_published) -> dict[str, Answer]:
    """Every kind of answer. What they left in the database is undone."""
    with transaction.atomic():
        kinds = every_kind_of_answer(Client())
        transaction.set_rollback(True)
    return kinds


def every_kind_of_answer(client: Client) -> dict[str, Answer]:
    brought = posted(client, answers=sample("conversion").decode())
    return {
        "brought back": brought,
        "home": client.get("/"),
        "example": client.get("/examples/conversion"),
        "back": client.get(BACK),
        "faults": posted(client, answers="{"),
        "tasks": client.get("/check/"),
        "section": client.get("/check/section/account?ready"),
        "answers": client.get("/check/answers"),
        "advisory": client.get("/check/advisory"),
        "details": client.get("/check/details"),
        "json": client.get("/check/advisory.json"),
        "file": client.get("/check/answers.json"),
        "redirect": Client().get("/check/advisory"),
        "ended": Client().post("/check/section/account", {"account.stage": "live"}),
        "not allowed": client.put(BACK),
        "not found": client.get("/nowhere"),
        "too large": client.post(BACK, {"answers": "a" * 3_000_000}),
        "no token": Client(enforce_csrf_checks=True).post(BACK, {"answers": "{}"}),
    }


def test_every_answer_forbids_what_a_page_does_not_need(answers):
    for kind, answer in answers.items():
        policy = answer["Content-Security-Policy"]
        assert "default-src 'none'" in policy, kind
        assert "frame-ancestors 'none'" in policy, kind
        assert "unsafe" not in policy, kind
        assert answer["X-Frame-Options"] == "DENY", kind
        assert answer["X-Content-Type-Options"] == "nosniff", kind
        assert answer["Referrer-Policy"] == "same-origin", kind


def test_pages_hold_nothing_that_the_policy_refuses(answers):
    for kind in PAGES:
        page = answers[kind].content.decode()
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", page), kind
        # Scripts are files of our own, with nothing between the tags.
        assert not re.search(r'<script(?! src="/static/[^"]+"[^>]*></script>)', page), kind
        assert not re.search(r'(?:src|href)="(?:https?:)?//(?!www\.toronto\.ca)', page), kind


def test_what_shows_answers_is_kept_by_no_cache_and_no_search_engine(answers):
    for kind in (*SHOWN, "ended", "redirect", "no token"):
        assert "no-store" in answers[kind]["Cache-Control"], kind
        assert "private" in answers[kind]["Cache-Control"], kind
        # Anyone may find the home page, and no search engine has a self-check under way.
        assert kind == "home" or answers[kind]["X-Robots-Tag"] == "noindex, nofollow", kind


def test_a_form_without_its_token_is_refused_with_a_way_on():
    strict = Client(enforce_csrf_checks=True)
    given_back = strict.post(BACK, {"answers": document()})
    assert given_back.status_code == 403
    assert document() in text_of(given_back)
    assert 'action="/check/bring-back"' in text_of(given_back)
    # What has nothing typed in it has nothing to give back.
    refused = strict.post("/check/start")
    assert refused.status_code == 403
    assert "Open the page again" in text_of(
        strict.post("/check/start", headers={"Referer": "http://testserver/"})
    )
    assert "Go to the home page" in text_of(refused)


def test_a_form_that_another_site_sent_is_not_given_back(client):
    strict = Client(enforce_csrf_checks=True)
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://elsewhere.example"}):
        answer = strict.post(BACK, {"answers": document()}, headers=headers)
        assert answer.status_code == 403
        assert document() not in text_of(answer)


def test_a_form_with_its_token_is_taken():
    client = Client(enforce_csrf_checks=True)
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', client.get(BACK).content.decode())
    assert token
    assert posted(client, answers=document(), csrfmiddlewaretoken=token[1])["Location"] == "/check/"


def test_public_pages_start_no_session_and_only_the_check_has_a_cookie(answers):
    for kind, answer in answers.items():
        assert set(answer.cookies) <= (
            {"__Host-check"} if kind == "brought back" else {"__Host-csrftoken"}
        ), kind
    cookie = answers["brought back"].cookies["__Host-check"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["max-age"] == cookie["expires"] == ""


# --- Where answers must not be ------------------------------------------------


@pytest.fixture
def logged() -> Iterator[list[logging.LogRecord]]:
    """Every record that any logger writes, down to DEBUG."""
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
    typed = {"account.stage": CANARY, "note.account.stage": CANARY, "seen.account.stage": "0.x"}
    strict = Client(enforce_csrf_checks=True)
    sent = [
        posted(client, answers=document(answers={CANARY: CANARY})),
        posted(client, answers="{" + CANARY),
        posted(client, file=SimpleUploadedFile(f"{CANARY}.json", CANARY.encode())),
        posted(client, answers=good),
        client.get("/check/"),
        client.get("/check/advisory"),
        client.get("/check/answers.json"),
        client.post("/check/section/account", typed),
        Client().post("/check/section/account", typed),
        posted(client, answers=CANARY * 300_000),
        strict.post(BACK, {"answers": CANARY}),
        strict.post("/check/section/account", typed),
        client.put(BACK, CANARY),
    ]
    expected = [200, 200, 200, 302, 200, 200, 200, 200, 409, 400, 403, 403, 405]
    assert [answer.status_code for answer in sent] == expected
    assert CANARY in text_of(sent[5])

    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("the view failed")

    monkeypatch.setattr("assessments.views.public.start_check", fails)
    monkeypatch.setattr("assessments.views.questionnaire.save_answers", fails)
    client.raise_request_exception = False
    failed = [posted(client, answers=good), client.post("/check/section/account", typed)]
    assert [answer.status_code for answer in failed] == [500, 500]

    for answer in (*sent, *failed):
        assert CANARY not in str(answer.headers)
        assert CANARY not in str(answer.cookies)
    for answer in failed:
        assert CANARY not in text_of(answer)
    formatter = logging.Formatter()
    assert len(logged) >= 4
    lines = [formatter.format(record) for record in logged if record.levelno >= logging.INFO]
    assert [line for line in lines if CANARY in line] == []
    assert CANARY not in "".join(capfd.readouterr())


def test_no_form_of_the_pages_sends_answers_in_an_address(answers):
    for kind in PAGES:
        for form in re.findall(r"<form[^>]*>", answers[kind].content.decode()):
            assert 'method="post"' in form, kind


def test_links_to_elsewhere_take_no_address_of_the_page_along(answers):
    for kind in ("example", "advisory"):
        away = re.findall(r'<a [^>]*href="https?://[^>]*>', answers[kind].content.decode())
        assert away
        assert all('rel="noreferrer"' in link for link in away)
        assert edition().sheet.contact.website in text_of(answers[kind])


def test_the_letter_about_every_point_at_once_is_short_enough_for_any_mail_program(client):
    against = {q.id: "unsure" for q in edition().questions if q.kind == "ynu"}
    pasted = document(answers=against | {"account.stage": "live"}, account={"handle": "@of-my-own"})
    posted(client, answers=pasted)
    page = client.get("/check/advisory").content.decode()
    letter = re.search(r'href="(mailto:[^"]+body=[^"]+)"', page)
    assert letter
    assert len(html.unescape(letter[1])) < 2_000
    assert "%40of-my-own" in letter[1]
    # RFC 6068: lines end with both.
    assert letter[1].count("%0D%0A") == letter[1].count("%0A") > 5


def test_the_letter_leaves_out_a_name_that_makes_it_too_long_for_a_mail_program(client):
    against = {q.id: "unsure" for q in edition().questions if q.kind == "ynu"}
    posted(
        client, answers=document(answers=against | {"account.stage": "live"}, account={"handle": "க" * 200})
    )
    page = client.get("/check/advisory").content.decode()
    letter = re.search(r'href="(mailto:[^"]+body=[^"]+)"', page)
    assert letter
    assert len(html.unescape(letter[1])) < 2_000
    assert "social%20media%20account.%20These" in letter[1]
