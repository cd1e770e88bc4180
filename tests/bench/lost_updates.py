"""How many acknowledged edits are lost when people write at once.

`python -m tests.postgres python -m tests.bench.lost_updates`

Processes add words to one answer's note, each reading it, adding its own and saving; an edit counts once the save has
said so. With the check of versions a save that met another is done again on what stands then. The control turns the
check off: it names whatever version stands, as if it had been seen. Run it on PostgreSQL: SQLite hides the fault.
"""

import multiprocessing
import os
import sys
import time
from typing import Any

import django
from django.core.management import call_command

from tests.postgres import MADE

PROCESSES, EDITS = 4, 150
QUESTION = "resources.email"


def edit(pk: int, who: int, *, checked: bool) -> int:
    """Make the edits of one process; return how many were acknowledged."""
    from assessments.models import AnonymousCheck  # noqa: PLC0415 - after django.setup
    from assessments.services.answering import Change, save_answers  # noqa: PLC0415

    check = AnonymousCheck.objects.get(pk=pk)
    acknowledged = 0
    for at in range(EDITS):
        while True:
            row = check.answers.get(question=QUESTION)
            note = f"{row.note} {who}.{at}"
            # What a person takes to type it.
            time.sleep(0.001)
            seen = row.version if checked else check.answers.get(question=QUESTION).version
            if (
                QUESTION
                in save_answers(draft=check, changes=[Change(QUESTION, "yes", note, seen)], by=None).versions
            ):
                acknowledged += 1
                break
    return acknowledged


def work(pk: int, who: int, checked: bool, results: Any) -> None:
    """One process."""
    django.setup()
    results.put(edit(pk, who, checked=checked))


def lost(*, checked: bool) -> tuple[int, int, float]:
    """Acknowledged edits, those of them that are not there at the end, and the seconds that it took."""
    from assessments.services.answering import Change, save_answers  # noqa: PLC0415
    from assessments.services.drafts import start_check  # noqa: PLC0415

    check, _ = start_check()
    save_answers(draft=check, changes=[Change(QUESTION, "yes", "", seen=0)], by=None)
    spawn = multiprocessing.get_context("spawn")
    results = spawn.Queue()
    began = time.perf_counter()
    people = [spawn.Process(target=work, args=(check.pk, who, checked, results)) for who in range(PROCESSES)]
    for person in people:
        person.start()
    acknowledged = sum(results.get(timeout=600) for _ in people)
    for person in people:
        person.join()
    there = set(check.answers.get(question=QUESTION).note.split())
    return acknowledged, acknowledged - len(there), time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    os.environ["DATABASE_URL"] = os.environ.get(MADE, "")
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
        acknowledged, gone, seconds = lost(checked=checked)
        print(f"{name:<18} {acknowledged} acknowledged, {gone} lost  ({seconds:.1f} s)")


if __name__ == "__main__":
    main()
