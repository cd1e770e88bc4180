"""The page behind the link in an email about notices: it turns off such email without signing in."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from assessments.services import notices as services
from assessments.services.mail import partly_hidden


# CSRF-exempt because a mail program that unsubscribes for its user (RFC 8058) sends no cookie and no CSRF token. The
# signed token in the address can turn off one person's email, and do nothing else.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def stop_notices(request: HttpRequest, token: str) -> HttpResponse:
    """Turn off email about notices for the person whom the token names."""
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
