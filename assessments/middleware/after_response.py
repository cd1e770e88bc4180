"""Does the work that waits for the response."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from assessments.services.after_response import Work, waiting_work


def work_after_response(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """Middleware: do the waiting work when the server closes the response, which it has then sent."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        waiting: list[Work] = []
        token = waiting_work.set(waiting)
        try:
            response = get_response(request)
        finally:
            waiting_work.reset(token)
        if waiting:
            close = response.close

            def work_then_close() -> None:
                try:
                    # Work can add more work.
                    while waiting:
                        waiting.pop(0)()
                finally:
                    # After the work: this closes the connection to the database.
                    close()

            response.close = work_then_close  # type: ignore[method-assign]
        return response

    return middleware
