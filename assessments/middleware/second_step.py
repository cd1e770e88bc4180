"""The second step comes first: who may do much sees nothing before it."""

from __future__ import annotations

from collections.abc import Callable

from allauth.account.adapter import get_adapter
from allauth.mfa.utils import is_mfa_enabled
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import urlencode

from assessments.views.access import needs_step, took_step

FREE = ("/account/", "/invitation/", "/static/", "/help", "/privacy", "/accessibility")
"""Where those who still need a second step may go: to set it up, sign out, answer an invitation, and read."""


def second_step_first(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """Middleware: officers and administrators see nothing before a second step, in this session."""

    def middleware(request: HttpRequest) -> HttpResponse:
        user = request.user
        if not needs_step(user) or request.path_info.startswith(FREE) or took_step(request):
            return get_response(request)
        ways = get_adapter(request).get_reauthentication_methods(user) if is_mfa_enabled(user) else []
        for way in ways:
            if way["id"].startswith("mfa"):
                return redirect(f"{way['url']}?{urlencode({'next': request.get_full_path()})}")
        return redirect("mfa_index")

    return middleware
