"""Hashing passwords, a few at a time on each host: each takes 100 MB, so many guesses could use up the memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.contrib.auth.hashers import Argon2PasswordHasher

from assessments.services.audit import current_address
from config.places import NoPlace, place, places, places_of

HASHING, WAITING = 4, 4
"""How many passwords a host hashes at the same time, and how many more may wait."""

WAITING_OF_ADDRESS = 2
"""How many of the waiting passwords may come from one network address, which leaves room for others."""

MAX_WAIT = 2.0
"""Seconds that a password may wait. Each keeps a thread of the server waiting."""

BUSY = "Too many passwords are being checked right now. Wait a few seconds, then try again."


class TooManyHashing(Exception):
    """The password was not hashed, because too many others are being hashed. `str()` gives people the reason."""

    def __str__(self) -> str:
        return BUSY


@dataclass
class Turn:
    """Whether a password in this request was refused."""

    refused: bool = False


current_turn: ContextVar[Turn | None] = ContextVar("current_turn", default=None)
"""Set in each request. Where it is not set, as in a command, nothing is limited."""


class LimitedArgon2(Argon2PasswordHasher):
    """Django's Argon2, a few at a time. Raises TooManyHashing."""

    def encode(self, password: str, salt: str) -> str:
        with _turn():
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        with _turn():
            return super().verify(password, encoded)


@contextmanager
def _turn() -> Iterator[None]:
    turn = current_turn.get()
    if turn is None:
        yield
        return
    with ExitStack() as stack:
        try:
            # Even if a place is free, join the queue: otherwise new passwords would overtake those that wait.
            of_address = places_of("hash-address", current_address.get(), WAITING_OF_ADDRESS)
            with place(of_address), place(places("hash-wait", WAITING)):
                stack.enter_context(place(places("hash", HASHING), wait=MAX_WAIT))
        except NoPlace:
            turn.refused = True
            raise TooManyHashing from None
        yield
