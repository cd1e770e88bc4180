"""How long the proof of the current edition takes: `python -m tests.bench.proof`.

The time is the processor's, so that other work on the machine counts less, and the best of three. Memory is the most
that the whole process has held.
"""

import resource
import sys
import time

from bulletin.encoding.masks import States
from bulletin.encoding.proof import prove
from bulletin.shelf import current

TIMES = 3


def main() -> None:
    """Measure and print."""
    edition = current()
    times = []
    for _ in range(TIMES):
        began = time.process_time()
        flaws = prove(edition)
        times.append(time.process_time() - began)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    conditions = [[c for c in (rule.applies, rule.met) if c is not None] for rule in edition.rules]
    counts = [States(edition, *of_rule).count for of_rule in conditions]
    print(f"{edition.id}, revision {edition.sheet.revision}, Python {sys.version.split()[0]}")
    print(f"{len(counts)} rules, {sum(counts):,} states, {max(counts):,} of them of one rule")
    print(f"proof: {min(times):.2f} s of the processor, {memory:,.0f} MB, {len(flaws)} flaws")


if __name__ == "__main__":
    main()
