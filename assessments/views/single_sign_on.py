"""Single sign-on by OpenID Connect: for those who have an account, and are linked to it by their own hand."""

from __future__ import annotations

import logging
import time
from typing import Any, NoReturn

from allauth.account import views as account
from allauth.account.utils import get_next_redirect_url
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.base import views as mfa
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.adapter import get_adapter as get_social_adapter
from allauth.socialaccount.providers.openid_connect import views as openid_connect
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from assessments.models import Invitation, User
from assessments.services import sign_ins
from assessments.views.access import freshly_signed_in, signed_in

log = logging.getLogger(__name__)

PROVIDER = "oidc"
TO_LINK, SECONDS_TO_LINK = "to_link", 15 * 60
"""What a session keeps of someone who came by single sign-on and is to prove that the account is theirs."""


def offered() -> str:
    """What people call single sign-on; empty where there is none."""
    return settings.OIDC_NAME if settings.SOCIALACCOUNT_PROVIDERS else ""


# Both pages ask for the name when they are drawn, and offer no more than the portal has.
sign_in = account.LoginView.as_view(extra_context={"single_sign_on": offered})
your_sign_in = mfa.IndexView.as_view(extra_context={"single_sign_on": offered})


def refused(request: HttpRequest) -> HttpResponse:
    """The one page for everyone who cannot come in this way: it does not say why, so it tells of nobody's account."""
    return render(request, "account/single_sign_on_refused.html", status=403)


class SingleSignOnAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    """Lets in whom a person linked by their own hand, and nobody else; makes no accounts."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return False

    def on_authentication_error(self, request: HttpRequest, provider: Any, **more: Any) -> NoReturn:
        """Whatever went wrong, a wrong state among it."""
        raise ImmediateHttpResponse(refused(request))

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Decide on everyone who comes back from the other site, before allauth does anything."""
        found = sociallogin.account
        email = verified_email(found.extra_data)
        if found.pk:
            # allauth has just written down all that the other site told of the person. It is not needed.
            found.extra_data = {}
            found.save(update_fields=["extra_data"])
            if sociallogin.user.is_active and sociallogin.user.email == email:
                return
            raise ImmediateHttpResponse(refused(request))
        if email and User.objects.filter(email=email, is_active=True).exists():
            request.session[TO_LINK] = {"uid": found.uid, "email": email, "at": int(time.time())}
            raise ImmediateHttpResponse(redirect("link_single_sign_on"))
        if email and Invitation.objects.open().filter(email=email).exists():
            raise ImmediateHttpResponse(render(request, "account/single_sign_on_invited.html"))
        raise ImmediateHttpResponse(refused(request))


def verified_email(told: dict[str, Any]) -> str:
    """The address that the other site vouches for, as it is stored here; empty where there is none.

    Both of its accounts of a person must be about the same person, as OpenID Connect demands.
    """
    accounts = [told[name] for name in ("userinfo", "id_token") if isinstance(told.get(name), dict)]
    if len({one.get("sub") for one in accounts}) != 1:
        return ""
    for one in accounts:
        if one.get("email_verified") is True and isinstance(one.get("email"), str):
            return User.normalize_username(one["email"])
    return ""


@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """Lead to the other site. A link and no form: a browser would not let a form lead there."""
    if not offered():
        raise Http404
    try:
        provider = get_social_adapter(request).get_provider(request, provider=PROVIDER)
        answer: HttpResponse = provider.redirect(
            request, process="login", next_url=get_next_redirect_url(request)
        )
    except (KeyError, OSError, ValueError) as error:
        # The other site does not answer, or not as it should; requests' own errors are such as well.
        log.warning("Single sign-on does not answer: %s", type(error).__name__)
        return refused(request)
    return answer


@require_safe
def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Where the other site sends people back to."""
    if not offered():
        raise Http404
    try:
        answer: HttpResponse = openid_connect.callback(request, provider_id)
    except (AttributeError, LookupError, OSError, TypeError, ValueError) as error:
        # Not the error's own text: it can hold what the other site told of somebody.
        log.warning("Single sign-on sent what cannot be read: %s", type(error).__name__)
        return refused(request)
    return answer


def _to_link(request: HttpRequest) -> dict[str, Any] | None:
    """Whom single sign-on brought to this browser to be linked, if that was just now."""
    kept = request.session.get(TO_LINK)
    if kept and 0 <= time.time() - kept["at"] < SECONDS_TO_LINK:
        return dict(kept)
    return None


@require_http_methods(["GET", "HEAD", "POST"])
def link(request: HttpRequest) -> HttpResponse:
    """Link single sign-on to one's account, after one has signed in to that here."""
    kept = _to_link(request)
    if kept is None:
        return refused(request)
    if not isinstance(request.user, User):
        return render(request, "account/single_sign_on_first.html", {"single_sign_on": offered()})
    if request.user.email != kept["email"]:
        return refused(request)
    return _confirm(request, by=request.user, uid=kept["uid"])


@freshly_signed_in
def _confirm(request: HttpRequest, by: User, uid: str) -> HttpResponse:
    if request.method != "POST":
        return render(request, "account/single_sign_on_link.html", {"single_sign_on": offered()})
    try:
        sign_ins.link_single_sign_on(by=by, provider=PROVIDER, uid=uid)
    except sign_ins.LinkConflict:
        return refused(request)
    del request.session[TO_LINK]
    messages.success(request, f"From now on you can sign in with {offered()}.")
    return redirect("mfa_index")


@require_POST
@signed_in
@freshly_signed_in
def unlink(request: HttpRequest, by: User) -> HttpResponse:
    """Take the link away."""
    sign_ins.unlink_single_sign_on(by=by)
    messages.success(request, f"You can no longer sign in with {offered()}.")
    return redirect("mfa_index")
