"""Amounts of money as Canadians write them, in English and in French."""

from __future__ import annotations

import re

from assessments.typed.mending import mended_line

_MARKS = re.compile(
    r"\A\s*(?:(?:CAD|CA|C)?\s*\$|CAD)?\s*(.*?)\s*(?:\$\s*(?:CAD|CA)?|CAD|dollars?)?\s*\Z", re.IGNORECASE
)
_PLAIN = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_ENGLISH = re.compile(r"[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]{1,2})?")
_FRENCH = re.compile(r"[0-9]+,[0-9]{2}")
_DOTTED = re.compile(r"[1-9][0-9]{0,2}(?:\.[0-9]{3})+,[0-9]{2}")
_ONE_DECIMAL = re.compile(r"[0-9]+,[0-9]")
_SPACED = re.compile(r"[1-9][0-9]{0,2}(?: [0-9]{3})+([.,][0-9]{2})?")
_DIGITS = re.compile(r"[0-9][0-9 ,.]*[0-9]")
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
"""Digits and punctuation as East Asian keyboards write them, by their plain forms."""


class UnclearAmount(ValueError):
    """The typed text is not clear as an amount. The message says why, and how to enter it."""


def plain_amount(text: str) -> str:
    """An amount as people write it, such as `$1,250.00` or `1 250,00 $`, in plain digits: `1250.00`.

    A text that is no amount is returned as it is, for the caller to refuse. Raises UnclearAmount.
    """
    text = mended_line(text).translate(_FULL_WIDTH)
    match = _MARKS.match(text)
    bare = match[1] if match else text
    if _PLAIN.fullmatch(bare):
        return bare
    if _ENGLISH.fullmatch(bare):
        return bare.replace(",", "")
    if _FRENCH.fullmatch(bare):
        return bare.replace(",", ".")
    if _DOTTED.fullmatch(bare):
        return bare.replace(".", "").replace(",", ".")
    spaced = _SPACED.fullmatch(bare)
    # Without decimals or a dollar sign, a space may also separate two amounts.
    if spaced and (spaced[1] or bare != text):
        return bare.replace(" ", "").replace(",", ".")
    if _ONE_DECIMAL.fullmatch(bare):
        raise UnclearAmount(
            f"“{text[:40]}” has one digit after the comma. Enter dollars and cents like 1250.00"
        )
    if _DIGITS.fullmatch(bare):
        raise UnclearAmount(f"“{text[:40]}” could mean more than one amount. Enter it like 1250 or 1250.00")
    return bare
