"""What the log leaves out."""

import logging
import re
import traceback
from collections.abc import Iterator
from types import TracebackType

from django.db.utils import Error

_KEY = re.compile(r"(password/reset/key/|/invitation/|/notices/stop/|/verify/|/desk/export/)[^/\s]+")
_VALUE = re.compile(r': ".*')

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


class WithoutKeys(logging.Filter):
    """Takes the keys and codes of addresses out of a line: whoever reads the log could use them."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.msg, dict):
            told: dict[str, object] = record.msg
            record.msg = {
                name: _KEY.sub(r"\1…", it) if isinstance(it, str) else it for name, it in told.items()
            }
            return True
        said = record.getMessage()
        if _KEY.search(said):
            record.msg, record.args = _KEY.sub(r"\1…", said), ()
        return True


class RefusedInOneLine(logging.Filter):
    """Takes the traceback from what Django refused: the line says what was wrong with it, and no code of ours was."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith("django.security."):
            record.exc_info = None
        return True


class Lines(logging.Formatter):
    """Lines to read, with tracebacks as `told` gives them."""

    def formatException(self, ei: ExcInfo | tuple[None, None, None]) -> str:  # noqa: N802 - its name
        return told(ei)


def told(exc_info: ExcInfo | tuple[None, None, None]) -> str:
    """A traceback without keys, and without what a database quotes: the row that it refused has people's answers.

    Of a database's error the first line stays, up to a value: PostgreSQL puts rows into the lines after it.
    """
    text = "".join(traceback.format_exception(*exc_info)).removesuffix("\n")
    for error in _chain(exc_info[1], set()):
        said = str(error).removesuffix("\n")
        if isinstance(error, Error) and said:
            # The driver's own error, which it came of, says the same.
            text = text.replace(said, _without_values(said))
    return _KEY.sub(r"\1…", text)


def _without_values(said: str) -> str:
    first, _, more = said.partition("\n")
    shown = _VALUE.sub(": …", first)
    return f"{shown}\n…" if more else shown


def _chain(error: BaseException | None, seen: set[int]) -> Iterator[BaseException]:
    if error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        yield from _chain(error.__cause__, seen)
        yield from _chain(error.__context__, seen)
