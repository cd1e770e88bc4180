"""What the lock files say: each package with its version, and the packages that need it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
RUN, DEVELOP = ROOT / "requirements.txt", ROOT / "requirements-dev.txt"
"""The packages of a portal, and the same with those that only developers need."""


class Locked(NamedTuple):
    """A locked package. `needed_by` has names of packages, or the portal's own."""

    name: str
    version: str
    needed_by: frozenset[str]


def locked(path: Path) -> list[Locked]:
    """The packages of a lock file, in its order. Raises ValueError if a line is neither a package nor part of one."""
    packages: list[Locked] = []
    for block in re.split(r"\n(?=\S)", path.read_text()):
        if block.startswith("#"):
            continue
        start = re.match(r"([a-z0-9][a-z0-9._-]*)(?:\[[a-z0-9,-]+\])?==([^\s;]+)", block)
        if not start or "--hash=sha256:" not in block:
            raise ValueError(
                f"{path.name} has a line without a version or a hash: {block.splitlines()[0][:80]}"
            )
        _, _, via = block.partition("# via")
        needed_by = frozenset(re.findall(r"^[\s#]*([a-z0-9][\w.-]*)", via, re.MULTILINE))
        packages.append(Locked(start[1], start[2], needed_by))
    return packages
