"""The forms of the pages."""

from __future__ import annotations

from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Field, Layout, Submit
from django import forms

from assessments.samples import TITLES, sample
from assessments.scoring.document import MAX_BYTES, Document, DocumentFaults, read_document
from bulletin.shelf import calendar, editions


class AnswersForm(forms.Form):
    """A sample situation, or an answers document of one's own; after validation, `document` is what was read."""

    sample = forms.ChoiceField(
        label="A sample situation",
        choices=list(TITLES.items()),
        widget=forms.RadioSelect,
        required=False,
    )
    answers = forms.CharField(
        label="Or paste an answers file",
        help_text="The JSON that the advise command reads. If you paste one, the sample is not used.",
        # Whitespace is the reader's to judge: it says in which line and column a fault is.
        strip=False,
        required=False,
        max_length=MAX_BYTES,
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = FormHelper()
        self.helper.form_action = "advisory"
        # The page shows one summary of all that is wrong, above the form.
        self.helper.form_show_errors = False
        self.helper.layout = Layout(
            Field("sample"),
            Field("answers", css_class="answers"),
            Div(Submit("show", "See the advisory", css_class="btn btn-primary btn-lg"), css_class="actions"),
        )
        self.document: Document | None = None
        self.raw = ""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        pasted = cleaned.get("answers") or ""
        chosen = cleaned.get("sample") or ""
        if self.errors:
            return cleaned
        if not pasted.strip() and not chosen:
            raise forms.ValidationError("Choose a sample situation, or paste an answers file.")
        raw = pasted.encode("utf-8", "surrogatepass") if pasted.strip() else sample(chosen)
        try:
            self.document = read_document(raw, editions(), calendar())
        except DocumentFaults as error:
            raise forms.ValidationError(error.faults) from error
        self.raw = raw.decode("utf-8")
        return cleaned
