"""The one cast of people, offices and self-checks that the tests share.

A module's first test that asks for a fixture makes its rows; the last test undoes them. What a test
writes itself is undone after that test, and every test reads its people anew, so that none sees another's changes.

    def test_staff_cannot_attest(cast):
        assert cast.client("staff").post(f"/assessments/{cast.draft.pk}/attest").status_code == 403

`make` does the same by hand, for a test with `transaction=True` and for processes of a test's own.
"""

from __future__ import annotations

import base64
import hmac
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from django.db import connection, transaction
from django.http import HttpRequest
from django.test import Client
from django.utils import timezone

from assessments.models import Assessment, Attestation, Membership, Office, Share, SocialAccount, User
from assessments.records.attested import sha256_of
from assessments.records.shared import Picked
from assessments.records.state import assessment_state
from assessments.rendering.data import answer_data
from assessments.services.answering import AnswerVersion, Change, save_answers
from assessments.services.attesting import attest
from assessments.services.drafts import start_assessment
from assessments.services.sharing import Asked, share
from assessments.typed.handles import account_key
from bulletin.encoding.digest import canonical, digest
from bulletin.encoding.schema import Edition
from bulletin.models import PublishedEdition
from bulletin.publish import publish_edition
from bulletin.shelf import current, editions
from config.allauth_private import record_authentication
from tests.tables import BASE, answers_of

PASSWORD = "quiet-harbour-9"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
"""Of everybody's authenticator app."""
HANDLE = "@ward10-6142"
"""Of the cast's account: no page but the office's own says it."""
HOLD = {"reason": "A matter before the court.", "file_number": "2026-017"}
"""Of a legal hold."""
NONCE = "a" * 64
"""Of a preview."""
BEGAN = date(2022, 11, 15)
"""The first day of the cast's terms."""

NAMES = {
    "member": "Ana Silva",
    "staff": "Sam Roy",
    "former_staff": "Jo Tremblay",
    "stranger": "Kim Tran",
    "other_staff": "Bo Chen",
    "officer": "Robin Ng",
    "administrator": "Alex Martin",
}
"""Everybody, by what they are to Ward 10; the stranger is the member of Ward 4, with a staff of their own."""


# --- Making people and what they do ------------------------------------------------


def publish() -> None:
    """Publish every edition on file."""
    for edition in editions().values():
        publish_edition(edition=edition)


def earlier_published(edition: Edition) -> PublishedEdition:
    """Publish an earlier revision of an edition, as if that had been done before the newer one was published."""
    return PublishedEdition.objects.create(
        edition_id=edition.id,
        revision=edition.sheet.revision,
        digest=digest(edition),
        content=canonical(edition),
    )


def person(name: str, /, **fields: Any) -> User:
    """Someone with a sign-in: `member@example.ca` for `member`. Officers and administrators have a second step."""
    email = f"{name.replace(' ', '.').lower()}@example.ca"
    user = User.objects.create_user(email, **{"name": NAMES.get(name, name.title())} | fields)
    return with_second_step(user) if user.is_officer or user.is_staff else user


def with_second_step(user: User) -> User:
    """Give someone an authenticator app, as if they had set it up."""
    Authenticator.objects.create(
        user=user, type=Authenticator.Type.TOTP, data={"secret": get_adapter().encrypt(SECRET)}
    )
    return user


def code_at(when: float, secret: str = SECRET) -> str:
    """What an authenticator app shows at a time in Unix seconds (RFC 6238): six digits, new every 30 seconds."""
    digest = hmac.digest(base64.b32decode(secret), struct.pack(">Q", int(when) // 30), "sha1")
    first = digest[-1] & 0b1111
    number = int.from_bytes(digest[first : first + 4]) & 0x7FFF_FFFF
    return f"{number % 1_000_000:06}"


def office_of(member: User, name: str = "Ward 10", **fields: Any) -> Office:
    """A term of a member."""
    return Office.objects.create(**{"name": name, "member": member, "starts_on": BEGAN} | fields)


def account_of(office: Office, platform: str = "X", handle: str = HANDLE, **fields: Any) -> SocialAccount:
    """A social media account in an office's register."""
    fields.setdefault("name_key", account_key(platform, handle))
    return SocialAccount.objects.create(office=office, platform=platform, handle=handle, **fields)


def answered(
    account: SocialAccount,
    by: User,
    answers: Mapping[str, Any] | None = None,
    notes: Mapping[str, str] | None = None,
) -> Assessment:
    """A draft in which every question of the edition has an answer: the base situation's, but for `answers`."""
    draft = start_assessment(account=account, by=by)
    all_answers = answers_of(BASE["answers"] | dict(answers or {}))
    all_notes = notes or {}
    # Some may be filled in already, from another self-check of the office.
    seen = {row.question: AnswerVersion.of_row(row) for row in draft.answers.all()}
    changes = [
        Change(q, answer_data(value), all_notes.get(q, ""), seen.get(q, AnswerVersion()))
        for q, value in all_answers.items()
    ]
    save_answers(draft=draft, changes=changes, by=by)
    return draft


def seen(draft: Assessment) -> str:
    """The mark by which the attest page knows the state that it shows."""
    fresh = Assessment.objects.select_related("edition", "account__office__member").get(pk=draft.pk)
    return assessment_state(fresh, as_of=timezone.localdate()).seen


def attested(account: SocialAccount, answers: Mapping[str, Any] | None = None, **more: Any) -> Attestation:
    """A self-check that the account's member attested."""
    member = account.office.member
    draft = answered(account, member, answers, **more)
    return attest(assessment=draft, by=member, seen=seen(draft))


def shared(attestation: Attestation, *, ask: str = "", nonce: str = "", **picked: Any) -> Share:
    """A part of an attestation that its member shared: by default one finding and one answer, from one preview."""
    parts: dict[str, Any] = {"rules": {"9"}, "questions": {"account.stage"}, "notes": set(), "black_out": {}}
    parts |= picked
    return share(
        attestation=attestation,
        picked=Picked(
            frozenset(parts["rules"]),
            frozenset(parts["questions"]),
            frozenset(parts["notes"]),
            parts["black_out"],
        ),
        by=attestation.attested_by,
        nonce=nonce or sha256_of(f"the preview of {attestation.pk}"),
        asked=Asked(ask, ("9",)) if ask else None,
    )


# --- Browsers ----------------------------------------------------------------------


def let_in(client: Client, user: User, *, at: float = 0) -> Client:
    """Sign someone in without the pages for it, and with the second step where they have one; `at` is a Unix time."""
    client.force_login(user)
    methods = ["password", "mfa"] if Authenticator.objects.filter(user=user).exists() else ["password"]
    request = HttpRequest()
    request.session = client.session
    request.session.pop(AUTHENTICATION_METHODS_SESSION_KEY, None)
    for method in methods:
        record_authentication(request, user, method, at=at)
    request.session.save()
    return client


def client_of(user: User, *, fresh: bool = True, **options: Any) -> Client:
    """A browser in which someone signed in just now or, without `fresh`, long ago."""
    return let_in(Client(**options), user, at=time.time() if fresh else 0)


# --- Several people at the same moment ---------------------------------------------


def at_the_same_moment(test: Callable[..., None]) -> Any:
    """Mark a test in which several write `together`: it runs on PostgreSQL alone, with the database to itself."""
    on_sqlite = "SQLite lets one in after the other, whatever the code does"
    for mark in (
        pytest.mark.django_db(transaction=True),
        pytest.mark.postgres,
        pytest.mark.skipif(connection.vendor == "sqlite", reason=on_sqlite),
    ):
        test = mark(test)
    return test


def together(*works: Callable[[], Any]) -> list[Any]:
    """Do all at the same moment, each on a connection of its own; return what each returns or raises, in order."""
    start = threading.Barrier(len(works))

    def go(work: Callable[[], Any]) -> Any:
        start.wait(timeout=20)
        try:
            return work()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(go, works))


# --- The cast ----------------------------------------------------------------------


@dataclass(frozen=True)
class Cast:
    """Ward 10 with its people, its account and a draft; Ward 4; an officer and an administrator.

    Each property reads its row anew.
    """

    users: Mapping[str, int]
    office_pk: int
    elsewhere_pk: int
    account_pk: int
    draft_pk: int

    def user(self, name: str) -> User:
        """One of NAMES."""
        return User.objects.get(pk=self.users[name])

    def client(self, name: str, *, fresh: bool = True, **options: Any) -> Client:
        """A browser of one of NAMES, as `client_of` says."""
        return client_of(self.user(name), fresh=fresh, **options)

    member = property(lambda self: self.user("member"))
    staff = property(lambda self: self.user("staff"))
    former_staff = property(lambda self: self.user("former_staff"))
    stranger = property(lambda self: self.user("stranger"))
    other_staff = property(lambda self: self.user("other_staff"))
    officer = property(lambda self: self.user("officer"))
    administrator = property(lambda self: self.user("administrator"))

    @property
    def office(self) -> Office:
        return Office.objects.select_related("member").get(pk=self.office_pk)

    @property
    def elsewhere(self) -> Office:
        return Office.objects.select_related("member").get(pk=self.elsewhere_pk)

    @property
    def account(self) -> SocialAccount:
        return SocialAccount.objects.select_related("office__member").get(pk=self.account_pk)

    @property
    def draft(self) -> Assessment:
        related = Assessment.objects.select_related("edition", "account__office__member", "started_by")
        return related.get(pk=self.draft_pk)


def make() -> Cast:
    """Publish the editions and make the whole cast."""
    publish()
    roles: dict[str, dict[str, Any]] = {
        "officer": {"is_officer": True},
        "administrator": {"is_staff": True, "is_superuser": True},
    }
    people = {name: person(name, **roles.get(name, {})) for name in NAMES}
    office, elsewhere = office_of(people["member"]), office_of(people["stranger"], "Ward 4")
    Membership.objects.create(office=office, user=people["staff"])
    ended_at = timezone.now() + timedelta(seconds=1)
    Membership.objects.create(office=office, user=people["former_staff"], ended_at=ended_at)
    Membership.objects.create(office=elsewhere, user=people["other_staff"])
    account = account_of(office, "TikTok")
    draft = start_assessment(account=account, by=people["member"])
    users = {name: user.pk for name, user in people.items()}
    return Cast(users, office.pk, elsewhere.pk, account.pk, draft.pk)


@pytest.fixture(scope="module")
def module_db(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The database for rows that all tests of a module share; they are undone after the module's last test.

    A test of that module asks for `db` as well, and what it writes itself is undone after it.
    """
    with django_db_blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Function) -> None:
    """Undo the module's rows before a test that needs the database to itself: its other connections would wait."""
    mark = item.get_closest_marker("django_db")
    if (mark and mark.kwargs.get("transaction")) or {"transactional_db", "live_server"} & {
        *item.fixturenames
    }:
        # As pytest does after the module's last test. A test after this one would have the rows made anew.
        for fixture in item.session._fixturemanager.getfixturedefs("module_db", item) or ():
            fixture.finish(item._request)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def module_time(request: pytest.FixtureRequest) -> Any:
    """When the module's rows are made: at its NOW, where it has one, since its tests stop the clock there."""
    now = getattr(request.module, "NOW", None)
    return lambda: time_machine.travel(now, tick=False) if now else nullcontext()


@pytest.fixture(scope="module")
def module_published(module_db: None) -> None:
    publish()


@pytest.fixture(scope="module")
def module_cast(module_db: None, module_time: Any) -> Cast:
    with module_time():
        return make()


@pytest.fixture(scope="module")
def module_attestation(module_cast: Cast, module_time: Any) -> int:
    with module_time():
        return attested(module_cast.account).pk


@pytest.fixture(scope="module")
def module_share(module_attestation: int, module_time: Any) -> int:
    with module_time():
        return shared(Attestation.objects.get(pk=module_attestation), ask="May I?").pk


@pytest.fixture
def published(module_published: None, db: None) -> None:
    """The editions on file, published."""


@pytest.fixture
def cast(module_cast: Cast, db: None) -> Cast:
    """Everybody, with a draft in which nothing is answered."""
    return module_cast


@pytest.fixture
def first(cast: Cast) -> PublishedEdition:
    """Revision 1 of the current edition, as if it had been published before the revision on file."""
    return earlier_published(current().earlier[1])


@pytest.fixture
def attestation(module_attestation: int, db: None) -> Attestation:
    """The base situation, attested by the cast's member on the same account as the draft."""
    related = Attestation.objects.select_related("assessment__account__office__member", "attested_by")
    return related.get(pk=module_attestation)


@pytest.fixture
def unprinted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The PDFs of attestations and shares are a few bytes, for tests of something else: printing takes a while."""
    for kind in ("full", "summary"):
        monkeypatch.setattr(
            f"assessments.services.printing._{kind}_pdf",
            lambda record, kind=kind: f"%PDF {kind} {record.code}".encode(),
        )


@pytest.fixture
def share_(module_share: int, db: None) -> Share:
    """One finding and one answer of that attestation, shared."""
    return Share.objects.select_related("attestation__assessment__account__office__member").get(
        pk=module_share
    )
