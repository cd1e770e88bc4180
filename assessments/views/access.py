"""Who may use a view: the one who has signed in, an officer, an administrator, or someone who proved it lately."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

from assessments.models import User
from assessments.views.not_saved import keep_typed

View = Callable[..., HttpResponse]

PROOFS = ("password", "mfa")
"""What proves here who someone is. Another site's word for it is none: it may not have asked them anything."""
SET_UP_HERE = "step_set_up_here"
"""The mark of a session in which its person set up their first second step."""


def signed_in(view: View) -> View:
    """Give the view the person who has signed in.

    Someone who has not signed in does so first; a POST is answered with a page that still holds what was typed.
    """

    @functools.wraps(view)
    def wrapped(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        if isinstance(request.user, User):
            return view(request, by=request.user, **kwargs)
        if request.method == "POST":
            return keep_typed(request, "signed_out")
        return redirect_to_login(request.get_full_path())

    return wrapped


def officer(view: View) -> View:
    """Let officers alone use the view; for others there is nothing here."""

    @functools.wraps(view)
    def wrapped(request: HttpRequest, by: User, **kwargs: Any) -> HttpResponse:
        if not by.is_officer:
            raise Http404
        return view(request, by=by, **kwargs)

    return signed_in(wrapped)


def administrator(view: View) -> View:
    """Give the view the administrator who has signed in; for others there is nothing here."""

    @functools.wraps(view)
    def wrapped(request: HttpRequest, by: User, **kwargs: Any) -> HttpResponse:
        if not by.is_staff:
            raise Http404
        return view(request, by=by, **kwargs)

    return signed_in(wrapped)


def needs_step(user: Any) -> bool:
    """Whether somebody's password alone is not enough here."""
    return isinstance(user, User) and (user.is_officer or user.is_staff)


def took_step(request: HttpRequest) -> bool:
    """Whether this very session was begun, or confirmed since, with a second step, or is where that was set up."""
    if not is_mfa_enabled(request.user):
        return False
    records = get_authentication_records(request, request.user)
    return SET_UP_HERE in request.session or any(record.get("method") == "mfa" for record in records)


def proven_lately(request: HttpRequest) -> bool:
    """Whether the person gave a password, a code or a passkey in this session within the last minutes."""
    given = [r["at"] for r in get_authentication_records(request, request.user) if r.get("method") in PROOFS]
    return bool(given) and time.time() - max(given) < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT


def freshly_signed_in(view: View) -> View:
    """Let the view, which stands below what sees to it that someone has signed in, be used by whom that was lately.

    Others confirm it first. A POST is answered with a page that still holds what was typed.
    """

    @functools.wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if proven_lately(request):
            return view(request, *args, **kwargs)
        if request.method == "POST":
            return keep_typed(request, "not_fresh")
        ways = get_adapter().get_reauthentication_methods(request.user)
        # Someone without a password or a second step came by single sign-on, and sets a password first.
        way = ways[0]["url"] if ways else reverse("account_set_password")
        address = f"{way}?{urlencode({'next': request.get_full_path()})}"
        if "HX-Request" in request.headers:
            # A part of a page would be filled with nothing: the page itself goes there.
            return HttpResponse(headers={"HX-Redirect": address})
        return redirect(address)

    return wrapped


def fresh_to_send(view: View) -> View:
    """As `freshly_signed_in`, for the POST alone of a page that people read without more ado."""
    fresh = freshly_signed_in(view)

    @functools.wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return (fresh if request.method == "POST" else view)(request, *args, **kwargs)

    return wrapped
