"""What is delicate asks for a fresh proof of who someone is, though they have signed in."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

from assessments.views.workspace import keep_typed

View = Callable[..., HttpResponse]

PROOFS = ("password", "mfa")
"""What proves here who someone is. Another site's word for it is none: it may not have asked them anything."""


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
