"""Drawing the desk's fields, and naming what it lists."""

from __future__ import annotations

from collections.abc import Mapping

from django import forms, template
from django.forms import BoundField

from assessments.rendering.projection import TONE_OF_OVERALL

register = template.Library()


@register.filter
def named(titles: Mapping[str, str], key: str) -> str:
    """What a key is called; the key itself where an edition that is gone had it."""
    return titles.get(key, key)


@register.filter
def tone(overall: str) -> str:
    """The tone of a part's overall: that nothing is flagged in a part is no reason for green."""
    known = {str(each): str(tone) for each, tone in TONE_OF_OVERALL.items()} | {"consistent": "unknown"}
    return known.get(overall, "unknown")


@register.filter
def desk_field(field: BoundField) -> str:
    """A field of the desk's filters with the portal's look, and tied to its error."""
    look = "form-select" if isinstance(field.field.widget, forms.Select) else "form-control"
    attributes: dict[str, str | bool] = {"class": look}
    if field.errors:
        attributes |= {"aria-invalid": "true", "aria-describedby": f"{field.auto_id}-error"}
    return str(field.as_widget(attrs=attributes))
