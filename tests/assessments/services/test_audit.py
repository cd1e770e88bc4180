"""The audit trail: which events are appended, to which chain, and who can see them."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any, Self
from zoneinfo import ZoneInfo

import pytest
from allauth.account.adapter import DefaultAccountAdapter
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.transaction import TransactionManagementError
from django.test import Client
from django.utils import timezone

from assessments.models import (
    AnonymousCheck,
    Assessment,
    AuditAddress,
    AuditEvent,
    AuditHead,
    Invitation,
    Membership,
    Office,
    SocialAccount,
    Thread,
    User,
)
from assessments.models.audit import CHAINED, address_hash, event_hash
from assessments.models.invitations import key_hash
from assessments.services import (
    audit,
    done,
    drafts,
    email_changes,
    office_copy,
    people,
    register,
    retention,
    reviewing,
)
from assessments.services.answering import AnswerVersion, Change, save_answers
from assessments.services.audit import Action, current_address, delete_addresses
from assessments.services.audit_proof import walk
from assessments.services.register import NewAccount
from tests.cast import HOLD, Cast, at_the_same_moment, make, person, together

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


@dataclass
class World:
    """Of the cast what services are called with, and two threads on its draft, the second of them resolved."""

    admin: User
    member: User
    staff: User
    office: Office
    account: SocialAccount
    draft: Assessment
    thread: Thread
    settled: Thread

    @classmethod
    def of(cls, cast: Cast, threads: list[int]) -> Self:
        thread, settled = (Thread.objects.get(pk=pk) for pk in threads)
        people_ = (cast.administrator, cast.member, cast.staff)
        return cls(*people_, cast.office, cast.account, cast.draft, thread, settled)

    def described(self, handle: str = "@new") -> NewAccount:
        return NewAccount(office=self.office, platform="X", handle=handle, purpose="official")

    def invitation(self, role: str = "staff", **more: Any) -> str:
        """The key of an invitation to someone."""
        office = self.office if role == "staff" else None
        made = people.invite(email="new@example.ca", role=role, office=office, by=self.member, **more)
        Invitation.objects.filter(pk=made.pk).update(key_hash=key_hash("key"))
        return "key"

    def check(self) -> AnonymousCheck:
        return drafts.start_check()[0]

    @property
    def membership(self) -> Membership:
        return Membership.objects.get(user=self.staff)

    def save(self, value: str = "yes", *, by: User | None = None, question: str = "resources.email") -> None:
        row = self.draft.answers.filter(question=question).first()
        changes = [Change(question, value, "", AnswerVersion.of_row(row))]
        save_answers(draft=self.draft, changes=changes, by=by or self.staff)


def commented(cast: Cast) -> list[int]:
    """Write the two threads; return their keys."""
    staff, draft = cast.staff, cast.draft
    thread, settled = (
        reviewing.comment(assessment=draft, about="whole", subject="", text=text, by=staff)
        for text in ("One.", "Two.")
    )
    reviewing.resolve(thread=settled, seen=1, by=cast.member)
    return [thread.pk, settled.pk]


@pytest.fixture(scope="module")
def module_threads(module_cast: Cast) -> list[int]:
    return commented(module_cast)


@pytest.fixture
def world(cast: Cast, module_threads: list[int]) -> World:
    return World.of(cast, module_threads)


# --- What is recorded -----------------------------------------------------------------------


@dataclass(frozen=True)
class Call:
    """A call of a service, and the events that it appends."""

    name: str
    act: Callable[[World], Any]
    actions: tuple[str, ...]
    kind: str = ""
    by: str = "member"
    prepare: Callable[[World], Any] = lambda _: None
    in_portal: bool = False


CALLS = [
    Call(
        "save_answers",
        lambda w: w.save(by=w.member),
        (Action.ANSWERS_SAVED,),
        "assessment",
    ),
    Call(
        "save_answers: nothing new",
        lambda w: save_answers(draft=w.draft, changes=[Change("resources.email", None, "")], by=w.member),
        (),
    ),
    Call(
        "start_assessment",
        lambda w: drafts.start_assessment(account=w.account, by=w.member),
        (Action.DRAFT_STARTED,),
        "assessment",
    ),
    Call(
        "change_election",
        lambda w: drafts.change_election(assessment=w.draft, election="toronto-2022", by=w.staff),
        (Action.ELECTION_CHANGED,),
        "assessment",
        by="staff",
    ),
    Call(
        "change_election: the same",
        lambda w: drafts.change_election(assessment=w.draft, election=w.draft.election, by=w.staff),
        (),
    ),
    Call(
        "keep_check",
        lambda w: drafts.keep_check(check=w.check(), account=w.account, by=w.member),
        (Action.KEPT,),
        "assessment",
    ),
    Call(
        "delete_draft",
        lambda w: drafts.delete_draft(assessment=w.draft, by=w.member),
        (Action.DRAFT_DELETED,),
        "assessment",
    ),
    Call(
        "delete_draft: twice",
        lambda w: drafts.delete_draft(assessment=w.draft, by=w.member),
        (),
        prepare=lambda w: drafts.delete_draft(assessment=w.draft, by=w.staff),
    ),
    Call(
        "restore_draft",
        lambda w: drafts.restore_draft(assessment=w.draft, by=w.member),
        (Action.DRAFT_RESTORED,),
        "assessment",
        prepare=lambda w: drafts.delete_draft(assessment=w.draft, by=w.staff),
    ),
    Call(
        "restore_draft: one that is there",
        lambda w: drafts.restore_draft(assessment=w.draft, by=w.member),
        (),
    ),
    Call(
        "set_retention",
        lambda w: retention.set_retention(office=w.office, drafts_months=36, attested_years=9, by=w.member),
        (Action.RETENTION_CHANGED,),
        "office",
    ),
    Call(
        "set_retention: shorter",
        lambda w: retention.set_retention(office=w.office, drafts_months=1, attested_years=2, by=w.member),
        (Action.RETENTION_CHOSEN,),
        "office",
    ),
    Call(
        "set_retention: kept after all",
        lambda w: [
            retention.set_retention(office=w.office, drafts_months=months, attested_years=7, by=w.member)
            for months in (1, 24)
        ],
        (Action.RETENTION_CHOSEN, Action.RETENTION_KEPT),
        "office",
    ),
    Call(
        "rename_office",
        lambda w: people.rename_office(office=w.office, name="Ward 10 (North)", by=w.admin),
        (Action.RENAMED,),
        "office",
        by="admin",
    ),
    Call(
        "set_retention: the same",
        lambda w: retention.set_retention(office=w.office, drafts_months=24, attested_years=7, by=w.member),
        (),
    ),
    Call(
        "set_hold: set",
        lambda w: retention.set_hold(office=w.office, **HOLD, by=w.admin),
        (Action.HOLD_SET,),
        "office",
        by="admin",
        in_portal=True,
    ),
    Call(
        "set_hold: twice",
        lambda w: retention.set_hold(office=w.office, **HOLD, by=w.admin),
        (),
        prepare=lambda w: retention.set_hold(office=w.office, **HOLD, by=w.admin),
    ),
    Call(
        "lift_hold",
        lambda w: retention.lift_hold(
            office=w.office, seen=Office.objects.get(pk=w.office.pk).hold_mark, by=w.admin
        ),
        (Action.HOLD_LIFTED,),
        "office",
        by="admin",
        prepare=lambda w: retention.set_hold(office=w.office, **HOLD, by=w.admin),
        in_portal=True,
    ),
    Call(
        "erase",
        lambda w: retention.erase(office=w.office, by=w.member),
        (Action.ERASED,),
        "office",
    ),
    Call(
        "purge_expired: nothing is old enough",
        lambda _: retention.purge_expired(),
        (),
    ),
    Call(
        "export_all",
        lambda w: office_copy.export_all(office=w.office, by=w.member).close(),
        (Action.ALL_EXPORTED,),
        "office",
    ),
    Call(
        "add_account",
        lambda w: register.add_account(account=w.described(), by=w.member),
        (Action.ACCOUNT_ADDED,),
        "socialaccount",
    ),
    Call(
        "describe_account",
        lambda w: register.describe_account(account=w.account, described=w.described(), by=w.member),
        (Action.ACCOUNT_DESCRIBED,),
        "socialaccount",
    ),
    Call(
        "keep_in_register: an account that is there",
        lambda w: register.keep_in_register(check=w.check(), account=w.account, by=w.member),
        (Action.KEPT,),
        "assessment",
    ),
    Call(
        "keep_in_register: a new account",
        lambda w: register.keep_in_register(check=w.check(), account=w.described(), by=w.member),
        (Action.ACCOUNT_ADDED, Action.KEPT),
    ),
    Call(
        "assess_account",
        lambda w: register.assess_account(account=w.account, by=w.member),
        (Action.DRAFT_STARTED,),
        "assessment",
        prepare=lambda w: w.save(),
    ),
    Call(
        "assess_account: one that nobody has answered",
        lambda w: register.assess_account(account=w.account, by=w.member),
        (),
    ),
    Call(
        "mark_ready",
        lambda w: reviewing.mark_ready(assessment=w.draft, by=w.member),
        (Action.READY,),
        "assessment",
    ),
    Call(
        "mark_ready: twice",
        lambda w: reviewing.mark_ready(assessment=w.draft, by=w.member),
        (),
        prepare=lambda w: reviewing.mark_ready(assessment=w.draft, by=w.staff),
    ),
    Call(
        "unmark_ready",
        lambda w: reviewing.unmark_ready(assessment=w.draft, by=w.member),
        (Action.TAKEN_BACK,),
        "assessment",
        prepare=lambda w: reviewing.mark_ready(assessment=w.draft, by=w.staff),
    ),
    Call(
        "mark_done",
        lambda w: done.mark_done(assessment=w.draft, rules=["9", "11"], by=w.member),
        (Action.MARKED_DONE,),
        "assessment",
    ),
    Call(
        "mark_done: twice",
        lambda w: done.mark_done(assessment=w.draft, rules=["9"], by=w.member),
        (),
        prepare=lambda w: done.mark_done(assessment=w.draft, rules=["9"], by=w.staff),
    ),
    Call(
        "unmark_done",
        lambda w: done.unmark_done(assessment=w.draft, rules=["9"], by=w.member),
        (Action.UNMARKED_DONE,),
        "assessment",
        prepare=lambda w: done.mark_done(assessment=w.draft, rules=["9"], by=w.staff),
    ),
    Call(
        "unmark_done: not marked",
        lambda w: done.unmark_done(assessment=w.draft, rules=["9"], by=w.member),
        (),
    ),
    Call(
        "comment",
        lambda w: reviewing.comment(assessment=w.draft, about="whole", subject="", text="Hm.", by=w.member),
        (Action.COMMENTED,),
        "thread",
    ),
    Call(
        "comment: sent twice",
        lambda w: reviewing.comment(assessment=w.draft, about="whole", subject="", text="Hm.", by=w.staff),
        (),
        prepare=lambda w: reviewing.comment(
            assessment=w.draft, about="whole", subject="", text="Hm.", by=w.staff
        ),
    ),
    Call(
        "reply",
        lambda w: reviewing.reply(thread=w.thread, text="Yes.", by=w.member, seen=1),
        (Action.COMMENTED,),
        "thread",
    ),
    Call(
        "reply: to what was resolved",
        lambda w: reviewing.reply(thread=w.settled, text="And yet.", by=w.member, seen=2),
        (Action.REOPENED, Action.COMMENTED),
        "thread",
    ),
    Call(
        "resolve",
        lambda w: reviewing.resolve(thread=w.thread, seen=1, by=w.member),
        (Action.RESOLVED,),
        "thread",
    ),
    Call(
        "reopen",
        lambda w: reviewing.reopen(thread=w.settled, seen=2, by=w.member),
        (Action.REOPENED,),
        "thread",
    ),
    Call("look", lambda w: reviewing.look(assessment=w.draft, by=w.member), ()),
    Call(
        "invite: staff",
        lambda w: people.invite(email="a@example.ca", role="staff", office=w.office, by=w.member),
        (Action.INVITED,),
        "invitation",
    ),
    Call(
        "invite: an officer",
        lambda w: people.invite(email="a@example.ca", role="officer", by=w.admin),
        (Action.INVITED,),
        "invitation",
        by="admin",
        in_portal=True,
    ),
    Call(
        "ask_for_email",
        lambda w: email_changes.ask_for_email(email="new@example.ca", by=w.member),
        (Action.EMAIL_ASKED,),
        "user",
        in_portal=True,
    ),
    Call(
        "cancel_email",
        lambda w: email_changes.cancel_email(by=w.member),
        (Action.EMAIL_CANCELLED,),
        "user",
        prepare=lambda w: email_changes.ask_for_email(email="new@example.ca", by=w.member),
        in_portal=True,
    ),
    Call(
        "cancel_email: none",
        lambda w: email_changes.cancel_email(by=w.member),
        (),
    ),
    Call(
        "resend",
        lambda w: people.resend(invitation=Invitation.objects.get(), by=w.member),
        (Action.INVITED,),
        "invitation",
        prepare=lambda w: w.invitation(),
    ),
    Call(
        "revoke",
        lambda w: people.revoke(invitation=Invitation.objects.get(), by=w.member),
        (Action.INVITATION_REVOKED,),
        "invitation",
        prepare=lambda w: w.invitation(),
    ),
    Call(
        "revoke: one that is of no use any more",
        lambda w: people.revoke(invitation=Invitation.objects.get(), by=w.member),
        (),
        prepare=lambda w: people.revoke(
            invitation=Invitation.objects.filter(key_hash=key_hash(w.invitation())).get(), by=w.member
        ),
    ),
    Call(
        "accept: staff",
        lambda _: people.accept(
            invitation=Invitation.objects.latest("pk"), name="New", password="quiet-harbour-9"
        ),
        (Action.JOINED,),
        "invitation",
        by="new",
        prepare=lambda w: w.invitation(),
    ),
    Call(
        "accept: a member",
        lambda _: people.accept(
            invitation=Invitation.objects.latest("pk"), name="New", password="quiet-harbour-9"
        ),
        (Action.JOINED,),
        "invitation",
        by="new",
        prepare=lambda w: w.invitation("member", seat="Ward 7", starts_on=date(2026, 11, 15)),
        in_portal=True,
    ),
    Call(
        "remove_staff",
        lambda w: people.remove_staff(membership=w.membership, by=w.member),
        (Action.STAFF_REMOVED,),
        "membership",
    ),
    Call(
        "remove_staff: twice",
        lambda w: people.remove_staff(membership=w.membership, by=w.member),
        (),
        prepare=lambda w: people.remove_staff(membership=w.membership, by=w.member),
    ),
    Call(
        "end_term",
        lambda w: people.end_term(office=w.office, on=date(2026, 11, 14), by=w.admin),
        (Action.TERM_ENDED,),
        "office",
        by="admin",
    ),
    Call(
        "set_active: closed",
        lambda w: people.set_active(user=w.staff, active=False, by=w.admin),
        (Action.SIGN_IN_CLOSED,),
        "user",
        by="admin",
        in_portal=True,
    ),
    Call(
        "set_active: opened",
        lambda w: people.set_active(user=w.staff, active=True, by=w.admin),
        (Action.SIGN_IN_OPENED,),
        "user",
        by="admin",
        prepare=lambda w: people.set_active(user=w.staff, active=False, by=w.admin),
        in_portal=True,
    ),
    Call("start_check", lambda w: w.check(), ()),
    Call(
        "describe_check",
        lambda w: drafts.describe_check(check=w.check(), election="toronto-2022", handle="@x"),
        (),
    ),
    Call("extend_check", lambda w: drafts.extend_check(check=w.check()), ()),
    Call(
        "set_outlives_browser",
        lambda w: drafts.set_outlives_browser(check=w.check(), outlives_browser=True),
        (),
    ),
    Call(
        "name_check",
        lambda w: drafts.name_check(check=w.check(), platform="X", handle="@lee"),
        (),
    ),
    Call("delete_check", lambda w: drafts.delete_check(check=w.check()), ()),
    Call("delete_ended_checks", lambda _: drafts.delete_ended_checks(), ()),
    Call(
        "save_answers: an anonymous check",
        lambda w: save_answers(draft=w.check(), changes=[Change("resources.email", "yes", "")], by=None),
        (),
    ),
]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_each_service_leaves_what_it_did_once_in_the_right_chain_by_the_right_person(world, call):
    call.prepare(world)
    before = set(AuditEvent.objects.values_list("pk", flat=True))
    call.act(world)
    events = list(AuditEvent.objects.exclude(pk__in=before).order_by("number"))
    assert [event.action for event in events] == [*call.actions]
    for event in events:
        assert event.office == (None if call.in_portal else world.office)
        assert event.actor is not None
        by = User.objects.get(email="new@example.ca") if call.by == "new" else getattr(world, call.by)
        assert event.actor == by
        assert event.record_type == call.kind or not call.kind


def test_every_service_that_writes_is_in_the_table():
    services = {
        name
        for module in (done, drafts, email_changes, office_copy, retention, people, register, reviewing)
        for name, value in vars(module).items()
        if callable(value)
        and getattr(value, "__module__", "") == module.__name__
        and not name.startswith("_")
        if not isinstance(value, type) and name != "default_election"
    }
    # These functions are part of another service, or write nothing.
    parts = {
        "end_sessions",
        "remove_files",
        # These have events in several chains, or by nobody (test_names.py, test_retention.py).
        "rename_person",
        "start_shorter_retention",
        "before",
        "expired_of",
        "count_expired",
        "count_older",
        "exchange_of",
        "why_not_join",
        # These are in test_email_changes.py.
        "change_of",
        "confirm_email",
        "delete_expired",
    }
    assert services - parts | {"save_answers"} == {c.name.partition(":")[0] for c in CALLS}


def test_what_is_rolled_back_leaves_no_event(world):
    before = AuditEvent.objects.count(), AuditHead.objects.get().count

    def write() -> None:
        with transaction.atomic():
            reviewing.mark_ready(assessment=world.draft, by=world.member)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write()
    assert (AuditEvent.objects.count(), AuditHead.objects.get().count) == before


@pytest.mark.django_db(transaction=True)
def test_an_event_without_a_transaction_is_refused():
    user = person("new")
    with pytest.raises(TransactionManagementError, match="transaction of the write"):
        audit.append(office=None, action=Action.SIGN_IN_CLOSED, about=user, by=None)
    assert not AuditEvent.objects.exists()


def test_each_event_follows_the_one_before_and_its_hash_is_over_all_its_other_columns(world):
    events = list(AuditEvent.objects.of_chain(world.office.pk).order_by("number"))
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    assert [before.hash for before, _ in pairwise(events)] == [
        after.previous for _, after in pairwise(events)
    ]
    assert all(event.hash == event_hash(vars(event)) for event in events)
    assert {*CHAINED, "record_hash", "hash"} == {field.attname for field in AuditEvent._meta.concrete_fields}
    head = AuditHead.objects.get(office=world.office)
    assert (head.count, head.hash) == (len(events), events[-1].hash)


def test_the_encoding_that_is_hashed_never_changes():
    columns = {
        "office_id": 3,
        "number": 1,
        "at": datetime(2026, 11, 2, 21, 30, tzinfo=ZoneInfo("America/Toronto")),
        "actor_id": None,
        "action": "kept",
        "record_type": "assessment",
        "record_id": 7,
        "address_hash": "",
        "previous": "",
    }
    text = (
        '{"office_id":3,"number":1,"at":"2026-11-03T02:30:00.000000+00:00","actor_id":null,"action":"kept",'
        '"record_type":"assessment","record_id":7,"address_hash":"","previous":""}'
    )
    assert event_hash(columns) == hashlib.sha256(text.encode()).hexdigest()
    # Events from before the column, and those of other actions, have no hash of a record.
    assert event_hash(columns | {"record_hash": ""}) == event_hash(columns)
    text = text.replace('"previous":""', f'"previous":"","record_hash":"{"1" * 64}"')
    assert event_hash(columns | {"record_hash": "1" * 64}) == hashlib.sha256(text.encode()).hexdigest()


# --- Autosaves --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("minutes", "between", "events"),
    [
        (0, None, 1),
        (9.99, None, 1),
        (10, None, 2),
        (1, lambda w: w.save("no", by=w.member, question="resources.logo"), 3),
        (1, lambda w: reviewing.mark_ready(assessment=w.draft, by=w.staff), 2),
        (1, lambda w: drafts.start_assessment(account=w.account, by=w.staff), 1),
    ],
    ids=["at once", "just before", "ten minutes", "another person", "another action", "another record"],
)
def test_saves_of_one_sitting_are_one_event(world, time_machine, minutes, between, events):
    began = timezone.now()
    time_machine.move_to(began, tick=False)
    world.save("yes")
    if between:
        between(world)
    time_machine.move_to(began + timedelta(minutes=minutes), tick=False)
    world.save("no")
    assert AuditEvent.objects.filter(action=Action.ANSWERS_SAVED).count() == events


# --- Addresses ---------------------------------------------------------------------------------


def test_the_address_of_a_request_is_kept_apart_and_only_its_salted_hash_is_in_the_chain(world):
    client = Client(REMOTE_ADDR="192.0.2.7")
    client.force_login(world.staff)
    client.post(f"/assessments/{world.draft.pk}/review/ready", {"ready": "yes"})
    event = AuditEvent.objects.get(action=Action.READY)
    assert event.address.address == "192.0.2.7"
    assert event.address_hash == address_hash("192.0.2.7", event.address.salt)
    assert "192.0.2.7" not in str(AuditEvent.objects.filter(pk=event.pk).values())
    assert current_address.get() == ""
    assert AuditEvent.objects.exclude(pk=event.pk).filter(address_hash="").count() == event.number - 1


def test_a_request_without_an_address_is_served_all_the_same(world, monkeypatch):
    def refuse(*_: Any) -> str:
        raise PermissionDenied

    monkeypatch.setattr(DefaultAccountAdapter, "get_client_ip", refuse)
    assert Client().get("/help").status_code == 200


def test_addresses_are_deleted_up_to_a_day_and_the_chain_stays_whole(world, time_machine):
    began = timezone.now()
    token = current_address.set("192.0.2.7")
    for days in range(3):
        time_machine.move_to(began + timedelta(days=days), tick=False)
        drafts.start_assessment(account=world.account, by=world.staff)
    current_address.reset(token)
    assert delete_addresses(until=began + timedelta(days=1)) == 2
    assert AuditAddress.objects.count() == 1
    assert walk(str(world.office.pk)).fault == ""


# --- Who sees it ---------------------------------------------------------------------------------


def test_an_office_sees_its_own_trail_an_administrator_the_portals_and_others_nothing(world, cast):
    stranger = cast.stranger
    register.add_account(account=NewAccount(cast.elsewhere, "X", "@kim", "official"), by=stranger)
    people.invite(email="robin@example.ca", role="officer", by=world.admin)
    people.remove_staff(membership=world.membership, by=world.member)
    sees = {
        world.member: {world.office.pk},
        world.staff: set(),
        stranger: {cast.elsewhere_pk},
        world.admin: {None},
        cast.officer: set(),
    }
    for user, offices in sees.items():
        assert set(AuditEvent.objects.visible_to(user).values_list("office", flat=True)) == offices
    world.admin.is_active = world.member.is_active = False
    assert not AuditEvent.objects.visible_to(world.admin).exists()
    assert not AuditEvent.objects.visible_to(world.member).exists()


# --- Several at the same moment -----------------------------------------------------------------


@at_the_same_moment
@pytest.mark.parametrize("in_portal", [False, True])
def test_appends_at_the_same_moment_take_turns_and_no_chain_forks(in_portal):
    cast = make()
    office = None if in_portal else cast.office
    member, draft, people_, each = cast.member, cast.draft, 4, 25

    def append() -> None:
        for _ in range(each):
            with transaction.atomic():
                audit.append(office=office, action=Action.READY, about=draft, by=member)

    before = AuditEvent.objects.of_chain(office.pk if office else None).count()
    assert together(*[append] * people_) == [None] * people_
    walked = walk(str(office.pk) if office else "portal")
    assert (walked.fault, walked.mark.count) == ("", before + people_ * each)


@at_the_same_moment
def test_people_who_work_in_one_office_at_once_never_wait_for_one_another_in_a_circle():
    cast = make()
    world = World.of(cast, commented(cast))
    works: list[Callable[[int], Any]] = [
        lambda at: register.add_account(account=world.described(f"@{at}"), by=world.member),
        lambda at: world.save("yes" if at % 2 else "no"),
        lambda _: register.assess_account(account=world.account, by=world.staff),
        lambda _: drafts.keep_check(check=world.check(), account=world.account, by=world.member),
        lambda at: reviewing.comment(
            assessment=world.draft, about="whole", subject="", text=f"{at}", by=world.staff
        ),
    ]

    def twenty_times(work: Callable[[int], Any]) -> None:
        for at in range(20):
            work(at)

    assert together(*(partial(twenty_times, work) for work in works)) == [None] * len(works)
    assert walk(str(world.office.pk)).fault == ""
