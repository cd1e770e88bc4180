"""Alive and ready, and the truth about it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.storage import default_storage
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from django.test.utils import CaptureQueriesContext

from assessments.models import frozen
from assessments.views import health
from bulletin import shelf
from bulletin.publish import publish_edition

pytestmark = pytest.mark.django_db


@pytest.fixture
def published() -> None:
    for edition in shelf.editions().values():
        publish_edition(edition=edition)


def asked(name: str) -> tuple[int, dict[str, Any]]:
    answer = Client().get(f"/health/{name}")
    assert "sessionid" not in answer.cookies
    return answer.status_code, json.loads(answer.content)


def test_alive_touches_no_database():
    with CaptureQueriesContext(connection) as queries:
        assert asked("live") == (200, {"live": True})
    assert not queries.captured_queries


def test_ready_when_all_is_there(published):
    assert asked("ready") == (200, {"ready": True, "broken": []})
    assert default_storage.listdir("health")[1] == []


def refuse(*_: object, **__: object) -> None:
    raise OperationalError("secret words")


BREAKS: dict[str, Callable[[Any], object]] = {
    "database": lambda patch: patch.setitem(health.CHECKS, "database", refuse),
    "migrations": lambda patch: patch.setattr(MigrationExecutor, "migration_plan", lambda *_: ["one"]),
    "frozen": lambda patch: patch.setattr(frozen, "missing", lambda _: {"one": ("", "")}),
    "cache": lambda patch: patch.setattr(cache, "get", lambda _: None),
    "storage": lambda patch: patch.setattr(default_storage, "save", refuse),
}


@pytest.mark.parametrize("part", BREAKS)
def test_a_part_that_fails_is_named_and_nothing_is_told_of_it(published, monkeypatch, caplog, part):
    BREAKS[part](monkeypatch)
    status, told = asked("ready")
    assert (status, told) == (503, {"ready": False, "broken": [part]})
    assert "secret words" not in caplog.text


def test_without_an_edition_it_is_not_ready():
    assert asked("ready") == (503, {"ready": False, "broken": ["editions"]})
