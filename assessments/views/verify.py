"""Telling whether a paper is what the portal made, and nothing else about it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from assessments.pdf.authenticity import read_code
from assessments.services.verifying import standing_of


@require_safe
def verify(request: HttpRequest, code: str = "") -> HttpResponse:
    """Ask for a verification code; of one that is given, say where its paper stands."""
    typed = code or request.GET.get("code", "")
    if not typed:
        return render(request, "pages/verify.html")
    read = read_code(typed)
    if read is not None and read != code:
        return redirect("verify", code=read)
    standing = standing_of(read) if read else None
    context = {"code": read or typed[:60], "standing": standing or ("unknown" if read else "no_code")}
    return render(request, "pages/verify.html", context, status=200 if standing else 404)
