"""Printing by workers of their own: one that is killed half-way costs nobody a PDF."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAD = """
import json, sys, time
import django
django.setup()
from datetime import date
from django.core.management import call_command
from django_tasks_db.models import DBTaskResult
from assessments.models import Attestation, Office, SocialAccount, StoredPdf, User
from assessments.services import printing
from bulletin import shelf
from bulletin.publish import publish_edition
from tests.attested import attested

def told(**more):
    states = list(DBTaskResult.objects.order_by("enqueued_at").values_list("status", flat=True))
    print(json.dumps({"tasks": states, "pdfs": StoredPdf.objects.count()} | more))
"""
ATTESTS = """
call_command("migrate", verbosity=0)
for edition in shelf.editions().values():
    publish_edition(edition=edition)
member = User.objects.create_user("ana@example.ca", name="Ana Silva")
office = Office.objects.create(name="Ward 10", member=member, starts_on=date(2022, 11, 15))
attested(SocialAccount.objects.create(office=office, platform="X", handle="@ana"))
told()
"""
STOPS_HALF_WAY = """
def half(name, data):
    path = printing.default_storage.path(name)
    printing.default_storage.save(name, printing.ContentFile(data[:1000]))
    print("printing", flush=True)
    time.sleep(60)
printing._keep = half
call_command("db_worker", batch=True, startup_delay=False)
"""
WORKS = """
call_command("db_worker", batch=True, startup_delay=False)
told()
"""
IS_ASKED = """
pdf = printing.pdf_of(Attestation.objects.get())
told(whole=pdf.startswith(b"%PDF") and len(pdf) == StoredPdf.objects.get().size)
"""
AGAIN = """
attestation = Attestation.objects.get()
printing.print_record.enqueue("attestation", attestation.pk)
"""


def run(body: str, environment: dict[str, str]) -> dict[str, object]:
    ended = subprocess.run(
        [sys.executable, "-c", HEAD + body],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    told: dict[str, object] = json.loads(ended.stdout.splitlines()[-1])
    return told


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return os.environ | {
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
        "MEDIA_ROOT": str(tmp_path / "media"),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SECRET_KEY": "only tests sign with this",
        "DEBUG": "true",
        "TASKS": "database",
    }


def test_a_worker_that_is_killed_while_it_prints_costs_nothing(environment):
    assert run(ATTESTS, environment) == {"tasks": ["READY"], "pdfs": 0}
    with subprocess.Popen(
        [sys.executable, "-c", HEAD + STOPS_HALF_WAY],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as worker:
        assert worker.stdout is not None
        assert "printing" in worker.stdout.readline()
        worker.kill()
    # Whoever asks gets it, though the task that should have made it never ends.
    assert run(IS_ASKED, environment) == {"tasks": ["RUNNING"], "pdfs": 1, "whole": True}
    # And a task that comes late makes no second one.
    assert run(AGAIN + WORKS, environment) == {"tasks": ["RUNNING", "SUCCESSFUL"], "pdfs": 1}


def test_what_is_missing_is_printed_over_several_processes_which_all_end(environment):
    assert run(ATTESTS, environment)["pdfs"] == 0
    command = [sys.executable, "manage.py", "render_missing", "--processes", "2"]
    ended = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert ended.stdout == "PDFs printed: 1.\n"
    assert run("told()", environment)["pdfs"] == 1
