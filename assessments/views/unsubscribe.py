"""The page behind the link in a mail about what waits, which stops such mail without signing in."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from assessments.services import notices as services


def partly_hidden(email: str) -> str:
    """An address that its owner knows again, and whoever came by the link does not learn: `p•••@example.ca`."""
    name, _, domain = email.rpartition("@")
    return f"{name[:1]}•••@{domain}"


# A mail program presses the button of a mailing list with no cookie and no token (RFC 8058). The signed token in the
# address lets it turn off one person's mail, and nothing else.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def stop_notices(request: HttpRequest, token: str) -> HttpResponse:
    """Turn somebody's mail off by the link in it."""
    user = services.user_of(token)
    if user is None:
        raise Http404
    done = request.method == "POST"
    if done:
        services.set_mail(user=user, wanted=False)
    context = {
        "done": done,
        "whose": partly_hidden(user.email),
        "is_another": request.user.is_authenticated and request.user != user,
    }
    return render(request, "people/stop_notices.html", context)
