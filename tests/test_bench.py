"""Benchmarks fill databases, so they must never use one that has people's records."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILLING = [
    "attack",
    "desk",
    "effort",
    "guessing",
    "killed",
    "lost_updates",
    "pages",
    "server",
    "verify_audit",
]
"""The benchmarks that open the database which their environment names."""
NAMED = {"DATABASE_URL": "postgres://portal@db.example.ca/portal", "S3_BUCKET": "papers"}
OURS = "postgresql://postgres@/postgres?host=%2Ftmp%2Fours"
BEGINS_EACH = """
import importlib, json, os, sys
import django

class Begun(Exception): ...

def setup():
    raise Begun

django.setup = setup
before, places = dict(os.environ), []
for name, more in json.load(sys.stdin):
    os.environ.clear()
    os.environ.update(before | more)
    try:
        importlib.import_module(f"tests.bench.{name}").main()
    except Begun:
        places.append([os.environ.get(name, "") for name in ("DATABASE_URL", "S3_BUCKET")])
print(json.dumps(places))
"""


@pytest.fixture(scope="module")
def places() -> dict[tuple[str, bool], list[str]]:
    """The database and the bucket that each benchmark is about to use, without and with a server started for it."""
    cases = [(name, started) for name in FILLING for started in (False, True)]
    sent = [(name, NAMED | ({"TESTS_POSTGRES": OURS} if started else {})) for name, started in cases]
    ended = subprocess.run(
        [sys.executable, "-c", BEGINS_EACH],
        cwd=ROOT,
        env={key: value for key, value in os.environ.items() if key != "TESTS_POSTGRES"},
        input=json.dumps(sent),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return dict(zip(cases, json.loads(ended.stdout), strict=True))


@pytest.mark.parametrize("name", FILLING)
def test_a_benchmark_leaves_the_database_that_the_environment_names_alone(places, name):
    assert not places[name, False][0].startswith("postgres")


@pytest.mark.parametrize("name", ["desk", "effort", "killed", "server"])
def test_a_benchmark_that_stores_files_stores_none_in_a_bucket(places, name):
    assert places[name, False][1] == ""


@pytest.mark.parametrize("name", sorted({*FILLING} - {"pages"}))
def test_a_benchmark_uses_the_server_that_was_started_for_it(places, name):
    assert places[name, True][0] == OURS
