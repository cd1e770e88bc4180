"""Prints an HTML document as a PDF/UA-1, in a child process that can be killed.

WeasyPrint is slow to import, keeps memory, may spend minutes on a hostile word and must not be shared between
threads. So it runs in one persistent child, spawned when first needed, and the parent never imports it. `worker` is
the child's side. The child fetches only our own fonts and images. Equal input gives equal bytes on any day: a PDF has
no date but one that its HTML states.
"""

import atexit
import multiprocessing.process
import os
import tempfile
import threading
from concurrent.futures import CancelledError

from pebble import ProcessExpired, ProcessPool

from assessments.pdf import worker
from assessments.pdf.worker import Enclosed, PressError

__all__ = ["MAX_HTML", "MAX_SECONDS", "Enclosed", "PressError", "print_pdf", "stop"]

MAX_SECONDS = 15.0
"""Seconds that one document may take before its process is killed. A usual one takes about 0.3."""

MAX_WAIT = 25.0
"""Seconds that a caller may wait for one document, including the documents ahead of it and a new process's start."""

MAX_QUEUE = 8
"""Callers that may wait at the same time. Each keeps a thread of the server waiting; a further one gets `busy`."""

MAX_HTML = 1_000_000
"""The most characters of HTML. The most text (`worker.MAX_TEXT`) in the densest markup that we write is about
400,000 characters, and beyond a million, parsing alone takes seconds."""

BUSY = "The printer is busy with other documents. Try again in a minute."

_places = threading.BoundedSemaphore(MAX_QUEUE)
_place_of_collection = threading.BoundedSemaphore(1)
_DOCUMENTS_PER_PROCESS = 200  # limits what WeasyPrint and Pango keep: about 0.25 MB per document


def print_pdf(
    html: str,
    *,
    css: str = "",
    enclosed: Enclosed | None = None,
    seconds: float = MAX_SECONDS,
    documents: int = 1,
) -> bytes:
    """Return `html` as a PDF/UA-1.

    `html` is a whole document with `<html lang>`, `<title>` and, if wished, `<meta name=author>`;
    all that people wrote in it must be escaped and have been through `typeset`. `css` is the
    document's base stylesheet, parsed once per process: hand the same text each time. Both may name
    `portal:fonts/…` and `portal:images/…`, the files under static/, and nothing else. The PDF carries
    `enclosed` within it, if there is one.

    Safe to call from any thread; documents are printed one at a time, so a call may wait for
    others. Takes `seconds` at most once its turn has come. A collection of several `documents` may be as large as
    they are together, takes up to a second more for each, and is printed in a process of its own, so that nobody
    waits for it: a second one at the same time is refused. Raises PressError.
    """
    if len(html) > MAX_HTML * documents:
        raise PressError(
            "too_large",
            f"This document is too large to print: {len(html):,} characters of HTML, "
            f"and {MAX_HTML:,} are the most. Shorten the notes.",
        )
    places = _places if documents == 1 else _place_of_collection
    if not places.acquire(blocking=False):
        raise PressError("busy", BUSY)
    try:
        return _printed(html, css, enclosed, seconds + documents - 1, documents)
    finally:
        places.release()
        if documents > 1:
            # Collections are rare, and an idle process would keep a hundred megabytes.
            _press_of_collections.stop()


def _printed(html: str, css: str, enclosed: Enclosed | None, seconds: float, documents: int) -> bytes:
    try:
        args = (html, css, enclosed, documents)
        press = _press if documents == 1 else _press_of_collections
        future = press.pool().schedule(worker.print_document, args=args, timeout=seconds)
        try:
            return future.result(timeout=MAX_WAIT + documents - 1)
        except TimeoutError:
            if future.done():
                raise PressError(
                    "too_slow",
                    f"This document took more than {seconds:g} seconds to print and was stopped. "
                    "A very long unbroken word or a very large table can cause this.",
                ) from None
            future.cancel()  # type: ignore[no-untyped-call]
            raise PressError("busy", BUSY) from None
    except (ProcessExpired, CancelledError, RuntimeError) as fault:
        # The pool replaces a lost process, and `_press.pool` a broken pool.
        raise PressError(
            "broken",
            "The printing process ended unexpectedly. Try again; if it happens again, tell "
            "whoever runs this service.",
        ) from fault


def stop() -> None:
    """End the printing processes, if there are any. The next document starts another."""
    for press in _press, _press_of_collections:
        press.stop()


class _Press:
    """A printing process of this process, started when first needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pool: ProcessPool | None = None
        self._scratch: tempfile.TemporaryDirectory[str] | None = None

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
                    initargs=(self._scratch.name,),
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
        self.__init__()  # type: ignore[misc]
        # os.fork copies the parent's children to our list, and our exit would stop them.
        multiprocessing.process._children.clear()  # type: ignore[attr-defined]


def _end(pool: ProcessPool) -> None:
    pool.stop()  # type: ignore[no-untyped-call]
    pool.join()


_press, _press_of_collections = _Press(), _Press()
atexit.register(stop)
for _child in _press, _press_of_collections:
    os.register_at_fork(after_in_child=_child.forget)
