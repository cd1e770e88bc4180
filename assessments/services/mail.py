"""Sending email as plain text and HTML, never with anyone's answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from config.oidc import Provider

BETWEEN_TRIES = timedelta(minutes=2)
"""The least time between two tries at an email. After it, a try that never ended was stopped."""


def partly_hidden(email: str) -> str:
    """An address that its owner recognizes and that tells nobody else the address: `p•••@example.ca`."""
    name, _, domain = email.rpartition("@")
    return f"{name[:1]}•••@{domain}"


def send_mail(
    *, to: str, name: str, context: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> None:
    """Send the email `name` of templates/mail. Raises OSError or SMTPException if it cannot be sent."""
    provider: Provider | None = settings.OIDC
    only = provider.name if provider and provider.only else ""
    context = {**context, "portal": settings.PORTAL_URL, "single_sign_on_only": only}
    subject, _, text = render_to_string(f"mail/{name}.txt", context).partition("\n")
    message = EmailMultiAlternatives(
        subject.strip(), text.strip() + "\n", to=[to], headers=dict(headers or {})
    )
    message.attach_alternative(render_to_string(f"mail/{name}.html", context), "text/html")
    message.send()
