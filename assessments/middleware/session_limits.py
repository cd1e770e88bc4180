"""When a session ends: after some time without use, and at the latest some time after it began."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth import SESSION_KEY, logout
from django.http import HttpRequest, HttpResponse

from assessments.models import User
from assessments.services.security_log import Reason
from assessments.services.sign_in_changes import record_end
from assessments.views.access import CLOCKS_DIFFER, expire_proofs

SEEN, SINCE = "seen", "since"
"""The session's keys for roughly when it was last used, and for when it began."""
SECONDS_BETWEEN_WRITES = {"officer": 60, "administrator": 15 * 60, "other": 15 * 60}
"""The least time between two writes of when a session was last used. The idle limit is that much less exact."""


def role_of(user: User) -> str:
    """The role that decides the limits of a person's sessions."""
    return "officer" if user.is_officer else "administrator" if user.is_staff else "other"


@dataclass(frozen=True)
class TimeLeft:
    """The seconds until a session ends: without a further request, at least after one, and at the latest."""

    unused: int
    renewed: int
    longest: int


def time_left(request: HttpRequest) -> TimeLeft:
    """The time left in the session of someone who has signed in. The middleware must have run."""
    user, now = request.user, int(time.time())
    role = role_of(user) if isinstance(user, User) else "other"
    idle, longest = settings.SESSION_IDLE[role], settings.SESSION_LONGEST[role]
    session = request.session
    latest = session.get(SINCE, now) + longest - now
    return TimeLeft(
        unused=min(session.get(SEEN, now) + idle - now, latest),
        renewed=min(idle - SECONDS_BETWEEN_WRITES[role], latest),
        longest=latest,
    )


def keep_signed_in(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """Middleware: extend a session while someone uses it, and end it when its time is up.

    The session is written only now and then: a write with every request would slow every page down, and could undo
    what another request of the session writes at the same moment. A session ends before the view runs, which then
    responds as to someone who is signed out, and gives back what was typed.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        session, now = request.session, int(time.time())
        if SESSION_KEY in session and isinstance(request.user, User):
            role = role_of(request.user)
            seen, since = session.get(SEEN, now), session.get(SINCE, now)
            is_over = now - since >= settings.SESSION_LONGEST[role]
            if is_over or now - seen >= settings.SESSION_IDLE[role]:
                user = request.user
                logout(request)
                record_end(user=user, by=None, reason=Reason.MAXIMUM_TIME if is_over else Reason.IDLE)
            elif SINCE not in session or now - seen >= SECONDS_BETWEEN_WRITES[role]:
                session[SEEN], session[SINCE] = now, since
            elif now < seen - CLOCKS_DIFFER:
                # The clock was set back, so it no longer shows how old a proof of identity is.
                expire_proofs(request)
                session[SEEN], session[SINCE] = now, min(now, since)
        return get_response(request)

    return middleware
