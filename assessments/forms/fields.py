"""Form fields that clean up what people paste before they check it."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.http import QueryDict

from assessments.forms.messages import NOT_A_DAY, TOO_LONG
from assessments.typed.days import NoDay, UnclearDay, read_typed_day
from assessments.typed.mending import mended_email, mended_line, mended_text, mended_web_address


class _WholeField(forms.CharField):
    """A field that says how many characters it takes, and refuses more in words."""

    default_error_messages = {"max_length": TOO_LONG}  # noqa: RUF012  # as in the class that it extends

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if self.max_length:
            self.help_text = f"{self.help_text} At most {self.max_length} characters.".strip()

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """Leave out `maxlength`: with it, a browser cuts what is pasted without saying so."""
        attrs: dict[str, Any] = super().widget_attrs(widget)
        attrs.pop("maxlength", None)
        return attrs


class LineField(_WholeField):
    """One line of text."""

    def to_python(self, value: Any) -> str:
        return mended_line(super().to_python(value) or "")


class LinesField(forms.CharField):
    """A text that may have several lines."""

    widget = forms.Textarea
    default_error_messages = {"max_length": TOO_LONG}  # noqa: RUF012

    def to_python(self, value: Any) -> str:
        return mended_text(super().to_python(value) or "")


class EmailField(_WholeField, forms.EmailField):
    """An email address."""

    default_error_messages = {  # noqa: RUF012
        "invalid": "Enter one valid email address, such as pat@example.ca.",
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # One message for every fault of the address, instead of the one that Django sets for each.
        self.error_messages["invalid"] = self.default_error_messages["invalid"]

    def to_python(self, value: Any) -> str:
        return mended_email(str(value or ""))


class WebAddressField(_WholeField, forms.URLField):
    """A web address, always with https."""

    default_error_messages = {  # noqa: RUF012
        "invalid": "Enter a web address, such as https://example.com/patlee.",
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(assume_scheme="https", **kwargs)

    def to_python(self, value: Any) -> str:
        return str(super().to_python(mended_web_address(str(value or ""))) or "")


class DayField(forms.DateField):
    """A day. If it can be read in two ways, the form asks again."""

    default_error_messages = {  # noqa: RUF012
        "invalid": NOT_A_DAY,
    }

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}))
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> date | None:
        if not isinstance(value, str):
            day: date | None = super().to_python(value)
            return day
        if not mended_line(value):
            return None
        try:
            return read_typed_day(value)
        except UnclearDay as error:
            raise forms.ValidationError(f"{error}.", code="unclear") from None
        except NoDay:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from None


def with_mended_email(typed: QueryDict | None, name: str) -> QueryDict | None:
    """The posted data with a cleaned-up email address, for a form whose field is not ours."""
    if typed is None or name not in typed:
        return typed
    typed = typed.copy()
    typed[name] = mended_email(typed.get(name, ""))
    return typed
