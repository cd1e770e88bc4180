"""Headers that every response has, so that no page can leave them out."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import add_never_cache_headers

FOR_EVERYONE = {"home", "help", "privacy", "accessibility", "example", "example_pdf", "questionnaire"}
"""The pages that search engines may list."""
FEATURES = ("camera", "geolocation", "microphone", "payment", "usb")


def read_as_utf_8(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """Middleware: read requests as UTF-8. Our forms send it, and a charset that a request claims may not be writable.

    This also reads the query, and refuses one with too many parts. `private_by_default` comes before it, so that the
    refusal has its headers, too.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        request.encoding = "utf-8"
        return get_response(request)

    return middleware


def private_by_default(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """Middleware: no cache stores a response, and search engines list only the pages that are FOR_EVERYONE.

    Caches must not store those pages either, because the top of each page shows who has signed in.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if not response.has_header("Cache-Control"):
            add_never_cache_headers(response)
        match = request.resolver_match
        if match is None or match.view_name not in FOR_EVERYONE or response.status_code >= 400:
            response.headers["X-Robots-Tag"] = "noindex, nofollow"
        # Django sets these on all responses but those that its own SecurityMiddleware refuses to make.
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", settings.SECURE_REFERRER_POLICY)
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        response.headers["Permissions-Policy"] = ", ".join(f"{feature}=()" for feature in FEATURES)
        return response

    return middleware
