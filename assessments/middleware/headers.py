"""Headers that every response has, so that no page can leave them out."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.cache import add_never_cache_headers

FOR_EVERYONE = {"home", "help", "privacy", "accessibility", "example", "example_pdf", "questionnaire"}
"""The pages that search engines may list."""
FEATURES = ("camera", "geolocation", "microphone", "payment", "usb")


def private_by_default(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """Middleware: no cache stores a response, and search engines list only the pages that are FOR_EVERYONE.

    Caches must not store those pages either, because the top of each page shows who has signed in.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        # Our forms send UTF-8, whatever charset a request claims, and some charsets cannot be written back.
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
