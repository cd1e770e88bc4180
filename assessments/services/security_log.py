"""The log lines about signing in: one fixed set of fields, which shows who tried to sign in and how.

A line never has a password, a code, the key of a link, an email address or anything else that a person typed.
deploy/operating.md has the fields, events, methods and reasons for operators.
"""

from __future__ import annotations

import logging
from enum import StrEnum

import structlog
from django.utils.crypto import salted_hmac

from assessments.models import User
from assessments.oidc import claims
from assessments.services.after_commit import after_commit
from assessments.services.audit import current_address

__all__ = ["Event", "Method", "Reason", "key_of_address", "write"]

log = structlog.get_logger("portal.security")


class Event(StrEnum):
    """What happened."""

    SIGN_IN = "sign_in"
    SIGN_IN_FAILED = "sign_in_failed"
    LOCKED_OUT = "locked_out"
    GUESSING = "guessing"
    IDENTITY_CONFIRMED = "identity_confirmed"
    IDENTITY_NOT_CONFIRMED = "identity_not_confirmed"
    SECOND_STEP = "second_step"
    SECOND_STEP_FAILED = "second_step_failed"
    SECOND_STEP_ADDED = "second_step_added"
    SECOND_STEP_REMOVED = "second_step_removed"
    SECOND_STEPS_RESET = "second_steps_reset"
    RECOVERY_CODES_MADE = "recovery_codes_made"
    RECOVERY_CODE_USED = "recovery_code_used"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - no password
    PASSWORD_RESET = "password_reset"  # noqa: S105
    PASSWORD_RESET_ASKED = "password_reset_asked"  # noqa: S105
    EMAIL_CHANGED = "email_changed"
    SINGLE_SIGN_ON_LINKED = "single_sign_on_linked"
    SINGLE_SIGN_ON_UNLINKED = "single_sign_on_unlinked"
    SINGLE_SIGN_ON_REFUSED = "single_sign_on_refused"
    ROLE_CHANGED = "role_changed"
    SIGN_IN_SUSPENDED = "sign_in_suspended"
    SIGN_IN_RESTORED = "sign_in_restored"
    SESSION_ENDED = "session_ended"


class Method(StrEnum):
    """How someone proves who they are."""

    PASSWORD = "password"  # noqa: S105
    PASSKEY = "passkey"
    APP_CODE = "app_code"
    RECOVERY_CODE = "recovery_code"
    CODE = "code"
    SINGLE_SIGN_ON = "single_sign_on"
    LINK = "link"


class Reason(StrEnum):
    """Why something was refused, or why a session ended. Single sign-on has more (assessments.oidc.claims)."""

    WRONG_PASSWORD = "wrong_password"  # noqa: S105
    UNKNOWN_ADDRESS = "unknown_address"
    SUSPENDED = "suspended"
    WRONG_CODE = "wrong_code"
    WRONG_PASSKEY = "wrong_passkey"
    TOO_MANY_GUESSES = "too_many_guesses"
    NETWORK_LIMIT = "network_limit"
    MANY_NETWORKS = "many_networks"
    SIGNED_OUT = "signed_out"
    IDLE = "idle"
    MAXIMUM_TIME = "maximum_time"
    ENDED_FROM_LIST = "ended_from_list"
    ENDED_BY_ADMINISTRATOR = "ended_by_administrator"
    REMOVED_FROM_OFFICE = "removed_from_office"
    NEW_PASSWORD = "new_password"  # noqa: S105
    NEW_ADDRESS = "new_address"
    FIRST_SECOND_STEP = "first_second_step"
    SECOND_STEPS_RESET = "second_steps_reset"
    LINK_REMOVED = "link_removed"


FAILED = frozenset({Event.SIGN_IN_FAILED, Event.SECOND_STEP_FAILED, Event.IDENTITY_NOT_CONFIRMED})
REFUSED = frozenset({Event.LOCKED_OUT, Event.SINGLE_SIGN_ON_REFUSED})
"""The events whose outcome is "failure" and "refused". That of GUESSING is "alarm", and of the others "success"."""


def key_of_address(email: str) -> str:
    """What the log calls an address without a sign-in: the same for the same address, and it does not reveal it."""
    digest = salted_hmac("the log's name of an address", User.normalize_username(email), algorithm="sha256")
    return f"unknown-{digest.hexdigest()[:16]}"


def write(
    event: Event,
    *,
    person: User | None = None,
    email: str = "",
    by: User | None = None,
    method: Method | None = None,
    reason: Reason | claims.Reason | None = None,
) -> None:
    """Write a line once the caller's transaction commits; without a transaction, now.

    `person` is whose sign-in it is about. If nobody has the address that was typed, `email` is that address. `by` is
    who did it, if they were signed in.
    """
    fields = {
        "outcome": _outcome(event),
        "person": str(person.pk) if person else key_of_address(email) if email else None,
        "by": str(by.pk) if by else None,
        "address": current_address.get() or None,
        "request": structlog.contextvars.get_contextvars().get("request"),
        "method": method.value if method else None,
        "reason": reason.value if reason else None,
    }
    after_commit("a line in the security log", log.log, _level(event), event.value, **fields)


def _outcome(event: Event) -> str:
    if event in FAILED:
        return "failure"
    if event in REFUSED:
        return "refused"
    return "alarm" if event is Event.GUESSING else "success"


def _level(event: Event) -> int:
    if event is Event.GUESSING:
        return logging.ERROR
    return logging.WARNING if event in FAILED | REFUSED else logging.INFO
