"""When the session or the anonymous check that a page depends on ends, for the notice before that."""

from dataclasses import dataclass

from django import template
from django.template.context import Context
from django.urls import reverse
from django.utils import timezone

from assessments.middleware.session_limits import time_left
from assessments.models.checks import LIFE, AnonymousCheck

register = template.Library()


@dataclass(frozen=True)
class TimeLimit:
    """What ends ("session" or "check"), in how many seconds, and the address that extends it.

    `renewed` is the seconds that a further request gives at least, and `longest` those until no request extends it.
    """

    kind: str
    seconds: int
    renewed: int
    longest: int | None
    address: str


@register.simple_tag(takes_context=True)
def time_limit(context: Context) -> TimeLimit | None:
    """The time limit of a page; None where nothing ends."""
    workspace, request = context.get("workspace"), context.get("request")
    if request is None or context.get("no_menu"):
        return None
    if workspace and isinstance(check := workspace.self_check, AnonymousCheck):
        seconds = int((check.ends_at - timezone.now()).total_seconds())
        return TimeLimit("check", seconds, int(LIFE.total_seconds()), None, reverse("check:extend"))
    if not request.user.is_authenticated:
        return None
    left = time_left(request)
    return TimeLimit("session", left.unused, left.renewed, left.longest, reverse("stay"))
