"""Narrowing down what the Commissioner's desk lists."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import django_filters as filters
from django import forms
from django.db.models import Exists, OuterRef
from django.http import QueryDict
from django.utils import timezone

from assessments.models import DeskEntry, DeskFinding, Office
from assessments.models.desk import DeskEntryQuerySet
from assessments.records.desk_facts import ANSWERS_ALONE, folded
from assessments.records.shared import ONLY_ANSWERS, PART_HEADLINES
from assessments.rendering.projection import CONTACT_ORDER, cite
from assessments.scoring.assess import TO_DO
from bulletin.shelf import calendar, current, editions

DAY = "Write a day such as 2026-08-21."
MAX_WORDS = 100
WAITING = [("unread", "Unread"), ("to_answer", "Advice to answer")]
ADVICE = [("asked", "Asked for"), ("answered", "Answered"), ("none", "Not asked for")]
STATE = [("standing", "Not withdrawn"), ("withdrawn", "Withdrawn")]
NOT_STATED = "When is not stated"
KEPT_PRIVATE = ("account",)
"""Filters whose words no address carries."""
LAST_DAY = date(9999, 12, 30)
"""There is no moment after the day after it."""


def _titles(kind: str) -> dict[str, str]:
    """What the current edition calls each overall, or each time to contact; every edition has the same keys."""
    return {key: titled.title for key, titled in getattr(current().sheet.words, kind).items()}


def overall_titles() -> dict[str, str]:
    """What each overall is called, of a part of an advisory."""
    return _titles("overall") | PART_HEADLINES | {ANSWERS_ALONE: ONLY_ANSWERS}


def contact_titles() -> dict[str, str]:
    """What each time to contact is called, the earliest first."""
    titles = _titles("contact") | {"unstated": NOT_STATED}
    return {when: titles[when] for when in CONTACT_ORDER if when in titles}


def _paragraphs() -> list[tuple[str, str]]:
    cited = dict.fromkeys(p for e in editions().values() for rule in e.rules for p in rule.paragraphs)
    return [(paragraph, cite([paragraph])) for paragraph in cited]


def _begins(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _choice(choices: Any, **more: Any) -> filters.ChoiceFilter:
    return filters.ChoiceFilter(choices=choices, empty_label="Any", **more)


class _Filters(filters.FilterSet):  # type: ignore[misc]  # it ships no types
    """Filters of which each that is understood counts; what one does not understand leaves the others as they are."""

    since = filters.DateFilter(
        label="Shared on or after",
        method="keep_since",
        error_messages={"invalid": DAY},
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    until = filters.DateFilter(
        label="Shared on or before",
        method="keep_until",
        error_messages={"invalid": DAY},
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    edition = _choice(lambda: [(e.id, e.id) for e in editions().values()], label="Edition")

    def __init__(self, data: QueryDict, queryset: DeskEntryQuerySet) -> None:
        super().__init__(data, queryset=queryset)

    @property
    def kept(self) -> DeskEntryQuerySet:
        """The rows that fit every filter that could be understood."""
        self.form.full_clean()
        rows: DeskEntryQuerySet = self.queryset
        for name, value in self.form.cleaned_data.items():
            rows = self.filters[name].filter(rows, value)
        return rows

    @property
    def chosen(self) -> dict[str, str]:
        """What was asked for, without what is empty."""
        return {name: self.data[name] for name in self.filters if self.data.get(name)}

    # Moments, not the days of moments: the databases compare them as they are, with an index.
    def keep_since(self, rows: DeskEntryQuerySet, _: str, value: date) -> DeskEntryQuerySet:
        return rows.filter(shared_at__gte=_begins(value))

    def keep_until(self, rows: DeskEntryQuerySet, _: str, value: date) -> DeskEntryQuerySet:
        return rows.filter(shared_at__lt=_begins(min(value, LAST_DAY) + timedelta(days=1)))


class _Days(forms.Form):
    """Filters of which the first day does not come after the last."""

    def clean(self) -> dict[str, Any]:
        told: dict[str, Any] = super().clean() or self.cleaned_data
        if told.get("since") and told.get("until") and told["since"] > told["until"]:
            self.add_error("until", "This day comes before the first one.")
        return told


class _InOrder(_Days):
    """The desk's filters in the order in which officers reach for them."""

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
    """What is counted together: a period, an edition, an election."""

    election = _choice(lambda: [(one.id, one.id) for one in calendar().elections], label="Election")

    class Meta:
        model = DeskEntry
        form = _Days
        fields: Sequence[str] = ()


class DeskFilter(_Filters):
    """The desk's filters."""

    waiting = _choice(WAITING, label="Waiting", method="keep_waiting")
    office = filters.ModelChoiceFilter(label="Office", queryset=Office.objects.none(), empty_label="Any")
    account = filters.CharFilter(label="Account", max_length=MAX_WORDS, method="keep_account")
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
        form = _InOrder
        fields: Sequence[str] = ()

    def __init__(self, data: QueryDict, queryset: DeskEntryQuerySet) -> None:
        super().__init__(data, queryset=queryset)
        offices = Office.objects.filter(pk__in=DeskEntry.objects.values("office")).order_by("name", "pk")
        self.filters["office"].field.queryset = offices.select_related("member")

    @property
    def told(self) -> dict[str, str]:
        """What was asked for, as far as an address gives it."""
        return {name: value for name, value in self.chosen.items() if name not in KEPT_PRIVATE}

    def keep_waiting(self, rows: DeskEntryQuerySet, _: str, value: str) -> DeskEntryQuerySet:
        return rows.unread() if value == "unread" else rows.to_answer()

    def keep_account(self, rows: DeskEntryQuerySet, _: str, value: str) -> DeskEntryQuerySet:
        return rows.filter(account_words__contains=folded(value))

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


def having(rows: DeskEntryQuerySet, words: str) -> DeskEntryQuerySet:
    """Keep the rows in which each of some words stands; without regard to capitals."""
    for word in dict.fromkeys(folded(words).split()):
        rows = rows.filter(words__contains=word)
    return rows
