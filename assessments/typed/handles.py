"""Recognizing a social media account from its platform and handle, however they are typed or pasted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from assessments.typed.folding import fold
from assessments.typed.mending import mended_line

_PLATFORMS = {
    "Bluesky": (("bsky",), ("bsky.app",)),
    "Facebook": (("fb",), ("facebook.com", "fb.com")),
    "Instagram": (("ig", "insta"), ("instagram.com", "instagr.am")),
    "LinkedIn": (("linked in",), ("linkedin.com",)),
    "Reddit": ((), ("reddit.com",)),
    "Threads": ((), ("threads.net", "threads.com")),
    "TikTok": (("tik tok",), ("tiktok.com",)),
    "X": (("twitter", "x (twitter)", "twitter (x)", "x/twitter", "twitter/x"), ("x.com", "twitter.com")),
    "YouTube": (("yt", "you tube"), ("youtube.com",)),
}
"""The platforms that have one website: their other names, folded, and their domains."""
_NAMES = {
    fold(name): platform
    for platform, (others, domains) in _PLATFORMS.items()
    for name in (platform, *others, *domains)
}
_DOMAINS = {domain: platform for platform, (_, domains) in _PLATFORMS.items() for domain in domains}
_PROFILES = {
    "bluesky": "https://bsky.app/profile/",
    "facebook": "https://www.facebook.com/",
    "instagram": "https://www.instagram.com/",
    "threads": "https://www.threads.com/@",
    "tiktok": "https://www.tiktok.com/@",
    "x": "https://x.com/",
    "youtube": "https://www.youtube.com/@",
}
"""What comes before a handle in the address of its profile, by folded platform, where every account has the same."""
_OF_MANY_SERVERS = frozenset(("fediverse", "lemmy", "mastodon", "peertube", "pixelfed"))
"""Platforms where a name means nothing without its server, as in @patlee@mastodon.social."""
_BEFORE_THE_NAME = frozenset(
    ("c", "channel", "company", "groups", "in", "pages", "people", "profile", "r", "u", "user")
)
"""Parts of a web address that come before the account's name."""
_NO_NAMES = frozenset(
    ("explore", "hashtag", "p", "photo", "reel", "reels", "search", "share", "stories", "watch")
)
"""Parts of a web address that lead to a post or a search and not to an account."""
_ADDRESS = re.compile(r"(?:https?:)?//\S+|(?:[a-z0-9-]+\.)+[a-z]{2,}/\S+", re.IGNORECASE)


@dataclass(frozen=True)
class Profile:
    """An account that was pasted as a web address: its handle, and the address without what a link adds to it."""

    handle: str
    address: str


class OtherPlatform(ValueError):
    """The pasted address belongs to another platform than the one given. The message names both."""


def account_key(platform: str, handle: str) -> str:
    """A key that is the same for two spellings of the same account: 64 hexadecimal digits."""
    folded = _platform(platform)
    return sha256(f"{folded}\n{_name(folded, fold(handle))}".encode()).hexdigest()


def account_name(platform: str, handle: str) -> str:
    """The same name for two spellings of the same account, for a search: `instagram/patlee`."""
    folded = _platform(platform)
    return fold(f"{folded}/{_name(folded, fold(handle))}", accents=False)


def possible_names(word: str) -> list[str]:
    """How `account_name` may end for an account whose web address or @handle was typed. Empty for any other word."""
    folded = fold(word, accents=False)
    split = _split(folded)
    if split is None:
        name = folded.strip("@")
        return [f"/{name}"] if folded.startswith("@") and name else []
    _, names = _parts(split)
    if not (names or _number(split)) or (names and names[0] in _NO_NAMES):
        return []
    if owner := _owner(host := _host(split)):
        return [fold(f"{owner}/{_from_address(fold(owner), split)}", accents=False)]
    # Percent escapes may spell capitals and accents.
    name = fold(names[0].lstrip("@"), accents=False)
    # An account of one of many servers, or of a platform whose website has the platform's name.
    return [f"/{name}@{host}", *(f"{part}/{name}" for part in host.split(".")[:-1])]


def profile_address(platform: str, handle: str) -> str:
    """The web address of an account's profile, from its platform and handle alone; empty if they do not show it."""
    folded = _platform(platform)
    name = mended_line(handle)
    if split := _split(name):
        return name if split.scheme else f"https://{name.removeprefix('//')}"
    name = name.lstrip("@")
    if not re.fullmatch(r"[\w.-]+(@[\w.-]+\.\w+)?", name, re.ASCII):
        return ""
    if folded in _OF_MANY_SERVERS:
        name, _, host = name.partition("@")
        return f"https://{host}/@{name}" if folded == "mastodon" and host else ""
    before = _PROFILES.get(folded)
    return f"{before}{name}" if before and "@" not in name else ""


def pasted_profile(platform: str, handle: str) -> Profile | None:
    """Read a handle that is the address of a profile. None if it is not, or not clearly the platform's.

    Raises OtherPlatform.
    """
    handle = mended_line(handle)
    split = _split(handle)
    # https://instagram.com@elsewhere.example leads to elsewhere.example.
    if split is None or "@" in split.netloc:
        return None
    folded, host = _platform(platform), _host(split)
    owner = _owner(host)
    if owner and fold(owner) != folded:
        raise OtherPlatform(f"This is an address on {owner}, but the platform is {mended_line(platform)}")
    before, names = _parts(split)
    if len(names) != 1 or names[0].casefold() in _NO_NAMES or not _belongs(folded, host):
        return None
    name, query = names[0].lstrip("@"), ""
    if number := _number(split):
        name, query = number, f"?id={number}"
    elif folded in _OF_MANY_SERVERS:
        name = f"@{name}@{host}"
    elif before in ("", "profile"):
        name = f"@{name}"
    return Profile(mended_line(name), f"https://{split.netloc}{split.path}{query}")


def _platform(platform: str) -> str:
    """The folded name of a platform, the same for all its names."""
    folded = fold(platform)
    return fold(_NAMES.get(folded, folded))


def _name(platform: str, handle: str) -> str:
    """The name of an account, from a folded handle or the address of its profile."""
    if split := _split(handle):
        # Percent escapes may spell capitals.
        handle = fold(_from_address(platform, split) or handle)
    return handle.strip("@ ")


def _from_address(platform: str, split: SplitResult) -> str:
    """The name in the address of a profile; empty if there is none."""
    _, names = _parts(split)
    host = _host(split)
    if names and names[0] in _NO_NAMES:
        return ""
    name = _number(split) or (names[0].lstrip("@") if names else "")
    if platform not in _OF_MANY_SERVERS and _belongs(platform, host):
        return name or host
    # Another server has other accounts: @patlee@mstdn.example is not @patlee.
    return f"{name}@{host}"


def _split(text: str) -> SplitResult | None:
    """The parts of a web address; None if the text is none."""
    if not _ADDRESS.fullmatch(text):
        return None
    try:
        return urlsplit(text if "//" in text else f"//{text}")
    except ValueError:
        return None


def _host(split: SplitResult) -> str:
    return split.netloc.casefold().removeprefix("www.").removeprefix("m.")


def _owner(host: str) -> str:
    """The platform that a host belongs to; empty if it is not in the table."""
    return next(
        (name for domain, name in _DOMAINS.items() if host == domain or host.endswith(f".{domain}")), ""
    )


def _belongs(platform: str, host: str) -> bool:
    """Whether a host is one of a platform's, by the table or else by the platform's name in it."""
    if platform in _OF_MANY_SERVERS:
        return not _owner(host)
    return fold(_owner(host)) == platform if platform in _NAMES else platform in host.split(".")


def _parts(split: SplitResult) -> tuple[str, list[str]]:
    """The part before the name, if any, and the name with what follows it, without percent escapes."""
    parts, before = [_decoded(part) for part in split.path.split("/") if part], ""
    while len(parts) > 1 and parts[0].casefold() in _BEFORE_THE_NAME:
        before = parts.pop(0).casefold()
    return before, parts


def _decoded(part: str) -> str:
    try:
        return unquote(part, errors="strict")
    except UnicodeDecodeError:
        return part


def _number(split: SplitResult) -> str:
    """The number that Facebook gives an account without a name; empty for any other address."""
    if not split.path.casefold().endswith("/profile.php"):
        return ""
    return next(iter(parse_qs(split.query).get("id", ())), "")
