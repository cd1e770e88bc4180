"""Removes from the log what its readers must not see: keys in addresses, and people's answers."""

import logging
import re
import traceback
from collections.abc import Iterator
from types import TracebackType

from django.db.utils import Error

_KEY = re.compile(
    r"(password/reset/key/|/invitation/|/your-details/email/|/notices/stop/|/verify/|/desk/export/)[^/\s]+"
)
_QUOTED = {
    "gunicorn.error": re.compile(r"(Invalid request from ip=\S+: [^:'\"]*).*", re.DOTALL),
    "django.security.csrf": re.compile(r"(Referer checking failed - [a-z]+://[^/?#\s]*)\S*"),
}
"""By the name of the logger: what is kept of a message, and what is removed after it."""
_VALUE = re.compile(r': ".*')

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


class WithoutKeys(logging.Filter):
    """Removes keys and codes in addresses from each line: anyone who reads the log could use them."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.msg, dict):
            event: dict[str, object] = record.msg
            record.msg = {
                name: _KEY.sub(r"\1…", value) if isinstance(value, str) else value
                for name, value in event.items()
            }
            return True
        message = record.getMessage()
        if _KEY.search(message):
            record.msg, record.args = _KEY.sub(r"\1…", message), ()
        return True


class RefusedInOneLine(logging.Filter):
    """Removes the traceback of a request that Django refused: the line has the reason, and no code of ours failed."""

    def filter(self, record: logging.LogRecord) -> bool:
        status = getattr(record, "status_code", 0)
        if record.name.startswith("django.security.") or (
            record.name == "django.request" and 400 <= status < 500
        ):
            record.exc_info = None
        return True


class WithoutRequests(logging.Filter):
    """Removes what gunicorn and Django quote of a request that they refuse, such as a query."""

    def filter(self, record: logging.LogRecord) -> bool:
        if quoted := _QUOTED.get(record.name):
            record.msg, record.args = quoted.sub(r"\1", record.getMessage()), ()
        return True


class Lines(logging.Formatter):
    """Lines to read. Their tracebacks are those of `safe_traceback`."""

    def formatException(self, ei: ExcInfo | tuple[None, None, None]) -> str:  # noqa: N802 - logging's name
        return safe_traceback(ei)


def safe_traceback(exc_info: ExcInfo | tuple[None, None, None]) -> str:
    """Return a traceback without keys and without what a database quotes: a refused row has people's answers.

    Only the first line of a database's error is kept, up to a value: PostgreSQL quotes rows in the lines after it.
    """
    text = "".join(traceback.format_exception(*exc_info)).removesuffix("\n")
    for error in _chain(exc_info[1], set()):
        message = str(error).removesuffix("\n")
        if isinstance(error, Error) and message:
            # The driver's own error, which caused this one, has the same message.
            text = text.replace(message, _without_values(message))
    return _KEY.sub(r"\1…", text)


def _without_values(message: str) -> str:
    first, _, more = message.partition("\n")
    shown = _VALUE.sub(": …", first)
    return f"{shown}\n…" if more else shown


def _chain(error: BaseException | None, visited: set[int]) -> Iterator[BaseException]:
    if error is not None and id(error) not in visited:
        visited.add(id(error))
        yield error
        yield from _chain(error.__cause__, visited)
        yield from _chain(error.__context__, visited)
