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
_SPACED = re.compile(r"[1-9][0-9]{0,2}(?: [0-9]{3})+([.,][0-9]{2})?")
_DIGITS = re.compile(r"[0-9][0-9 ,.]*")


class UnclearAmount(ValueError):
    """The typed text may mean more than one amount. The message says how to enter it."""


def plain_amount(text: str) -> str:
    """An amount as people write it, such as `$1,250.00` or `1 250,00 $`, in plain digits: `1250.00`.

    A text that is no amount is returned as it is, for the caller to refuse. Raises UnclearAmount.
    """
    text = mended_line(text)
    match = _MARKS.match(text)
    bare = match[1] if match else text
    if _PLAIN.fullmatch(bare):
        return bare
    if _ENGLISH.fullmatch(bare):
        return bare.replace(",", "")
    if _FRENCH.fullmatch(bare):
        return bare.replace(",", ".")
    spaced = _SPACED.fullmatch(bare)
    # Without decimals or a dollar sign, a space may also separate two amounts.
    if spaced and (spaced[1] or bare != text):
        return bare.replace(" ", "").replace(",", ".")
    if _DIGITS.fullmatch(bare):
        raise UnclearAmount(f"“{text[:40]}” could mean more than one amount. Enter it like 1250 or 1250.00")
    return bare
