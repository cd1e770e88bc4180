"""Django's rules for passwords, in the portal's words."""

from __future__ import annotations

from django.contrib.auth import password_validation as django


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


class NotDigitsAlone(django.NumericPasswordValidator):
    """Refuses a password that has only digits."""

    def get_error_message(self) -> str:
        return "Add letters or other characters. This password has only digits."

    def get_help_text(self) -> str:
        return "Don’t use only digits."
