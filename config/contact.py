"""Where people report a vulnerability: SECURITY_CONTACT."""

from __future__ import annotations

from urllib.parse import quote

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import EmailValidator, URLValidator


def contact_uri(text: str) -> str:
    """The address in SECURITY_CONTACT as security.txt has it: mailto:… or https://… Empty if there is none.

    Raises ImproperlyConfigured with one line if it is neither an email address nor a page.
    """
    if not text:
        return ""
    try:
        if text.startswith("https://"):
            URLValidator(schemes=["https"])(text)
            return text
        EmailValidator()(text)
    except ValidationError:
        raise ImproperlyConfigured(
            "SECURITY_CONTACT is neither an email address nor the address of a page. Write it like "
            "security@example.ca or https://example.ca/security."
        ) from None
    return f"mailto:{quote(text, safe='@+')}"
