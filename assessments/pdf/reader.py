"""Reads the record out of a PDF from anywhere. `judging` runs it as a process of its own.

A stranger's file may be made to exhaust memory or time, or to crash the library that reads it. So this process is
given little of both, may write no file, and can be lost without harm. The PDF comes on standard input. The arguments
are the name of the embedded file to read, the most bytes that file may unpack to, and the most seconds to run. The
output is a line of JSON, then the embedded file's bytes. It imports nothing of the portal's.
"""

import contextlib
import json
import resource
import sys
import zlib
from collections.abc import Iterator
from io import BytesIO
from itertools import islice
from typing import Any

import pikepdf

MEMORY = 1024**3
"""Bytes of address space: what Python and its libraries reserve, twice the largest file, and a margin."""

_UNPACKED = 64 * 1024 * 1024  # bytes that qpdf may unpack of any one of the file's own tables
_MOST_FILES = 50


class UnreadableFile(Exception):
    """The PDF yields no record. The argument is the reason: encrypted, damaged, too_much, no_record or several."""


def embedded_file(pdf_file: bytes, name: str, max_bytes: int) -> tuple[str, bytes]:
    """Return the description and the bytes of the one file called `name` that is embedded in a PDF.

    Raises UnreadableFile and nothing else.
    """
    try:
        with pikepdf.open(
            BytesIO(pdf_file), attempt_recovery=False, suppress_warnings=True, inherit_page_attributes=False
        ) as pdf:
            if pdf.is_encrypted:  # even where it opens without a password
                raise UnreadableFile("encrypted")
            return _record(pdf, name, max_bytes)
    except UnreadableFile:
        raise
    except pikepdf.PasswordError:
        raise UnreadableFile("encrypted") from None
    except MemoryError:
        raise UnreadableFile("too_much") from None
    except Exception as fault:  # a damaged file can make the library raise anything
        too_much = pikepdf.settings.qpdf_limit_errors()
        raise UnreadableFile("too_much" if too_much else "damaged") from fault


def _record(pdf: pikepdf.Pdf, name: str, max_bytes: int) -> tuple[str, bytes]:
    matches: dict[tuple[int, int], tuple[str, Any]] = {}
    for file in islice(_files(pdf), _MOST_FILES):
        if isinstance(file, pikepdf.Dictionary) and str(file.get("/UF", file.get("/F", ""))) == name:
            content = file.EF.F
            matches[content.objgen] = str(file.get("/Desc", ""))[:200], content
    if len(matches) != 1:
        raise UnreadableFile("several" if matches else "no_record")
    ((about, content),) = matches.values()
    return about, _unpacked(content, max_bytes)


def _files(pdf: pikepdf.Pdf) -> Iterator[Any]:
    """The files that the PDF lists in either of two places: other programs may keep only one of the two lists."""
    listed: Any = pdf.Root.get("/AF")
    if isinstance(listed, pikepdf.Array):
        yield from listed
    names: Any = pdf.Root.get("/Names", {})
    if "/EmbeddedFiles" in names:
        yield from pikepdf.NameTree(names.EmbeddedFiles).values()


def _unpacked(content: Any, max_bytes: int) -> bytes:
    """Unpack a stream, and stop as soon as it has more than `max_bytes`."""
    if not isinstance(content, pikepdf.Stream):
        raise UnreadableFile("damaged")
    raw = content.read_raw_bytes()
    filters: Any = content.get("/Filter", [])
    match [
        str(name)
        for name in (filters if isinstance(filters, pikepdf.Array) else [filters] if filters else [])
    ]:
        case []:
            record = raw
        case ["/FlateDecode"] if not content.get("/DecodeParms"):
            unpacking = zlib.decompressobj()
            record = unpacking.decompress(raw, max_bytes + 1)
            if len(record) <= max_bytes and not unpacking.eof:
                raise UnreadableFile("damaged")
        case _:
            raise UnreadableFile("damaged")
    if len(record) > max_bytes:
        raise UnreadableFile("too_much")
    return record


def _confine(seconds: int) -> None:
    limits = {
        resource.RLIMIT_AS: MEMORY,
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
    }
    for resource_id, limit in limits.items():
        with contextlib.suppress(ValueError, OSError):  # a system may lack a limit, or already allow less
            resource.setrlimit(resource_id, (limit, limit))
    pikepdf.settings.set_qpdf_limits(
        flate_max_memory=_UNPACKED,
        run_length_max_memory=_UNPACKED,
        png_max_memory=_UNPACKED,
        tiff_max_memory=_UNPACKED,
        dct_max_memory=_UNPACKED,
        parser_max_container_size=1_000_000,
        doc_max_warnings=100,
    )


def main() -> None:
    """Read a PDF from standard input; write what it carries to standard output."""
    _, name, max_bytes, seconds = sys.argv
    _confine(int(seconds))
    try:
        about, record = embedded_file(sys.stdin.buffer.read(), name, int(max_bytes))
    except UnreadableFile as reason:
        about, record = "", b""
        report = {"unread": str(reason)}
    else:
        report = {"about": about}
    sys.stdout.buffer.write(json.dumps(report).encode() + b"\n" + record)


if __name__ == "__main__":
    main()
