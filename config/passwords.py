"""The rules for passwords: Django's, in the portal's words, and one of our own.

No rule asks for kinds of characters, or makes people change a password after some time.
"""

from __future__ import annotations

import re

from django.contrib.auth import password_validation as django
from django.core.exceptions import ValidationError

WORDS = (
    *("toronto", "ontario", "canada", "city", "hall", "council", "councillor", "councilor", "mayor", "ward"),
    *("integrity", "commissioner", "bulletin", "social", "media", "self", "check", "portal", "account"),
    *("officer", "member", "staff", "office", "admin", "administrator", "password", "passphrase", "welcome"),
)
"""Words about the City, the portal and the roles in it. docs/security-rules.md says how they are used."""
LEFT = 6
"""Characters that must remain without them."""
_WORDS = re.compile("|".join(sorted(WORDS, key=len, reverse=True)), re.IGNORECASE)


class NotLikeThePerson(django.UserAttributeSimilarityValidator):
    """Refuses a password that is like the person's name or email address."""

    def get_error_message(self) -> str:
        return "Choose a password that is less like your name or email address."

    def get_help_text(self) -> str:
        return "Don’t use your name or email address."


class LongEnough(django.MinimumLengthValidator):
    """Refuses a password of fewer than eight characters."""

    def get_error_message(self) -> str:
        return f"Use at least {self.min_length} characters."

    def get_help_text(self) -> str:
        return f"Use at least {self.min_length} characters."


class NotCommon(django.CommonPasswordValidator):
    """Refuses a password from Django's list of common ones."""

    def get_error_message(self) -> str:
        return "Choose a less common password."

    def get_help_text(self) -> str:
        return "Don’t use a common password."


class NotAboutThePortal:
    """Refuses a password that is little more than WORDS, which people here would guess first."""

    def validate(self, password: str, user: object = None) -> None:
        """Raise ValidationError if fewer than LEFT characters remain without those words."""
        left = _WORDS.sub("", password)
        if left != password and len(left) < LEFT:
            raise ValidationError(
                "Choose a password with fewer words about the City or this portal.", "about_portal"
            )

    def get_help_text(self) -> str:
        return "Don’t use words about the City or this portal."
