"""A database that is full, locked or not responding: what was typed comes back with 503, in words and in time."""

import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
import requests
from allauth.mfa.utils import is_mfa_enabled
from django.db import OperationalError, connection, transaction
from django.db.backends.utils import CursorWrapper
from django.test import Client

from assessments.middleware import database_down
from assessments.services.people import invite
from assessments.views import sign_in
from tests.cast import PASSWORD, Cast, client_of, code_at, make
from tests.hosts import free_port, killed, started, wait_for, web_host
from tests.test_permissions import (
    ROW,
    address_of,
    browser,  # noqa: F401  # fixtures
    module_pks,  # noqa: F401
    pks,  # noqa: F401
    sent_by,
)
from tests.test_writable import POSTED

pytestmark = pytest.mark.django_db
WORDS = "database is full, busy or not responding"
TEXT = "What I typed into this note. "
LONG = "🍁" * 1_900
"""It does not fit what is left of any page of the database."""
CHANGES = re.compile(r"\s*(INSERT|UPDATE|DELETE|REPLACE)\b", re.IGNORECASE)
PUBLIC_ONLY = {"live"}
"""The pages that use no database at all."""


@contextmanager
def failing(*, writes_only: bool) -> Iterator[None]:
    """The database refuses every write or, without `writes_only`, everything."""

    run, run_many = CursorWrapper._execute, CursorWrapper._executemany  # type: ignore[attr-defined]

    def fails(sql: str) -> None:
        if not writes_only or CHANGES.match(sql):
            raise OperationalError("database is locked")

    def execute(self: Any, sql: str, params: Any, *more: Any) -> Any:
        fails(sql)
        return run(self, sql, params, *more)

    def execute_many(self: Any, sql: str, params: Any, *more: Any) -> Any:
        fails(sql)
        return run_many(self, sql, params, *more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CursorWrapper, "_execute", execute)
        patch.setattr(CursorWrapper, "_executemany", execute_many)
        yield


@pytest.mark.parametrize("address", POSTED)
def test_no_form_is_lost_or_ends_in_a_fault_when_nothing_can_be_written(cast, pks, browser, address):  # noqa: F811
    row = ROW[address]
    client = browser(POSTED[address], fresh=True, raise_request_exception=False)
    sent = sent_by(row)
    with failing(writes_only=True):
        answer = client.post(address_of(row, pks), sent)
    page = answer.content.decode()
    assert answer.status_code < 500 or answer.status_code == 503
    if answer.status_code == 503:
        assert WORDS in page
        for name, value in sent.items():
            assert "password" in name or f'name="{name}" value="' in page
            assert "password" not in name or str(value) not in page


def test_most_forms_do_write(cast, pks, browser):  # noqa: F811
    """Otherwise the test above would prove nothing."""
    count = 0
    for address, person in POSTED.items():
        client = browser(person, fresh=True, raise_request_exception=False)
        with transaction.atomic():
            with failing(writes_only=True):
                answer = client.post(address_of(ROW[address], pks), sent_by(ROW[address]))
            transaction.set_rollback(True)
        count += answer.status_code == 503
    assert count >= 20


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("address", ROW)
def test_without_any_database_a_page_is_503_in_words(cast, pks, browser, address, method):  # noqa: F811
    row = ROW[address]
    client = browser("member", raise_request_exception=False)
    with failing(writes_only=False):
        answer = getattr(client, method)(address_of(row, pks), sent_by(row) if method == "post" else {})
    assert answer.status_code < 500 or answer.status_code == 503
    assert answer.status_code != 503 or WORDS in answer.content.decode() or address == "ready"


def test_a_note_comes_back_and_can_be_sent_again_when_the_disk_is_full(cast, browser):  # noqa: F811
    client = client_of(cast.staff, raise_request_exception=False)
    path = f"/assessments/{cast.draft.pk}/section/account"
    sent = {"account.stage": "live", "note.account.stage": TEXT, "seen.account.stage": "0.x"}
    with failing(writes_only=True):
        answer = client.post(path, sent)
    page = answer.content.decode()
    assert (answer.status_code, answer["Retry-After"]) == (503, "60")
    assert TEXT in re.findall(r"<dd.*?</dd>", page, re.DOTALL)[-1]
    assert f'<form method="post" action="{path}">' in page
    assert "Sign in" not in page
    assert "Save now" in page
    assert client.post(path, sent).status_code == 302
    assert cast.draft.answers.get(question="account.stage").note == TEXT.strip()


def test_a_page_that_saves_by_itself_says_why(cast):
    client = client_of(cast.staff, raise_request_exception=False)
    path = f"/assessments/{cast.draft.pk}/section/account"
    with failing(writes_only=True):
        answer = client.post(
            path, {"account.stage": "live", "seen.account.stage": "0.x"}, headers={"HX-Request": "true"}
        )
    assert answer.status_code == 503
    assert WORDS in answer.content.decode()
    assert "<html" not in answer.content.decode()


def test_signing_in_fails_in_words_and_without_the_password(cast):
    person = cast.member
    person.set_password("quiet-harbour-9")
    person.save()
    client = Client(raise_request_exception=False)
    with failing(writes_only=True):
        answer = client.post("/account/login/", {"login": person.email, "password": "quiet-harbour-9"})
    page = answer.content.decode()
    assert answer.status_code == 503
    assert WORDS in page
    assert person.email in page
    assert "quiet-harbour-9" not in page
    assert 'href="/account/login/"' in page


def test_what_is_saved_is_answered_although_its_session_cannot_be(cast, monkeypatch):
    client = cast.client("member", fresh=True)

    def execute(run: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("UPDATE") and "django_session" in sql:
            raise OperationalError("database is locked")
        return run(sql, params, many, context)

    sent = {"keep_drafts_months": 36, "keep_attested_years": 10}
    with connection.execute_wrapper(execute):
        answer = client.post(f"/office/{cast.office_pk}/keeping", sent)
    assert answer.status_code == 302
    assert cast.office.keep_drafts_months == 36


@contextmanager
def no_new_session() -> Iterator[None]:
    """The database takes no new session, and everything else."""

    def execute(run: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith(("INSERT", "UPDATE")) and "django_session" in sql:
            raise OperationalError("database is locked")
        return run(sql, params, many, context)

    with connection.execute_wrapper(execute):
        yield


def test_someone_who_joined_and_could_not_be_signed_in_reads_that_their_sign_in_is_ready(cast, mailoutbox):
    invite(email="new@example.ca", role="staff", office=cast.office, by=cast.member)
    link = re.findall(r"/invitation/\S+", str(mailoutbox[-1].body))[0]
    client = Client(raise_request_exception=False)
    with no_new_session():
        answer = client.post(link, {"name": "Bo", "new_password1": PASSWORD, "new_password2": PASSWORD})
    assert answer.status_code == 302
    assert "Your sign-in is ready" in client.get(answer["Location"]).content.decode()
    assert (
        client.post("/account/login/", {"login": "new@example.ca", "password": PASSWORD}).status_code == 302
    )


def test_someone_whose_password_is_changed_and_session_is_not_reads_that_it_is_changed(cast):
    person = cast.member
    person.set_password(PASSWORD)
    person.save()
    client = client_of(person, fresh=True, raise_request_exception=False)
    new = "another harbour 7"
    sent = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    with no_new_session():
        answer = client.post("/account/password/change/", sent)
    assert answer.status_code == 302
    assert "Your password has been changed" in client.get(answer["Location"]).content.decode()


def test_a_password_that_is_not_changed_is_not_said_to_be(cast):
    client = client_of(cast.staff, raise_request_exception=False)
    with failing(writes_only=True):
        answer = client.post("/account/password/set/", {"password1": PASSWORD, "password2": PASSWORD})
    assert answer.status_code == 503
    assert not cast.staff.has_usable_password()


def test_a_first_second_step_is_not_set_up_without_ending_the_other_sessions(cast, monkeypatch):
    client = cast.client("member", fresh=True, raise_request_exception=False)
    secret = re.findall(r"[A-Z2-7]{32}", client.get("/account/app/").content.decode())[0]

    def fails(**_: Any) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(sign_in, "end_sessions", fails)
    assert client.post("/account/app/", {"code": code_at(time.time(), secret)}).status_code == 503
    assert not is_mfa_enabled(cast.member)


def test_a_session_that_was_ended_meanwhile_is_still_refused(cast):
    client = cast.client("member", fresh=True)
    session = client.session
    assert session.get("message") is None
    session.delete(session.session_key)
    session["message"] = "more"
    from django.contrib.sessions.backends.base import UpdateError  # noqa: PLC0415 - only here

    with pytest.raises(UpdateError):
        session.save()


# --- With a real lock and a real limit of pages ---------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(
    connection.vendor != "sqlite", reason="only SQLite can be told how many pages it may have"
)
def test_a_database_that_may_not_grow_gives_back_a_long_note():
    cast: Cast = make()
    client = client_of(cast.staff, raise_request_exception=False)
    path = f"/assessments/{cast.draft.pk}/section/account"
    sent = {"account.stage": "live", "note.account.stage": LONG, "seen.account.stage": "0.x"}
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE filling (text TEXT)")
        cursor.execute("PRAGMA page_count")
        (pages,) = cursor.fetchone()
        cursor.execute("PRAGMA freelist_count")
        (free,) = cursor.fetchone()
        cursor.execute("PRAGMA max_page_count")
        (before,) = cursor.fetchone()
        cursor.execute(f"PRAGMA max_page_count = {pages}")
    try:
        for size in (2000, 200, 20, 2):
            with connection.cursor() as cursor, suppress(OperationalError):
                for _ in range(free + 200):
                    cursor.execute("INSERT INTO filling VALUES (hex(randomblob(%s)))", [size])
        answer = client.post(path, sent)
        assert answer.status_code == 503
        assert LONG in answer.content.decode()
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA max_page_count = {before}")
            cursor.execute("DROP TABLE filling")
    assert client.post(path, sent).status_code == 302


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one lock, and no rows are locked")
def test_a_request_waits_a_limited_time_for_a_locked_row_and_a_command_does_not(monkeypatch):
    assert database_down.LOCK_TIMEOUT == "4s"
    monkeypatch.setattr(database_down, "LOCK_TIMEOUT", "1s")
    cast: Cast = make()
    client = client_of(cast.member, raise_request_exception=False)
    address = f"/office/{cast.office_pk}/keeping"
    sent = {"keep_drafts_months": 36, "keep_attested_years": 10}
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("0",)
    connection.close()
    other = connection.copy()
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("SELECT 1 FROM assessments_office WHERE id = %s FOR UPDATE", [cast.office_pk])
        began = time.monotonic()
        answer = client.post(address, sent)
        assert answer.status_code == 503
        assert 0.9 < time.monotonic() - began < 4
        other.rollback()
    finally:
        other.close()
    assert client.post(address, sent).status_code == 302
    # After the rollback, too.
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("1s",)
    connection.close()


SERVED = """
import sys, django
django.setup()
from tests.bench.own import tables
tables()
"""


@pytest.mark.slow
@pytest.mark.skipif(connection.vendor != "sqlite", reason="the lock is SQLite's")
def test_a_locked_database_answers_within_five_seconds(tmp_path):
    environment: dict[str, Any] = {
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
        "MEDIA_ROOT": f"{tmp_path}/media",
        "EMAIL_URL": "dummy:",
        "DEBUG": "true",
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    assert started("-c", SERVED, **environment).wait(timeout=120) == 0
    port = free_port()
    server = web_host(port, **environment)
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(address)
        session = requests.Session()
        page = session.get(f"{address}/check/bring-back").text
        token = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[0]
        session.post(f"{address}/check/start", {"csrfmiddlewaretoken": token})
        lock = sqlite3.connect(tmp_path / "db.sqlite3", isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        forms = {
            "/check/section/account": {"account.stage": "live", "note.account.stage": TEXT},
            "/check/bring-back": {"answers": '{"edition": "toronto-social-media-1.1", "answers": {}}'},
            "/check/restart?to=/check/section/account": {"note.account.stage": TEXT, "account.stage": "live"},
        }
        for path, form in forms.items():
            began = time.monotonic()
            answer = session.post(address + path, form | {"csrfmiddlewaretoken": token})
            assert answer.status_code == 503, path
            assert time.monotonic() - began < 5, path
            assert WORDS in answer.text
            assert TEXT in answer.text or path == "/check/bring-back"
        assert session.get(f"{address}/check/").status_code == 200
        lock.execute("ROLLBACK")
        for path, form in forms.items():
            assert session.post(address + path, form | {"csrfmiddlewaretoken": token}).status_code == 200
    finally:
        killed(server)
