"""Limits on what a host does at the same time, counted over all processes and threads of the portal.

A place is a locked file in a folder of the host. The kernel frees it when its process ends, even by a kill, so no
count can go wrong. The folder belongs to this user and this portal, among the temporary files. The files are empty.
"""

from __future__ import annotations

import fcntl
import logging
import os
import stat
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from django.db import connection

log = logging.getLogger(__name__)

_POLL = 0.02
_FILES_PER_KIND = 4_096


class NoPlace(Exception):
    """All places are taken, or the host cannot count them."""


@contextmanager
def place(names: Sequence[str], *, wait: float = 0.0) -> Iterator[None]:
    """Take one of the places with these names, and free it at the end. Raises NoPlace after `wait` seconds."""
    ends = time.monotonic() + wait
    while (taken := _take(names)) is None:
        if time.monotonic() >= ends:
            raise NoPlace
        time.sleep(_POLL)
    try:
        yield
    finally:
        os.close(taken)


def places(kind: str, count: int) -> tuple[str, ...]:
    """The names of `count` places."""
    return tuple(f"{kind}.{number}" for number in range(count))


def places_of(kind: str, key: str, count: int = 1) -> tuple[str, ...]:
    """The names of `count` places for a key, such as a network address.

    Keys share a few thousand names, so that strangers cannot fill the folder. Two keys rarely share one, which is
    harmless.
    """
    number = int.from_bytes(sha256(key.encode()).digest()[:4], "big") % _FILES_PER_KIND
    return places(f"{kind}.{number}", count)


def _take(names: Sequence[str]) -> int | None:
    """The open file of the first place that is free, or None."""
    for name in names:
        try:
            descriptor = os.open(
                _folder() / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
            )
        except OSError as error:
            # The disk is full, or the folder is somebody else's. Without a count, nobody has a place.
            log.error(
                "The places in %s cannot be counted: %s", tempfile.gettempdir(), error.strerror or error
            )
            raise NoPlace from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
        else:
            return descriptor
    return None


def _folder() -> Path:
    folder = Path(tempfile.gettempdir()) / _folder_name()
    # Made each time, because a cleaner of temporary files may have removed it.
    folder.mkdir(mode=0o700, exist_ok=True)
    # Not what a link leads to: anyone can make one among the temporary files.
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise PermissionError(
            f"{folder} belongs to another user. Remove it, or set TMPDIR to another folder."
        )
    return folder


def _folder_name() -> str:
    # Another portal on this host has another database.
    portal = sha256(str(connection.settings_dict["NAME"]).encode()).hexdigest()[:16]
    return f"portal-{os.getuid()}-{portal}"
