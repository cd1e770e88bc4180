"""Turns for the requests of the tests' server that write."""

import threading
from collections.abc import Callable

from django.db import connection
from django.http import HttpRequest, HttpResponse

_turn = threading.Lock()


def take_turns(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: on SQLite, one request that writes after the other."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if connection.vendor != "sqlite" or request.method in {"GET", "HEAD"}:
            return get_response(request)
        with _turn:
            return get_response(request)

    return middleware
