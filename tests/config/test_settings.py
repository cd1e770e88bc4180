"""The settings: what starts, what responses carry, what is stored and logged.

The settings are read in this process, as other environments give them. A few processes of their own show what the
command line makes of them.
"""

import io
import logging
import os
import re
import runpy
import shlex
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import get_connection, send_mail
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db.utils import ConnectionHandler
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from django.utils import timezone
from environs import EnvError

import manage
from config import settings as settings_file

ROOT = Path(__file__).resolve().parents[2]


def failing(request: HttpRequest) -> HttpResponse:
    """Fail while a request is handled."""
    raise ValueError("the view failed")


urlpatterns = [path("failing/", failing)]


def environment_of(**environment: str) -> dict[str, str]:
    """This environment, with no other settings of the portal."""
    ours = {"DEBUG", "SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL", "EMAIL_URL", "EMAIL_FROM"}
    ours |= {"MEDIA_ROOT", "PROXIES", "TASKS", "HSTS_SUBDOMAINS", "DJANGO_SETTINGS_MODULE"}
    ours |= {"OPERATOR_EMAIL", "METRICS_TOKEN"}
    # Set by the fixtures of tests that drive a browser.
    ours.add("DJANGO_ALLOW_ASYNC_UNSAFE")
    inherited = {name: value for name, value in os.environ.items() if name not in ours}
    return inherited | environment


def python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the portal's root with this environment and no other settings."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment_of(**environment),
        capture_output=True,
        text=True,
        check=False,
    )


def settings_of(**environment: str) -> dict[str, Any]:
    """The settings that this environment gives, read in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "environ", environment_of(**environment))
        return runpy.run_path(str(ROOT / "config/settings.py"))


def fault_of(**environment: str) -> str:
    """Why this environment is refused, in the words that `manage.py` prints."""
    with pytest.raises((EnvError, ImproperlyConfigured)) as refused:
        settings_of(**environment)
    return str(refused.value)


@contextmanager
def in_place(**environment: str) -> Iterator[None]:
    """Use the settings that this environment gives, but for the database that is open."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings_of(**environment).items():
            if name.isupper():
                patch.setattr(django_settings, name, value, raising=False)
        # Set by the fixtures of tests that drive a browser: `check --deploy` would object to it.
        patch.delenv("DJANGO_ALLOW_ASYNC_UNSAFE", raising=False)
        yield


# --- Starting -----------------------------------------------------------------


def test_without_a_secret_key_the_server_refuses_to_start_and_says_what_to_do():
    started = python("-c", "import config.wsgi")
    assert started.returncode != 0
    assert "SECRET_KEY is not set" in started.stderr
    assert "Set it in the environment" in started.stderr


@pytest.mark.parametrize(
    ("environment", "is_set"),
    [({}, False), ({"SECRET_KEY": "long and random"}, True), ({"DEBUG": "true"}, True)],
)
def test_a_secret_key_is_set_by_the_environment_or_with_debug_by_the_machine(environment, is_set):
    settings = settings_of(**environment)
    assert (settings["SECRET_KEY_IS_SET"], bool(settings["SECRET_KEY"])) == (is_set, is_set)


def test_without_a_secret_key_and_its_database_a_command_that_signs_nothing_and_needs_none_runs():
    checked = python("manage.py", "check", DATABASE_URL="postgres://nobody@host.invalid/nothing")
    assert checked.returncode == 0, checked.stderr


def test_the_machines_key_is_the_same_each_time_and_only_its_owner_can_read_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(settings_file, "VAR", tmp_path)
    key = settings_file._machine_key()
    assert len(key) > 50
    assert settings_file._machine_key() == key
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600


# --- Answers ------------------------------------------------------------------


@pytest.mark.django_db
def test_every_answer_forbids_what_the_page_does_not_need(client):
    answer = client.get("/account/login/")
    policy = dict(directive.split(" ", 1) for directive in answer["Content-Security-Policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        "object-src": "'none'",
        "style-src": "'self'",
        "img-src": "'self'",
        "font-src": "'self'",
        "script-src": "'self'",
        "connect-src": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"


@pytest.mark.django_db
def test_on_ones_own_machine_cookies_have_plain_names_since_it_has_no_https():
    settings = settings_of(DEBUG="true")
    names = ("SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME", "CHECK_COOKIE_NAME", "KNOWN_COOKIE_NAME")
    assert [settings[name] for name in names] == ["sessionid", "csrftoken", "check", "known"]


def test_outside_debug_a_cookie_travels_by_https_alone(client):
    client.get("/account/login/")
    assert client.cookies["__Host-csrftoken"]["secure"]
    assert django_settings.SESSION_COOKIE_SECURE


@pytest.mark.django_db
def test_a_form_of_more_than_two_and_a_half_megabytes_is_refused(client):
    assert client.post("/account/login/", {"username": "a" * 3_000_000}).status_code == 400


def test_without_a_word_about_it_debug_is_off_and_nothing_made_for_it_is_there():
    settings = settings_of(SECRET_KEY="long and random")
    assert settings["DEBUG"] is False
    assert not [name for name in settings["MIDDLEWARE"] if "not_found" in name]
    assert settings["STORAGES"]["staticfiles"]["BACKEND"].startswith("whitenoise.")


# --- Records ------------------------------------------------------------------


@pytest.fixture
def sqlite(tmp_path, django_db_blocker):
    """A connection to a SQLite file that the environment names."""
    as_set = settings_of(DATABASE_URL=f"sqlite:///{tmp_path}/db.sqlite3")["DATABASES"]
    connection = ConnectionHandler(as_set)["default"]
    with django_db_blocker.unblock():
        yield connection
        connection.close()


def test_a_database_of_sqlite_that_is_named_is_used_like_the_one_that_is_not(sqlite, tmp_path):
    unnamed = settings_of()["DATABASES"]["default"]
    assert sqlite.settings_dict["NAME"] == f"{tmp_path}/db.sqlite3"
    assert (sqlite.vendor, sqlite.settings_dict["OPTIONS"]) == ("sqlite", unnamed["OPTIONS"])
    assert unnamed["ENGINE"] == sqlite.settings_dict["ENGINE"]


def test_sqlite_lets_readers_read_keeps_what_is_acknowledged_and_checks_references(sqlite):
    def pragma(name: str) -> object:
        with sqlite.cursor() as cursor:
            return cursor.execute(f"PRAGMA {name}").fetchone()[0]

    full = 2
    assert pragma("journal_mode") == "wal"
    assert pragma("synchronous") == full
    assert pragma("foreign_keys") == 1
    assert pragma("recursive_triggers") == 1
    assert pragma("busy_timeout") == 4_000
    assert sqlite.transaction_mode == "IMMEDIATE"


def test_sqlite_takes_the_write_lock_as_a_transaction_begins(sqlite, tmp_path):
    sqlite.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
    connection = sqlite3.connect(tmp_path / "db.sqlite3", timeout=0)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        connection.execute("BEGIN IMMEDIATE")
    connection.close()
    sqlite.rollback()


# --- Time and log -------------------------------------------------------------


def test_late_on_a_toronto_evening_today_is_not_yet_the_day_that_it_is_in_london():
    with time_machine.travel(datetime(2026, 11, 2, 3, 0, tzinfo=UTC), tick=False):
        assert timezone.localdate() == date(2026, 11, 1)


@pytest.mark.urls(__name__)
def test_when_a_view_fails_the_log_has_the_error_but_nothing_that_was_sent(
    client, settings, mailoutbox, monkeypatch
):
    settings.ADMINS = [("Someone", "someone@example.ca")]
    client.raise_request_exception = False
    handlers = {handler.name: handler for handler in logging.getLogger("django").handlers}
    written = io.StringIO()
    monkeypatch.setattr(handlers["stderr"], "stream", written)

    answer = client.post("/failing/", {"note": "between us"})

    assert answer.status_code == 500
    for inside in ("the view failed", "Traceback", "test_settings", "between us"):
        assert inside not in answer.content.decode()
    assert "the view failed" in written.getvalue()
    assert "between us" not in written.getvalue()
    assert mailoutbox == []


# --- In production ----------------------------------------------------------------


def for_one_machine() -> dict[str, str]:
    """The settings of deploy/operating.md for one machine, with a value instead of each secret."""
    block = re.search(r"```sh\n(export .*?)```", (ROOT / "deploy/operating.md").read_text(), re.DOTALL)
    assert block
    exports = [line for line in block[1].splitlines() if line.startswith("export ")]
    return filled_in(word for line in exports for word in shlex.split(line.removeprefix("export ")))


def in_the_steps() -> dict[str, str]:
    """The settings of deploy/README.md, for services."""
    block = re.search(r"```\n(SECRET_KEY.*?)```", (ROOT / "deploy/README.md").read_text(), re.DOTALL)
    assert block
    return filled_in(block[1].splitlines())


def filled_in(words: Iterable[str]) -> dict[str, str]:
    return dict(word.replace("…", "a1-b2-c3-d4-e5-f6-" * 4).split("=", 1) for word in words)


def warnings_of(environment: dict[str, str]) -> str:
    """What `manage.py check --deploy` reports."""
    output = io.StringIO()
    with in_place(**environment):
        try:
            call_command("check", deploy=True, fail_level="WARNING", stdout=output, stderr=output)
        except SystemCheckError as fault:
            return str(fault)
    return output.getvalue()


def test_with_the_documented_settings_the_check_has_no_warning():
    assert "no issues (2 silenced)" in warnings_of(in_the_steps())
    check = python("manage.py", "check", "--deploy", "--fail-level", "WARNING", **for_one_machine())
    assert check.returncode == 0, check.stderr
    assert "no issues (2 silenced)" in check.stdout


ENTRA = {
    "OIDC_SERVER_URL": "https://login.microsoftonline.com/3f1b0c52-9d7e-4c1a-8a55-0d1f2f3a4b5c/v2.0",
    "OIDC_CLIENT_ID": "portal",
    "OIDC_CLIENT_SECRET": "hush",
}


@pytest.mark.parametrize(
    ("more", "warning"),
    [
        ({"PROXIES": "0"}, "PROXIES is not set."),
        ({"EMAIL_URL": ""}, "EMAIL_URL is not set, so the portal sends emails to port 25"),
        ({"EMAIL_FROM": "portal@localhost"}, "EMAIL_FROM is not set, so emails come from portal@localhost"),
        ({"SECURITY_CONTACT": ""}, "SECURITY_CONTACT is not set, so the portal does not say where to report"),
        ({"OPERATOR_EMAIL": ""}, "OPERATOR_EMAIL is not set, so no one gets an email when a backup"),
        ({"DATABASE_URL": "", "TASKS": "database"}, "With TASKS=database and SQLite, workers"),
        ({"DATABASE_URL": "postgres://p@db.example.ca/p"}, "DATABASE_URL names another host without sslmode"),
        (
            {"DATABASE_URL": "postgres://p@10.0.0.9/p?sslmode=require"},
            "DATABASE_URL names another host without",
        ),
        ({"EMAIL_URL": "smtp://portal:a@mail.example.ca:25"}, "EMAIL_URL begins with smtp://"),
        (ENTRA | {"OIDC_SERVER_URL": "http://localhost:9400"}, "OIDC_SERVER_URL is on this machine"),
        (ENTRA | {"OIDC_SECOND_STEP": "amr:mfa,amr:pwd"}, "OIDC_SECOND_STEP has amr:pwd"),
    ],
)
def test_a_setting_that_production_lacks_is_reported_in_words(more, warning):
    report = warnings_of(for_one_machine() | more)
    assert warning in report
    assert "1 issue" in report


@pytest.mark.parametrize(
    "url",
    [
        "postgres://portal:a@db/portal",
        "postgres://portal:a@localhost/portal",
        "postgres://portal:a@127.0.0.1:5433/portal",
        "postgres://portal:a@%2Frun%2Fpostgresql/portal",
        "postgres://portal:a@db.example.ca/portal?sslmode=verify-full",
    ],
)
def test_a_database_beside_the_portal_or_with_a_checked_certificate_needs_no_warning(url):
    assert "no issues" in warnings_of(for_one_machine() | {"DATABASE_URL": url})


@pytest.mark.parametrize(("environment", "is_on"), [({}, False), ({"HSTS_SUBDOMAINS": "true"}, True)])
def test_names_below_the_portals_own_are_kept_to_https_only_where_someone_says_so(environment, is_on):
    settings = settings_of(**environment)
    assert settings["SECURE_HSTS_INCLUDE_SUBDOMAINS"] is settings["SECURE_HSTS_PRELOAD"] is is_on


MAIL_EXAMPLE = (
    "Write it like submission://user:password@mail.example.ca:587, and encode special characters in the user name "
    "and password (write @ as %40)"
)


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("mail.example.ca:587", "does not begin with submission://"),
        ("submision://zq7@mail.example.ca", "does not begin with submission://"),
        ("submission://me:zq7@", "does not name an email server"),
        ("smtp://:zq7@mail:x", "has a part that cannot be read"),
        ("smtp://:zq7@mail:99999", "has a part that cannot be read"),
        ("smtp://mail.example.ca?timeout=zq7", "has a part that cannot be read"),
        ("smtp://[zq7", "has a part that cannot be read"),
        ("smtp://me:zq7#zq7@mail.example.ca:25", "has a special character"),
        ("smtp://me:zq7/zq7@mail.example.ca:25", "has a special character"),
    ],
)
def test_an_address_of_no_mail_server_is_reported_in_a_sentence_and_without_its_password(url, fault):
    reported = fault_of(EMAIL_URL=url)
    assert re.fullmatch(rf"EMAIL_URL {fault}[^\n]*\. {re.escape(MAIL_EXAMPLE)}\.", reported), reported
    assert "zq7" not in reported


@pytest.mark.parametrize("command", ["runserver", "send_notices"])
def test_every_command_says_what_is_wrong_with_the_address_of_the_mail_server(command):
    started = python("manage.py", command, EMAIL_URL="mail.example.ca")
    assert started.returncode == 1
    assert re.fullmatch(r"EMAIL_URL [^\n]*\n", started.stderr), started.stderr


@pytest.mark.parametrize(
    "url",
    [
        "",
        "smtp://",
        "smtp://localhost:25",
        "submission://user%40example.ca:p%2Fw@mail.example.ca:587",
        "console:",
        "file:///tmp/mail",
        "SMTP://mail.example.ca:25",
        "smtp://mail.example.ca:25/?_default_from_email=portal@example.ca",
    ],
)
def test_an_address_of_a_mail_server_is_taken(url):
    settings_of(EMAIL_URL=url)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DEBUG", "perhaps"),
        ("SECOND_STEP", "all"),
        ("PROXIES", "one"),
        ("TASKS", "later"),
        ("DATABASE_URL", "portal.sqlite3"),
        ("OPERATOR_EMAIL", "operators"),
        ("OPERATOR_EMAIL", "a@example.ca, b@example.ca"),
        ("METRICS_TOKEN", "a" * 31),
        ("METRICS_TOKEN", "a token of words with more than 32"),
        ("METRICS_TOKEN", "é" * 32),
    ],
)
def test_a_setting_that_is_wrong_is_named_in_a_line(name, value):
    assert re.fullmatch(rf"[^\n]*{name}[^\n]*", fault_of(**{name: value}))
    if name == "DEBUG":
        started = python("manage.py", "check", **{name: value})
        assert started.returncode == 1
        assert re.fullmatch(rf"[^\n]*{name}[^\n]*\n", started.stderr), started.stderr


def test_with_debug_mail_goes_to_files_and_a_line_says_where(tmp_path, settings, capsys):
    settings.EMAIL_FILE_PATH = tmp_path / "mail"
    to_files = get_connection(settings_of(DEBUG="true")["EMAIL_BACKEND"])
    for name in "ab":
        send_mail("A subject", "The text", None, [f"{name}@example.ca"], connection=to_files)
    paths = sorted((tmp_path / "mail").iterdir())
    out, errors = capsys.readouterr()
    assert out == ""
    assert errors == "".join(
        f"Email to {name}@example.ca saved in {path}\n" for name, path in zip("ab", paths, strict=True)
    )
    for file in paths:
        assert "Subject: A subject" in file.read_text()
        assert file.read_text().endswith("\n\nThe text")


def test_with_debug_mail_goes_below_var_unless_a_server_is_named():
    settings = settings_of(DEBUG="true")
    assert settings["EMAIL_BACKEND"] == "config.mail.MailToFiles"
    assert settings["EMAIL_FILE_PATH"] == ROOT / "var" / "mail"
    named = settings_of(DEBUG="true", EMAIL_URL="smtp://localhost:25")
    assert named["EMAIL_BACKEND"] == "django.core.mail.backends.smtp.EmailBackend"


def test_a_fault_of_the_code_keeps_its_traceback(monkeypatch):
    def fails(_: object) -> None:
        raise ImproperlyConfigured

    monkeypatch.setattr("django.core.management.execute_from_command_line", fails)
    with pytest.raises(ImproperlyConfigured):
        manage.main()


@pytest.mark.parametrize(
    ("query", "age", "options"),
    [
        ("", 600, {"connect_timeout": 4}),
        ("?sslmode=require", 600, {"sslmode": "require", "connect_timeout": 4}),
        ("?conn_max_age=0&connect_timeout=2", 0, {"connect_timeout": 2}),
        ("?options=-c+work_mem=8MB", 600, {"connect_timeout": 4, "options": "-c work_mem=8MB"}),
    ],
)
def test_a_database_server_is_waited_for_five_seconds_unless_its_address_says_otherwise(query, age, options):
    database = settings_of(DATABASE_URL=f"postgres://portal@db.example.ca/portal{query}")["DATABASES"][
        "default"
    ]
    assert (database["CONN_MAX_AGE"], database["OPTIONS"]) == (age, options)


@pytest.mark.parametrize(
    ("path", "sent", "proxies", "status"),
    [
        ("/check/", {}, "0", 301),
        ("/check/", {"X-Forwarded-Proto": "https"}, "1", 302),
        # Anybody could send this header.
        ("/check/", {"X-Forwarded-Proto": "https"}, "0", 301),
        ("/health/live", {}, "0", 200),
    ],
)
def test_requests_by_http_are_redirected_but_for_those_of_monitoring(path, sent, proxies, status):
    with in_place(SECRET_KEY="long and random", ALLOWED_HOSTS="testserver", PROXIES=proxies):
        answer = Client().get(path, headers=sent)
    assert answer.status_code == status
    assert ("max-age=31536000" in answer.get("Strict-Transport-Security", "")) is bool(
        sent and proxies == "1"
    )


def test_a_setting_can_be_in_a_file_which_may_end_in_a_new_line(tmp_path):
    for name, value in (
        ("key", "from a file\n"),
        ("url", f"sqlite:///{tmp_path}/db.sqlite3\n"),
        ("number", "2\n"),
    ):
        (tmp_path / name).write_text(value)
    settings = settings_of(
        SECRET_KEY_FILE=f"{tmp_path}/key",
        DATABASE_URL_FILE=f"{tmp_path}/url",
        PROXIES_FILE=f"{tmp_path}/number",
    )
    assert settings["SECRET_KEY"] == "from a file"
    assert settings["DATABASES"]["default"]["NAME"] == f"{tmp_path}/db.sqlite3"
    assert settings["ALLAUTH_TRUSTED_PROXY_COUNT"] == 2


def test_a_file_of_a_setting_that_cannot_be_read_is_named_in_a_line():
    checked = python("manage.py", "check", SECRET_KEY_FILE="/run/secrets/none")
    assert checked.returncode == 1
    assert re.fullmatch(r"[^\n]*SECRET_KEY_FILE[^\n]*\n", checked.stderr), checked.stderr
