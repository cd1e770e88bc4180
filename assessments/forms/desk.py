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
from assessments.models import DeskEntry, DeskFinding, Office, Share, User
from assessments.models.desk import DeskEntryQuerySet, officer_name
from assessments.pdf.authenticity import read_codes
from assessments.reports.titles import (
    NO_CONTACT,
    contact_titles,
    edition_titles,
    election_titles,
    overall_titles,
    paragraph_titles,
)
from assessments.scoring.assess import TO_DO
from assessments.typed.folding import Term, search_terms
from assessments.typed.handles import possible_names

MAX_WORDS = 300
"""The most characters of a search. The web address of a profile, as an app copies it, may have 200."""
ADVICE = [("asked", "Asked for"), ("answered", "Replied"), ("none", "Not asked for")]
STANDING = "standing"
ME, NO_ONE = "me", "nobody"
KEPT_PRIVATE = ("account",)
"""Filters whose words never appear in a URL."""
LAST_DAY = date(9999, 12, 30)
"""The last day that has a next day, which `keep_until` needs."""


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
    edition = _choice(lambda: edition_titles().items(), label="Edition of the bulletin")

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

    @property
    def applied(self) -> list[str]:
        """The names of the filters that have a valid value, and so keep only some of the rows."""
        self.form.is_valid()
        return [name for name in self.chosen if self.form.cleaned_data.get(name)]

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
            self.add_error("until", "Enter a day that does not come before “Shared on or after”.")
        return cleaned


class _DeskForm(_PeriodForm):
    """The desk's filters, those that officers use most first."""

    field_order = (
        "state",
        "assigned",
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

    election = _choice(lambda: election_titles().items(), label="Election")

    class Meta:
        model = DeskEntry
        form = _PeriodForm
        fields: Sequence[str] = ()


class _LineFilter(filters.CharFilter):  # type: ignore[misc]  # django-filter ships no types
    field_class = LineField


class DeskFilter(_Filters):
    """The desk's filters. `by` is the officer whose shares “Assigned to: me” keeps."""

    state = _choice(
        [*DeskEntry.State.choices, (STANDING, "Not withdrawn")], label="State", method="keep_state"
    )
    assigned = _choice([], label="Assigned to", method="keep_assigned")
    office = filters.ModelChoiceFilter(label="Office", queryset=Office.objects.none(), empty_label="Any")
    account = _LineFilter(label="Account", max_length=MAX_WORDS, method="keep_account")
    overall = _choice(lambda: overall_titles().items(), label="Result")
    contact = _choice(
        lambda: [*contact_titles().items(), ("none", NO_CONTACT)],
        label="When to contact",
        method="keep_contact",
    )
    paragraph = _choice(
        lambda: paragraph_titles().items(),
        label="Paragraph with something to raise or do",
        method="keep_paragraph",
    )
    advice = _choice(ADVICE, label="Advice", method="keep_advice")

    class Meta:
        model = DeskEntry
        form = _DeskForm
        fields: Sequence[str] = ()

    def __init__(self, data: QueryDict, queryset: DeskEntryQuerySet, by: User | None = None) -> None:
        if data.get("waiting") and not data.get("state"):
            # An address from before `state` had these values.
            data = data.copy()
            data["state"] = data.get("waiting", "")
        super().__init__(data, queryset=queryset)
        self.by = by
        self.filters["assigned"].field.choices = _assignees(by)
        offices = Office.objects.filter(pk__in=DeskEntry.objects.values("office")).order_by("name", "pk")
        self.filters["office"].field.queryset = offices.select_related("member")

    @property
    def url_params(self) -> dict[str, str]:
        """The filters that have a value and may appear in a URL."""
        return {name: value for name, value in self.chosen.items() if name not in KEPT_PRIVATE}

    def keep_assigned(self, rows: DeskEntryQuerySet, _: str, value: str) -> DeskEntryQuerySet:
        if value == NO_ONE:
            return rows.filter(assigned_to__isnull=True, withdrawn_at__isnull=True)
        return rows.filter(assigned_to=self.by.pk if self.by and value == ME else int(value))

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
        if value == STANDING:
            return rows.filter(withdrawn_at__isnull=True)
        return rows.in_state(DeskEntry.State(value))


def _assignees(by: User | None) -> list[tuple[str, str]]:
    """“Me”, “Not assigned”, and every officer, with those who left but still have shares assigned."""
    assigned = DeskEntry.objects.filter(assigned_to__isnull=False).values("assigned_to")
    people = User.objects.filter(Q(is_officer=True, is_active=True) | Q(pk__in=assigned))
    named = [(str(person.pk), officer_name(person)) for person in people.order_by("name", "pk")]
    return [*([(ME, "Me")] if by else []), (NO_ONE, "Not assigned"), *named]


class AssignForm(PlainMessages, forms.Form):
    """The officer to assign a share to, if any, and the key of the officer to whom the page said it was assigned."""

    officer = forms.ModelChoiceField(queryset=User.objects.officers(), required=False)
    seen = forms.IntegerField(required=False)


def containing(rows: DeskEntryQuerySet, words: str) -> DeskEntryQuerySet:
    """The rows that contain every one of the words, however they are spelled.

    A word may be an account's web address or @handle. If the words have the verification code of a share, however it
    is typed, that share is the only row.
    """
    if codes := read_codes(words):
        shares = list(Share.objects.filter(code__in=codes).values_list("pk", flat=True))
        if shares:
            return rows.filter(pk__in=shares)
    return _containing(rows, "words", words)


def _containing(rows: DeskEntryQuerySet, column: str, words: str) -> DeskEntryQuerySet:
    rest = []
    for word in words.split():
        if names := possible_names(word):
            of_account = (Q(**{f"{column}__contains": f"{name};"}) for name in names)
            as_written = Q(*(_has_term(column, term) for term in search_terms(word)))
            rows = rows.filter(Q(*of_account, _connector=Q.OR) | as_written)
        else:
            rest.append(word)
    # Together, since a number may have spaces.
    for term in search_terms(" ".join(rest)):
        rows = rows.filter(_has_term(column, term))
    return rows


def _has_term(column: str, term: Term) -> Q:
    match = Q(**{f"{column}__contains": term.joined})
    if term.words != (term.joined,):
        match |= Q(*(Q(**{f"{column}__contains": word}) for word in term.words))
    return match
