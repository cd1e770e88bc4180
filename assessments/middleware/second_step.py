"""People with a role in the whole portal must use a second step before they see anything."""

from __future__ import annotations

from collections.abc import Callable

from allauth.account.adapter import get_adapter
from allauth.mfa.utils import is_mfa_enabled
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import urlencode

from assessments.views.access import needs_step, took_step

EXEMPT_PATHS = ("/account/", "/invitation/", "/static/", "/help", "/privacy", "/accessibility")
"""The pages for people who still need a second step: to set it up, sign out, answer an invitation, and read help."""


def second_step_first(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """Middleware: officers and administrators see nothing until they have used a second step in this session."""

    def middleware(request: HttpRequest) -> HttpResponse:
        user = request.user
        if not needs_step(user) or request.path_info.startswith(EXEMPT_PATHS) or took_step(request):
            return get_response(request)
        methods = get_adapter(request).get_reauthentication_methods(user) if is_mfa_enabled(user) else []
        for method in methods:
            if method["id"].startswith("mfa"):
                return redirect(f"{method['url']}?{urlencode({'next': request.get_full_path()})}")
        return redirect("mfa_index")

    return middleware
