"""Confirming, with one press, answers from an earlier self-check that are still right."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from assessments.forms.confirming import offered_together
from assessments.models import Answer, AnswerRow
from assessments.records.state import AssessmentState
from assessments.services.answering import NotSaved, Saved, save_answers
from assessments.views.not_saved import keep_typed
from assessments.views.workspace import DRAFT, Workspace, with_workspace

SECTION = "section"
"""The button that confirms one section's answers. Without it, a press confirms all answers that the page offers."""


@require_POST
@with_workspace
def confirm(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Confirm the answers that the list of sections offered: of one section, or of all."""
    if why := workspace.why_stale(request.POST.get(DRAFT, workspace.mark)):
        return keep_typed(request, why)
    section = request.POST.get(SECTION, "")
    offered = offered_together(workspace.state, request.POST, section=section)
    try:
        saved = save_answers(draft=workspace.self_check, changes=(), by=workspace.by, confirmed=offered)
    except NotSaved as error:
        return keep_typed(request, error.why)
    after = workspace.refreshed()
    say_what_is_confirmed(request, after.state, offered, saved)
    # Whoever confirmed one section, or has to check something first, may want the list again.
    return redirect(after.url("tasks" if section or not_confirmed(after.state, offered, saved) else "next"))


def not_confirmed(after: AssessmentState, offered: Iterable[str], saved: Saved) -> list[str]:
    """The questions that a press was to confirm and did not, because something changed since its page was opened."""
    wanted = set(offered) & (saved.not_confirmed.keys() | after.carried)
    return [question for question in after.edition.question if question in wanted]


def say_what_is_confirmed(
    request: HttpRequest, after: AssessmentState, offered: Iterable[str], saved: Saved
) -> None:
    """Say how many answers a press confirmed, and name those that it did not confirm, with the reason."""
    wanted = set(offered)
    confirmed = wanted & saved.versions.keys()
    changed = [row for question, row in saved.not_confirmed.items() if question in wanted]
    again = [after.question(q).short for q in after.edition.question if q in (wanted & after.carried)]
    if confirmed:
        messages.success(request, f"You confirmed {len(confirmed)} answer{'s' * (len(confirmed) > 1)}.")
    if changed:
        named = "; ".join(f"{after.question(row.question).short} ({_changed_by(row)})" for row in changed)
        messages.warning(
            request,
            f"This answer changed after you opened the page, so you did not confirm it: {named}. Check it now."
            if len(changed) == 1
            else f"These answers changed after you opened the page, so you did not confirm them: {named}. "
            "Check them now.",
        )
    if again:
        messages.warning(
            request,
            f"Confirm this answer again, because the election changed after you opened the page: {again[0]}."
            if len(again) == 1
            else "Confirm these answers again, because the election changed after you opened the page: "
            f"{'; '.join(again)}.",
        )
    if not wanted:
        messages.info(request, "There is nothing to confirm here. These questions are no longer asked.")
    elif not confirmed and not changed and not again:
        messages.info(
            request,
            "This answer is already confirmed."
            if len(wanted) == 1
            else "These answers are already confirmed.",
        )


def _changed_by(row: AnswerRow) -> str:
    return f"by {row.by_name}" if isinstance(row, Answer) else "on another page"
