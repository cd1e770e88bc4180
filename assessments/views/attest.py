"""Attesting an assessment, starting the next one from its answers, and comparing two."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from assessments.models import Assessment
from assessments.records.state import assessment_state
from assessments.rendering.projection import cite
from assessments.reports.compare import compare as compared
from assessments.services import attesting
from assessments.services.answering import NotSaved
from assessments.views.access import freshly_signed_in
from assessments.views.not_saved import keep_typed
from assessments.views.questionnaire import BACK
from assessments.views.workspace import Workspace, with_workspace

ATTESTED = "Attested. The PDF is your record. You have not shared it with the Commissioner’s office."
CONFIRM = "Check the box to confirm that these are your answers."


@require_http_methods(["GET", "HEAD", "POST"])
@with_workspace
def attest(request: HttpRequest, workspace: Workspace) -> HttpResponseBase:
    """The page where the member attests. It says to staff that only the member can, and what they can do."""
    assessment = workspace.self_check
    if not isinstance(assessment, Assessment) or not workspace.in_term:
        raise Http404
    if not workspace.by_member:
        return render(request, "assessments/only_member_attests.html", workspace.context(), status=403)
    return _attest_page(request, workspace, assessment)


@freshly_signed_in
def _attest_page(request: HttpRequest, workspace: Workspace, assessment: Assessment) -> HttpResponse:
    """Explain attesting and list what is still needed; a POST attests."""
    if workspace.attestation is not None:
        return redirect(workspace.url("tasks"))
    problem = ""
    if request.method == "POST":
        problem = (
            CONFIRM if "stand" not in request.POST else _attest(assessment, request.POST.get("seen", ""))
        )
        if not problem:
            messages.success(request, ATTESTED)
            return redirect(workspace.url("tasks"))
        workspace = workspace.refreshed()
    needed = [
        (
            workspace.state.question(q),
            workspace.question_url(q, back=BACK),
            q in workspace.state.carried,
        )
        for q in workspace.state.edition.question
        if q in workspace.state.advisory.unanswered or q in workspace.state.carried
    ]
    still_open = [] if workspace.state.advisory.unanswered else workspace.state.still_open
    context = workspace.context(
        needed=needed,
        still_open=[(cite(finding.rule.paragraphs), finding.rule.title) for finding in still_open],
        problem=problem,
        open_threads=assessment.threads.all().open().count(),
    )
    return render(request, "assessments/attest.html", context)


def _attest(assessment: Assessment, seen: str) -> str:
    """Attest; return the reason if that was not possible, else an empty string."""
    try:
        attesting.attest(assessment=assessment, by=assessment.account.office.member, seen=seen)
    except attesting.Changed:
        return (
            "Not attested, because something changed since you opened this page: an answer, the account, the "
            "election or the date. Read the result below as it is now, then decide."
        )
    except attesting.NotComplete:
        return "Not attested, because some questions still need an answer."
    except NotSaved:
        return "Not attested, because this self-check was deleted or the term ended."
    return ""


@require_POST
@with_workspace
def reassess(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Start the account's next self-check with the answers of an attested one."""
    if not isinstance(workspace.self_check, Assessment) or workspace.attestation is None:
        raise Http404
    try:
        new_draft = attesting.reassess(assessment=workspace.self_check, by=workspace.by)  # type: ignore[arg-type]  # signed in
    except NotSaved as error:
        return keep_typed(request, error.why)
    messages.success(
        request,
        "Your last answers are copied here. Confirm them together where nothing has changed, or one by one.",
    )
    return redirect("assessment:tasks", pk=new_draft.pk)


@require_safe
@with_workspace
def compare(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Show what changed in answers and outcomes between two assessments of an account."""
    assessment = workspace.self_check
    if not isinstance(assessment, Assessment) or workspace.by is None:
        raise Http404
    visible = (
        Assessment.objects.visible_to(workspace.by)
        .filter(account=assessment.account_id)
        .exclude(pk=assessment.pk)
    )
    others = list(
        visible.select_related("edition", "account__office__member", "attestation__attested_by").defer(
            "edition__content"
        )
    )
    if not others:
        messages.info(request, "This account has no other self-check to compare with.")
        return redirect(workspace.url("tasks"))
    chosen = next((other for other in others if str(other.pk) == request.GET.get("with")), None)
    if chosen is None:
        chosen = next((other for other in others if other.pk == assessment.copied_from_id), others[0])
    chosen_state = assessment_state(chosen, as_of=workspace.state.as_of)
    earlier, later = sorted((workspace.state, chosen_state), key=lambda state: state.self_check.started_at)
    context = workspace.context(others=others, chosen=chosen, c=compared(earlier, later))
    return render(request, "assessments/compare.html", context)
