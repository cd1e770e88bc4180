"""Signing in: how the portal adapts allauth's pages."""

from __future__ import annotations

import functools
import logging
import secrets
import time
from smtplib import SMTPException
from typing import Any, NoReturn, cast

from allauth.account import views as account_views
from allauth.account.authentication import get_authentication_records
from allauth.account.utils import perform_login
from allauth.core import context, ratelimit
from allauth.core.exceptions import ImmediateHttpResponse, ReauthenticationRequired
from allauth.mfa.models import Authenticator
from allauth.usersessions.adapter import DefaultUserSessionsAdapter
from allauth.usersessions.models import UserSession
from allauth.usersessions.views import list_usersessions
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.utils.functional import SimpleLazyObject
from django.views.decorators.http import require_http_methods, require_POST

from assessments.middleware.session_limits import SEEN, SINCE, role_of
from assessments.models import User
from assessments.services import security_log, sign_in_changes
from assessments.services.hashing import BUSY, TooManyHashing
from assessments.services.people import end_sessions
from assessments.services.security_log import Event, Method, Reason
from assessments.services.sign_in_changes import Change, tell_of_change
from assessments.services.sign_ins import is_linked
from assessments.templatetags.words import known_name
from assessments.views import guesses
from assessments.views.access import (
    BY_PROVIDER,
    SET_UP_HERE,
    View,
    freshly_signed_in,
    needs_step,
    proven_lately,
    took_step,
)
from assessments.views.not_saved import FAULTS, keep_typed
from config.allauth_private import GuessCountingAdapter, get_ip, record_authentication
from config.oidc import Provider

log = logging.getLogger(__name__)

KNOWN, KNOWN_FOR = settings.KNOWN_COOKIE_NAME, 365 * 24 * 60 * 60
"""The cookie that marks a browser in which people have signed in, and its lifetime in seconds."""
EARLIER_KNOWN = "known"
"""The name of that cookie before 0.2.0. It had the mark of one person."""
MAX_MARKS = 8
"""The most people whom the cookie remembers."""


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
        """Ask people to confirm who they are only if they have not just done so, by signing in for example.

        Raises ReauthenticationRequired: True alone would let people without a password and a second step through.
        """
        if proven_lately(context.request):
            return False
        raise ReauthenticationRequired

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """The ways in which someone who has signed in can confirm who they are; there is always one."""
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        provider: Provider | None = settings.OIDC
        if provider and provider.only:
            methods = [method for method in methods if method["id"] != "reauthenticate"]
        if provider and (provider.only or is_linked(user=user)):
            url = reverse("confirm_by_single_sign_on")
            methods.append({"id": BY_PROVIDER, "description": f"Use {provider.name}", "url": url})
        if not methods:
            url = reverse("account_reset_password")
            methods.append({"id": "new_password", "description": "Set a password", "url": url})
        return methods

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
        """What a wrong guess at an email address's password is counted under (views/guesses.py)."""
        guessed = guesses.password_of(str(credentials.get("email", "")))
        return guesses.key_of(request, guessed, known_browser(request, guessed.email))

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count a guess before the password is checked."""
        guessed = guesses.password_of(str(credentials.get("email", "")))
        guess = guesses.count_guess(request, guessed, known=known_browser(request, guessed.email))
        self.take_back_if_right(guess)
        if guess is None:
            raise self.validation_error("too_many_login_attempts")

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        """Check a password. If too many others are being checked, the form says so, and no guess is counted."""
        try:
            return super().authenticate(request, **credentials)
        except TooManyHashing:
            self.take_back_guess()
            raise self.validation_error("too_many_hashing") from None

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Log a wrong password."""
        guessed = guesses.password_of(str(credentials.get("email", "")))
        by = request.user if isinstance(request.user, User) else None
        security_log.write(
            Event.IDENTITY_NOT_CONFIRMED if by else Event.SIGN_IN_FAILED,
            person=guessed.person,
            email=guessed.email,
            by=by,
            method=Method.PASSWORD,
            reason=Reason.WRONG_PASSWORD if guessed.person else Reason.UNKNOWN_ADDRESS,
        )

    def reauthenticate(self, user: Any, password: str) -> bool:
        """Check a password again, and log that it was right. `authentication_failed` logs that it was not."""
        is_right = bool(super().reauthenticate(user, password))
        if is_right:
            security_log.write(Event.IDENTITY_CONFIRMED, person=user, by=user, method=Method.PASSWORD)
        return is_right

    def pre_login(self, request: HttpRequest, user: Any, **details: Any) -> Any:
        """Log that someone with a suspended sign-in proved who they are."""
        if not user.is_active:
            method = method_of_sign_in(request, user)
            security_log.write(Event.SIGN_IN_FAILED, person=user, method=method, reason=Reason.SUSPENDED)
        return super().pre_login(request, user, **details)

    def login(self, request: HttpRequest, user: Any) -> None:
        """Sign someone in. Their first sign-in of all, right after they joined, is on no new device."""
        self.is_first = user.last_login is None
        super().login(request, user)

    def post_login(self, request: HttpRequest, user: Any, **details: Any) -> HttpResponse:
        """Note when the session began, record the sign-in, and mark the browser with a cookie.

        The cookie gives no access: it only shows that this person has signed in with this browser before.
        """
        request.session[SEEN] = request.session[SINCE] = int(time.time())
        response: HttpResponse = super().post_login(request, user, **details)
        sign_in_changes.record_sign_in(
            user=user,
            method=method_of_sign_in(request, user),
            is_new_device=not self.is_first and not known_browser(request, user.email),
            browser=known_name(request.headers.get("User-Agent", "")),
        )
        mark_known(request, response, user.email)
        return response

    def logout(self, request: HttpRequest) -> None:
        """Sign someone out, and record it."""
        user = request.user
        super().logout(request)
        if isinstance(user, User):
            sign_in_changes.record_end(user=user, by=user, reason=Reason.SIGNED_OUT)

    def set_password(self, user: Any, password: str) -> None:
        """Save a new password, end the person's other sessions, and tell them.

        The password is hashed before the transaction: it may wait for its turn, and nobody else should wait for the
        database then.
        """
        request = self.request
        by = user if request.user.is_authenticated else None
        user.set_password(password)
        with transaction.atomic():
            # Nothing else: while the password was hashed, someone may have suspended the person.
            user.save(update_fields=["password"])
            but = request.session.session_key if by else None
            end_sessions(user=user, but=but, by=by, reason=Reason.NEW_PASSWORD)
            what = Change.PASSWORD_CHANGED if by else Change.PASSWORD_RESET
            tell_of_change(user=user, what=what, by=by, method=None if by else Method.LINK)
        if by is None:
            guesses.fresh_start(request, user)

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
    mark = _marks(request).get(_name_in_marks(email), "")
    # Delete this in the release after 0.2.0, with middleware/earlier_cookies.py.
    return mark or str(request.get_signed_cookie(EARLIER_KNOWN, default="", salt=email))


def mark_known(request: HttpRequest, response: HttpResponse, email: str) -> None:
    """Mark a browser as one in which this person has signed in. Marks of others who share the browser stay."""
    name = _name_in_marks(email)
    others = {other: mark for other, mark in _marks(request).items() if other != name}
    marks = [*list(others.items())[1 - MAX_MARKS :], (name, secrets.token_urlsafe(16))]
    response.set_signed_cookie(
        KNOWN,
        "|".join(".".join(pair) for pair in marks),
        salt=KNOWN,
        max_age=KNOWN_FOR,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )


def _marks(request: HttpRequest) -> dict[str, str]:
    """A browser's marks, by what they call each person; the newest is the last."""
    pairs = str(request.get_signed_cookie(KNOWN, default="", salt=KNOWN)).split("|")
    return {name: mark for name, _, mark in (pair.partition(".") for pair in pairs) if mark}


def _name_in_marks(email: str) -> str:
    """What a mark calls a person: it does not reveal the address to others who use the browser."""
    return salted_hmac("a known browser", email, algorithm="sha256").hexdigest()[:16]


def method_of_sign_in(request: HttpRequest, user: User) -> Method | None:
    """How someone signed in, or began to: the newest record of the session that is no second step."""
    names = {
        "password": Method.PASSWORD,
        "password_reset": Method.LINK,
        "socialaccount": Method.SINGLE_SIGN_ON,
        "mfa": Method.PASSKEY,
    }
    records = get_authentication_records(request, user)
    methods = [r["method"] for r in records if r["method"] != "mfa" or r.get("passwordless")]
    return names.get(methods[-1]) if methods else None


class SessionsAdapter(DefaultUserSessionsAdapter):  # type: ignore[misc]  # allauth ships no types
    """allauth's list of sessions, which records those that a person ends in it."""

    def end_sessions(self, sessions: list[UserSession]) -> None:
        if sessions:
            sign_in_changes.end_from_list(sessions=sessions, by=sessions[0].user)


class NewPassword(account_views.PasswordResetView):  # type: ignore[misc]
    """Sends a link to set a new password. How often is limited for each email address and network address."""

    def form_valid(self, form: Any) -> HttpResponse:
        email = User.normalize_username(form.cleaned_data["email"])
        key = f"{get_ip(self.request)}:{email}"
        if not ratelimit.consume(self.request, action="reset_password_of", key=key):
            return keep_typed(self.request, "too_many_links")
        person = User.objects.filter(email=email).first()
        security_log.write(Event.PASSWORD_RESET_ASKED, person=person, email=email, method=Method.LINK)
        response: HttpResponse = super().form_valid(form)
        # allauth's own page, for the limit on a network, does not give back what was typed.
        return keep_typed(self.request, "too_many_links") if response.status_code == 429 else response


def our_page(view: View) -> View:
    """Limit one of allauth's pages to the methods that a page needs."""
    return functools.wraps(view)(require_http_methods(["GET", "HEAD", "POST"])(view))


def sign_out(request: HttpRequest) -> HttpResponse:
    """allauth's page to sign out. The browser then deletes what its scripts stored: htmx stores the last page's path.

    Only that. With "cookies" it would delete those of all sites of the domain, such as toronto.ca. With "cache" it
    would search its whole cache, which can take long, for files that everyone gets: pages are never cached.
    """
    response: HttpResponse = account_views.logout(request)
    if request.method == "POST":
        response.headers["Clear-Site-Data"] = '"storage"'
    return response


def welcome(request: HttpRequest, person: User, method: str, **marks: Any) -> HttpResponse:
    """Sign in someone who has just joined, or have them sign in if the database takes no new session now."""
    try:
        # They have just shown who they are, so they need not confirm it again.
        record_authentication(request, person, method=method, **marks)
        response: HttpResponse = perform_login(request, person)
    except FAULTS as error:
        log.error("Someone joined and could not be signed in: %s", type(error).__name__)
        request.session.modified = False
        return redirect(f"{reverse('account_login')}?ready")
    messages.success(request, f"Welcome, {person}.")
    return response


def with_passwords(view: View) -> View:
    """Wrap a page for signing in without the provider: it exists unless people sign in by single sign-on only."""

    @functools.wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if settings.OIDC and settings.OIDC.only:
            raise Http404
        return view(request, *args, **kwargs)

    return wrapped


def first_password(view: View) -> View:
    """Wrap the page where people without a password set one: they first confirm who they are, which allauth omits."""
    fresh = freshly_signed_in(view)

    @functools.wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        has_none = isinstance(request.user, User) and not request.user.has_usable_password()
        return (fresh if has_none else view)(request, *args, **kwargs)

    return wrapped


def not_offered(_: HttpRequest) -> NoReturn:
    """404, for an address that allauth needs by name and that has no page here."""
    raise Http404


def second_steps(view: View) -> View:
    """Wrap a page where people add or remove a second step, and tell them what changed.

    When they add their first one, all their other sessions end: someone who used one of those with the password alone
    must sign in again, with the second step. All of it is one transaction, so that there is never one without the
    other.
    """

    @functools.wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        user = request.user
        if request.method != "POST" or not isinstance(user, User):
            return view(request, *args, **kwargs)
        with transaction.atomic():
            before = _steps_of(user)
            response = view(request, *args, **kwargs)
            after = _steps_of(user)
            if after and not before:
                end_sessions(
                    user=user, but=request.session.session_key, by=user, reason=Reason.FIRST_SECOND_STEP
                )
                request.session[SET_UP_HERE] = True
            for pk in after.keys() - before.keys():
                tell_of_change(user=user, what=Change.SECOND_STEP_ADDED, by=user, method=after[pk])
            for pk in before.keys() - after.keys():
                tell_of_change(user=user, what=Change.SECOND_STEP_REMOVED, by=user, method=before[pk])
        return response

    return wrapped


def _steps_of(user: User) -> dict[int, Method]:
    """A person's passkeys and authenticator apps, by their keys."""
    kinds = {
        Authenticator.Type.TOTP.value: Method.APP_CODE,
        Authenticator.Type.WEBAUTHN.value: Method.PASSKEY,
    }
    steps = Authenticator.objects.filter(user=user, type__in=kinds).values_list("pk", "type")
    return {pk: kinds[kind] for pk, kind in steps}


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


def new_key(view: View) -> View:
    """Wrap a page where people confirm who they are: the session gets a new key, and its earlier one no longer works.

    So someone who copied the earlier key gains nothing from the fresh proof.
    """

    @functools.wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        proofs = len(get_authentication_records(request, request.user))
        response = view(request, *args, **kwargs)
        if isinstance(request.user, User) and len(get_authentication_records(request, request.user)) > proofs:
            change_key(request)
        return response

    return wrapped


def change_key(request: HttpRequest) -> None:
    """Give the session of someone who has signed in a new key."""
    former = request.session.session_key
    with transaction.atomic():
        request.session.cycle_key()
        key = request.session.session_key
        UserSession.objects.filter(session_key=former).update(session_key=key)


def menu(request: HttpRequest) -> dict[str, Any]:
    """Context processor: whether the menu links to pages that need a second step, evaluated only when used; and what
    people call the single sign-on, empty if there is none, and whether there is no other way to sign in.
    """
    user = getattr(request, "user", None)
    provider: Provider | None = settings.OIDC
    return {
        "menu_is_open": SimpleLazyObject(lambda: not needs_step(user) or took_step(request)),
        "single_sign_on": provider.name if provider else "",
        "single_sign_on_only": bool(provider and provider.only),
    }


# So someone who finds a browser open cannot sign out the person's other devices.
sessions = login_required(freshly_signed_in(list_usersessions))


@require_POST
@login_required
@freshly_signed_in
def end_session(request: HttpRequest, pk: int) -> HttpResponse:
    """End one of the person's own sessions."""
    by = cast(User, request.user)
    sign_in_changes.end_from_list(sessions=[get_object_or_404(UserSession, user=by, pk=pk)], by=by)
    messages.success(request, "That device is signed out.")
    return redirect("usersessions_list")
