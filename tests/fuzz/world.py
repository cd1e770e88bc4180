"""The people, offices and self-checks that the requests meet. Names, notes and files have hostile texts with marks.

A mark is a word that stands nowhere else. It shows whose it is, and so which people may see it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from django.core import mail
from django.db import connection
from django.test import Client

from assessments.models import AnonymousCheck, Office, Share, SocialAccount, User
from assessments.models.accounts import SocialAccount as Account
from assessments.services import desk, email_changes, people, register, reviewing, sharing
from assessments.services.answering import Change, save_answers
from assessments.services.drafts import delete_draft, start_assessment, start_check
from assessments.services.register import NewAccount
from assessments.services.retention import set_hold
from assessments.typed.mending import mended_line
from assessments.views.workspace import COOKIE
from tests.cast import HOLD, Cast, answered, attested, make, shared
from tests.fuzz.texts import mark_of

Marks = frozenset[str]
INSIDE = {"ward10": ("member", "member, long ago", "staff"), "ward4": ("stranger", "other_staff")}
"""Who works in each office, and may read and change what it keeps."""
SEEN_BY = {
    "kept": (),
    "shared": ("officer", "officer, long ago"),
    "names": ("administrator", "administrator, long ago"),
}
"""Who else may see an office's marks of each kind. Officers see the names of an office that has shared."""
QUESTION = "resources.email"


@dataclass
class World:
    """Everyone's cookies, the mark of each kind of each office, and the paths of links that were emailed."""

    cast: Cast
    cookies: dict[str, dict[str, str]]
    marks: dict[tuple[str, str], str]
    links: list[str] = field(default_factory=list)

    @property
    def passwords(self) -> dict[str, str]:
        """The password of each person."""
        users = {
            who: self.cast.users.get(who.partition(",")[0].partition(" without")[0]) for who in self.cookies
        }
        return {who: password_of(pk) for who, pk in users.items() if pk}

    def hidden_from(self, who: str, *, widened: bool = False) -> dict[str, str]:
        """Each mark that a person may not see, with its name. `widened`: an office shared more in this case."""
        hidden = {}
        for (owner, kind), mark in self.marks.items():
            may_see = {*INSIDE.get(owner, (owner,)), *SEEN_BY.get(kind, ())}
            if owner == "ward10" and kind == "names":
                may_see |= {"officer", "officer, long ago"}
            if owner in INSIDE and widened:
                may_see |= {"officer", "officer, long ago"}
            if who not in may_see:
                hidden[mark] = f"{kind} of {owner}"
        return hidden


def run_hooks() -> None:
    """Do what waits for the commit, which never comes where a case is rolled back."""
    while connection.run_on_commit:
        connection.run_on_commit.pop(0)[1]()


def spiked(text: str, mark: str) -> str:
    """A hostile name as our forms would save it."""
    return mended_line(
        f"""{text} <{mark} {mark}="1">'"&amp;\u202e\u05d0e\u0301\u0323\U0001f9e8 {{{{ {mark} }}}}"""
    )


def make_world(seed: int) -> World:
    """Make everybody, with hostile names, and sign them in. Emails stay in `django.core.mail.outbox`."""
    mail.outbox = []
    cast = make()
    kinds = [(office, kind) for office in INSIDE for kind in SEEN_BY] + [("with_check", "kept")]
    marks = {kind: mark_of(seed, *kind, prefix="qz") for kind in kinds}
    _rename(cast, marks)
    for owner, office in (("ward10", cast.office), ("ward4", cast.elsewhere)):
        _fill(cast, office, marks[owner, "kept"], marks[owner, "shared"], shares=owner == "ward10")
    _invite(cast, marks)
    run_hooks()
    world = World(cast, _signed_in(cast), marks)
    check, world.cookies["with_check"][COOKIE] = start_check()
    AnonymousCheck.objects.filter(pk=check.pk).update(
        platform="X", handle=spiked("@check", marks["with_check", "kept"])[:100]
    )
    check.refresh_from_db()
    note = spiked("A note", marks["with_check", "kept"])
    save_answers(draft=check, changes=[Change(QUESTION, "yes", note)], by=None)
    run_hooks()
    texts = [f"{message.body} {message.extra_headers}" for message in mail.outbox]
    urls = [url for text in texts for url in re.findall(r"https?://[^\s<>\"']+", text)]
    codes = [f"/verify/{share.code}" for share in Share.objects.order_by("pk")]
    # In the order in which they were made: a case picks them by number, and they have random keys.
    world.links = list(dict.fromkeys([*(urlsplit(url).path for url in urls), *codes]))
    mail.outbox = []
    return world


def password_of(pk: int) -> str:
    """The password of the person with this key."""
    return f"quiet harbour number {pk}"


def _rename(cast: Cast, marks: dict[tuple[str, str], str]) -> None:
    by = cast.administrator
    inside = {
        "ward10": (cast.office, ("member", "staff", "former_staff")),
        "ward4": (cast.elsewhere, ("stranger", "other_staff")),
    }
    for owner, (office, names) in inside.items():
        mark = marks[owner, "names"]
        people.rename_office(office=office, name=spiked(office.name, mark), by=by)
        for name in names[: 3 if owner == "ward4" else 2]:
            people.rename_person(user=cast.user(name), name=spiked(name, mark), by=by)
    for user in User.objects.all():
        user.set_password(password_of(user.pk))
        user.save()


def _fill(cast: Cast, office: Office, kept: str, shown: str, *, shares: bool) -> None:
    """Give an office accounts, answers, notes, comments, something attested and, if it `shares`, a share."""
    member = office.member
    secret = _account(office, spiked("@secret", kept), member)
    public = _account(office, spiked("@public", shown if shares else kept), member)
    open_draft = answered(secret, member, notes={QUESTION: spiked("A note", kept)})
    thread = reviewing.comment(
        assessment=open_draft, about="question", subject=QUESTION, text=spiked("A comment", kept), by=member
    )
    reviewing.reply(thread=thread, text=spiked("A reply", kept), by=member, seen=thread.version)
    reviewing.comment(assessment=open_draft, about="whole", subject="", text=spiked("Whole", kept), by=member)
    delete_draft(assessment=start_assessment(account=secret, by=member), by=member)
    notes = {
        QUESTION: spiked("A note", kept),
        "account.stage": spiked("A shared note", shown if shares else kept),
    }
    attestation = attested(public, notes=notes)
    attested(secret, notes=notes)
    start_assessment(account=public, by=member)
    if shares:
        share = shared(
            attestation, ask=spiked("May I?", shown), notes={"account.stage"}, questions={"account.stage"}
        )
        sharing.write_advice(share=share, text=spiked("You may.", shown), by=cast.officer)
        sharing.write_advice(share=share, text=spiked("Thank you.", shown), by=member)
        gone = shared(attestation, nonce="b" * 64, ask=spiked("Withdrawn", kept), notes={"account.stage"})
        sharing.withdraw(share=gone, by=member)
        desk.open_share(share=share, by=cast.officer)


def _account(office: Office, handle: str, by: User) -> SocialAccount:
    described = NewAccount(
        office=office,
        platform="X",
        handle=handle[:100],
        display_name=handle[:200],
        address="https://example.com/",
        purpose=Account.Purpose.CAMPAIGN,
    )
    return register.add_account(account=described, by=by)


def _invite(cast: Cast, marks: dict[tuple[str, str], str]) -> None:
    for owner, office in (("ward10", cast.office), ("ward4", cast.elsewhere)):
        email = f"{marks[owner, 'names']}@example.ca"
        people.invite(email=email, role="staff", office=office, by=office.member)
    for role in ("officer", "administrator"):
        people.invite(email=f"new-{role}@example.ca", role=role, by=cast.administrator)
    email_changes.ask_for_email(email="the.members.new@example.ca", by=cast.member)
    set_hold(office=cast.elsewhere, **HOLD, by=cast.administrator)


def _signed_in(cast: Cast) -> dict[str, dict[str, str]]:
    """The cookies of each person. Those who may do most come in several states."""
    browsers = {name: cast.client(name) for name in cast.users} | {"nobody": Client(), "with_check": Client()}
    for name in ("member", "officer", "administrator"):
        browsers[f"{name}, long ago"] = cast.client(name, fresh=False)
    for name in ("officer", "administrator"):
        browsers[f"{name} without a second step"] = Client()
        browsers[f"{name} without a second step"].force_login(cast.user(name))
    return {
        name: {key: morsel.value for key, morsel in browser.cookies.items()}
        for name, browser in browsers.items()
    }
