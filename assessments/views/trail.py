"""The audit trails: an office's for its people, and the portal's own for administrators."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from assessments.forms.people import TrailFilterForm
from assessments.models import AuditEvent, Office, User
from assessments.models.audit import AuditEventQuerySet
from assessments.reports.trail import in_words
from assessments.views.access import administrator, signed_in

ON_A_PAGE = 50
LONGEST_NUMBER = 18
"""Digits in the largest number that every database can compare."""


@require_safe
@signed_in
def trail(request: HttpRequest, by: User, pk: int) -> HttpResponse:
    """Who did what in an office, newest first."""
    office = get_object_or_404(Office.objects.visible_to(by), pk=pk)
    events = AuditEvent.objects.visible_to(by).of_chain(office.pk)
    return render(request, "people/trail.html", {"office": office, **_page(request, events)})


@require_safe
@administrator
def portal_trail(request: HttpRequest, by: User) -> HttpResponse:
    """Who signed in, what changed in people's sign-ins, and what administrators did, newest first."""
    form = TrailFilterForm(request.GET)
    # An invalid filter is left out, and the page says so.
    form.is_valid()
    events = form.keep(AuditEvent.objects.visible_to(by).of_chain(None))
    chosen = {name: request.GET[name] for name, value in form.cleaned_data.items() if value}
    context = {"form": form, "chosen": urlencode(chosen), **_page(request, events)}
    return render(request, "people/portal_trail.html", context)


def _page(request: HttpRequest, events: AuditEventQuerySet) -> dict[str, Any]:
    """The lines of one page. `before` in the address is the number that it continues from."""
    before = request.GET.get("before", "")
    is_number = before.isascii() and before.isdecimal() and len(before) <= LONGEST_NUMBER
    if is_number:
        events = events.filter(number__lt=int(before))
    # One more than the page shows, to learn whether there are earlier events.
    page = list(events.select_related("actor").order_by("-number")[: ON_A_PAGE + 1])
    lines = in_words(page[:ON_A_PAGE])
    earlier = lines[-1].number if len(page) > ON_A_PAGE else None
    return {"lines": lines, "earlier": earlier, "is_later_page": is_number}
