"""Attesting an assessment, beginning the next one with its answers, and comparing two."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from assessments.forms.section import element_id
from assessments.models import Assessment
from assessments.records.state import draft_state
from assessments.reports.compare import compare as compared
from assessments.services import attesting
from assessments.services.answering import NotSaved
from assessments.views.access import freshly_signed_in
from assessments.views.not_saved import keep_typed
from assessments.views.workspace import Desk, with_draft

STAND = "Tick the box to say that you stand behind these answers."


@require_http_methods(["GET", "HEAD", "POST"])
@with_draft
@freshly_signed_in
def attest(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Show what attesting means and what is still needed; a POST by the member attests."""
    draft = desk.draft
    if not isinstance(draft, Assessment) or not desk.is_members or not desk.in_term:
        raise Http404
    if desk.attestation is not None:
        return redirect(desk.url("tasks"))
    problem = ""
    if request.method == "POST":
        problem = STAND if "stand" not in request.POST else _attest(draft, request.POST.get("seen", ""))
        if not problem:
            messages.success(request, "Attested. Its PDF is your record; nothing of it is shared.")
            return redirect(desk.url("tasks"))
        desk = desk.afresh()
    needed = [
        (desk.state.edition.question[q], _address(desk, q), q in desk.state.carried)
        for q in desk.state.edition.question
        if q in desk.state.advisory.unanswered or q in desk.state.carried
    ]
    context = desk.context(needed=needed, problem=problem, open_threads=draft.threads.all().open().count())
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


def _address(desk: Desk, question: str) -> str:
    section = desk.state.edition.question[question].section
    return f"{desk.url('section', section=section)}?ready&back#{element_id(question)}"


@require_POST
@with_draft
def reassess(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Begin the next assessment with the answers of an attested one."""
    if not isinstance(desk.draft, Assessment) or desk.attestation is None:
        raise Http404
    try:
        begun = attesting.reassess(assessment=desk.draft, by=desk.by)  # type: ignore[arg-type]  # signed in
    except NotSaved as error:
        return keep_typed(request, error.why)
    messages.success(
        request,
        "The answers are copied. Go through each section and press “Save and continue” to confirm them.",
    )
    return redirect("assessment:tasks", pk=begun.pk)


@require_safe
@with_draft
def compare(request: HttpRequest, desk: Desk) -> HttpResponse:
    """What changed in answers and outcome between two assessments of an account."""
    draft = desk.draft
    if not isinstance(draft, Assessment) or desk.by is None:
        raise Http404
    visible = Assessment.objects.visible_to(desk.by).filter(account=draft.account_id).exclude(pk=draft.pk)
    others = list(
        visible.select_related("edition", "account__office__member", "attestation__attested_by").defer(
            "edition__content"
        )
    )
    if not others:
        messages.info(request, "There is no other assessment of this account to compare with.")
        return redirect(desk.url("tasks"))
    chosen = next((one for one in others if str(one.pk) == request.GET.get("with")), None)
    if chosen is None:
        chosen = next((one for one in others if one.pk == draft.copied_from_id), others[0])
    other = draft_state(chosen, as_of=desk.state.as_of)
    earlier, later = sorted((desk.state, other), key=lambda state: state.draft.started_at)
    context = desk.context(others=others, chosen=chosen, c=compared(earlier, later))
    return render(request, "assessments/compare.html", context)
