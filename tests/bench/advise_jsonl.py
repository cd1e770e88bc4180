"""How many advisories a second `manage.py advise --jsonl` writes: `python -m tests.bench.advise_jsonl`.

On one core, with reading and writing, without starting Python and loading the editions. The baseline reads and writes
the same lines as JSON and does nothing else. Times are the processor's, so that other work on the machine counts
less. Each is the best of three. Use the ratio.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import django
from django.core.management import call_command

from assessments.scoring.advisory import Advisory

LINES = 3_000
TIMES = 3


def lines() -> list[bytes]:
    """The samples many times, each time with a third of the answers changed. All lines are valid."""
    from assessments.samples import TITLES, sample  # noqa: PLC0415 - after django.setup
    from bulletin.shelf import editions  # noqa: PLC0415

    random = Random(1)  # noqa: S311 - nothing is kept secret with it
    documents = [json.loads(sample(name)) for name in TITLES]
    lines = []
    for number in range(LINES):
        document: dict[str, Any] = documents[number % len(documents)]
        questions = editions()[document["edition"]].questions
        answers = dict(document["answers"])
        for question in random.sample(questions, len(questions) // 3):
            if question.kind == "ynu":
                answers[question.id] = random.choice(["yes", "no", "unsure", None])
            elif question.kind == "choice":
                answers[question.id] = random.choice(question.values)
            elif question.kind == "money":
                answers[question.id] = f"{random.randint(0, 1_000)}.00"
        lines.append(json.dumps(document | {"answers": answers}, ensure_ascii=False).encode() + b"\n")
    return lines


def advise(source: Path, target: Path) -> None:
    """Do the work that is measured."""
    call_command("advise", jsonl=str(source), output=str(target))


def parse_and_dump(source: Path, target: Path) -> None:
    """Read and write the same lines with `json` only."""
    with source.open("rb") as read, target.open("wb") as written:
        for line in read:
            written.write(json.dumps(json.loads(line)).encode() + b"\n")


def seconds(work: Callable[[Path, Path], None], source: Path, target: Path) -> float:
    """The processor's seconds in the quickest of some runs."""
    times = []
    for _ in range(TIMES):
        began = time.process_time()
        work(source, target)
        times.append(time.process_time() - began)
    return min(times)


def advisories(source: Path) -> list[Advisory]:
    """The advisories for all lines."""
    from assessments.scoring.assess import assess  # noqa: PLC0415 - after django.setup
    from assessments.scoring.document import read_document  # noqa: PLC0415
    from bulletin.shelf import calendar, editions  # noqa: PLC0415

    advisories = []
    for line in source.read_bytes().splitlines():
        document = read_document(line, editions(), calendar())
        as_of = document.as_of or date.today()  # noqa: DTZ011 - any day does
        election = document.election or calendar().default_for(as_of)
        advisories.append(assess(document.edition, document.answers, as_of=as_of, election=election))
    return advisories


def seconds_for(work: Callable[[Advisory], object], advisories: list[Advisory]) -> list[float]:
    """The processor's seconds for some work on each advisory; for each, the quickest of some runs."""
    times = []
    for advisory in advisories:
        runs = []
        for _ in range(TIMES):
            began = time.process_time()
            work(advisory)
            runs.append(time.process_time() - began)
        times.append(min(runs))
    return times


def main() -> None:
    """Measure and print."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "lines.jsonl"), Path(folder, "out.jsonl")
        source.write_bytes(b"".join(lines()))
        seconds(advise, source, target)  # the editions are loaded, and everything is imported
        took = seconds(advise, source, target)
        assert target.read_bytes().count(b"\n") == LINES
        floor = seconds(parse_and_dump, source, target)
        every, size = advisories(source), source.stat().st_size
    from assessments.scoring.explain import explain  # noqa: PLC0415 - after django.setup
    from assessments.scoring.settled import progress  # noqa: PLC0415

    settled, explained = sum(seconds_for(progress, every)), seconds_for(explain, every)
    changed = sum(explained)
    print(f"{LINES:,} lines of {size / LINES:,.0f} bytes, Python {sys.version.split()[0]}")
    print(
        f"advise --jsonl         {LINES / took:9,.0f} advisories a second  ({took / LINES * 1e6:,.0f} µs each)"
    )
    print(
        f"json.loads, json.dumps {LINES / floor:9,.0f} lines a second       ({floor / LINES * 1e6:,.0f} µs each)"
    )
    print(
        f"settled and next       {LINES / settled:9,.0f} advisories a second  ({settled / LINES * 1e6:,.0f} µs each)"
    )
    print(
        f"what would change it   {LINES / changed:9,.0f} advisories a second  ({changed / LINES * 1e6:,.0f} µs each, "
        f"{max(explained) * 1e6:,.0f} µs at most)"
    )
    print(f"ratio                  {took / floor:9.1f}")


if __name__ == "__main__":
    main()
