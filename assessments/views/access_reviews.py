"""The pages on which people review, twice a year, who should still have access."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from assessments.models import AccessReview, Office, User
from assessments.reports.access_reviews import (
    current_review,
    offices_to_review,
    portal_access,
    portal_to_review,
    staff_access,
)
from assessments.services.access_reviews import AccessChanged, AlreadyReviewed, confirm_access
from assessments.views.access import administrator, fresh_to_send, signed_in


@require_http_methods(["GET", "HEAD", "POST"])
@administrator
@fresh_to_send
def review_access(request: HttpRequest, by: User) -> HttpResponse:
    """Everyone whom administrators review. A POST confirms that they should still have access."""
    return _page(request, by, None)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
@fresh_to_send
def review_staff(request: HttpRequest, by: User, pk: int) -> HttpResponse:
    """The staff of the member's own office. A POST confirms that they should still have access."""
    office = get_object_or_404(
        Office.objects.visible_to(by).current().select_related("member"), pk=pk, member=by
    )
    return _page(request, by, office)


def _page(request: HttpRequest, by: User, office: Office | None) -> HttpResponse:
    changed: AccessChanged | None = None
    if request.method == "POST":
        try:
            confirm_access(office=office, listed=request.POST.getlist("listed"), by=by)
        except AlreadyReviewed:
            messages.warning(request, "This review is already done.")
        except AccessChanged as error:
            changed = error
        else:
            messages.success(request, "The review is done. The audit trail records it.")
        if changed is None:
            return redirect(request.path)
    return render(
        request, "people/review.html", _context(office) | {"changed": changed}, status=409 if changed else 200
    )


def _context(office: Office | None) -> dict[str, Any]:
    review = current_review()
    done = AccessReview.objects.filter(office=office).select_related("reviewed_by")
    is_due = offices_to_review(review).filter(pk=office.pk).exists() if office else portal_to_review(review)
    return {
        "office": office,
        "review": review,
        "is_due": is_due,
        "done": done.filter(starts_on=review.starts_on).first(),
        "access": staff_access(office) if office else portal_access(),
    }
