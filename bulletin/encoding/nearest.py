"""A suggestion for a misspelled name."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, known: Iterable[str]) -> str:
    """`; did you mean `X`?` with the known name most like `name`; an empty string if none is close."""
    close = get_close_matches(name[:80], list(known), n=1, cutoff=0.5)
    return f"; did you mean `{close[0]}`?" if close else ""
