"""Counting shares in the database, from the desk's entries, which contain nothing that members did not share."""

from __future__ import annotations

from collections import Counter
from datetime import date

from django.db.models import Count, Q

from assessments.models import DeskFinding, DeskUnsure
from assessments.models.desk import DeskEntryQuerySet
from assessments.rendering.projection import cite
from assessments.reports.insights import Insights, Row, answer_times, counts_table
from assessments.reports.titles import NO_CONTACT, edition_titles, election_titles, paragraph_titles
from assessments.scoring.wording import long_date
from bulletin import shelf

MOST_QUESTIONS = 15
"""How many of the questions that people are not sure of are listed."""
COUNTED_ONCE = "Each share counts once."
COUNTED_OFTEN = "A share can count under several paragraphs."
OUTCOMES = {
    "action": "Action needed",
    "improvement": "Should change",
    "check": "Facts to check",
}
"""The outcomes that are counted by paragraph, with their headings: those that ask for something to be done."""


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
    findings = DeskFinding.objects.filter(entry__in=current)
    by_outcome = findings.filter(outcome__in=OUTCOMES).values_list("outcome", "paragraph")
    to_raise = findings.exclude(contact="").values_list("paragraph")
    paragraphs = paragraph_titles()
    counts: dict[str, dict[str, int]] = {outcome: {} for outcome in OUTCOMES}
    for outcome, paragraph, n in by_outcome.annotate(n=Count("entry", distinct=True)):
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
    unanswered = asked.filter(answered_at__isnull=True)
    closed = unanswered.filter(dealt_at__isnull=False).count()
    durations = [answered - shared for shared, answered in times if answered is not None]
    return Insights(
        period=_period(since, until),
        shares=Row("", counted["shares"]),
        withdrawn=Row("", counted["withdrawn"]) if tells_withdrawn else None,
        tables=(
            counts_table("Results", "Result", COUNTED_ONCE, by_overall, overall),
            counts_table(
                "When to contact the Commissioner",
                "Time",
                "Each share counts once, under its earliest time.",
                by_contact,
                contact | {"": NO_CONTACT},
            ),
            *(
                counts_table(title, "Paragraph of the bulletin", COUNTED_OFTEN, by_paragraph, paragraphs)
                for title, by_paragraph in (
                    (
                        "Points to raise with the Commissioner",
                        dict(to_raise.annotate(n=Count("entry", distinct=True))),
                    ),
                    *((title, counts[outcome]) for outcome, title in OUTCOMES.items()),
                )
            ),
            counts_table(
                "Questions that members are not sure of",
                "Question",
                f"Up to {MOST_QUESTIONS} questions, those answered most often with “I’m not sure”. "
                "The bulletin could be clearer about these.",
                dict(sorted(by_question.items(), key=lambda row: (-row[1], row[0]))[:MOST_QUESTIONS]),
                questions,
            ),
            counts_table("Editions of the bulletin", "Edition", COUNTED_ONCE, by_edition, edition_titles()),
            counts_table("Elections", "Election", COUNTED_ONCE, by_election, election_titles()),
        ),
        answer_times=answer_times(durations, waiting=unanswered.count() - closed, closed=closed),
    )


def _period(since: date | None, until: date | None) -> str:
    if since and until:
        return f"Shared from {long_date(since)} to {long_date(until)}"
    if since:
        return f"Shared on or after {long_date(since)}"
    return f"Shared on or before {long_date(until)}" if until else "Everything that was shared"
