"""Template filters of the desk: its fields, and the titles and tones of results."""

from __future__ import annotations

from collections.abc import Mapping

from django import forms, template
from django.forms import BoundField

from assessments.rendering.projection import TONE_OF_OVERALL

register = template.Library()


@register.filter
def title_of(titles: Mapping[str, str], key: str) -> str:
    """The title for a key; the key itself if it is from an edition that is no longer on file."""
    return titles.get(key, key)


@register.filter
def tone(overall: str) -> str:
    """The tone of a part's overall result. A part in which nothing is flagged is not green: the rest is unknown."""
    tones = {str(key): str(tone) for key, tone in TONE_OF_OVERALL.items()} | {"consistent": "unknown"}
    return tones.get(overall, "unknown")


@register.filter
def desk_field(field: BoundField) -> str:
    """A field of the desk's filters with the portal's look, and linked to its error for screen readers."""
    css_class = "form-select" if isinstance(field.field.widget, forms.Select) else "form-control"
    attributes: dict[str, str | bool] = {"class": css_class}
    if field.errors:
        attributes |= {"aria-invalid": "true", "aria-describedby": f"{field.auto_id}-error"}
    return str(field.as_widget(attrs=attributes))
