"""People: an office's staff, an administrator's list, and the page behind an invitation."""

from __future__ import annotations

import logging
from smtplib import SMTPException
from typing import Any

from allauth.account.utils import perform_login
from allauth.core import ratelimit
from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from assessments.forms.people import AcceptForm, EndTermForm, InviteForm, InviteStaffForm, RenameForm
from assessments.models import Invitation, Membership, Office, User
from assessments.services import people as services
from assessments.services.hashing import TooManyHashing
from assessments.views.access import administrator, fresh_to_send, freshly_signed_in, signed_in
from assessments.views.not_saved import FAULTS
from config.allauth_private import record_authentication

log = logging.getLogger(__name__)


def _invite(request: HttpRequest, by: User, **invitation: Any) -> bool:
    """Send an invitation and show a message about it. Returns whether it was sent."""
    if not ratelimit.consume(request, action="invite", user=by):
        messages.error(request, "You have sent many invitations in a short time. Try again in an hour.")
        return False
    try:
        services.invite(by=by, **invitation)
    except (OSError, SMTPException):
        messages.error(
            request,
            "The email could not be sent. Any earlier link to this address still works. Try again in a few minutes.",
        )
        return False
    messages.success(request, f"The invitation to {invitation['email']} is on its way.")
    return True


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
@fresh_to_send
def office_people(request: HttpRequest, by: User, pk: int) -> HttpResponse:
    """The people of an office. Its member invites and removes staff."""
    office = get_object_or_404(Office.objects.visible_to(by).select_related("member"), pk=pk)
    is_member = office.member_id == by.pk
    may_invite = is_member and office.ends_on is None
    form = InviteStaffForm(request.POST if request.method == "POST" else None, office=office)
    if request.method == "POST" and not may_invite:
        raise Http404
    if form.is_valid() and _invite(
        request, by, email=form.cleaned_data["email"], role="staff", office=office
    ):
        return redirect("office_people", pk=pk)
    context = {
        "office": office,
        "may_invite": may_invite,
        "may_remove": is_member,
        "form": form,
        "memberships": Membership.objects.current()
        .filter(office=office)
        .select_related("user")
        .prefetch_related("user__former_names"),
        "invitations": _still_open(Invitation.objects.filter(office=office)),
    }
    return render(request, "people/office.html", context)


def _still_open(invitations: QuerySet[Invitation]) -> QuerySet[Invitation]:
    return invitations.filter(pk__in=Invitation.objects.open()).select_related("invited_by")


@require_POST
@signed_in
@freshly_signed_in
def remove_staff(request: HttpRequest, by: User, pk: int, membership: int) -> HttpResponse:
    """Remove someone from the staff of the member's own office."""
    memberships = Membership.objects.current().filter(office__pk=pk, office__member=by).select_related("user")
    leaving = get_object_or_404(memberships, pk=membership)
    services.remove_staff(membership=leaving, by=by)
    messages.success(request, f"{leaving.user} no longer works in this office, and is signed out everywhere.")
    return redirect("office_people", pk=pk)


@require_POST
@signed_in
@freshly_signed_in
def revoke_invitation(request: HttpRequest, by: User, pk: int) -> HttpResponse:
    """Revoke an invitation."""
    invitation = get_object_or_404(Invitation.objects.visible_to(by), pk=pk)
    if services.revoke(invitation=invitation, by=by):
        messages.success(request, f"The invitation to {invitation.email} no longer works.")
    else:
        can = "remove them" if invitation.office_id else "close their sign-in"
        messages.warning(request, f"{invitation.email} has come in already. You can {can} above.")
    return redirect("office_people", pk=invitation.office_id) if invitation.office_id else redirect("people")


@require_http_methods(["GET", "HEAD", "POST"])
@administrator
@fresh_to_send
def people(request: HttpRequest, by: User) -> HttpResponse:
    """All offices and people, for administrators. The page has no answers."""
    form = InviteForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and _invite(request, by, **form.cleaned_data):
        _warn_of_other_invitations(request, by, **form.cleaned_data)
        return redirect("people")
    everyone = User.objects.order_by("name", "email").prefetch_related("former_names")
    context = {
        "form": form,
        "offices": Office.objects.select_related("member")
        .prefetch_related("former_names", "member__former_names")
        .order_by("ends_on", "name"),
        "officers": everyone.filter(is_officer=True),
        "administrators": everyone.filter(is_staff=True),
        "others": everyone.filter(is_officer=False, is_staff=False),
        "invitations": _still_open(Invitation.objects.visible_to(by)),
    }
    return render(request, "people/people.html", context)


def _warn_of_other_invitations(request: HttpRequest, by: User, email: str, role: str, **_: Any) -> None:
    """Warn if the address has other open invitations to another role: only one of them can be meant."""
    others = Invitation.objects.visible_to(by).open().filter(email=email).exclude(role=role)
    if roles := " and ".join(dict.fromkeys(other.get_role_display().lower() for other in others)):
        messages.warning(
            request,
            f"{email} has another open invitation, for this: {roles}. Take back the one that is not meant.",
        )


@require_http_methods(["GET", "HEAD", "POST"])
@administrator
@freshly_signed_in
def end_term(request: HttpRequest, by: User, pk: int) -> HttpResponse:
    """End a term, after a confirmation of the day, so that a successor can be invited to the seat."""
    office = get_object_or_404(Office.objects.current().select_related("member"), pk=pk)
    form = EndTermForm(request.POST if request.method == "POST" else None, office=office)
    last_day = form.cleaned_data["on"] if form.is_valid() else None
    if last_day and request.POST.get("sure") == last_day.isoformat():
        services.end_term(office=office, on=last_day, by=by)
        messages.success(request, f"The term of {office} has ended. You can invite a successor to the seat.")
        return redirect("people")
    return render(request, "people/end_term.html", {"office": office, "form": form, "last_day": last_day})


@require_http_methods(["GET", "HEAD", "POST"])
@administrator
@freshly_signed_in
def rename_person(request: HttpRequest, by: User, pk: int) -> HttpResponse:
    """Change a person's name."""
    person = get_object_or_404(User, pk=pk)
    form = RenameForm(request.POST if request.method == "POST" else None, initial={"name": person.name})
    if form.is_valid():
        services.rename_person(user=person, name=form.cleaned_data["name"], by=by)
        messages.success(request, f"Name changed to {form.cleaned_data['name']}.")
        return redirect("people")
    return render(request, "people/rename.html", {"form": form, "named": person})


@require_http_methods(["GET", "HEAD", "POST"])
@administrator
@freshly_signed_in
def rename_office(request: HttpRequest, by: User, pk: int) -> HttpResponse:
    """Change the name of an office."""
    office = get_object_or_404(Office.objects.select_related("member"), pk=pk)
    form = RenameForm(request.POST if request.method == "POST" else None, initial={"name": office.name})
    if form.is_valid():
        try:
            services.rename_office(office=office, name=form.cleaned_data["name"], by=by)
        except services.DuplicateSeat:
            form.add_error("name", "Another office has this name. Enter a different name.")
        else:
            messages.success(request, f"Name changed to {form.cleaned_data['name']}.")
            return redirect("people")
    return render(request, "people/rename.html", {"form": form, "named": office})


@require_POST
@administrator
@freshly_signed_in
def set_active(request: HttpRequest, by: User, pk: int) -> HttpResponse:
    """Suspend someone's sign-in, or reopen it. Not their own: one administrator must be left."""
    person = get_object_or_404(User.objects.exclude(pk=by.pk), pk=pk)
    active = "active" in request.POST
    services.set_active(user=person, active=active, by=by)
    effect = "can sign in again" if active else "can no longer sign in, and is signed out everywhere"
    messages.success(request, f"{person} {effect}.")
    return redirect("people")


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, key: str) -> HttpResponse:
    """Accept an invitation, with a new sign-in or with the one that the person is using."""
    open_invitation = Invitation.objects.open().with_key(key).select_related("office__member").first()
    if open_invitation is None:
        return render(request, "people/no_invitation.html", status=404)
    user = request.user if isinstance(request.user, User) else None
    is_theirs = user is not None and user.email == open_invitation.email
    form = AcceptForm(
        request.POST if request.method == "POST" and user is None else None, email=open_invitation.email
    )
    context: dict[str, Any] = {"invitation": open_invitation, "form": form, "is_theirs": is_theirs}
    if request.method == "POST" and (is_theirs or (user is None and form.is_valid())):
        new_person = (
            {}
            if user
            else {"name": form.cleaned_data["name"], "password": form.cleaned_data["new_password1"]}
        )
        try:
            person = services.accept(key=key, user=user, **new_person)
        except services.InvitationGone:
            return render(request, "people/no_invitation.html", status=404)
        except services.ExistingAccount:
            context["has_account"] = True
        except TooManyHashing as error:
            context["busy"] = str(error)
        except services.CannotJoin as error:
            context["problem"] = str(error)
        else:
            first_page = reverse("people" if person.is_staff else "register")
            if user is None:
                return _signed_in(request, person, first_page)
            messages.success(request, f"Welcome, {person}.")
            return redirect(first_page)
    return render(request, "people/invitation.html", context)


def _signed_in(request: HttpRequest, person: User, first_page: str) -> HttpResponse:
    """Sign in someone who has just joined, or have them sign in if the database takes no new session now."""
    try:
        # They have just chosen a password, so they need not enter it again to confirm who they are.
        record_authentication(request, person, method="password", email=person.email)
        response: HttpResponse = perform_login(request, person, redirect_url=first_page)
    except FAULTS as error:
        log.error("Someone joined and could not be signed in: %s", type(error).__name__)
        request.session.modified = False
        return redirect(f"{reverse('account_login')}?ready")
    messages.success(request, f"Welcome, {person}.")
    return response
