"""Judges a file that comes back: did the portal make it, byte for byte?

What proves a file is the SHA-256 of all its bytes, which the portal keeps. The record embedded in it tells, of a file
that was saved again or changed, whether at least its data is the portal's.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

from assessments.pdf.authenticity import MAX_RECORD, RECORD_NAME, read_code

MAX_PDF = 50 * 1024 * 1024
"""Bytes of a file that is looked at."""

_AT_ONCE = 2  # files looked at in one process of the server at a time
_WAIT = 5.0  # seconds that one more waits for its turn
_SECONDS = 10  # that looking at a file may take
_READER = Path(__file__).with_name("reader.py")


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


Standing = Literal["current", "superseded", "withdrawn"]
Judgement = Literal["authentic", "changed", "forged", "unknown"]


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

HEADLINES: dict[Judgement, str] = {
    "authentic": "This file is authentic",
    "changed": "This file is not as the portal made it",
    "forged": "This file is not what the portal made",
    "unknown": "The portal does not know this file",
}
SAYS: dict[Judgement, str] = {
    "authentic": "It is, byte for byte, the file that the portal made.",
    "changed": "It was changed since, or saved anew by another program. The data embedded in it is authentic, "
    "but what its pages show may not be. Ask for the file as it was downloaded.",
    "forged": "It names a code that the portal gave out, but the data embedded in it is not the record of that code. "
    "Rely on nothing that it shows.",
    "unknown": "Either the portal did not make it, or it was changed, or the portal no longer keeps its record.",
}
OTHER_CODE = "It also names another code than that of the record that it carries."


@dataclass(frozen=True)
class FileVerdict:
    """What a check of a file comes to, in words for people; nothing of what the file says.

    `known` is what was found of it, and None for an unknown file; `sha256` is the whole file's.
    """

    judgement: Judgement
    says: tuple[str, ...]
    sha256: str
    known: Known | None = None

    @property
    def headline(self) -> str:
        return HEADLINES[self.judgement]

    @property
    def authentic(self) -> bool:
        """Whether every byte of the file is the portal's. It may be superseded or withdrawn all the same."""
        return self.judgement == "authentic"


def judge(data: bytes, *, known_file: Lookup, known_record: Lookup, known_code: Lookup) -> FileVerdict:
    """Say of a file whether the portal made it. Raises TooBusy.

    The look-ups answer for the SHA-256 of a whole file, for that of a record, and for a code. A file that is known is
    never opened. No other is ever called authentic, whatever it carries.
    """
    whole = sha256(data).hexdigest()
    if known := known_file(whole):
        return FileVerdict("authentic", (SAYS["authentic"], STANDINGS[known.standing]), whole, known)
    try:
        found = read_pdf(data)
    except NotOurs as why:
        return FileVerdict("unknown", (str(why), SAYS["unknown"]), whole)
    if known := known_record(found.sha256):
        other = (OTHER_CODE,) if found.code not in (None, known.code) else ()
        says = (SAYS["changed"], *other, STANDINGS[known.standing])
        return FileVerdict("changed", says, whole, known)
    if found.code and (known := known_code(found.code)):
        return FileVerdict("forged", (SAYS["forged"],), whole, known)
    return FileVerdict("unknown", (SAYS["unknown"],), whole)
