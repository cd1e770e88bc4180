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
    "changed": "New to me",
    "unsure": "Not sure",
    "action": "Needs action",
    "open": "Open comments",
}
EVERYTHING = "show=all"
"""The URL query of the whole review: with no query, the page shows what needs attention."""


class CommentForm(PlainMessages, forms.Form):
    """A comment. White space at its ends does not count."""

    # `clean_text` checks the length, with our own message.
    text = LinesField(required=False)
    missing, too_much = "Enter your comment.", "Your comment is too long: {}."

    def clean_text(self) -> str:
        text = str(self.cleaned_data["text"])
        if not text:
            raise forms.ValidationError(self.missing)
        if fault := too_long(text, longest=MAX_COMMENT):
            raise forms.ValidationError(self.too_much.format(fault))
        return text


class ReplyForm(CommentForm):
    """A reply to a comment."""

    missing, too_much = "Enter your reply.", "Your reply is too long: {}."


class FilterForm(PlainMessages, forms.Form):
    """Which questions, findings and comments to show: with no query, those that need attention.

    An invalid value, or an empty one, shows everything. `at` is the thread that somebody just wrote in or resolved;
    it is always shown.
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
    def attention(self) -> bool:
        """Whether only what needs attention is shown."""
        return not {"section", "show"} & {*self.data}

    @property
    def at_thread(self) -> int:
        """The thread that is always shown, or 0."""
        return int(self.cleaned_data["at"] or 0) if self.is_valid() else 0

    @property
    def query(self) -> str:
        """The view as a URL query; empty for what needs attention."""
        if self.attention:
            return ""
        section, show = self.chosen
        chosen = [("section", section)] * bool(section) + [("show", name) for name in sorted(show)]
        return urlencode(chosen) or EVERYTHING
