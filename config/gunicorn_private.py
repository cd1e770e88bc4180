"""The private names of gunicorn that the portal needs, in one place. Nothing else may import them.

Checked against gunicorn 27.0. Any release may change them, so pyproject.toml admits only the 27.0 series, and
tests/config/test_gunicorn_private.py has tests for each: an upgrade fails there first.

gunicorn's own worker gives a connection to one of its threads as soon as the first byte arrives. Sixteen clients that
send a byte every few seconds then keep all threads waiting. `Worker` changes these steps of it:

- `enqueue_req` waits for a whole request, in the loop that waits for connections, before a thread gets it.
- `accept` makes room for a new connection: the one that has been sending its request for longest is closed.
- `finish_request` also waits in that loop for a client to close a connection. gunicorn would block the loop.
- `wait_for_and_dispatch_events` closes connections whose time has run out.
- A connection's `init` gives it a parser, which reads from `Arrived` instead of the socket.
"""

from __future__ import annotations

import socket
import time
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from selectors import EVENT_READ
from typing import Any

from gunicorn.http.unreader import Unreader
from gunicorn.util import write_error
from gunicorn.workers.gthread import ThreadWorker

from config.framing import Refused, expects_continue, length_of

ARRIVES_WITHIN = 30.0
"""The seconds that a client has to send a request, with its body."""
CLOSES_WITHIN = 2.0
"""The seconds that a client has to close a connection after the last answer, so that it can read all of it."""
MAX_HELD = 64 * 1024 * 1024
"""The most bytes of requests that a process holds, both those that are arriving and those that a thread works on."""
CHUNK = 64 * 1024


class Arrived(Unreader):  # type: ignore[misc]  # gunicorn ships no types
    """A whole request in memory. What has not arrived is not waited for."""

    def chunk(self, size_hint: int | None = None) -> bytes:
        return b""


class Arriving:
    """What has arrived of a request, its length once that is known, and the time by which it must be complete."""

    def __init__(self, received: bytes) -> None:
        self.received = bytearray(received)
        self.length: int | None = None
        self.deadline = time.monotonic() + ARRIVES_WITHIN


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn's worker of threads, in which only a whole request takes a thread.

    Only the loop that waits for connections uses what is added here, so it needs no lock.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Each in the order of their deadlines.
        self.arriving: dict[Any, Arriving] = {}
        self.closing: dict[Any, float] = {}
        self.sizes: dict[Any, int] = {}
        self.held = 0

    def accept(self, listener: socket.socket) -> None:
        super().accept(listener)
        while self.nr_conns >= self.worker_connections and (self.closing or self.arriving):
            self._drop(next(iter(self.closing or self.arriving)))

    def enqueue_req(self, conn: Any) -> None:
        if not conn.initialized:
            conn.init()
            conn.parser.unreader = Arrived()
        # A client may have sent its next request without waiting for the answer.
        arriving = self.arriving[conn] = Arriving(conn.parser.unreader.take_buffered())
        self.held += len(arriving.received)
        conn.sock.setblocking(False)
        self.poller.register(conn.sock, EVENT_READ, partial(self._receive, conn))
        if not self._hand_over(conn):
            self._receive(conn)

    def _receive(self, conn: Any, _: Any = None) -> None:
        """Read what has arrived since, and give the request to a thread if it is whole."""
        if conn not in self.arriving:
            # It was closed after the poller had seen that it is readable.
            return
        try:
            chunk = conn.sock.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        if not chunk:
            self._drop(conn)
            return
        self.arriving[conn].received += chunk
        self.held += len(chunk)
        while self.held > MAX_HELD and self.arriving:
            self._drop(next(iter(self.arriving)))
        if conn in self.arriving:
            self._hand_over(conn)

    def _hand_over(self, conn: Any) -> bool:
        """Give a request to a thread, or refuse it; return false if it has to be waited for."""
        arriving = self.arriving[conn]
        if arriving.length is None:
            try:
                arriving.length = length_of(arriving.received)
            except Refused as refused:
                self._answer(conn, refused)
                return True
            if arriving.length is None:
                return False
            if len(arriving.received) < arriving.length and expects_continue(arriving.received):
                with suppress(OSError):
                    conn.sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        if len(arriving.received) < arriving.length:
            return False
        del self.arriving[conn]
        self.poller.unregister(conn.sock)
        self.sizes[conn] = len(arriving.received)
        conn.parser.unreader.unread(bytes(arriving.received))
        super().enqueue_req(conn)
        return True

    def finish_request(self, conn: Any, fs: Future[Any]) -> None:
        self.held -= self.sizes.pop(conn, 0)
        if not fs.cancelled() and fs.exception() is None and fs.result():
            super().finish_request(conn, fs)
        else:
            self._close(conn)

    def _answer(self, conn: Any, refused: Refused) -> None:
        """Refuse the request that is arriving, and close its connection."""
        self._forget(conn)
        with suppress(OSError):
            write_error(conn.sock, refused.status, refused.reason, "")
        self._close(conn)

    def _close(self, conn: Any) -> None:
        """Close a connection once the client has, or after a while.

        If it were closed while something that the client sent is unread, the client could lose the answer.
        """
        try:
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._drop(conn)
            return
        conn.sock.setblocking(False)
        self.closing[conn] = time.monotonic() + CLOSES_WITHIN
        self.poller.register(conn.sock, EVENT_READ, partial(self._discard, conn))

    def _discard(self, conn: Any, _: Any) -> None:
        if conn not in self.closing:
            return
        try:
            if conn.sock.recv(CHUNK):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self._drop(conn)

    def _drop(self, conn: Any) -> None:
        """Close a connection without waiting for the client."""
        self._forget(conn)
        self.nr_conns -= 1
        conn.close()

    def _forget(self, conn: Any) -> None:
        """Wait for nothing more on a connection."""
        arriving, closing = self.arriving.pop(conn, None), self.closing.pop(conn, None)
        if arriving is not None:
            self.held -= len(arriving.received)
        if arriving is not None or closing is not None:
            self.poller.unregister(conn.sock)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        super().wait_for_and_dispatch_events(timeout)
        now = time.monotonic()
        while self.arriving and self.arriving[conn := next(iter(self.arriving))].deadline <= now:
            if self.arriving[conn].received:
                self._answer(conn, Refused(408, "Request Timeout"))
            else:
                self._drop(conn)
        while self.closing and self.closing[conn := next(iter(self.closing))] <= now:
            self._drop(conn)
