"""What an office keeps: deleting drafts, the retention periods, a legal hold, erasing, and exporting everything."""

from __future__ import annotations

import functools

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from assessments.forms.people import EraseForm, HoldForm, RetentionForm
from assessments.models import Assessment, Office, ShorterRetention, User
from assessments.records.clock import moment_in_words
from assessments.services import drafts, office_copy
from assessments.services import retention as services
from assessments.services.answering import Attested, DraftGone, TermEnded
from assessments.views.access import View, administrator, fresh_to_send, freshly_signed_in, signed_in
from assessments.views.downloads import file_response

CLOSED = "The term of this office has ended, so nothing was changed."
HELD = "This office is under a legal hold, so nothing can be erased. Contact an administrator of the portal."


def _own_office(view: View) -> View:
    """Give the view the member and their office, even after its term has ended; anyone else gets 404."""

    @functools.wraps(view)
    def wrapped(request: HttpRequest, by: User, pk: int) -> HttpResponseBase:
        office = get_object_or_404(Office.objects.visible_to(by).filter(member=by), pk=pk)
        return view(request, by=by, office=office)

    return signed_in(wrapped)


@require_POST
@signed_in
def delete(request: HttpRequest, by: User, pk: int) -> HttpResponse:
    """Delete a draft. A second press of the button does nothing more."""
    draft = get_object_or_404(Assessment.objects.in_offices_of(by), pk=pk)
    try:
        drafts.delete_draft(assessment=draft, by=by)
    except TermEnded:
        messages.error(request, CLOSED)
    except Attested:
        messages.error(request, "This self-check is attested, so it was not deleted.")
    else:
        messages.success(request, "The draft is deleted. You can restore it on this page for 30 days.")
    return redirect("account", pk=draft.account_id)


@require_POST
@signed_in
def restore(request: HttpRequest, by: User, pk: int) -> HttpResponse:
    """Restore a deleted draft."""
    draft = get_object_or_404(Assessment.objects.in_offices_of(by), pk=pk)
    try:
        drafts.restore_draft(assessment=draft, by=by)
    except TermEnded:
        messages.error(request, CLOSED)
    except DraftGone:
        messages.error(request, "This draft was deleted more than 30 days ago, so it cannot be restored.")
    else:
        messages.success(request, "The draft is restored.")
    return redirect("account", pk=draft.account_id)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
@fresh_to_send
def retention(request: HttpRequest, by: User, pk: int) -> HttpResponse:
    """How long an office keeps its records: the staff can read it, and the member can change it."""
    office = get_object_or_404(Office.objects.visible_to(by).select_related("member"), pk=pk)
    is_member = office.member_id == by.pk
    may_change = is_member and office.ends_on is None
    if request.method == "POST":
        get_object_or_404(Office.objects.current().filter(member=by), pk=pk)
    shorter = ShorterRetention.objects.filter(office=office).first()
    # The form shows what was chosen last, so that a second change keeps the first.
    chosen = {name: getattr(shorter or office, name) for name in RetentionForm.base_fields}

    def count_deleted(months: int, years: int) -> int:
        return services.count_older(office=office, drafts_months=months, attested_years=years)

    form = RetentionForm(
        request.POST if request.method == "POST" else None, initial=chosen, count_deleted=count_deleted
    )
    if form.is_valid():
        services.set_retention(
            office=office,
            drafts_months=form.cleaned_data["keep_drafts_months"],
            attested_years=form.cleaned_data["keep_attested_years"],
            by=by,
        )
        messages.success(request, _what_happens(office, had_shorter=shorter is not None))
        return redirect("retention", pk=pk)
    context = {
        "shorter": shorter,
        "office": office,
        "is_member": is_member,
        "may_change": may_change,
        "form": form,
    }
    return render(request, "people/retention.html", context)


def _what_happens(before: Office, *, had_shorter: bool) -> str:
    """What a choice of retention periods has changed, and when it starts. `before` is the office as it was."""
    office = Office.objects.get(pk=before.pk)
    lengthened = any(getattr(office, name) != getattr(before, name) for name in RetentionForm.base_fields)
    if shorter := ShorterRetention.objects.filter(office=office).first():
        starts = f"Shorter periods start on {moment_in_words(shorter.starts_at)}."
        return f"The longer period is saved. {starts}" if lengthened else starts
    if not had_shorter:
        return "Saved."
    return (
        "Saved. The shorter periods are cancelled." if lengthened else "Cancelled. The current periods stay."
    )


@require_http_methods(["GET", "HEAD", "POST"])
@administrator
@freshly_signed_in
def hold(request: HttpRequest, by: User, pk: int) -> HttpResponse:
    """A legal hold's reason and file number, and the forms to set or lift it."""
    office = get_object_or_404(Office.objects.select_related("member", "held_by"), pk=pk)
    wanted = request.POST.get("hold") if request.method == "POST" else None
    if request.method == "POST" and wanted not in ("set", "lift"):
        raise Http404
    form = HoldForm(request.POST if wanted == "set" else None)
    if wanted == "lift":
        if services.lift_hold(office=office, seen=request.POST.get("seen", ""), by=by):
            messages.success(request, f"Legal hold lifted for {office}. Older records can be deleted again.")
        else:
            messages.warning(
                request,
                f"The legal hold for {office} was lifted or replaced after you opened the page. Nothing was changed.",
            )
        return redirect("people")
    if form.is_valid():
        if services.set_hold(office=office, by=by, **form.cleaned_data):
            message = f"Legal hold set for {office}. Nothing will be deleted until it is lifted."
            messages.success(request, message)
        else:
            messages.warning(request, f"{office} already has a legal hold. Nothing was changed.")
        return redirect("people")
    return render(request, "people/hold.html", {"office": office, "form": form})


@require_http_methods(["GET", "HEAD", "POST"])
@_own_office
@freshly_signed_in
def erase(request: HttpRequest, by: User, office: Office) -> HttpResponse:
    """Explain what would be erased and what stays; a POST with the office's name erases it."""
    form = EraseForm(request.POST if request.method == "POST" else None, office=office)
    problem = ""
    if form.is_valid():
        try:
            count = services.erase(office=office, by=by)
        except services.OnHold:
            problem = HELD
        else:
            erased = "1 self-check is erased" if count == 1 else f"{count} self-checks are erased"
            messages.success(
                request, f"{erased}, with everything shared from {'it' if count == 1 else 'them'}."
            )
            return redirect("retention", pk=office.pk)
    count = Assessment.objects.filter(account__office=office).count()
    context = {"office": office, "form": form, "problem": problem, "count": count}
    return render(request, "people/erase.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@_own_office
@freshly_signed_in
def export(request: HttpRequest, by: User, office: Office) -> HttpResponseBase:
    """Explain what an export of everything contains; a POST makes it and sends it."""
    if request.method != "POST":
        return render(request, "people/export.html", {"office": office})
    archive = office_copy.export_all(office=office, by=by)
    name = f"everything-{timezone.localdate().isoformat()}.zip"
    return file_response(archive, "application/zip", name)
