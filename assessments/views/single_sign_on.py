"""Single sign-on by OpenID Connect: the redirect to the provider, the return, and what follows.

Whatever goes wrong, people see the same page, which reveals no one's sign-in. The reason is in the log.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import asdict, dataclass
from typing import Any

from allauth.account import views as account
from allauth.account.adapter import get_adapter
from allauth.account.utils import get_next_redirect_url, perform_login
from allauth.mfa.base import views as mfa
from django.conf import settings
from django.contrib import messages
from django.contrib.sessions.backends.base import UpdateError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from assessments.forms.people import JoinForm
from assessments.models import Invitation, User
from assessments.oidc.claims import Identity, Reason, Refusal
from assessments.oidc.client import Departure, address_to_leave, identity_of
from assessments.services import people, security_log, sign_ins
from assessments.services.security_log import Event, Method, write
from assessments.typed.mending import mended_line
from assessments.views.access import ASKED_NOW, ASSERTED_STEP, BY_PROVIDER, freshly_signed_in, signed_in
from assessments.views.sign_in import change_key, welcome
from config.allauth_private import consume, record_authentication
from config.oidc import Provider

DEPARTURES, MAX_DEPARTURES, DEPARTURE_SECONDS = "departures", 10, 10 * 60
"""The session's key for those who left for the provider, by their state; how many it keeps, and for how long."""
TO_LINK, TO_JOIN, PENDING_SECONDS = "to_link", "to_join", 15 * 60
"""The session's keys for a person who came by single sign-on and has yet to prove that a sign-in is theirs, or to
accept an invitation; and how many seconds they have.
"""
MAX_NAME = 200


@dataclass(frozen=True)
class Trip:
    """What the session keeps about a departure: the page to go to afterwards, and who the person must prove to be."""

    departure: Departure
    next_url: str
    confirms: int | None


def refused(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """The same page for everyone who is refused, and a line in the log with the reason."""
    log_refusal(request, refusal)
    return render(request, "account/single_sign_on_refused.html", {"at": timezone.now()}, status=403)


def log_refusal(request: HttpRequest, refusal: Refusal) -> None:
    """Tell the operator why, and whose sign-in it is about. No line has an address or a claim's value."""
    by = request.user if isinstance(request.user, User) else None
    write(
        Event.SINGLE_SIGN_ON_REFUSED,
        person=refusal.person or by,
        by=by,
        method=Method.SINGLE_SIGN_ON,
        reason=refusal.reason,
    )


def _provider() -> Provider:
    provider: Provider | None = settings.OIDC
    if provider is None:
        raise Http404
    return provider


def sign_in(request: HttpRequest) -> HttpResponse:
    """The sign-in page. It takes no password where people sign in by single sign-on only."""
    if request.method == "POST" and settings.OIDC and settings.OIDC.only:
        return redirect("account_login")
    response: HttpResponse = account.login(request)
    return response


class SignInSettings(mfa.IndexView):  # type: ignore[misc]  # allauth ships no types
    """The ways in which a person signs in."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "is_linked": sign_ins.is_linked(user=self.request.user)}


# --- Leaving and coming back -----------------------------------------------------------


@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """Redirect to the provider. Pages link here, because our policy blocks forms that lead elsewhere.

    A link on another site opens the sign-in page first, so no one is signed in without pressing a button here.
    """
    if request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
        return redirect(request.get_full_path().replace(request.path, reverse("account_login"), 1))
    return _leave(request)


@require_safe
@signed_in
def confirm(request: HttpRequest, by: User) -> HttpResponse:
    """Redirect to the provider, which is to ask the person again who they are."""
    return _leave(request, confirms=by.pk)


def _leave(request: HttpRequest, confirms: int | None = None) -> HttpResponse:
    provider = _provider()
    if not consume(request, app="allauth.account", action="single_sign_on", limit_get=True):
        write(
            Event.SINGLE_SIGN_ON_REFUSED,
            method=Method.SINGLE_SIGN_ON,
            reason=security_log.Reason.NETWORK_LIMIT,
        )
        return render(request, "429.html", status=429)
    departure = Departure(
        state=secrets.token_urlsafe(24),
        nonce=secrets.token_urlsafe(24),
        verifier=secrets.token_urlsafe(48),
        left_at=time.time(),
    )
    try:
        address = address_to_leave(provider, departure, back=_way_back(), ask_again=confirms is not None)
    except Refusal as refusal:
        return refused(request, refusal)
    trip = Trip(departure, get_next_redirect_url(request) or "", confirms)
    kept = {**request.session.get(DEPARTURES, {}), departure.state: asdict(trip)}
    newest = list(kept)[-MAX_DEPARTURES:]
    request.session[DEPARTURES] = {state: kept[state] for state in newest}
    return redirect(address)


def _way_back() -> str:
    """The address to which the provider sends people back."""
    return settings.PORTAL_URL + reverse("single_sign_on_callback")


def _taken_trip(request: HttpRequest) -> Trip:
    """The departure that this way back belongs to. It counts once, in this browser, for some minutes."""
    kept = request.session.get(DEPARTURES, {})
    trip = kept.pop(request.GET.get("state", ""), None)
    if trip is None:
        raise Refusal(Reason.STATE)
    request.session[DEPARTURES] = kept
    # Now: the provider may take a while to answer, and another request must not take the same departure.
    try:
        request.session.save()
    except UpdateError as error:
        # Another request has taken it, and has signed the person in: the session has a new key.
        request.session.modified = False
        raise Refusal(Reason.STATE) from error
    departure = Departure(**trip["departure"])
    if not 0 <= time.time() - departure.left_at < DEPARTURE_SECONDS:
        raise Refusal(Reason.STATE)
    return Trip(departure, trip["next_url"], trip["confirms"])


@require_safe
def callback(request: HttpRequest) -> HttpResponse:
    """The address to which the provider sends people back."""
    provider = _provider()
    try:
        trip = _taken_trip(request)
        if "code" not in request.GET:
            raise Refusal(Reason.PROVIDER_REFUSED)
        identity = identity_of(
            provider, trip.departure, code=request.GET["code"], back=_way_back(), now=time.time()
        )
        if trip.confirms is not None:
            return _confirmed(request, trip, identity)
        return _arrived(request, provider, trip, identity)
    except Refusal as refusal:
        return refused(request, refusal)


def _arrived(request: HttpRequest, provider: Provider, trip: Trip, identity: Identity) -> HttpResponse:
    """Sign the person in, or lead them to link or to join."""
    person = _person_of(provider, identity)
    if person:
        return _sign_in(request, person, identity, trip)
    if User.objects.filter(email=identity.address).exists():
        request.session[TO_LINK] = {**_pending(identity), "next_url": trip.next_url}
        return redirect("link_single_sign_on")
    invitation = _invitation_of(trip, identity)
    request.session[TO_JOIN] = {
        **_pending(identity),
        "invitation": invitation.pk,
        "asked_now": identity.proven_since(trip.departure.left_at, now=time.time())
        or invitation == _named_invitation(trip),
    }
    return redirect("join_by_single_sign_on")


def _person_of(provider: Provider, identity: Identity) -> User | None:
    """The person who is linked to this identity, or whom its address links now; None if nobody is. Raises Refusal."""
    person = sign_ins.linked_person(identity)
    if person is None:
        if not identity.address:
            raise Refusal(Reason.NO_ADDRESS)
        person = User.objects.filter(email=identity.address).first()
        if person and person.is_active and not provider.only:
            # They prove first that the sign-in is theirs, with the password.
            return None
        if person and person.is_active:
            sign_ins.link_single_sign_on(by=person, identity=identity, replace=False)
    if person and not person.is_active:
        raise Refusal(Reason.SUSPENDED, person=person)
    return person


def _sign_in(request: HttpRequest, person: User, identity: Identity, trip: Trip) -> HttpResponse:
    if request.user.is_authenticated:
        get_adapter().logout(request)
    asked_now = identity.proven_since(trip.departure.left_at, now=time.time())
    record_authentication(request, person, BY_PROVIDER, **_marks(identity, asked_now=asked_now))
    response: HttpResponse = perform_login(request, person, redirect_url=trip.next_url or None)
    return response


def _marks(identity: Identity, *, asked_now: bool) -> dict[str, bool]:
    """What the session records of how the person signed in."""
    return {ASKED_NOW: asked_now, ASSERTED_STEP: identity.took_second_step}


def _confirmed(request: HttpRequest, trip: Trip, identity: Identity) -> HttpResponse:
    """Record that the person has just confirmed who they are, if the provider asked them after they left.

    Only `auth_time` shows that: a browser could drop the request to ask again from the address it leaves by.
    """
    person = _person_of(_provider(), identity)
    if not isinstance(request.user, User) or trip.confirms != request.user.pk or person != request.user:
        raise Refusal(Reason.LINKED_TO_ANOTHER)
    if identity.auth_time is None:
        raise Refusal(Reason.NO_AUTH_TIME)
    if not identity.proven_since(trip.departure.left_at, now=time.time()):
        raise Refusal(Reason.NOT_PROVEN_NOW)
    record_authentication(request, request.user, BY_PROVIDER, **_marks(identity, asked_now=True))
    change_key(request)
    write(Event.IDENTITY_CONFIRMED, person=person, by=person, method=Method.SINGLE_SIGN_ON)
    return redirect(trip.next_url or get_adapter().get_login_redirect_url(request))


# --- Joining -----------------------------------------------------------------------------


def _named_invitation(trip: Trip) -> Invitation | None:
    """The open invitation from whose page the person left; None if they left from elsewhere. Raises Refusal."""
    try:
        match = resolve(trip.next_url)
    except Resolver404:
        return None
    if match.view_name != "invitation":
        return None
    invitation = Invitation.objects.open().with_key(match.kwargs["key"]).first()
    if invitation is None:
        raise Refusal(Reason.INVITATION_GONE)
    return invitation


def _invitation_of(trip: Trip, identity: Identity) -> Invitation:
    """The invitation that a person without a sign-in may accept. Raises Refusal.

    The provider's word for the address replaces the link in the email: both show that the address is the person's.
    """
    invitation = _named_invitation(trip)
    if invitation and invitation.email != identity.address:
        raise Refusal(Reason.OTHER_ADDRESS)
    invitation = invitation or Invitation.objects.open().filter(email=identity.address).first()
    if invitation is None:
        raise Refusal(Reason.NO_INVITATION)
    return invitation


@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest) -> HttpResponse:
    """Accept an invitation with a new sign-in that has no password: only the name is asked."""
    try:
        pending = _taken_pending(request, TO_JOIN)
    except Refusal as refusal:
        return refused(request, refusal)
    identity = Identity(**pending["identity"])
    invitation = (
        Invitation.objects.open().filter(pk=pending["invitation"]).select_related("office__member").first()
    )
    if invitation is None:
        log_refusal(request, Refusal(Reason.INVITATION_GONE))
        return render(request, "people/no_invitation.html", status=404)
    name = mended_line(identity.name)[:MAX_NAME]
    form = JoinForm(request.POST if request.method == "POST" else None, initial={"name": name})
    context: dict[str, Any] = {"invitation": invitation, "form": form}
    if form.is_valid():
        try:
            person = sign_ins.join(invitation=invitation, name=form.cleaned_data["name"], identity=identity)
        except people.InvitationGone:
            log_refusal(request, Refusal(Reason.INVITATION_GONE))
            return render(request, "people/no_invitation.html", status=404)
        except people.ExistingAccount:
            # It was made a moment ago. The provider's next answer leads to it.
            return redirect("single_sign_on")
        except Refusal as refusal:
            return refused(request, refusal)
        except people.CannotJoin as error:
            context["problem"] = str(error)
        else:
            return _joined(request, person, pending, identity)
    return render(request, "account/single_sign_on_join.html", context)


def _joined(request: HttpRequest, person: User, pending: dict[str, Any], identity: Identity) -> HttpResponse:
    del request.session[TO_JOIN]
    if request.user.is_authenticated:
        get_adapter().logout(request)
    return welcome(request, person, BY_PROVIDER, **_marks(identity, asked_now=pending["asked_now"]))


# --- Linking -----------------------------------------------------------------------------


def _pending(identity: Identity) -> dict[str, Any]:
    return {"identity": asdict(identity), "at": int(time.time())}


def _taken_pending(request: HttpRequest, key: str) -> dict[str, Any]:
    """The identity that waits in this session, with what belongs to it. Raises Refusal."""
    provider, pending = _provider(), request.session.get(key)
    if not pending or not 0 <= time.time() - pending["at"] < PENDING_SECONDS:
        raise Refusal(Reason.TOO_LATE)
    if pending["identity"]["issuer"] != provider.issuer:
        raise Refusal(Reason.ISSUER)
    return dict(pending)


@require_http_methods(["GET", "HEAD", "POST"])
def link(request: HttpRequest) -> HttpResponseBase:
    """Link single sign-on to the sign-in of a person who has signed in here."""
    try:
        pending = _taken_pending(request, TO_LINK)
        identity = Identity(**pending["identity"])
        if not isinstance(request.user, User):
            return render(request, "account/single_sign_on_first.html")
        if request.user.email != identity.address:
            raise Refusal(Reason.OTHER_ADDRESS)
    except Refusal as refusal:
        return refused(request, refusal)
    return _link(request, by=request.user, identity=identity, next_url=pending["next_url"])


@freshly_signed_in
def _link(request: HttpRequest, by: User, identity: Identity, next_url: str) -> HttpResponse:
    if request.method != "POST":
        return render(request, "account/single_sign_on_link.html")
    try:
        sign_ins.link_single_sign_on(by=by, identity=identity, replace=True)
    except Refusal as refusal:
        return refused(request, refusal)
    del request.session[TO_LINK]
    messages.success(request, f"You can now sign in with {_provider().name}.")
    return redirect(next_url or "mfa_index")


@require_POST
@signed_in
@freshly_signed_in
def unlink(request: HttpRequest, by: User) -> HttpResponse:
    """Remove the link."""
    provider = _provider()
    if provider.only:
        raise Http404
    try:
        sign_ins.unlink_single_sign_on(by=by)
    except sign_ins.NoPassword:
        messages.error(request, f"Set a password first. Without one, you need {provider.name} to sign in.")
        return redirect("mfa_index")
    messages.success(request, f"You can no longer sign in with {provider.name}.")
    return redirect("mfa_index")
