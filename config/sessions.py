"""Sessions in the database. If a session cannot be saved, people still get the response to what was saved."""

from __future__ import annotations

import logging

from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessions
from django.db import InterfaceError, OperationalError

log = logging.getLogger(__name__)


class SessionStore(DatabaseSessions):
    """Django's sessions. Django would answer 400 when the database is full or locked after the view has written."""

    def save(self, must_create: bool = False) -> None:
        """Save the session. A new one has to be saved. For an old one, at most a message or time of use is lost."""
        try:
            super().save(must_create)
        except UpdateError as error:
            if not isinstance(error.__context__, OperationalError | InterfaceError):
                # The session ended during the request.
                raise
            log.error("A session was not saved: %s", type(error.__context__).__name__)
