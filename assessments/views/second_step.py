"""Second steps at sign-in, with our own error messages and encrypted secrets."""

from __future__ import annotations

import base64
import secrets
from typing import Any

from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.views import (
    DownloadRecoveryCodesView,
    GenerateRecoveryCodesView,
    ViewRecoveryCodesView,
)
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from assessments.models import User
from assessments.services.sign_in_changes import Change, tell_of_change
from assessments.views import guesses
from assessments.views.sign_in import known_browser
from config.encryption import cipher

PURPOSE = "second steps"
"""Names the keys that encrypt the secrets of authenticator apps."""


class StepAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth ships no types
    """allauth's second steps, with the portal's words, limits and encryption."""

    error_messages = {  # noqa: RUF012  # as in the class that it extends
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": (
            "This code is incorrect or was already used. Enter the newest code. "
            "If this keeps happening, set your phone’s clock to automatic."
        ),
        "incorrect_passkey": "This passkey did not work. Try again, or choose another way.",
        "no_passkey": "No passkey was created. Select the button to create one.",
        "too_many_codes": "Too many attempts. Please wait five minutes and try again.",
        "cannot_generate_recovery_codes": (
            "Set up a passkey or an authenticator app first. You can then make recovery codes."
        ),
    }

    def count_guess(self, request: HttpRequest, user: User) -> guesses.Guess | None:
        """Used by the form that counts guesses at codes."""
        return guesses.count_guess(request, guesses.code_of(user), known=known_browser(request, user.email))

    def generate_authenticator_name(self, user: Any, type: Any) -> str:  # noqa: A002  # allauth's name for it
        return f"Passkey {Authenticator.objects.filter(user_id=user.pk, type=type).count() + 1}"

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {**super().get_public_key_credential_rp_entity(), "name": settings.MFA_TOTP_ISSUER}

    def encrypt(self, text: str) -> str:
        """Encrypt a secret, so that a copy of the database reveals nobody's codes."""
        return cipher(PURPOSE).encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Decrypt a secret. If its key is no longer configured, return a random one, which no code matches."""
        try:
            return cipher(PURPOSE).decrypt(encrypted_text.encode()).decode()
        except InvalidToken:
            return base64.b32encode(secrets.token_bytes(40)).decode()


class RecoveryCodes(ViewRecoveryCodesView):  # type: ignore[misc]  # allauth ships no types
    """The recovery codes, and the way on to the person's first page. Without codes, it leads to making them."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        steps = Authenticator.objects.filter(user=request.user)
        if steps.exists() and not steps.filter(type=Authenticator.Type.RECOVERY_CODES).exists():
            return redirect("mfa_generate_recovery_codes")
        response: HttpResponse = super().get(request, *args, **kwargs)
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        first_page = get_account_adapter().get_login_redirect_url(self.request)
        return {**super().get_context_data(**kwargs), "first_page": first_page}


class NewRecoveryCodes(GenerateRecoveryCodesView):  # type: ignore[misc]
    """Makes recovery codes. If there were some, a message says that they no longer work."""

    def form_valid(self, form: Any) -> HttpResponse:
        steps = Authenticator.objects.filter(user=self.request.user)
        replaces = steps.filter(type=Authenticator.Type.RECOVERY_CODES).exists()
        # This locks the person's row until it commits, and the audit trail refers to that row. So it comes after.
        response: HttpResponse = super().form_valid(form)
        with transaction.atomic():
            tell_of_change(user=self.request.user, what=Change.RECOVERY_CODES_MADE, by=self.request.user)
        if replaces:
            messages.info(self.request, "Your earlier recovery codes no longer work.")
        return response


class RecoveryCodesFile(DownloadRecoveryCodesView):  # type: ignore[misc]
    """The recovery codes as a text file."""

    content_type = "text/plain; charset=utf-8"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "portal": settings.PORTAL_URL}
