"""Signing in: how allauth's pages behave here."""

from __future__ import annotations

import functools
import logging
import secrets
import time
from collections.abc import Callable
from smtplib import SMTPException
from typing import Any, NoReturn

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.internal.ratelimit import get_ip
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

log = logging.getLogger(__name__)

KNOWN, KNOWN_FOR = "known", 365 * 24 * 60 * 60
"""The cookie of a browser in which someone has signed in, and how many seconds it lasts."""
SEEN = "seen"
SECONDS_BETWEEN_WRITES = 15 * 60
"""How often at most a request puts off the end of its session: the idle limit is that much less exact."""

View = Callable[..., HttpResponse]


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    """By invitation only, in our words."""

    error_messages = {  # noqa: RUF012  # as in the class that it extends
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": "The e-mail address or the password is not right.",
        "too_many_login_attempts": "That was tried too often. Wait five minutes, then try again.",
        "enter_current_password": "This is not your current password.",
        "invalid_password_reset": "This link has been used, or is too old.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Nobody signs up: people are invited."""
        return False

    def is_ajax(self, request: HttpRequest) -> bool:
        """Pages are pages, whatever a request asks for: allauth would answer some with JSON."""
        return False

    def get_reset_password_from_key_url(self, key: str) -> str:
        uid, _, token = key.partition("-")
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": uid, "key": token})
        return settings.PORTAL_URL + path

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("register")

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Count wrong guesses at an address by where they come from, so that nobody can lock out somebody else.

        A browser in which someone has signed in before has a count of its own, whoever shares its network.
        """
        email = str(credentials.get("email", "")).strip().lower()
        known = request.get_signed_cookie(KNOWN, default="", salt=email)
        return f"{known or get_ip(request)}:{email}"

    def post_login(self, request: HttpRequest, user: Any, **more: Any) -> HttpResponse:
        """Give the browser a mark of its own, which opens nothing: it says that this person has signed in there."""
        response: HttpResponse = super().post_login(request, user, **more)
        response.set_signed_cookie(
            KNOWN,
            secrets.token_urlsafe(16),
            salt=user.email,
            max_age=KNOWN_FOR,
            httponly=True,
            samesite="Lax",
            secure=settings.SESSION_COOKIE_SECURE,
        )
        return response

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send a mail, or say honestly that it could not be sent.

        A mail goes out whether or not the address has an account, so neither its sending nor its failing tells.
        """
        try:
            super().send_mail(template_prefix, email, context)
        except (OSError, SMTPException) as error:
            # Not the error's own text, which can hold the address.
            log.error("A mail could not be sent: %s", type(error).__name__)
            response = render(self.request, "account/no_mail.html", status=503)
            raise ImmediateHttpResponse(response) from error


def our_page(view: View) -> View:
    """One of allauth's pages, for the methods that a page has."""
    return functools.wraps(view)(require_http_methods(["GET", "HEAD", "POST"])(view))


def not_offered(_: HttpRequest) -> NoReturn:
    """An address that must have a name and has no page."""
    raise Http404


def keep_signed_in(get_response: View) -> View:
    """Middleware: put off the end of a session as long as someone uses it.

    Only now and then: a write with every request would slow each page down, and could undo what another request of
    the same session writes at the same moment.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        session, now = request.session, int(time.time())
        if SESSION_KEY in session and now - session.get(SEEN, 0) >= SECONDS_BETWEEN_WRITES:
            session[SEEN] = now
        return get_response(request)

    return middleware
