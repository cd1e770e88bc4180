"""The people, offices and invitations that administrators see, and the search in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from assessments.models import Invitation, Membership, Office, User
from assessments.typed.folding import Term, search_terms, searchable


@dataclass(frozen=True)
class Person:
    """A person with their current roles in words."""

    user: User
    roles: tuple[str, ...]


@dataclass(frozen=True)
class Directory:
    """The offices, people and invitations that match a search; without words, all of them."""

    offices: list[Office]
    people: list[Person]
    invitations: list[Invitation]

    def __len__(self) -> int:
        return len(self.offices) + len(self.people) + len(self.invitations)


def directory(*, by: User, words: str = "") -> Directory:
    """Every office and person, and the invitations that an administrator may see, if they match `words`.

    An office matches by its name, former names, and its member's name or email address. A person matches by name,
    former names, email address, or roles. An invitation matches by its email address, role and seat.
    """
    offices = Office.objects.select_related("member", "held_by").prefetch_related(
        "former_names", "member__former_names"
    )
    terms, roles = search_terms(words), office_roles()
    users = User.objects.prefetch_related("former_names").order_by("name", "email")
    people = [Person(user, roles_of(user, roles)) for user in users]
    invitations = Invitation.objects.visible_to(by).unanswered()
    return Directory(
        [office for office in offices.order_by("ends_on", "name") if _matches(terms, _office_text(office))],
        [person for person in people if _matches(terms, _person_text(person))],
        [
            invitation
            for invitation in invitations
            if _matches(terms, [invitation.email, invitation.get_role_display(), invitation.seat])
        ],
    )


def office_roles() -> dict[int, list[str]]:
    """What each person is in an office, by the person's key."""
    roles: dict[int, list[str]] = defaultdict(list)
    for office in Office.objects.order_by("ends_on", "name"):
        ended = f", until {office.ends_on:%-d %B %Y}" if office.ends_on else ""
        roles[office.member_id].append(f"Member, {office.name}{ended}")
    for membership in Membership.objects.current().select_related("office").order_by("office__name"):
        roles[membership.user_id].append(f"Staff, {membership.office.name}")
    return roles


def roles_of(user: User, roles: dict[int, list[str]]) -> tuple[str, ...]:
    """A person's current roles in words; `roles` are those of `office_roles`."""
    if user.is_officer:
        return ("Officer, Commissioner’s office",)
    if user.is_staff:
        return ("Administrator",)
    return tuple(roles.get(user.pk, ()))


def _office_text(office: Office) -> list[str]:
    former = [row.name for named in (office, office.member) for row in named.former_names.all()]
    return [office.name, office.member.name, office.member.email, *former]


def _person_text(person: Person) -> list[str]:
    former = [row.name for row in person.user.former_names.all()]
    return [person.user.name, person.user.email, *person.roles, *former]


def _matches(terms: list[Term], texts: Iterable[str]) -> bool:
    """Whether texts contain every term of a search, however it is spelled."""
    text = searchable("\n".join(texts))
    return all(term.joined in text or all(word in text for word in term.words) for term in terms)
