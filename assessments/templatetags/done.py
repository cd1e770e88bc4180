"""Whether a thing to do is done, for a template."""

from __future__ import annotations

from django import template

from assessments.rendering.findings import Act
from assessments.reports.done import ActState, DoneReport

register = template.Library()


@register.filter
def state_of(report: DoneReport | None, act: Act) -> ActState | None:
    """The state of a thing to do; None where nothing can be marked, as without an office."""
    return report.of(act) if report else None
