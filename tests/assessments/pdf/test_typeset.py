"""What people write, made fit to print."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assessments.pdf.typeset import LONG_WORD, MOST_MARKS, Typeset, typeset

LATIN = frozenset(range(0x20, 0x370)) | frozenset(range(0x2010, 0x2027))
EVERYTHING = frozenset(range(0x110000))


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("", ""),
        ("Plain words.\nAnother line.", "Plain words.\nAnother line."),
        ("Cafe\u0301", "Café"),
        ("a\u0301\u0302\u0303\u0304\u0305\u0306b", "á\u0302\u0303\u0304b"),
        ("one\r\ntwo\rthree\u2028four\x85five", "one\ntwo\nthree\nfour\nfive"),
        ("a\x00b\x07c\x1bd\x7fe\x9f", "abcde"),
        ("tab\there", "tab here"),
        ("\u202eevil\u202c \u2066a\u2069 \ufeffb", "evil a b"),
        ("soft\u00adhyphen and join\u200cer", "soft\u00adhyphen and join\u200cer"),
        ("x" * 40, "x" * 40),
        ("x" * 41, "x" * 30 + "\u200b" + "x" * 11),
        ("x" * 95, "\u200b".join(["x" * 30, "x" * 30, "x" * 30, "x" * 5])),
        ("a " * 60, "a " * 60),
        ("0xD800: \ud800", "0xD800: [U+D800]"),
    ],
)
def test_text_is_composed_cleaned_and_broken(written, printed):
    assert typeset(written, printable=LATIN).text == printed


@pytest.mark.parametrize(
    ("written", "printed", "unprintable"),
    [
        ("Hi \U0001f600!", "Hi [grinning face]!", ("grinning face",)),
        ("\U0001f600\U0001f600", "[grinning face][grinning face]", ("grinning face",)),
        (
            "\U0001f44d\U0001f3fd",
            "[thumbs up sign, medium skin tone]",
            ("thumbs up sign, medium skin tone",),
        ),
        ("\U0001f3fd", "", ()),
        ("\u2764\ufe0f", "[heavy black heart]", ("heavy black heart",)),
        ("1\ufe0f\u20e3", "1", ()),
        ("\U0001f1e8\U0001f1e6", "[flag CA]", ("flag CA",)),
        (
            "\U0001f469\u200d\U0001f4bb",
            "[woman, personal computer]",
            ("woman, personal computer",),
        ),
        # A judge, the flag of Canada and a maple leaf, as phones write them.
        (
            "\U0001f469\U0001f3fd\u200d\u2696\ufe0f\U0001f1e8\U0001f1e6\U0001f341",
            "[woman, medium skin tone, scales][flag CA][maple leaf]",
            ("woman, medium skin tone, scales", "flag CA", "maple leaf"),
        ),
        (
            "\u2764\ufe0f\u200d\U0001f525 and \U0001f525",
            "[heavy black heart, fire] and [fire]",
            ("heavy black heart, fire", "fire"),
        ),
        (
            "\u200d".join(["\U0001f468", "\U0001f469", "\U0001f467", "\U0001f466"]),
            "[man, woman, girl, boy]",
            ("man, woman, girl, boy",),
        ),
        ("\U0001f600\u200d", "[grinning face]", ("grinning face",)),
        ("\ue000 \U0010ffff", "[U+E000] [U+10FFFF]", ("U+E000", "U+10FFFF")),
        ("→ →", "[rightwards arrow] [rightwards arrow]", ("rightwards arrow",)),
        ("a\u3000b", "a b", ()),
        (
            "I said இந்த கணக்கு to them",
            "I said [11 characters of Tamil] to them",
            ("11 characters of Tamil",),
        ),
        ("(漢)", "([1 character of Han])", ("1 character of Han",)),
    ],
)
def test_what_cannot_be_printed_is_named_in_brackets_and_listed_once(written, printed, unprintable):
    assert typeset(written, printable=LATIN) == Typeset(printed, unprintable)


def test_pictographs_and_private_characters_are_named_even_where_a_font_has_them():
    result = typeset("\U0001f600 \ue000 ✔", printable=EVERYTHING)
    assert result.text == "[grinning face] [U+E000] ✔"


@pytest.mark.parametrize(
    ("written", "lang", "direction"),
    [
        ("Élections municipales : déjà vu", "", "ltr"),
        ("هذا حساب رسمي في Facebook", "ar", "rtl"),
        ("Facebook: هذا حساب رسمي أستخدمه", "ar", "rtl"),
        ("محمد is my name, and I write in English", "", "ltr"),
        ("یہ اکاؤنٹ سرکاری ہے", "ur", "rtl"),
        ("این حساب رسمی است و می‌خواهم", "fa", "rtl"),
        ("החשבון הזה רשמי", "he", "rtl"),
        ("இந்த கணக்கு", "ta", "ltr"),
        ("这个账户是官方账户", "zh-Hans", "ltr"),
        ("這個帳戶是官方帳戶", "zh-Hant", "ltr"),
        ("公式アカウントです", "ja", "ltr"),
        ("이 계정은 공식", "ko", "ltr"),
        ("यह खाता आधिकारिक है", "hi", "ltr"),
        ("Это аккаунт", "ru", "ltr"),
        ("Це мій обліковий запис", "uk", "ltr"),
        ("བོད་ཡིག", "bo", "ltr"),
        ("ܫܠܡܐ", "und-Syrc", "rtl"),
        ("2026-05-01 🙂", "", "ltr"),
    ],
)
def test_the_language_and_direction_are_those_of_most_letters(written, lang, direction):
    result = typeset(written, printable=EVERYTHING)
    assert (result.lang, result.direction) == (lang, direction)


@pytest.mark.parametrize("written", ["漢字" * 50, "ภาษาไทย" * 20, "ខ្មែរ" * 20])
def test_scripts_that_are_written_without_spaces_get_no_breaks_put_in(written):
    assert typeset(written, printable=EVERYTHING).text == written


def test_a_break_never_parts_a_letter_from_its_marks():
    result = typeset("x" * 29 + "क्षि" * 9, printable=EVERYTHING)
    pieces = result.text.split("\u200b")
    assert len(pieces) > 1
    assert all(unicodedata.category(piece[0]) == "Lo" for piece in pieces[1:])
    assert not any(unicodedata.combining(piece[-1]) == 9 for piece in pieces)


def test_ten_thousand_marks_are_cut_to_four():
    assert typeset("e" + "\u0316" * 10_000, printable=EVERYTHING).text == "e" + "\u0316" * 4


anything = st.text(st.characters(exclude_categories=[]), max_size=120) | st.text(
    st.sampled_from("a \u0301\u0316\u200b\u200d\u202e漢இ\U0001f469[]"), max_size=120
)


@given(anything)
def test_whatever_is_written_what_comes_out_can_be_printed(written):
    result = typeset(written, printable=LATIN)
    invisible = set("\n\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\u061c")
    assert all(ord(char) in LATIN or char in invisible for char in result.text)
    result.text.encode("utf-8")  # no lone surrogate
    assert all(f"[{name}]" in result.text.replace("\u200b", "") for name in result.unprintable)


@given(anything)
def test_whatever_is_written_words_and_marks_stay_short_and_a_second_time_changes_nothing(written):
    result = typeset(written, printable=EVERYTHING)
    run = 0
    for char in result.text:
        run = run + 1 if unicodedata.combining(char) else 0
        assert run <= MOST_MARKS
    wide = "\u200b漢"
    words = "".join(" " if c in wide else c for c in result.text).split()
    unspaced = [c for c in result.text if 0x0E00 <= ord(c) < 0x10A0 or ord(c) >= 0x1780]
    assert unspaced or all(len(word) <= LONG_WORD for word in words)
    assert typeset(result.text, printable=EVERYTHING).text == result.text
