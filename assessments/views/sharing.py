"""Sharing a part of an attestation: picking, previewing, giving, reading, asking, taking back."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from assessments.forms.sharing import AdviceForm, ShareForm
from assessments.models import Assessment, Attestation, Office, Share, User
from assessments.pdf.press import PressError
from assessments.records.desk_facts import account_of
from assessments.records.shared import shared_projection, shared_record
from assessments.services import sharing
from assessments.services.answering import TermEnded
from assessments.services.attesting import NotTheMember
from assessments.services.audit import Action, append_access
from assessments.services.desk import NotShared, open_share
from assessments.services.office_copy import exchange_of
from assessments.services.printing import CannotStore, Kind, pdf_of
from assessments.views.access import freshly_signed_in, signed_in
from assessments.views.desk import way_back
from assessments.views.not_saved import keep_typed
from assessments.views.workspace import Workspace, with_draft
from bulletin.publish import encoded

# Deleted for good, by its age or by an erasure, while someone had its page open.
PURGED = (Attestation.DoesNotExist, Share.DoesNotExist, Office.DoesNotExist)
CONSENT = "Tick the box to say that the office may have this."


@require_http_methods(["GET", "HEAD", "POST"])
@with_draft
@freshly_signed_in
def share(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Pick what to give to the Commissioner's office; see exactly what it will see; consent."""
    draft, attestation = workspace.self_check, workspace.attestation
    if (
        not isinstance(draft, Assessment)
        or not workspace.is_members
        or attestation is None
        or not workspace.in_term
    ):
        raise Http404
    form = ShareForm(workspace.state, request.POST if request.method == "POST" else None)
    if not form.is_valid() or "change" in request.POST:
        return render(request, "sharing/pick.html", workspace.context(form=form))
    nonce, problem = form.cleaned_data["nonce"], ""
    if earlier := sharing.shared_with(attestation=attestation, nonce=nonce):
        messages.info(request, "This is shared already, once.")
        return redirect("share", pk=earlier.pk)
    if "give" in request.POST:
        if "consent" in request.POST:
            member = draft.account.office.member
            try:
                given = sharing.share(
                    attestation=attestation, picked=form.picked, by=member, nonce=nonce, asked=form.asked
                )
            except PURGED:
                raise Http404 from None
            except TermEnded as error:
                return keep_typed(request, error.why)
            messages.success(request, "Shared. The Commissioner’s office sees what this page shows.")
            return redirect("share", pk=given.pk)
        problem = CONSENT
    office = draft.account.office.name
    record = shared_record(workspace.state, form.picked, at=timezone.now(), office=office, nonce=nonce)
    left_out = ("csrfmiddlewaretoken", "nonce", "give", "preview", "consent")
    posted = [(name, v) for name, values in request.POST.lists() if name not in left_out for v in values]
    context = _context(record, draft) | {
        "posted": posted,
        "nonce": nonce,
        "asked": form.asked,
        "asked_about": _titles(draft, form.asked.about if form.asked else ()),
        "not_given": problem,
        "back": workspace.url("tasks"),
        "here": workspace.url("share"),
    }
    return render(request, "sharing/preview.html", context)


def _titles(assessment: Assessment, rules: Any) -> list[str]:
    edition = encoded(assessment.edition)
    return [edition.rule[rule].title for rule in rules if rule in edition.rule]


def _context(record: str, assessment: Assessment) -> dict[str, Any]:
    told = json.loads(record)
    return {
        "a": shared_projection(record, encoded(assessment.edition)),
        "office_name": told["office"],
        "account_name": account_of(told),
    }


def _visible(by: User, pk: int) -> Share:
    related = (
        Share.objects.visible_to(by)
        .with_superseded()
        .select_related(
            "attestation__assessment__account__office__member",
            "attestation__assessment__edition",
            "content",
            "withdrawal",
            "request",
            "shared_by",
        )
    )
    return get_object_or_404(related.defer("attestation__record"), pk=pk)


@require_safe
@signed_in
def shown(request: HttpRequest, by: User, pk: int) -> HttpResponse:
    """What was shared, and what the two wrote about it: the same for the office and for the Commissioner's."""
    return _shown(request, by, _visible(by, pk), AdviceForm())


def _shown(request: HttpRequest, by: User, found: Share, form: AdviceForm) -> HttpResponse:
    assessment = found.attestation.assessment
    office = assessment.account.office
    withdrawn = getattr(found, "withdrawal", None)
    asked = getattr(found, "request", None)
    if by.is_officer:
        try:
            open_share(share=found, by=by)
        except NotShared:
            # Looked up anew: it may have been withdrawn, or deleted, since it was.
            gone = _visible(by, found.pk)
            told = {"share": gone, "withdrawn": gone.withdrawal, "desk_last": way_back(request)}
            return render(request, "sharing/withdrawn.html", told)
    context: dict[str, Any] = {
        "share": found,
        "withdrawn": withdrawn,
        "held": withdrawn and hasattr(found, "content"),
        "asked": asked,
        "asked_about": _titles(assessment, asked.about) if asked else (),
        "entries": list(asked.entries.select_related("author")) if asked else (),
        "form": form,
        "is_member": office.member_id == by.pk,
        "in_term": office.ends_on is None,
        "may_write": asked and not withdrawn and _may_write(by, office),
        "assessment": assessment,
        "desk_last": way_back(request),
    }
    if withdrawn:
        return render(request, "sharing/withdrawn.html", context)
    return render(request, "sharing/share.html", context | _context(found.content.record, assessment))


def _may_write(by: User, office: Office) -> bool:
    return by.is_officer or (office.member_id == by.pk and office.ends_on is None)


@require_safe
@signed_in
def shared_file(request: HttpRequest, by: User, pk: int, form: str) -> HttpResponse:
    """What was shared as a PDF or as its record, and the exchange about it as text."""
    found = _visible(by, pk)
    if hasattr(found, "withdrawal"):
        raise Http404
    if by.is_officer:
        office = found.attestation.assessment.account.office
        append_access(office=office, action=Action.FILE_DOWNLOADED, about=found, by=by)
    name, day = f"shared-{found.pk}", timezone.localdate(found.shared_at).isoformat()
    if form == "json":
        return file_response(found.content.record.encode(), "application/json", f"{name}-{day}.json")
    if form == "exchange":
        text = exchange_of(found).encode()
        if not text:
            raise Http404
        return file_response(text, "text/plain; charset=utf-8", f"{name}-exchange.txt")
    kind, ending = (Kind.SUMMARY, "-summary") if form == "summary" else (Kind.FULL, "")
    try:
        return file_response(pdf_of(found, kind), "application/pdf", f"{name}-{day}{ending}.pdf")
    except (PressError, CannotStore) as error:
        context = {
            "problem": str(error),
            "back": request.path.removesuffix("/summary.pdf").removesuffix(".pdf"),
        }
        return render(request, "sharing/no_pdf.html", context, status=503)


def file_response(content: bytes, content_type: str, name: str) -> HttpResponse:
    """Something to keep, under a name that says nothing of what is in it."""
    response = HttpResponse(content, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_POST
@signed_in
@freshly_signed_in
def withdraw(request: HttpRequest, by: User, pk: int) -> HttpResponse:
    """Take a share back."""
    found = _visible(by, pk)
    try:
        sharing.withdraw(share=found, by=by)
    except (NotTheMember, *PURGED):
        raise Http404 from None
    messages.success(
        request, "Withdrawn. The Commissioner’s office sees only that something was withdrawn, and when."
    )
    return redirect("share", pk=pk)


@require_POST
@signed_in
def advise(request: HttpRequest, by: User, pk: int) -> HttpResponse:
    """An officer's answer, or the member's word on it."""
    try:
        found = _visible(by, pk)
    except Http404:
        if by.is_officer:
            # It was there when they began to write.
            return keep_typed(request, "withdrawn")
        raise
    office = found.attestation.assessment.account.office
    if not _may_write(by, office) or not hasattr(found, "request"):
        raise Http404
    form = AdviceForm(request.POST)
    if not form.is_valid():
        return _shown(request, by, found, form)
    try:
        sharing.write_advice(share=found, text=form.cleaned_data["text"], by=by)
    except sharing.WithdrawnShare:
        return keep_typed(request, "withdrawn")
    except PURGED:
        return keep_typed(request, "withdrawn")
    except TermEnded:
        return keep_typed(request, "closed")
    messages.success(request, "Sent.")
    return redirect("share", pk=pk)
