"""The forms of the review page: comments and filters."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

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
    """Which questions, findings and comments to show; what cannot be read shows all.

    `at` is a thread that shows whatever is filtered: the one that somebody just wrote in, or resolved.
    """

    section = forms.ChoiceField(required=False)
    show = forms.MultipleChoiceField(required=False, choices=list(FILTERS.items()))
    at = forms.IntegerField(required=False, min_value=1, max_value=2**31)

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

    @property
    def at_thread(self) -> int:
        """The thread that shows in any case, or 0."""
        return int(self.cleaned_data["at"] or 0) if self.is_valid() else 0

    @property
    def query(self) -> str:
        """What is chosen, as the query of an address; empty where nothing is."""
        section, show = self.chosen
        return urlencode([("section", section)] * bool(section) + [("show", name) for name in sorted(show)])
