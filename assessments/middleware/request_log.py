"""One line in the log for each request, with an identifier that all other lines of the request share."""

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

IDENTIFIER = re.compile(r"[0-9A-Za-z._-]{8,64}")
"""The identifiers that are accepted from our own proxy; any other is replaced by a new one."""

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})


class IncompleteResponse(Exception):
    """A response ended before it was complete. Our log has the cause.

    The server then drops the connection, so that the reader knows. It also writes this error into its own log, so the
    error contains nothing about the cause.
    """


def with_identifier(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """Middleware: every line that a request causes in the log has the request's identifier, and so has the response.

    A line has only the path of the address: a query string, like a form, can contain what a person typed.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        proxy_identifier = (
            request.headers.get("X-Request-ID", "") if settings.ALLAUTH_TRUSTED_PROXY_COUNT else ""
        )
        identifier = proxy_identifier if IDENTIFIER.fullmatch(proxy_identifier) else secrets.token_hex(16)
        began = time.monotonic()

        def answered(level: int = logging.INFO, **details: Any) -> None:
            log.log(
                level,
                "answered",
                method=request.method if request.method in METHODS else "other",
                path=request.path,
                status=response.status_code,
                milliseconds=round(1_000 * (time.monotonic() - began)),
                **details,
            )

        with structlog.contextvars.bound_contextvars(request=identifier):
            response = get_response(request)
            # A FileResponse is complete already, and the server may send its file without iterating over it.
            if isinstance(response, StreamingHttpResponse) and not isinstance(response, FileResponse):
                response.streaming_content = Parts(iter(response), identifier, answered)
            else:
                answered()
        response.headers["X-Request-ID"] = identifier
        return response

    return middleware


class Parts:
    """The parts of a streamed response, which are made while it is sent, after its request has left the middleware.

    The lines that they cause in the log also have the identifier. "answered" is the last line, and shows whether the
    whole response was sent: the server closes a response that nobody reads any more.
    """

    def __init__(self, parts: Iterator[bytes], identifier: str, answered: Callable[..., None]) -> None:
        self.parts, self.identifier, self.answered = parts, identifier, answered
        self.ended = False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        # Bound again for each part, because between two parts the server uses the thread for other work.
        with structlog.contextvars.bound_contextvars(request=self.identifier):
            try:
                return next(self.parts)
            except StopIteration:
                self._end(whole=True)
                raise
            except Exception:  # noqa: BLE001 - whatever the error, the response is not complete
                self._end(logging.ERROR, whole=False, exc_info=True)
                raise IncompleteResponse from None

    def close(self) -> None:
        with structlog.contextvars.bound_contextvars(request=self.identifier):
            self._end(whole=False)

    def _end(self, level: int = logging.INFO, **details: Any) -> None:
        if not self.ended:
            self.ended = True
            self.answered(level, **details)
