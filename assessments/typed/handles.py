"""Recognizing a social media account from its platform and handle, however they are typed or pasted."""

from __future__ import annotations

import re
from hashlib import sha256
from urllib.parse import parse_qs, urlsplit

from assessments.typed.folding import fold

_HOSTS = {
    "bluesky": ("bsky",),
    "facebook": ("fb",),
    "instagram": ("instagr",),
    "twitter": ("x",),
    "x": ("twitter",),
    "youtube": ("youtu",),
}
"""Other names that platforms have in web addresses."""
_BEFORE_THE_NAME = frozenset(
    ("c", "channel", "company", "groups", "in", "pages", "people", "profile", "r", "u", "user")
)
"""Parts of a web address that come before the account's name."""
_ADDRESS = re.compile(r"(?:https?:)?//\S+|(?:[a-z0-9-]+\.)+[a-z]{2,}/\S+")


def account_key(platform: str, handle: str) -> str:
    """A key that is the same for two spellings of the same account: 64 hexadecimal digits."""
    return sha256(f"{fold(platform)}\n{_name(fold(platform), fold(handle))}".encode()).hexdigest()


def _name(platform: str, handle: str) -> str:
    """The name of an account, from a folded handle or the address of its profile."""
    if _ADDRESS.fullmatch(handle):
        handle = _from_address(platform, handle)
    return handle.replace("@", "").strip()


def _from_address(platform: str, address: str) -> str:
    try:
        split = urlsplit(address if "//" in address else f"//{address}")
    except ValueError:
        return address
    parts = [part for part in split.path.split("/") if part]
    while len(parts) > 1 and parts[0] in _BEFORE_THE_NAME:
        parts.pop(0)
    numbers = parse_qs(split.query).get("id")
    name = numbers[0] if numbers else parts[0] if parts else ""
    host = split.netloc.removeprefix("www.").removeprefix("m.")
    if {platform, *_HOSTS.get(platform, ())} & set(host.split(".")):
        return name or host
    # Another server has other accounts: @patlee@mstdn.example is not @patlee.
    return f"{name}@{host}"
