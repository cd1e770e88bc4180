"""Sharing a part of an attestation: choosing, previewing, sharing, reading, asking for advice, withdrawing."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from assessments.forms.sharing import AdviceForm, ShareForm
from assessments.models import Assessment, Attestation, Office, Share, User
from assessments.records.desk_facts import account_of
from assessments.records.shared import shared_projection, shared_record
from assessments.services import sharing
from assessments.services.answering import TermEnded
from assessments.services.attesting import NotTheMember
from assessments.services.audit import Action, append_access
from assessments.services.desk import NotShared, open_share
from assessments.services.office_copy import exchange_of
from assessments.services.printing import Kind, pdf_of
from assessments.views.access import freshly_signed_in, signed_in
from assessments.views.desk import last_desk_url
from assessments.views.downloads import file_response, pdf_response
from assessments.views.handling import handling_of
from assessments.views.not_saved import keep_typed
from assessments.views.workspace import Workspace, with_workspace
from bulletin.publish import encoded

# Raised if the record was purged or erased while someone had its page open.
PURGED = (Attestation.DoesNotExist, Share.DoesNotExist, Office.DoesNotExist)
CONSENT = "Tick the box to agree to share this."


@require_http_methods(["GET", "HEAD", "POST"])
@with_workspace
@freshly_signed_in
def share(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Choose what to share with the Commissioner's office, preview exactly what it will see, and consent."""
    assessment, attestation = workspace.self_check, workspace.attestation
    if (
        not isinstance(assessment, Assessment)
        or not workspace.by_member
        or attestation is None
        or not workspace.in_term
    ):
        raise Http404
    form = ShareForm(workspace.state, request.POST if request.method == "POST" else None)
    if not form.is_valid() or "change" in request.POST:
        return render(request, "sharing/pick.html", workspace.context(form=form))
    nonce, problem = form.cleaned_data["nonce"], ""
    if earlier := sharing.shared_with(attestation=attestation, nonce=nonce):
        if hasattr(earlier, "withdrawal"):
            messages.info(request, "You withdrew this share. To share again, choose what to include.")
            return redirect(workspace.url("share"))
        messages.info(request, "You’ve already shared this. It was shared only once.")
        return redirect("share", pk=earlier.pk)
    if "give" in request.POST:
        if "consent" in request.POST:
            member = assessment.account.office.member
            try:
                new_share = sharing.share(
                    attestation=attestation, picked=form.picked, by=member, nonce=nonce, asked=form.asked
                )
            except PURGED:
                raise Http404 from None
            except TermEnded as error:
                return keep_typed(request, error.why)
            messages.success(request, "Shared. The Commissioner’s office now sees what this page shows.")
            return redirect("share", pk=new_share.pk)
        problem = CONSENT
    office = assessment.account.office.name
    record = shared_record(workspace.state, form.picked, at=timezone.now(), office=office, nonce=nonce)
    left_out = ("csrfmiddlewaretoken", "nonce", "give", "preview", "consent")
    posted = [(name, v) for name, values in request.POST.lists() if name not in left_out for v in values]
    context = _content_context(record, assessment, asks=form.asked is not None) | {
        "posted": posted,
        "nonce": nonce,
        "asked": form.asked,
        "asked_about": _titles(assessment, form.asked.about if form.asked else ()),
        "blackouts": form.blackouts,
        "may_still_show": any(blackout.is_incomplete for blackout in form.blackouts),
        "not_given": problem,
        "back": workspace.url("tasks"),
        "here": workspace.url("share"),
    }
    return render(request, "sharing/preview.html", context)


def _titles(assessment: Assessment, rules: Any) -> list[str]:
    edition = encoded(assessment.edition)
    return [edition.rule[rule].title for rule in rules if rule in edition.rule]


def _content_context(record: str, assessment: Assessment, *, asks: bool) -> dict[str, Any]:
    content = json.loads(record)
    return {
        "a": shared_projection(record, encoded(assessment.edition), asks=asks),
        "office_name": content["office"],
        "account_name": account_of(content),
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
def read(request: HttpRequest, by: User, pk: int) -> HttpResponse:
    """What was shared, with the messages about it: the same page for the member's office and the Commissioner's."""
    return _share_page(request, by, _visible(by, pk), AdviceForm())


def _share_page(request: HttpRequest, by: User, share: Share, form: AdviceForm) -> HttpResponse:
    assessment = share.attestation.assessment
    office = assessment.account.office
    context: dict[str, Any]
    withdrawal = getattr(share, "withdrawal", None)
    asked = getattr(share, "request", None)
    if by.is_officer:
        try:
            open_share(share=share, by=by)
        except NotShared:
            # Fetched again, because it may have been withdrawn or deleted a moment ago.
            share = _visible(by, share.pk)
            context = {
                "share": share,
                "withdrawn": share.withdrawal,
                "desk_last": last_desk_url(request),
            }
            return render(request, "sharing/withdrawn.html", context)
    entries = list(asked.entries.prefetch_related("author__former_names")) if asked else []
    replies = [entry for entry in entries if entry.author_id != share.shared_by_id]
    context = {
        "share": share,
        "withdrawn": withdrawal,
        "held": withdrawal and hasattr(share, "content"),
        "asked": asked,
        "asked_about": _titles(assessment, asked.about) if asked else (),
        "entries": entries,
        "replied_at": replies[0].written_at if replies else None,
        "form": form,
        "is_member": office.member_id == by.pk,
        "in_term": office.ends_on is None,
        "may_write": asked and not withdrawal and _may_write(by, office),
        "assessment": assessment,
        "desk_last": last_desk_url(request),
    }
    if withdrawal:
        return render(request, "sharing/withdrawn.html", context)
    if by.is_officer:
        context["handling"] = handling_of(share)
    content = _content_context(share.content.record, assessment, asks=hasattr(share, "request"))
    return render(request, "sharing/share.html", context | content)


def _may_write(by: User, office: Office) -> bool:
    return by.is_officer or (office.member_id == by.pk and office.ends_on is None)


@require_safe
@signed_in
def shared_file(request: HttpRequest, by: User, pk: int, form: str) -> HttpResponseBase:
    """Download a share as a PDF or as its record, or the messages about it as text."""
    share = _visible(by, pk)
    if hasattr(share, "withdrawal"):
        raise Http404
    if by.is_officer:
        office = share.attestation.assessment.account.office
        append_access(office=office, action=Action.FILE_DOWNLOADED, about=share, by=by)
    name, day = f"shared-{share.pk}", timezone.localdate(share.shared_at).isoformat()
    if form == "json":
        return file_response(share.content.record.encode(), "application/json", f"{name}-{day}.json")
    if form == "exchange":
        text = exchange_of(share).encode()
        if not text:
            raise Http404
        return file_response(text, "text/plain; charset=utf-8", f"{name}-exchange.txt")
    kind, ending = (Kind.SUMMARY, "-summary") if form == "summary" else (Kind.FULL, "")
    return pdf_response(
        request,
        lambda: pdf_of(share, kind),
        f"{name}-{day}{ending}.pdf",
        back=reverse("share", kwargs={"pk": pk}),
        note="The page has the same content as the PDF.",
    )


@require_POST
@signed_in
@freshly_signed_in
def withdraw(request: HttpRequest, by: User, pk: int) -> HttpResponse:
    """Withdraw a share."""
    share = _visible(by, pk)
    try:
        sharing.withdraw(share=share, by=by)
    except (NotTheMember, *PURGED):
        raise Http404 from None
    messages.success(
        request, "Withdrawn. The Commissioner’s office sees only that something was withdrawn, and when."
    )
    return redirect("share", pk=pk)


@require_POST
@signed_in
def advise(request: HttpRequest, by: User, pk: int) -> HttpResponse:
    """Write an officer's answer, or the member's reply."""
    try:
        share = _visible(by, pk)
    except Http404:
        if by.is_officer:
            # Officers see all shares, so this one was deleted while they wrote.
            return keep_typed(request, "withdrawn")
        raise
    office = share.attestation.assessment.account.office
    if not _may_write(by, office):
        raise Http404
    if hasattr(share, "withdrawal"):
        # The question is deleted.
        return keep_typed(request, "withdrawn")
    if not hasattr(share, "request"):
        raise Http404
    form = AdviceForm(request.POST)
    if not form.is_valid():
        return _share_page(request, by, share, form)
    try:
        sharing.write_advice(share=share, text=form.cleaned_data["text"], by=by)
    except sharing.WithdrawnShare:
        return keep_typed(request, "withdrawn")
    except PURGED:
        return keep_typed(request, "withdrawn")
    except TermEnded:
        return keep_typed(request, "closed")
    messages.success(request, "Your message was sent.")
    return redirect("share", pk=pk)
