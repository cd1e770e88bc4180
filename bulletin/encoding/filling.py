"""Texts with placeholders, such as `{election}`, that are filled in when someone reads them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping

from .nearest import nearest

PLACEHOLDER = re.compile(r"\{(.*?)\}")
OF_AN_ELECTION = ("election", "nominations", "campaign_ends")
"""The placeholders in the words of a question: the election, its nomination days, the end of the campaign period."""


def filled(text: str, values: Mapping[str, str]) -> str:
    """Fill in the placeholders of a text. A sentence with a placeholder that has no value is left out."""
    if "{" not in text:
        return text
    sentences = [s for s in sentences_of(text) if all(values.get(name) for name in PLACEHOLDER.findall(s))]
    return PLACEHOLDER.sub(lambda match: values[match[1]], " ".join(sentences))


def sentences_of(text: str) -> list[str]:
    """The sentences of a text, each with its own punctuation."""
    return re.split(r"(?<=[.?!])\s+", text)


def only(*names: str) -> Callable[[str], str]:
    """A validator that lets a text have these placeholders and no others. It raises ValueError."""
    return lambda text: _checked(text, names)


def _checked(text: str, names: Collection[str]) -> str:
    for name in PLACEHOLDER.findall(text):
        if name not in names:
            known = [f"{{{known}}}" for known in names]
            listed = f"{', '.join(known[:-1])} and {known[-1]}" if len(known) > 1 else known[0]
            hint = nearest(name, names).replace("`", "")
            raise ValueError(
                f"{{{name}}} is not filled in; only {listed} {'are' if len(known) > 1 else 'is'}{hint}"
            )
    return text
