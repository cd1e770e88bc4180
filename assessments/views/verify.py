"""Verifying a document: whether the portal made it and whether it is current, and nothing else about it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from assessments.pdf.authenticity import read_code, read_codes
from assessments.services.verifying import standing_of
from assessments.typed.mending import mended_line


@require_http_methods(["GET", "HEAD", "POST"])
def verify_code(request: HttpRequest) -> HttpResponse:
    """Ask for a verification code. It is posted, since people paste emails around it: no address has more than it."""
    # Earlier forms put it in the address.
    typed = request.POST.get("pasted", "") or request.GET.get("code", "")
    if not mended_line(typed):
        is_empty = request.method == "POST"
        return render(request, "pages/verify.html", {"is_empty": is_empty}, status=400 if is_empty else 200)
    codes = read_codes(typed)
    if len(codes) == 1:
        return redirect("verify", code=codes[0])
    if codes:
        return render(request, "pages/verify.html", {"codes": codes, "typed": typed})
    return render(request, "pages/verify.html", {"standing": "no_code", "typed": typed}, status=404)


@require_safe
def verify(request: HttpRequest, code: str) -> HttpResponse:
    """Show the standing of the document with a code."""
    valid_code = read_code(code)
    if valid_code is not None and valid_code != code:
        return redirect("verify", code=valid_code)
    standing = standing_of(valid_code) if valid_code else None
    context = {
        "code": valid_code,
        "standing": standing or ("unknown" if valid_code else "no_code"),
        "typed": "" if valid_code else code,
    }
    return render(request, "pages/verify.html", context, status=200 if standing else 404)
