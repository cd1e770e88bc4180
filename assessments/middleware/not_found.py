"""The same page for 404 on a developer's machine as anywhere else."""

from __future__ import annotations

from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse
from django.views.defaults import page_not_found


class PlainNotFound:
    """Shows the portal's own page for 404, even with DEBUG, which would list addresses and code instead.

    It is the last middleware, so that what the others do with a 404, such as adding a slash, still happens.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        # No view has this address. A view's own 404 stays as it is.
        if response.status_code == 404 and request.resolver_match is None:
            return page_not_found(request, Http404())
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer for a view that raises Http404."""
        return page_not_found(request, exception) if isinstance(exception, Http404) else None
