"""The forms about people and offices: inviting, accepting, ending a term, keeping and erasing records."""

from __future__ import annotations

from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Layout, Submit
from django import forms
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.password_validation import password_validators_help_texts

from assessments.models import Invitation, Office, User
from assessments.scoring.answers import wrong_with_text

Role = Invitation.Role


class _Words(forms.Form):
    """A form in one column, whose faults the page's summary tells."""

    button = "Save"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.error_messages["required"] = "Please fill this in."
            field.widget.attrs.setdefault("autocomplete", "off")
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True
        self.helper.layout = Layout(*self.fields, Div(Submit("go", self.button), css_class="actions"))

    def clean_email(self) -> str:
        """The address as it is stored."""
        return User.normalize_username(self.cleaned_data["email"])

    def _clean_text(self, name: str) -> str:
        text = str(self.cleaned_data[name]).strip()
        if says := wrong_with_text(text, longest=200):
            raise forms.ValidationError(f"{says[0].upper()}{says[1:]}.")
        return text


class InviteStaffForm(_Words):
    """The address of somebody who is to work in an office."""

    button = "Send the invitation"
    email = forms.EmailField(label="E-mail address", help_text="The link in the mail works once, for 7 days.")

    def __init__(self, *args: Any, office: Office, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.office = office

    def clean_email(self) -> str:
        email = super().clean_email()
        if email == self.office.member.email:
            raise forms.ValidationError("This is the member, whose office it is.")
        return email


class InviteForm(_Words):
    """Somebody whom an administrator invites: a member to a seat, an officer, another administrator."""

    button = "Send the invitation"
    email = forms.EmailField(label="E-mail address", help_text="The link in the mail works once, for 7 days.")
    role = forms.ChoiceField(
        label="As what",
        widget=forms.RadioSelect,
        choices=[(role.value, role.label) for role in (Role.MEMBER, Role.OFFICER, Role.ADMINISTRATOR)],
    )
    seat = forms.CharField(
        label="Seat, for a member",
        required=False,
        max_length=200,
        help_text="“Mayor”, “Councillor, Ward 10”.",
    )
    starts_on = forms.DateField(
        label="First day of the term, for a member",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
    )

    def clean_seat(self) -> str:
        return self._clean_text("seat")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("role") == Role.MEMBER:
            for name in ("seat", "starts_on"):
                if name not in self.errors and not cleaned.get(name):
                    self.add_error(name, "A member needs this.")
        else:
            cleaned |= {"seat": "", "starts_on": None}
        return cleaned


class EndTermForm(_Words):
    """The last day of a term."""

    button = "End this term"
    on = forms.DateField(label="Last day", widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, office: Office, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.office = office

    def clean_on(self) -> Any:
        on = self.cleaned_data["on"]
        if on <= self.office.starts_on:
            raise forms.ValidationError(
                f"The term began on {self.office.starts_on:%-d %B %Y}: choose a later day."
            )
        return on


class KeepingForm(_Words):
    """How long an office keeps its records."""

    keep_drafts_months = forms.IntegerField(
        label="Months that a draft is kept after its last change",
        min_value=1,
        max_value=120,
        help_text="From 1 to 120.",
    )
    keep_attested_years = forms.IntegerField(
        label="Years that an attested assessment is kept",
        min_value=1,
        max_value=30,
        help_text="From 1 to 30.",
    )


class EraseForm(_Words):
    """The office's name, typed by the member who erases all that is kept of it."""

    button = "Erase everything now"
    name_of_office = forms.CharField(label="Type the name of your office", max_length=200)

    def __init__(self, *args: Any, office: Office, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.office = office
        self.fields["name_of_office"].help_text = office.name

    def clean_name_of_office(self) -> str:
        name = str(self.cleaned_data["name_of_office"]).strip()
        if name.casefold() != self.office.name.strip().casefold():
            raise forms.ValidationError(f"This is not the name. Type: {self.office.name}")
        return name


class AcceptForm(SetPasswordForm):
    """The name and the password of somebody who was invited and has no account yet."""

    name = forms.CharField(
        label="Your name", max_length=200, help_text="As it should read beside an answer that you give."
    )
    field_order = ("name", "new_password1", "new_password2")

    def __init__(self, data: Any = None, *, email: str) -> None:
        super().__init__(User(email=email), data)
        labels = {"new_password1": "Password", "new_password2": "Password again"}
        for name, field in self.fields.items():
            field.help_text = field.help_text if name == "name" else ""
            field.label = labels.get(name, field.label)
            field.error_messages["required"] = "Please fill this in."
        self.fields["name"].widget.attrs["autocomplete"] = "name"
        self.fields["new_password1"].help_text = " ".join(password_validators_help_texts())
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True
        self.helper.layout = Layout(*self.fields, Div(Submit("go", "Come in"), css_class="actions"))

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"]).strip()
        if says := wrong_with_text(name, longest=200):
            raise forms.ValidationError(f"{says[0].upper()}{says[1:]}.")
        # So that the password is compared with it.
        self.user.name = name
        return name
