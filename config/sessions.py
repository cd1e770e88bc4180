"""Sessions in the database, encrypted. If one cannot be saved, people still get the response to what was saved."""

from __future__ import annotations

import logging
from typing import Any

from cryptography.fernet import InvalidToken
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessions
from django.db import InterfaceError, OperationalError

from config.encryption import cipher

log = logging.getLogger(__name__)


class SessionStore(DatabaseSessions):
    """Django's sessions, encrypted: they have searches, messages and the secrets of a second step during its setup.

    Django only signs sessions, and would answer 400 when the database is full or locked after the view has written.
    """

    def encode(self, session_dict: dict[str, Any]) -> str:
        """Encrypt what a session holds, as a row stores it."""
        return cipher("sessions").encrypt(self.serializer().dumps(session_dict)).decode()

    def decode(self, session_data: bytes | str) -> dict[str, Any]:
        """Decrypt what a row stores. If a session cannot be read, a new one with a new key replaces it."""
        try:
            session_dict: dict[str, Any] = self.serializer().loads(cipher("sessions").decrypt(session_data))
        except (InvalidToken, ValueError) as error:
            log.warning("A session could not be read: %s", type(error).__name__)
            self._session_key = None
            return {}
        return session_dict

    def save(self, must_create: bool = False) -> None:
        """Save the session. A new one has to be saved. For an old one, at most a message or time of use is lost."""
        try:
            super().save(must_create)
        except UpdateError as error:
            if not isinstance(error.__context__, OperationalError | InterfaceError):
                # The session ended during the request.
                raise
            log.error("A session was not saved: %s", type(error).__name__)
