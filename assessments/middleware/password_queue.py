"""When too many passwords are being hashed, people get a page that says so, with status 429."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from assessments.services.hashing import TooManyHashing, Turn, current_turn


class PasswordQueue:
    """Limits password hashing in requests, and answers 429 if a password was not hashed."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        turn = Turn()
        token = current_turn.set(turn)
        try:
            response = self.get_response(request)
        finally:
            current_turn.reset(token)
        if turn.refused:
            # This includes a page on which a form gives the reason.
            response.status_code = 429
            response["Retry-After"] = "5"
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer for a form that only has passwords. Other forms show the reason themselves, with what was typed."""
        if not isinstance(exception, TooManyHashing):
            return None
        context = {"problem": str(exception), "again": request.get_full_path()}
        return render(request, "account/too_busy.html", context, status=429)
