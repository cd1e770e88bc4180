"""Second steps and sessions for people in tests, as if they had set the step up and signed in."""

import base64
import hmac
import struct
import time
from typing import Any

from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from django.http import HttpRequest
from django.test import Client

from assessments.models import User
from config.allauth_private import record_authentication

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def with_second_step(user: User) -> User:
    """Give someone an authenticator app, which officers and administrators need before they see anything."""
    Authenticator.objects.create(
        user=user, type=Authenticator.Type.TOTP, data={"secret": get_adapter().encrypt(SECRET)}
    )
    return user


def code_at(when: float, secret: str = SECRET) -> str:
    """What an authenticator app shows at a time in Unix seconds (RFC 6238): six digits, new every 30 seconds."""
    digest = hmac.digest(base64.b32decode(secret), struct.pack(">Q", int(when) // 30), "sha1")
    first = digest[-1] & 0b1111
    number = int.from_bytes(digest[first : first + 4]) & 0x7FFF_FFFF
    return f"{number % 1_000_000:06}"


def let_in(client: Client, user: User, *, at: float = 0) -> Client:
    """Sign someone in without the pages, with their second step if they have one. `at`: when, by default long ago."""
    client.force_login(user)
    methods = ["password", "mfa"] if Authenticator.objects.filter(user=user).exists() else ["password"]
    request = HttpRequest()
    request.session = client.session
    request.session.pop(AUTHENTICATION_METHODS_SESSION_KEY, None)
    for method in methods:
        record_authentication(request, user, method, at=at)
    request.session.save()
    return client


def let_in_now(client: Client, user: User) -> Client:
    """Sign someone in as if they had just proved who they are."""
    return let_in(client, user, at=time.time())


def fresh_client(user: User, **options: Any) -> Client:
    """A browser in which someone has signed in just now."""
    return let_in_now(Client(**options), user)
