"""One line in the log for each request, and an identifier by which its other lines are found."""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any

import structlog
from django.conf import settings
from django.http import FileResponse, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase

log = structlog.get_logger("portal.requests")

GIVEN = re.compile(r"[0-9A-Za-z._-]{8,64}")
"""An identifier that a proxy of ours gives; anything else is no identifier of ours."""

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})


class IncompleteResponse(Exception):
    """An answer ended before it was whole; the log has why. The server then drops the connection, so that whoever
    reads the answer knows, and writes this error into a log of its own: it says nothing of what went wrong."""


def with_identifier(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """Middleware: every line that a request causes in the log bears its identifier, and so does the answer.

    A line has the path and no more: what follows a question mark can be somebody's own words, and so can a form.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get("X-Request-ID", "") if settings.ALLAUTH_TRUSTED_PROXY_COUNT else ""
        identifier = given if GIVEN.fullmatch(given) else secrets.token_hex(16)
        began = time.monotonic()

        def answered(level: int = logging.INFO, **more: Any) -> None:
            log.log(
                level,
                "answered",
                method=request.method if request.method in METHODS else "other",
                path=request.path,
                status=response.status_code,
                milliseconds=round(1_000 * (time.monotonic() - began)),
                **more,
            )

        with structlog.contextvars.bound_contextvars(request=identifier):
            response = get_response(request)
            # A file is there as a whole, and the server may send it without asking us for its parts.
            if isinstance(response, StreamingHttpResponse) and not isinstance(response, FileResponse):
                response.streaming_content = Parts(iter(response), identifier, answered)
            else:
                answered()
        response.headers["X-Request-ID"] = identifier
        return response

    return middleware


class Parts:
    """The parts of an answer that is made while it is sent, which is after its request has left the middleware.

    What they cause in the log bears the identifier too, and "answered" comes last and says whether all was sent. The
    server closes an answer that nobody reads any more.
    """

    def __init__(self, parts: Iterator[bytes], identifier: str, answered: Callable[..., None]) -> None:
        self.parts, self.identifier, self.answered = parts, identifier, answered
        self.ended = False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        # Bound anew for each part: between two of them the thread is the server's.
        with structlog.contextvars.bound_contextvars(request=self.identifier):
            try:
                return next(self.parts)
            except StopIteration:
                self._end(whole=True)
                raise
            except Exception:  # noqa: BLE001 - whatever it is, the answer is not whole
                self._end(logging.ERROR, whole=False, exc_info=True)
                raise IncompleteResponse from None

    def close(self) -> None:
        with structlog.contextvars.bound_contextvars(request=self.identifier):
            self._end(whole=False)

    def _end(self, level: int = logging.INFO, **more: Any) -> None:
        if not self.ended:
            self.ended = True
            self.answered(level, **more)
