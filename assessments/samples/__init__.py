"""Sample answers documents, to try the portal with on a page or with `manage.py advise`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).resolve().parent

TITLES: Mapping[str, str] = {
    "official-account": "An official account that the office runs, with a policy that is only half written",
    "conversion": "A City-supported account that is to become a campaign account in August 2026",
    "campaign-from-city-hall": "A campaign account that is run from a desk at City Hall",
    "nothing-flagged": "A personal account with a full policy and nothing flagged",
    "first-ten-minutes": "A planned account, half of the questions answered",
}
"""Each sample's name and title."""


def sample(name: str) -> bytes:
    """The answers document of a sample. Raises KeyError if no sample has this name."""
    if name not in TITLES:
        raise KeyError(name)
    return (HERE / f"{name}.json").read_bytes()
