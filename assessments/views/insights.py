"""Counts over all shares: a page for officers, and a PDF for the annual report."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from assessments.forms.desk import InsightsFilter
from assessments.models import DeskEntry, User
from assessments.pdf.press import print_pdf
from assessments.rendering.documents import print_css
from assessments.reports.insights import rounded
from assessments.reports.titles import contact_titles, edition_titles, election_titles, overall_titles
from assessments.scoring.wording import long_date
from assessments.services.audit import Action, append_access
from assessments.services.insights import insights_of
from assessments.views.access import officer
from assessments.views.desk import last_desk_url
from assessments.views.downloads import pdf_response


def _context(request: HttpRequest, by: User) -> dict[str, Any]:
    filters = InsightsFilter(request.GET, DeskEntry.objects.visible_to(by))
    rows = filters.matching
    chosen = filters.form.cleaned_data
    report = insights_of(
        rows,
        since=chosen.get("since"),
        until=chosen.get("until"),
        tells_withdrawn=not (chosen.get("edition") or chosen.get("election")),
        overall=overall_titles(),
        contact=contact_titles(),
    )
    append_access(office=None, action=Action.DESK_VIEWED, about=by, by=by)
    return {
        "form": filters.form,
        "i": report,
        "query": urlencode(filters.chosen),
        "narrowed": chosen,
        "desk_last": last_desk_url(request),
    }


@require_safe
@officer
def insights(request: HttpRequest, by: User) -> HttpResponse:
    """The counts, each with a bar."""
    return render(request, "desk/insights.html", _context(request, by))


@require_safe
@officer
def insights_pdf(request: HttpRequest, by: User) -> HttpResponseBase:
    """The same as a PDF, with rounded counts and none under five."""
    context = _context(request, by)
    today = timezone.localdate()
    chosen = context["narrowed"]
    context |= {
        "i": rounded(context["i"]),
        "today": long_date(today),
        "created": today,
        "edition": edition_titles().get(chosen.get("edition")),
        "election": election_titles().get(chosen.get("election")),
    }
    html = render_to_string("desk/insights_pdf.html", context)
    return pdf_response(
        request,
        lambda: print_pdf(html, css=print_css("bars.css", "insights.css")),
        f"insights-{today.isoformat()}.pdf",
        back=request.get_full_path().replace(".pdf", "", 1),
        note="The page shows exact counts. The PDF rounds them.",
    )
