"""Comparing what people wrote, so that two spellings that look alike are the same.

These make no difference: case, compatibility forms, invisible characters, and the kind of apostrophe, quotation mark,
hyphen or white space. In a search, accents make no difference either. A number of four digits or more may have any
separators.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from functools import lru_cache
from typing import NamedTuple

_APOSTROPHES = "`´ʹʻʼʽˈ՚׳‘’‚‛′‵‹›ꞌ＇"
_QUOTES = "\u00ab\u00bb\u02ba\u201c\u201d\u201e\u201f\u2033\u2036\u275d\u275e\u301d\u301e\u301f\uff02"
_ALIKE = str.maketrans(
    {
        **dict.fromkeys(_APOSTROPHES, "'"),
        **dict.fromkeys(_QUOTES, '"'),
        **dict.fromkeys("\u2043\u2212\u02d7", "-"),
        "\u2800": " ",
    }
)
_IGNORED = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0") | frozenset(
    map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))
)
"""Invisible characters that Unicode does not count as formatting: joiners, fillers and variation selectors."""
_PLAIN = str.maketrans({"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})
"""Letters without an accent to remove, and what people type who do not have the key."""
_LOOKALIKES = str.maketrans("авекмнорстухіѕјԁԛԝοανρτικεηχυ", "abekmhopctyxisjdqwoavptikenxu")
"""Cyrillic and Greek letters that look like Latin ones."""

_SEPARATORS = r"[ \-.,'/()_:+]{0,4}"
_NUMBER = re.compile(rf"[(+]{{0,2}}[0-9](?:{_SEPARATORS}[0-9]){{3,}}")
"""A number of four digits or more, with any separators."""
_NAME = re.compile(r"[^\W_](?:[^\W_]|['’\u2010\u2011-](?=[^\W_]))*")
_BETWEEN_HYPHENS = re.compile(r"[^\u2010\u2011-]+")
_MAX_NEAR = 10


class Span(NamedTuple):
    """A part of a text: where it begins, and where what follows begins."""

    start: int
    end: int


def is_invisible(character: str) -> bool:
    """Whether a character shows nothing and takes no room."""
    return (
        character in _IGNORED
        or unicodedata.category(character) == "Cf"
        or (unicodedata.category(character) == "Cc" and not character.isspace())
    )


def fold(text: str, *, accents: bool = True) -> str:
    """The text as it is compared. Set `accents` to False for a search, where é is the same as e."""
    return "".join(folded for folded, _ in _aligned(text, accents)).strip()


def simplified(text: str) -> str:
    """The text with its capitals and accents, without invisible characters, and with plain punctuation."""
    text = unicodedata.normalize("NFKC", text.translate(_ALIKE)).translate(_ALIKE)
    return "".join(
        "-" if unicodedata.category(character) == "Pd" else character
        for character in text
        if not is_invisible(character)
    )


def same(first: str, second: str) -> bool:
    """Whether two names read the same."""
    return fold(first) == fold(second)


@lru_cache(maxsize=64)
def _aligned(text: str, accents: bool = True) -> tuple[tuple[str, Span], ...]:
    """Each character of the folded text, with the part of the text that it comes from."""
    out: list[tuple[str, Span]] = []
    start, length = 0, len(text)
    while start < length:
        end = start + 1
        # Accents belong to the letter before them, and their order makes no difference.
        while end < length and unicodedata.combining(text[end]):
            end += 1
        for character in _folded_letter(text[start:end], accents):
            if character == " " and out and out[-1][0] == " ":
                out[-1] = (" ", Span(out[-1][1].start, end))
            else:
                out.append((character, Span(start, end)))
        start = end
    return tuple(out)


def _folded_letter(letter: str, accents: bool) -> str:
    """One letter with its accents, as it is compared."""
    letter = unicodedata.normalize("NFKD", letter.translate(_ALIKE)).casefold()
    letter = unicodedata.normalize("NFKD", letter).translate(_ALIKE).replace("i\u0307", "i")
    out = []
    for character in letter:
        kind = unicodedata.category(character)
        if character.isspace() or kind[0] == "Z":
            out.append(" ")
        elif kind == "Pd":
            out.append("-")
        elif not is_invisible(character) and (accents or unicodedata.combining(character) < 200):
            out.append(character)
    return "".join(out) if accents else "".join(out).translate(_PLAIN)


# --- Finding words, to black them out ----------------------------------------------


def occurrences(words: str, text: str) -> list[Span]:
    """Where words occur in a text, however they are spelled. Occurrences may overlap."""
    pattern, aligned = _pattern(fold(words)), _aligned(text)
    if not pattern:
        return []
    folded = "".join(character for character, _ in aligned)
    spans: list[Span] = []
    # The lookahead also matches an occurrence that begins within another.
    for match in re.finditer(f"(?=({pattern}))", folded):
        start, end = match.span(1)
        # An e does not occur in an é.
        if end == len(folded) or not (
            unicodedata.combining(folded[end]) and aligned[end][1] == aligned[end - 1][1]
        ):
            span = Span(aligned[start][1].start, aligned[end - 1][1].end)
            # A number may begin at its bracket, and again at its first digit.
            if not spans or span.end > spans[-1].end:
                spans.append(span)
    return spans


def _pattern(folded: str) -> str:
    """A regular expression for folded words, with any separators in numbers."""
    parts, at = [], 0
    for number in _NUMBER.finditer(folded):
        digits = re.findall("[0-9]", number[0])
        parts += [re.escape(folded[at : number.start()]), r"[(+]{0,2}", _SEPARATORS.join(digits)]
        at = number.end()
    return "".join([*parts, re.escape(folded[at:])])


def near_misses(words: str, text: str, *, without: Iterable[Span] = ()) -> list[str]:
    """The parts of a text that may mean the same as some words but are spelled differently, such as a part of a name.

    `without` gives the parts of the text to skip.
    """
    rest = list(text)
    for span in without:
        rest[span.start : span.end] = "\0" * (span.end - span.start)
    remaining = "".join(rest)
    near = {span.start: span for span in _written_otherwise(words, remaining)}
    parts = {part for span in _name_spans(words) if len(part := _letters(words[span.start : span.end])) >= 2}
    for letters, span in _names(remaining):
        if any(_alike(letters, part) for part in parts) and not any(
            other.start <= span.start < other.end for other in near.values()
        ):
            near[span.start] = span
    number = _digits(words)
    for match in _NUMBER.finditer(remaining):
        digits = _digits(match[0])
        if min(len(digits), len(number)) >= 7 and (digits.endswith(number) or number.endswith(digits)):
            near.setdefault(match.start(), Span(*match.span()))
    spelled = (" ".join(text[near[at].start : near[at].end].split()) for at in sorted(near))
    return list(dict.fromkeys(spelled))[:_MAX_NEAR]


def _name_spans(text: str) -> Iterator[Span]:
    """Where the names of a text are, each before its parts between hyphens."""
    for name in _NAME.finditer(text):
        yield Span(*name.span())
        parts = [Span(*part.span()) for part in _BETWEEN_HYPHENS.finditer(text, *name.span())]
        if len(parts) > 1:
            yield from parts


@lru_cache(maxsize=64)
def _names(text: str) -> tuple[tuple[str, Span], ...]:
    """The words of a text that may be names, and the parts of those with hyphens, by their letters.

    In lower case, shorter ones are seldom meant.
    """
    names = ((_letters(text[span.start : span.end]), span) for span in _name_spans(text))
    return tuple(
        (letters, span) for letters, span in names if len(letters) >= 3 or not text[span.start].islower()
    )


def _written_otherwise(words: str, text: str) -> list[Span]:
    """Where a text has the letters and digits of some words, with anything between them."""
    wanted = _letters(words)
    # Names in a script without case, such as Chinese, are short, and no spaces separate them from other words.
    has_case = not any(unicodedata.category(letter) == "Lo" for letter in wanted)
    if len(wanted) < (3 if has_case else 2):
        return []
    letters, places = _all_letters(text)
    spans, at = [], letters.find(wanted)
    while at >= 0:
        span = Span(places[at].start, places[at + len(wanted) - 1].end)
        before, after = text[: span.start][-1:], text[span.end :][:1]
        if not has_case or (not before.isalnum() and not after.isalnum()):
            spans.append(span)
        at = letters.find(wanted, at + 1)
    return spans


@lru_cache(maxsize=64)
def _all_letters(text: str) -> tuple[str, tuple[Span, ...]]:
    """The letters and digits of a text as `_letters` gives them, and where each comes from."""
    aligned = [
        # Skipped parts separate words.
        ("\0" if text[span.start] == "\0" else letter, span)
        for character, span in _aligned(text, False)
        for letter in character.translate(_LOOKALIKES)
        if letter.isalnum() or text[span.start] == "\0"
    ]
    return "".join(letter for letter, _ in aligned), tuple(span for _, span in aligned)


def _letters(text: str) -> str:
    """The letters and digits of a text, without accents, and look-alikes as the Latin letters."""
    return "".join(filter(str.isalnum, fold(text, accents=False).translate(_LOOKALIKES)))


def _digits(text: str) -> str:
    return "".join(re.findall("[0-9]", text))


def _alike(first: str, second: str) -> bool:
    """Whether two names are the same or differ by a typing error."""
    if first == second:
        return True
    if min(len(first), len(second)) < 5 or abs(len(first) - len(second)) > 3:
        return False
    matcher = SequenceMatcher(None, first, second)
    return matcher.real_quick_ratio() >= 0.85 and matcher.quick_ratio() >= 0.85 and matcher.ratio() >= 0.85


# --- Searching ----------------------------------------------------------------------


def searchable(text: str) -> str:
    """The text that a search looks in: folded, and with each number also written without separators."""
    return _NUMBER.sub(
        lambda number: number[0] if number[0].isdigit() else f"{number[0]} {_digits(number[0])}",
        fold(text, accents=False),
    )


class Term(NamedTuple):
    """A word of a search, or a number. A text matches it by containing `joined` or all of the `words`."""

    joined: str
    words: tuple[str, ...]


def search_terms(query: str) -> list[Term]:
    """What a text must contain to match a search."""
    folded = fold(query, accents=False)
    numbers = [match[0] for match in _NUMBER.finditer(folded)]
    terms = [Term(_digits(number), tuple(number.split())) for number in numbers]
    terms += [Term(word, (word,)) for word in _NUMBER.sub(" ", folded).split()]
    return list(dict.fromkeys(terms))
