"""Forms about the social accounts of an office."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from crispy_forms.helper import FormHelper
from crispy_forms.layout import HTML, Div, Layout, Submit
from django import forms

from assessments.forms.details import election_choices
from assessments.models import AnonymousCheck, Office, SocialAccount, User
from assessments.scoring.answers import wrong_with_text
from assessments.services.drafts import default_election
from assessments.services.register import NewAccount

NEW = "new"
"""What stands in place of an account's number for one that is not in the register yet."""
TAKEN = "This account is in the register already."


def same_account(one: SocialAccount | AnonymousCheck, other: SocialAccount | AnonymousCheck) -> bool:
    """Whether both are of one name, however it is typed: the database's constraint in Python."""
    first, second = ((it.platform.lower(), it.handle.lower().replace("@", "")) for it in (one, other))
    return first == second


class ElectionForm(forms.Form):
    """The election that a new self-check reckons with."""

    election = forms.ChoiceField(label="City election")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["election"].choices = election_choices()  # type: ignore[attr-defined]
        self.fields["election"].initial = default_election()
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True


class AccountForm(forms.ModelForm):
    """An account for the register of one of a person's offices, or one of it to describe anew."""

    address = forms.URLField(
        label="Web address",
        help_text="Such as https://example.com/patlee. You may leave this out.",
        required=False,
        max_length=SocialAccount._meta.get_field("address").max_length,
        assume_scheme="https",
    )

    class Meta:
        model = SocialAccount
        fields: tuple[str, ...] = ("office", "platform", "handle", "display_name", "address", "purpose")
        labels = {"handle": "Account"}  # noqa: RUF012
        help_texts = {  # noqa: RUF012
            "handle": "The name that people look it up by, like @PatLee.",
            "display_name": "The name that stands above its posts. You may leave this out.",
        }
        widgets = {"purpose": forms.RadioSelect}  # noqa: RUF012

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        is_new = self.instance.pk is None
        self.offices = list(Office.objects.visible_to(by).current().select_related("member"))
        if not is_new:
            # An account stays where it is, with all that was said of it.
            del self.fields["office"]
        elif len(self.offices) == 1:
            # There is nothing to choose.
            del self.fields["office"]
            self.instance.office = self.offices[0]
        else:
            self.fields["office"].queryset = (  # type: ignore[attr-defined]
                Office.objects.filter(pk__in=[office.pk for office in self.offices]).select_related("member")
            )
            self.fields["office"].empty_label = "Choose one"  # type: ignore[attr-defined]
        for name in ("platform", "handle", "display_name", "address"):
            if name in self.fields:
                self.fields[name].widget.attrs["autocomplete"] = "off"
        if is_new:
            # What an account is for decides much, so nothing is chosen beforehand.
            self.initial.pop("purpose", None)
            self.fields["purpose"].initial = None
        for field in self.fields.values():
            field.error_messages["required"] = "Please fill this in."
        self.helper = FormHelper()
        # What is missing is said in the page's own error summary.
        self.helper.attrs = {"novalidate": ""}
        button = Submit("add", "Add the account" if is_new else "Save")
        self.helper.layout = Layout(*self.fields, Div(button, css_class="actions"))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name in ("platform", "handle", "display_name", "address"):
            says = wrong_with_text(str(cleaned.get(name) or ""), longest=200)
            if says:
                self.add_error(name, f"{says[0].upper()}{says[1:]}.")
        for name in ("platform", "handle"):
            if cleaned.get(name) and not re.search(r"\w", cleaned[name]):
                self.add_error(name, "Write at least one letter or digit.")
        if "@" in urlsplit(cleaned.get("address") or "").netloc:
            # https://instagram.com@elsewhere.example leads elsewhere.
            self.add_error("address", "Leave out what stands before the “@”.")
        return cleaned

    def validate_constraints(self) -> None:
        """Leave this to the database, which alone can tell when two people add an account at the same moment."""

    @property
    def described(self) -> NewAccount:
        """The account, as a service wants it."""
        described = {name: self.cleaned_data[name] for name in self.fields if name in self.Meta.fields}
        return NewAccount(**{**described, "office": self.instance.office})


class KeepForm(AccountForm):
    """Where an anonymous check is to be kept: at an account of the register, or at a new one."""

    address = None  # type: ignore[assignment]  # it can be added later, with the account's other details
    account = forms.ChoiceField(label="The account it is about", widget=forms.RadioSelect)

    class Meta(AccountForm.Meta):
        fields = ("office", "platform", "handle", "purpose")

    def __init__(self, *args: Any, by: User, check: AnonymousCheck, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"platform": check.platform, "handle": check.handle})
        super().__init__(*args, by=by, **kwargs)
        known = SocialAccount.objects.filter(office__in=self.offices).select_related("office__member")
        self.known = {str(account.pk): account for account in known}
        several = len(self.offices) > 1
        named = [(pk, f"{a} – {a.office}" if several else str(a)) for pk, a in self.known.items()]
        choice = self.fields["account"]
        choice.choices = [*named, (NEW, "An account that is not in the register yet")]  # type: ignore[attr-defined]
        choice.error_messages["required"] = "Choose an account, or the last line for a new one."
        choice.initial = self._likely(check)
        if check.handle:
            about = " ".join(filter(None, (check.platform, check.handle)))
            choice.help_text = f"Your self-check says that it is about {about}."
        if not self.known:
            choice.widget = forms.HiddenInput()
        for name in self.Meta.fields:
            if name in self.fields:
                # Wanted of a new account alone: `clean` asks for them.
                self.fields[name].required = False
        new = [name for name in self.Meta.fields if name in self.fields]
        apart = (
            ("<section><h2>If it is not in the register yet</h2>", "</section>") if self.known else ("", "")
        )
        self.helper.layout = Layout(
            "account",
            HTML(apart[0]),
            *new,
            HTML(apart[1]),
            Div(Submit("keep", "Keep it"), css_class="actions"),
        )

    def _likely(self, check: AnonymousCheck) -> str | None:
        """The account that the check says it is about, if the register has it."""
        for pk, account in self.known.items():
            if same_account(account, check):
                return pk
        return NEW if check.handle or not self.known else None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        chosen = self.cleaned_data.get("account")
        if chosen in self.known:
            # What stands in the fields for a new account is of no account then.
            for name in self.Meta.fields:
                self.errors.pop(name, None)
        elif chosen == NEW:
            for name in self.Meta.fields:
                if name in self.fields and not cleaned.get(name) and name not in self.errors:
                    self.add_error(name, "A new account needs this.")
        return cleaned

    @property
    def chosen(self) -> SocialAccount | NewAccount:
        """The account of the register that was chosen, or the new one as it was described."""
        return self.known.get(self.cleaned_data["account"]) or self.described
