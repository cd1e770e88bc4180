"""Marking a thing to do as done, on the advisory of a kept self-check."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from assessments.models import Assessment
from assessments.services import done as services
from assessments.services.answering import DraftGone, NotSaved
from assessments.views.not_saved import keep_typed
from assessments.views.workspace import Workspace, with_workspace

SETTLED = "Nothing was marked. Your answers have changed, and this is no longer on the list."


@require_POST
@with_workspace
def done(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Mark a thing to do as done, or remove the mark. The form names its rules.

    Only rules that are still to do are marked: answers may have changed since the page was opened. A mark can always
    be removed.
    """
    assessment, rules = workspace.self_check, request.POST.getlist("rule")
    if not isinstance(assessment, Assessment) or workspace.by is None:
        raise Http404
    if not rules or not set(rules) <= workspace.state.edition.rule.keys():
        raise Http404
    acts = workspace.state.projection.acts_to_do
    act = next((act for act in acts if not {*act.rules}.isdisjoint(rules)), None)
    page = workspace.url("advisory")
    if "undo" not in request.POST:
        to_do = {rule for act in acts for rule in act.rules}
        rules = [rule for rule in dict.fromkeys(rules) if rule in to_do]
        if not rules:
            messages.warning(request, SETTLED)
            return redirect(f"{page}#to-do")
    try:
        if "undo" in request.POST:
            services.unmark_done(assessment=assessment, rules=rules, by=workspace.by)
        else:
            since = workspace.state.saved_at(rules)
            services.mark_done(assessment=assessment, rules=rules, by=workspace.by, since=since)
    except DraftGone:
        return keep_typed(request, "not_yours", status=404)
    except NotSaved as error:
        return keep_typed(request, error.why)
    return redirect(f"{page}#act-{act.rules[0]}" if act else f"{page}#to-do")
