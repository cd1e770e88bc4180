"""Hostile headers."""

from __future__ import annotations

from random import Random

from tests.fuzz.wire import Ask, host

CHARSETS = ("idna", "punycode", "utf-16", "utf-7", "zlib", "rot13", "unknown", "undefined", "\xff")
VALUES: dict[str, tuple[str, ...]] = {
    "Content-Type": tuple(f"KIND; charset={charset}" for charset in CHARSETS),
    "Host": ("evil.example", "HOST:99999", "HOST@evil.example", "", "a" * 300, "[::1", "HOST."),
    "X-Forwarded-For": (
        *("", "unknown", "::1", "1.2.3.4, 5.6.7.8", "<MARK>", "999.1.1.1", "203.0.113.9:123", ", ,"),
        "a" * 5_000,
    ),
    "X-Forwarded-Proto": ("http", "https,http", "<MARK>", ""),
    "X-Forwarded-Host": ("MARK.example", "evil.example"),
    "X-Forwarded-Port": ("0", "x"),
    "X-Request-ID": ("a" * 64, "<MARK>", "é", "a\tb"),
    "HX-Request": ("true", "false", ""),
    "HX-Current-URL": ("https://evil.example/MARK", "/MARK", "//", "http://[", "\xff"),
    "HX-Target": ("<MARK>", "main"),
    "HX-Boosted": ("true",),
    "HX-Trigger-Name": ("<MARK>",),
    "HX-History-Restore-Request": ("true",),
    "Accept": ("application/json", "*/*;q=" + "9" * 400, "<MARK>", "", "a" * 5_000),
    "Accept-Language": ("fr-CA", "<MARK>", "x" * 500, "zz-\xff"),
    "Accept-Encoding": ("gzip", "br;q=1e9", "\xff"),
    "Cookie": (
        "COOKIES; MARK=1; ;;;==; a b; \xff=\xff",
        "COOKIES; COOKIES",
        "a=" + "b" * 5_000,
        "sessionid=MARK",
    ),
    "Origin": ("null", "https://evil.example", "https://[", "", "\xff"),
    "Referer": ("", "https://evil.example/?MARK", "https://HOST/?MARK", "http://[", "\xff"),
    "If-Modified-Since": ("Thu, 01 Jan 1970 00:00:00 GMT", "Mon, 99 Foo 99999 99:99:99 GMT", "0", "\xff"),
    "If-None-Match": ("*", 'W/"MARK"', '"' * 50),
    "Range": ("bytes=0-0", "bytes=-1", "bytes=9999999999999999999-", "bytes=" + "0-0," * 500, "MARK=1"),
    "Authorization": ("Basic MARK", "Bearer \xff"),
    "X-HTTP-Method-Override": ("DELETE", "TRACE"),
    "X-CSRFToken": ("", "MARK", "\xff" * 64),
    "Sec-Fetch-Site": ("cross-site", "none", "<MARK>"),
    "Transfer-Encoding": ("chunked", "identity, chunked"),
    "User-Agent": ("<MARK>", "", "a" * 8_000, "\xff\xfe"),
}
"""Values of each header. KIND, HOST, COOKIES and MARK stand for the request's own."""


def header(random: Random, mark: str, ask: Ask) -> tuple[str, str]:
    """A hostile header for a request."""
    name = random.choice(list(VALUES))
    own = {
        "KIND": ask.content_type or "a/b",
        "HOST": host(),
        "COOKIES": dict(ask.headers).get("Cookie", ""),
        "MARK": mark,
    }
    value = random.choice(VALUES[name])
    for word, text in own.items():
        value = value.replace(word, text)
    return name, value
