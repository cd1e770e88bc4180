"""What makes a PDF provable: its verification code, the QR code that opens the code's page, and its embedded record.

A code alone proves only that the portal issued it. `judging` reads all three back from a file.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from hashlib import sha256
from html import escape

import segno

from assessments.typed.folding import simplified

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base32: no I, L, O or U, which are misread or spell things."""

RECORD_NAME = "record.json"
"""The name of the record's file within a PDF."""

MAX_RECORD = 4 * 1024 * 1024
"""The most bytes of a record. A usual one has about 50,000."""

MAX_STAMP = 160
"""The most characters of a stamp: two lines at the foot of a page."""

MAX_PASTED = 2_000
"""The most characters of a text that is searched for a code."""

_BETWEEN = r"[\s\-_.>]"
_CODE = re.compile(
    rf"(?<![0-9A-Za-z])(?=([0-9A-Za-z]{{4}}(?:{_BETWEEN}{{0,6}}[0-9A-Za-z]{{4}}){{4}})(?![0-9A-Za-z]))"
)
"""Five groups of four letters and digits, even if a mail program broke the line between them."""

_LETTERS, _GROUP = 20, 4  # 20 letters of 5 bits each: a code of 100 bits cannot be guessed
_QUIET = 4  # white modules that a scanner needs around a QR code


# --- The code, and the square -------------------------------------------------


@dataclass(frozen=True)
class Proof:
    """What is printed on a PDF and embedded in it so that it can be verified. Raises ValueError if it could not be.

    `code` is a verification code as `new_code` writes it, and `address` the full URL of its page. `record` is the
    attested record in canonical JSON, whose SHA-256 is printed. `stamp` is printed beside the code at the foot of
    each page, such as “Attested on 12 May 2026”.
    """

    code: str
    address: str
    record: bytes
    stamp: str

    def __post_init__(self) -> None:
        if read_code(self.code) != self.code:
            raise ValueError(f"{self.code!r} is no verification code")
        if not re.fullmatch(r"https?://[!-~]+", self.address) or not self.address.endswith(f"/{self.code}"):
            raise ValueError(f"{self.address!r} is not the address of {self.code}")
        if not 0 < len(self.record) <= MAX_RECORD:
            raise ValueError(f"a record has 1 to {MAX_RECORD:,} bytes, not {len(self.record):,}")
        if len(self.stamp) > MAX_STAMP or len(self.stamp.splitlines()) > 1:
            raise ValueError(f"a stamp is one line of {MAX_STAMP} characters at most")

    @property
    def record_sha256(self) -> str:
        return sha256(self.record).hexdigest()

    @property
    def about(self) -> str:
        """The description of the record's file within the PDF. `read_pdf` reads the code from it."""
        return f"The record of this advisory. Verification code {self.code}"


def new_code() -> str:
    """Return a new verification code, such as `7KQ2-M0XV-4D8P-R1ZC-9TBH`: 100 random bits."""
    return _grouped("".join(secrets.choice(ALPHABET) for _ in range(_LETTERS)))


def read_code(text: str) -> str | None:
    """Return the code in what somebody typed or pasted, as `new_code` writes it, or None if there is none.

    Case, spaces, all kinds of dashes and invisible characters are ignored. I and L are read as 1, and O as 0. In a
    longer text, four-letter words look like parts of a code. The candidate with the most dashes, capitals and digits
    wins.
    """
    return next(iter(_codes_within(text)), None)


def read_codes(text: str) -> list[str]:
    """Return each code in a text once, in the order of the text. The one that `read_code` returns is among them.

    Beside the most likely code, words in lower case count as a code only if dashes join them.
    """
    codes = _codes_within(text)
    return sorted(codes, key=codes.__getitem__)


def _codes_within(text: str) -> dict[str, int]:
    """The codes in a text and where each begins, the most likely one first. They do not overlap."""
    if len(text) > MAX_PASTED:
        return {}
    text = simplified(text)
    if code := _code(text):
        return {code: 0}
    matches = [match for match in _CODE.finditer(text) if _is_likely(match[1])]
    codes: dict[str, int] = {}
    read: list[tuple[int, int]] = []
    for match in sorted(matches, key=lambda match: _likelihood(match[1]), reverse=True):
        start, end = match.span(1)
        is_in_prose = "-" not in match[1] and match[1] != match[1].upper()
        if (codes and is_in_prose) or any(start < other_end and other < end for other, other_end in read):
            continue
        if code := _code(match[1]):
            codes.setdefault(code, start)
            read.append((start, end))
    return codes


def _code(candidate: str) -> str | None:
    """The code that a candidate is, without what separates its letters; None if it is none."""
    letters = re.sub(_BETWEEN, "", candidate)
    if not letters.isascii():  # upper() may turn another alphabet's letter into one of ours
        return None
    letters = letters.upper().translate(str.maketrans("ILO", "110"))
    return _grouped(letters) if len(letters) == _LETTERS and set(letters) <= set(ALPHABET) else None


def _is_likely(candidate: str) -> bool:
    """Whether groups within a text may be a code: dashes join them all, or none of them and some have digits."""
    dashes = candidate.count("-")
    return dashes >= 4 or (not dashes and bool(re.search("[0-9]", candidate)))


def _likelihood(candidate: str) -> tuple[int, int]:
    return candidate.count("-"), sum(letter.isupper() or letter.isdigit() for letter in candidate)


def _grouped(letters: str) -> str:
    return "-".join(letters[at : at + _GROUP] for at in range(0, len(letters), _GROUP))


def qr_svg(address: str) -> str:
    """Return `address` as a QR code: an inline SVG, dark on white with its quiet zone, that needs no stylesheet.

    WeasyPrint takes the alternative text from the SVG's title.
    """
    rows = list(segno.make_qr(address, error="m").matrix)
    # One path: shapes that are filled one by one would show grey seams between them.
    dark = "".join(
        f"M{run.start() + _QUIET} {y + _QUIET}h{len(run[0])}v1h-{len(run[0])}z"
        for y, row in enumerate(rows)
        for run in re.finditer("1+", "".join(map(str, row)))
    )
    size = len(rows) + 2 * _QUIET
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" role="img">'
        f"<title>QR code that opens {escape(address)}</title>"
        f'<rect width="{size}" height="{size}" fill="#ffffff"/><path d="{dark}" fill="#000000"/></svg>'
    )
