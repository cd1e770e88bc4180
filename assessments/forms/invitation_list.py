"""The form for inviting many people by a list: a CSV file or pasted text."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Layout, Submit
from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict

from assessments.forms.messages import PlainMessages, names_field
from assessments.forms.people import InviteForm
from assessments.models import Invitation, User
from assessments.reports.roles_now import RolesNow
from assessments.typed.folding import fold
from assessments.typed.mending import mended_email, mended_line
from assessments.typed.tables import MAX_BYTES, Row, Table, TableFault, decoded, is_formula, read_table

Role = Invitation.Role

MAX_PEOPLE = 500
"""The most people on one list."""
MAX_PROBLEMS, MAX_LINES = 20, 5
"""The most problems that are listed together, and the most lines that are named for each."""
SUFFIXES = (".csv", ".tsv", ".txt")
"""The endings that a list's name may have."""
COLUMNS = {
    "email": ("Email", "Email address"),
    "role": ("Role",),
    "seat": ("Seat", "Office", "Ward"),
    "starts_on": (
        "First day",
        "First day of the term",
        "First day of term",
        "Start",
        "Start date",
        "Starts on",
    ),
}
"""The columns, and the names they may have in the first line."""
ROLES = {
    Role.MEMBER: (Role.MEMBER.label, "Member", "Councillor"),
    Role.OFFICER: (Role.OFFICER.label, "Officer"),
    Role.ADMINISTRATOR: (Role.ADMINISTRATOR.label, "Admin"),
    Role.STAFF: (Role.STAFF.label, "Staff"),
}
"""The roles, and the words they may have on a list."""
_ROLES = {fold(words): role for role, spellings in ROLES.items() for words in spellings}
INVITED = "Already invited."
NOT_SENT = "Already invited, but the email is not sent yet."
JOINED = "Already has this role."
REPLACED = "The link in the earlier email will stop working."
TOO_LARGE = f"The list is larger than 1 MB. Split it into lists of at most {MAX_PEOPLE} people."


@dataclass(frozen=True)
class ListedPerson:
    """The person on a line of a list. `left_out` says why the line invites no one. `note` says what else happens."""

    line: int
    email: str
    role: Role
    seat: str = ""
    starts_on: date | None = None
    left_out: str = ""
    note: str = ""

    @property
    def as_invited(self) -> tuple[str, str, str, date | None]:
        """What two lines for the same invitation have in common."""
        return (self.email, self.role, fold(self.seat), self.starts_on)


class _LineProblem(Exception):
    """Why a line cannot be used: each problem in words."""


class InvitationListForm(PlainMessages, forms.Form):
    """A list of people to invite. After validation, `people` has each line, and `ignored` the unused columns."""

    file = forms.FileField(
        label="CSV file",
        help_text=f"At most {MAX_PEOPLE} people.",
        required=False,
        widget=forms.ClearableFileInput(attrs={"accept": ",".join((*SUFFIXES, "text/csv", "text/plain"))}),
    )
    invitations = forms.CharField(
        label="Or paste the list",
        help_text="A line for each person. You can copy the cells from a spreadsheet.",
        # Problems are reported by line.
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
        self.people: list[ListedPerson] = []
        self.ignored: tuple[str, ...] = ()
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True
        self.helper.form_show_errors = False
        self.helper.layout = Layout(
            "file", "invitations", Div(Submit("check", "Preview the invitations"), css_class="actions")
        )

    @property
    def invited(self) -> list[ListedPerson]:
        """The people who would be invited."""
        return [each for each in self.people if not each.left_out]

    @property
    def left_out(self) -> list[ListedPerson]:
        """The lines that invite nobody."""
        return [each for each in self.people if each.left_out]

    @property
    def previewed(self) -> list[ListedPerson]:
        """All lines. Those left out are first: nobody should have to look for them."""
        return [*self.left_out, *self.invited]

    @property
    def mark(self) -> str:
        """A text that differs if the list, or what it would do, differs."""
        return hashlib.sha256(repr(self.people).encode("utf-8", "replace")).hexdigest()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        uploaded: UploadedFile | None = cleaned.get("file")
        text = cleaned.get("invitations") or ""
        if self.errors:
            return cleaned
        if self.dropped:
            raise forms.ValidationError(TOO_LARGE)
        try:
            if uploaded:
                text = self._uploaded(uploaded)
            elif not text.strip():
                raise TableFault("Choose a CSV file, or paste the list.")
            table = read_table(text, COLUMNS)
            self._check_size(table)
        except TableFault as error:
            raise forms.ValidationError(str(error)) from error
        finally:
            # Browsers do not keep a chosen file. In the box, its text can be corrected and sent again.
            if uploaded and 0 < len(text) <= MAX_BYTES:
                self.data = QueryDict(mutable=True)
                self.data["invitations"] = text.replace("\0", "")
        self.ignored = table.ignored
        self.people = list(self._read(table))
        return cleaned

    @staticmethod
    def _uploaded(uploaded: UploadedFile) -> str:
        raw = uploaded.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES and not raw.startswith((b"%PDF", b"PK")):
            raise TableFault(TOO_LARGE)
        text = decoded(raw)
        if not str(uploaded.name).lower().endswith(SUFFIXES):
            raise TableFault(
                "The file’s name doesn’t end in .csv, .tsv or .txt. Save the list as a CSV file and choose that."
            )
        return text

    @staticmethod
    def _check_size(table: Table) -> None:
        for key in ("email", "role"):
            if key not in table.columns:
                raise TableFault(
                    f"The list has no {COLUMNS[key][0]} column. Add it, with its name in the first line."
                )
        if not table.rows:
            raise TableFault("The list has only its first line. Add a line for each person.")
        if len(table.rows) > MAX_PEOPLE:
            raise TableFault(
                f"The list has {len(table.rows):,} people. Split it into lists of at most {MAX_PEOPLE}."
            )

    def _read(self, table: Table) -> Iterator[ListedPerson]:
        """The people of a table. Adds an error for each problem, with the lines that have it."""
        lines: dict[str, list[int]] = defaultdict(list)
        roles = RolesNow([_address(row.cells.get("email", "")) for row in table.rows])
        earlier = _Earlier(roles)
        for row in table.rows:
            try:
                yield earlier.check(_person(row, table, roles))
            except _LineProblem as error:
                for problem in error.args:
                    lines[problem].append(row.line)
        for problem in list(lines)[:MAX_PROBLEMS]:
            self.add_error(None, f"{_lines_in_words(lines[problem])}: {problem}")
        if len(lines) > MAX_PROBLEMS:
            self.add_error(
                None, f"Correct these problems first. Problems not listed here: {len(lines) - MAX_PROBLEMS}."
            )


class _Earlier:
    """The lines of a list so far, to find people and seats that occur twice."""

    def __init__(self, roles: RolesNow) -> None:
        self.roles = roles
        self.by_email: dict[str, ListedPerson] = {}
        self.by_seat: dict[str, ListedPerson] = {}

    def check(self, person: ListedPerson) -> ListedPerson:
        """The person, left out if an earlier line says the same. Raises _LineProblem."""
        before = self.by_email.setdefault(person.email, person)
        if before is not person:
            if before.as_invited == person.as_invited:
                return replace(person, left_out=f"Same as line {before.line}.")
            raise _LineProblem(
                f"{person.email} is also on line {before.line}, with another role, seat or day. "
                "Keep only one of these lines."
            )
        if person.seat:
            holder = self.by_seat.setdefault(fold(person.seat), person)
            if holder is not person:
                raise _LineProblem(
                    f"The seat {person.seat} is also on line {holder.line}. Correct one of them."
                )
            offered = self.roles.offered(person.seat)
            if offered and offered.email != person.email:
                raise _LineProblem(
                    f"{offered.email} is already invited to the seat {person.seat}. "
                    "Withdraw that invitation first."
                )
        return person


def _address(cell: str) -> str:
    """The email address in a cell, in the form in which users are stored."""
    return User.normalize_username(mended_email(cell))


def _person(row: Row, table: Table, roles: RolesNow) -> ListedPerson:
    """The person of a row. Raises _LineProblem."""
    if row.problem:
        raise _LineProblem(row.problem)
    role = _role(row.cells.get("role", ""))
    cells = _cells(row, table, role)
    email, seat, day = _address(cells["email"]), mended_line(cells["seat"]), _without_time(cells["starts_on"])
    form = InviteForm({"email": email, "role": role.value, "seat": seat, "starts_on": day}, roles=roles)
    form.is_valid()
    starts_on = form.cleaned_data.get("starts_on")
    person = ListedPerson(row.line, email, role, seat, starts_on)
    if roles.has_role(email, role, seat):
        return replace(person, left_out=JOINED)
    if form.errors:
        raise _LineProblem(*_in_words(form))
    earlier = roles.invitation(email, role, seat)
    if earlier is None:
        return person
    if earlier.starts_on == starts_on:
        return replace(person, left_out=INVITED if earlier.sent_at else NOT_SENT)
    return replace(person, note=REPLACED)


def _cells(row: Row, table: Table, role: Role) -> dict[str, str]:
    """The cells that count for a role; the others are empty. Raises _LineProblem."""
    counting = ("email", "seat", "starts_on") if role == Role.MEMBER else ("email",)
    for key in counting:
        name, cell = COLUMNS[key][0], row.cells.get(key, "")
        if key not in table.columns:
            raise _LineProblem(f"Members need a {name} column. Add it, with its name in the first line.")
        if is_formula(cell):
            raise _LineProblem(f"{name}: “{cell[:40]}” looks like a formula. Enter the text itself.")
    return {key: row.cells.get(key, "") if key in counting else "" for key in COLUMNS}


def _role(words: str) -> Role:
    """The role that the words of a list mean. Raises _LineProblem."""
    role = _ROLES.get(fold(words))
    if role is None:
        known = f"Use {Role.MEMBER.label}, {Role.OFFICER.label} or {Role.ADMINISTRATOR.label}."
        raise _LineProblem(
            f"“{words[:40]}” is not a role. {known}" if words else f"The role is missing. {known}"
        )
    if role == Role.STAFF:
        raise _LineProblem("Members invite their own staff. Delete this line.")
    return role


def _without_time(day: str) -> str:
    """A day without the midnight that some spreadsheets write after it."""
    return re.sub(r"[ T]0?0:00(:00(\.0+)?)?\Z", "", day)


def _in_words(form: forms.Form) -> list[str]:
    """The errors of a form, each with its column's name where it does not name the column."""
    messages = []
    for name, errors in form.errors.items():
        label = COLUMNS[name][0]
        messages += [each if names_field(each, label) else f"{label}: {each}" for each in map(str, errors)]
    return messages


def _lines_in_words(lines: list[int]) -> str:
    """`Line 3`, `Lines 3 and 5`, or `Lines 3, 4, 5 and 12 more`."""
    if len(lines) == 1:
        return f"Line {lines[0]}"
    shown = lines[:MAX_LINES]
    last = f"{len(lines) - MAX_LINES} more" if len(lines) > MAX_LINES else str(shown.pop())
    return f"Lines {', '.join(map(str, shown))} and {last}"
