"""The forms of second steps: allauth's, with our count of guesses, and deaf to what no browser sends."""

from __future__ import annotations

import json
from typing import Any

from allauth.core import context, ratelimit
from allauth.mfa import app_settings
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as base
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn import forms as webauthn
from django import forms
from django.core.cache import cache
from django.core.exceptions import ValidationError

from config.allauth_private import normalize_user_code

ODD = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What allauth's reading of a made-up credential can end in."""


LONGEST = 20_000
"""No credential of a passkey has more characters, with some to spare."""


class _Credential(forms.JSONField):
    """What a browser sends of a passkey. What cannot be read is never drawn into a page again."""

    widget = forms.HiddenInput
    default_error_messages = {  # noqa: RUF012  # as in the class that it extends
        "required": "That did not work. Try again, or choose another way.",
        "invalid": "That did not work. Try again, or choose another way.",
    }

    def to_python(self, value: Any) -> Any:
        try:
            if len(str(value)) > LONGEST:
                raise get_adapter().validation_error("incorrect_passkey")
            read = super().to_python(value)
            # Half of a pair of surrogates can be written in JSON, and nowhere else.
            json.dumps(read, ensure_ascii=False).encode()
        except ValidationError:
            raise
        except (RecursionError, ValueError) as error:
            raise get_adapter().validation_error("incorrect_passkey") from error
        return read

    def bound_data(self, data: Any, initial: Any) -> Any:
        return initial


class _Counted:
    """A code, whose wrong guesses are counted so that nobody can keep somebody else out.

    Whoever guesses has the password already. A browser in which the person has signed in before has a count of its
    own; all other browsers share one, so that more of them give no more guesses.
    """

    user: Any
    authenticator: Authenticator
    cleaned_data: dict[str, Any]

    def clean_code(self) -> str:
        request, code = context.request, str(self.cleaned_data["code"])
        known = get_adapter().known_browser(request, self.user)
        key = f"code:{self.user.pk}:{known}"
        if not get_adapter().count_guess(request, key=key, known=bool(known)):
            raise get_adapter().validation_error("too_many_codes")
        for found in Authenticator.objects.filter(user=self.user).exclude(type=Authenticator.Type.WEBAUTHN):
            if found.wrap().validate_code(code) and self._is_new(found, code):
                found.user = self.user
                self.authenticator = found
                ratelimit.clear(request, action="login_failed", key=key)
                return code
        raise get_adapter().validation_error("incorrect_code")

    def _is_new(self, found: Authenticator, code: str) -> bool:
        """Take an app's code once in all the time that it is good for; allauth forgets it after a third of that."""
        if found.type != Authenticator.Type.TOTP:
            return True
        lasts = app_settings.TOTP_PERIOD * (2 * app_settings.TOTP_TOLERANCE + 1)
        return bool(cache.add(f"code-used:{self.user.pk}:{normalize_user_code(code)}", "", timeout=lasts))


class CodeForm(_Counted, base.AuthenticateForm):  # type: ignore[misc]  # allauth ships no types
    """A code as the second step of signing in."""


class ConfirmCodeForm(_Counted, base.ReauthenticateForm):  # type: ignore[misc]
    """A code from someone who has signed in."""


class _Signed(webauthn.AuthenticateWebAuthnForm):  # type: ignore[misc]
    """What a browser signed with a passkey; anything else that is sent is simply not right."""

    credential = _Credential()

    def clean_credential(self) -> Authenticator:
        try:
            return super().clean_credential()
        except ODD as error:
            raise get_adapter().validation_error("incorrect_passkey") from error


class PasskeyForm(_Signed):
    """A passkey as the second step of signing in."""


class ConfirmPasskeyForm(_Signed, webauthn.ReauthenticateWebAuthnForm):  # type: ignore[misc]
    """A passkey from someone who has signed in."""


class PasskeySignInForm(_Signed, webauthn.LoginWebAuthnForm):  # type: ignore[misc]
    """A passkey in place of address and password."""


class AddPasskeyForm(webauthn.AddWebAuthnForm):  # type: ignore[misc]
    """A new passkey and its name."""

    credential = _Credential()

    def clean_name(self) -> str:
        return str(super().clean_name())[:100]

    def clean(self) -> dict[str, Any]:
        if self.errors.pop("credential", None):
            raise get_adapter().validation_error("no_passkey")
        try:
            return dict(super().clean() or {})
        except ValidationError:
            raise
        except ODD as error:
            raise get_adapter().validation_error("incorrect_passkey") from error
