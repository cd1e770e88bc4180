"""Cookies from before their names began with `__Host-`. Delete this file in the release after 0.2.0."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from assessments.models import AnonymousCheck
from assessments.models.checks import LIFE
from assessments.views.sign_in import EARLIER_KNOWN, KNOWN
from assessments.views.workspace import COOKIE, own_check, remember

EARLIER_CHECK = "check"
EARLIER = ("sessionid", "csrftoken", EARLIER_CHECK)
UPDATE = {"app": "assessments", "name": "0025_new_sessions"}
"""The migration that comes with the new names: when it ran is when the portal was updated."""


def rename_cookies(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """Middleware: a browser with cookies of the earlier names keeps its anonymous check, and loses those cookies.

    The mark of a known browser stays until the next sign-in there, which reads it. Otherwise everyone would get an
    email about a new device.
    """
    if not settings.COOKIE_PREFIX:
        raise MiddlewareNotUsed

    def middleware(request: HttpRequest) -> HttpResponse:
        earlier = [name for name in EARLIER if name in request.COOKIES]
        check = _earlier_check(request)
        response = get_response(request)
        if check is not None and COOKIE not in response.cookies:
            remember(response, request.COOKIES[COOKIE], outlives_browser=check.outlives_browser)
        if EARLIER_KNOWN in request.COOKIES and KNOWN in response.cookies:
            earlier.append(EARLIER_KNOWN)
        for name in earlier:
            response.delete_cookie(name, samesite="Lax")
        return response

    return middleware


def _earlier_check(request: HttpRequest) -> AnonymousCheck | None:
    """The self-check whose token is in the earlier cookie. The request then has it under the new name too.

    Only for a day after the update: by then, every earlier self-check has ended or has its new cookie. After that,
    another site below the same domain could only set this cookie to lead someone into a check that it can read.
    """
    token = request.COOKIES.get(EARLIER_CHECK)
    if not token or COOKIE in request.COOKIES:
        return None
    updated_lately = MigrationRecorder(connection).migration_qs.filter(
        **UPDATE, applied__gt=timezone.now() - LIFE
    )
    if not updated_lately.exists():
        return None
    request.COOKIES[COOKIE] = token
    return own_check(request)
