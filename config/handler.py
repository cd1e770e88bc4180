"""Reading requests: what none of our own code could answer for, because it comes before the first of it."""

from __future__ import annotations

from typing import Any

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.utils.http import parse_header_parameters


class Request(WSGIRequest):
    """A request that is read as UTF-8, whatever charset it claims.

    Our forms send UTF-8. Django would read the address in the claimed charset while the request is made, outside of
    all that answers and logs an error in our way: one header gave a bare 500 and a log line with the query.
    """

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))


class Handler(WSGIHandler):
    """Django's handler with our own requests."""

    request_class = Request
