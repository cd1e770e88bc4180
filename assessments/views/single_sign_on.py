"""Single sign-on by OpenID Connect, for people who have a sign-in here and have linked it themselves."""

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
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from assessments.models import Invitation, User
from assessments.services import sign_ins
from assessments.views.access import freshly_signed_in, signed_in

log = logging.getLogger(__name__)

PROVIDER = "oidc"
TO_LINK, LINK_SECONDS = "to_link", 15 * 60
"""The session's key for a person who came by single sign-on and has yet to prove that the sign-in is theirs; and how
many seconds they have.
"""


def provider_name() -> str:
    """The name by which people know the single sign-on; empty if there is none."""
    return settings.OIDC_NAME if settings.SOCIALACCOUNT_PROVIDERS else ""


# The templates call the function, so both pages offer single sign-on only if it is configured at that moment.
sign_in = account.LoginView.as_view(extra_context={"single_sign_on": provider_name})
sign_in_settings = mfa.IndexView.as_view(extra_context={"single_sign_on": provider_name})


def refusal(request: HttpRequest) -> HttpResponse:
    """The same page for everyone who cannot sign in this way. It gives no reason, so it reveals nobody's sign-in."""
    return render(request, "account/single_sign_on_refused.html", status=403)


class SingleSignOnAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    """Signs in only people who linked their single sign-on themselves, and creates no sign-ins."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return False

    def on_authentication_error(self, request: HttpRequest, provider: Any, **details: Any) -> NoReturn:
        """Show the one refusal for every error, a wrong state included."""
        raise ImmediateHttpResponse(refusal(request))

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Decide what happens to everyone who comes back from the other site, before allauth does anything."""
        identity = sociallogin.account
        email = verified_email(identity.extra_data)
        if identity.pk:
            # allauth has just stored all that the other site sent about the person. The portal needs none of it.
            identity.extra_data = {}
            identity.save(update_fields=["extra_data"])
            if sociallogin.user.is_active and sociallogin.user.email == email:
                return
            raise ImmediateHttpResponse(refusal(request))
        if email and User.objects.filter(email=email, is_active=True).exists():
            request.session[TO_LINK] = {"uid": identity.uid, "email": email, "at": int(time.time())}
            raise ImmediateHttpResponse(redirect("link_single_sign_on"))
        if email and Invitation.objects.open().filter(email=email).exists():
            raise ImmediateHttpResponse(render(request, "account/single_sign_on_invited.html"))
        raise ImmediateHttpResponse(refusal(request))


def verified_email(claims: dict[str, Any]) -> str:
    """The email address that the other site has verified, in the form stored here; empty if there is none.

    The claims come from `userinfo`, `id_token` or both. Both must name the same subject, as OpenID Connect requires.
    """
    sources = [claims[name] for name in ("userinfo", "id_token") if isinstance(claims.get(name), dict)]
    if len({source.get("sub") for source in sources}) != 1:
        return ""
    for source in sources:
        if source.get("email_verified") is True and isinstance(source.get("email"), str):
            return User.normalize_username(source["email"])
    return ""


@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """Redirect to the other site. Pages link here, because our policy blocks forms that lead elsewhere."""
    if not provider_name():
        raise Http404
    try:
        provider = get_social_adapter(request).get_provider(request, provider=PROVIDER)
        response: HttpResponse = provider.redirect(
            request, process="login", next_url=get_next_redirect_url(request)
        )
    except (KeyError, OSError, ValueError) as error:
        # The other site does not answer, or not as it should. The errors of `requests` are OSErrors too.
        log.warning("Single sign-on does not answer: %s", type(error).__name__)
        return refusal(request)
    return response


@require_safe
def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """The address to which the other site sends people back."""
    if not provider_name():
        raise Http404
    try:
        response: HttpResponse = openid_connect.callback(request, provider_id)
    except (AttributeError, LookupError, OSError, TypeError, ValueError) as error:
        # Not the error's own text, which can contain what the other site sent about a person.
        log.warning("Single sign-on sent what cannot be read: %s", type(error).__name__)
        return refusal(request)
    return response


def _pending_link(request: HttpRequest) -> dict[str, Any] | None:
    """The identity that waits to be linked in this session; None if there is none or it is too old."""
    pending = request.session.get(TO_LINK)
    if pending and 0 <= time.time() - pending["at"] < LINK_SECONDS:
        return dict(pending)
    return None


@require_http_methods(["GET", "HEAD", "POST"])
def link(request: HttpRequest) -> HttpResponseBase:
    """Link single sign-on to the sign-in of a person who has signed in here."""
    pending = _pending_link(request)
    if pending is None:
        return refusal(request)
    if not isinstance(request.user, User):
        return render(request, "account/single_sign_on_first.html", {"single_sign_on": provider_name()})
    if request.user.email != pending["email"]:
        return refusal(request)
    return _confirm(request, by=request.user, uid=pending["uid"])


@freshly_signed_in
def _confirm(request: HttpRequest, by: User, uid: str) -> HttpResponse:
    if request.method != "POST":
        return render(request, "account/single_sign_on_link.html", {"single_sign_on": provider_name()})
    try:
        sign_ins.link_single_sign_on(by=by, provider=PROVIDER, uid=uid)
    except sign_ins.LinkConflict:
        return refusal(request)
    del request.session[TO_LINK]
    messages.success(request, f"You can now sign in with {provider_name()}.")
    return redirect("mfa_index")


@require_POST
@signed_in
@freshly_signed_in
def unlink(request: HttpRequest, by: User) -> HttpResponse:
    """Remove the link."""
    sign_ins.unlink_single_sign_on(by=by)
    messages.success(request, f"You can no longer sign in with {provider_name()}.")
    return redirect("mfa_index")
