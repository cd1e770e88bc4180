"""The filters and the search of the Commissioner's desk."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import django_filters as filters
from django import forms
from django.db.models import Exists, OuterRef, Q
from django.http import QueryDict
from django.utils import timezone

from assessments.forms.fields import DayField, LineField
from assessments.forms.messages import PlainMessages
from assessments.models import DeskEntry, DeskFinding, Office
from assessments.models.desk import DeskEntryQuerySet
from assessments.rendering.projection import cite
from assessments.reports.titles import contact_titles, overall_titles
from assessments.scoring.assess import TO_DO
from assessments.typed.folding import search_terms
from bulletin.shelf import calendar, editions, revisions

MAX_WORDS = 100
"""The most characters of a search."""
WAITING = [("unread", "Unread"), ("to_answer", "Advice to answer")]
ADVICE = [("asked", "Asked for"), ("answered", "Answered"), ("none", "Not asked for")]
STATE = [("standing", "Not withdrawn"), ("withdrawn", "Withdrawn")]
KEPT_PRIVATE = ("account",)
"""Filters whose words never appear in a URL."""
LAST_DAY = date(9999, 12, 30)
"""The last day that has a next day, which `keep_until` needs."""


def _paragraphs() -> list[tuple[str, str]]:
    cited = dict.fromkeys(p for edition, _ in revisions() for rule in edition.rules for p in rule.paragraphs)
    return [(paragraph, cite([paragraph])) for paragraph in cited]


def _begins(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _choice(choices: Any, **more: Any) -> filters.ChoiceFilter:
    return filters.ChoiceFilter(choices=choices, empty_label="Any", **more)


class _DayFilter(filters.DateFilter):  # type: ignore[misc]  # django-filter ships no types
    field_class = DayField


class _Filters(filters.FilterSet):  # type: ignore[misc]  # django-filter ships no types
    """Filters that apply one by one: a filter with an invalid value is left out, and the others still count."""

    since = _DayFilter(label="Shared on or after", method="keep_since")
    until = _DayFilter(label="Shared on or before", method="keep_until")
    edition = _choice(lambda: [(e.id, e.id) for e in editions().values()], label="Edition")

    def __init__(self, data: QueryDict, queryset: DeskEntryQuerySet) -> None:
        super().__init__(data, queryset=queryset)

    @property
    def matching(self) -> DeskEntryQuerySet:
        """The rows that match every filter with a valid value."""
        self.form.full_clean()
        rows: DeskEntryQuerySet = self.queryset
        for name, value in self.form.cleaned_data.items():
            rows = self.filters[name].filter(rows, value)
        return rows

    @property
    def chosen(self) -> dict[str, str]:
        """The filters that have a value, as typed."""
        return {name: self.data[name] for name in self.filters if self.data.get(name)}

    # Compare moments, not their dates: only then can the databases use an index.
    def keep_since(self, rows: DeskEntryQuerySet, _: str, value: date) -> DeskEntryQuerySet:
        return rows.filter(shared_at__gte=_begins(value))

    def keep_until(self, rows: DeskEntryQuerySet, _: str, value: date) -> DeskEntryQuerySet:
        return rows.filter(shared_at__lt=_begins(min(value, LAST_DAY) + timedelta(days=1)))


class _PeriodForm(PlainMessages, forms.Form):
    """Checks that the first day of a period does not come after the last."""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("since") and cleaned.get("until") and cleaned["since"] > cleaned["until"]:
            self.add_error("until", "This day comes before the first one.")
        return cleaned


class _DeskForm(_PeriodForm):
    """The desk's filters, those that officers use most first."""

    field_order = (
        "waiting",
        "office",
        "account",
        "overall",
        "contact",
        "paragraph",
        "advice",
        "since",
        "until",
    )


class InsightsFilter(_Filters):
    """The filters of the insights: a period, an edition, an election."""

    election = _choice(lambda: [(e.id, e.id) for e in calendar().elections], label="Election")

    class Meta:
        model = DeskEntry
        form = _PeriodForm
        fields: Sequence[str] = ()


class _LineFilter(filters.CharFilter):  # type: ignore[misc]  # django-filter ships no types
    field_class = LineField


class DeskFilter(_Filters):
    """The desk's filters."""

    waiting = _choice(WAITING, label="Waiting", method="keep_waiting")
    office = filters.ModelChoiceFilter(label="Office", queryset=Office.objects.none(), empty_label="Any")
    account = _LineFilter(label="Account", max_length=MAX_WORDS, method="keep_account")
    overall = _choice(lambda: overall_titles().items(), label="Overall")
    contact = _choice(
        lambda: [*contact_titles().items(), ("none", "No contact called for")],
        label="When to contact",
        method="keep_contact",
    )
    paragraph = _choice(_paragraphs, label="Something to do or to ask on", method="keep_paragraph")
    advice = _choice(ADVICE, label="Advice", method="keep_advice")
    state = _choice(STATE, label="Withdrawn or not", method="keep_state")

    class Meta:
        model = DeskEntry
        form = _DeskForm
        fields: Sequence[str] = ()

    def __init__(self, data: QueryDict, queryset: DeskEntryQuerySet) -> None:
        super().__init__(data, queryset=queryset)
        offices = Office.objects.filter(pk__in=DeskEntry.objects.values("office")).order_by("name", "pk")
        self.filters["office"].field.queryset = offices.select_related("member")

    @property
    def url_params(self) -> dict[str, str]:
        """The filters that have a value and may appear in a URL."""
        return {name: value for name, value in self.chosen.items() if name not in KEPT_PRIVATE}

    def keep_waiting(self, rows: DeskEntryQuerySet, _: str, value: str) -> DeskEntryQuerySet:
        return rows.unread() if value == "unread" else rows.to_answer()

    def keep_account(self, rows: DeskEntryQuerySet, _: str, value: str) -> DeskEntryQuerySet:
        return _containing(rows, "account_words", value)

    def keep_contact(self, rows: DeskEntryQuerySet, _: str, value: str) -> DeskEntryQuerySet:
        return rows.filter(contact="" if value == "none" else value, withdrawn_at__isnull=True)

    def keep_paragraph(self, rows: DeskEntryQuerySet, _: str, value: str) -> DeskEntryQuerySet:
        of_entry = DeskFinding.objects.filter(entry=OuterRef("pk"), paragraph=value)
        return rows.filter(Exists(of_entry.filter(outcome__in=[*TO_DO, "ask"])))

    def keep_advice(self, rows: DeskEntryQuerySet, _: str, value: str) -> DeskEntryQuerySet:
        if value == "none":
            return rows.filter(advice_asked=False, withdrawn_at__isnull=True)
        rows = rows.filter(advice_asked=True)
        return rows.filter(answered_at__isnull=False) if value == "answered" else rows

    def keep_state(self, rows: DeskEntryQuerySet, _: str, value: str) -> DeskEntryQuerySet:
        return rows.filter(withdrawn_at__isnull=value == "standing")


def containing(rows: DeskEntryQuerySet, words: str) -> DeskEntryQuerySet:
    """The rows that contain every one of the words, however they are spelled."""
    return _containing(rows, "words", words)


def _containing(rows: DeskEntryQuerySet, column: str, words: str) -> DeskEntryQuerySet:
    for term in search_terms(words):
        match = Q(**{f"{column}__contains": term.joined})
        if term.words != (term.joined,):
            match |= Q(*(Q(**{f"{column}__contains": word}) for word in term.words))
        rows = rows.filter(match)
    return rows
