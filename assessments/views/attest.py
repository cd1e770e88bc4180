"""Attesting an assessment, beginning the next one with its answers, and comparing two."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from assessments.forms.section import element_id
from assessments.models import Assessment
from assessments.records.state import assessment_state
from assessments.reports.compare import compare as compared
from assessments.services import attesting
from assessments.services.answering import NotSaved
from assessments.views.access import freshly_signed_in
from assessments.views.not_saved import keep_typed
from assessments.views.workspace import Workspace, with_draft

STAND = "Tick the box to say that you stand behind these answers."


@require_http_methods(["GET", "HEAD", "POST"])
@with_draft
@freshly_signed_in
def attest(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Show what attesting means and what is still needed; a POST by the member attests."""
    draft = workspace.self_check
    if not isinstance(draft, Assessment) or not workspace.is_members or not workspace.in_term:
        raise Http404
    if workspace.attestation is not None:
        return redirect(workspace.url("tasks"))
    problem = ""
    if request.method == "POST":
        problem = STAND if "stand" not in request.POST else _attest(draft, request.POST.get("seen", ""))
        if not problem:
            messages.success(request, "Attested. Its PDF is your record; nothing of it is shared.")
            return redirect(workspace.url("tasks"))
        workspace = workspace.afresh()
    needed = [
        (workspace.state.edition.question[q], _address(workspace, q), q in workspace.state.carried)
        for q in workspace.state.edition.question
        if q in workspace.state.advisory.unanswered or q in workspace.state.carried
    ]
    context = workspace.context(
        needed=needed, problem=problem, open_threads=draft.threads.all().open().count()
    )
    return render(request, "assessments/attest.html", context)


def _attest(draft: Assessment, seen: str) -> str:
    """Attest, or say why not."""
    try:
        attesting.attest(assessment=draft, by=draft.account.office.member, seen=seen)
    except attesting.Changed:
        return (
            "Something changed since you opened this page: an answer, the account or the day. "
            "Nothing was attested. Look at the advisory below as it is now, then decide."
        )
    except attesting.NotComplete:
        return "Something is still missing. Nothing was attested."
    except NotSaved:
        return "This self-check was deleted, or the term ended, meanwhile. Nothing was attested."
    return ""


def _address(workspace: Workspace, question: str) -> str:
    section = workspace.state.edition.question[question].section
    return f"{workspace.url('section', section=section)}?ready&back#{element_id(question)}"


@require_POST
@with_draft
def reassess(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Begin the next assessment with the answers of an attested one."""
    if not isinstance(workspace.self_check, Assessment) or workspace.attestation is None:
        raise Http404
    try:
        begun = attesting.reassess(assessment=workspace.self_check, by=workspace.by)  # type: ignore[arg-type]  # signed in
    except NotSaved as error:
        return keep_typed(request, error.why)
    messages.success(
        request,
        "The answers are copied. Go through each section and press “Save and continue” to confirm them.",
    )
    return redirect("assessment:tasks", pk=begun.pk)


@require_safe
@with_draft
def compare(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """What changed in answers and outcome between two assessments of an account."""
    draft = workspace.self_check
    if not isinstance(draft, Assessment) or workspace.by is None:
        raise Http404
    visible = (
        Assessment.objects.visible_to(workspace.by).filter(account=draft.account_id).exclude(pk=draft.pk)
    )
    others = list(
        visible.select_related("edition", "account__office__member", "attestation__attested_by").defer(
            "edition__content"
        )
    )
    if not others:
        messages.info(request, "There is no other assessment of this account to compare with.")
        return redirect(workspace.url("tasks"))
    chosen = next((one for one in others if str(one.pk) == request.GET.get("with")), None)
    if chosen is None:
        chosen = next((one for one in others if one.pk == draft.copied_from_id), others[0])
    other = assessment_state(chosen, as_of=workspace.state.as_of)
    earlier, later = sorted((workspace.state, other), key=lambda state: state.self_check.started_at)
    context = workspace.context(others=others, chosen=chosen, c=compared(earlier, later))
    return render(request, "assessments/compare.html", context)
