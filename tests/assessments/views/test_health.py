"""The health checks: what makes the portal alive and ready, and what each fault is reported as."""

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.test.utils import CaptureQueriesContext

from assessments.models import frozen
from bulletin import shelf
from bulletin.publish import publish_edition

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.django_db
MANIFEST = "whitenoise.storage.CompressedManifestStaticFilesStorage"


@pytest.fixture
def published() -> None:
    for edition in shelf.editions().values():
        publish_edition(edition=edition)


def probe(name: str) -> tuple[int, dict[str, Any]]:
    answer = Client().get(f"/health/{name}")
    assert "sessionid" not in answer.cookies
    return answer.status_code, json.loads(answer.content)


def leftovers() -> list[str]:
    return default_storage.listdir("health")[1]


def run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def test_alive_touches_no_database():
    with CaptureQueriesContext(connection) as queries:
        assert probe("live") == (200, {"live": True})
    assert not queries.captured_queries


def test_ready_when_all_is_there(published):
    assert probe("ready") == (200, {"ready": True, "broken": []})
    assert leftovers() == []


# --- What breaks ------------------------------------------------------------------------------


def unmigrated(_: Any) -> None:
    MigrationRecorder(connection).record_unapplied(
        "assessments", MigrationRecorder(connection).migration_qs.filter(app="assessments").latest("id").name
    )


def thawed(_: Any) -> None:
    table = "assessments_auditevent"
    run(f"DROP TRIGGER {table}_unchanged{frozen.drop_from(connection, table)}")


def blocked(settings: Any) -> None:
    # The folder for files is itself a file.
    settings.MEDIA_ROOT = Path(__file__)


def uncollected(settings: Any) -> None:
    settings.STATIC_ROOT = settings.MEDIA_ROOT / "nothing-collected"
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": MANIFEST}}


BREAKS: dict[str, Callable[[Any], object]] = {
    "migrations": unmigrated,
    "frozen": thawed,
    "static": uncollected,
    "cache": lambda _: run("DROP TABLE cache"),
    "storage": blocked,
}


@pytest.mark.parametrize("part", BREAKS)
def test_a_part_that_fails_is_named(published, settings, part):
    BREAKS[part](settings)
    assert probe("ready") == (503, {"ready": False, "broken": [part]})


def test_what_is_collected_makes_it_ready(published, settings, tmp_path):
    settings.STATIC_ROOT = tmp_path / "collected"
    # Without compressed copies of each file, which take a while.
    backend = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": backend}}
    assert probe("ready")[1]["broken"] == ["static"]
    call_command("collectstatic", interactive=False, verbosity=0)
    assert probe("ready")[0] == 200


def test_a_release_whose_editions_were_not_loaded_is_not_ready(published, monkeypatch):
    (edition,) = shelf.editions().values()
    sheet = edition.sheet.model_copy(update={"revision": edition.sheet.revision + 1})
    newer = edition.model_copy(update={"sheet": sheet})
    monkeypatch.setattr(shelf, "editions", lambda: {newer.id: newer})
    assert probe("ready") == (503, {"ready": False, "broken": ["editions"]})
    publish_edition(edition=newer)
    assert probe("ready")[0] == 200


def test_a_database_that_is_down_is_named_alone_and_without_detail(tmp_path):
    for address in ("postgres://portal:zq7@127.0.0.1:1/zq7", f"sqlite:///{tmp_path}/zq7/db.sqlite3"):
        status, broken, log = probe_with(address, tmp_path)
        assert (status, broken) == (503, ["database"])
        assert "Not ready, database: OperationalError" in log
        assert "zq7" not in log


def test_an_empty_database_is_named_by_what_is_missing_in_it(tmp_path):
    _, broken, _ = probe_with(f"sqlite:///{tmp_path}/db.sqlite3", tmp_path)
    assert broken == ["migrations", "editions", "cache"]


def probe_with(address: str, home: Path) -> tuple[int, list[str], str]:
    """The status and the broken parts that a portal on another database reports, and what it logs."""
    script = (
        "import django; django.setup()\n"
        "from django.test import Client\n"
        "answer = Client(SERVER_NAME='localhost').get('/health/ready')\n"
        "print(answer.status_code, answer.content.decode())"
    )
    environment = os.environ | {
        "DATABASE_URL": address,
        "MEDIA_ROOT": str(home / "media"),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SECRET_KEY": "only tests sign with this",
        "DEBUG": "true",
    }
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    status, _, body = ended.stdout.partition(" ")
    return int(status), json.loads(body)["broken"], ended.stderr


# --- The storage ------------------------------------------------------------------------------


def test_a_disk_that_is_full_keeps_nothing_of_the_check(published, monkeypatch):
    written: list[list[str]] = []

    def half(_: ContentFile[bytes]) -> Iterator[bytes]:
        yield b"re"
        written.append(leftovers())
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(ContentFile, "chunks", half)
    for _ in range(2):
        assert probe("ready") == (503, {"ready": False, "broken": ["storage"]})
    # Each time there was a file of the same name, and it has been deleted.
    assert len(written[0]) == 1
    assert written == [written[0]] * 2
    assert leftovers() == []


def test_what_an_earlier_check_left_is_in_nobodys_way(published, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(default_storage, "delete", lambda _: None)
        probe("ready")
    (name,) = leftovers()
    assert django_settings.MEDIA_ROOT.joinpath("health", name).read_bytes() == b"ready"
    assert probe("ready")[0] == 200
    assert leftovers() == []
