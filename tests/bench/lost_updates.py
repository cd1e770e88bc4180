"""How many acknowledged edits are lost when people write at the same time.

`python -m tests.postgres python -m tests.bench.lost_updates`

Processes add words to one answer's note: each reads the note, adds its word and saves. An edit counts once its save
is acknowledged. With the check of versions, a save that conflicts is repeated on the new note. The control turns the
check off: it names the current version as if it had read that one. Run it on PostgreSQL: SQLite hides the fault.
"""

import multiprocessing
import os
import sys
import time
from typing import Any

import django
from django.core.management import call_command

from tests.postgres import STARTED_FOR_US

PROCESSES, EDITS = 4, 150
QUESTION = "resources.email"


def edit(pk: int, process: int, *, checked: bool) -> int:
    """Make the edits of one process; return how many were acknowledged."""
    from assessments.models import AnonymousCheck  # noqa: PLC0415 - after django.setup
    from assessments.services.answering import AnswerVersion, Change, save_answers  # noqa: PLC0415

    check = AnonymousCheck.objects.get(pk=pk)
    acknowledged = 0
    for at in range(EDITS):
        while True:
            row = check.answers.get(question=QUESTION)
            note = f"{row.note} {process}.{at}"
            # The time that a person takes to type.
            time.sleep(0.001)
            seen = AnswerVersion.of_row(row if checked else check.answers.get(question=QUESTION))
            saved = save_answers(draft=check, changes=[Change(QUESTION, "yes", note, seen)], by=None)
            if QUESTION in saved.versions:
                acknowledged += 1
                break
    return acknowledged


def work(pk: int, process: int, checked: bool, results: Any) -> None:
    """Run one process."""
    django.setup()
    results.put(edit(pk, process, checked=checked))


def lost(*, checked: bool) -> tuple[int, int, float]:
    """The number of acknowledged edits, how many of them are missing at the end, and the seconds taken."""
    from assessments.services.answering import Change, save_answers  # noqa: PLC0415
    from assessments.services.drafts import start_check  # noqa: PLC0415

    check, _ = start_check()
    save_answers(draft=check, changes=[Change(QUESTION, "yes", "")], by=None)
    spawn = multiprocessing.get_context("spawn")
    results = spawn.Queue()
    began = time.perf_counter()
    people = [
        spawn.Process(target=work, args=(check.pk, number, checked, results)) for number in range(PROCESSES)
    ]
    for person in people:
        person.start()
    acknowledged = sum(results.get(timeout=600) for _ in people)
    for person in people:
        person.join()
    there = set(check.answers.get(question=QUESTION).note.split())
    return acknowledged, acknowledged - len(there), time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    os.environ["DATABASE_URL"] = os.environ.get(STARTED_FOR_US, "")
    os.environ.setdefault("SECRET_KEY", "only for figures")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.conf import settings  # noqa: PLC0415

    if "postgresql" not in settings.DATABASES["default"]["ENGINE"]:
        sys.exit("This measures PostgreSQL: run it by way of tests.postgres, as its head says.")
    for command in ("migrate", "load_editions"):
        call_command(command, verbosity=0)
    print(f"{PROCESSES} processes, {EDITS} edits each, PostgreSQL")
    for checked, name in ((True, "with the check"), (False, "check turned off")):
        acknowledged, missing, seconds = lost(checked=checked)
        print(f"{name:<18} {acknowledged} acknowledged, {missing} lost  ({seconds:.1f} s)")


if __name__ == "__main__":
    main()
