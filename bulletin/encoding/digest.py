"""The digest that identifies the encoding behind an advisory."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache

from .schema import Edition

ENGINE_VERSION = "1"
"""Raise this when the same edition and answers could give another advisory: for logic, not wording or speed."""


def canonical(edition: Edition) -> str:
    """The parsed content as canonical JSON. The order of choices counts; layout and comments do not."""
    return json.dumps(edition.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":"))


@lru_cache(maxsize=16)
def digest(edition: Edition) -> str:
    """SHA-256, in hexadecimal, of the engine's version and the edition's parsed content."""
    return hashlib.sha256(f"engine {ENGINE_VERSION}\n{canonical(edition)}".encode()).hexdigest()
