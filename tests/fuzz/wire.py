"""Sends requests to the WSGI application, as the server does, and reads the responses."""

from __future__ import annotations

import io
import time
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import unquote_to_bytes

from django.conf import settings

from config.handler import Handler

Headers = list[tuple[str, str]]


@dataclass
class Ask:
    """A request. `path` is as in the request line, and `length` is the Content-Length where it is not the body's."""

    who: str
    method: str
    path: bytes
    query: bytes = b""
    headers: Headers = field(default_factory=list)
    body: bytes = b""
    content_type: str = ""
    length: str | None = None
    breaks: bool = False
    route: str = ""
    mark: str = ""

    def __str__(self) -> str:
        query = b"?" + self.query if self.query else b""
        body = f" {self.content_type} {self.body[:2_000]!r}" if self.body else ""
        more = "".join(f" {name}: {value[:200]!r}" for name, value in self.headers if name != "Cookie")
        return f"{self.who}: {self.method} {(self.path + query)[:500]!r}{more}{body}"


@dataclass
class Reply:
    """A response with its whole body."""

    status: int
    headers: Headers
    body: bytes
    seconds: float
    error: BaseException | None = None

    def get(self, name: str, default: str = "") -> str:
        """A header's value."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), default)

    @property
    def kind(self) -> str:
        """Its media type."""
        return self.get("Content-Type").partition(";")[0].strip().lower()


class _Breaks(io.BytesIO):
    """A body whose sender goes away."""

    def read(self, size: int | None = -1, /) -> bytes:
        part = super().read(size)
        if part:
            return part
        raise OSError("the client went away")


@cache
def application() -> Handler:
    """The portal, as `config.wsgi` serves it."""
    return Handler()


def host() -> str:
    """The portal's name."""
    return next((name for name in settings.ALLOWED_HOSTS if name and name[0] not in ".*"), "testserver")


def environ(ask: Ask) -> dict[str, Any]:
    """What gunicorn gives the application: texts are bytes, each a character."""
    made: dict[str, Any] = {
        "REQUEST_METHOD": ask.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(ask.path).decode("latin-1"),
        "RAW_URI": ask.path.decode("latin-1"),
        "QUERY_STRING": ask.query.decode("latin-1"),
        "SERVER_NAME": host(),
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": host(),
        "HTTP_X_FORWARDED_FOR": "203.0.113.7",
        "HTTP_X_FORWARDED_PROTO": "https",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https",
        "wsgi.input": (_Breaks if ask.breaks else io.BytesIO)(ask.body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if ask.body or ask.length is not None:
        made["CONTENT_LENGTH"] = str(len(ask.body)) if ask.length is None else ask.length
    if ask.content_type:
        made["CONTENT_TYPE"] = ask.content_type
    for name, value in ask.headers:
        key = name.upper().replace("-", "_")
        made[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
    return made


def send(ask: Ask) -> Reply:
    """The response. An exception that reaches the server is in its `error`."""
    started: list[tuple[str, Headers]] = []

    def start_response(status: str, headers: Headers, exc_info: Any = None) -> Any:
        started.append((status, headers))

    began = time.perf_counter()
    parts: list[bytes] = []
    error: BaseException | None = None
    try:
        response = application()(environ(ask), start_response)
        try:
            parts.extend(response)
        finally:
            getattr(response, "close", lambda: None)()
    except Exception as raised:  # noqa: BLE001 - the run reports it
        error = raised
    status, headers = started[-1] if started else ("0", [])
    return Reply(int(status.split()[0]), headers, b"".join(parts), time.perf_counter() - began, error)
