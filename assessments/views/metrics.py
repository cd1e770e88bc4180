"""Figures about the portal as a whole, for Prometheus."""

from __future__ import annotations

import hmac
import logging

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from assessments.operations.metrics import in_prometheus_format

log = logging.getLogger(__name__)


def metrics(request: HttpRequest) -> HttpResponse:
    """The figures, for whoever sends METRICS_TOKEN. Without that setting, there is no such page."""
    if not settings.METRICS_TOKEN:
        raise Http404
    return _metrics(request)


@require_safe
def _metrics(request: HttpRequest) -> HttpResponse:
    if refusal := _refusal(request):
        # The answer is the same for each reason.
        log.warning("The metrics were refused: %s.", refusal)
        return _plain(
            "Send the token in the header Authorization: Bearer.", 401, {"WWW-Authenticate": "Bearer"}
        )
    try:
        figures = in_prometheus_format()
    except (DatabaseError, InterfaceError) as error:
        log.error("The metrics cannot be read: %s", type(error).__name__)
        return _plain("The database does not work. /health/ready says more.", 503)
    return HttpResponse(figures, content_type=CONTENT_TYPE_LATEST)


def _refusal(request: HttpRequest) -> str:
    """Why this request may not read the figures, or nothing."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return "the request has no token"
    is_right = hmac.compare_digest(token.strip().encode(), settings.METRICS_TOKEN.encode())
    return "" if is_right else "the token is wrong"


def _plain(words: str, status: int, headers: dict[str, str] | None = None) -> HttpResponse:
    return HttpResponse(
        f"{words}\n", status=status, headers=headers, content_type="text/plain; charset=utf-8"
    )
