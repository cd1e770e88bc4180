"""What every answer carries, so that no page can forget it."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.cache import add_never_cache_headers

FOR_EVERYONE = {"home", "help", "privacy", "accessibility", "example", "example_pdf", "questionnaire"}
"""The pages that a search engine may find."""
FEATURES = ("camera", "geolocation", "microphone", "payment", "usb")


def private_by_default(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """Middleware: no cache keeps an answer, and no search engine lists it, unless it is for everyone.

    A cache must not keep pages for everyone either: their heads say who has signed in.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        # Whatever charset a request claims: ours send UTF-8, and some others cannot be written back.
        request.encoding = "utf-8"
        response = get_response(request)
        if not response.has_header("Cache-Control"):
            add_never_cache_headers(response)
        match = request.resolver_match
        if match is None or match.view_name not in FOR_EVERYONE or response.status_code >= 400:
            response.headers["X-Robots-Tag"] = "noindex, nofollow"
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        response.headers["Permissions-Policy"] = ", ".join(f"{feature}=()" for feature in FEATURES)
        return response

    return middleware
