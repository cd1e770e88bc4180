"""The name of the account that an anonymous check is about, asked beside the first questions."""

from __future__ import annotations

import copy
from typing import ClassVar

from django import forms
from django.http import QueryDict

from assessments.forms.fields import LineField
from assessments.forms.messages import PlainMessages
from assessments.models import AnonymousCheck


class NameForm(PlainMessages, forms.ModelForm):
    """Platform and name of the account of an anonymous check, beside its first questions."""

    class Meta:
        model = AnonymousCheck
        fields = ("platform", "handle")
        field_classes: ClassVar = {"platform": LineField, "handle": LineField}
        labels: ClassVar = {"platform": "Platform (optional)", "handle": "Account name (optional)"}

    def __init__(self, data: QueryDict | None = None, *, check: AnonymousCheck) -> None:
        # A form changes its instance, and only services may change a check: give it a copy.
        super().__init__(data, instance=copy.copy(check))
        for field in self.fields.values():
            field.widget.attrs["autocomplete"] = "off"

    @property
    def problems(self) -> list[tuple[str, str]]:
        """Each error, with the HTML id of the input to correct."""
        return [
            (field.id_for_label, f"{self.Meta.labels[field.name]}: {error}")
            for field in self
            for error in field.errors
        ]

    @property
    def new_name(self) -> dict[str, str]:
        """What to store: nothing where an input has an error, nothing is typed, or it is stored already."""
        if not self.is_valid() or not self.has_changed():
            return {}
        # A page from before the account had a name sends empty inputs, which must not remove that name.
        return self.cleaned_data if any(self.cleaned_data.values()) else {}
