"""Encryption of what the database keeps, with keys made from SECRET_KEY and SECRET_KEY_FALLBACKS."""

from __future__ import annotations

import base64
import functools
import hashlib

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.utils.encoding import force_bytes


def cipher(purpose: str) -> MultiFernet:
    """The cipher for one purpose. It encrypts with the newest key, and decrypts with that or any earlier one.

    Each purpose has its own keys, so text that was encrypted for one cannot be used for another. Decrypting what has
    no such key, or was changed, raises InvalidToken.
    """
    return _cipher(purpose, (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


@functools.lru_cache(maxsize=8)
def _cipher(purpose: str, keys: tuple[str | bytes, ...]) -> MultiFernet:
    digests = (hashlib.sha256(f"{purpose}:".encode() + force_bytes(key)).digest() for key in keys)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])
