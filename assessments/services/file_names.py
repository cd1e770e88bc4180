"""Readable names of files and folders, for every system."""

from __future__ import annotations

import unicodedata

from assessments.typed.folding import fold

LONGEST = 60


def readable_slug(text: str) -> str:
    """A text as a part of a file's name: small letters of any script, digits and dashes. It may be empty.

    Latin letters lose their accents, and œ becomes oe, so that the names also work on old systems.
    """
    folded = unicodedata.normalize("NFC", fold(text, accents=False))
    # Marks belong to the letters of many scripts.
    kept = (letter if unicodedata.category(letter)[0] in "LMN" else " " for letter in folded if letter != "'")
    slug = "-".join("".join(kept).split())
    if len(slug) > LONGEST:
        # A name ends with a whole word.
        slug = slug[:LONGEST].rpartition("-")[0] or slug[:LONGEST]
    return slug
