"""Verifying a document: whether the portal made it and whether it is current, and nothing else about it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from assessments.pdf.authenticity import read_code
from assessments.services.verifying import standing_of


@require_safe
def verify(request: HttpRequest, code: str = "") -> HttpResponse:
    """Ask for a verification code; for a given code, show the standing of its document."""
    typed = code or request.GET.get("code", "")
    if not typed:
        return render(request, "pages/verify.html")
    valid_code = read_code(typed)
    if valid_code is not None and valid_code != code:
        return redirect("verify", code=valid_code)
    standing = standing_of(valid_code) if valid_code else None
    context = {
        "code": valid_code or typed[:60],
        "standing": standing or ("unknown" if valid_code else "no_code"),
    }
    return render(request, "pages/verify.html", context, status=200 if standing else 404)
