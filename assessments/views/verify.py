"""Telling whether a paper is what the portal made, and nothing else about it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from assessments.models import Attestation, Share
from assessments.reports.proof import read_code


@require_safe
def verify(request: HttpRequest, code: str = "") -> HttpResponse:
    """Ask for a verification code; of one that is given, say where its paper stands."""
    typed = code or request.GET.get("code", "")
    if not typed:
        return render(request, "pages/verify.html")
    read = read_code(typed)
    if read is not None and read != code:
        return redirect("verify", code=read)
    context = {"code": read or typed[:60], "standing": _standing(read) if read else "no_code"}
    return render(request, "pages/verify.html", context, status=200 if context["standing"] in KNOWN else 404)


KNOWN = ("current", "superseded", "withdrawn")


def _standing(code: str) -> str:
    """`current`, `superseded`, `withdrawn`, or `unknown`."""
    found = (
        Share.objects.with_superseded().select_related("withdrawal").filter(code=code).first()
        or Attestation.objects.with_superseded().filter(code=code).first()
    )
    if found is None:
        return "unknown"
    if hasattr(found, "withdrawal"):
        return "withdrawn"
    return "superseded" if found.is_superseded else "current"  # type: ignore[attr-defined]  # annotated
