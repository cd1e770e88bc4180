"""The nearest known name for one that is not known."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, known: Iterable[str]) -> str:
    """`; did you mean X?` for the known name most like `name`, or nothing."""
    close = get_close_matches(name[:80], list(known), n=1, cutoff=0.5)
    return f"; did you mean `{close[0]}`?" if close else ""
