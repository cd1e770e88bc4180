"""Reading requests. Django does this before any of our own code, which could not answer an error here."""

from __future__ import annotations

from typing import Any

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.utils.http import parse_header_parameters

ANY_HOST = frozenset({"/health/live", "/health/ready", "/metrics"})
"""The paths that accept any Host header. A load balancer uses an IP address, not the portal's name.

Nothing at these paths uses the name.
"""


class Request(WSGIRequest):
    """A request that is always read as UTF-8, even if it claims another charset.

    Our forms send UTF-8. Django would read the URL in the claimed charset before our error pages and our logging
    apply. One header caused a bare 500 and a log line with the query.
    """

    def get_host(self) -> str:
        return "localhost" if self.path_info in ANY_HOST else super().get_host()

    def _load_post_and_files(self) -> None:
        """Read the form. One that cannot be read raises once, and is empty after that.

        The page that refuses it reads the form, too: it shows its own forms. Django does the same for some errors.
        """
        try:
            super()._load_post_and_files()
        except Exception:
            self._mark_post_parse_error()  # type: ignore[attr-defined]  # the stubs lack it
            raise

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))


class Handler(WSGIHandler):
    """Django's handler with our own requests."""

    request_class = Request
