"""What makes a PDF provable: its verification code, the QR code that opens its page, and its record embedded within.

A code alone proves only that the portal gave it out. `judging` reads all this back from a file that somebody holds.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from hashlib import sha256
from html import escape

import segno

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base32: no I, L, O or U, which are misread or spell things."""

RECORD_NAME = "record.json"
"""What the record is called within a PDF."""

MAX_RECORD = 4 * 1024 * 1024
"""Bytes of a record. A usual one has some 50,000."""

MAX_STAMP = 160
"""Characters of a stamp, which take two lines at the foot of a page."""

_LETTERS, _GROUP = 20, 4  # 20 letters of 5 bits: nobody guesses one of 100 bits
_QUIET = 4  # modules of white that a reader needs around a QR code


# --- The code, and the square -------------------------------------------------


@dataclass(frozen=True)
class Proof:
    """What a PDF is given so that it can be checked. Raises ValueError where it could not be.

    `code` is a verification code as `new_code` writes it, and `address` the whole address of its page. `record` is
    the attested record in canonical JSON, whose SHA-256 is printed. `stamp` is said beside the code at the foot of
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
        """The description of the record within the PDF, from which `read_pdf` reads the code."""
        return f"The record of this advisory. Verification code {self.code}"


def new_code() -> str:
    """A verification code, such as `7KQ2-M0XV-4D8P-R1ZC-9TBH`: 100 random bits."""
    return _grouped("".join(secrets.choice(ALPHABET) for _ in range(_LETTERS)))


def read_code(text: str) -> str | None:
    """The code that somebody typed, as `new_code` writes it, or None.

    Case, spaces and dashes of any kind do not matter, and neither does I or L for 1, or O for 0.
    """
    if len(text) > 200:
        return None
    letters = re.sub(r"[\s\u200b\-_.\u00ad\u2010-\u2015\u2212]", "", text)
    if not letters.isascii():  # a capital of another alphabet's letter may be one of ours
        return None
    letters = letters.upper().translate(str.maketrans("ILO", "110"))
    return _grouped(letters) if len(letters) == _LETTERS and set(letters) <= set(ALPHABET) else None


def _grouped(letters: str) -> str:
    return "-".join(letters[at : at + _GROUP] for at in range(0, len(letters), _GROUP))


def qr_svg(address: str) -> str:
    """`address` as a QR code: an inline SVG, dark on white with its quiet zone, that needs no stylesheet.

    WeasyPrint takes the alternative text from its title.
    """
    rows = list(segno.make_qr(address, error="m").matrix)
    # One path, since shades of grey would part shapes that are filled one by one.
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
