"""A request's own headers cannot make it fail before the portal sees it."""

import io
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from django.conf import settings
from django.template import loader
from django.test import Client
from django.test.utils import override_settings

from config.handler import Handler, Request

pytestmark = pytest.mark.django_db
SECRET = "between-us"


def answer(
    content_type: str = "",
    query: str = "",
    path: str = "/health/live",
    form: io.BytesIO | None = None,
    **more: str,
) -> tuple[str, dict[str, str], bytes]:
    """What the web server gets for a request, which is a POST if it has a `form`."""
    environ: dict[str, Any] = {}
    setup_testing_defaults(environ)
    environ |= {"CONTENT_TYPE": content_type, "QUERY_STRING": query, "PATH_INFO": path} | more
    if form is not None:
        length = str(len(form.getvalue()))
        # Without this cookie, Django refuses a form before it reads it.
        cookie = f"{settings.CSRF_COOKIE_NAME}={'a' * 32}"
        environ |= {
            "REQUEST_METHOD": "POST",
            "CONTENT_LENGTH": length,
            "wsgi.input": form,
            "HTTP_COOKIE": cookie,
        }
    began: list[Any] = []

    def start(status: str, headers: list[tuple[str, str]], *_: Any) -> Any:
        began.extend((status, headers))

    body = b"".join(Handler()(environ, start))
    return began[0], dict(began[1]), body


@pytest.mark.parametrize("charset", ["idna", "punycode", "utf-16", "rot13", "nonsense", "\udcff"])
@override_settings(ALLOWED_HOSTS=["*"])
def test_a_charset_that_a_request_claims_changes_nothing(charset, capfd):
    status, headers, _ = answer(f"a/b; charset={charset}", f"q={SECRET}.é")
    assert status == "200 OK"
    assert "Content-Security-Policy" in headers
    assert SECRET not in "".join(capfd.readouterr())


@pytest.mark.parametrize("content_type", ["", "a/b; charset=utf-16"])
@override_settings(ALLOWED_HOSTS=["*"])
def test_a_query_with_too_many_parts_is_refused_in_our_words(content_type):
    status, headers, body = answer(content_type, "&".join(f"q{number}={SECRET}" for number in range(1_001)))
    assert status.startswith("400")
    assert "Content-Security-Policy" in headers
    assert b"<title>" in body


@pytest.mark.parametrize("charset", ["utf-16", "latin-1"])
def test_a_form_is_read_as_utf_8_whatever_charset_it_claims(charset):
    body = b"text=Zo%C3%AB"
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "CONTENT_TYPE": f"application/x-www-form-urlencoded; charset={charset}",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }
    setup_testing_defaults(environ)
    assert Request(environ).POST["text"] == "Zoë"


# --- The name in a request -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["10.0.0.11:8000", "10.0.0.11", "[2001:db8::1]:8000", "a b", "evil.example.ca"]
)
@override_settings(ALLOWED_HOSTS=["check.example.ca"], SECURE_SSL_REDIRECT=True)
def test_monitoring_is_answered_whatever_name_it_asks_by_and_nothing_else_is(host):
    for path, status in (("/health/live", "200 "), ("/health/ready", ""), ("/metrics", "404 ")):
        answered, headers, body = answer(path=path, HTTP_HOST=host)
        assert answered.startswith(status)
        assert answered[0] in "245"
        assert answered[:3] != "400"
        assert "Location" not in headers
        assert host.encode() not in body
        assert host not in str(headers)
    for path in (
        "/",
        "/help",
        "/health/live/",
        "/health/",
        "/metrics/",
        "/health/live%2f..",
        "//health/live",
    ):
        assert answer(path=path, HTTP_HOST=host, HTTP_X_FORWARDED_PROTO="https")[0].startswith("400")


# --- Forms that cannot be read ----------------------------------------------------------------------------


class Interrupted(io.BytesIO):
    """A form whose sender goes away."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise OSError("the client went away")


FORM, FILES = "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"
PART = b'--x\r\nContent-Disposition: form-data; name="a"\r\n'
UNREADABLE = {
    "without a boundary": ("multipart/form-data", io.BytesIO(b"a")),
    "not base64": (FILES, io.BytesIO(PART + b"Content-Transfer-Encoding: base64\r\n\r\n?\r\n--x--\r\n")),
    "long headers": (FILES, io.BytesIO(PART + b"X: " + b"y" * 2_000 + b"\r\n\r\n1\r\n--x--\r\n")),
    "too many fields": (FORM, io.BytesIO(b"a=1&" * 1_001)),
    "too large": (FORM, io.BytesIO(b"a=" + b"1" * 3_000_000)),
    "interrupted": (FORM, Interrupted(b"a=1")),
}


@pytest.mark.parametrize(
    ("path", "statuses"),
    [("/no-such-page", ("404",)), ("/check/start", ("400", "403")), ("/office/", ("400", "403"))],
)
@pytest.mark.parametrize("how", UNREADABLE)
@override_settings(ALLOWED_HOSTS=["*"])
def test_a_form_that_cannot_be_read_is_refused_in_our_words_and_in_one_line(capfd, how, path, statuses):
    content_type, form = UNREADABLE[how]
    form.seek(0)
    status, headers, body = answer(content_type, f"q={SECRET}", path, form)
    assert status.startswith(statuses)
    assert "Content-Security-Policy" in headers
    assert b"<title>" in body
    log = "".join(capfd.readouterr())
    assert "Traceback" not in log
    assert SECRET not in log


# --- The page for a refusal ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/no-such-page", "/assessments/-1/restore"])
def test_when_the_page_for_a_refusal_cannot_be_made_the_log_says_why(monkeypatch, caplog, path):
    get_template = loader.get_template

    def fails(name: str, *more: Any, **options: Any) -> Any:
        if name == "404.html":
            raise RuntimeError("the page failed")
        return get_template(name, *more, **options)

    monkeypatch.setattr(loader, "get_template", fails)
    answer = Client(raise_request_exception=False).get(path)
    assert answer.status_code == 500
    (record,) = [record for record in caplog.records if record.name == "assessments.views.public"]
    assert "the page failed" in str(record.exc_info)
