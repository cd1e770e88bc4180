"""Prints an HTML document as a PDF/UA-1, in a child process that can be killed.

WeasyPrint is slow to import, keeps memory, may spend minutes on a hostile word and must not be shared between
threads. So it runs in one persistent child, spawned when first needed, and the parent never imports it. `worker` is
the child's side. The child fetches only our own fonts and images. Equal input gives equal bytes on any day: a PDF has
no date but one that its HTML states.

Documents for people who have not signed in are printed in a separate child, with a lower priority than everything
else on the host. However many there are, members and officers do not wait for them.
"""

import atexit
import multiprocessing.process
import os
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from importlib.metadata import version

from pebble import ProcessExpired, ProcessPool

from assessments.pdf import worker
from assessments.pdf.worker import Enclosed, PressError, PrintProblem

__all__ = [
    "MAX_HTML",
    "MAX_SECONDS",
    "Enclosed",
    "PressError",
    "PrintProblem",
    "fingerprint",
    "print_collection",
    "print_pdf",
    "stop",
]

MAX_SECONDS = 15.0
"""Seconds that one document may take before its process is killed. A usual one takes about 0.3."""

MAX_WAIT = 25.0
"""Seconds that a caller may wait for one document, including the documents ahead of it and a new process's start."""

MAX_QUEUE = 8
"""Callers that may wait at the same time. Each keeps a thread of the server waiting; a further one gets `busy`."""

MAX_STRANGERS = 2
"""Callers that may wait at the same time for people who have not signed in."""

MAX_HTML = 1_000_000
"""The most characters of HTML. The most text (`worker.MAX_TEXT`) in the densest markup that we write is about
400,000 characters, and beyond a million, parsing alone takes seconds."""

BUSY = "Other PDFs are being made. Try again in a minute."

_DOCUMENTS_PER_PROCESS = 200  # limits what WeasyPrint and Pango keep: about 0.25 MB per document


def print_pdf(
    html: str,
    *,
    css: str = "",
    enclosed: Enclosed | None = None,
    seconds: float = MAX_SECONDS,
    for_stranger: bool = False,
) -> bytes:
    """Return the document `html` as a PDF/UA-1. Raises PressError.

    `html` is a whole document with `<html lang>`, `<title>` and, if wanted, `<meta name=author>`. All that people
    wrote in it must be escaped and have been through `typeset`. `css` is the document's base stylesheet, which each
    process parses once: pass the same text each time. Both may name `portal:fonts/…` and `portal:images/…`, the files
    under static/, and nothing else. The PDF carries `enclosed`, if given.

    Safe to call from any thread. Documents are printed one at a time, so a call may wait for others. Once its turn
    has come, printing takes `seconds` at most. Set `for_stranger` for a person who has not signed in: others do not
    wait for this document.
    """
    press = _stranger_press if for_stranger else _document_press
    return _print(press, html, css, enclosed=enclosed, seconds=seconds, documents=1)


def print_collection(html: str, *, documents: int, css: str = "") -> bytes:
    """Return several `documents` in one `html` as a PDF/UA-1. Raises PressError.

    `html` and `css` are as in `print_pdf`. The collection may be as large as its documents together, and may take a
    second more for each. It is printed in a process of its own, so that nobody else waits for it. A second collection
    at the same time is refused.
    """
    if documents == 1:  # not worth a process of its own
        return print_pdf(html, css=css)
    seconds = MAX_SECONDS + documents - 1
    return _print(_collection_press, html, css, enclosed=None, seconds=seconds, documents=documents)


def fingerprint(html: str, css: str) -> str:
    """A SHA-256 of all that decides a document's bytes: its HTML and CSS, our fonts and images, and WeasyPrint."""
    parts = (html.encode(), css.encode(), _fingerprint_of_files())
    return sha256(b"".join(sha256(part).digest() for part in parts)).hexdigest()


@cache
def _fingerprint_of_files() -> bytes:
    files = sha256(version("weasyprint").encode())
    for url, (path, _) in worker.our_files().items():
        files.update(sha256(url.encode() + path.read_bytes()).digest())
    return files.digest()


def _print(
    press: "_Press", html: str, css: str, *, enclosed: Enclosed | None, seconds: float, documents: int
) -> bytes:
    if len(html) > MAX_HTML * documents:
        raise PressError(
            PrintProblem.TOO_LARGE,
            f"This document is too large to print: {len(html):,} characters of HTML. "
            f"The limit is {MAX_HTML:,}. Shorten the notes.",
        )
    with press.place():
        try:
            args = (html, css, enclosed, documents)
            future = press.pool().schedule(worker.print_document, args=args, timeout=seconds)
            try:
                return future.result(timeout=MAX_WAIT + documents - 1)
            except TimeoutError:
                if future.done():
                    raise PressError(
                        PrintProblem.TOO_SLOW,
                        f"This document took more than {seconds:g} seconds to print and was stopped. "
                        "A very long unbroken word or a very large table can cause this.",
                    ) from None
                future.cancel()  # type: ignore[no-untyped-call]
                raise PressError(PrintProblem.BUSY, BUSY) from None
        except (ProcessExpired, CancelledError, RuntimeError) as fault:
            # The pool replaces a lost process, and `press.pool` a broken pool.
            raise PressError(
                PrintProblem.BROKEN,
                "The printing process ended unexpectedly. Try again. If this happens again, tell an administrator "
                "of the portal.",
            ) from fault


def stop() -> None:
    """End the printing processes, if there are any. The next document starts another."""
    for press in _PRESSES:
        press.stop()


class _Press:
    """A printing process of this process, started when first needed.

    `callers` may use it at the same time. With `stays` false, it ends after each document. With `gives_way`, it
    gets less of the processor than other processes on the host that want it.
    """

    def __init__(self, *, callers: int, stays: bool, gives_way: bool = False) -> None:
        self._places = threading.BoundedSemaphore(callers)
        self._stays = stays
        self._gives_way = gives_way
        self._lock = threading.Lock()
        self._pool: ProcessPool | None = None
        self._scratch: tempfile.TemporaryDirectory[str] | None = None

    @contextmanager
    def place(self) -> Iterator[None]:
        """Take a place for one caller. Raises PressError if all are taken."""
        if not self._places.acquire(blocking=False):
            raise PressError(PrintProblem.BUSY, BUSY)
        try:
            yield
        finally:
            # Before the place is free: whoever takes it next must not get a process that is about to end.
            try:
                if not self._stays:
                    self.stop()
            finally:
                self._places.release()

    def pool(self) -> ProcessPool:
        with self._lock:
            if self._pool is not None and not self._pool.active:
                _end(self._pool)
                self._pool = None
            if self._pool is None:
                # The parent owns the directory where WeasyPrint unpacks fonts: a killed child could
                # not remove it.
                self._scratch = tempfile.TemporaryDirectory(prefix="press-", ignore_cleanup_errors=True)
                self._pool = ProcessPool(
                    max_workers=1,
                    max_tasks=_DOCUMENTS_PER_PROCESS,
                    initializer=worker.set_up,
                    initargs=(self._scratch.name, self._gives_way),
                    # Never fork: this process may be a server with threads.
                    context=multiprocessing.get_context("spawn"),
                )
            return self._pool

    def stop(self) -> None:
        with self._lock:
            pool, scratch = self._pool, self._scratch
            self._pool = self._scratch = None
        if pool is not None:
            _end(pool)
        if scratch is not None:
            scratch.cleanup()

    def forget(self) -> None:
        """In a forked process, let go of the pool, its child and the directory: they are the parent's."""
        if self._scratch is not None:
            self._scratch._finalizer.detach()  # type: ignore[attr-defined]
        self._lock, self._pool, self._scratch = threading.Lock(), None, None
        # os.fork copies the parent's children to our list, and our exit would stop them.
        multiprocessing.process._children.clear()  # type: ignore[attr-defined]


def _end(pool: ProcessPool) -> None:
    pool.stop()  # type: ignore[no-untyped-call]
    pool.join()


_document_press = _Press(callers=MAX_QUEUE, stays=True)
_stranger_press = _Press(callers=MAX_STRANGERS, stays=True, gives_way=True)
# Collections are rare, and an idle process would keep a hundred megabytes.
_collection_press = _Press(callers=1, stays=False)
_PRESSES = (_document_press, _stranger_press, _collection_press)
atexit.register(stop)
for _press in _PRESSES:
    os.register_at_fork(after_in_child=_press.forget)
