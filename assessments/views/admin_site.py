"""Django's admin site: for administrators only, and with the portal's own sign-in pages."""

from __future__ import annotations

import functools
from typing import Any

from allauth.account.decorators import secure_admin_login
from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from assessments.views.access import View


def guard(site: AdminSite) -> None:
    """Send people to the portal's own pages, with their rate limits, to sign in or to change a password.

    Anyone who has signed in and is not an administrator gets 404 from the whole site. The pages of other apps are
    unregistered, because an administrator could take over a sign-in there, by changing its address or second step.
    """
    for model in [m for m in site._registry if m._meta.app_label not in ("assessments", "bulletin")]:
        site.unregister(model)

    def hidden(view: View) -> View:
        @functools.wraps(view)
        def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.user.is_authenticated and not site.has_permission(request):
                raise Http404
            return view(request, *args, **kwargs)

        return wrapped

    def guarded(view: View, cacheable: bool = False) -> View:
        return hidden(admin_view(view, cacheable))

    def change_password(_: HttpRequest, **__: Any) -> HttpResponse:
        return redirect("account_change_password")

    admin_view = site.admin_view
    site.admin_view = guarded  # type: ignore[assignment, method-assign]
    site.login = hidden(secure_admin_login(site.login))  # type: ignore[assignment, method-assign]
    site.password_change = change_password  # type: ignore[assignment, method-assign]
    site.password_change_done = change_password  # type: ignore[assignment, method-assign]
