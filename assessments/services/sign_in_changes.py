"""What happens to a person's sign-in: each change is an audit event, a line in the security log and an email."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from allauth.usersessions.models import UserSession
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from assessments.models import Action, User
from assessments.records import clock
from assessments.services import audit, security_log
from assessments.services.outbox import queue_mail
from assessments.services.security_log import Event, Method, Reason


class Change(StrEnum):
    """A change that people get an email about. Its value chooses the text in templates/mail/_sign_in_change.txt."""

    NEW_DEVICE = "new_device"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - no password
    PASSWORD_RESET = "password_reset"  # noqa: S105
    SECOND_STEP_ADDED = "second_step_added"
    SECOND_STEP_REMOVED = "second_step_removed"
    SECOND_STEPS_RESET = "second_steps_reset"
    RECOVERY_CODES_MADE = "recovery_codes_made"
    RECOVERY_CODE_USED = "recovery_code_used"
    SINGLE_SIGN_ON_LINKED = "single_sign_on_linked"
    SINGLE_SIGN_ON_UNLINKED = "single_sign_on_unlinked"
    PASSWORD_GUESSES = "password_guesses"  # noqa: S105
    CODE_GUESSES = "code_guesses"


RECORDED_AS = {
    Change.NEW_DEVICE: (Action.SIGNED_IN_NEW_DEVICE, Event.SIGN_IN),
    Change.PASSWORD_CHANGED: (Action.PASSWORD_CHANGED, Event.PASSWORD_CHANGED),
    Change.PASSWORD_RESET: (Action.PASSWORD_RESET, Event.PASSWORD_RESET),
    Change.SECOND_STEP_ADDED: (Action.SECOND_STEP_ADDED, Event.SECOND_STEP_ADDED),
    Change.SECOND_STEP_REMOVED: (Action.SECOND_STEP_REMOVED, Event.SECOND_STEP_REMOVED),
    Change.SECOND_STEPS_RESET: (Action.SECOND_STEPS_RESET, Event.SECOND_STEPS_RESET),
    Change.RECOVERY_CODES_MADE: (Action.RECOVERY_CODES_MADE, Event.RECOVERY_CODES_MADE),
    Change.RECOVERY_CODE_USED: (Action.RECOVERY_CODE_USED, Event.RECOVERY_CODE_USED),
    Change.SINGLE_SIGN_ON_LINKED: (Action.SSO_LINKED, Event.SINGLE_SIGN_ON_LINKED),
    Change.SINGLE_SIGN_ON_UNLINKED: (Action.SSO_UNLINKED, Event.SINGLE_SIGN_ON_UNLINKED),
    Change.PASSWORD_GUESSES: (Action.GUESSING, Event.GUESSING),
    Change.CODE_GUESSES: (Action.GUESSING, Event.GUESSING),
}
"""The audit event and the line in the log of each change."""
CAUSED_BY_STRANGERS = frozenset({Change.PASSWORD_GUESSES, Change.CODE_GUESSES})


def tell_of_change(
    *,
    user: User,
    what: Change,
    by: User | None,
    method: Method | None = None,
    reason: Reason | None = None,
    browser: str = "",
) -> None:
    """Record a change to a person's sign-in within the caller's transaction, and email the person.

    `by` is who made it; None if nobody was signed in. `browser` is the kind of browser and device in the portal's own
    words, empty if it gave no name. Call it last, as `audit.append`.
    """
    words = {
        "what": what.value,
        "when": clock.moment_in_words(timezone.now()),
        "kind": method.value if method else "",
        "browser": browser,
    }
    soon = what not in CAUSED_BY_STRANGERS
    queue_mail(to=user, name="sign_in_change", path=reverse("mfa_index"), words=words, soon=soon)
    record_change(user=user, what=what, by=by, method=method, reason=reason)


def record_change(
    *, user: User, what: Change, by: User | None, method: Method | None = None, reason: Reason | None = None
) -> None:
    """Record a change to a person's sign-in, as `tell_of_change` does, without an email. Call it last, too."""
    action, event = RECORDED_AS[what]
    security_log.write(event, person=user, by=by, method=method, reason=reason)
    audit.append(office=None, action=action, about=user, by=by)


@transaction.atomic
def record_sign_in(*, user: User, method: Method | None, is_new_device: bool, browser: str) -> None:
    """Record that someone signed in. If it was with a browser that is new to the portal, they get an email."""
    if is_new_device:
        tell_of_change(user=user, what=Change.NEW_DEVICE, by=user, method=method, browser=browser)
        return
    security_log.write(Event.SIGN_IN, person=user, by=user, method=method)
    audit.append(office=None, action=Action.SIGNED_IN, about=user, by=user)


@transaction.atomic
def record_end(*, user: User, by: User | None, reason: Reason) -> None:
    """Record that a session ended; `by` is None if its time was up."""
    security_log.write(Event.SESSION_ENDED, person=user, by=by, reason=reason)
    action = Action.SIGNED_OUT if reason is Reason.SIGNED_OUT else Action.SESSION_ENDED
    audit.append(office=None, action=action, about=user, by=by, coalesce=True)


@transaction.atomic
def end_from_list(*, sessions: Collection[UserSession], by: User) -> None:
    """End some of a person's own sessions, which they chose on the page of devices."""
    for session in sessions:
        session.end()
        security_log.write(Event.SESSION_ENDED, person=by, by=by, reason=Reason.ENDED_FROM_LIST)
    audit.append(office=None, action=Action.SESSION_ENDED, about=by, by=by, coalesce=True)
