"""People: an office's staff, an administrator's list, and the page behind an invitation."""

from __future__ import annotations

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

from assessments.forms.people import AcceptForm, EndTermForm, InviteForm, InviteStaffForm
from assessments.models import Invitation, Membership, Office, User
from assessments.services import people as services
from assessments.views.access import administrator, fresh_to_send, freshly_signed_in, signed_in
from config.allauth_private import record_authentication


def _invited(request: HttpRequest, by: User, **invited: Any) -> bool:
    """Send an invitation, and say what became of it."""
    if not ratelimit.consume(request, action="invite", user=by):
        messages.error(request, "You have sent many invitations in a short time. Try again in an hour.")
        return False
    try:
        services.invite(by=by, **invited)
    except (OSError, SMTPException):
        messages.error(
            request, "The mail could not be sent. Try again in a few minutes: a new link will be made."
        )
        return False
    messages.success(request, f"The invitation to {invited['email']} is on its way.")
    return True


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
@fresh_to_send
def office_people(request: HttpRequest, by: User, pk: int) -> HttpResponse:
    """Who works in an office; its member invites and removes."""
    office = get_object_or_404(Office.objects.visible_to(by).select_related("member"), pk=pk)
    is_member = office.member_id == by.pk
    may_invite = is_member and office.ends_on is None
    form = InviteStaffForm(request.POST if request.method == "POST" else None, office=office)
    if request.method == "POST" and not may_invite:
        raise Http404
    if form.is_valid() and _invited(
        request, by, email=form.cleaned_data["email"], role="staff", office=office
    ):
        return redirect("office_people", pk=pk)
    context = {
        "office": office,
        "may_invite": may_invite,
        "may_remove": is_member,
        "form": form,
        "memberships": Membership.objects.current().filter(office=office).select_related("user"),
        "invitations": _open(Invitation.objects.filter(office=office)),
    }
    return render(request, "people/office.html", context)


def _open(invitations: QuerySet[Invitation]) -> QuerySet[Invitation]:
    return invitations.filter(pk__in=Invitation.objects.open()).select_related("invited_by")


@require_POST
@signed_in
@freshly_signed_in
def remove_staff(request: HttpRequest, by: User, pk: int, membership: int) -> HttpResponse:
    """End someone's work in one's own office."""
    found = Membership.objects.current().filter(office__pk=pk, office__member=by).select_related("user")
    leaving = get_object_or_404(found, pk=membership)
    services.remove_staff(membership=leaving, by=by)
    messages.success(request, f"{leaving.user} no longer works in this office, and is signed out everywhere.")
    return redirect("office_people", pk=pk)


@require_POST
@signed_in
@freshly_signed_in
def revoke_invitation(request: HttpRequest, by: User, pk: int) -> HttpResponse:
    """Take back an invitation."""
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
    """All offices and people, for administrators: who is who, and no answers."""
    form = InviteForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and _invited(request, by, **form.cleaned_data):
        _tell_of_others(request, by, **form.cleaned_data)
        return redirect("people")
    everyone = User.objects.order_by("name", "email")
    context = {
        "form": form,
        "offices": Office.objects.select_related("member").order_by("ends_on", "name"),
        "officers": everyone.filter(is_officer=True),
        "administrators": everyone.filter(is_staff=True),
        "others": everyone.filter(is_officer=False, is_staff=False),
        "invitations": _open(Invitation.objects.visible_to(by)),
    }
    return render(request, "people/people.html", context)


def _tell_of_others(request: HttpRequest, by: User, email: str, role: str, **_: Any) -> None:
    """Say where an address has open invitations to something else: only one of them can be meant."""
    others = Invitation.objects.visible_to(by).open().filter(email=email).exclude(role=role)
    if said := " and ".join(dict.fromkeys(other.get_role_display().lower() for other in others)):
        messages.warning(
            request,
            f"{email} has another open invitation, for this: {said}. Take back the one that is not meant.",
        )


@require_http_methods(["GET", "HEAD", "POST"])
@administrator
@freshly_signed_in
def end_term(request: HttpRequest, by: User, pk: int) -> HttpResponse:
    """End a term, so that a successor can be invited to the seat."""
    office = get_object_or_404(Office.objects.current().select_related("member"), pk=pk)
    form = EndTermForm(request.POST if request.method == "POST" else None, office=office)
    last_day = form.cleaned_data["on"] if form.is_valid() else None
    if last_day and request.POST.get("sure") == last_day.isoformat():
        services.end_term(office=office, on=last_day, by=by)
        messages.success(request, f"The term of {office} has ended. You can invite a successor to the seat.")
        return redirect("people")
    return render(request, "people/end_term.html", {"office": office, "form": form, "last_day": last_day})


@require_POST
@administrator
@freshly_signed_in
def set_active(request: HttpRequest, by: User, pk: int) -> HttpResponse:
    """Close somebody's sign-in, or open it again. Not one's own: somebody must be left."""
    person = get_object_or_404(User.objects.exclude(pk=by.pk), pk=pk)
    active = "active" in request.POST
    services.set_active(user=person, active=active, by=by)
    said = "can sign in again" if active else "can no longer sign in, and is signed out everywhere"
    messages.success(request, f"{person} {said}.")
    return redirect("people")


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, key: str) -> HttpResponse:
    """Accept an invitation: with a new account, or with the one that has signed in."""
    found = Invitation.objects.open().with_key(key).select_related("office__member").first()
    if found is None:
        return render(request, "people/no_invitation.html", status=404)
    user = request.user if isinstance(request.user, User) else None
    is_theirs = user is not None and user.email == found.email
    form = AcceptForm(request.POST if request.method == "POST" and user is None else None, email=found.email)
    context: dict[str, Any] = {"invitation": found, "form": form, "is_theirs": is_theirs}
    if request.method == "POST" and (is_theirs or (user is None and form.is_valid())):
        given = (
            {}
            if user
            else {"name": form.cleaned_data["name"], "password": form.cleaned_data["new_password1"]}
        )
        try:
            joined = services.accept(key=key, user=user, **given)
        except services.InvitationGone:
            return render(request, "people/no_invitation.html", status=404)
        except services.ExistingAccount:
            context["has_account"] = True
        except services.CannotJoin as error:
            context["problem"] = str(error)
        else:
            messages.success(request, f"Welcome, {joined}.")
            on = reverse("people" if joined.is_staff else "register")
            if user:
                return redirect(on)
            # They have just chosen the password: nobody asks for it again at once.
            record_authentication(request, joined, method="password", email=joined.email)
            came_in: HttpResponse = perform_login(request, joined, redirect_url=on)
            return came_in
    return render(request, "people/invitation.html", context)
