"""Comparing what people wrote: which spellings are the same, and where words occur in a text."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assessments.typed.folding import fold, near_misses, occurrences, same, search_terms, searchable
from assessments.typed.handles import OtherPlatform, Profile, account_key, pasted_profile

BLACKED_OUT = [
    ("Maya Lee", "MAYA LEE"),
    ("Maya Lee", "Maya\u00a0Lee"),
    ("Maya Lee", "Maya\u202fLee"),
    ("Maya Lee", "Maya\nLee"),
    ("Maya Lee", "Maya \r\n\tLee"),
    ("Maya  Lee", "Maya Lee"),
    ("Maya Lee", "Ma\u00adya Lee"),
    ("Maya Lee", "Ma\u200bya Lee"),
    ("Maya Lee", "M\u2068aya\u2069 Lee"),
    ("Maya Lee", "Ｍａｙａ　Ｌｅｅ"),
    ("Dan O'Brien", "Dan O’Brien"),
    ("Dan O’Brien", "Dan O`Brien"),
    ("Jean-Luc", "Jean\u2011Luc"),
    ("Jean-Luc", "Jean–Luc"),
    ("Straße", "STRASSE"),
    ("Núñez", "Nu\u0301n\u0303ez"),
    ("Nu\u0301n\u0303ez", "NÚÑEZ"),
    ("İstanbul", "istanbul"),
    ("Griffin", "Griﬃn"),
    ("416-555-0100", "416 555 0100"),
    ("416-555-0100", "4165550100"),
    ("416-555-0100", "(416) 555-0100"),
    ("416-555-0100", "416\u2011555\u20110100"),
    ("(416) 555-0100", "416.555.0100"),
    ("4165550100", "416-555-0100"),
    ("$1,250", "$1 250"),
]
POINTED_AT = [
    ("Núñez", "Nunez"),
    ("Zoe", "Zoë"),
    ("Maya Lee", "M\u0430ya Lee"),  # with a Cyrillic а
    ("Maya Lee", "Maya"),
    ("Maya Lee", "maya"),
    ("Maya Lee", "ms lee"),
    ("Jonathan", "jonathon"),
    ("张伟", "张 伟"),
    ("张 伟", "张伟"),
    ("مريم علي", "علي"),
    ("Maya Lee", "Ms. Lee"),
    ("Maya Lee", "Lee, Maya"),
    ("Maya Lee", "MayaLee"),
    ("Jean-Luc", "Jean Luc"),
    ("O'Brien-Côté", "Côté"),
    ("Pat O'Brien-Côté", "Ms. Cote"),
    ("O'Brien‑Côté", "OBrien"),
    ("Pat Tremblay", "Lee-Trembley"),
    ("Dan O'Brien", "Dan OBrien"),
    ("Tremblay", "Trembley"),
    ("M5H 2N2", "M5H2N2"),
    ("+1 416 555 0100", "416-555-0100"),
]


@pytest.mark.parametrize(("words", "spelled"), BLACKED_OUT)
def test_words_occur_however_they_are_spelled(words, spelled):
    text = f"We met {spelled}, in May."
    assert [text[start:end] for start, end in occurrences(words, text)] == [spelled]


@pytest.mark.parametrize(("words", "spelled"), POINTED_AT)
def test_what_may_be_the_same_is_pointed_at(words, spelled):
    text = f"We met {spelled}, in May."
    assert not occurrences(words, text)
    near = near_misses(words, text)
    assert near
    assert all(part in spelled for part in near)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("Maya Lee", "the may leek"),
        ("Ann", "an nap"),
        ("2019", "20 and 19"),
        ("é", "e"),
        ("e", "é"),
        ("21", "2 1"),
        ("Al Ng", "al was ng"),
        ("张伟", "张 三 伟"),
        ("O'Brien-Côté", "o cot"),
    ],
)
def test_other_words_are_left_alone(words, text):
    assert (occurrences(words, text), near_misses(words, text)) == ([], [])


def test_what_is_blacked_out_is_not_pointed_at():
    text = "Maya Lee and Pat Lee"
    spans = occurrences("Maya Lee", text)
    assert near_misses("Maya Lee", text, without=spans) == ["Lee"]
    assert near_misses("Maya Lee", text, without=[*spans, *occurrences("Pat Lee", text)]) == []


@pytest.mark.parametrize("blank", ["", " ", "\u200b", "\u00ad\u2060"])
def test_no_words_occur_nowhere(blank):
    assert not occurrences(blank, "Maya Lee")
    assert not near_misses(blank, "Maya Lee")


@given(st.text(max_size=60), st.text(min_size=1, max_size=8))
def test_folding_is_idempotent_and_every_occurrence_is_a_part_of_the_text(text, words):
    assert fold(fold(text)) == fold(text)
    assert searchable(searchable(text)).startswith(fold(text, accents=False))
    for start, end in occurrences(words, text + words + text):
        assert 0 <= start < end <= len(text + words + text)
    near_misses(words, text)


@given(st.text(alphabet="ab é\u0301\u0327ßﬁ'’-\u00ad\u200b12", min_size=1, max_size=12))
def test_a_text_occurs_in_itself(words):
    assert bool(occurrences(words, f"x {words} y")) == bool(fold(words))


def test_a_name_is_the_same_in_any_spelling_but_keeps_its_accents():
    assert same("Councillor, Ward 10 – O’Neil", "councillor,  ward 10 - o'neil")
    assert not same("Zoë", "Zoe")


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("zoe OBRIEN", "Zoë and obrien"),
        ("soeur", "Sœur"),
        ("o’brien", "O'Brien"),
        ("4165550100", "(416) 555-0100"),
        ("416 555 0100", "4165550100"),
        ("416-555", "416 555 0100"),
        ("416 2019", "2019, then 416"),
    ],
)
def test_a_search_matches_however_it_is_typed(query, text):
    words = searchable(text)
    assert all(
        term.joined in words or all(word in words for word in term.words) for term in search_terms(query)
    )


SAME_ACCOUNT = [
    (
        *("@Zoë", "@ZOË", "@Zoe\u0308", " zoë ", "https://www.instagram.com/zo%C3%AB/?hl=fr"),
        *("https://www.instagram.com/zo%c3%8b?id=5", "instagram.com/zo%C3%AB/#top"),
    ),
    (
        *("@PatLee", "@patlee\u200b", "＠patlee", "@ＰａｔＬｅｅ", "https://instagram.com/patlee/"),
        *("instagram.com/patlee", "https://www.instagram.com/PatLee?igsh=1", "//instagram.com/@patlee"),
    ),
    ("@O’Brien", "@O'Brien"),
    ("@İstanbul", "@istanbul"),
]


@pytest.mark.parametrize("handles", SAME_ACCOUNT)
def test_one_account_has_one_key(handles):
    assert len({account_key("Instagram", handle) for handle in handles}) == 1
    assert len({account_key("INSTAGRAM ", handle) for handle in handles}) == 1


def test_other_accounts_have_other_keys():
    handles = [
        "@Zoë",
        "@Zoe",
        "patlee",
        "pat.lee",
        "https://instagram.com/",
        "https://[",
        "https://instagram.com/%E9",
        "https://instagram.com/%E8",
        "https://instagram.com/p/abc",
        "https://instagram.com/p/def",
        "@patlee@mstdn.example",
    ]
    assert len({account_key("Instagram", handle) for handle in handles}) == len(handles)
    assert account_key("TikTok", "@zoe") != account_key("Instagram", "@zoe")


@pytest.mark.parametrize(
    ("platform", "address", "handle"),
    [
        ("X", "https://twitter.com/patlee", "@patlee"),
        ("Facebook", "https://www.facebook.com/profile.php?id=100", "100"),
        ("LinkedIn", "https://ca.linkedin.com/in/pat-lee/", "pat-lee"),
        ("YouTube", "https://m.youtube.com/@patlee", "patlee"),
        ("Bluesky", "https://bsky.app/profile/pat.bsky.social", "@pat.bsky.social"),
        ("Mastodon", "https://mstdn.example/@patlee", "@patlee@mstdn.example"),
        ("Mastodon", "https://mastodon.social/@patlee.example", "@patlee.example@mastodon.social"),
        ("Instagram", "https://elsewhere.example/patlee", "@patlee@elsewhere.example"),
    ],
)
def test_the_address_of_a_profile_is_its_name(platform, address, handle):
    assert account_key(platform, address) == account_key(platform, handle)


@pytest.mark.parametrize(
    ("platform", "other"),
    [("Twitter", "X"), ("x.com", "X"), ("IG", "Instagram"), ("fb", "Facebook"), ("Tik Tok", "TikTok")],
)
def test_a_platform_has_other_names(platform, other):
    assert account_key(platform, "@patlee") == account_key(other, "@patlee")
    assert account_key(platform, "@patlee") != account_key("Threads", "@patlee")


@pytest.mark.parametrize(
    ("platform", "pasted", "handle", "address"),
    [
        (
            *("Instagram", "https://www.instagram.com/zo%C3%AB/?hl=fr", "@zoë"),
            "https://www.instagram.com/zo%C3%AB/",
        ),
        ("Twitter", "x.com/PatLee?s=20", "@PatLee", "https://x.com/PatLee"),
        (
            "Facebook",
            "https://facebook.com/profile.php?id=1&r=2",
            "1",
            "https://facebook.com/profile.php?id=1",
        ),
        ("LinkedIn", "https://ca.linkedin.com/in/pat-lee", "pat-lee", "https://ca.linkedin.com/in/pat-lee"),
        (
            *("Mastodon", "https://mastodon.social/@patlee.example", "@patlee.example@mastodon.social"),
            "https://mastodon.social/@patlee.example",
        ),
        ("Twitch", "http://twitch.tv/patlee", "@patlee", "https://twitch.tv/patlee"),
    ],
)
def test_a_pasted_profile_becomes_the_handle(platform, pasted, handle, address):
    assert pasted_profile(platform, pasted) == Profile(handle, address)
    assert account_key(platform, pasted) == account_key(platform, handle)


@pytest.mark.parametrize(
    "pasted",
    [
        *("@PatLee", "https://[", "instagram.com/p/abc", "instagram.com/reels", "elsewhere.example/pat"),
        *("https:///", "https://instagram.com@elsewhere.example/pat", "instagram.elsewhere.example/pat"),
    ],
)
def test_what_is_not_clearly_a_profile_of_the_platform_stays(pasted):
    assert pasted_profile("Instagram", pasted) is None


@pytest.mark.parametrize("platform", ["Instagram", "IG", "Mastodon"])
def test_a_profile_of_another_platform_is_refused_with_both_names(platform):
    with pytest.raises(OtherPlatform, match=f"an address on X, but the platform is {platform}"):
        pasted_profile(platform, "https://x.com/patlee")


@given(st.text(max_size=60))
def test_any_handle_has_a_key(handle):
    for pasted in (handle, f"https://x.com/{handle}", f"//{handle}"):
        account_key("X", pasted)
        with suppress(OtherPlatform):
            pasted_profile("X", pasted)
