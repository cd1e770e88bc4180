"""Template filters of the desk: its fields, and the titles and tones of results."""

from __future__ import annotations

from collections.abc import Mapping

from django import forms, template
from django.forms import BoundField

from assessments.models import DeskEntry, User
from assessments.models.desk import officer_name as name_of_officer
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
def officer_name(person: User) -> str:
    """An officer's name, with a note if they are no longer one."""
    return name_of_officer(person)


@register.filter
def badge(state: DeskEntry.State) -> str:
    """The look of a state's badge: `todo` and `begun` need attention, `done` does not."""
    states = DeskEntry.State
    return {states.UNREAD: "todo", states.TO_ANSWER: "begun"}.get(state, "done")


@register.filter
def desk_field(field: BoundField) -> str:
    """A field of the desk's filters with the portal's look, and linked to its error for screen readers."""
    css_class = "form-select" if isinstance(field.field.widget, forms.Select) else "form-control"
    attributes: dict[str, str | bool] = {"class": css_class}
    if field.errors:
        attributes |= {"aria-invalid": "true", "aria-describedby": f"{field.auto_id}-error"}
    return str(field.as_widget(attrs=attributes))


@register.filter
def with_commas(number: int) -> str:
    """A number as the portal writes it, such as 5,000. Django writes a space there in Canadian English."""
    return f"{number:,}"
