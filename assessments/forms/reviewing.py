"""The forms of the review page: comments and filters."""

from __future__ import annotations

from typing import Any

from django import forms

from assessments.models.reviews import MAX_COMMENT
from assessments.scoring.answers import wrong_with_text
from bulletin.encoding.schema import Edition

FILTERS = {
    "changed": "Changed since I last looked",
    "unsure": "Not sure",
    "action": "Needs action",
    "open": "Open comments",
}


class CommentForm(forms.Form):
    """What someone writes."""

    # Its length is judged below, in our own words; white space at its ends says nothing.
    text = forms.CharField(required=False, widget=forms.Textarea)

    def clean_text(self) -> str:
        text = str(self.cleaned_data["text"]).replace("\r\n", "\n").strip()
        if not text:
            raise forms.ValidationError("Write something first.")
        if says := wrong_with_text(text, longest=MAX_COMMENT, lines=True):
            raise forms.ValidationError(f"Your comment: {says}.")
        return text


class FilterForm(forms.Form):
    """Which questions to show; what cannot be read shows all."""

    section = forms.ChoiceField(required=False)
    show = forms.MultipleChoiceField(required=False, choices=list(FILTERS.items()))

    def __init__(self, data: Any, *, edition: Edition) -> None:
        super().__init__(data)
        sections = [(section.id, section.title) for section in edition.sheet.sections]
        self.fields["section"].choices = [("", "All sections"), *sections]  # type: ignore[attr-defined]

    @property
    def chosen(self) -> tuple[str, set[str]]:
        """The section, or none, and the names of the filters."""
        if not self.is_valid():
            return "", set()
        return self.cleaned_data["section"], set(self.cleaned_data["show"])
