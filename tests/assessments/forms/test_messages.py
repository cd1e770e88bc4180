"""Every error that a form can show is in the portal's own words."""

import pkgutil
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from allauth.account import forms as allauth_forms
from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django import forms
from django.contrib.auth.password_validation import password_validators_help_texts, validate_password
from django.core import validators
from django.core.exceptions import ValidationError
from django.forms import fields as django_fields
from django.forms import models as django_models
from django.utils import timezone

import assessments.forms
from assessments.forms import (
    answers_file,
    desk,
    details,
    elections,
    invitation_list,
    naming,
    people,
    register,
    reviewing,
    second_step,
    section,
    sharing,
    sign_in,
)
from assessments.forms.messages import names_field, plain_messages
from assessments.models import AnonymousCheck, DeskEntry, User
from assessments.records.state import assessment_state
from assessments.views.second_step import StepAdapter
from assessments.views.sign_in import Adapter
from bulletin.shelf import current
from tests.cast import Cast

pytestmark = pytest.mark.django_db

Make = Callable[[Cast], forms.BaseForm]
FORMS: dict[type[forms.BaseForm], Make] = {
    answers_file.AnswersFileForm: lambda _: answers_file.AnswersFileForm(),
    desk.AssignForm: lambda _: desk.AssignForm(),
    details.DetailsForm: lambda _: details.DetailsForm(check=AnonymousCheck()),
    elections.ElectionFields: lambda _: elections.ElectionFields(),
    elections.ElectionForm: lambda _: elections.ElectionForm(),
    people.InviteStaffForm: lambda cast: people.InviteStaffForm(office=cast.office),
    people.InviteForm: lambda _: people.InviteForm(),
    people.EndTermForm: lambda cast: people.EndTermForm(office=cast.office),
    naming.NameForm: lambda _: naming.NameForm(check=AnonymousCheck()),
    people.HoldForm: lambda _: people.HoldForm(),
    people.JoinForm: lambda _: people.JoinForm(),
    people.TrailFilterForm: lambda _: people.TrailFilterForm(),
    invitation_list.InvitationListForm: lambda _: invitation_list.InvitationListForm(),
    people.OwnNameForm: lambda _: people.OwnNameForm(),
    people.OwnEmailForm: lambda _: people.OwnEmailForm(),
    people.RenameForm: lambda _: people.RenameForm(),
    people.RetentionForm: lambda _: people.RetentionForm({}),
    people.EraseForm: lambda cast: people.EraseForm(office=cast.office),
    people.AcceptForm: lambda _: people.AcceptForm(email="pat@example.ca"),
    register.AccountForm: lambda cast: register.AccountForm(by=cast.member),
    register.KeepForm: lambda cast: register.KeepForm(by=cast.member, check=AnonymousCheck()),
    reviewing.CommentForm: lambda _: reviewing.CommentForm(),
    reviewing.ReplyForm: lambda _: reviewing.ReplyForm(),
    reviewing.FilterForm: lambda _: reviewing.FilterForm({}, edition=current()),
    second_step.AppForm: lambda cast: second_step.CodeForm(user=cast.member),
    second_step.CodeForm: lambda cast: second_step.CodeForm(user=cast.member),
    second_step.ConfirmCodeForm: lambda cast: second_step.ConfirmCodeForm(user=cast.member),
    second_step.PasskeyForm: lambda cast: second_step.PasskeyForm(user=cast.member),
    second_step.ConfirmPasskeyForm: lambda cast: second_step.ConfirmPasskeyForm(user=cast.member),
    second_step.PasskeySignInForm: lambda _: second_step.PasskeySignInForm(),
    sharing.AdviceForm: lambda _: sharing.AdviceForm(),
    sign_in.SignInForm: lambda _: sign_in.SignInForm(),
    sign_in.ConfirmPasswordForm: lambda cast: sign_in.ConfirmPasswordForm(user=cast.member),
    sign_in.ChangePasswordForm: lambda cast: sign_in.ChangePasswordForm(cast.member),
    sign_in.SetPasswordForm: lambda cast: sign_in.SetPasswordForm(cast.member),
    sign_in.ResetPasswordForm: lambda _: sign_in.ResetPasswordForm(),
    sign_in.NewPasswordForm: lambda _: sign_in.NewPasswordForm(),
}
"""How to make each form; the desk's filters and the form for sharing have tests of their own below."""
ELSEWHERE = {sharing.ShareForm, second_step.AddPasskeyForm, section.SectionForm}
"""Forms without the fields that people fill in by themselves: the page makes what they post."""


def stock_messages() -> set[str]:
    """The sentences of Django and allauth."""
    classes = [*vars(django_fields).values(), *vars(django_models).values()]
    messages = {
        str(message)
        for cls in classes
        if isinstance(cls, type)
        for message in getattr(cls, "default_error_messages", {}).values()
    }
    for checker in vars(validators).values():
        if message := getattr(checker, "message", ""):
            messages.add(str(message))
    for adapter in (DefaultAccountAdapter, DefaultMFAAdapter):
        messages |= {str(message) for message in adapter.error_messages.values()}
    return messages


STOCK = stock_messages()


def messages_of(field: forms.Field) -> dict[str, str]:
    """Every message that a field can show, by its code."""
    messages = {code: str(message) for code, message in field.error_messages.items()}
    for checker in field.validators:
        code = getattr(checker, "code", "")
        messages.setdefault(code, str(getattr(checker, "message", "")))
    if not field.required:
        messages.pop("required", None)
    return messages


def in_words_of_a_library(form: forms.BaseForm) -> list[str]:
    return [
        f"{name}: {code}: {message}"
        for name, field in form.fields.items()
        for code, message in messages_of(field).items()
        if message in STOCK
    ]


@pytest.mark.parametrize("cls", FORMS, ids=lambda cls: cls.__name__)
def test_no_form_shows_a_message_of_a_library(cast, cls):
    assert in_words_of_a_library(FORMS[cls](cast)) == []


@pytest.mark.parametrize("cls", [desk.DeskFilter, desk.InsightsFilter])
def test_no_filter_of_the_desk_shows_a_message_of_a_library(cls):
    assert in_words_of_a_library(cls({}, DeskEntry.objects.all()).form) == []


def test_the_form_for_sharing_shows_no_message_of_a_library(attestation):
    state = assessment_state(attestation.assessment, as_of=timezone.localdate())
    assert in_words_of_a_library(sharing.ShareForm(state)) == []


def test_the_test_would_see_a_message_of_a_library():
    assert in_words_of_a_library(allauth_forms.ResetPasswordForm())


def test_every_form_of_the_portal_is_tested():
    modules = [
        import_module(f"assessments.forms.{module.name}")
        for module in pkgutil.iter_modules(assessments.forms.__path__)
    ]
    defined = {
        value
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, forms.BaseForm)
        if value.__module__ == module.__name__ and not name.startswith("_")
    }
    assert defined == FORMS.keys() | ELSEWHERE


SENTENCES: list[tuple[type[forms.BaseForm], str, str, str]] = [
    (register.AccountForm, "platform", "required", "Enter the platform."),
    (register.AccountForm, "purpose", "required", "Choose a purpose."),
    (people.RetentionForm, "keep_drafts_months", "max_value", "Enter a whole number from 1 to 120."),
    (people.RetentionForm, "keep_drafts_months", "invalid", "Enter a whole number from 1 to 120."),
    (people.AcceptForm, "name", "required", "Enter your name."),
    (elections.ElectionForm, "election", "required", "Choose an election."),
    (people.EndTermForm, "on", "invalid", "Enter the date as year-month-day, such as 2026-08-21."),
]


@pytest.mark.parametrize(("cls", "name", "code", "sentence"), SENTENCES)
def test_a_message_names_the_field_and_what_to_do(cast, cls, name, code, sentence):
    assert FORMS[cls](cast).fields[name].error_messages[code] == sentence


def test_a_message_for_a_file_a_box_and_a_number_says_what_to_do():
    assert plain_messages(forms.FileField(), "File")["empty"] == "This file is empty. Choose another one."
    assert plain_messages(forms.BooleanField(), "I agree")["required"] == "Tick the box “I agree”."
    for field, sentence in (
        (forms.IntegerField(), "Enter a whole number, such as 12."),
        (forms.IntegerField(min_value=1), "Enter a whole number, 1 or more."),
        (forms.IntegerField(max_value=9), "Enter a whole number, 9 or less."),
    ):
        assert plain_messages(field, "Age")["invalid"] == sentence


@pytest.mark.parametrize(
    ("message", "label", "named"),
    [
        ("Enter the platform.", "Platform", True),
        ("Enter your name.", "Your name", True),
        ("Choose an election.", "Election (optional)", True),
        ("Use at most 200 characters. You entered 201.", "Platform", False),
    ],
)
def test_a_summary_names_the_field_where_the_message_does_not(message, label, named):
    assert names_field(message, label) is named


@pytest.mark.parametrize(
    ("password", "sentence"),
    [
        ("a1-b2", "Use at least 8 characters."),
        ("pat.lee@example.ca", "Choose a password that is less like your name or email address."),
        ("sunshine1", "Choose a less common password."),
        ("TorontoCouncil2026!", "Choose a password with fewer words about the City or this portal."),
    ],
)
def test_a_password_is_refused_in_words_of_ours(password, sentence):
    user = User(email="pat.lee@example.ca", name="Pat Lee")
    with pytest.raises(ValidationError) as refused:
        validate_password(password, user)
    assert refused.value.messages == [sentence]


def test_the_rules_for_a_password_are_in_words_of_ours():
    assert not [text for text in password_validators_help_texts() if text.startswith("Your password")]


def test_two_passwords_that_differ_are_refused_in_words_of_ours(cast):
    new = {"password1": "a lantern of maple", "password2": "a lantern of oak"}
    form = sign_in.SetPasswordForm(cast.member, new)
    assert form.errors == {"password2": [sign_in.NOT_THE_SAME]}
    typed = {"name": "Pat Lee", "new_password1": new["password1"], "new_password2": new["password2"]}
    accept = people.AcceptForm(typed, email="pat@example.ca")
    assert accept.errors == {"new_password2": [sign_in.NOT_THE_SAME]}


@pytest.mark.parametrize(
    ("ours", "theirs", "codes"),
    [
        (
            Adapter,
            DefaultAccountAdapter,
            {
                "account_inactive",
                "email_password_mismatch",
                "enter_current_password",
                "incorrect_password",
                "invalid_login",
                "invalid_password_reset",
                "too_many_login_attempts",
            },
        ),
        (StepAdapter, DefaultMFAAdapter, {"cannot_generate_recovery_codes", "incorrect_code"}),
    ],
)
def test_what_allauth_refuses_by_its_adapters_is_in_words_of_ours(ours: Any, theirs: Any, codes: set[str]):
    for code in codes:
        assert ours.error_messages[code] != theirs.error_messages[code], code
