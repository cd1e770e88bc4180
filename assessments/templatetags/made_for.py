"""The portal's `csrf_token`: Django's own input, and one that names the person a form is made for. And the names of
cookies.
"""

from __future__ import annotations

from django import template
from django.conf import settings
from django.template.context import Context
from django.template.defaulttags import CsrfTokenNode
from django.utils.html import format_html

from assessments.views.not_saved import AS

register = template.Library()


@register.simple_tag(takes_context=True)
def csrf_token(context: Context) -> str:
    """The hidden inputs of every form that is sent by POST: the token, and the person who is signed in.

    If someone else signs in on another tab, what this person typed is not saved under the other's name.
    """
    user = context.get("user")
    token = CsrfTokenNode().render(context)
    if not token or user is None or not user.is_authenticated:
        return token
    return format_html('{}<input type="hidden" name="{}" value="{}">', token, AS, user.pk)


@register.simple_tag
def cookie_name(name: str) -> str:
    """The name that one of the portal's cookies has here, such as __Host-check for check."""
    return settings.COOKIE_PREFIX + name
