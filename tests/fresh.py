"""Browsers of people who have just proven who they are, as delicate pages ask."""

import time
from typing import Any

from allauth.account.internal.flows import login
from django.test import Client

from assessments.models import User


def fresh_client(user: User, **options: Any) -> Client:
    """A browser in which someone has signed in, and given the password just now."""
    client = Client(**options)
    client.force_login(user)
    session = client.session
    session[login.AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "password", "at": time.time()}]
    session[login._AUTHENTICATION_METHODS_USER_SESSION_KEY] = str(user.pk)
    session.save()
    return client
