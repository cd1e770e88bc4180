"""The answers of the two people that `tests/bench/effort.py` walks with: each question's id, and the answer."""

from collections.abc import Mapping

Answer = str | list[str]
STEPS = "publications profile registration website team notice label keep"
POLICY = "public content resources posting requests removal blocking appeal"


def of(prefix: str, names: str, answer: str) -> dict[str, Answer]:
    """The same answer to several questions, whose ids have a common prefix."""
    return {f"{prefix}.{name}": answer for name in names.split()}


CONVERSION: Mapping[str, Answer] = {
    "account.stage": "live",
    **of("resources", "website logo contact devices", "no"),
    **of("resources", "email identity people", "yes"),
    **of("resources", "print policies", "unsure"),
    "election.use": "planned",
    "election.referendum": "no",
    **of("election", "candidate supported help", "yes"),
    "election.nomination_date": "2026-08-14",
    **of("election", "place plan", "no"),
    **of("election", STEPS, "no"),
    **of("election", "website keep", "yes"),
    "political.promotes": "no",
    "influence.regular": "no",
    "influence.local": "yes",
    "influence.even_handed": "unsure",
    **of("conduct", "abuse workplace reputation capacities", "no"),
    **of("confidential", "meetings disclosure", "no"),
    "confidential.requests": "yes",
    **of("gifts", "lobbyist other", "no"),
    "gifts.unpaid": "yes",
    "gifts.value": "620",
    "terms.adopted": "yes",
    **of("terms", POLICY, "yes"),
    **of("terms", "public resources blocking", "no"),
    **of("moderation", "removes police criticism process provider", "yes"),
    "moderation.grounds": ["spam", "disagreement"],
    "moderation.impact": "no",
}
QUIET: Mapping[str, Answer] = {
    "account.stage": "live",
    **of("resources", "email identity website print logo contact devices people", "no"),
    "election.use": "none",
    **of("election", "referendum candidate", "no"),
    "influence.local": "no",
    **of("conduct", "abuse workplace reputation capacities", "no"),
    **of("confidential", "meetings disclosure requests", "no"),
    **of("gifts", "lobbyist unpaid other", "no"),
    "terms.adopted": "no",
    "moderation.removes": "no",
    **of("moderation", "police provider", "yes"),
}
CASES: Mapping[str, Mapping[str, Answer]] = {"conversion": CONVERSION, "quiet": QUIET}
"""A City account that is to become a campaign account, and a personal account with nothing to raise."""
