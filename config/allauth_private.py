"""The private names of allauth that the portal needs, in one place. Nothing else may import them.

Checked against allauth 65.21.1. Any release may change them, so pyproject.toml admits only the 65.21 series, and
tests/config/test_allauth_private.py has a test for each: an upgrade fails there first.

- `consume` takes other rates than the settings' (`config`), counts a GET (`limit_get`), and returns what takes a
  count back. The public `allauth.core.ratelimit.consume` does none of that.
- `get_ip` names an address as allauth's own limits do. Our counts and the audit trail must name it the same way.
- `normalize_user_code` reads a code as allauth does, so that a used code stays used however it is typed.
- `record_authentication` records that somebody who accepts an invitation has just chosen a password. The public
  `perform_login` does not, and would have them asked for the password again.
- `signing_passkey` verifies a passkey without a count of its own. allauth's form counts all of a person's failures
  together, so that anyone with the password could keep the person from using their passkeys.
- `GuessCountingAdapter` gives public names to those by which allauth's adapter counts guesses at passwords. No
  setting changes what a guess is counted under.
"""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import record_authentication
from allauth.core.internal.cryptokit import normalize_user_code
from allauth.core.internal.ratelimit import consume, get_ip
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth as webauthn
from django.http import HttpRequest

__all__ = [
    "GuessCountingAdapter",
    "consume",
    "get_ip",
    "normalize_user_code",
    "record_authentication",
    "signing_passkey",
]


def signing_passkey(user: Any, credential: dict[str, Any]) -> Authenticator:
    """Return the passkey that signed the session's challenge. It is the user's or, if that is None, anybody's.

    Raises ValidationError, and other errors for a credential that no browser made.
    """
    webauthn.parse_authentication_response(credential)
    owner = user if user is not None else webauthn.extract_user_from_response(credential)
    return webauthn.complete_authentication(owner, credential)


class GuessCountingAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    """allauth's adapter, with public names for how it counts guesses."""

    def guess_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Return the key that a guess with these credentials is counted under. A new password clears its count."""
        return str(super()._get_login_attempts_cache_key(request, **credentials))

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        return self.guess_key(request, **credentials)

    def take_back_if_right(self, usage: Any) -> None:
        """Have allauth take back a count that `consume` returned, if the password turns out to be right."""
        self._login_failed_rl_usage = usage

    def take_back_guess(self) -> None:
        """Take back the count that `take_back_if_right` named, because the password was not checked."""
        self._rollback_login_failed_rl_usage()
