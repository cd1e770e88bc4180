"""Where a request ends, and which requests are refused before their end."""

import pytest

from config.framing import MAX_BODY, MAX_HEAD, Refused, expects_continue, length_of

GET = b"GET / HTTP/1.1\r\nHost: portal\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: portal\r\nContent-Length: 5\r\n\r\n"


@pytest.mark.parametrize(
    ("received", "length"),
    [
        (b"", None),
        (b"GET / HTTP/1.1\r\nHost: portal\r\n", None),
        (GET[:-1], None),
        (GET, len(GET)),
        (b"GET / HTTP/1.0\r\n\r\n", 18),
        # An empty line before the request.
        (b"\r\n", None),
        (b"\r\n\r\n", None),
        (b"\r\n" + GET, 2 + len(GET)),
        # Another request follows.
        (GET + GET, len(GET)),
        (POST, len(POST) + 5),
        (POST + b"hello", len(POST) + 5),
        (POST.replace(b"Content-Length: 5", b"CONTENT-LENGTH:\t0005 "), len(POST) + 4 + 5),
        # Only in the head.
        (GET + b"\r\nContent-Length: 9\r\n", len(GET)),
        # gunicorn answers these with 400.
        (POST.replace(b"5", b"-5"), len(POST) + 1),
        (POST.replace(b"5", b"five"), len(POST) + 3),
    ],
)
def test_a_request_ends_with_its_head_or_as_long_after_it_as_the_head_tells(received, length):
    assert length_of(received) == length


@pytest.mark.parametrize(
    ("received", "status"),
    [
        (POST.replace(b"5", b"9" * 19), 413),
        (POST.replace(b"5", b"9" * 5_000), 413),
        (b"a" * (MAX_HEAD + 1), 431),
        (POST.replace(b"5", str(MAX_BODY + 1).encode()), 413),
        (POST.replace(b"5", b"9" * 18), 413),
        (POST.replace(b"Content-Length: 5", b"Transfer-Encoding: chunked"), 411),
        (POST.replace(b"Content-Length: 5", b"transfer-encoding:gzip\r\nContent-Length: 5"), 411),
    ],
)
def test_a_request_that_is_too_large_or_does_not_tell_its_length_is_refused(received, status):
    with pytest.raises(Refused) as refused:
        length_of(received)
    assert refused.value.status == status


def test_the_largest_head_and_body_are_taken():
    assert length_of(b"a" * MAX_HEAD) is None
    head = POST.replace(b"5", str(MAX_BODY).encode())
    assert length_of(head) == len(head) + MAX_BODY


def test_a_client_that_waits_before_it_sends_a_body_is_recognized():
    assert expects_continue(POST.replace(b"Content", b"Expect: 100-Continue\r\nContent"))
    assert not expects_continue(POST)
    assert not expects_continue(POST + b"\r\nExpect: 100-continue\r\n\r\n")
