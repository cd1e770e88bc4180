"""What the layout of every page needs, beside the person and what waits for them."""

from __future__ import annotations

from django.http import HttpRequest

from bulletin.shelf import current


def bulletin_url(_: HttpRequest) -> dict[str, str]:
    """Context processor: the City's page about the current edition of the bulletin, by its `source`."""
    return {"bulletin_url": f"https://www.{current().sheet.source}"}
