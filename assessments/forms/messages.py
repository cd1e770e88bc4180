"""The words of a form's errors: ours instead of the library's, with the field and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.validators import ProhibitNullCharactersValidator

TOO_LONG = "Use at most %(limit_value)d characters. You entered %(show_value)d."
IN_THE_LIST = "Choose one of the options in the list."
NOT_A_DAY = "Enter the date as year-month-day, such as 2026-08-21."
POSSESSIVE = ("your ", "my ", "the ", "a ", "an ")
"""How a label may begin so that it needs no article."""

if TYPE_CHECKING:
    _Form = forms.Form
else:
    _Form = object


class PlainMessages(_Form):
    """A form whose fields have our own error messages. A message that a field defines itself stays."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            use_plain_messages(field, str(field.label or name.replace("_", " ")))


def use_plain_messages(field: forms.Field, label: str) -> None:
    """Replace the library's messages of a field by ours."""
    stock = _stock_messages(field)
    for code, message in plain_messages(field, label).items():
        if field.error_messages.get(code, stock.get(code)) == stock.get(code):
            field.error_messages[code] = message
    if isinstance(field, forms.ModelChoiceField):
        # It calls this validator itself, and does not look for a message of its own.
        field.validate_no_null_characters = ProhibitNullCharactersValidator(IN_THE_LIST)  # type: ignore[method-assign]


def plain_messages(field: forms.Field, label: str) -> dict[str, str]:
    """Our message for each fault that the library finds in a field of this kind, by the fault's code."""
    wanted = _in_a_sentence(label)
    messages = {
        "required": f"Enter {wanted}.",
        "null_characters_not_allowed": f"Enter {wanted} without invisible characters.",
        "max_length": TOO_LONG,
    }
    if isinstance(field, forms.BooleanField):
        messages["required"] = f"Tick the box “{label}”."
    elif isinstance(field, forms.FileField):
        messages |= {
            "required": f"Choose a file for {wanted}.",
            "invalid": "Choose the file again. It did not arrive.",
            "missing": "Choose the file again. It did not arrive.",
            "empty": "This file is empty. Choose another one.",
            "max_length": "Shorten the file’s name to at most %(max)d characters. It has %(length)d.",
            "contradiction": "Either choose a file or tick the box, not both.",
        }
    elif isinstance(field, (forms.ChoiceField, forms.ModelChoiceField)):
        messages |= {
            "required": f"Choose {_with_indefinite_article(label)}.",
            "null_characters_not_allowed": IN_THE_LIST,
            "invalid_choice": IN_THE_LIST,
            "invalid_list": IN_THE_LIST,
            "invalid_pk_value": IN_THE_LIST,
        }
    elif isinstance(field, forms.IntegerField):
        whole = _whole_number(field)
        messages |= {"invalid": whole, "min_value": whole, "max_value": whole}
    elif isinstance(field, forms.DateField):
        messages["invalid"] = NOT_A_DAY
    elif isinstance(field, forms.URLField):
        messages["invalid"] = "Enter a web address, such as https://example.com/patlee."
    elif isinstance(field, forms.EmailField):
        messages["invalid"] = "Enter one valid email address, such as pat@example.ca."
    return messages


def names_field(message: str, label: str) -> bool:
    """Whether a message names its field by itself, so that a summary of errors need not."""
    return _without_article(label).casefold() in message.casefold()


def _whole_number(field: forms.IntegerField) -> str:
    match field.min_value, field.max_value:
        case None, None:
            return "Enter a whole number, such as 12."
        case least, None:
            return f"Enter a whole number, {least} or more."
        case None, most:
            return f"Enter a whole number, {most} or less."
        case least, most:
            return f"Enter a whole number from {least} to {most}."


def _stock_messages(field: forms.Field) -> Mapping[str, Any]:
    """The messages that a field of this class has before anyone changes them."""
    messages: dict[str, Any] = {}
    for cls in reversed(type(field).__mro__):
        if cls.__module__.startswith(("django.", "allauth.", "django_filters.")):
            messages |= getattr(cls, "default_error_messages", {})
    return messages


def _lowered(label: str) -> str:
    """A label within a sentence: its first letter is small, unless the word is in capitals."""
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]


def _without_article(label: str) -> str:
    lowered = _lowered(label).removesuffix(" (optional)")
    return next((lowered.removeprefix(word) for word in POSSESSIVE if lowered.startswith(word)), lowered)


def _in_a_sentence(label: str) -> str:
    lowered = _lowered(label)
    return lowered if lowered.startswith(POSSESSIVE) else f"the {lowered}"


def _with_indefinite_article(label: str) -> str:
    lowered = _lowered(label)
    if lowered.startswith(POSSESSIVE):
        return lowered
    return f"{'an' if lowered[:1] in 'aeiou' else 'a'} {lowered}"
