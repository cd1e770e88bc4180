"""The digest that identifies the encoding behind an advisory."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache

from .schema import Edition

ENGINES = (1, 2)
"""The versions of the scoring logic; an edition names the one that it is written for. Add one when the same edition
and answers could give another advisory: for logic, not wording or speed. Version 2: an `ask` carries its rule's own
contact, and days that are no deadline are not dates."""


def canonical(edition: Edition) -> str:
    """The parsed content as canonical JSON. The order of choices counts; layout, comments and defaults do not.

    Without the defaults, a new optional key of the schema changes no digest.
    """
    content = edition.model_dump(mode="json", exclude_defaults=True)
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


@lru_cache(maxsize=16)
def digest(edition: Edition) -> str:
    """The digest under which the edition was published or, if it is not published, the one that it would get.

    A digest is the SHA-256, in hexadecimal, of the engine's version and the edition's parsed content.
    """
    if edition.published_digest:
        return edition.published_digest
    return hashlib.sha256(f"engine {edition.sheet.engine}\n{canonical(edition)}".encode()).hexdigest()
