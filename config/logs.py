"""What the log leaves out."""

import logging
import re

_KEY = re.compile(r"(password/reset/key/|/invitation/|/notices/stop/)[^/\s]+")


class WithoutKeys(logging.Filter):
    """Takes the keys of links that let someone in out of a line: whoever reads the log could use them."""

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
