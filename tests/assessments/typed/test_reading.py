"""Reading what people paste: what is mended unseen, and amounts and days as Canadians write them."""

import re
from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assessments.typed.amounts import UnclearAmount, plain_amount
from assessments.typed.days import NoDay, UnclearDay, read_typed_day
from assessments.typed.mending import mended_email, mended_json, mended_line, mended_text, mended_web_address


@pytest.mark.parametrize(
    ("pasted", "text"),
    [
        ("call \u202a416-555-0100\u202c", "call 416-555-0100"),
        ("\u2068Maya\u2069", "Maya"),
        ("slide one\u000bslide two", "slide one\nslide two"),
        ("one\u000ctwo\u0085three\u2028four\r\nfive\rsix", "one\ntwo\nthree\nfour\nfive\nsix"),
        ("it\u0092s \u0093so\u0094 \u0096 5 \u0080", "it’s “so” – 5 €"),
        ("\ufeffMa\u200bya\u00ad", "Maya"),
        ("a\x00b\x07\x1b[31m", "ab[31m"),
        ("\ud83d half", "\ufffd half"),
        ("Nu\u0301n\u0303ez", "Núñez"),
        ("👩🏽\u200d⚖️ and \u202bשלום\u202c", "👩🏽\u200d⚖️ and שלום"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("kept\tas it\u00a0is", "kept\tas it\u00a0is"),
    ],
)
def test_what_nobody_can_see_is_mended(pasted, text):
    assert mended_text(pasted) == text
    assert mended_line(pasted) == " ".join(text.split())


@given(st.text())
def test_mending_twice_changes_nothing_more(text):
    assert mended_text(mended_text(text)) == mended_text(text)
    assert mended_line(mended_line(text)) == mended_line(text)
    mended_text(text).encode()


@pytest.mark.parametrize(
    "pasted",
    [
        *("Pat Lee <pat@example.ca>", '"Lee, Pat" <pat@example.ca>;', "mailto:pat@example.ca?subject=Hi"),
        *("pat@example.ca.", "<pat@example.ca>", "\u200bpat@example.ca", "pat@example.ca\u00a0,"),
        "Pat <MAILTO:pat@example.ca>",
    ],
)
def test_an_email_address_is_taken_out_of_what_surrounds_it(pasted):
    assert mended_email(pasted) == "pat@example.ca"


def test_what_may_belong_to_an_email_address_stays():
    for address in ("o'brien@example.ca", "pat+social@example.ca", "a@x.ca; b@x.ca"):
        assert mended_email(address) == address


def test_a_web_address_has_https():
    assert mended_web_address(" <http://example.com/pat>\u200b") == "https://example.com/pat"
    assert mended_web_address("example.com") == "example.com"


JSON = '{"answers": {"a.b": "yes"},\n  "notes": {"a.b": "He said “no” to it"}}'


@pytest.mark.parametrize(
    "pasted",
    [
        JSON,
        "\ufeff" + JSON,
        JSON.replace("  ", "\u00a0 "),
        f"```json\n{JSON}\n```",
        "> " + JSON.replace("\n", "\r\n> "),
        ">> " + JSON.replace("\n", "\n>> "),
        JSON.replace('{"', "{“")
        .replace('":', "”:")
        .replace(': "', ": “")
        .replace('"}', "”}")
        .replace('"notes', "“notes"),
    ],
)
def test_json_that_a_mail_program_changed_is_mended(pasted):
    assert mended_json(pasted).replace("\u00a0", " ") == JSON


@pytest.mark.parametrize(
    ("typed", "amount"),
    [
        *(("620", "620"), ("620.5", "620.5"), ("620.50", "620.50"), ("$620", "620"), ("620 $", "620")),
        *(
            ("12,345", "12345"),
            ("1,250.00", "1250.00"),
            ("1,000,000", "1000000"),
            ("$1,250.00 CAD", "1250.00"),
        ),
        *(("620,50", "620.50"), ("0,50", "0.50"), ("1 250,00", "1250.00"), ("1 250,00 $", "1250.00")),
        *(
            ("1 250 $", "1250"),
            ("$1 250", "1250"),
            ("1\u202f250,00\u00a0$", "1250.00"),
            ("1 250.00", "1250.00"),
        ),
        *(("620.00\u200b", "620.00"), ("\ufeff620", "620"), ("\u200e620", "620"), ("CA$ 500", "500")),
        *(
            ("C$500", "500"),
            ("500 $ CA", "500"),
            ("620 dollars", "620"),
            ("1 dollar", "1"),
            ("$300 250", "300250"),
            ("1.250,00 $", "1250.00"),
            ("1.250.000,50", "1250000.50"),
            ("６２０．５０", "620.50"),
            ("＄１，２５０", "1250"),
        ),
    ],
)
def test_an_amount_is_read_as_canadians_write_it(typed, amount):
    assert plain_amount(typed) == amount


@pytest.mark.parametrize(
    "typed",
    [
        *("0,500", "300 250", "1,000 00", "$5 00", "1 000 000", "12,34,567", "1234,567"),
        *("1,250,00", "01,250", "1.2500,00"),
    ],
)
def test_an_amount_that_may_be_another_is_asked_again(typed):
    with pytest.raises(UnclearAmount, match="Enter it like 1250"):
        plain_amount(typed)


@pytest.mark.parametrize("typed", ["1,2", "620,5 $", "６２０，５"])
def test_an_amount_with_one_decimal_after_a_comma_is_asked_again_for_that_reason(typed):
    with pytest.raises(UnclearAmount, match="has one digit after the comma"):
        plain_amount(typed)


@pytest.mark.parametrize(
    "typed", ["", "$", "lots", "-1", "1e3", "500 USD", "٣", "5²", "5,", "-50", "environ 620"]
)
def test_what_is_no_amount_is_for_the_caller_to_refuse(typed):
    assert plain_amount(typed) in (typed, "")


@pytest.mark.parametrize(
    "typed",
    [
        *("2026-08-14", "2026/08/14", "2026/8/14", "2026-8-14", "2026–08–14", "2026.08.14", "20260814"),
        *("14/08/2026", "8/14/2026", "14-08-2026", "14.8.2026", "\u200e2026-08-14\u200b", " 2026-08-14 "),
        *("August 14, 2026", "14 August 2026", "14 août 2026", "le 14 aout 2026", "Aug. 14th, 2026"),
        *("14-Aug-2026", "Friday, August 14, 2026", "ven. 14 août 2026", "2026 Aug 14", "14 AOÛT 2026"),
    ],
)
def test_a_day_is_read_as_canadians_write_it(typed):
    assert read_typed_day(typed) == date(2026, 8, 14)


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("1er mars 2026", date(2026, 3, 1)),
        ("8/8/2026", date(2026, 8, 8)),
        ("1 juin 2026", date(2026, 6, 1)),
        ("1 juil. 2026", date(2026, 7, 1)),
        ("1 Sept 2026", date(2026, 9, 1)),
        ("May 1 2026", date(2026, 5, 1)),
    ],
)
def test_months_in_either_language_are_read(typed, day):
    assert read_typed_day(typed) == day


def test_a_day_that_may_be_two_is_asked_again_with_both():
    with pytest.raises(UnclearDay, match="Enter 2026-08-12 or 2026-12-08"):
        read_typed_day("08/12/2026")


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "soon",
        "2026",
        "août 2026",
        "ju 1 2026",
    ],
)
def test_what_is_no_day_is_none(typed):
    with pytest.raises(NoDay) as error:
        read_typed_day(typed)
    assert not isinstance(error.value, UnclearDay)


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("31 juin 2026", "There is no such day as “31 juin 2026”"),
        ("2026-02-30", "There is no such day as “2026-02-30”"),
        ("30/02/2026", "There is no such day"),
        ("32/01/2026", "There is no such day"),
        ("0000-01-01", "There is no such day"),
        ("14 août", "“14 août” has no year. Add the year"),
        ("Aug. 14", "has no year"),
        ("8/14/26", "“8/14/26” needs a year of four digits"),
        ("14-08-26", "needs a year of four digits"),
        ("14 août 26", "needs a year of four digits"),
    ],
)
def test_a_day_that_cannot_be_read_is_refused_for_its_own_reason(typed, reason):
    with pytest.raises(UnclearDay, match=re.escape(reason)):
        read_typed_day(typed)


@given(st.text(max_size=40))
def test_whatever_is_typed_is_read_or_refused(typed):
    for read, refusal in ((plain_amount, UnclearAmount), (read_typed_day, NoDay)):
        with suppress(refusal):
            read(typed)
