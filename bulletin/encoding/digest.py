"""The digest that says which encoding an advisory rests on."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache

from .schema import Edition

ENGINE_VERSION = "1"
"""Raised whenever the same edition and answers could come to another advisory: logic, not wording or speed."""


def canonical(edition: Edition) -> str:
    """The parsed content as JSON with one spelling only: the order of choices counts, layout and comments do not."""
    return json.dumps(edition.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":"))


@lru_cache(maxsize=16)
def digest(edition: Edition) -> str:
    """SHA-256, in hexadecimal, of the engine's version and the edition's parsed content."""
    return hashlib.sha256(f"engine {ENGINE_VERSION}\n{canonical(edition)}".encode()).hexdigest()
