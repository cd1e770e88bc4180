"""The forms for the social media accounts of an office."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from crispy_forms.helper import FormHelper
from crispy_forms.layout import HTML, Div, Layout, Submit
from django import forms

from assessments.forms.fields import LineField, WebAddressField
from assessments.forms.messages import PlainMessages
from assessments.models import AnonymousCheck, Office, SocialAccount, User
from assessments.services.register import NewAccount
from assessments.typed.handles import OtherPlatform, account_key, pasted_profile

NEW = "new"
"""Used instead of an account's number for an account that is not in the register yet."""


def _same_account(first: SocialAccount | AnonymousCheck, second: SocialAccount | AnonymousCheck) -> bool:
    """Whether both name the same account, however they are spelled."""
    return account_key(first.platform, first.handle) == account_key(second.platform, second.handle)


class AccountForm(PlainMessages, forms.ModelForm):
    """Adds an account to the register of an office, or changes its details."""

    address = WebAddressField(
        label="Web address",
        help_text="Optional. For example, https://example.com/patlee.",
        required=False,
        max_length=SocialAccount._meta.get_field("address").max_length,
    )

    class Meta:
        model = SocialAccount
        fields: tuple[str, ...] = ("office", "platform", "handle", "display_name", "address", "purpose")
        labels = {"handle": "Account"}  # noqa: RUF012
        help_texts = {  # noqa: RUF012
            "handle": "The name people search for, such as @PatLee. You can also paste the profile’s web address.",
            "platform": "For example, Instagram, Facebook or TikTok.",
            "display_name": "Optional. The name that appears above the posts.",
        }
        widgets = {"purpose": forms.RadioSelect}  # noqa: RUF012
        field_classes = {"platform": LineField, "handle": LineField, "display_name": LineField}  # noqa: RUF012

    existing: SocialAccount | None = None
    """The account of the register that has the name already; the page links to it."""

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        is_new = self.instance.pk is None
        self.offices = list(Office.objects.visible_to(by).current().select_related("member"))
        if not is_new:
            # An account stays in its office, with its self-checks and their comments.
            del self.fields["office"]
        elif len(self.offices) == 1:
            # There is no choice.
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
            # Many findings depend on the purpose, so the person has to choose it.
            self.initial.pop("purpose", None)
            self.fields["purpose"].initial = None
        self.helper = FormHelper()
        # The page's error summary reports missing fields, not the browser.
        self.helper.attrs = {"novalidate": ""}
        button = Submit("add", "Add the account" if is_new else "Save")
        self.helper.layout = Layout(*self.fields, Div(button, css_class="actions"))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name in ("platform", "handle"):
            if cleaned.get(name) and not re.search(r"\w", cleaned[name]):
                self.add_error(name, "Enter at least one letter or digit.")
        if cleaned.get("platform") and cleaned.get("handle"):
            self._read_profile(cleaned)
        if "@" in urlsplit(cleaned.get("address") or "").netloc:
            # https://instagram.com@elsewhere.example leads to elsewhere.example.
            self.add_error("address", "Remove the “@” and the text before it.")
        return cleaned

    def _read_profile(self, cleaned: dict[str, Any]) -> None:
        """Replace a pasted profile address by the handle, and put the address where it belongs if that is empty."""
        try:
            profile = pasted_profile(cleaned["platform"], cleaned["handle"])
        except OtherPlatform as other:
            self.add_error("handle", f"{other}. Correct one of them.")
            return
        if profile:
            cleaned["handle"] = profile.handle
            if not cleaned.get("address") and "address" not in self.errors:
                # An address that the field would refuse is left out: the handle says the same.
                with suppress(forms.ValidationError):
                    cleaned["address"] = AccountForm.base_fields["address"].clean(profile.address)

    def refuse_duplicate(self, existing: SocialAccount) -> None:
        """Say which account of the office has this name already."""
        self.existing = existing
        self.add_error("handle", f"This account is already on your list, as {existing.handle}.")

    def validate_constraints(self) -> None:
        """Leave this to the database: only it can tell when two people add an account at the same moment."""

    @property
    def details(self) -> NewAccount:
        """The account's details, as the services take them."""
        names = [name for name in AccountForm.Meta.fields if name in self.cleaned_data]
        details = {name: self.cleaned_data[name] for name in names}
        return NewAccount(**{**details, "office": self.instance.office})


class KeepForm(AccountForm):
    """Moves an anonymous check to the register: to an account that is there, or to a new one."""

    address = None  # type: ignore[assignment]  # people can add it later with the account's other details
    account = forms.ChoiceField(label="Which account is this self-check about?", widget=forms.RadioSelect)

    class Meta(AccountForm.Meta):
        fields = ("office", "platform", "handle", "purpose")

    def __init__(self, *args: Any, by: User, check: AnonymousCheck, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"platform": check.platform, "handle": check.handle})
        super().__init__(*args, by=by, **kwargs)
        known = SocialAccount.objects.filter(office__in=self.offices).select_related("office__member")
        self.known = {str(account.pk): account for account in known}
        several = len(self.offices) > 1
        choices = [(pk, f"{a} – {a.office}" if several else str(a)) for pk, a in self.known.items()]
        choice = self.fields["account"]
        choice.choices = [*choices, (NEW, "An account that is not on the list yet")]  # type: ignore[attr-defined]
        choice.error_messages["required"] = "Choose an account, or choose the last option to add one."
        choice.initial = self._likely(check)
        if check.handle:
            about = " ".join(filter(None, (check.platform, check.handle)))
            choice.help_text = f"Your self-check names {about}."
        if not self.known:
            choice.widget = forms.HiddenInput()
        for name in self.Meta.fields:
            if name in self.fields:
                # Only a new account needs these: `clean` requires them.
                self.fields[name].required = False
        new = [name for name in self.Meta.fields if name in self.fields]
        apart = ("<section><h2>Add a new account</h2>", "</section>") if self.known else ("", "")
        self.helper.layout = Layout(
            "account",
            HTML(apart[0]),
            *new,
            HTML(apart[1]),
            Div(Submit("keep", "Save to your office"), css_class="actions"),
        )

    def _likely(self, check: AnonymousCheck) -> str | None:
        """The choice that fits the account named in the check: its number, NEW, or None if neither is likely."""
        for pk, account in self.known.items():
            if _same_account(account, check):
                return pk
        return NEW if check.handle or not self.known else None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        chosen = self.cleaned_data.get("account")
        if chosen in self.known:
            # The fields for a new account do not count, nor do their errors.
            for name in self.Meta.fields:
                self.errors.pop(name, None)
        elif chosen == NEW:
            for name in self.Meta.fields:
                if name in self.fields and not cleaned.get(name) and name not in self.errors:
                    self.add_error(name, self.fields[name].error_messages["required"])
        return cleaned

    @property
    def chosen(self) -> SocialAccount | NewAccount:
        """The chosen account of the register, or the details of a new one."""
        return self.known.get(self.cleaned_data["account"]) or self.details
