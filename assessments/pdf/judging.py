"""Judges a file that somebody hands in: did the portal make it, byte for byte?

The proof is the SHA-256 of the whole file, which the portal keeps. Where a file was saved again or changed, the
record embedded in it shows whether at least its data is the portal's.
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
"""Bytes of the largest file that is opened."""

_AT_ONCE = 2  # files that one server process reads at a time
_WAIT = 5.0  # seconds that a further file waits for its turn
_SECONDS = 10  # seconds that reading one file may take
_READER = Path(__file__).with_name("reader.py")


class NotOurs(Exception):
    """The file carries no record of the portal's, or cannot be read. The message is for people."""


class TooBusy(Exception):
    """Too many files are being read. The message is for people."""


@dataclass(frozen=True)
class EmbeddedProof:
    """What a PDF carries: a verification code or None, a record, and the record's SHA-256.

    Anybody may have put them there.
    """

    code: str | None
    record: bytes
    sha256: str


NOT_OURS = {
    "empty": "The file is empty.",
    "too_large": "The file is larger than 50 MB. The portal makes no files of that size.",
    "no_pdf": "The file is not a PDF.",
    "encrypted": "The PDF is encrypted. The portal's own files are not encrypted. Use the file as it was downloaded.",
    "damaged": "The PDF is damaged or cut short, and cannot be read.",
    "too_much": "Reading the PDF would take more time or memory than the portal's own files need.",
    "no_record": "The PDF has no record from the portal.",
    "several": "The PDF has more than one record. The portal's own files have one.",
}
"""What people read about why a file yields no record, by reason."""


def read_pdf(file: bytes) -> EmbeddedProof:
    """Return what a PDF from anywhere carries. Raises NotOurs, or TooBusy.

    A separate process opens the file. Its time, its memory and what it may unpack are limited.
    """
    if reason := _unreadable(file):
        raise NotOurs(NOT_OURS[reason])
    head, _, record = _run_reader(file).partition(b"\n")
    report = json.loads(head)
    if "unread" in report:
        raise NotOurs(NOT_OURS[report["unread"]])
    code = report["about"].strip().rpartition(" ")[2]
    return EmbeddedProof(read_code(code), record, sha256(record).hexdigest())


def _unreadable(file: bytes) -> str | None:
    if not file:
        return "empty"
    if len(file) > MAX_PDF:
        return "too_large"
    return None if b"%PDF-" in file[:1024] else "no_pdf"


_places = threading.BoundedSemaphore(_AT_ONCE)


def _run_reader(file: bytes) -> bytes:
    """Run `reader` on a PDF in a separate process, and return its output."""
    if not _places.acquire(timeout=_WAIT):
        raise TooBusy("Other files are being checked. Try again in a minute.")
    try:
        # Isolated: neither the environment nor the working directory affects what it imports.
        reader = subprocess.run(  # noqa: S603 - our own program; its arguments have nothing from the file
            [sys.executable, "-IB", str(_READER), RECORD_NAME, str(MAX_RECORD), str(_SECONDS)],
            input=file,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NotOurs(NOT_OURS["too_much"]) from None
    finally:
        _places.release()
    if reader.returncode:  # stopped by its limits, or the library crashed on the file
        raise NotOurs(NOT_OURS["too_much"])
    return reader.stdout


Standing = Literal["current", "superseded", "withdrawn"]
Judgement = Literal["authentic", "changed", "forged", "unknown"]


@dataclass(frozen=True)
class KnownDocument:
    """A document that the portal made: its verification code, and its standing today."""

    code: str
    standing: Standing


Lookup = Callable[[str], KnownDocument | None]
"""Finds the portal's document by a SHA-256 in hexadecimal, or by a code; None if the portal has none."""

STANDINGS: dict[Standing, str] = {
    "current": "The advisory on record is current: no later one replaces it.",
    "superseded": "The advisory on record is superseded: a later one on the same account has replaced it.",
    "withdrawn": "The advisory on record is withdrawn: do not rely on it.",
}
"""What people read about a document's standing."""

HEADLINES: dict[Judgement, str] = {
    "authentic": "This file is authentic",
    "changed": "This file was changed after the portal issued it",
    "forged": "The portal did not issue this file",
    "unknown": "The portal has no record of this file",
}
EXPLANATIONS: dict[Judgement, str] = {
    "authentic": "Authentic: identical, byte for byte, to the file that the portal issued.",
    "changed": "The file was changed, or saved again by another program. The data embedded in it is authentic, "
    "but what its pages show may not be. Ask for the file as it was downloaded.",
    "forged": "The file has a code that the portal issued, but its embedded data is not the record of that code. "
    "Do not rely on anything that it shows.",
    "unknown": "Either the portal did not issue the file, or it was changed, or its record has been deleted.",
}
OTHER_CODE = "The code that it names is not the code of its record."


@dataclass(frozen=True)
class FileVerdict:
    """Whether the portal made a file, and the sentences that explain it to people. It repeats nothing from the file.

    `document` is the portal's own that the file is or claims to be, None for an unknown file. `sha256` is the
    whole file's.
    """

    judgement: Judgement
    explanation: tuple[str, ...]
    sha256: str
    document: KnownDocument | None = None

    @property
    def headline(self) -> str:
        return HEADLINES[self.judgement]

    @property
    def authentic(self) -> bool:
        """Whether every byte of the file is the portal's. Its document may still be superseded or withdrawn."""
        return self.judgement == "authentic"


def judge(file: bytes, *, known_file: Lookup, known_record: Lookup, known_code: Lookup) -> FileVerdict:
    """Say whether the portal made `file`. Raises TooBusy.

    The three look-ups find the portal's document by the SHA-256 of a whole file, by that of a record, and by a code.
    A file that `known_file` finds is authentic and is not opened. No other file is ever authentic, even if it carries
    a record.
    """
    file_sha256 = sha256(file).hexdigest()
    if document := known_file(file_sha256):
        explanation = (EXPLANATIONS["authentic"], STANDINGS[document.standing])
        return FileVerdict("authentic", explanation, file_sha256, document)
    try:
        proof = read_pdf(file)
    except NotOurs as fault:
        # A file that is no PDF was never the portal's, so nothing more is to say.
        more = () if str(fault) in (NOT_OURS["empty"], NOT_OURS["no_pdf"]) else (EXPLANATIONS["unknown"],)
        return FileVerdict("unknown", (str(fault), *more), file_sha256)
    if document := known_record(proof.sha256):
        remark = (OTHER_CODE,) if proof.code not in (None, document.code) else ()
        explanation = (EXPLANATIONS["changed"], *remark, STANDINGS[document.standing])
        return FileVerdict("changed", explanation, file_sha256, document)
    if proof.code and (document := known_code(proof.code)):
        return FileVerdict("forged", (EXPLANATIONS["forged"],), file_sha256, document)
    return FileVerdict("unknown", (EXPLANATIONS["unknown"],), file_sha256)
