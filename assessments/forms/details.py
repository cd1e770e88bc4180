"""The form for the account that an anonymous check is about, and for its election."""

from __future__ import annotations

import copy
from typing import Any, ClassVar

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Layout, Submit
from django import forms
from django.http import QueryDict

from assessments.models import AnonymousCheck
from assessments.scoring.answers import wrong_with_text
from bulletin.shelf import calendar


def election_choices() -> list[tuple[str, str]]:
    """The elections of the calendar, each with its year first: a narrow screen may show nothing else."""
    return [
        (
            election.id,
            f"{election.voting_day.year}: {election.name}" if election.voting_day else election.name,
        )
        for election in calendar().elections
    ]


class DetailsForm(forms.ModelForm):
    """Platform, handle, member and election of an anonymous check."""

    election = forms.ChoiceField(
        label="City election",
        help_text="The rules on campaigning end with this election's campaign period.",
    )

    class Meta:
        model = AnonymousCheck
        fields = ("platform", "handle", "member", "election")
        help_texts: ClassVar = {"platform": "Instagram, Facebook, TikTok …", "handle": "Such as @PatLee."}

    def __init__(self, data: QueryDict | None = None, *, check: AnonymousCheck) -> None:
        # A form changes its instance, and only services may change a check: give it a copy.
        super().__init__(data, instance=copy.copy(check))
        field = self.fields["election"]
        field.choices = election_choices()  # type: ignore[attr-defined]
        for name in ("platform", "handle", "member"):
            self.fields[name].widget.attrs["autocomplete"] = "off"
        self.helper = FormHelper()
        self.helper.form_show_errors = True
        self.helper.layout = Layout("platform", "handle", "member", "election", Submit("save", "Save"))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name in ("platform", "handle", "member"):
            fault = wrong_with_text(str(cleaned.get(name) or ""), longest=200)
            if fault:
                self.add_error(name, f"{fault[0].upper()}{fault[1:]}.")
        return cleaned
