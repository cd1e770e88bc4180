"""The forms for signing in and for passwords: allauth's, with our words and layout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account import forms as allauth_forms
from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Layout, Submit
from django import forms
from django.contrib.auth.password_validation import password_validators_help_texts
from django.core.exceptions import ValidationError
from django.http import QueryDict

from assessments.forms.fields import with_mended_email
from assessments.forms.messages import use_plain_messages
from assessments.services.security_log import Event, Method, Reason, write

NOT_THE_SAME = "The two passwords are different. Enter the same password twice."

if TYPE_CHECKING:
    _Form = forms.Form
else:
    _Form = object


YOURS = {"Email address": "Your email address", "Password": "Your password"}
"""Labels of fields, and what messages call them: “Enter your password.”"""


class _ColumnForm(_Form):
    """Lays out a form in one column, with labels in place of placeholders."""

    button = "Save"
    labels: dict[str, str] = {}  # noqa: RUF012  # each form gives its own

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            # A placeholder disappears when somebody starts to type.
            field.widget.attrs.pop("placeholder", None)
            # By it, a browser cuts what is pasted and does not say so.
            field.widget.attrs.pop("maxlength", None)
            field.help_text = ""
            field.label = self.labels.get(name, field.label)
            use_plain_messages(field, YOURS.get(str(field.label), str(field.label)))
        if "password1" in self.fields:
            self.fields["password1"].help_text = " ".join(password_validators_help_texts())
        self.helper = FormHelper()
        # The page writes the <form> tag, so that it can add where to go afterwards.
        self.helper.form_tag = False
        self.helper.layout = Layout(*self.fields, Div(Submit("go", self.button), css_class="actions"))


class SignInForm(_ColumnForm, allauth_forms.LoginForm):  # type: ignore[misc]
    """Email address and password."""

    button = "Sign in"
    labels = {"login": "Email address", "password": "Password"}  # noqa: RUF012

    def __init__(self, data: QueryDict | None = None, **kwargs: Any) -> None:
        super().__init__(with_mended_email(data, "login"), **kwargs)
        # Password managers look for this.
        self.fields["login"].widget.attrs["autocomplete"] = "username"


class _NewPasswordForm(_ColumnForm):
    """A form with a new password, which is typed twice."""

    def clean(self) -> dict[str, Any]:
        first, second = (self.cleaned_data.get(name) for name in ("password1", "password2"))
        if first and second and first != second:
            # Before allauth compares them, which has its own words for this.
            self.add_error("password2", NOT_THE_SAME)
        return super().clean() or {}


class ConfirmPasswordForm(_ColumnForm, allauth_forms.ReauthenticateForm):  # type: ignore[misc]
    """The password, to confirm who is signed in."""

    button = "Confirm"
    labels = {"password": "Password"}  # noqa: RUF012


class ChangePasswordForm(_NewPasswordForm, allauth_forms.ChangePasswordForm):  # type: ignore[misc]
    """The current password, and a new one twice."""

    button = "Change the password"
    labels = {  # noqa: RUF012
        "oldpassword": "Your current password",
        "password1": "New password",
        "password2": "New password again",
    }

    def clean_oldpassword(self) -> str:
        try:
            return str(super().clean_oldpassword())
        except ValidationError:
            write(
                Event.IDENTITY_NOT_CONFIRMED,
                person=self.user,
                by=self.user,
                method=Method.PASSWORD,
                reason=Reason.WRONG_PASSWORD,
            )
            raise


class SetPasswordForm(_NewPasswordForm, allauth_forms.SetPasswordForm):  # type: ignore[misc]
    """A first password, twice."""

    button = "Set the password"
    labels = {"password1": "Password", "password2": "Password again"}  # noqa: RUF012


class ResetPasswordForm(_ColumnForm, allauth_forms.ResetPasswordForm):  # type: ignore[misc]
    """The email address to send a link to."""

    button = "Send the link"
    labels = {"email": "Email address"}  # noqa: RUF012

    def __init__(self, data: QueryDict | None = None, **kwargs: Any) -> None:
        super().__init__(with_mended_email(data, "email"), **kwargs)


class NewPasswordForm(_NewPasswordForm, allauth_forms.ResetPasswordKeyForm):  # type: ignore[misc]
    """A new password, twice."""

    button = "Set the password"
    labels = {"password1": "New password", "password2": "New password again"}  # noqa: RUF012
