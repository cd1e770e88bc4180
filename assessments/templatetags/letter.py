"""The link that opens a letter to the Commissioner in the person's mail program."""

from urllib.parse import quote

from django import template
from django.template.loader import render_to_string

from assessments.rendering.projection import Projection

register = template.Library()

SUBJECT = "Confidential advice on a social media account"
LONGEST = 1_900
"""The most characters of a link that every mail program accepts. Outlook's limit is about 2,000."""


@register.simple_tag
def letter_address(a: Projection) -> str:
    """A `mailto:` link with the letter. If the account's name makes the link too long, it is left out."""
    address = _address(a, with_account=True)
    return address if len(address) <= LONGEST else _address(a, with_account=False)


def _address(a: Projection, *, with_account: bool) -> str:
    text = render_to_string("assessments/_letter.txt", {"a": a, "with_account": with_account})
    # RFC 6068: a line ends with a carriage return and a line feed.
    body = "\r\n".join(text.splitlines())
    return f"mailto:{a.contact_block.email}?subject={quote(SUBJECT, safe='')}&body={quote(body, safe='')}"
