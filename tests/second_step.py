"""Second steps and sessions for people in tests, as if they had set the step up and signed in."""

import time
from typing import Any

from allauth.account.internal.flows.login import (
    _AUTHENTICATION_METHODS_USER_SESSION_KEY,
    AUTHENTICATION_METHODS_SESSION_KEY,
)
from allauth.account.internal.userkit import user_id_to_str
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from django.test import Client

from assessments.models import User

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def with_second_step(user: User) -> User:
    """Give someone an authenticator app, which officers and administrators need before they see anything."""
    Authenticator.objects.create(
        user=user, type=Authenticator.Type.TOTP, data={"secret": get_adapter().encrypt(SECRET)}
    )
    return user


def let_in(client: Client, user: User, *, at: float = 0) -> Client:
    """Sign someone in without the pages, with their second step if they have one. `at`: when, by default long ago."""
    client.force_login(user)
    methods = ["password", "mfa"] if Authenticator.objects.filter(user=user).exists() else ["password"]
    session = client.session
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": method, "at": at} for method in methods]
    session[_AUTHENTICATION_METHODS_USER_SESSION_KEY] = user_id_to_str(user)
    session.save()
    return client


def let_in_now(client: Client, user: User) -> Client:
    """Sign someone in as if they had just proved who they are."""
    return let_in(client, user, at=time.time())


def fresh_client(user: User, **options: Any) -> Client:
    """A browser in which someone has signed in just now."""
    return let_in_now(Client(**options), user)
