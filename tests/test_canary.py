"""What people write goes through the whole portal, and then must not be where it does not belong."""

import base64
import io
import logging
import pickle
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from zipfile import ZipFile

import pytest
from django.core import mail
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from assessments.models import Assessment, AuditEvent, Finding, Share, User
from assessments.rendering.data import answer_data
from assessments.services import notices
from assessments.services.answering import Change, save_answers
from assessments.views import questionnaire
from tests.cast import Cast, client_of, seen
from tests.tables import BASE, answers_of

pytestmark = pytest.mark.django_db

CANARY = "zqcanary7741"
EMAIL = "resources.email"
SAVE = {EMAIL: "yes", f"note.{EMAIL}": f"A note: {CANARY}", f"seen.{EMAIL}": "0.x"}


class Log(logging.Handler):
    """Everything that is logged, as lines, with tracebacks."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


class Watch:
    """Records all requests: the URLs, the headers of the answers, and how many pages have the canary."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.recorded: list[str] = []
        self.pages_with_canary = 0

    def client(self, user: User | None, **options: Any) -> Client:
        client = client_of(user, **options) if user else Client(**options)
        client.raise_request_exception = False
        ask = client.request

        def request(**environment: Any) -> Any:
            answer = ask(**environment)
            self.recorded.append(f"{environment['PATH_INFO']}?{environment.get('QUERY_STRING', '')}")
            self.recorded.append(f"{answer.headers} {answer.cookies.output()}")
            if not answer.streaming:
                self.pages_with_canary += CANARY.encode() in answer.content
            return answer

        client.request = request  # type: ignore[method-assign]
        return client

    def leaks(self) -> list[str]:
        """The places where the canary is but must not be."""
        places = {
            "log": self.log.lines,
            "headers and addresses": self.recorded,
            "mail": [
                f"{m.subject} {m.body} {m.extra_headers} {getattr(m, 'alternatives', '')} {m.message()}"
                for m in mail.outbox
            ],
            "audit trail": [repr(row) for row in AuditEvent.objects.values()],
            "sessions": list(_sessions()),
            "cache": list(_cached()),
            "tasks": list(_rows("django_tasks_database_dbtaskresult")),
        }
        return [place for place, texts in places.items() if any(CANARY in text for text in texts)]


def _rows(table: str) -> Iterator[str]:
    if table in connection.introspection.table_names():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {table}")  # noqa: S608 - a name of ours
            for row in cursor.fetchall():
                yield repr(row)


def _sessions() -> Iterator[str]:
    from django.contrib.sessions.models import Session  # noqa: PLC0415 - an app's models

    from config.sessions import SessionStore  # noqa: PLC0415

    for session in Session.objects.all():
        yield repr(SessionStore().decode(session.session_data))


def _cached() -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT cache_key, value FROM cache")
        for key, value in cursor.fetchall():
            yield f"{key} {pickle.loads(base64.b64decode(value))!r}"  # noqa: S301 - our own


@pytest.fixture
def watch() -> Iterator[Watch]:
    log = Log()
    loggers = [logging.getLogger(name) for name in ("", "django")]
    for logger in loggers:
        logger.addHandler(log)
    yield Watch(log)
    for logger in loggers:
        logger.removeHandler(log)


def read(client: Client, *addresses: str) -> None:
    for address in addresses:
        assert client.get(address).status_code in (200, 302), address


def write(watch: Watch, cast: Cast, draft: Assessment, monkeypatch: Any) -> None:
    """Write answers, notes and comments: some are saved, and others run into every fault."""
    member, staff = watch.client(cast.member), watch.client(cast.staff)
    home = f"/assessments/{draft.pk}/"
    section = f"{home}section/resources"
    assert member.post(section, SAVE).status_code == 302
    conflict = {**SAVE, EMAIL: "no"}
    htmx: dict[str, Any] = {"HTTP_HX_REQUEST": "true"}
    for more in ({}, htmx):
        assert staff.post(section, conflict, **more).status_code == 200
        staff.post(section, {**SAVE, f"note.{EMAIL}": CANARY * 200}, **more)
        staff.post(section, {**SAVE, EMAIL: CANARY}, **more)
        assert watch.client(None).post(section, SAVE, **more).status_code == 409
        strict = watch.client(cast.staff, enforce_csrf_checks=True)
        assert strict.post(section, SAVE, **more).status_code == 403
        assert watch.client(cast.officer).post(section, SAVE, **more).status_code == 404
    with monkeypatch.context() as patch:

        def broken(**_: Any) -> None:
            raise RuntimeError("The disk is full.")

        patch.setattr(questionnaire, "save_answers", broken)
        assert member.post(section, SAVE).status_code == 500
    assert "The disk is full" in " ".join(watch.log.lines)
    comment = {"about": "question", "subject": EMAIL, "text": f"A comment: {CANARY}"}
    assert staff.post(f"{home}comments", comment).status_code == 302
    thread = draft.threads.get().pk
    member.post(f"{home}comments/{thread}/reply", {"text": f"A reply: {CANARY}"})
    member.post(f"{home}comments/{thread}/reply", {"text": CANARY * 400})
    member.post(f"{home}comments/{thread}/settle", {"seen": 7, "text": CANARY})
    member.post(f"{home}review/ready", {"ready": "yes"})
    pages = ("", "section/resources", "answers", "advisory", "advisory.json", "answers.json", "review")
    for client in (member, staff):
        read(client, "/office/", "/office/waiting", *(home + page for page in pages))


def attest_and_share(watch: Watch, cast: Cast, draft: Assessment) -> Share:
    """The member attests and shares, the officer reads and answers, and the member reads the answer."""
    member, officer = watch.client(cast.member), watch.client(cast.officer)
    home = f"/assessments/{draft.pk}/"
    member.post(f"{home}attest", {"seen": "stale", "stand": "yes", "note": CANARY})
    assert member.post(f"{home}attest", {"seen": seen(draft), "stand": "yes"}).status_code == 302
    member.post(f"{home}section/resources", SAVE)
    form = {
        "rule": ["9"],
        "question": [EMAIL],
        "note": [EMAIL],
        "question_to_ask": f"May I? {CANARY}",
        "about": ["9"],
        f"black_out:{EMAIL}": CANARY[:4],
    }
    read(member, home, f"{home}share", f"{home}advisory.pdf", f"{home}advisory.json", f"{home}compare")
    for more in ({}, {"preview": "1"}, {"give": "1"}, {"rule": [], "question_to_ask": CANARY * 400}):
        assert member.post(f"{home}share", {**form, **more}).status_code == 200
    del form[f"black_out:{EMAIL}"]
    assert member.post(f"{home}share", {**form, "give": "1", "consent": "yes"}).status_code == 302
    share = Share.objects.get()
    address = f"/shares/{share.pk}"
    read(officer, "/desk/", address, f"{address}.json", f"{address}.pdf", f"{address}/exchange.txt")
    assert officer.post(f"{address}/advice", {"text": f"An answer: {CANARY}"}).status_code == 302
    officer.post(f"{address}/advice", {"text": CANARY * 400})
    read(member, address, "/verify/" + share.code, f"/verify/?code={share.code}")
    return share


def test_what_people_write_is_on_their_own_pages_and_nowhere_else(
    watch, cast, monkeypatch, django_capture_on_commit_callbacks
):
    office, draft = cast.office, cast.draft
    write(watch, cast, draft, monkeypatch)
    with django_capture_on_commit_callbacks(execute=True):
        call_command("send_notices")
        answers = {q: answer_data(answer) for q, answer in answers_of(BASE["answers"]).items() if q != EMAIL}
        save_answers(
            draft=draft,
            changes=[Change(q, value, f"{CANARY} on {q}") for q, value in answers.items()],
            by=cast.member,
        )
        share = attest_and_share(watch, cast, draft)
        member = watch.client(cast.member)
        read(member, *(f"/office/{office.pk}/{page}" for page in ("people", "trail", "keeping", "export")))
        answer: Any = member.post(f"/office/{office.pk}/export")
        archive = ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
        assert not [name for name in archive.namelist() if CANARY in name]
        assert (
            CANARY in archive.read(next(n for n in archive.namelist() if n.endswith("exchange.txt"))).decode()
        )
        Finding.objects.create(
            attestation=draft.attestation,
            rule="due",
            force="must",
            outcome="action",
            due=timezone.localdate() + timedelta(days=3),
        )
        notices.set_mail(user=cast.staff, wanted=True)
        call_command("send_reminders")
        call_command("send_notices")
        member.post(f"/shares/{share.pk}/withdraw", {"text": CANARY})
        member.post(f"/office/{office.pk}/keeping", {"keep_drafts_months": CANARY})
        member.post(f"/office/{office.pk}/erase", {"name_of_office": CANARY})
        watch.client(cast.administrator).post(f"/people/offices/{office.pk}/hold", {"hold": CANARY})
    # The canary was there to be found: on pages, in the database, in mail that was sent.
    assert watch.pages_with_canary > 20
    assert len(mail.outbox) >= 4
    assert any("due on" in str(message.subject) for message in mail.outbox)
    assert len(watch.log.lines) > 5
    assert watch.leaks() == []


def _mail(_: Watch, __: Client) -> None:
    mail.send_mail("Hello", CANARY, None, ["member@example.ca"])


def _log(_: Watch, __: Client) -> None:
    logging.getLogger("assessments.services").error("It says %s", CANARY)


def _django_log(_: Watch, __: Client) -> None:
    logging.getLogger("django.request").error("It says %s", CANARY)


def _cache(_: Watch, __: Client) -> None:
    cache.set("somewhere", {"note": CANARY})


def _session(_: Watch, client: Client) -> None:
    session = client.session
    session["typed"] = CANARY
    session.save()


def _address(_: Watch, client: Client) -> None:
    client.get("/help", {"note": CANARY})


@pytest.mark.parametrize(
    ("plant", "place"),
    [
        (_log, "log"),
        (_django_log, "log"),
        (_mail, "mail"),
        (_cache, "cache"),
        (_session, "sessions"),
        (_address, "headers and addresses"),
    ],
)
def test_a_leak_is_found(watch, cast, plant, place):
    client = watch.client(cast.member)
    assert watch.leaks() == []
    plant(watch, client)
    assert watch.leaks() == [place]
