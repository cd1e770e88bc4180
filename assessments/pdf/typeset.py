"""Makes what people wrote fit to print, in any script, and lists what could not be printed.

PURE: text in, text out. `fonts.printable` is called only where a caller does not pass what can be printed.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Container
from dataclasses import dataclass
from typing import Literal

from fontTools.unicodedata import script, script_name

from assessments.pdf.fonts import printable as printable_here

MOST_MARKS = 4
"""Combining marks kept on one base character. No language stacks more; hostile text does."""

LONG_WORD, BREAK_EVERY = 40, 30
"""In characters: a word longer than LONG_WORD may be broken after every BREAK_EVERY. A line of 2,000
unbroken characters takes WeasyPrint seconds, and a line that runs off the page loses words."""

_ZERO_WIDTH_SPACE = "\u200b"
# Invisible but part of the spelling: soft hyphen, (non-)joiners, word joiner, direction marks,
# and the Arabic and Syriac signs that enclose digits. All other format characters are dropped,
# including the overrides and isolates that could make a line read differently from how it is stored.
_KEPT_FORMATS = frozenset(
    "\u00ad\u200b\u200c\u200d\u2060\u200e\u200f\u061c\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u08e2"
)
_INVISIBLE = frozenset("\n\u00ad\u200b\u200c\u200d\u2060\u200e\u200f\u061c")
_LINE_ENDS = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
_JOINER = "\u200d"
_REGIONS = "".join(map(chr, range(0x1F1E6, 0x1F200)))
"""The letters that flags are written with, from A to Z."""
_SYMBOL = "[\u2190-\u2bff\U0001f000-\U0001f1e5\U0001f200-\U0001f3fa\U0001f400-\U0001ffff]"
_SKIN_TONES = {
    "\U0001f3fb": "light skin tone",
    "\U0001f3fc": "medium-light skin tone",
    "\U0001f3fd": "medium skin tone",
    "\U0001f3fe": "medium-dark skin tone",
    "\U0001f3ff": "dark skin tone",
}
# Characters that only vary pictographs: selectors, keycaps, and skin tones that follow none.
_DROPPED = re.compile(f"[\ufe00-\ufe0f\u20e3\U000e0100-\U000e01ef]|(?<!{_SYMBOL})[\U0001f3fb-\U0001f3ff]")
_LOST_JOINER = re.compile("(?<=])\u200d+|\u200d+(?=\\[)")
# Several characters that people see as one: a flag; a pictograph with a skin tone; or up to eight joined ones.
_TONED = f"{_SYMBOL}[\U0001f3fb-\U0001f3ff]?"
_SEQUENCE = re.compile(f"[{_REGIONS}]{{2}}|{_TONED}(?:{_JOINER}{_TONED}){{0,7}}|.", re.DOTALL)
_PICTOGRAPHS = range(0x1F000, 0x20000)
# Latin letters and usual punctuation, already composed, with nothing invisible among them.
_PLAIN = re.compile("[\n -~\u00a0-\u00ac\u00ae-\u024f\u2010-\u2027\u2030-\u203a\u20ac]*")
# Scripts written without spaces, whose lines may break anyway: Thai to Burmese, Khmer, and
# East Asian. A break after a fixed count would split their syllables.
_UNSPACED = "\u0e00-\u109f\u1780-\u17ff\u2e80-\ud7ff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff"
_LONG = re.compile(rf"[^\s{_ZERO_WIDTH_SPACE}{_UNSPACED}]{{{LONG_WORD + 1},}}")

# The likeliest language of a script in this city: it chooses the voice of a screen reader and the
# shapes of letters. A script that is not listed gets a tag with its own name only.
_LANGUAGES = {
    "Arab": "ar", "Armn": "hy", "Beng": "bn", "Cans": "iu", "Cyrl": "ru", "Deva": "hi",
    "Ethi": "am", "Geor": "ka", "Grek": "el", "Gujr": "gu", "Guru": "pa", "Hang": "ko",
    "Hebr": "he", "Hira": "ja", "Kana": "ja", "Khmr": "km", "Knda": "kn", "Laoo": "lo",
    "Mlym": "ml", "Mymr": "my", "Orya": "or", "Sinh": "si", "Taml": "ta", "Telu": "te",
    "Thai": "th", "Tibt": "bo",
}  # fmt: skip
_URDU, _PERSIAN, _UKRAINIAN = (re.compile(f"[{s}]") for s in ("ٹڈڑںےہ", "پچژگیک", "іїєґ"))


@dataclass(frozen=True, slots=True)
class Typeset:
    """Text that prints.

    `text` is not escaped. `unprintable` lists, in order and once each, the names that `text` has in brackets
    in place of characters that no font here has. `lang` is the BCP 47 language if most letters are not Latin,
    else empty. `direction` is the base direction, rtl only where `lang` is set.
    """

    text: str
    unprintable: tuple[str, ...] = ()
    lang: str = ""
    direction: Literal["ltr", "rtl"] = "ltr"


def typeset(text: str, *, printable: Container[int] | None = None) -> Typeset:
    """Return `text` fit to print.

    The result is composed (NFC), has no control or bidi-override characters, has at most four marks on a base
    and can break in every long word. What cannot be printed is named in brackets: “[grinning face]”,
    “[woman, scales]” for joined pictographs, “[14 characters of Tamil]” or, if it has no name, “[U+E000]”.
    `printable` has the code points that can be printed: by default, those of this machine's fonts.
    """
    if printable is None:
        printable = printable_here()
    letters = set(text) - {"\n"}
    if _PLAIN.fullmatch(text) and not _LONG.search(text) and all(ord(c) in printable for c in letters):
        return Typeset(text)  # by far the most common case, and fifty times as fast
    text = _DROPPED.sub("", _LINE_ENDS.sub("\n", text)).replace("\t", " ")
    text = "".join(char for char in text if _may_stay(char))
    # Capped before composing, too: composing takes time with the square of the length of a run of marks.
    text = _cap_marks(unicodedata.normalize("NFC", _cap_marks(text)))
    text, unprintable = _name_unprintable(text, printable)
    lang = _language(text)
    sides = Counter(map(unicodedata.bidirectional, text))
    rtl = bool(lang) and sides["R"] + sides["AL"] > sides["L"]
    text = _LONG.sub(lambda match: _with_breaks(match[0]), text)
    return Typeset(text, unprintable, lang, "rtl" if rtl else "ltr")


def _may_stay(char: str) -> bool:
    category = unicodedata.category(char)
    return char == "\n" or char in _KEPT_FORMATS or category not in ("Cc", "Cf")


def _cap_marks(text: str) -> str:
    kept, marks = [], 0
    for char in text:
        is_mark = unicodedata.combining(char) or unicodedata.category(char) == "Me"
        marks = marks + 1 if is_mark else 0
        if marks <= MOST_MARKS:
            kept.append(char)
    return "".join(kept)


def _name_unprintable(text: str, printable: Container[int]) -> tuple[str, tuple[str, ...]]:
    """Replace what cannot be printed by its name in brackets; return the text and the names."""
    names: dict[str, None] = {}

    def named(name: str) -> str:
        names[name] = None
        return f"[{name}]"

    out: list[str] = []
    pending = ""  # letters of one script that cannot be printed, and the spaces between them
    for char in [*_SEQUENCE.findall(text), ""]:
        if pending and (char == " " or _wants_letters(char, printable, like=pending[0])):
            pending += char
            continue
        if pending:
            letters = pending.rstrip(" ")
            count, noun = len(letters), "characters" if len(letters) > 1 else "character"
            out.append(named(f"{count} {noun} of {script_name(script(letters[0]))}"))
            out.append(pending[len(letters) :])
            pending = ""
        if len(char) > 1:
            drawn = all(part == _JOINER or _prints(part, printable) for part in char)
            out.append(char if drawn else named(_name_of_sequence(char)))
        elif _wants_letters(char, printable):
            pending = char
        elif not char or char in _INVISIBLE or _prints(char, printable):
            out.append(char)
        elif unicodedata.category(char) == "Zs":
            out.append(" ")
        else:
            out.append(named(_name_of(char)))
    return _LOST_JOINER.sub("", "".join(out)), tuple(names)


def _name_of(char: str) -> str:
    return _SKIN_TONES.get(char) or unicodedata.name(char, "").lower() or f"U+{ord(char):04X}"


def _name_of_sequence(sequence: str) -> str:
    """The name of several characters that people see as one, such as “flag CA” or “woman, scales”."""
    if sequence[0] in _REGIONS:
        return "flag " + "".join(chr(ord(letter) - ord(_REGIONS[0]) + ord("A")) for letter in sequence)
    return ", ".join(_name_of(char) for char in sequence if char != _JOINER)


def _prints(char: str, printable: Container[int]) -> bool:
    # Pictographs are always named. Colour fonts print them as pictures without text, which a
    # screen reader skips, and Noto's symbol font has only some of them.
    return (
        ord(char) in printable
        and ord(char) not in _PICTOGRAPHS
        and unicodedata.category(char) not in ("Co", "Cn", "Cs")
    )


def _wants_letters(char: str, printable: Container[int], like: str = "") -> bool:
    """Whether `char` is a letter or mark of some script, and cannot be printed."""
    if len(char) != 1 or unicodedata.category(char)[0] not in "LM" or _prints(char, printable):
        return False
    code = script(char)
    return code not in ("Zyyy", "Zinh", "Zzzz") and (not like or code == script(like))


def _language(text: str) -> str:
    letters = [char for char in text if unicodedata.category(char)[0] == "L"]
    scripts = Counter(map(script, letters))
    for common in ("Latn", "Zyyy", "Zinh", "Zzzz"):
        del scripts[common]
    if scripts.total() * 2 <= len(letters):
        return ""
    main = scripts.most_common(1)[0][0]
    if main == "Hani":
        if scripts["Hira"] + scripts["Kana"]:
            return "ja"
        return "zh-Hant" if _is_traditional(letters) else "zh-Hans"
    if main == "Arab" and _URDU.search(text):
        return "ur"
    if main == "Arab" and _PERSIAN.search(text):
        return "fa"
    if main == "Cyrl" and _UKRAINIAN.search(text):
        return "uk"
    return _LANGUAGES.get(main, f"und-{main}")


def _is_traditional(letters: list[str]) -> bool:
    """Whether more of the letters are only in Taiwan's old standard than are only in the mainland's."""

    def encodes(char: str, encoding: str) -> bool:
        return bool(char.encode(encoding, "ignore"))

    return sum(encodes(char, "big5") - encodes(char, "gb2312") for char in letters) > 0


def _with_breaks(word: str) -> str:
    """Put a zero-width space after every 30 or so characters, never within characters that are drawn as one."""
    parts, since = [], 0
    for before, char in zip(" " + word, word, strict=False):
        joined = (
            unicodedata.category(char)[0] == "M"
            or char in "\u200c\u200d"
            or before in "\u200c\u200d"
            or unicodedata.combining(before) == 9  # a virama joins the letter that follows
        )
        if since >= LONG_WORD or (since >= BREAK_EVERY and not joined):
            parts.append(_ZERO_WIDTH_SPACE)
            since = 0
        parts.append(char)
        since += 1
    return "".join(parts)
