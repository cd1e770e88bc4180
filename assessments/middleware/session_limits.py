"""When a session ends: after a while without use, and some time after its beginning whatever its use."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import SESSION_KEY, logout
from django.http import HttpRequest, HttpResponse

from assessments.models import User

SEEN, SINCE = "seen", "since"
"""When a session was last used, about, and when it began."""
SECONDS_BETWEEN_WRITES = {"officer": 60, "administrator": 15 * 60, "other": 15 * 60}
"""How often at most a request puts off the end of its session: the idle limit is that much less exact."""


def role_of(user: User) -> str:
    """By which limits somebody's sessions go."""
    return "officer" if user.is_officer else "administrator" if user.is_staff else "other"


def keep_signed_in(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """Middleware: put off the end of a session as long as someone uses it, and end it where its time is up.

    It is written only now and then: a write with every request would slow each page down, and could undo what another
    request of the same session writes at the same moment. A session that ends here ends before the page, which then
    answers as to someone who is signed out: with all that was typed.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        session, now = request.session, int(time.time())
        if SESSION_KEY in session and isinstance(request.user, User):
            role = role_of(request.user)
            seen, since = session.get(SEEN, now), session.get(SINCE, now)
            if now - seen >= settings.SESSION_IDLE[role] or now - since >= settings.SESSION_LONGEST[role]:
                logout(request)
            elif SINCE not in session or now - seen >= SECONDS_BETWEEN_WRITES[role]:
                session[SEEN], session[SINCE] = now, since
        return get_response(request)

    return middleware
