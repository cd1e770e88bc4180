"""What happens to a person's sign-in: each change is an audit event, a line in the security log and an email."""

from __future__ import annotations

from enum import StrEnum

from django.urls import reverse
from django.utils import timezone

from assessments.models import Action, User
from assessments.records import clock
from assessments.services import audit, security_log
from assessments.services.outbox import queue_mail
from assessments.services.security_log import Event, Method, Reason


class Change(StrEnum):
    """A change that the person is told of. Its value chooses the words in templates/mail/_sign_in_change.txt."""

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
    action, event = RECORDED_AS[what]
    words = {
        "what": what.value,
        "when": clock.moment_in_words(timezone.now()),
        "kind": method.value if method else "",
        "browser": browser,
    }
    queue_mail(to=user, name="sign_in_change", path=reverse("mfa_index"), words=words)
    security_log.write(event, person=user, by=by, method=method, reason=reason)
    audit.append(office=None, action=action, about=user, by=by)
