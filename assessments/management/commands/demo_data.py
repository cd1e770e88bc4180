"""`manage.py demo_data`: people, offices and self-checks to explore on your own computer."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from assessments.management.demo_authenticator import NoCode, code_for, give
from assessments.models import Assessment, Membership, Office, User
from assessments.records.shared import offered, preselected
from assessments.records.state import assessment_state
from assessments.samples import sample
from assessments.services.answering import AnswerVersion, Change, save_answers
from assessments.services.attesting import attest
from assessments.services.drafts import start_assessment
from assessments.services.register import NewAccount, add_account
from assessments.services.reviewing import comment, mark_ready
from assessments.services.sharing import Asked, share


@dataclass(frozen=True)
class SignIn:
    """A person to sign in as. The password is no secret: it works only in a database that this command filled."""

    role: str
    email: str
    password: str
    name: str


MEMBER = SignIn("Member", "member@demo.example", "maple-lantern-member", "Pat Lee")
STAFF = SignIn("Member's staff", "staff@demo.example", "maple-lantern-staff", "Sam Roy")
OFFICER = SignIn("Commissioner's office", "officer@demo.example", "maple-lantern-officer", "Robin Okafor")
ADMINISTRATOR = SignIn("Administrator", "admin@demo.example", "maple-lantern-admin", "Alex Martin")
SIGN_INS = (MEMBER, STAFF, OFFICER, ADMINISTRATOR)
# Those whose role needs a second step.
WITH_CODE = (OFFICER, ADMINISTRATOR)
# The member of another office, who must see nothing from the first.
NEIGHBOUR = SignIn("Another member", "neighbour@demo.example", "maple-lantern-neighbour", "Kim Tran")

# The sample, the handle and purpose of its account, and how many of its last answers are left out: a finished draft,
# one that is nearly finished, and one that was only begun.
ASSESSMENTS = (
    ("nothing-flagged", "@patlee.example", "personal", 0),
    ("conversion", "@CouncillorLee", "official", 5),
    ("first-ten-minutes", "@ward26.news", "official", 0),
)


@dataclass(frozen=True)
class Shared:
    """What a member attests and shares: the sample, its account's handle and purpose, and a question if there is one.

    `days` is the number of days until a reply is needed.
    """

    sample: str
    handle: str
    purpose: str
    question: str = ""
    days: int = 0


SHARED = Shared(
    "campaign-from-city-hall",
    "@PatLee.votes",
    "personal",
    "May I keep the photo from the Council chamber on this account until the campaign ends?",
    14,
)
# Other offices, so that the desk has rows to compare: the office, its member's email and name, and what they share.
OTHERS = (
    (
        "Councillor, Ward 3",
        "ward3@demo.example",
        "Dana Cole",
        Shared("nothing-flagged", "@danacole.example", "personal"),
    ),
    (
        "Councillor, Ward 17",
        "ward17@demo.example",
        "Ravi Menon",
        Shared(
            "official-account",
            "@CouncillorMenon",
            "official",
            "May the office’s contact page link to this account?",
            7,
        ),
    ),
)

# What staff write about a draft before they mark it ready for review: kind of subject, subject and text.
COMMENTS = {
    "conversion": (
        ("question", "gifts.value", "I counted both videos. Was there a third one in the spring?"),
        ("finding", "13c-iv", "I can write the note to the team today."),
        ("whole", "", "The filing date is from our last meeting. Please check it."),
    )
}


class Command(BaseCommand):
    """Fills an empty database with a demonstration, in DEBUG only."""

    help = (
        "Fill an empty database with a demonstration: people in each role, and four self-checks (DEBUG only)."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("The demonstration's passwords are public, so it needs DEBUG=true.")
        if not User.objects.exists():
            make()
        elif not User.objects.filter(email=MEMBER.email).exists():
            self.stdout.write("The database already has people. No demonstration was added.")
            return
        self.stdout.write(f"\n  Sign in at {settings.PORTAL_URL}{reverse('account_login')} as:\n")
        for person in SIGN_INS:
            line = f"    {person.role:<22} {person.email:<22} {person.password}"
            if person in WITH_CODE:
                user = User.objects.get(email=person.email)
                give(user)
                line = f"{line:<76} {_code(user)}"
            self.stdout.write(line)
        self.stdout.write(
            f"\n  The Commissioner's office starts at {settings.PORTAL_URL}{reverse('desk')}.\n"
            "  A code works once, for up to a minute. To get a new code, run in another terminal:\n\n"
            "    DEBUG=true .venv/bin/python manage.py demo_code"
        )


def _code(user: User) -> str:
    try:
        return f"code {code_for(user).digits}"
    except NoCode as reason:
        return str(reason)


@transaction.atomic
def make() -> None:
    """Create the people, their offices and the first office's self-checks."""
    create = User.objects.create_user
    member, staff, neighbour = (create(p.email, p.password, name=p.name) for p in (MEMBER, STAFF, NEIGHBOUR))
    create(OFFICER.email, OFFICER.password, name=OFFICER.name, is_officer=True)
    admin = ADMINISTRATOR
    User.objects.create_superuser(admin.email, admin.password, name=admin.name)
    began = timezone.localdate() - timedelta(days=200)
    office = Office.objects.create(name="Councillor, Ward 26", member=member, starts_on=began)
    Membership.objects.create(office=office, user=staff)
    Office.objects.create(name="Councillor, Ward 10", member=neighbour, starts_on=began)
    for name, handle, purpose, left_out in ASSESSMENTS:
        document = json.loads(sample(name))
        platform = document["account"]["platform"]
        account = add_account(
            account=NewAccount(office=office, platform=platform, handle=handle, purpose=purpose),
            by=member,
        )
        draft = start_assessment(account=account, by=staff)
        changes = changes_to(draft, document)
        changes = changes[: len(changes) - left_out]
        # Staff fill in the first half, so that the pages show two names.
        half = len(changes) // 2
        save_answers(draft=draft, changes=changes[:half], by=staff)
        save_answers(draft=draft, changes=changes[half:], by=member)
        for about, subject, text in COMMENTS.get(name, ()):
            comment(assessment=draft, about=about, subject=subject, text=text, by=staff)
        if name in COMMENTS:
            mark_ready(assessment=draft, by=staff)
    attest_and_share(SHARED, office, member)
    for seat, email, person, shared in OTHERS:
        other = create(email, None, name=person)
        attest_and_share(shared, Office.objects.create(name=seat, member=other, starts_on=began), other)


def changes_to(draft: Assessment, document: dict[str, Any]) -> list[Change]:
    """The answers of a sample, as changes to a draft that may have some answers from the office's other drafts."""
    rows, notes = {row.question: row for row in draft.answers.all()}, document.get("notes", {})
    return [
        Change(question, value, notes.get(question, ""), AnswerVersion.of_row(rows.get(question)))
        for question, value in document["answers"].items()
    ]


def attest_and_share(shared: Shared, office: Office, member: User) -> None:
    """Attest a self-check and share its points to raise with the Commissioner, or all of it if it has none."""
    document = json.loads(sample(shared.sample))
    described = NewAccount(
        office=office,
        platform=document["account"]["platform"],
        handle=shared.handle,
        purpose=shared.purpose,
    )
    draft = start_assessment(account=add_account(account=described, by=member), by=member)
    save_answers(draft=draft, changes=changes_to(draft, document), by=member)
    state = assessment_state(draft, as_of=timezone.localdate())
    if not state.can_be_attested:
        # Which questions are asked depends on the day, so on some days the sample is incomplete.
        return
    attestation = attest(assessment=draft, by=member, seen=state.seen)
    picked, offer = preselected(state), offered(state)
    if not picked.rules:
        picked = replace(picked, rules=offer.rules, questions=offer.questions)
    asked = None
    if shared.question:
        about = tuple(rule.id for rule in state.edition.rules if rule.id in picked.rules)
        asked = Asked(shared.question, about, timezone.localdate() + timedelta(days=shared.days))
    share(attestation=attestation, picked=picked, by=member, nonce=secrets.token_hex(32), asked=asked)
