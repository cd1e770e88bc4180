"""Where a request comes from, for the audit trail."""

from __future__ import annotations

from collections.abc import Callable

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from assessments.services.audit import current_address
from config.allauth_private import get_ip


def remember_address(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """Middleware: let services know the network address of the request, without handing requests to them."""

    def middleware(request: HttpRequest) -> HttpResponse:
        try:
            address = get_ip(request)
        except PermissionDenied:
            # A proxy gave none. That is no reason to refuse a page.
            address = ""
        token = current_address.set(address)
        try:
            return get_response(request)
        finally:
            current_address.reset(token)

    return middleware
