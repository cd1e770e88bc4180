"""The fields for the election that a self-check is about, and for the days that only its people know."""

from __future__ import annotations

from datetime import date
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Layout, Submit
from django import forms
from django.http import QueryDict

from assessments.forms.fields import DayField
from assessments.forms.messages import PlainMessages
from assessments.forms.section import YEARS
from assessments.models import Assessment
from assessments.services.drafts import default_election
from bulletin.shelf import calendar

NOT_A_DAY = "Enter the date as year-month-day, such as 2026-08-21, or leave this blank."


def election_choices() -> list[tuple[str, str]]:
    """The elections of the calendar, each with its year first: a narrow screen may show nothing else."""
    return [
        (
            election.id,
            f"{election.voting_day.year}: {election.name}" if election.voting_day else election.name,
        )
        for election in calendar().elections
    ]


class _DayField(DayField):
    """A day that someone may leave out."""

    def __init__(self, *, label: str, help_text: str) -> None:
        super().__init__(
            label=label,
            help_text=help_text,
            required=False,
            error_messages={"invalid": NOT_A_DAY},
            widget=forms.DateInput(
                format="%Y-%m-%d", attrs={"type": "date", "autocomplete": "off", "class": "short"}
            ),
        )

    def clean(self, value: Any) -> date | None:
        day: date | None = super().clean(value)
        if day and day.year not in YEARS:
            raise forms.ValidationError(self.error_messages["invalid"])
        return day


class ElectionFields(PlainMessages, forms.Form):
    """The election, its voting day if it is a by-election, and the end of its campaign period if it was moved."""

    election = forms.ChoiceField(
        label="City election",
        help_text="The rules on campaigning end with this election's campaign period.",
        error_messages={
            "required": "Choose an election.",
            "invalid_choice": "Choose one of the elections in the list.",
        },
    )
    voting_day = _DayField(
        label="Voting day of a by-election (optional)",
        help_text="Only for a by-election. Leave it blank if the day is not set yet.",
    )
    campaign_ends = _DayField(
        label="Last day of the campaign period, if it was moved (optional)",
        help_text=(
            "For example after an extension, a withdrawal or a rejected nomination. Leave it blank to use "
            "the usual day."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["election"].choices = election_choices()  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("voting_day") and "election" in cleaned:
            elections = calendar()
            election = elections.get(cleaned["election"] or default_election())
            undated = [other.name for other in elections.elections if other.undated]
            if election and not election.undated:
                self.add_error(
                    "voting_day",
                    f"{election.name} has its voting day already. Clear this day, or choose “{undated[0]}”."
                    if undated
                    else f"{election.name} has its voting day already. Clear this day.",
                )
        return cleaned


class ElectionForm(ElectionFields):
    """The election of an office's draft, or of a self-check that is to start: by default, the next election."""

    def __init__(self, data: QueryDict | None = None, *, draft: Assessment | None = None) -> None:
        names = ("election", "voting_day", "campaign_ends")
        chosen = {name: getattr(draft, name) for name in names} if draft else {"election": default_election()}
        super().__init__(data, initial=chosen)
        self.fields["election"].required = draft is not None
        self.helper = FormHelper()
        if draft:
            self.helper.layout = Layout(*self.fields, Div(Submit("save", "Save"), css_class="actions"))
        else:
            # The page has the form's tag and its button.
            self.helper.form_tag = False
            self.helper.disable_csrf = True
