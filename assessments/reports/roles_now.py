"""The roles, seats and open invitations that people have now, which a new invitation must fit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from assessments.models import Invitation, Membership, Office, User
from assessments.typed.folding import fold

Role = Invitation.Role


class RolesNow:
    """Who has which role, seat or open invitation, as of one moment: five queries for any number of people."""

    def __init__(self, emails: Collection[str]) -> None:
        users = User.objects.filter(email__in=emails)
        self._users = {user.email: user for user in users}
        self._offices: dict[int, Office] = {}
        self._seats: dict[str, Office] = {}
        for office in Office.objects.current().select_related("member"):
            self._offices[office.member_id] = office
            self._seats[fold(office.name)] = office
        members = Office.objects.filter(member__in=users).values_list("member", flat=True)
        staff = Membership.objects.current().filter(user__in=users).values_list("user", flat=True)
        self._in_offices = {*members, *staff}
        # Administrators do not learn who is invited to a member's staff.
        self._invitations: dict[str, list[Invitation]] = defaultdict(list)
        self._offered: dict[str, Invitation] = {}
        for invitation in Invitation.objects.open().exclude(role=Role.STAFF):
            self._invitations[invitation.email].append(invitation)
            if invitation.seat:
                self._offered.setdefault(fold(invitation.seat), invitation)

    def has_role(self, email: str, role: str, seat: str) -> bool:
        """Whether the person can sign in with this role already, or holds this seat."""
        user = self._users.get(email)
        if user is None or not user.is_active:
            return False
        if role == Role.MEMBER:
            office = self._offices.get(user.pk)
            return office is not None and fold(office.name) == fold(seat)
        return user.is_officer if role == Role.OFFICER else user.is_staff

    def why_not(self, email: str, role: str) -> str:
        """Why the person could not accept, in words for an administrator; empty if they could."""
        user = self._users.get(email)
        if user is None:
            return ""
        if not user.is_active:
            return f"{user}’s sign-in is suspended. Restore it first."
        if user.is_officer or user.is_staff:
            other = "an officer" if user.is_officer else "an administrator"
            return f"{user} is already {other}, and cannot have another role. Enter another address."
        if role == Role.MEMBER:
            office = self._offices.get(user.pk)
            return f"{user} already has an office: {office.name}. End that term first." if office else ""
        if user.pk in self._in_offices:
            return f"{user} works in a member’s office, and cannot have this role as well. Enter another address."
        return ""

    def holder(self, seat: str) -> User | None:
        """The member who holds a seat, however it is spelled."""
        office = self._seats.get(fold(seat))
        return office.member if office else None

    def offered(self, seat: str) -> Invitation | None:
        """The newest open invitation to a seat, however it is spelled."""
        return self._offered.get(fold(seat))

    def invitation(self, email: str, role: str, seat: str) -> Invitation | None:
        """The open invitation of an address to this role and seat."""
        return next((i for i in self._invitations[email] if (i.role, i.seat) == (role, seat)), None)

    def other_invitation(self, email: str, role: str, seat: str) -> Invitation | None:
        """An open invitation of an address to another role or seat."""
        return next((i for i in self._invitations[email] if (i.role, i.seat) != (role, seat)), None)
