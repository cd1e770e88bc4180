"""Counting shares in the database, from the desk's entries, which contain nothing that members did not share."""

from __future__ import annotations

from collections import Counter
from datetime import date

from django.db.models import Count, Q

from assessments.models import DeskFinding, DeskUnsure
from assessments.models.desk import DeskEntryQuerySet
from assessments.rendering.projection import cite
from assessments.reports.insights import Insights, Row, answer_times, counts_table
from assessments.scoring.wording import long_date
from bulletin import shelf

MOST_QUESTIONS = 15
"""How many of the questions that people are not sure of are listed."""
OUTCOMES = {
    "action": "Action needed",
    "improvement": "Should change",
    "ask": "To ask the Commissioner",
    "check": "To check",
}
"""The outcomes that are counted by paragraph: those that ask for something to be done."""


def insights_of(
    entries: DeskEntryQuerySet,
    *,
    since: date | None,
    until: date | None,
    tells_withdrawn: bool,
    overall: dict[str, str],
    contact: dict[str, str],
) -> Insights:
    """Count some of the desk's entries. `overall` and `contact` give the label of each of their values.

    `tells_withdrawn` is false where the entries were filtered by something that a withdrawn share no longer has; then
    withdrawn shares are not counted.
    """
    counted = entries.aggregate(
        shares=Count("pk", filter=Q(withdrawn_at__isnull=True)),
        withdrawn=Count("pk", filter=Q(withdrawn_at__isnull=False)),
    )
    current = entries.filter(withdrawn_at__isnull=True)
    by_overall = dict(current.order_by().values_list("overall").annotate(n=Count("pk")))
    by_contact = dict(current.order_by().values_list("contact").annotate(n=Count("pk")))
    by_edition = dict(current.order_by().values_list("edition").annotate(n=Count("pk")))
    by_election = dict(current.order_by().values_list("election").annotate(n=Count("pk")))
    findings = DeskFinding.objects.filter(entry__in=current, outcome__in=OUTCOMES)
    by_paragraph = findings.values_list("outcome", "paragraph").annotate(n=Count("entry", distinct=True))
    paragraphs = {p: cite([p]) for e, _ in shelf.revisions() for rule in e.rules for p in rule.paragraphs}
    counts: dict[str, dict[str, int]] = {outcome: {} for outcome in OUTCOMES}
    for outcome, paragraph, n in by_paragraph:
        counts[outcome][paragraph] = n
    unsure = DeskUnsure.objects.filter(entry__in=current).values_list("question").annotate(n=Count("entry"))
    on_file = shelf.questions()
    questions = {
        q.id: f"{q.short} ({cite(q.paragraphs)})" if q.paragraphs else q.short for _, q in on_file.values()
    }
    by_question: Counter[str] = Counter()
    for question, n in unsure.order_by("question"):
        # A question that has another id since is counted with what became of it.
        by_question[on_file[question][1].id if question in on_file else question] += n
    asked = current.filter(advice_asked=True)
    times = asked.values_list("shared_at", "answered_at")
    durations = [answered - shared for shared, answered in times if answered is not None]
    return Insights(
        period=_period(since, until),
        shares=Row("", counted["shares"]),
        withdrawn=Row("", counted["withdrawn"]) if tells_withdrawn else None,
        tables=(
            counts_table("What shares come to", "Shares", "Each share counts once.", by_overall, overall),
            counts_table(
                "When to contact the Commissioner",
                "Shares",
                "The earliest time that a share names.",
                by_contact,
                contact | {"": "No contact called for"},
            ),
            *(
                counts_table(
                    f"{title}, by paragraph",
                    "Shares",
                    "A share can count under several paragraphs.",
                    counts[outcome],
                    paragraphs,
                )
                for outcome, title in OUTCOMES.items()
            ),
            counts_table(
                "What people are not sure of",
                "Shares",
                f"Questions that a shared answer leaves open, the {MOST_QUESTIONS} most frequent: what the bulletin "
                "might make clearer.",
                dict(sorted(by_question.items(), key=lambda row: (-row[1], row[0]))[:MOST_QUESTIONS]),
                questions,
            ),
            counts_table("Edition of the bulletin", "Shares", "Each share counts once.", by_edition, {}),
            counts_table("Election", "Shares", "Each share counts once.", by_election, {}),
        ),
        answer_times=answer_times(durations, waiting=asked.count() - len(durations)),
    )


def _period(since: date | None, until: date | None) -> str:
    if since and until:
        return f"Shared from {long_date(since)} to {long_date(until)}"
    if since:
        return f"Shared since {long_date(since)}"
    return f"Shared until {long_date(until)}" if until else "All that was shared"
