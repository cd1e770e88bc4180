"""The forms for people and offices: invitations, ends of terms, retention and erasure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Layout, Submit
from django import forms
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.password_validation import password_validators_help_texts
from django.db.models import Q
from django.utils import timezone

from assessments.forms.fields import DayField, EmailField, LineField, LinesField
from assessments.forms.messages import PlainMessages, use_plain_messages
from assessments.forms.sign_in import NOT_THE_SAME
from assessments.models import Invitation, Membership, Office, User
from assessments.models.audit import AuditEventQuerySet
from assessments.models.people import MAX_FILE_NUMBER, MAX_HOLD_REASON
from assessments.reports.roles_now import RolesNow
from assessments.reports.trail import OF_THE_PORTAL
from assessments.scoring.wording import long_date
from assessments.typed.folding import same

Role = Invitation.Role
YEAR = timedelta(days=365)
YEARS_BACK, YEARS_AHEAD = 5, 2
"""How long ago a term of four years may have begun, and how far ahead it may begin. Other days are typing errors."""


class _Address(EmailField):
    """The email address of somebody to invite. RFC 5321 allows no longer ones."""

    def __init__(self) -> None:
        super().__init__(
            label="Email address",
            max_length=254,
            help_text="The link in the email works once, for 7 days.",
        )


class _ColumnForm(PlainMessages, forms.Form):
    """A form in one column; the page lists its errors in a summary."""

    button = "Save"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs.setdefault("autocomplete", "off")
            # By it, a browser cuts what is pasted and does not say so.
            field.widget.attrs.pop("maxlength", None)
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True
        self.helper.layout = Layout(*self.fields, Div(Submit("go", self.button), css_class="actions"))

    def clean_email(self) -> str:
        """The address in the form in which users are stored."""
        return User.normalize_username(self.cleaned_data["email"])


class InviteStaffForm(_ColumnForm):
    """Invites somebody to the staff of an office."""

    button = "Send the invitation"
    email = _Address()

    def __init__(self, *args: Any, office: Office, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.office = office

    def clean_email(self) -> str:
        email = super().clean_email()
        if email == self.office.member.email:
            raise forms.ValidationError(
                "This is the member’s own address. Enter the address of someone on the staff."
            )
        # Check nothing else: the member must not learn whether the address has a sign-in here, or its role.
        if Membership.objects.current().filter(office=self.office, user__email=email).exists():
            raise forms.ValidationError("This person is already on your staff.")
        return email


class InviteForm(_ColumnForm):
    """Invites a member to a seat, an officer or an administrator; administrators use it."""

    button = "Send the invitation"
    email = _Address()
    role = forms.ChoiceField(
        label="Role",
        widget=forms.RadioSelect,
        choices=[(role.value, role.label) for role in (Role.MEMBER, Role.OFFICER, Role.ADMINISTRATOR)],
    )
    seat = LineField(
        label="Seat",
        required=False,
        max_length=200,
        help_text="For a member of Council, such as “Mayor” or “Councillor, Ward 10”. Ignored for other roles.",
    )
    starts_on = DayField(
        label="First day of the term",
        required=False,
        help_text="For a member of Council. Ignored for other roles.",
    )

    def __init__(self, *args: Any, roles: RolesNow | None = None, **kwargs: Any) -> None:
        """Give the `roles` that people have if they were already read for a whole list."""
        super().__init__(*args, **kwargs)
        self.roles = roles

    def clean_starts_on(self) -> date | None:
        day: date | None = self.cleaned_data["starts_on"]
        today = timezone.localdate()
        if day and not today - YEARS_BACK * YEAR <= day <= today + YEARS_AHEAD * YEAR:
            raise forms.ValidationError(
                f"Enter a day at most {YEARS_BACK} years ago and at most {YEARS_AHEAD} years from now."
            )
        return day

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        role, email = cleaned.get("role"), cleaned.get("email")
        if role == Role.MEMBER:
            for name, problem in (
                ("seat", "Enter the member’s seat."),
                ("starts_on", "Enter the first day of the member’s term."),
            ):
                if name not in self.errors and not cleaned.get(name):
                    self.add_error(name, problem)
        elif role:
            # These fields are for members: for other roles, ignore them and their errors.
            for name in ("seat", "starts_on"):
                self.errors.pop(name, None)
            cleaned |= {"seat": "", "starts_on": None}
        roles, seat = self.roles or RolesNow([email or ""]), cleaned.get("seat") or ""
        if seat and (holder := roles.holder(seat)):
            self.add_error("seat", f"{holder} holds this seat. End that term first, or enter another seat.")
        if email and role:
            waiting = roles.other_invitation(email, role, seat)
            if reason := roles.why_not(email, role) or _already_invited(waiting):
                self.add_error("email", reason)
        return cleaned


def _already_invited(waiting: Invitation | None) -> str:
    """The message that an address already has an open invitation to another role or seat; empty if it has none."""
    if waiting is None:
        return ""
    to = waiting.get_role_display() + (f", {waiting.seat}" if waiting.seat else "")
    return (
        f"{waiting.email} already has an invitation that is not accepted yet: {to}. "
        "In the list of invitations, withdraw it first, or send it again."
    )


class EndTermForm(_ColumnForm):
    """The last day of a term."""

    button = "Continue"
    on = DayField(
        label="Last day of the term",
        help_text="Today or an earlier day. The records show it as the end of the term.",
    )

    def __init__(self, *args: Any, office: Office, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.office = office

        # Access ends when this is sent. A later day would be shown as the end before it came.
        self.latest = max(timezone.localdate(), office.starts_on + timedelta(days=1))
        if self.latest > timezone.localdate():
            only = f"This term can only end on {long_date(self.latest)}, the day after its first day."
            self.fields["on"].help_text = only

    def clean_on(self) -> Any:
        on = self.cleaned_data["on"]
        if on <= self.office.starts_on:
            raise forms.ValidationError(
                f"The term began on {self.office.starts_on:%-d %B %Y}. Enter a later day."
            )
        if on > self.latest:
            raise forms.ValidationError(
                f"You can’t schedule the end of a term. Enter a day no later than {long_date(self.latest)}."
            )
        return on


class RenameForm(_ColumnForm):
    """A new name for a person or an office."""

    button = "Change the name"
    name = LineField(label="Name", max_length=200)


class OwnNameForm(RenameForm):
    """A new name for oneself."""

    name = LineField(label="Your name", max_length=200, help_text="This name appears beside your answers.")


class OwnEmailForm(_ColumnForm):
    """A new email address for oneself."""

    button = "Send the link"
    email = EmailField(
        label="New email address",
        max_length=254,
        help_text="The link works once, for 7 days.",
    )


class HoldForm(_ColumnForm):
    """Why an office is under a legal hold."""

    button = "Set the legal hold"
    reason = LinesField(
        label="Reason",
        max_length=MAX_HOLD_REASON,
        help_text=f"At most {MAX_HOLD_REASON} characters. Only administrators see it.",
    )
    file_number = LineField(
        label="File number",
        max_length=MAX_FILE_NUMBER,
        help_text="The number of the file that the hold is for. Only administrators see it.",
    )


class RetentionForm(_ColumnForm):
    """How long an office keeps its records."""

    keep_drafts_months = forms.IntegerField(
        label="Months to keep a draft after the last answer or comment",
        min_value=1,
        max_value=120,
        help_text="From 1 to 120.",
    )
    keep_attested_years = forms.IntegerField(
        label="Years to keep an attested self-check",
        min_value=1,
        max_value=30,
        help_text="From 1 to 30.",
    )

    def __init__(
        self, *args: Any, count_deleted: Callable[[int, int], int] | None = None, **kwargs: Any
    ) -> None:
        """Set `count_deleted` to ask for consent: it counts the records that new months and years would delete."""
        super().__init__(*args, **kwargs)
        self.count_deleted = count_deleted
        if self.is_bound:
            self.fields["sure"] = forms.BooleanField(
                required=False, label="Delete older self-checks", widget=forms.CheckboxInput
            )

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        if self.errors or self.count_deleted is None or cleaned.get("sure"):
            return cleaned
        count = self.count_deleted(cleaned["keep_drafts_months"], cleaned["keep_attested_years"])
        if count:
            self.add_error(
                "sure",
                f"With these periods, {count} self-check{'' if count == 1 else 's'} would be permanently deleted "
                f"after one day. To go ahead, tick the box. Nothing has changed yet.",
            )
        else:
            del self.fields["sure"]
        return cleaned


class EraseForm(_ColumnForm):
    """The office's name, which the member types to confirm that all of the office's records are erased."""

    button = "Erase everything now"
    name_of_office = LineField(
        label="Type the name of your office",
        max_length=200,
        error_messages={"required": "Enter the name of your office."},
    )

    def __init__(self, *args: Any, office: Office, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.office = office
        self.fields["name_of_office"].help_text = office.name

    def clean_name_of_office(self) -> str:
        name = str(self.cleaned_data["name_of_office"])
        if not same(name, self.office.name):
            raise forms.ValidationError(f"This is not the name of your office. Type: {self.office.name}")
        return name


class JoinForm(_ColumnForm):
    """The name of someone who was invited and joins by single sign-on."""

    button = "Join"
    name = LineField(label="Your name", max_length=200, help_text="This name appears beside your answers.")


class AcceptForm(SetPasswordForm):
    """The name and password of somebody who was invited and has no sign-in yet."""

    name = LineField(
        label="Your name",
        max_length=200,
        help_text="This name appears beside your answers.",
    )
    field_order = ("name", "new_password1", "new_password2")
    error_messages = {**SetPasswordForm.error_messages, "password_mismatch": NOT_THE_SAME}  # noqa: RUF012

    def __init__(self, data: Any = None, *, email: str) -> None:
        super().__init__(User(email=email), data)
        labels = {"new_password1": "Password", "new_password2": "Password again"}
        for name, field in self.fields.items():
            field.help_text = field.help_text if name == "name" else ""
            field.label = labels.get(name, field.label)
            use_plain_messages(field, str(field.label))
        self.fields["name"].widget.attrs["autocomplete"] = "name"
        self.fields["new_password1"].help_text = " ".join(password_validators_help_texts())
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True
        self.helper.layout = Layout(*self.fields, Div(Submit("go", "Create my sign-in"), css_class="actions"))

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        # The password validators compare the password with the user's name.
        self.user.name = name
        return name


class _PersonField(forms.ModelChoiceField):
    """A list of people, with their addresses: two people can have one name."""

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj} ({obj.email})"


class TrailFilterForm(PlainMessages, forms.Form):
    """Which events of the portal's own audit trail to show."""

    person = forms.ModelChoiceField(
        User.objects.order_by("name", "pk"), required=False, empty_label="Everyone"
    )
    action = forms.ChoiceField(
        label="Event",
        required=False,
        choices=[("", "All"), *((action.value, action.label) for action in OF_THE_PORTAL)],
    )

    def keep(self, events: AuditEventQuerySet) -> AuditEventQuerySet:
        """The events that the valid filters keep: those by or about a person, and those of an action."""
        if person := self.cleaned_data.get("person"):
            events = events.filter(Q(actor=person) | Q(record_type="user", record_id=person.pk))
        if action := self.cleaned_data.get("action"):
            events = events.filter(action=action)
        return events
