"""Hostile texts."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from random import Random

PREFIX = "sq"
"""What the mark of a request begins with; see `mark_of`."""


def seeded(*parts: object) -> Random:
    """A source of choices that depends on `parts` alone."""
    return Random("/".join(map(str, parts)))  # noqa: S311 - nothing secret is made with it


def mark_of(*parts: object, prefix: str = PREFIX) -> str:
    """A word that stands nowhere else: for a request, or for what one office keeps."""
    return prefix + sha256("/".join(map(str, parts)).encode()).hexdigest()[:14]


TEMPLATES = (
    "{m}",
    '"><{m} a="',
    "'><{m} a='",
    "</title></textarea></script><{m}>",
    '" {m}="1" autofocus onfocus="',
    "{{% {m} %}}{{{{ {m} }}}}",
    "{m}\x00tail",
    "{m}\x01\x08\x1b[31m\x7f",
    "\ud800{m}\udfff",
    "{m}𝒜𝒷🧨👩‍👩‍👧‍👦",
    "{m}" + "e\u0301\u0323\u0327" * 40,
    "\u202e{m}\u2066\u200f",
    "\ufeff{m}\u200b\u2028\u2029\u00ad",
    "\ufdfa{m}\uffff\ufffe",
    "{m}\r\nX-Injected: {m}\r\n\r\n<{m}>",
    "=cmd|' /C calc'!A0 {m}",
    "../../../../etc/passwd {m}",
    "..%2f..%2f{m}",
    "%00%0d%0a{m}",
    "https://evil.example/{m}",
    "//evil.example/{m}",
    "/\\evil.example/{m}",
    "javascript:alert('{m}')",
    "{m}@example.ca",
    '"{m} x"@example.ca',
    "{m}' OR 1=1; DROP TABLE assessments_answer; --",
    '{{"{m}": [null, 1e999]}}',
    "%s%n%(x)s{m}",
)
PLAIN = (
    "",
    " ",
    "\x00",
    "\ud800",
    "0",
    "-1",
    "1",
    "2147483648",
    "9223372036854775807",
    "9223372036854775808",
    "9" * 40,
    "9" * 5_000,
    "1e309",
    "NaN",
    "-0.0",
    "0x10",
    "1_000",
    "１２",
    "٣",
    "²",
    "Ⅷ",
    "null",
    "true",
    "[]",
    "None",
    "2026-02-30",
    "0001-01-01",
    "9999-12-31",
    "99999-01-01",
    "2026-11-30T25:61",
    "1 January 0000",
    "31 December 9999",
    "yes",
    "unsure",
    "0.x",
    "9999999999.x",
    "-1.x",
    ".",
    "..",
    "%",
    "İ",
    "ǅ",
    "ß",
)


def hostile(random: Random, mark: str) -> str:
    """A hostile text, most often with the request's mark."""
    draw = random.random()
    if draw < 0.55:
        return random.choice(TEMPLATES).format(m=mark)
    if draw < 0.8:
        return random.choice(PLAIN)
    if draw < 0.84:
        return (mark + random.choice(("a", "𝒜", "e\u0301", "\u200b", "א", "<", "\n"))) * random.choice(
            (50, 400)
        )
    return mark + "".join(_character(random) for _ in range(random.randint(1, 40)))


RANGES = ((0x20, 0x7F), (0, 0x20), (0x80, 0x250), (0x300, 0x370), (0x590, 0x780), (0x2000, 0x2070), (0xD7F0, 0xE010),
          (0xFE00, 0x10000), (0x1F300, 0x1F6FF), (0xE0000, 0xE0080), (0x10FFF0, 0x110000))  # fmt: skip


def _character(random: Random) -> str:
    return chr(random.randrange(*random.choice(RANGES)))


def encoded(text: str) -> bytes:
    """A text as UTF-8, with lone surrogates as they would be."""
    return text.encode("utf-8", "surrogatepass")


def some(random: Random, chance: float, make: Callable[[], str]) -> str:
    """What `make` returns, or else nothing."""
    return make() if random.random() < chance else ""
