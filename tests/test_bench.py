"""Benchmarks fill databases, so they must never use one that has people's records."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILLING = ["desk", "killed", "lost_updates", "pages", "server", "verify_audit"]
"""The benchmarks that open the database which their environment names."""
PRINTS_PLACES = """
import os, sys
import django
from tests.bench import {name}
def print_places():
    sys.exit("|".join(os.environ.get(name, "") for name in ("DATABASE_URL", "S3_BUCKET")))
django.setup = print_places
{name}.main()
"""
NAMED = {"DATABASE_URL": "postgres://portal@db.example.ca/portal", "S3_BUCKET": "papers"}


def opened(name: str, **more: str) -> list[str]:
    """The database and the bucket that a benchmark is about to use."""
    environment = {key: value for key, value in os.environ.items() if key != "TESTS_POSTGRES"}
    ended = subprocess.run(
        [sys.executable, "-c", PRINTS_PLACES.format(name=name)],
        cwd=ROOT,
        env=environment | NAMED | more,
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.stderr.splitlines()[-1].split("|")


@pytest.mark.parametrize("name", FILLING)
def test_a_benchmark_leaves_the_database_that_the_environment_names_alone(name):
    assert not opened(name)[0].startswith("postgres")


@pytest.mark.parametrize("name", ["desk", "killed", "server"])
def test_a_benchmark_that_stores_files_stores_none_in_a_bucket(name):
    assert opened(name)[1] == ""


@pytest.mark.parametrize("name", sorted({*FILLING} - {"pages"}))
def test_a_benchmark_uses_the_server_that_was_started_for_it(name):
    ours = "postgresql://postgres@/postgres?host=%2Ftmp%2Fours"
    assert opened(name, TESTS_POSTGRES=ours)[0] == ours
