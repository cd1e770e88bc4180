"""Plain language: words that no text of an edition uses, and how long its sentences and to-dos may be.

These are checks of the files alone. A published revision with longer texts must stay readable for good.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from .filling import PLACEHOLDER, sentences_of
from .source import Place, Source, read

WORDS = Path(__file__).resolve().parent.parent / "words.yaml"
MAX_SENTENCE = 25
"""Words in a sentence."""
MAX_TODO = 200
"""Characters in what to do about a rule that is not met, or in what staff may not do: some two lines of a page."""
MAX_ASKED = 130
"""Characters in a question."""
NO_SENTENCES = frozenset(
    [
        "when",
        "asked",
        "applies",
        "met",
        "planned",
        "wished",
        "signs",
        "supported",
        "candidate",
        "phrase",
        "id",
        "kind",
        "force",
        "section",
    ]
)
"""Keys of conditions, of names, and of the bulletin's own words."""
_WORD = re.compile(r"[^\W\d_](?:[^\W\d_]|['’-])*|\d[\d.,]*")


@lru_cache(maxsize=1)
def _never() -> tuple[tuple[re.Pattern[str], str], ...]:
    content: Mapping[str, Any] = read(WORDS).content
    findings = content["findings"]
    pairs = [(never, findings["write"]) for never in findings["never"]]
    pairs += [(entry["never"], entry["write"]) for entry in content["plainer"]]
    return tuple((re.compile(never, re.IGNORECASE), write) for never, write in pairs)


def check_plain(sources: Mapping[str, Source]) -> None:
    """Record each text of an edition's files that has a word that is not used, or that is too long."""
    for file, source in sources.items():
        for place, text in _texts(source.content, ()):
            for message in _faults(text, _longest(file, place)):
                source.fault(place, message)


def _faults(text: str, longest: int | None) -> Iterator[str]:
    bare = PLACEHOLDER.sub("", text)
    for pattern, write in _never():
        if match := pattern.search(bare):
            yield f"“{match[0]}” is not used here; write {write}"
    for sentence in sentences_of(text):
        count = len(_WORD.findall(sentence))
        if count > MAX_SENTENCE:
            start = " ".join(sentence.split()[:4])
            yield f"the sentence “{start} …” has {count} words; write two, of at most {MAX_SENTENCE} each"
    if longest and len(text) > longest:
        yield f"the text has {len(text)} characters; at most {longest} fit"


def _longest(file: str, place: Place) -> int | None:
    key = place[-1] if place else ""
    if file == "advice" and key in ("action", "improvement", "staff"):
        return MAX_TODO
    return MAX_ASKED if file == "questions" and key == "asks" else None


def _texts(content: Any, place: Place) -> Iterator[tuple[Place, str]]:
    """Every text in the content of a file, with its place. Keys, ids and conditions are no sentences."""
    if isinstance(content, str):
        yield place, content
    elif isinstance(content, dict):
        for key, value in content.items():
            if key not in NO_SENTENCES:
                yield from _texts(value, (*place, key))
    elif isinstance(content, list):
        for at, value in enumerate(content):
            yield from _texts(value, (*place, at))
