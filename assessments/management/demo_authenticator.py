"""The authenticator app of the demonstration's officer and administrator, with DEBUG only.

Its secret comes from this machine's SECRET_KEY. It stays the same after each `make run`, so that a phone can have it
too. It is different on every other machine.
"""

from __future__ import annotations

import base64
import hmac
import time
from dataclasses import dataclass

from allauth.mfa import app_settings
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.utils.crypto import salted_hmac

from assessments.forms.second_step import key_of_use
from assessments.models import User


class NoCode(Exception):
    """No code works now. The message says what to do."""


@dataclass(frozen=True)
class Code:
    """A code, and for how many more seconds it is valid."""

    digits: str
    seconds: int


def secret() -> str:
    """The secret in base32, as an app takes it. Raises ImproperlyConfigured without DEBUG."""
    if not settings.DEBUG:
        raise ImproperlyConfigured("The demonstration's authenticator needs DEBUG=true.")
    digest = salted_hmac(__name__, "totp", algorithm="sha256").digest()
    return base64.b32encode(digest[:20]).decode()


def give(user: User) -> None:
    """Set up the app for someone who has no second step."""
    if not Authenticator.objects.filter(user=user).exists():
        sealed = get_adapter().encrypt(secret())
        Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={"secret": sealed})


def code_for(user: User) -> Code:
    """The first code that signs in: the present one, or the next one if that was used. Raises NoCode."""
    app = Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).first()
    if app is None or get_adapter().decrypt(app.data["secret"]) != secret():
        raise NoCode(f"uses another second step: run forget_second_step {user.email}, then demo_data")
    period, tolerance = app_settings.TOTP_PERIOD, app_settings.TOTP_TOLERANCE
    counter, elapsed = divmod(int(time.time()), period)
    # A code is taken once, and for some periods before and after its own.
    for ahead in range(tolerance + 1):
        digits = _digits(counter + ahead)
        if cache.get(key_of_use(user, digits)) is None:
            return Code(digits, (ahead + tolerance + 1) * period - elapsed)
    raise NoCode(f"wait {period - elapsed} seconds, then run demo_code")


def _digits(counter: int) -> str:
    """The code of a period (RFC 6238 and, for the truncation, RFC 4226): allauth has no public way to compute it."""
    digest = hmac.digest(base64.b32decode(secret()), counter.to_bytes(8, "big"), "sha1")
    at = digest[-1] & 0xF
    number = int.from_bytes(digest[at : at + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**app_settings.TOTP_DIGITS:0{app_settings.TOTP_DIGITS}}"
