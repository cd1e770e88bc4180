"""People: an office's staff, an administrator's list, and the page behind an invitation."""

from __future__ import annotations

from collections.abc import Callable
from smtplib import SMTPException
from typing import Any

from allauth.core import ratelimit
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from assessments.forms.people import AcceptForm, EndTermForm, InviteForm, InviteStaffForm, RenameForm
from assessments.models import Invitation, Membership, Office, User
from assessments.reports.access_reviews import current_review, offices_to_review, portal_to_review
from assessments.reports.people import directory
from assessments.services import people as services
from assessments.services.hashing import TooManyHashing
from assessments.typed.mending import mended_line
from assessments.views.access import administrator, fresh_to_send, freshly_signed_in, signed_in
from assessments.views.sign_in import welcome

SEARCH = "people_search"
"""The session's key for the words of an administrator's last search. No address has them."""
MAX_SEARCH = 200
"""Characters of a search; the rest is ignored."""
EARLIER_LINK = "The link in the earlier email no longer works."
REPLACED_BY = {"email": "", "role": "", "office": None, "seat": ""}
"""The fields of an invitation, with their defaults: a new one replaces earlier ones that have the same values."""


def _send(request: HttpRequest, by: User, message: str, send: Callable[[], Invitation]) -> bool:
    """Send an invitation and show `message`, or why it was not sent. Returns whether it was sent."""
    if not ratelimit.consume(request, action="invite", user=by):
        messages.error(request, "You have sent many invitations in a short time. Try again in an hour.")
        return False
    try:
        send()
    except (OSError, SMTPException):
        messages.error(
            request,
            "The email could not be sent. Any earlier link to this address still works. Try again in a few minutes.",
        )
        return False
    messages.success(request, message)
    return True


def _invite(request: HttpRequest, by: User, **invitation: Any) -> bool:
    message = f"The invitation to {invitation['email']} is on its way."
    keys = {name: invitation.get(name, default) for name, default in REPLACED_BY.items()}
    if Invitation.objects.open().filter(**keys).exists():
        message = f"A new invitation to {invitation['email']} is on its way. {EARLIER_LINK}"
    return _send(request, by, message, lambda: services.invite(by=by, **invitation))


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
        "invitations": Invitation.objects.filter(office=office).unanswered(),
        "may_review": is_member and office.ends_on is None,
        "review": current_review(),
        "is_due": is_member and offices_to_review(current_review()).filter(pk=pk).exists(),
    }
    return render(request, "people/office.html", context)


@require_safe
@signed_in
def office_settings(request: HttpRequest, by: User, pk: int) -> HttpResponse:
    """The settings of an office, each on a page of its own."""
    office = get_object_or_404(Office.objects.visible_to(by).select_related("member"), pk=pk)
    context = {
        "office": office,
        "is_member": office.member_id == by.pk,
        "people_count": 1 + Membership.objects.current().filter(office=office).count(),
        "invitation_count": Invitation.objects.open().filter(office=office).count(),
    }
    return render(request, "people/settings.html", context)


@require_POST
@signed_in
@freshly_signed_in
def remove_staff(request: HttpRequest, by: User, pk: int, membership: int) -> HttpResponse:
    """Remove someone from the staff of the member's own office."""
    memberships = Membership.objects.current().filter(office__pk=pk, office__member=by).select_related("user")
    leaving = get_object_or_404(memberships, pk=membership)
    services.remove_staff(membership=leaving, by=by)
    messages.success(request, f"{leaving.user} was removed from your staff and signed out everywhere.")
    return redirect("review_staff" if "review" in request.POST else "office_people", pk=pk)


@require_POST
@signed_in
@freshly_signed_in
def revoke_invitation(request: HttpRequest, by: User, pk: int) -> HttpResponse:
    """Revoke an invitation."""
    invitation = get_object_or_404(Invitation.objects.visible_to(by), pk=pk)
    if services.revoke(invitation=invitation, by=by):
        messages.success(request, f"The invitation to {invitation.email} no longer works.")
    else:
        messages.warning(request, _joined_already(invitation))
    return _list_of(invitation)


@require_POST
@signed_in
@freshly_signed_in
def resend_invitation(request: HttpRequest, by: User, pk: int) -> HttpResponse:
    """Send an invitation again. Its new link replaces the earlier one."""
    visible = Invitation.objects.visible_to(by).select_related("office__member")
    invitation = get_object_or_404(visible, pk=pk)
    problem = _why_not_resend(invitation)
    if problem:
        messages.warning(request, problem)
        return _list_of(invitation)
    message = f"A new invitation to {invitation.email} is on its way. {EARLIER_LINK}"
    try:
        _send(request, by, message, lambda: services.resend(invitation=invitation, by=by))
    except services.InvitationUsed:
        messages.warning(request, _joined_already(invitation))
    except services.InvitationGone:
        messages.warning(request, _withdrawn(invitation))
    return _list_of(invitation)


def _why_not_resend(invitation: Invitation) -> str:
    """Why an invitation cannot be sent again, in words; empty if it can be."""
    if invitation.used_at is not None:
        return _joined_already(invitation)
    if invitation.revoked_at is not None:
        return _withdrawn(invitation)
    if invitation.office is not None and invitation.office.ends_on is not None:
        return "This term has ended, so you can’t invite anyone."
    sent = {
        "email": invitation.email,
        "role": invitation.role,
        "seat": invitation.seat,
        "starts_on": invitation.starts_on,
    }
    form = InviteStaffForm(sent, office=invitation.office) if invitation.office else InviteForm(sent)
    problems = [str(error) for errors in form.errors.values() for error in errors]
    return (
        f"The invitation to {invitation.email} was not sent again. {' '.join(problems)}" if problems else ""
    )


def _joined_already(invitation: Invitation) -> str:
    can = "remove them" if invitation.office_id else "suspend their sign-in"
    return f"{invitation.email} has already joined. You can {can} on this page."


def _withdrawn(invitation: Invitation) -> str:
    return f"The invitation to {invitation.email} was withdrawn. Send a new one with the form."


def _list_of(invitation: Invitation) -> HttpResponse:
    """Redirect to the page that lists an invitation."""
    return redirect("office_people", pk=invitation.office_id) if invitation.office_id else redirect("people")


@require_http_methods(["GET", "HEAD", "POST"])
@administrator
@fresh_to_send
def people(request: HttpRequest, by: User) -> HttpResponse:
    """All offices and people, for administrators. The page has no answers."""
    form = InviteForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and _invite(request, by, **form.cleaned_data):
        return redirect("people")
    review = current_review()
    context = {
        "form": form,
        "directory": directory(by=by),
        "review": review,
        "is_due": portal_to_review(review),
        "overdue": list(offices_to_review(review).select_related("member")) if review.is_overdue else [],
    }
    return render(request, "people/people.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@administrator
def search_people(request: HttpRequest, by: User) -> HttpResponse:
    """Search people, offices and invitations. A POST keeps the words in the session, so that no address has them."""
    if request.method == "POST":
        request.session[SEARCH] = mended_line(request.POST.get("words", ""))[:MAX_SEARCH]
        return redirect("search_people")
    words = request.session.get(SEARCH, "")
    if not words:
        return redirect("people")
    context = {"form": InviteForm(), "directory": directory(by=by, words=words), "words": words}
    return render(request, "people/people.html", context)


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
        messages.success(request, f"The term of {office} has ended. You can now invite a successor.")
        return redirect("people")
    context = {"office": office, "form": form, "last_day": last_day, "today": timezone.localdate()}
    return render(request, "people/end_term.html", context)


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
    messages.success(
        request,
        f"Sign-in restored for {person}."
        if active
        else f"Sign-in suspended for {person}, who is signed out everywhere.",
    )
    return redirect("review_access" if "review" in request.POST else "people")


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, key: str) -> HttpResponse:
    """Accept an invitation, with a new sign-in or with the one that the person is using."""
    open_invitation = Invitation.objects.open().with_key(key).select_related("office__member").first()
    if open_invitation is None:
        return render(request, "people/no_invitation.html", status=404)
    user = request.user if isinstance(request.user, User) else None
    is_theirs = user is not None and user.email == open_invitation.email
    # Where people sign in by single sign-on only, no form takes a password.
    may_choose = user is None and not (settings.OIDC and settings.OIDC.only)
    form = AcceptForm(
        request.POST if request.method == "POST" and may_choose else None, email=open_invitation.email
    )
    context: dict[str, Any] = {"invitation": open_invitation, "form": form, "is_theirs": is_theirs}
    if is_theirs and user is not None and request.method != "POST":
        context["problem"] = services.why_not_join(invitation=open_invitation, user=user)
    if request.method == "POST" and (is_theirs or form.is_valid()):
        new_person = (
            {}
            if user
            else {"name": form.cleaned_data["name"], "password": form.cleaned_data["new_password1"]}
        )
        try:
            person = services.accept(invitation=open_invitation, user=user, **new_person)
        except services.InvitationGone:
            return render(request, "people/no_invitation.html", status=404)
        except services.ExistingAccount:
            context["has_account"] = True
        except TooManyHashing as error:
            context["busy"] = str(error)
        except services.CannotJoin as error:
            context["problem"] = str(error)
        else:
            if user is None:
                return welcome(request, person, "password", email=person.email)
            messages.success(request, f"Welcome, {person}.")
            return redirect("people" if person.is_staff else "register")
    return render(request, "people/invitation.html", context)
