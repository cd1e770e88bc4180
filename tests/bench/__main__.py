"""Every benchmark, as one table: `make bench`, which also writes tests/bench/RESULTS.md.

Each row is a ratio against a baseline of the same run, since the machine's own speed says nothing.
"""

import platform
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import django

ROOT = Path(__file__).parents[2]
RESULTS = Path(__file__).parent / "RESULTS.md"
ON_BOTH = {"desk": 9, "server": 5}
"""Those that are run on both databases, and how many figures each gives."""
LINE = re.compile(r"(?P<what>[^:]+): (?P<figures>.+)")
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
    """What was measured, and the figures with their ratio."""
    found = []
    output = output_of("advise_jsonl")
    ratio = RATIO.search(output)
    if not ratio:
        raise RuntimeError(f"No ratio in:\n{output}")
    found.append(("`advise --jsonl`", f"{ratio[1]} × reading and writing the same JSON"))
    found += [(f"PDF of an advisory, {what}", figures) for what, figures in told(output_of("pdf"), 4)]
    pages = output_of("pages")
    found += told(pages, 3)
    total = re.search(r"([\d,]+)  bytes in all", pages)
    if not total:
        raise RuntimeError(f"No bytes in:\n{pages}")
    found.append(("first section page, compressed", f"{total[1]} bytes"))
    for name, count in ON_BOTH.items():
        for postgresql in (False, True):
            found += told(output_of(name, postgresql=postgresql), count)
    return found


def told(output: str, count: int) -> list[tuple[str, str]]:
    """The lines that give a ratio, as what was measured and its figures; RuntimeError where some are missing."""
    lines = [LINE.fullmatch(line) for line in output.splitlines() if "×" in line]
    found = [(line["what"], line["figures"]) for line in lines if line]
    if len(found) != count:
        raise RuntimeError(f"{len(found)} figures instead of {count} in:\n{output}")
    return found


def main() -> None:
    head = (
        f"Measured on {date.today().isoformat()}, Python {platform.python_version()}, "  # noqa: DTZ011 - here and now
        f"Django {django.get_version()}, {platform.machine()}. "
        "Use the ratios: each is against a baseline of the same run."
    )
    table = [f"| {what} | {figures} |" for what, figures in rows()]
    text = "\n".join(["# What things cost", "", head, "", "| what | figures |", "| --- | --- |", *table, ""])
    RESULTS.write_text(text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
