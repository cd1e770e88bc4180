"""Cleaning up what people paste: invisible characters, and what other programs put around the text."""

from __future__ import annotations

import re
import unicodedata

_DROPPED = re.compile(
    "[\u0000-\u0008\u000e-\u001f\u007f\u00ad\u180e\u200b\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb]"
)
"""Characters that show nothing and that no language needs: control characters, marks that change the order in which
text reads, soft hyphens, and joiners that only guide line breaks."""
_NEW_LINE = re.compile("\r\n|[\r\u000b\u000c\u0085\u2028\u2029]")
_HALF = re.compile("[\ud800-\udfff]")
_WINDOWS = {
    code: bytes([code]).decode("cp1252", "ignore") for code in (*range(0x80, 0x85), *range(0x86, 0xA0))
}
"""The characters, such as quotation marks, that Windows has in the place of Unicode's control characters."""
_ENDS = " \t\n\u00a0\u200c\u200d\u200e\u200f\u061c"
"""What is dropped at the ends of a line: white space, and marks that only matter between letters."""

_NAMED_ADDRESS = re.compile(r"[^<>]*<\s*([^<>\s]+)\s*>\s*[.,;]*")
_OPENING = re.compile(r"((?:^|[{\[,:])[ \t\n]{0,100})[“”„‟«]", re.MULTILINE)
_CLOSING = re.compile(r"[“”‟»](?=[ \t\n]{0,100}[,:}\]])")
_MAX_REPLIES = 10


def mended_text(text: str) -> str:
    """A text of several lines without invisible characters, in composed characters and without blank ends."""
    text = _NEW_LINE.sub("\n", text).translate(_WINDOWS)
    text = _HALF.sub("\ufffd", _DROPPED.sub("", text))
    return unicodedata.normalize("NFC", text).strip()


def mended_line(text: str) -> str:
    """A text of one line without invisible characters, and with single spaces."""
    return " ".join(mended_text(text).split()).strip(_ENDS)


def mended_email(text: str) -> str:
    """An email address without what was copied with it, as in `Pat Lee <pat@example.ca>` or `mailto:`."""
    text = mended_line(text)
    if match := _NAMED_ADDRESS.fullmatch(text):
        text = match[1]
    text = re.sub(r"\Amailto:", "", text, flags=re.IGNORECASE).partition("?")[0]
    return text.strip(_ENDS + "<>\"'.,;")


def mended_web_address(text: str) -> str:
    """A web address without what surrounds it, beginning with https."""
    text = mended_line(text).strip(_ENDS + "<>")
    return re.sub(r"\Ahttp://", "https://", text, flags=re.IGNORECASE)


def mended_json(text: str) -> str:
    """JSON without the changes of a mail program: fences, quote marks before lines, curly quotation marks.

    Notes may have curly quotation marks, too. Only those in the places of JSON's own are replaced.
    """
    text = _DROPPED.sub("", _NEW_LINE.sub("\n", text).replace("\u00a0", " "))
    lines = text.strip().split("\n")
    for _ in range(_MAX_REPLIES):
        if all(line.startswith(">") for line in lines):
            lines = [line[1:].removeprefix(" ") for line in lines]
    if lines[0].startswith("```") and lines[-1].startswith("```"):
        lines = lines[1:-1]
    return _CLOSING.sub('"', _OPENING.sub(r'\1"', "\n".join(lines)))
