"""The form for restoring answers from a file that the portal or the command line wrote."""

from __future__ import annotations

from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Layout, Submit
from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils import timezone

from assessments.forms.messages import PlainMessages
from assessments.scoring.document import (
    MAX_BYTES,
    UTF_16,
    Document,
    DocumentFaults,
    election_for,
    read_document,
)
from bulletin.shelf import calendar, editions

SUFFIXES = (".json", ".txt")
"""The endings of an answers file's name. Some email programs change the first to the second."""


def wrong_file(raw: bytes, name: str = "") -> str:
    """The message for a file that is plainly of another kind; empty if it may be an answers file."""
    right = "Choose the file whose name begins with “answers” and ends in “.json”."
    if raw.startswith(b"%PDF"):
        return f"This is a PDF. {right}"
    if b'"findings"' in raw and b'"overall"' in raw:
        return f"This is an advisory, not the answers behind it. {right}"
    if b"\0" in raw and not raw.startswith(UTF_16):
        return f"This is not a text file. {right}"
    if name and not name.lower().endswith(SUFFIXES):
        return f"The file’s name doesn’t end in .json or .txt. {right}"
    return ""


class AnswersFileForm(PlainMessages, forms.Form):
    """An answers file, uploaded or pasted. After validation, `document` has its content."""

    file = forms.FileField(
        label="Your answers file",
        help_text=(
            "The file that “Save your answers to a file” downloaded. Its name begins with “answers”. At most 1 MB."
        ),
        required=False,
        widget=forms.ClearableFileInput(attrs={"accept": "application/json,.json"}),
    )
    answers = forms.CharField(
        label="Or paste the file’s text",
        # The parser reports faults by line and column, so it needs the text as pasted.
        strip=False,
        required=False,
        widget=forms.Textarea(
            attrs={"rows": 8, "spellcheck": "false", "autocomplete": "off", "class": "answers"}
        ),
    )

    def __init__(self, *args: Any, dropped: bool = False, **kwargs: Any) -> None:
        """Set `dropped` if the request was too long, so that its file was not read."""
        super().__init__(*args, **kwargs)
        self.dropped = dropped
        self.helper = FormHelper()
        # The page lists all errors in one summary above the form.
        self.helper.form_show_errors = False
        self.helper.layout = Layout("file", "answers", Submit("go", "Continue with these answers"))
        self.document: Document | None = None
        self.size = 0

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        uploaded: UploadedFile | None = cleaned.get("file")
        pasted = cleaned.get("answers") or ""
        if uploaded is None and not pasted.strip():
            if self.dropped:
                raise forms.ValidationError("The file is too large. An answers file has at most 1 MB.")
            if not self.errors:
                raise forms.ValidationError("Choose your answers file, or paste its text.")
            return cleaned
        raw = uploaded.read(MAX_BYTES + 1) if uploaded else pasted.encode("utf-8", "surrogatepass")
        self.size = len(raw)
        if message := wrong_file(raw, str(uploaded.name) if uploaded else ""):
            raise forms.ValidationError(message)
        try:
            self.document = read_document(raw, editions(), calendar())
            # A voting day without its election is a fault of the file, too.
            election_for(self.document, calendar(), as_of=timezone.localdate())
        except DocumentFaults as error:
            if uploaded and not pasted and len(raw) <= MAX_BYTES:
                self._put_into_box(raw)
            raise forms.ValidationError(error.faults) from error
        return cleaned

    def refuse(self, message: str) -> None:
        """Add the reason why a document is not accepted, although it can be read. Its text stays in the box."""
        uploaded: UploadedFile | None = self.cleaned_data.get("file")
        if uploaded:
            uploaded.seek(0)
            self._put_into_box(uploaded.read())
        self.add_error(None, message)

    def _put_into_box(self, raw: bytes) -> None:
        """Put the text of a file into the box, where it can be corrected: browsers do not keep a chosen file."""
        refilled = QueryDict(mutable=True)
        refilled["answers"] = raw.decode("utf-8", "replace").replace("\x00", "")
        self.data = refilled
