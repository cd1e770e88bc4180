"""An office's audit trail."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from assessments.models import AuditEvent, Office, User
from assessments.reports.trail import in_words
from assessments.views.access import signed_in

ON_A_PAGE = 50
LONGEST_NUMBER = 18
"""Digits in the largest number that every database can compare."""


@require_safe
@signed_in
def trail(request: HttpRequest, by: User, pk: int) -> HttpResponse:
    """Who did what in an office, newest first. `before` in the address is the number that a page continues from."""
    office = get_object_or_404(Office.objects.visible_to(by), pk=pk)
    events = AuditEvent.objects.visible_to(by).of_chain(office.pk).select_related("actor")
    before = request.GET.get("before", "")
    is_number = before.isascii() and before.isdecimal() and len(before) <= LONGEST_NUMBER
    if is_number:
        events = events.filter(number__lt=int(before))
    # One more than the page shows, to learn whether there are earlier events.
    page = list(events.order_by("-number")[: ON_A_PAGE + 1])
    lines = in_words(page[:ON_A_PAGE])
    earlier = lines[-1].number if len(page) > ON_A_PAGE else None
    context = {"office": office, "lines": lines, "earlier": earlier, "is_later_page": is_number}
    return render(request, "people/trail.html", context)
