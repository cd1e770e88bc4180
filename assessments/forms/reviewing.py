"""The forms of the review page: comments and filters."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import forms

from assessments.forms.fields import LinesField
from assessments.forms.messages import PlainMessages
from assessments.models.reviews import MAX_COMMENT
from assessments.scoring.answers import too_long
from bulletin.encoding.schema import Edition

FILTERS = {
    "changed": "Changed since I last looked",
    "unsure": "Not sure",
    "action": "Needs action",
    "open": "Open comments",
}


class CommentForm(PlainMessages, forms.Form):
    """A comment or a reply."""

    # `clean_text` checks the length, with our own message. White space at the ends does not count.
    text = LinesField(required=False)

    def clean_text(self) -> str:
        text = str(self.cleaned_data["text"])
        if not text:
            raise forms.ValidationError("Write something first.")
        if fault := too_long(text, longest=MAX_COMMENT):
            raise forms.ValidationError(f"Your comment: {fault}.")
        return text


class FilterForm(PlainMessages, forms.Form):
    """Which questions, findings and comments to show; an invalid value shows everything.

    `at` is the thread that somebody just wrote in or resolved, which shows whatever the filters.
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
        """The section, empty for all, and the names of the filters."""
        if not self.is_valid():
            return "", set()
        return self.cleaned_data["section"], set(self.cleaned_data["show"])

    @property
    def at_thread(self) -> int:
        """The thread that shows whatever the filters, or 0."""
        return int(self.cleaned_data["at"] or 0) if self.is_valid() else 0

    @property
    def query(self) -> str:
        """The chosen section and filters as a URL query; empty if there are none."""
        section, show = self.chosen
        return urlencode([("section", section)] * bool(section) + [("show", name) for name in sorted(show)])
