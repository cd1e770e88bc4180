"""Where a request ends, calculated from the bytes that have arrived."""

from __future__ import annotations

import re

MAX_HEAD = 32 * 1024
"""The most bytes before the body, as in nginx. Our own requests have at most a few kilobytes."""
MAX_BODY = 3 * 1024 * 1024
"""The most bytes of a body, as in deploy/nginx.conf."""
MAX_DIGITS = 18
"""The most digits of a length, however many of them are zeros."""

_HEAD_ENDS = b"\r\n\r\n"
_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]+)[ \t]*\r\n", re.IGNORECASE)
_TRANSFER_ENCODING = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
_EXPECTS = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*\r\n", re.IGNORECASE)


class Refused(Exception):
    """A request that is refused before it is complete: the status of the response, and the reason in words."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


def length_of(received: bytes | bytearray) -> int | None:
    """The length in bytes of the request that begins here, or None while its head is incomplete.

    The server parses the request itself, and refuses whatever is malformed. Raises Refused for a request that is too
    large, or whose head does not give its length.
    """
    # The server ignores an empty line before a request.
    begins = 2 if received.startswith(b"\r\n") else 0
    ends = received.find(_HEAD_ENDS, begins)
    if ends < 0:
        if len(received) > MAX_HEAD:
            raise Refused(431, "Request Header Fields Too Large")
        return None
    head = received[: ends + len(_HEAD_ENDS)]
    if _TRANSFER_ENCODING.search(head):
        raise Refused(411, "Length Required")
    match = _CONTENT_LENGTH.search(head)
    digits = match[1] if match else b"0"
    # Python converts no number of thousands of digits.
    if len(digits) > MAX_DIGITS or int(digits) > MAX_BODY:
        raise Refused(413, "Content Too Large")
    return len(head) + int(digits)


def expects_continue(received: bytes | bytearray) -> bool:
    """Whether the client waits for "100 Continue" before it sends the body. The head must be complete."""
    return bool(_EXPECTS.search(received[: received.find(_HEAD_ENDS) + len(_HEAD_ENDS)]))
