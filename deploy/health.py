"""Asks the web server in this container whether it is ready: `python deploy/health.py` exits with 0 if it is.

For Docker, which has no other way to ask through a socket. If the web server is not ready, the output names the part
that does not work.
"""

import http.client
import os
import socket
import sys

SECONDS = 25


class Portal(http.client.HTTPConnection):
    """A connection to the place where gunicorn listens."""

    def connect(self) -> None:
        address, _, path = os.environ.get("BIND", "unix:/run/portal/web.sock").partition("unix:")
        if path:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(SECONDS)
            self.sock.connect(path)
        else:
            host, _, port = address.rpartition(":")
            self.sock = socket.create_connection((host, int(port)), SECONDS)


def main() -> int:
    """Ask, and return the exit code."""
    portal = Portal("portal", timeout=SECONDS)
    try:
        portal.request("GET", "/health/ready")
        answer = portal.getresponse()
        sys.stdout.write(answer.read().decode() + "\n")
    except OSError as error:
        sys.stdout.write(f"The web server does not answer: {error}\n")
        return 1
    return 0 if answer.status == http.HTTPStatus.OK else 1


if __name__ == "__main__":
    sys.exit(main())
