"""An application for tests of the web server: it answers with the length of what was sent."""

from collections.abc import Callable, Iterable
from typing import Any

NOTHING_READ = "/nothing-read"
"""The path whose body is not read."""


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    sent = b"" if environ["PATH_INFO"] == NOTHING_READ else environ["wsgi.input"].read()
    body = f"{environ['REQUEST_METHOD']} {len(sent)}\n".encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
