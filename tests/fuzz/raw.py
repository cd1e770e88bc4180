"""Sends malformed requests to gunicorn, as in production, over its socket. A proxy would stop most of them."""

from __future__ import annotations

import re
import socket
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.fuzz.texts import encoded, hostile, mark_of, seeded
from tests.hosts import free_port, is_ready, killed, wait_for, web_host

SECONDS = 8.0
"""The longest wait for a response, or for the end of the connection."""
HOST = b"Host: 127.0.0.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-For: 203.0.113.7\r\n"
GET = b"GET /health/live HTTP/1.1\r\n" + HOST
POST = b"POST /account/login/ HTTP/1.1\r\n" + HOST
SMUGGLED = b"GET /smuggled-MARK HTTP/1.1\r\n" + HOST + b"\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"

TEMPLATES: tuple[bytes, ...] = (
    # Request lines.
    b"\r\n\r\n",
    b"GET\r\n\r\n",
    b"GET /\r\n\r\n",
    b"GET  /  HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET / HTTP/9.9\r\n" + HOST + b"\r\n",
    b"GET / HTTP/1.1 HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET / http/1.1\r\n" + HOST + b"\r\n",
    b"get / HTTP/1.1\r\n" + HOST + b"\r\n",
    b"G\xffT / HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET /TEXT HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET /?q=TEXT HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET /\x00 HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET /%00%ff%0d%0aX-Injected:%20MARK HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET " + b"/a" * 6_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET * HTTP/1.1\r\n" + HOST + b"\r\n",
    b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
    b"CONNECT evil.example:443 HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET https://evil.example/help?MARK HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET //evil.example/%2f.. HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET http:///MARK HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET /../../etc/passwd HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET /static/..%2f..%2fmanage.py HTTP/1.1\r\n" + HOST + b"\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + GET + b"\r\n",
    # Headers.
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + HOST + b"Host: evil.example\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: TEXT\r\n\r\n",
    GET + b"X: TEXT\r\n\r\n",
    GET + b"X MARK\r\n\r\n",
    GET + b": MARK\r\n\r\n",
    GET + b"X : MARK\r\n\r\n",
    GET + b" X: folded MARK\r\n\r\n",
    GET + b"X: a\r\n folded: MARK\r\n\r\n",
    GET + b"X: a\x00b\r\n\r\n",
    GET + b"X: a\rSet-Cookie: MARK=1\r\n\r\n",
    GET + b"X_Forwarded_Proto: http\r\nX-Forwarded-For: evil\r\n\r\n",
    GET + b"SCRIPT_NAME: /evil\r\nPATH_INFO: /MARK\r\n\r\n",
    GET + b"Script-Name: /evil\r\n\r\n",
    GET + b"Cookie: sessionid=TEXT\r\n\r\n",
    GET + b"X: " + b"a" * 20_000 + b"\r\n\r\n",
    GET + b"".join(b"X-%d: a\r\n" % number for number in range(300)) + b"\r\n",
    GET + b"Expect: 100-continue\r\n\r\n",
    GET + b"Expect: MARK\r\n\r\n",
    GET + b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
    GET + b"Connection: close, keep-alive\r\nKeep-Alive: timeout=-1\r\n\r\n",
    GET + b"\n\n",
    GET.replace(b"\r\n", b"\n") + b"\n",
    # Bodies.
    POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello" + SMUGGLED,
    POST + b"Content-Length: 5, 5\r\n\r\nhello" + SMUGGLED,
    POST + b"Content-Length: -1\r\n\r\n" + SMUGGLED,
    POST + b"Content-Length: +5\r\n\r\nhello" + SMUGGLED,
    POST + b"Content-Length: 0x5\r\n\r\nhello",
    POST + b"Content-Length: abc\r\n\r\nhello",
    POST + b"Content-Length: 1_0\r\n\r\nhellohello",
    POST + b"Content-Length: \xc2\xb2\r\n\r\nhello",
    POST + b"Content-Length:\r\n\r\nhello",
    POST + b"Content-Length: 99999999999999999999999\r\n\r\nhello",
    POST + b"Content-Length: 5\r\n" + CHUNKED + b"\r\n0\r\n\r\n" + SMUGGLED,
    POST + CHUNKED + b"Content-Length: 5\r\n\r\n0\r\n\r\n" + SMUGGLED,
    POST + CHUNKED + CHUNKED + b"\r\n0\r\n\r\n",
    POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + SMUGGLED,
    POST + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n" + SMUGGLED,
    POST + CHUNKED + b"\r\nzz\r\nhello\r\n0\r\n\r\n",
    POST + CHUNKED + b"\r\n-5\r\nhello\r\n0\r\n\r\n",
    POST + CHUNKED + b"\r\nffffffffffffffffff\r\nhello\r\n0\r\n\r\n",
    POST + CHUNKED + b"\r\n5;TEXT\r\nhello\r\n0\r\n\r\n",
    POST + CHUNKED + b"\r\n5\nhello\n0\n\n" + SMUGGLED,
    POST + CHUNKED + b"\r\n5\r\nhelloMARK\r\n0\r\n\r\n",
    POST + CHUNKED + b"\r\n5\r\nhello\r\n0\r\nX-Trailer: TEXT\r\nContent-Length: 3\r\n\r\n",
    POST + CHUNKED + b"Content-Type: application/x-www-form-urlencoded\r\n\r\n8\r\nlogin=%f\r\n0\r\n\r\n",
    POST + b"Content-Length: 100\r\n\r\nshort",
    POST + b"Content-Type: TEXT\r\nContent-Length: 5\r\n\r\nhello",
    POST + b"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 9\r\n\r\n--x\r\n--x--",
)
"""TEXT stands for a hostile text, and MARK for the request's mark."""
RESPONSE = re.compile(rb"HTTP/1\.[01] (\d{3})")


@dataclass
class RawReport:
    """What the malformed requests got, and the faults."""

    statuses: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    slowest: float = 0.0


def malformed(random: Random, number: int, mark: str) -> bytes:
    """A malformed request: each template in turn, later ones with bytes changed."""
    made = TEMPLATES[number % len(TEMPLATES)]
    made = made.replace(b"TEXT", encoded(hostile(random, mark))[:3_000]).replace(b"MARK", mark.encode())
    for _ in range(random.randint(0, 3) if number >= len(TEMPLATES) else 0):
        at = random.randrange(len(made))
        cut = random.choice(
            (made[at : at + 1], b"", b"\r\n", b"\x00", b"\xff", b" ", b":", random.randbytes(3))
        )
        made = made[:at] + cut + made[at + 1 :]
    return made


def exchange(port: int, sent: bytes) -> tuple[bytes, float]:
    """What the server answers until it closes the connection, or falls silent after our end."""
    began, parts = time.monotonic(), []
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection:
        try:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65_536):
                parts.append(part)
        except ConnectionError:
            pass
    return b"".join(parts), time.monotonic() - began


def attack(seed: int, requests: int, folder: Path) -> RawReport:
    """Serve the portal on this machine alone, and send malformed requests. The environment names its database."""
    report, log, port = RawReport(), folder / "raw.log", free_port()
    server = web_host(
        port, log=log, ALLOWED_HOSTS="127.0.0.1", DJANGO_SETTINGS_MODULE="tests.served_settings"
    )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(address)
        for number in range(requests):
            mark = mark_of("raw", seed, number)
            sent = malformed(seeded("raw", seed, number), number, mark)
            try:
                answer, seconds = exchange(port, sent)
            except TimeoutError:
                report.faults.append(f"no response within {SECONDS:.0f} s: {sent[:300]!r}")
                continue
            report.slowest = max(report.slowest, seconds)
            _check(report, sent, answer)
        if not is_ready(address):
            report.faults.append("the server is not ready any more")
    finally:
        killed(server)
    lines = log.read_text(errors="replace")
    report.faults += [f"in the log: {line[:500]}" for line in lines.splitlines() if "Traceback" in line]
    for name, text in (("a smuggled request", "/smuggled-"), ("a query", "?q=")):
        if text in lines:
            report.faults.append(
                f"in the log: {name}: {next(line for line in lines.splitlines() if text in line)[:300]}"
            )
    return report


def _check(report: RawReport, sent: bytes, answer: bytes) -> None:
    statuses = [status.decode() for status in RESPONSE.findall(answer)]
    report.statuses[statuses[0] if statuses else "closed"] += 1
    if any(status.startswith("5") for status in statuses[:1]) and statuses[0] not in ("501", "505"):
        report.faults.append(f"status {statuses[0]}: {sent[:300]!r}")
    head = answer.partition(b"\r\n\r\n")[0]
    if re.search(rb"(?im)^(x-injected|set-cookie: *sq)", head):
        report.faults.append(f"a header of the request is in the response: {sent[:300]!r}")
    if b"Traceback" in answer:
        report.faults.append(f"a traceback in the response: {sent[:300]!r}")
