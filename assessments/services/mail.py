"""Mail: plain text and HTML, never with anyone's answers in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string


def send_mail(
    *, to: str, name: str, context: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> None:
    """Send the mail `name` of templates/mail. Raises OSError or SMTPException where it cannot be sent."""
    told = {**context, "portal": settings.PORTAL_URL}
    subject, _, text = render_to_string(f"mail/{name}.txt", told).partition("\n")
    message = EmailMultiAlternatives(
        subject.strip(), text.strip() + "\n", to=[to], headers=dict(headers or {})
    )
    message.attach_alternative(render_to_string(f"mail/{name}.html", told), "text/html")
    message.send()
