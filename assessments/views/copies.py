"""What a self-check gives to use elsewhere: dates for a calendar, text for an email, and a page for staff."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from assessments.rendering.documents import staff_pdf
from assessments.rendering.staff_page import StaffPage, staff_page
from assessments.rendering.text import points_text
from assessments.reports.dates import dates_of
from assessments.views.downloads import file_response, pdf_response
from assessments.views.workspace import Workspace, with_workspace


@require_safe
@with_workspace
def copies(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """The page with all of them, and who may see them there."""
    context = workspace.context(
        dates=dates_of(workspace.state),
        points=points_text(workspace.state.projection),
        for_staff=_staff_page(workspace),
        url_dates=workspace.url("dates"),
        url_staff_page=workspace.url("staff_page"),
    )
    return render(request, "assessments/copies.html", context)


@require_safe
@with_workspace
def dates_file(_: HttpRequest, workspace: Workspace) -> HttpResponseBase:
    """Download the dates as a calendar file. Without any, lead to the page that says so."""
    dates = dates_of(workspace.state)
    if not dates:
        return redirect(workspace.url("copies"))
    name = f"dates-{workspace.state.as_of.isoformat()}.ics"
    return file_response(
        dates.file(settings.PORTAL_URL), "text/calendar; charset=utf-8; method=PUBLISH", name
    )


@require_safe
@with_workspace
def staff_file(request: HttpRequest, workspace: Workspace) -> HttpResponseBase:
    """Download the page for staff. Where the edition has none, lead to the page that says so."""
    page = _staff_page(workspace)
    if page is None:
        return redirect(workspace.url("copies"))
    return pdf_response(
        request,
        lambda: staff_pdf(page, for_stranger=workspace.is_anonymous),
        f"for-staff-{workspace.state.as_of.isoformat()}.pdf",
        back=workspace.url("copies"),
    )


def _staff_page(workspace: Workspace) -> StaffPage | None:
    return staff_page(workspace.state.advisory, workspace.state.projection)
