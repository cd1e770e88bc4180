"""Bringing answers back: a file that the portal or the command line made."""

from __future__ import annotations

from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Layout, Submit
from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict

from assessments.scoring.document import MAX_BYTES, Document, DocumentFaults, read_document
from bulletin.shelf import calendar, editions


def another_file(raw: bytes) -> str:
    """What to say of a file that is plainly another one; empty for what may be an answers file."""
    right = "Choose the file whose name begins with “answers” and ends in “.json”."
    if raw.startswith(b"%PDF"):
        return f"This is a PDF, which is made to be read and printed. {right}"
    if b'"findings"' in raw and b'"overall"' in raw:
        return f"This is an advisory: what answers came to, and not the answers. {right}"
    if b"\0" in raw:
        return f"This is not a text file. {right}"
    return ""


class AnswersFileForm(forms.Form):
    """An answers file, uploaded or pasted; after validation, `document` is what was read."""

    file = forms.FileField(
        label="Your answers file",
        help_text="The file that “Save your answers as a file” gave you. Its name begins with “answers”.",
        required=False,
        widget=forms.ClearableFileInput(attrs={"accept": "application/json,.json"}),
    )
    answers = forms.CharField(
        label="Or paste what is in it",
        # Whitespace is the reader's to judge: it says in which line and column a fault is.
        strip=False,
        required=False,
        widget=forms.Textarea(
            attrs={"rows": 8, "spellcheck": "false", "autocomplete": "off", "class": "answers"}
        ),
    )

    def __init__(self, *args: Any, dropped: bool = False, **kwargs: Any) -> None:
        """`dropped`: the request was so long that a file in it was not read."""
        super().__init__(*args, **kwargs)
        self.dropped = dropped
        self.helper = FormHelper()
        # The page shows one summary of all that is wrong, above the form.
        self.helper.form_show_errors = False
        self.helper.layout = Layout("file", "answers", Submit("go", "Go on with these answers"))
        self.document: Document | None = None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        uploaded: UploadedFile | None = cleaned.get("file")
        pasted = cleaned.get("answers") or ""
        if uploaded is None and not pasted.strip():
            if self.dropped:
                raise forms.ValidationError("That file is too long: an answers file has at most 1 MB.")
            if not self.errors:
                raise forms.ValidationError("Choose your answers file, or paste what is in it.")
            return cleaned
        raw = uploaded.read(MAX_BYTES + 1) if uploaded else pasted.encode("utf-8", "surrogatepass")
        if says := another_file(raw):
            raise forms.ValidationError(says)
        try:
            self.document = read_document(raw, editions(), calendar())
        except DocumentFaults as error:
            if uploaded and not pasted and len(raw) <= MAX_BYTES:
                # A browser never keeps a chosen file: show its text, so that it can be mended here.
                shown = QueryDict(mutable=True)
                shown["answers"] = raw[:MAX_BYTES].decode("utf-8", "replace").replace("\x00", "")
                self.data = shown
            raise forms.ValidationError(error.faults) from error
        return cleaned
