"""What makes a PDF provable: its code, its square to scan and its record; and the check of one that comes back.

What proves a file is the SHA-256 of all its bytes, which the portal keeps. The record within tells, of a file that
was saved anew or changed, whether at least its data is ours. A code alone proves only that the portal gave it out.
"""

from __future__ import annotations

import json
import re
import secrets
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Literal

import segno

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base32: no I, L, O or U, which are misread or spell things."""

RECORD_NAME = "record.json"
"""What the record is called within a PDF."""

MAX_RECORD = 4 * 1024 * 1024
"""Bytes of a record. A usual one has some 50,000."""

MAX_STAMP = 160
"""Characters of a stamp, which take two lines at the foot of a page."""

MAX_PDF = 50 * 1024 * 1024
"""Bytes of a file that is looked at."""

_LETTERS, _GROUP = 20, 4  # 20 letters of 5 bits: nobody guesses one of 100 bits
_QUIET = 4  # modules of white that a reader needs around a QR code
_AT_ONCE = 2  # files looked at in one process of the server at a time
_WAIT = 5.0  # seconds that one more waits for its turn
_SECONDS = 10  # that looking at a file may take
_READER = Path(__file__).with_name("reader.py")


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


# --- Reading a PDF that comes back --------------------------------------------


class NotOurs(Exception):
    """A file holds nothing that the portal put into it, or cannot be read. The message is for people."""


class TooBusy(Exception):
    """Too many files are being looked at. The message is for people."""


@dataclass(frozen=True)
class FoundProof:
    """What a PDF carries, which anybody may have put there: the code it names, if any, its record and its SHA-256."""

    code: str | None
    record: bytes
    sha256: str


NOT_OURS = {
    "empty": "The file is empty.",
    "too_large": "The file is larger than 50 MB. The portal makes none that large.",
    "no_pdf": "The file is not a PDF.",
    "encrypted": "The PDF is encrypted. The portal's own files are not: use the file as it was downloaded.",
    "damaged": "The PDF is damaged or cut short, and cannot be read.",
    "too_much": "Reading the PDF would take more time or memory than the portal's own files ever need.",
    "no_record": "The PDF carries no record of the portal's.",
    "several": "The PDF carries more than one record. The portal's own files carry one.",
}
"""Why nothing was found in a file."""


def read_pdf(data: bytes) -> FoundProof:
    """What a PDF from anywhere carries. Raises NotOurs, or TooBusy.

    The file is opened in a process of its own with bounds to its time and memory, and to what it may unpack to.
    """
    if reason := _unreadable(data):
        raise NotOurs(NOT_OURS[reason])
    head, _, record = _looked_at(data).partition(b"\n")
    told = json.loads(head)
    if "unread" in told:
        raise NotOurs(NOT_OURS[told["unread"]])
    code = told["about"].strip().rpartition(" ")[2]
    return FoundProof(read_code(code), record, sha256(record).hexdigest())


def _unreadable(data: bytes) -> str | None:
    if not data:
        return "empty"
    if len(data) > MAX_PDF:
        return "too_large"
    return None if b"%PDF-" in data[:1024] else "no_pdf"


_places = threading.BoundedSemaphore(_AT_ONCE)


def _looked_at(data: bytes) -> bytes:
    """What `reader` tells of a PDF, in its process."""
    if not _places.acquire(timeout=_WAIT):
        raise TooBusy("Other files are being looked at. Try again in a minute.")
    try:
        # Isolated: neither the environment nor the working directory has a say in what it imports.
        done = subprocess.run(  # noqa: S603 - our own program, and nothing of the file's in its arguments
            [sys.executable, "-IB", str(_READER), RECORD_NAME, str(MAX_RECORD), str(_SECONDS)],
            input=data,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NotOurs(NOT_OURS["too_much"]) from None
    finally:
        _places.release()
    if done.returncode:  # stopped by its bounds, or the library fell over the file
        raise NotOurs(NOT_OURS["too_much"])
    return done.stdout


# --- The verdict --------------------------------------------------------------

Standing = Literal["current", "superseded", "withdrawn"]
Finding = Literal["authentic", "changed", "forged", "unknown"]


@dataclass(frozen=True)
class Known:
    """What the portal knows of something that it made: its code, and how it stands today."""

    code: str
    standing: Standing


Lookup = Callable[[str], Known | None]
"""From a SHA-256 in hexadecimal, or a code, to what is known of it."""

STANDINGS: dict[Standing, str] = {
    "current": "The advisory on record is current: no later one takes its place.",
    "superseded": "The advisory on record is superseded: a later one on the same account takes its place.",
    "withdrawn": "The advisory on record is withdrawn: do not rely on it any more.",
}
"""How something that the portal made stands today."""

HEADLINES: dict[Finding, str] = {
    "authentic": "This file is authentic",
    "changed": "This file is not as the portal made it",
    "forged": "This file is not what the portal made",
    "unknown": "The portal does not know this file",
}
SAYS: dict[Finding, str] = {
    "authentic": "It is, byte for byte, the file that the portal made.",
    "changed": "It was changed since, or saved anew by another program. The data embedded in it is authentic, "
    "but what its pages show may not be. Ask for the file as it was downloaded.",
    "forged": "It names a code that the portal gave out, but the data embedded in it is not the record of that code. "
    "Rely on nothing that it shows.",
    "unknown": "Either the portal did not make it, or it was changed, or the portal no longer keeps its record.",
}
OTHER_CODE = "It also names another code than that of the record that it carries."


@dataclass(frozen=True)
class Verdict:
    """What a check of a file comes to, in words for people; nothing of what the file says.

    `known` is what was found of it, and None for an unknown file; `sha256` is the whole file's.
    """

    finding: Finding
    says: tuple[str, ...]
    sha256: str
    known: Known | None = None

    @property
    def headline(self) -> str:
        return HEADLINES[self.finding]

    @property
    def authentic(self) -> bool:
        """Whether every byte of the file is the portal's. It may be superseded or withdrawn all the same."""
        return self.finding == "authentic"


def judge(data: bytes, *, known_file: Lookup, known_record: Lookup, known_code: Lookup) -> Verdict:
    """Say of a file whether the portal made it. Raises TooBusy.

    The look-ups answer for the SHA-256 of a whole file, for that of a record, and for a code. A file that is known is
    never opened. No other is ever called authentic, whatever it carries.
    """
    whole = sha256(data).hexdigest()
    if known := known_file(whole):
        return Verdict("authentic", (SAYS["authentic"], STANDINGS[known.standing]), whole, known)
    try:
        found = read_pdf(data)
    except NotOurs as why:
        return Verdict("unknown", (str(why), SAYS["unknown"]), whole)
    if known := known_record(found.sha256):
        other = (OTHER_CODE,) if found.code not in (None, known.code) else ()
        says = (SAYS["changed"], *other, STANDINGS[known.standing])
        return Verdict("changed", says, whole, known)
    if found.code and (known := known_code(found.code)):
        return Verdict("forged", (SAYS["forged"],), whole, known)
    return Verdict("unknown", (SAYS["unknown"],), whole)
