"""The glass under which a PDF from anywhere is looked at. `proof` runs it, as a process of its own.

A file from a stranger may be made to eat memory or time, or to trip the library that reads it. So this process has
little of both, may write no file, and can be lost without harm. It takes the PDF on standard input; as arguments the
name of the file to find in it, the most bytes that this may unpack to, and the most seconds that it may all take. It
gives a line of JSON and then the file found. It imports nothing of the portal's.
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
"""Bytes of address space: what Python and its libraries reserve, a file of the largest size twice, and room."""

_UNPACKED = 64 * 1024 * 1024  # bytes of any one table of the file's own that qpdf unpacks
_MOST_FILES = 50


class UnreadableFile(Exception):
    """Nothing was found. The argument says why: encrypted, damaged, too_much, no_record or several."""


def look(data: bytes, name: str, most: int) -> tuple[str, bytes]:
    """The description and the bytes of the one file called `name` that is embedded in a PDF.

    Raises UnreadableFile and nothing else.
    """
    try:
        with pikepdf.open(
            BytesIO(data), attempt_recovery=False, suppress_warnings=True, inherit_page_attributes=False
        ) as pdf:
            if pdf.is_encrypted:  # even where it opens without a password
                raise UnreadableFile("encrypted")
            return _record(pdf, name, most)
    except UnreadableFile:
        raise
    except pikepdf.PasswordError:
        raise UnreadableFile("encrypted") from None
    except MemoryError:
        raise UnreadableFile("too_much") from None
    except Exception as fault:  # a damaged file can make the library raise anything
        too_much = pikepdf.settings.qpdf_limit_errors()
        raise UnreadableFile("too_much" if too_much else "damaged") from fault


def _record(pdf: pikepdf.Pdf, name: str, most: int) -> tuple[str, bytes]:
    found: dict[tuple[int, int], tuple[str, Any]] = {}
    for file in islice(_files(pdf), _MOST_FILES):
        if isinstance(file, pikepdf.Dictionary) and str(file.get("/UF", file.get("/F", ""))) == name:
            content = file.EF.F
            found[content.objgen] = str(file.get("/Desc", ""))[:200], content
    if len(found) != 1:
        raise UnreadableFile("several" if found else "no_record")
    ((about, content),) = found.values()
    return about, _unpacked(content, most)


def _files(pdf: pikepdf.Pdf) -> Iterator[Any]:
    """What the PDF lists as its files, in either place: other programs keep one of them."""
    listed: Any = pdf.Root.get("/AF")
    if isinstance(listed, pikepdf.Array):
        yield from listed
    names: Any = pdf.Root.get("/Names", {})
    if "/EmbeddedFiles" in names:
        yield from pikepdf.NameTree(names.EmbeddedFiles).values()


def _unpacked(content: Any, most: int) -> bytes:
    """A stream's bytes, unpacked no further than a record may be large."""
    if not isinstance(content, pikepdf.Stream):
        raise UnreadableFile("damaged")
    raw = content.read_raw_bytes()
    filters: Any = content.get("/Filter", [])
    match [
        str(one) for one in (filters if isinstance(filters, pikepdf.Array) else [filters] if filters else [])
    ]:
        case []:
            record = raw
        case ["/FlateDecode"] if not content.get("/DecodeParms"):
            unpacking = zlib.decompressobj()
            record = unpacking.decompress(raw, most + 1)
            if len(record) <= most and not unpacking.eof:
                raise UnreadableFile("damaged")
        case _:
            raise UnreadableFile("damaged")
    if len(record) > most:
        raise UnreadableFile("too_much")
    return record


def _confine(seconds: int) -> None:
    limits = {
        resource.RLIMIT_AS: MEMORY,
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
    }
    for what, most in limits.items():
        with contextlib.suppress(ValueError, OSError):  # a system may not know one, or allow less already
            resource.setrlimit(what, (most, most))
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
    """Look at standard input, and tell standard output."""
    _, name, most, seconds = sys.argv
    _confine(int(seconds))
    try:
        about, record = look(sys.stdin.buffer.read(), name, int(most))
    except UnreadableFile as reason:
        about, record = "", b""
        told = {"unread": str(reason)}
    else:
        told = {"about": about}
    sys.stdout.buffer.write(json.dumps(told).encode() + b"\n" + record)


if __name__ == "__main__":
    main()
