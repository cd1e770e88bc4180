"""The portal with a URL whose response is made while it is sent, for a test client and for gunicorn."""

from collections.abc import Iterator

import structlog
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, StreamingHttpResponse
from django.urls import path


def _parts(*, whole: bool) -> Iterator[bytes]:
    yield b"a" * 50_000
    structlog.get_logger("portal.requests").info("half of it")
    if not whole:
        # In two strings, since a traceback shows this line.
        raise ValueError("/invitation/zq7" + "key failed")
    yield b"b" * 50_000


def collection(request: HttpRequest, whole: str) -> StreamingHttpResponse:
    """A response of known size, which breaks off unless it is to be whole."""
    return StreamingHttpResponse(_parts(whole=whole == "whole"), headers={"Content-Length": "100000"})


urlpatterns = [path("collection/<str:whole>", collection)]


def served() -> WSGIHandler:
    """The application for gunicorn."""
    settings.ROOT_URLCONF = __name__
    return get_wsgi_application()
