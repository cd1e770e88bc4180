"""The health checks: what makes the portal alive and ready, and what each fault is reported as."""

import errno
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import connection, connections
from django.db.migrations.recorder import MigrationRecorder
from django.db.utils import ConnectionHandler
from django.test import Client
from django.test.utils import CaptureQueriesContext

from assessments.models import frozen
from bulletin import shelf
from bulletin.publish import publish_edition
from tests.config.test_settings import python, settings_of

pytestmark = pytest.mark.django_db
MANIFEST = "whitenoise.storage.CompressedManifestStaticFilesStorage"


def probe(name: str) -> tuple[int, dict[str, Any]]:
    answer = Client().get(f"/health/{name}")
    assert not answer.cookies
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


@pytest.mark.postgres
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


def test_a_database_that_is_down_is_named_alone_and_without_detail(tmp_path, caplog, capfd):
    usual = connections["default"]
    for address in ("postgres://portal:zq7@127.0.0.1:1/zq7", f"sqlite:///{tmp_path}/zq7/db.sqlite3"):
        databases = settings_of(DEBUG="true", DATABASE_URL=address)["DATABASES"]
        connections["default"] = ConnectionHandler(databases)["default"]
        try:
            assert probe("ready") == (503, {"ready": False, "broken": ["database"]})
        finally:
            connections["default"] = usual
    lines = [record.getMessage() for record in caplog.records]
    assert lines.count("Not ready, database: OperationalError") == 2
    assert "zq7" not in caplog.text + "".join(capfd.readouterr())


def test_an_empty_database_is_named_by_what_is_missing_in_it(tmp_path):
    script = (
        "import django; django.setup()\n"
        "from django.test import Client\n"
        "print(Client(SERVER_NAME='localhost').get('/health/ready').content.decode())"
    )
    environment = {"DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3", "MEDIA_ROOT": str(tmp_path / "media")}
    ended = python("-c", script, DJANGO_SETTINGS_MODULE="config.settings", DEBUG="true", **environment)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["broken"] == ["migrations", "editions", "cache"]


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
