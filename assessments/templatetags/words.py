"""Template filters that put things in words: the name of a browser or a person, a moment, the date of a document."""

import re
from datetime import date, datetime

from django import template
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

from assessments.forms.messages import names_field
from assessments.models import Office, User
from assessments.models.names import distinct_former_names, name_then_and_now
from assessments.records import clock

register = template.Library()

# The order counts: a browser also claims to be the ones after it.
BROWSERS = {
    "Edg": "Edge",
    "OPR": "Opera",
    "Firefox": "Firefox",
    "FxiOS": "Firefox",
    "CriOS": "Chrome",
    "Chrome": "Chrome",
    "Safari": "Safari",
}
DEVICES = {
    "iPhone": "an iPhone",
    "iPad": "an iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Mac OS": "a Mac",
    "Linux": "Linux",
}


@register.filter
def browser(user_agent: str) -> str:
    """`Firefox on Windows`, from a user agent string; the first 60 characters of one that names nothing known."""
    return known_name(user_agent) or user_agent[:60] or "A browser that gives no name"


def known_name(user_agent: str) -> str:
    """`Firefox on Windows`, from a user agent string; empty if it names nothing known."""
    name = next((name for mark, name in BROWSERS.items() if mark in user_agent), "")
    device = next((device for mark, device in DEVICES.items() if mark in user_agent), "")
    return " on ".join(filter(None, (name, device)))


@register.filter
def moment(at: datetime | None) -> str:
    """A moment on Toronto's clock with its zone; empty if there is none."""
    return clock.moment_in_words(at) if at else ""


@register.filter
def day_in_pdf(day: date) -> str:
    """A day as the date of a document."""
    return clock.day_in_pdf(day)


@register.filter
def naming_field(message: str, label: str) -> str:
    """An error as a summary lists it: with the field's label before it, unless the error names the field."""
    return message if names_field(message, label) else f"{label}: {message}"


@register.filter
def whole_dates(message: str) -> SafeString:
    """A message in which no line breaks within a date such as 2026-08-21: browsers break lines at hyphens."""
    pattern = r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}\b"
    return mark_safe(re.sub(pattern, r'<span class="date">\g<0></span>', conditional_escape(message)))  # noqa: S308  # escaped


@register.filter
def named_at(person: User, at: datetime) -> str:
    """The name that a person had at a moment, followed by the current name if it differs."""
    return name_then_and_now(person.former_names.all(), at, now=str(person))


@register.filter
def formerly(named: User | Office) -> str:
    """` (formerly Ana Silva)`: the other names that a person or an office had; empty if there are none."""
    now = named.name if isinstance(named, Office) else str(named)
    names = distinct_former_names(named.former_names.all(), now=now)
    return f" (formerly {', '.join(names)})" if names else ""
