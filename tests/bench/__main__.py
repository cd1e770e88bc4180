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
ON_BOTH = ("desk", "server")
ALONE = ("advise_jsonl", "pdf", "pages")
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
    ratio = RATIO.search(output_of("advise_jsonl"))
    if ratio:
        found.append(("`advise --jsonl`", f"{ratio[1]} × reading and writing the same JSON"))
    ratio = RATIO.search(output_of("pdf"))
    if ratio:
        found.append(("PDF of an advisory, cold", f"{ratio[1]} × plain WeasyPrint"))
        found.append(("PDF of an advisory, warm", f"{ratio[2]} × plain WeasyPrint"))
    pages = output_of("pages")
    ratio = RATIO.search(pages)
    if ratio:
        found.append(("Section page, the processor's time", f"{ratio[1]} × a trivial view"))
    total = re.search(r"([\d,]+)  bytes in all", pages)
    if total:
        found.append(("First section page, compressed", f"{total[1]} bytes"))
    for name in ON_BOTH:
        for postgresql in (False, True):
            for line in output_of(name, postgresql=postgresql).splitlines():
                told = LINE.fullmatch(line)
                if told and "×" in line:
                    found.append((told["what"], told["figures"]))
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
