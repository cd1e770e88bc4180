"""Extending a session, or an anonymous check, before it ends."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from assessments.models import AnonymousCheck, User
from assessments.services.answering import NotSaved
from assessments.services.drafts import extend_check
from assessments.views.access import signed_in
from assessments.views.not_saved import keep_typed
from assessments.views.workspace import Workspace, with_workspace


@require_POST
@signed_in
def stay(_: HttpRequest, by: User) -> HttpResponse:  # noqa: ARG001 - the middleware has extended the session
    """Stay signed in."""
    return HttpResponse(status=204)


@require_POST
@with_workspace
def keep_check(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Keep the browser's own check for another day."""
    if isinstance(workspace.self_check, AnonymousCheck):
        try:
            extend_check(check=workspace.self_check)
        except NotSaved as error:
            return keep_typed(request, error.why)
    return HttpResponse(status=204)
