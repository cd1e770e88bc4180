"""One line in the log for each request, and an identifier by which its other lines are found."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse

log = structlog.get_logger("portal.requests")

GIVEN = re.compile(r"[0-9A-Za-z._-]{8,64}")
"""An identifier that a proxy of ours gives; anything else is no identifier of ours."""

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})


def with_identifier(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """Middleware: every line that a request causes in the log bears its identifier, and so does the answer.

    A line has the path and no more: what follows a question mark can be somebody's own words, and so can a form.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "") if settings.ALLAUTH_TRUSTED_PROXY_COUNT else ""
        identifier = given if GIVEN.fullmatch(given) else secrets.token_hex(16)
        began = time.monotonic()
        with structlog.contextvars.bound_contextvars(request=identifier):
            response = get_response(request)
            log.info(
                "answered",
                method=request.method if request.method in METHODS else "other",
                path=request.path,
                status=response.status_code,
                milliseconds=round(1_000 * (time.monotonic() - began)),
            )
        response.headers["X-Request-ID"] = identifier
        return response

    return middleware
