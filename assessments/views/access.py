"""Who may use a view: people who signed in, officers, administrators, and those who lately proved who they are."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY, get_authentication_records
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.http import urlencode

from assessments.models import User
from assessments.views.not_saved import keep_typed, made_for_another

View = Callable[..., HttpResponseBase]

PROOFS = ("password", "mfa")
"""How people prove who they are here."""
BY_PROVIDER = "socialaccount"
"""How the session records single sign-on, under the name that allauth gives it."""
ASKED_NOW, ASSERTED_STEP = "asked_now", "asserted_step"
"""What a record of single sign-on says: that the provider asked the person just then, which makes it a proof; and
that it asserted a second step that the operator accepts.
"""
CLOCKS_DIFFER = 60
"""Seconds by which the clocks of several hosts may differ."""
SET_UP_HERE = "step_set_up_here"
"""The mark of a session in which the person set up their first second step."""


def signed_in(view: View) -> View:
    """Give the view the person who has signed in.

    Others sign in first. The response to their POST still has what they typed.
    """

    @functools.wraps(view)
    def wrapped(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        if made_for_another(request):
            return keep_typed(request, "other_person")
        if isinstance(request.user, User):
            return view(request, by=request.user, **kwargs)
        if request.method == "POST":
            return keep_typed(request, "signed_out")
        return redirect_to_login(request.get_full_path())

    return wrapped


def officer(view: View) -> View:
    """Give the view the officer who has signed in; anyone else gets 404."""

    @functools.wraps(view)
    def wrapped(request: HttpRequest, by: User, **kwargs: Any) -> HttpResponseBase:
        if not by.is_officer:
            raise Http404
        return view(request, by=by, **kwargs)

    return signed_in(wrapped)


def administrator(view: View) -> View:
    """Give the view the administrator who has signed in; anyone else gets 404."""

    @functools.wraps(view)
    def wrapped(request: HttpRequest, by: User, **kwargs: Any) -> HttpResponseBase:
        if not by.is_staff:
            raise Http404
        return view(request, by=by, **kwargs)

    return signed_in(wrapped)


def needs_step(user: Any) -> bool:
    """Whether this person needs a second step: officers and administrators do, and all if the settings say so."""
    return isinstance(user, User) and (settings.SECOND_STEP_FOR_EVERYONE or user.is_officer or user.is_staff)


def took_step(request: HttpRequest) -> bool:
    """Whether the person took a second step in this session: here, or at a provider, if its claim counts."""
    records = get_authentication_records(request, request.user)
    if any(record.get(ASSERTED_STEP) for record in records):
        return True
    if not is_mfa_enabled(request.user):
        return False
    return SET_UP_HERE in request.session or any(record.get("method") == "mfa" for record in records)


def proven_lately(request: HttpRequest) -> bool:
    """Whether the person proved who they are in this session in the last few minutes.

    They gave a password, a code or a passkey, or the provider of single sign-on asked them just then.
    """
    records = get_authentication_records(request, request.user)
    times = [r["at"] for r in records if r.get("method") in PROOFS or r.get(ASKED_NOW)]
    if not times:
        return False
    # The newest proof is the last one, whatever the clock said.
    age = time.time() - times[-1]
    if -CLOCKS_DIFFER < age < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT:
        return True
    expire_proofs(request)
    return False


def expire_proofs(request: HttpRequest) -> None:
    """Expire all proofs of identity in this session, so that setting the clock back does not renew them."""
    records = get_authentication_records(request, request.user)
    if any(record["at"] for record in records):
        request.session[AUTHENTICATION_METHODS_SESSION_KEY] = [{**record, "at": 0} for record in records]


def freshly_signed_in(view: View) -> View:
    """Let only people who lately proved who they are use the view; others prove it first.

    The response to their POST still has what they typed. A decorator above this one must ensure that someone is
    signed in.
    """

    @functools.wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if proven_lately(request):
            return view(request, *args, **kwargs)
        if request.method == "POST":
            return keep_typed(request, "not_fresh")
        page = get_adapter().get_reauthentication_methods(request.user)[0]["url"]
        address = f"{page}?{urlencode({'next': request.get_full_path()})}"
        if "HX-Request" in request.headers:
            # A redirect would load into a part of the page. This header makes the browser leave the whole page.
            return HttpResponse(headers={"HX-Redirect": address})
        return redirect(address)

    return wrapped


def fresh_to_send(view: View) -> View:
    """Like `freshly_signed_in`, but only for POST: anyone who is signed in can read the page."""
    fresh = freshly_signed_in(view)

    @functools.wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return (fresh if request.method == "POST" else view)(request, *args, **kwargs)

    return wrapped
