"""The names by which a search finds an account, and the address of its profile."""

import pytest

from assessments.typed.handles import account_name, possible_names, profile_address


@pytest.mark.parametrize(
    ("platform", "handle", "typed"),
    [
        ("X", "@PatLee", "https://twitter.com/patlee?s=20"),
        ("twitter", "PatLee", "x.com/PatLee/status/123"),
        ("Facebook", "100064", "https://m.facebook.com/profile.php?id=100064&mibextid=x"),
        ("Mastodon", "@pat@mstdn.example", "https://mstdn.example/@Pat"),
        ("Instagram", "@zoë", "https://www.instagram.com/zo%C3%AB/"),
        ("Nextdoor", "patlee", "https://nextdoor.ca/patlee"),
        ("TikTok", "@pat", "@PAT"),
    ],
)
def test_a_typed_address_or_handle_is_one_of_the_accounts_possible_names(platform, handle, typed):
    name = account_name(platform, handle)
    assert any(f"/{name}".endswith(f"/{possible.lstrip('/')}") for possible in possible_names(typed))


@pytest.mark.parametrize(
    "typed",
    [
        "patlee",
        "@",
        "",
        "https://",
        "https://www.instagram.com/",
        "https://www.instagram.com/p/abc",
        "http://[",
    ],
)
def test_other_words_name_no_account(typed):
    assert possible_names(typed) == []


@pytest.mark.parametrize(
    ("platform", "handle", "address"),
    [
        ("Twitter", "@PatLee", "https://x.com/PatLee"),
        ("YouTube", "PatLee", "https://www.youtube.com/@PatLee"),
        ("Mastodon", "@pat@mstdn.example", "https://mstdn.example/@pat"),
        ("Instagram", "https://www.instagram.com/pat/", "https://www.instagram.com/pat/"),
        ("Instagram", "instagram.com/pat", "https://instagram.com/pat"),
        # Their addresses do not follow from the handle alone.
        ("LinkedIn", "@pat", ""),
        ("Mastodon", "@pat", ""),
        ("Pixelfed", "@pat@pix.example", ""),
        ("X", "Pat Lee", ""),
        ("X", '@a"onclick', ""),
        ("", "", ""),
    ],
)
def test_the_address_of_a_profile_follows_from_platform_and_handle_where_it_can(platform, handle, address):
    assert profile_address(platform, handle) == address
