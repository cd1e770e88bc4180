"""Two files at fixed addresses: how to report a vulnerability, and what search engines may read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_safe

from assessments.middleware.headers import FOR_EVERYONE
from assessments.samples import TITLES

GOOD_FOR = timedelta(days=90)
"""How long a copy of security.txt counts. RFC 9116 advises less than a year."""


@require_safe
def security_txt(_: HttpRequest) -> HttpResponse:
    """How to report a vulnerability (RFC 9116). There is no such file if no contact is configured.

    A file without a contact is invalid, and one with a placeholder would lose reports.
    """
    if not settings.SECURITY_CONTACT:
        raise Http404
    # The same bytes all day.
    expires = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + GOOD_FOR
    return _text(
        f"Contact: {settings.SECURITY_CONTACT}",
        f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}",
        "Preferred-Languages: en",
        f"Canonical: {settings.PORTAL_URL}{reverse('security_txt')}",
    )


@require_safe
def robots_txt(_: HttpRequest) -> HttpResponse:
    """The pages that search engines may read: those that they may list, with their styles and fonts (RFC 9309)."""
    allowed = [f"Allow: {path}$" for path in sorted(_for_everyone())]
    return _text("User-agent: *", *allowed, f"Allow: {settings.STATIC_URL}", "Disallow: /")


def _for_everyone() -> Iterator[str]:
    for name in FOR_EVERYONE:
        try:
            yield reverse(name)
        except NoReverseMatch:
            yield from (reverse(name, kwargs={"name": sample}) for sample in TITLES)


def _text(*lines: str) -> HttpResponse:
    return HttpResponse("".join(f"{line}\n" for line in lines), content_type="text/plain; charset=utf-8")
