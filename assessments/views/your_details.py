"""A person's own name and email address."""

from __future__ import annotations

from typing import Any

from allauth.core import ratelimit
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from assessments.forms.people import OwnEmailForm, OwnNameForm
from assessments.models import EmailChange, User
from assessments.services import email_changes
from assessments.services.people import rename_person
from assessments.services.sign_ins import is_linked
from assessments.views.access import freshly_signed_in, signed_in
from assessments.views.sign_in import mark_known

SAME_ADDRESS = "This is already your email address. Enter a different one."
TOO_MANY = "You have asked for many links in a short time. Try again in an hour."


def _page(
    request: HttpRequest,
    by: User,
    *,
    name_form: OwnNameForm | None = None,
    email_form: OwnEmailForm | None = None,
) -> HttpResponse:
    context: dict[str, Any] = {
        "name_form": name_form or OwnNameForm(initial={"name": by.name}),
        "email_form": email_form or OwnEmailForm(),
        "change": EmailChange.objects.filter(user=by).first(),
        "is_linked": is_linked(user=by),
    }
    return render(request, "people/your_details.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
@freshly_signed_in
def your_details(request: HttpRequest, by: User) -> HttpResponse:
    """The person's name and email address. A POST changes the name."""
    if request.method != "POST":
        return _page(request, by)
    form = OwnNameForm(request.POST)
    if not form.is_valid():
        return _page(request, by, name_form=form)
    rename_person(user=by, name=form.cleaned_data["name"], by=by)
    messages.success(request, f"Your name is now {form.cleaned_data['name']}.")
    return redirect("your_details")


@require_POST
@signed_in
@freshly_signed_in
def change_email(request: HttpRequest, by: User) -> HttpResponse:
    """Ask for another email address. The page is the same whether or not the address has a sign-in."""
    form = OwnEmailForm(request.POST)
    if not form.is_valid():
        return _page(request, by, email_form=form)
    email = form.cleaned_data["email"]
    if not ratelimit.consume(request, action="change_email", user=by):
        form.add_error("email", TOO_MANY)
        return _page(request, by, email_form=form)
    try:
        email_changes.ask_for_email(email=email, by=by)
    except email_changes.SameAddress:
        form.add_error("email", SAME_ADDRESS)
        return _page(request, by, email_form=form)
    messages.success(request, f"An email with a link is on its way to {email}.")
    return redirect("your_details")


@require_POST
@signed_in
@freshly_signed_in
def cancel_email(request: HttpRequest, by: User) -> HttpResponse:
    """Cancel a change of email address that is not confirmed yet."""
    email_changes.cancel_email(by=by)
    messages.success(request, f"The change is cancelled. Your email address is {by.email}.")
    return redirect("your_details")


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def confirm_email(request: HttpRequest, by: User, token: str) -> HttpResponse:
    """The page behind the link that confirms a new email address; its button makes the change."""
    try:
        if request.method != "POST":
            change = email_changes.change_of(token=token, by=by)
            return render(request, "people/confirm_email.html", {"change": change})
        email_changes.confirm_email(token=token, by=by, session=request.session.session_key)
    except email_changes.OtherPerson:
        return render(request, "people/confirm_email.html", {"problem": "other person"}, status=403)
    except email_changes.LinkExpired:
        return render(request, "people/confirm_email.html", {"problem": "expired"}, status=404)
    except email_changes.AddressTaken:
        return render(request, "people/confirm_email.html", {"problem": "taken"}, status=409)
    except email_changes.LinkGone:
        return render(request, "people/confirm_email.html", {"problem": "gone"}, status=404)
    by.refresh_from_db(fields=["email"])
    messages.success(
        request,
        f"Your email address is now {by.email}. Sign in with it from now on. You are signed out elsewhere.",
    )
    response = redirect("your_details")
    # The next sign-in is in this browser, with the new address. It is no new device.
    mark_known(request, response, by.email)
    return response
