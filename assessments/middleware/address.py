"""The network address that a request comes from, for the audit trail."""

from __future__ import annotations

from collections.abc import Callable

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from assessments.services.audit import current_address
from config.allauth_private import get_ip


def remember_address(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """Middleware: make the network address of a request available to services, which never get the request itself."""

    def middleware(request: HttpRequest) -> HttpResponse:
        try:
            address = get_ip(request)
        except PermissionDenied:
            # A proxy gave no address. That is no reason to refuse the page.
            address = ""
        token = current_address.set(address)
        try:
            return get_response(request)
        finally:
            current_address.reset(token)

    return middleware
