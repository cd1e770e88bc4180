"""What a template says of a browser."""

from django import template

register = template.Library()

# In this order: a browser also claims to be those after it.
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
    """`Firefox on Windows`, from what a browser says of itself; cut short where it says nothing known."""
    name = next((name for mark, name in BROWSERS.items() if mark in user_agent), "")
    device = next((device for mark, device in DEVICES.items() if mark in user_agent), "")
    return " on ".join(filter(None, (name, device))) or user_agent[:60] or "A browser that gives no name"
