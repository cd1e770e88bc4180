"""Runs every benchmark and writes tests/bench/RESULTS.md, one table: `make bench`.

Each row is a ratio against a baseline of the same run, since the machine's own speed means nothing. Only what people
have to read is compared with November 2026: it is the same on every machine.
"""

import platform
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import django

from tests.bench.effort import NOTE

ROOT = Path(__file__).parents[2]
RESULTS = Path(__file__).parent / "RESULTS.md"
ON_BOTH = {"desk": 9, "server": 5}
"""The benchmarks that run on both databases, and how many figures each gives."""
LINE = re.compile(r"(?P<subject>[^:]+): (?P<figures>.+)")
RATIO = re.compile(r"ratio\s+([\d.]+)(?:\s+([\d.]+))?")


def output_of(name: str, *, postgresql: bool = False) -> str:
    """What a benchmark prints."""
    python = sys.executable
    before = [python, "-m", "tests.postgres"] if postgresql else []
    command = [*before, python, "-W", "ignore", "-m", f"tests.bench.{name}"]
    ended = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    sys.stdout.write(ended.stdout)
    sys.stdout.flush()
    return ended.stdout


def rows() -> list[tuple[str, str]]:
    """For each measurement, its subject, and its figures with their ratio."""
    results = []
    output = output_of("advise_jsonl")
    ratio = RATIO.search(output)
    if not ratio:
        raise RuntimeError(f"No ratio in:\n{output}")
    results.append(("`advise --jsonl`", f"{ratio[1]} × reading and writing the same JSON"))
    results += [
        (f"PDF of an advisory, {document}", figures) for document, figures in ratio_lines(output_of("pdf"), 4)
    ]
    pages = output_of("pages")
    results += ratio_lines(pages, 3)
    total = re.search(r"([\d,]+)  bytes in all", pages)
    if not total:
        raise RuntimeError(f"No bytes in:\n{pages}")
    results.append(("first section page, compressed", f"{total[1]} bytes"))
    results += ratio_lines(output_of("effort"), 10)
    for name, count in ON_BOTH.items():
        for postgresql in (False, True):
            results += ratio_lines(output_of(name, postgresql=postgresql), count)
    return results


def ratio_lines(output: str, count: int) -> list[tuple[str, str]]:
    """The lines with a ratio: for each, the subject and its figures. Raises RuntimeError if some are missing."""
    lines = [LINE.fullmatch(line) for line in output.splitlines() if "×" in line]
    figures = [(line["subject"], line["figures"]) for line in lines if line]
    if len(figures) != count:
        raise RuntimeError(f"{len(figures)} figures instead of {count} in:\n{output}")
    return figures


def main() -> None:
    head = (
        f"Measured on {date.today().isoformat()}, Python {platform.python_version()}, "  # noqa: DTZ011 - here and now
        f"Django {django.get_version()}, {platform.machine()}. "
        "Use the ratios: each is against a baseline of the same run, or the date that it names."
    )
    table = [f"| {subject} | {figures} |" for subject, figures in rows()]
    text = "\n".join(
        ["# What things cost", "", head, "", "| what | figures |", "| --- | --- |", *table, "", NOTE, ""]
    )
    RESULTS.write_text(text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
