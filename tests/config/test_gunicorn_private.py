"""What we need of gunicorn beyond its promises: slow clients take no thread. An upgrade that changes it fails here.

Each test serves a small application with few threads and few connections.
"""

import ast
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPResponse
from importlib.metadata import version
from pathlib import Path

import pytest

from config import gunicorn_private as private
from config.framing import MAX_BODY, MAX_HEAD
from tests.config.echoing import NOTHING_READ
from tests.hosts import free_port

ROOT = Path(__file__).resolve().parents[2]
THREADS, CONNECTIONS, KEEPALIVE = 4, 40, 2
GET = b"GET / HTTP/1.1\r\nHost: portal\r\n\r\n"
SLOW = {
    "head": b"GET / HTTP/1.1\r\nHost: por",
    "body": b"POST / HTTP/1.1\r\nHost: portal\r\nContent-Length: 100\r\n\r\na",
    "nothing": b"",
}


def test_this_is_checked_against_the_series_that_is_installed():
    assert version("gunicorn").startswith("27.0.")
    assert "27.0 series" in str(private.__doc__)
    assert '"gunicorn==27.0.*"' in (ROOT / "pyproject.toml").read_text()


class Portal:
    """gunicorn with our worker. Its limits are those of `limits`, a name and a value each."""

    def __init__(self, folder: Path, limits: dict[str, float]) -> None:
        self.port = free_port()
        self.log = folder / "log"
        settings = folder / "gunicorn.conf.py"
        lines = [f"private.{name} = {value}" for name, value in limits.items()]
        settings.write_text("from config import gunicorn_private as private\n" + "\n".join(lines))
        worker = f"{private.Worker.__module__}.{private.Worker.__name__}"
        command = [
            sys.executable,
            "-m",
            "gunicorn",
            "tests.config.echoing:application",
            "--config",
            str(settings),
        ]
        command += ["--worker-class", worker, "--bind", f"127.0.0.1:{self.port}", "--no-control-socket"]
        command += [
            f"--threads={THREADS}",
            f"--keep-alive={KEEPALIVE}",
            f"--worker-connections={CONNECTIONS}",
        ]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, stderr=log)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def wait(self) -> None:
        ends = time.monotonic() + 60
        while True:
            try:
                self.connect().close()
            except OSError:
                assert time.monotonic() < ends, self.log.read_text()
                time.sleep(0.05)
            else:
                return


@contextmanager
def served(folder: Path, **limits: float) -> Iterator[Portal]:
    folder.mkdir(exist_ok=True)
    portal = Portal(folder, limits)
    try:
        portal.wait()
        yield portal
    finally:
        portal.process.terminate()
        portal.process.wait(timeout=20)
    # No fault of the worker's own.
    assert "Traceback" not in portal.log.read_text()


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    with served(tmp_path_factory.mktemp("portal"), ARRIVES_WITHIN=60, CLOSES_WITHIN=60) as portal:
        yield portal


def answer(client: socket.socket) -> tuple[int, bytes]:
    """The status and the body of the next answer."""
    response = HTTPResponse(client)
    response.begin()
    return response.status, response.read()


def is_closed(client: socket.socket) -> bool:
    try:
        return client.recv(1000) == b""
    except ConnectionResetError:
        return True


# --- What is answered -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (GET, 200),
        (b"GET / HTTP/1.0\r\n\r\n", 200),
        (b"GET / HTTP/1.1\nHost: portal\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n: \r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: portal\r\nContent-Length: five\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: portal\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
        (f"POST / HTTP/1.1\r\nHost: portal\r\nContent-Length: {MAX_BODY + 1}\r\n\r\n".encode(), 413),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * MAX_HEAD, 431),
    ],
)
def test_a_request_is_answered_with_its_status(portal, sent, status):
    with portal.connect() as client:
        client.sendall(sent)
        assert answer(client)[0] == status
        # Only a request in order keeps its connection.
        if status != 200:
            assert is_closed(client)


def test_a_request_in_single_bytes_is_read_whole(portal):
    with portal.connect() as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"POST / HTTP/1.1\r\nHost: portal\r\nContent-Length: 5\r\n\r\nhello":
            client.sendall(bytes([byte]))
            time.sleep(0.001)
        assert answer(client) == (200, b"POST 5\n")


def test_the_largest_body_is_read_whole(portal):
    with portal.connect() as client:
        client.sendall(f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {MAX_BODY}\r\n\r\n".encode())
        client.sendall(b"a" * MAX_BODY)
        assert answer(client) == (200, f"POST {MAX_BODY}\n".encode())


def test_a_client_that_waits_before_it_sends_a_body_is_asked_for_it(portal):
    with portal.connect() as client:
        head = b"POST / HTTP/1.1\r\nHost: portal\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
        client.sendall(head)
        assert client.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"hello")
        assert answer(client) == (200, b"POST 5\n")


def test_requests_that_are_sent_together_on_one_connection_are_answered_in_turn(portal):
    post = b"POST / HTTP/1.1\r\nHost: portal\r\nContent-Length: 5\r\n\r\nhello"
    with portal.connect() as client:
        client.sendall(GET + post + post.replace(b"POST /", b"POST " + NOTHING_READ.encode()) + GET[:-2])
        bodies: list[bytes] = []
        received = b""
        for body in (b"GET 0\n", b"POST 5\n", b"POST 0\n", b"GET 0\n"):
            if len(bodies) == 3:
                client.sendall(GET[-2:])
            while not (match := re.match(rb"HTTP/1.1 200 OK\r\n.*?\r\n\r\n(.*?\n)", received, re.DOTALL)):
                received += client.recv(1000)
            bodies.append(match[1])
            received = received[match.end() :]
            assert bodies[-1] == body
        assert received == b""


def test_a_connection_that_is_kept_is_closed_after_a_while_without_a_request(portal):
    with portal.connect() as client:
        client.sendall(GET)
        assert answer(client)[0] == 200
        began = time.monotonic()
        assert is_closed(client)
        assert KEEPALIVE - 0.5 < time.monotonic() - began < KEEPALIVE + 5


# --- Slow clients -----------------------------------------------------------------------------


@pytest.mark.parametrize("kept", [False, True], ids=["new", "kept"])
@pytest.mark.parametrize("slow", SLOW.values(), ids=SLOW)
def test_slow_clients_keep_nobody_waiting_not_even_if_they_take_every_connection(portal, slow, kept):
    with ExitStack() as clients:
        for _ in range(3 * CONNECTIONS):
            client = clients.enter_context(portal.connect())
            if kept:
                client.sendall(GET)
                assert answer(client)[0] == 200
            client.sendall(slow)
        began = time.monotonic()
        other = clients.enter_context(portal.connect())
        other.sendall(GET)
        assert answer(other)[0] == 200
        assert time.monotonic() - began < (KEEPALIVE + 3 if kept else 2)


def test_clients_that_do_not_close_their_connection_keep_nobody_waiting(portal):
    with ExitStack() as clients:
        for _ in range(3 * CONNECTIONS):
            client = clients.enter_context(portal.connect())
            client.sendall(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            assert answer(client)[0] == 200
        began = time.monotonic()
        other = clients.enter_context(portal.connect())
        other.sendall(GET)
        assert answer(other)[0] == 200
        assert time.monotonic() - began < 2


def test_a_request_that_takes_too_long_is_refused_and_one_that_never_began_is_closed(tmp_path):
    with served(tmp_path, ARRIVES_WITHIN=1) as portal:
        for slow in SLOW.values():
            with portal.connect() as client:
                client.sendall(slow)
                began = time.monotonic()
                if slow:
                    assert answer(client)[0] == 408
                assert is_closed(client)
                assert 0.5 < time.monotonic() - began < 5


def test_bodies_that_together_are_too_much_to_hold_end_the_oldest(tmp_path):
    with served(tmp_path, ARRIVES_WITHIN=60, MAX_HELD=3.5 * MAX_BODY) as portal, ExitStack() as clients:
        slow = []
        for _ in range(5):
            client = clients.enter_context(portal.connect())
            client.sendall(f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {MAX_BODY}\r\n\r\n".encode())
            client.sendall(b"a" * (MAX_BODY - 1))
            slow.append(client)
        assert is_closed(slow[0])
        assert is_closed(slow[1])
        slow[4].sendall(b"a")
        assert answer(slow[4]) == (200, f"POST {MAX_BODY}\n".encode())
        # What was held is free again: this fits beside the two that still arrive.
        other = clients.enter_context(portal.connect())
        other.sendall(GET)
        assert answer(other)[0] == 200
        for client in slow[2:4]:
            client.sendall(b"a")
            assert answer(client)[0] == 200


def test_a_server_that_stops_answers_what_is_arriving(tmp_path):
    with served(tmp_path, ARRIVES_WITHIN=60) as portal, portal.connect() as client:
        client.sendall(GET[:-1])
        time.sleep(0.5)
        portal.process.terminate()
        time.sleep(0.5)
        client.sendall(GET[-1:])
        assert answer(client)[0] == 200
        assert is_closed(client)


# --- Nothing else uses them -------------------------------------------------------------------


def test_no_other_module_imports_anything_of_gunicorn():
    importing = []
    for folder in ("assessments", "bulletin", "config", "deploy", "tests", "tools"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom):
                    names = [str(node.module)]
                importing += [path.name for name in names if name.split(".")[0] == "gunicorn"]
    assert set(importing) == {"gunicorn_private.py"}
