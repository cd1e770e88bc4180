"""The forms for the second step of signing in: allauth's, which also count guesses and reject malformed input."""

from __future__ import annotations

import json
from typing import Any

from allauth.core import context, ratelimit
from allauth.mfa import app_settings
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as base
from allauth.mfa.models import Authenticator
from allauth.mfa.totp import forms as totp
from allauth.mfa.webauthn import forms as webauthn
from django import forms
from django.contrib import messages
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import transaction

from assessments.forms.messages import use_plain_messages
from assessments.models import User
from assessments.services.security_log import Event, Method, Reason, write
from assessments.services.sign_in_changes import Change, tell_of_change
from assessments.typed.folding import simplified
from assessments.typed.mending import mended_line
from config.allauth_private import normalize_user_code, signing_passkey

MALFORMED = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What allauth can raise when it reads a credential that no browser made."""
MAX_NAME = 100
"""Characters of a passkey's name."""
MAX_CREDENTIAL = 20_000
"""Characters; a passkey's credential is always shorter."""


class _Credential(forms.JSONField):
    """A passkey's credential, as the browser sends it. A page never shows again what was sent."""

    widget = forms.HiddenInput
    default_error_messages = dict.fromkeys(
        ("required", "invalid", "null_characters_not_allowed"),
        "This passkey did not work. Try again, or choose another way.",
    )

    def to_python(self, value: Any) -> Any:
        try:
            if len(str(value)) > MAX_CREDENTIAL:
                raise get_adapter().validation_error("incorrect_passkey")
            credential = super().to_python(value)
            # JSON can express a lone surrogate, which UTF-8 cannot encode.
            json.dumps(credential, ensure_ascii=False).encode()
        except ValidationError:
            raise
        except (RecursionError, ValueError) as error:
            raise get_adapter().validation_error("incorrect_passkey") from error
        return credential

    def bound_data(self, data: Any, initial: Any) -> Any:
        return initial


def key_of_use(user: User, code: str) -> str:
    """The cache key that records that this person has used this code."""
    return f"code-used:{user.pk}:{normalize_user_code(code)}"


class _KeypadForm:
    """A form with a code. An app's code and a recovery code have digits only, for which phones have a keypad."""

    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].widget.attrs["inputmode"] = "numeric"
        use_plain_messages(self.fields["code"], "Code")


class _CountedCodeForm(_KeypadForm):
    """A code form that counts and logs wrong guesses (views/guesses.py). Whoever guesses already has the password."""

    right, wrong = Event.SECOND_STEP, Event.SECOND_STEP_FAILED
    user: Any
    authenticator: Authenticator
    cleaned_data: dict[str, Any]

    def clean_code(self) -> str:
        code = simplified(str(self.cleaned_data["code"]))
        guess = get_adapter().count_guess(context.request, self.user)
        if guess is None:
            raise get_adapter().validation_error("too_many_codes")
        authenticators = Authenticator.objects.filter(user=self.user)
        for authenticator in authenticators.exclude(type=Authenticator.Type.WEBAUTHN):
            if authenticator.wrap().validate_code(code) and self._is_new(authenticator, code):
                authenticator.user = self.user
                self.authenticator = authenticator
                guess.rollback()
                return code
        by = self.user if self.wrong is Event.IDENTITY_NOT_CONFIRMED else None
        write(self.wrong, person=self.user, by=by, method=Method.CODE, reason=Reason.WRONG_CODE)
        raise get_adapter().validation_error("incorrect_code")

    def save(self) -> None:
        super().save()  # type: ignore[misc]  # allauth's form has it
        is_recovery = self.authenticator.type == Authenticator.Type.RECOVERY_CODES
        method = Method.RECOVERY_CODE if is_recovery else Method.APP_CODE
        write(self.right, person=self.user, by=self.user, method=method)
        if is_recovery:
            with transaction.atomic():
                tell_of_change(user=self.user, what=Change.RECOVERY_CODE_USED, by=self.user, method=method)

    def _is_new(self, authenticator: Authenticator, code: str) -> bool:
        """Accept an app's code only once while it is valid; allauth forgets it after a third of that time."""
        if authenticator.type != Authenticator.Type.TOTP:
            return True
        seconds = app_settings.TOTP_PERIOD * (2 * app_settings.TOTP_TOLERANCE + 1)
        return bool(cache.add(key_of_use(self.user, code), "", timeout=seconds))


class AppForm(_KeypadForm, totp.ActivateTOTPForm):  # type: ignore[misc]  # allauth ships no types
    """A code from an authenticator app that is being set up."""


class CodeForm(_CountedCodeForm, base.AuthenticateForm):  # type: ignore[misc]  # allauth ships no types
    """A code as the second step of signing in."""


class ConfirmCodeForm(_CountedCodeForm, base.ReauthenticateForm):  # type: ignore[misc]
    """A code to confirm who is signed in."""

    right, wrong = Event.IDENTITY_CONFIRMED, Event.IDENTITY_NOT_CONFIRMED


class _SignedChallengeForm(webauthn.AuthenticateWebAuthnForm):  # type: ignore[misc]
    """A challenge that a browser signed with a passkey; malformed input counts as a wrong passkey."""

    right, wrong = Event.SECOND_STEP, Event.SECOND_STEP_FAILED
    credential = _Credential()

    def clean_credential(self) -> Authenticator:
        if not ratelimit.consume(context.request, action="passkey"):
            write(
                Event.LOCKED_OUT,
                person=self.user,
                method=Method.PASSKEY,
                reason=Reason.NETWORK_LIMIT,
            )
            raise get_adapter().validation_error("too_many_codes")
        try:
            return signing_passkey(self.user, self.cleaned_data["credential"])
        except (*MALFORMED, ValidationError) as error:
            by = self.user if self.wrong is Event.IDENTITY_NOT_CONFIRMED else None
            write(self.wrong, person=self.user, by=by, method=Method.PASSKEY, reason=Reason.WRONG_PASSKEY)
            raise get_adapter().validation_error("incorrect_passkey") from error

    def save(self) -> None:
        super().save()
        # Someone who signs in with a passkey alone has not taken a second step: the sign-in has its own line.
        if self.user is not None:
            write(self.right, person=self.user, by=self.user, method=Method.PASSKEY)


class PasskeyForm(_SignedChallengeForm):
    """A passkey as the second step of signing in."""


class ConfirmPasskeyForm(_SignedChallengeForm, webauthn.ReauthenticateWebAuthnForm):  # type: ignore[misc]
    """A passkey to confirm who is signed in."""

    right, wrong = Event.IDENTITY_CONFIRMED, Event.IDENTITY_NOT_CONFIRMED


class PasskeySignInForm(_SignedChallengeForm, webauthn.LoginWebAuthnForm):  # type: ignore[misc]
    """A passkey in place of the email address and password."""

    wrong = Event.SIGN_IN_FAILED


class AddPasskeyForm(webauthn.AddWebAuthnForm):  # type: ignore[misc]
    """A new passkey and its name."""

    credential = _Credential()

    def clean_name(self) -> str:
        """The name. One that is too long is cut in words: refused, the key would stay in the device, for nothing."""
        name = mended_line(str(super().clean_name()))
        if len(name) > MAX_NAME:
            messages.warning(context.request, f"The name was shortened to {MAX_NAME} characters.")
        return name[:MAX_NAME]

    def clean(self) -> dict[str, Any]:
        if self.errors.pop("credential", None):
            raise get_adapter().validation_error("no_passkey")
        try:
            return dict(super().clean() or {})
        except ValidationError:
            raise
        except MALFORMED as error:
            raise get_adapter().validation_error("incorrect_passkey") from error
