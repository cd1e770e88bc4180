"""Signing in: how the portal adapts allauth's pages."""

from __future__ import annotations

import functools
import logging
import secrets
import time
from smtplib import SMTPException
from typing import Any, NoReturn

from allauth.account.views import PasswordResetView
from allauth.core import context, ratelimit
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.utils import is_mfa_enabled
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.views.decorators.http import require_http_methods, require_POST

from assessments.middleware.session_limits import SEEN, SINCE, role_of
from assessments.models import User
from assessments.services.hashing import BUSY, TooManyHashing
from assessments.services.people import end_sessions
from assessments.views.access import SET_UP_HERE, View, needs_step, proven_lately, took_step
from assessments.views.not_saved import FAULTS, keep_typed
from config.allauth_private import GuessCountingAdapter, consume, get_ip

log = logging.getLogger(__name__)

KNOWN, KNOWN_FOR = settings.KNOWN_COOKIE_NAME, 365 * 24 * 60 * 60
"""The cookie of a browser in which someone has signed in, and its lifetime in seconds."""


class Adapter(GuessCountingAdapter):
    """allauth's rules for accounts: by invitation only, and with the portal's words and limits."""

    error_messages = {  # noqa: RUF012  # as in the class that it extends
        **GuessCountingAdapter.error_messages,
        "email_password_mismatch": "The email or password is incorrect.",
        "too_many_login_attempts": "Too many attempts. Please wait five minutes and try again.",
        "account_inactive": "This sign-in is suspended. Ask an administrator of the portal.",
        "enter_current_password": "This is not your current password.",
        "incorrect_password": "This is not your password.",
        "invalid_login": "The email or password is incorrect.",
        "too_many_hashing": BUSY,
        "invalid_password_reset": "This link was already used, or is too old. Ask for a new one.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Nobody can sign up: people are invited."""
        return False

    def is_safe_url(self, url: str) -> bool:
        """As allauth decides, but what cannot be parsed as an address at all is not safe."""
        try:
            return bool(super().is_safe_url(url))
        except ValueError:
            return False

    def is_ajax(self, request: HttpRequest) -> bool:
        """JSON is only for the script that signs in with a passkey, whatever a request's headers ask for."""
        return request.method == "GET" and request.path == reverse("mfa_login_webauthn")

    def is_reauthentication_required(self, *, app: str) -> bool:
        """Ask people to confirm who they are only if they have not just done so, by signing in for example."""
        return not proven_lately(context.request)

    def get_reset_password_from_key_url(self, key: str) -> str:
        uid, _, token = key.partition("-")
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": uid, "key": token})
        return settings.PORTAL_URL + path

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """The first page after sign-in, by role."""
        role = role_of(request.user) if isinstance(request.user, User) else "other"
        return reverse({"administrator": "people", "officer": "desk"}.get(role, "register"))

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("register")

    def guess_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Count wrong guesses at an email address by where they come from, so that nobody can lock someone else out.

        A browser in which the person has signed in before has its own count, separate from others on its network.
        """
        email = str(credentials.get("email", "")).strip().lower()
        return f"{known_browser(request, email) or get_ip(request)}:{email}"

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count a guess before the password is checked."""
        known = known_browser(request, str(credentials.get("email", "")).strip().lower())
        key = self.guess_key(request, **credentials)
        usage = count_guess(request, key=key, known=bool(known))
        self.take_back_if_right(usage)
        if not usage:
            raise self.validation_error("too_many_login_attempts")

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        """Check a password. If too many others are being checked, the form says so, and no guess is counted."""
        try:
            return super().authenticate(request, **credentials)
        except TooManyHashing:
            self.take_back_guess()
            raise self.validation_error("too_many_hashing") from None

    def post_login(self, request: HttpRequest, user: Any, **details: Any) -> HttpResponse:
        """Note when the session began, and mark the browser with a cookie.

        The cookie gives no access: it only shows that this person has signed in with this browser before.
        """
        request.session[SEEN] = request.session[SINCE] = int(time.time())
        response: HttpResponse = super().post_login(request, user, **details)
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
        """Send an email, or show a page that says it could not be sent.

        An email goes out whether or not the address has a sign-in, so neither success nor failure reveals that.
        """
        try:
            super().send_mail(template_prefix, email, context)
        except (OSError, SMTPException) as error:
            # Not the error's own text, which can contain the address.
            log.error("An email could not be sent: %s", type(error).__name__)
            raise ImmediateHttpResponse(keep_typed(self.request, "no_mail")) from error


def known_browser(request: HttpRequest, email: str) -> str:
    """The mark of a browser in which this person has signed in before; empty in any other browser."""
    return str(request.get_signed_cookie(KNOWN, default="", salt=email))


def count_guess(request: HttpRequest, *, key: str, known: bool) -> Any:
    """Count a guess. Returns None if there were too many, else an object that can take the guess back.

    A browser in which the person has signed in before (`known`) has its own count, so that it is not locked out by
    others on its network, which may be all of City Hall.
    """
    config = None
    if known:
        rates = str(settings.ACCOUNT_RATE_LIMITS.get("login_failed", "")).split(",")
        config = {"login_failed": ",".join(rate for rate in rates if rate.strip().endswith("/key"))}
    return consume(request, app="allauth.account", action="login_failed", config=config, key=key)


class NewPassword(PasswordResetView):  # type: ignore[misc]
    """Sends a link to set a new password. How often is limited for each email address and network address."""

    def form_valid(self, form: Any) -> HttpResponse:
        key = f"{get_ip(self.request)}:{User.normalize_username(form.cleaned_data['email'])}"
        if not ratelimit.consume(self.request, action="reset_password_of", key=key):
            return keep_typed(self.request, "too_many_links")
        response: HttpResponse = super().form_valid(form)
        # allauth's own page, for the limit on a network, does not give back what was typed.
        return keep_typed(self.request, "too_many_links") if response.status_code == 429 else response


def our_page(view: View) -> View:
    """Limit one of allauth's pages to the methods that a page needs."""
    return functools.wraps(view)(require_http_methods(["GET", "HEAD", "POST"])(view))


def not_offered(_: HttpRequest) -> NoReturn:
    """404, for an address that allauth needs by name and that has no page here."""
    raise Http404


def first_step(view: View) -> View:
    """Wrap a page where people set up a second step. When it is their first, all their other sessions end.

    Someone who used one of those sessions with the password alone must sign in again, with the second step. The step
    is set up and the sessions end in one transaction, so that there is never one without the other.
    """

    @functools.wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method != "POST":
            return view(request, *args, **kwargs)
        user = request.user
        had_none = isinstance(user, User) and not is_mfa_enabled(user)
        with transaction.atomic():
            response = view(request, *args, **kwargs)
            if had_none and isinstance(user, User) and is_mfa_enabled(user):
                end_sessions(user=user, but=request.session.session_key)
                request.session[SET_UP_HERE] = True
        return response

    return wrapped


def new_password(view: View) -> View:
    """Wrap a page where people change their password. If it is saved and the session cannot be, they sign in again.

    Both in one transaction would hold the database's lock while the password is hashed.
    """

    @functools.wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        user = request.user
        before = user.password if isinstance(user, User) else ""
        try:
            return view(request, *args, **kwargs)
        except FAULTS as error:
            if not isinstance(user, User) or not User.objects.exclude(password=before).contains(user):
                raise
            log.error("A password was changed and the session was not: %s", type(error).__name__)
            request.session.modified = False
            return redirect(f"{reverse('account_login')}?changed")

    return wrapped


def menu(request: HttpRequest) -> dict[str, Any]:
    """Context processor: whether the menu links to pages that need a second step. Evaluated only when used."""
    user = getattr(request, "user", None)
    return {"menu_is_open": SimpleLazyObject(lambda: not needs_step(user) or took_step(request))}


@require_POST
@login_required
def end_session(request: HttpRequest, pk: int) -> HttpResponse:
    """End one of the person's own sessions."""
    get_object_or_404(UserSession, user=request.user, pk=pk).end()
    messages.success(request, "That device is signed out.")
    return redirect("usersessions_list")
