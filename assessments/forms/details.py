"""The form for the account that an anonymous check is about, and for its election."""

from __future__ import annotations

import copy
from typing import ClassVar

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Layout, Submit
from django import forms
from django.http import QueryDict

from assessments.forms.elections import ElectionFields
from assessments.forms.fields import LineField
from assessments.models import AnonymousCheck


class DetailsForm(ElectionFields, forms.ModelForm):
    """Platform, handle and member of an anonymous check, and its election."""

    class Meta:
        model = AnonymousCheck
        fields = ("platform", "handle", "member", "election", "voting_day", "campaign_ends")
        field_classes: ClassVar = {"platform": LineField, "handle": LineField, "member": LineField}
        help_texts: ClassVar = {"platform": "Instagram, Facebook, TikTok …", "handle": "Such as @PatLee."}

    def __init__(self, data: QueryDict | None = None, *, check: AnonymousCheck) -> None:
        # A form changes its instance, and only services may change a check: give it a copy.
        super().__init__(data, instance=copy.copy(check))
        for name in ("platform", "handle", "member"):
            self.fields[name].widget.attrs["autocomplete"] = "off"
        self.helper = FormHelper()
        self.helper.form_show_errors = True
        self.helper.layout = Layout(*self.fields, Div(Submit("save", "Save"), css_class="actions"))
