"""Deleting drafts, retention settings, legal holds, and purging and erasing with every related record."""

import hashlib
import json
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, timedelta
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.apps import apps
from django.core import mail
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, OperationalError, connection, transaction
from django.utils import timezone

from assessments.models import (
    Answer,
    Assessment,
    Attestation,
    AuditAddress,
    AuditEvent,
    CommandRun,
    Notice,
    Office,
    OutgoingMail,
    Reminder,
    Share,
    ShorterRetention,
    StoredPdf,
)
from assessments.services import attesting, audit, drafts, retention, reviewing, sharing
from assessments.services.answering import AnswerVersion, Attested, Change, DraftGone, TermEnded, save_answers
from assessments.services.attesting import NotTheMember
from assessments.services.audit import Action, current_address
from assessments.services.audit_proof import walk
from tests.cast import HOLD, Cast, account_of, attested, client_of, make, office_of, person, shared

pytestmark = pytest.mark.django_db

TORONTO = ZoneInfo("America/Toronto")
NOW = datetime(2026, 6, 15, 12, 0, tzinfo=TORONTO)


class World:
    """The cast's Ward 10 without a self-check; an administrator; and a clock."""

    def __init__(self, cast: Cast, clock: Any) -> None:
        self.office, self.elsewhere, self.account = cast.office, cast.elsewhere, cast.account
        self.member, self.staff, self.admin = cast.member, cast.staff, cast.administrator
        self.clock = clock
        self.at(NOW)

    def at(self, moment: datetime) -> None:
        self.clock.move_to(moment, tick=False)

    def draft(self) -> Assessment:
        return drafts.start_assessment(account=self.account, by=self.staff)

    def answer(self, draft: Assessment, value: str = "yes") -> None:
        row = draft.answers.filter(question="resources.email").first()
        change = Change("resources.email", value, "", AnswerVersion.of_row(row))
        save_answers(draft=draft, changes=[change], by=self.staff)

    def comment(self, draft: Assessment) -> None:
        text = f"{timezone.now()}"
        reviewing.comment(assessment=draft, about="whole", subject="", text=text, by=self.staff)


@pytest.fixture(scope="module")
def module_without_drafts(module_cast: Cast) -> Cast:
    Assessment.objects.all().delete()
    return module_cast


@pytest.fixture
def files_of_this_test(settings, tmp_path) -> None:
    # In a shared folder, the files of other tests' records would be counted.
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def world(module_without_drafts, db, time_machine, files_of_this_test) -> World:
    return World(module_without_drafts, time_machine)


def run(*arguments: str) -> str:
    output = StringIO()
    call_command("purge_expired", *arguments, stdout=output)
    return output.getvalue()


def everything() -> dict[str, int]:
    """The number of rows of each of our tables, but for the one that notes when commands ran."""
    models = [model for model in apps.get_app_config("assessments").get_models() if model is not CommandRun]
    return {model.__name__: model._default_manager.count() for model in models}


# --- A draft ------------------------------------------------------------------------------------


def test_a_deleted_draft_disappears_from_everywhere_and_comes_back_whole(world):
    draft = world.draft()
    world.answer(draft)
    reviewing.mark_ready(assessment=draft, by=world.staff)
    client, home = client_of(world.staff), f"/office/accounts/{world.account.pk}"
    for page in (home, f"/assessments/{draft.pk}/"):
        assert f'action="/assessments/{draft.pk}/delete"' in client.get(page).content.decode()
    assert client.post(f"/assessments/{draft.pk}/delete")["Location"] == home
    page = client.get(home).content.decode()
    assert f'href="/assessments/{draft.pk}/"' not in page
    assert "Deleted by Sam Roy on 15 June 2026, 12:00 EDT" in page
    assert "until 15 July 2026, 12:00 EDT" in page
    for address in ("", "advisory", "answers.json", "review"):
        assert client.get(f"/assessments/{draft.pk}/{address}").status_code == 404
    assert "No self-check yet" in client.get("/office/").content.decode()
    assert not Notice.objects.visible_to(world.member).exists()
    with pytest.raises(DraftGone):
        world.answer(draft, "no")
    # A second press leads to the same page.
    assert client.post(f"/assessments/{draft.pk}/delete")["Location"] == home
    assert client.post(f"/assessments/{draft.pk}/restore")["Location"] == home
    draft.refresh_from_db()
    assert (draft.deleted_at, draft.deleted_by, draft.answers.count()) == (None, None, 1)
    assert client.get(f"/assessments/{draft.pk}/").status_code == 200


def test_a_deleted_draft_does_not_hide_the_one_before_it_from_the_register(world):
    first = world.draft()
    world.answer(first)
    second = world.draft()
    drafts.delete_draft(assessment=second, by=world.member)
    page = client_of(world.member).get("/office/").content.decode()
    assert "No self-check yet" not in page
    assert "2 drafts" not in page


def test_a_new_self_check_is_never_a_deleted_one(world):
    draft = world.draft()
    drafts.delete_draft(assessment=draft, by=world.member)
    answer = client_of(world.member).post(f"/office/accounts/{world.account.pk}/assess")
    assert answer["Location"] != f"/assessments/{draft.pk}/"


@pytest.mark.parametrize(("days", "comes_back"), [(29, True), (30, False), (31, False)])
def test_a_draft_can_be_brought_back_for_thirty_days(world, days, comes_back):
    draft = world.draft()
    drafts.delete_draft(assessment=draft, by=world.member)
    world.at(NOW + timedelta(days=days))
    page = client_of(world.member).get(f"/office/accounts/{world.account.pk}").content.decode()
    assert ("Deleted drafts" in page) is comes_back
    answer = client_of(world.member).post(f"/assessments/{draft.pk}/restore", follow=True)
    assert ("The draft is restored" in answer.content.decode()) is comes_back
    draft.refresh_from_db()
    assert (draft.deleted_at is None) is comes_back


def test_what_is_attested_is_no_draft_and_stays(world):
    attestation = attested(world.account)
    with pytest.raises(Attested):
        drafts.delete_draft(assessment=attestation.assessment, by=world.member)
    address = f"/assessments/{attestation.assessment_id}/"
    client = client_of(world.member)
    assert "it was not deleted" in client.post(f"{address}delete", follow=True).content.decode()
    for page in (address, f"/office/accounts/{world.account.pk}"):
        assert "/delete" not in client.get(page).content.decode()


@pytest.mark.parametrize("act", [drafts.delete_draft, drafts.restore_draft])
def test_after_a_term_nothing_is_deleted_or_brought_back(world, act):
    draft = world.draft()
    Office.objects.update(ends_on=date(2026, 6, 14))
    with pytest.raises(TermEnded):
        act(assessment=draft, by=world.member)
    address = f"/assessments/{draft.pk}/{act.__name__.partition('_')[0]}"
    assert (
        "The term of this office has ended"
        in client_of(world.member).post(address, follow=True).content.decode()
    )


# --- Retention settings ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("months", "years", "taken"),
    [
        (0, 5, False),
        (1, 5, True),
        (120, 5, True),
        (121, 5, False),
        (5, 0, False),
        (5, 1, True),
        (5, 30, True),
        (5, 31, False),
        ("", 5, False),
        ("six", 5, False),
    ],
)
def test_the_member_chooses_from_1_to_120_months_and_from_1_to_30_years(world, months, years, taken):
    address = f"/office/{world.office.pk}/keeping"
    sent = {"keep_drafts_months": months, "keep_attested_years": years}
    assert client_of(world.member).post(address, sent).status_code == (302 if taken else 200)
    # What is shorter comes into force after a day.
    world.at(NOW + timedelta(days=1))
    retention.start_shorter_retention(office=world.office, now=timezone.now())
    office = Office.objects.get(pk=world.office.pk)
    kept = (office.keep_drafts_months, office.keep_attested_years)
    assert kept == ((months, years) if taken else (24, 7))


def test_staff_read_it_and_see_of_a_hold_only_since_when(world):
    retention.set_hold(office=world.office, **HOLD, by=world.admin)
    client = client_of(world.staff)
    page = client.get(f"/office/{world.office.pk}/keeping").content.decode()
    assert "24 months after" in page
    assert "Since 15 June 2026, 12:00 EDT" in page
    assert 'name="keep_drafts_months"' not in page
    for address in ("keeping", "trail", "people"):
        assert "Alex" not in client.get(f"/office/{world.office.pk}/{address}").content.decode()


def test_only_the_member_of_a_current_term_changes_it(world):
    with pytest.raises(NotTheMember):
        retention.set_retention(office=world.office, drafts_months=1, attested_years=1, by=world.staff)
    Office.objects.update(ends_on=date(2026, 6, 14))
    sent = {"keep_drafts_months": 1, "keep_attested_years": 1}
    assert client_of(world.member).post(f"/office/{world.office.pk}/keeping", sent).status_code == 404


@pytest.mark.parametrize("page", ["keeping", "export"])
def test_only_during_the_term_a_page_speaks_of_restoring_drafts(world, page):
    address, client = f"/office/{world.office.pk}/{page}", client_of(world.member)
    assert "restore them" in client.get(address).content.decode()
    Office.objects.update(ends_on=date(2026, 6, 14))
    assert "restore them" not in client.get(address).content.decode()


def test_an_administrator_sets_and_lifts_a_hold_after_a_fresh_proof(world):
    address = f"/people/offices/{world.office.pk}/hold"
    client = client_of(world.admin)
    assert "Set a legal hold" in client.get("/people/").content.decode()
    assert client.post(address, {"hold": "set"} | HOLD)["Location"] == "/people/"
    world.office.refresh_from_db()
    assert (world.office.held_at, world.office.held_by) == (NOW, world.admin)
    html = client.get("/people/").content.decode()
    assert "Set 15 Jun 2026" in html
    assert HOLD["file_number"] in html
    assert HOLD["reason"] in client.get(address).content.decode()
    again = client.post(address, {"hold": "set", "reason": "Another.", "file_number": "1"}, follow=True)
    assert "already has a legal hold" in again.content.decode()
    assert client.post(address).status_code == 404
    world.office.refresh_from_db()
    assert world.office.held_at == NOW
    (mark,) = re.findall(r'name="seen" value="([^"]+)"', client.get(address).content.decode())
    other = (NOW - timedelta(minutes=1)).isoformat()
    for sent in ({}, {"seen": other}):
        refused = client.post(address, {"hold": "lift"} | sent, follow=True)
        assert "was lifted or replaced after you opened the page" in refused.content.decode()
        world.office.refresh_from_db()
        assert world.office.held_at == NOW
    client.post(address, {"hold": "lift", "seen": mark})
    world.office.refresh_from_db()
    assert (world.office.held_at, world.office.held_by, world.office.hold_reason) == (None, None, "")
    assert client_of(world.member).post(address, {"hold": "set"}).status_code == 404
    stale = client_of(world.admin)
    world.at(NOW + timedelta(minutes=16))
    assert stale.post(address, {"hold": "set"}).status_code == 409


@pytest.mark.parametrize("missing", ["reason", "file_number"])
@pytest.mark.parametrize("value", ["", " \u200b ", "x" * 501])
def test_a_hold_needs_a_reason_and_a_file_number_and_what_was_typed_stays(world, missing, value):
    address = f"/people/offices/{world.office.pk}/hold"
    answer = client_of(world.admin).post(address, {"hold": "set"} | HOLD | {missing: value})
    (kept,) = {"reason", "file_number"} - {missing}
    assert answer.status_code == 200
    assert HOLD[kept] in answer.content.decode()
    label = {"reason": "reason", "file_number": "file number"}[missing]
    assert (
        f"Enter the {label}" if value.strip("\u200b ") == "" else "Use at most"
    ) in answer.content.decode()
    world.office.refresh_from_db()
    assert world.office.held_at is None


@pytest.mark.parametrize("left_out", ["held_at", "held_by", "hold_reason", "hold_file_number"])
def test_a_hold_is_whole_or_absent(world, left_out):
    columns = {"held_at": NOW, "held_by": world.admin, "hold_reason": "A.", "hold_file_number": "1"}
    empty = None if left_out.startswith("held") else ""
    with pytest.raises(IntegrityError, match="office_hold_is_whole_or_absent"), transaction.atomic():
        Office.objects.filter(pk=world.office.pk).update(**columns | {left_out: empty})


def test_the_office_sees_a_hold_and_neither_its_reason_nor_its_file_number(world):
    retention.set_hold(office=world.office, **HOLD, by=world.admin)
    for name in ("settings", "keeping", "trail", "people", "export", "erase"):
        html = client_of(world.member).get(f"/office/{world.office.pk}/{name}").content.decode()
        assert HOLD["reason"] not in html
        assert HOLD["file_number"] not in html
        assert name not in ("settings", "keeping", "erase") or "legal hold" in html.lower()


def test_the_event_of_a_hold_has_the_hash_of_its_reason_and_file_number(world):
    retention.set_hold(office=world.office, **HOLD, by=world.admin)
    event = AuditEvent.objects.of_chain(None).latest("number")
    text = json.dumps([HOLD["reason"], HOLD["file_number"]])
    assert event.record_hash == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("months", "years", "error"),
    [
        (
            "0",
            "7",
            "Months to keep a draft after the last answer or comment: Enter a whole number from 1 to 120.",
        ),
        ("", "7", "Enter the months to keep a draft after the last answer or comment."),
        (
            "24",
            "1.5",
            "Years to keep an attested self-check: Enter a whole number from 1 to 30.",
        ),
        ("24", "31", "Enter a whole number from 1 to 30."),
    ],
)
def test_the_error_of_a_period_names_the_field_and_what_to_enter(world, months, years, error):
    sent = {"keep_drafts_months": months, "keep_attested_years": years}
    html = client_of(world.member).post(f"/office/{world.office.pk}/keeping", sent).content.decode()
    assert error in html
    assert "Ensure this value" not in html


# --- Purging by age ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "months", "then"),
    [
        ("2026-06-15", 1, "2026-05-15"),
        ("2026-01-31", 1, "2025-12-31"),
        ("2026-03-31", 1, "2026-02-28"),
        ("2028-02-29", 12, "2027-02-28"),
        ("2026-11-25", 24, "2024-11-25"),
        ("2026-12-01", 120, "2016-12-01"),
        ("2026-01-15", 360, "1996-01-15"),
    ],
)
def test_months_are_counted_back_in_toronto(now, months, then):
    # Late in the evening in Toronto, when it is the next day in UTC.
    moment = datetime.fromisoformat(f"{now}T23:30").replace(tzinfo=TORONTO)
    wanted = datetime.fromisoformat(f"{then}T23:30").replace(tzinfo=TORONTO)
    assert retention.before(moment.astimezone(ZoneInfo("UTC")), months=months) == wanted


def _nothing(_: World, __: Assessment) -> None:
    pass


@pytest.mark.parametrize(
    ("change", "changed_on", "now", "stays"),
    [
        (_nothing, None, "2028-06-14", True),
        (_nothing, None, "2028-06-15", False),
        (_nothing, None, "2028-06-16", False),
        (World.answer, "2026-08-31", "2028-08-30", True),
        (World.answer, "2026-08-31", "2028-08-31", False),
        (World.comment, "2026-09-01", "2028-08-31", True),
        (World.comment, "2026-09-01", "2028-09-01", False),
    ],
)
def test_a_draft_goes_so_many_months_after_its_last_change(world, change, changed_on, now, stays):
    draft = world.draft()
    if changed_on:
        world.at(datetime.fromisoformat(f"{changed_on}T12:00").replace(tzinfo=TORONTO))
        change(world, draft)
    world.at(datetime.fromisoformat(f"{now}T12:00").replace(tzinfo=TORONTO))
    assert ("Expired drafts: 1 deleted." in run()) is not stays
    assert Assessment.objects.filter(pk=draft.pk).exists() is stays


def test_times_that_would_delete_something_now_are_asked_about_first(world):
    whole(world)
    world.at(NOW + timedelta(days=3 * 366))
    client, address = client_of(world.member), f"/office/{world.office.pk}/keeping"
    shorter = {"keep_drafts_months": 24, "keep_attested_years": 1}
    asked = client.post(address, shorter).content.decode()
    assert "With these periods, 1 self-check would be permanently deleted" in asked
    world.office.refresh_from_db()
    assert world.office.keep_attested_years == 7
    assert client.post(address, shorter | {"sure": "on"}).status_code == 302
    world.office.refresh_from_db()
    assert world.office.keep_attested_years == 7
    world.at(timezone.now() + timedelta(days=1))
    run()
    world.office.refresh_from_db()
    assert world.office.keep_attested_years == 1
    assert not Attestation.objects.exists()


def test_a_shorter_period_starts_after_a_day_and_deletes_nothing_before(world):
    whole(world)
    world.at(NOW + timedelta(days=3 * 366))
    retention.set_retention(office=world.office, drafts_months=24, attested_years=1, by=world.member)
    chosen_at = timezone.now()
    for wait, stays in ((timedelta(hours=23, minutes=59), True), (timedelta(days=1), False)):
        world.at(chosen_at + wait)
        run()
        assert Attestation.objects.exists() is stays


def test_the_member_is_emailed_and_keeps_the_present_periods(world, django_capture_on_commit_callbacks):
    client, address = client_of(world.member), f"/office/{world.office.pk}/keeping"
    shorter = {"keep_drafts_months": 12, "keep_attested_years": 7}
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(2):
            assert client.post(address, shorter).status_code == 302
    (message,) = mail.outbox
    assert message.to == ["member@example.ca"]
    assert "start on 16 June 2026, 12:00 EDT." in message.body
    page = client.get(address).content.decode()
    assert "Shorter periods start on 16 June 2026, 12:00 EDT" in page
    assert "kept for 12 months" in page
    form = re.search(r"<form method=.post.>(?:(?!</form>).)*Keep the current periods", page, re.DOTALL)
    assert form
    hidden = dict(re.findall(r'name="(keep_\w+)"\s+value="(\d+)"', form[0]))
    assert client.post(address, hidden).status_code == 302
    assert not ShorterRetention.objects.exists()
    world.at(NOW + timedelta(days=2))
    run()
    assert Office.objects.get(pk=world.office.pk).keep_drafts_months == 24
    actions = AuditEvent.objects.of_chain(world.office.pk).values_list("action", flat=True)[:2]
    assert list(actions) == [Action.RETENTION_KEPT, Action.RETENTION_CHOSEN]


def test_a_second_change_keeps_the_first_and_each_page_says_what_happens(world):
    client, address = client_of(world.member), f"/office/{world.office.pk}/keeping"

    def choose(months: int, years: int) -> str:
        sent = {"keep_drafts_months": months, "keep_attested_years": years, "sure": "on"}
        return client.post(address, sent, follow=True).content.decode()

    starts = "Shorter periods start on "
    page = choose(12, 7)
    assert f"<p>{starts}" in page
    assert 'name="keep_drafts_months" value="12"' in page
    assert "longer period is saved" not in page
    page = choose(12, 8)
    assert "The longer period is saved. Shorter periods start on " in page
    assert 'name="keep_attested_years" value="8"' in page
    assert "Cancelled. The current periods stay." in choose(24, 8)
    assert "Saved." in choose(24, 9)
    choose(12, 9)
    assert "Saved. The shorter periods are cancelled." in choose(30, 9)


def test_an_unattended_session_neither_shortens_nor_lengthens(world):
    client, address = client_of(world.member), f"/office/{world.office.pk}/keeping"
    world.at(NOW + timedelta(minutes=33))
    for months in (1, 120):
        sent = {"keep_drafts_months": months, "keep_attested_years": 7, "sure": "on"}
        assert client.post(address, sent).status_code == 409
    assert client.get(address).status_code == 200
    assert not ShorterRetention.objects.exists()


def test_a_longer_period_counts_at_once_and_ends_the_wait_for_a_shorter_one(world):
    retention.set_retention(office=world.office, drafts_months=1, attested_years=1, by=world.member)
    retention.set_retention(office=world.office, drafts_months=36, attested_years=9, by=world.member)
    assert not ShorterRetention.objects.exists()
    assert Office.objects.get(pk=world.office.pk).keep_drafts_months == 36


def test_of_a_mixed_choice_the_longer_period_counts_at_once_and_the_shorter_one_after_a_day(world):
    before = world.office.keep_attested_years
    for _ in range(2):
        retention.set_retention(office=world.office, drafts_months=48, attested_years=1, by=world.member)
    office = Office.objects.get(pk=world.office.pk)
    assert (office.keep_drafts_months, office.keep_attested_years) == (48, before)
    actions = AuditEvent.objects.of_chain(office.pk).values_list("action", flat=True)[:2]
    assert list(actions) == [Action.RETENTION_CHOSEN, Action.RETENTION_CHANGED]
    world.at(NOW + timedelta(days=1))
    run()
    office.refresh_from_db()
    assert (office.keep_drafts_months, office.keep_attested_years) == (48, 1)


def test_an_email_about_periods_that_are_not_chosen_any_more_is_not_sent(world):
    """The mail server did not take it in time."""
    waiting = OutgoingMail.objects.filter(name="retention")
    for months in (12, 6):
        retention.set_retention(office=world.office, drafts_months=months, attested_years=7, by=world.member)
        assert waiting.count() == 1
    retention.set_retention(office=world.office, drafts_months=24, attested_years=7, by=world.member)
    assert not waiting.exists()


@pytest.mark.parametrize(("months", "stays"), [(1, False), (2, False), (3, True)])
def test_the_office_says_how_many_months(world, months, stays):
    draft = world.draft()
    retention.set_retention(office=world.office, drafts_months=months, attested_years=7, by=world.member)
    world.at(NOW.replace(month=8))
    run()
    assert Assessment.objects.filter(pk=draft.pk).exists() is stays


@pytest.mark.parametrize(("days", "stays"), [(29, True), (30, False), (31, False)])
def test_a_deleted_draft_goes_after_thirty_days(world, days, stays):
    draft = world.draft()
    world.answer(draft)
    drafts.delete_draft(assessment=draft, by=world.staff)
    world.at(NOW + timedelta(days=days))
    run()
    assert Assessment.objects.filter(pk=draft.pk).exists() is stays
    assert Answer.objects.exists() is stays


def stored(record: Attestation | Share) -> str:
    """Store a file as a record's PDF without printing it; return its name."""
    kind = "attestation" if isinstance(record, Attestation) else "share"
    name = default_storage.save(f"{kind}s/{record.pk}/{'0' * 60}.pdf", ContentFile(b"a print"))
    StoredPdf.objects.create(name=name, sha256="0" * 64, size=7, **{kind: record})
    return name


def whole(world: World) -> tuple[Attestation, list[str]]:
    """An attestation with every kind of related record, and the names of its files."""
    attestation = attested(world.account)
    world.comment(attestation.assessment)
    reviewing.look(assessment=attestation.assessment, by=world.staff)
    standing = shared(attestation, ask="May I?")
    sharing.write_advice(share=standing, text="Then I wait.", by=world.member)
    withdrawn = shared(attestation, nonce="b" * 64)
    sharing.withdraw(share=withdrawn, by=world.member)
    Reminder.objects.create(attestation=attestation, user=world.staff, due=date(2026, 8, 14), days_before=7)
    return attestation, [stored(attestation), stored(standing), stored(withdrawn)]


LEFT = {"AuditEvent", "AuditHead", "AuditAddress", "Membership", "Office", "SocialAccount", "User"}


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("years", "days", "stays"), [(7, -1, True), (7, 0, False), (7, 1, False), (8, 0, False)]
)
def test_what_was_attested_goes_after_so_many_years_with_all_that_hangs_on_it(
    world, years, days, stays, django_capture_on_commit_callbacks
):
    attestation, names = whole(world)
    copy = Assessment.objects.create(
        account=world.account,
        edition=attestation.assessment.edition,
        election="toronto-2026",
        started_by=world.member,
        started_at=NOW.replace(year=2030),
        copied_from=attestation.assessment,
    )
    retention.set_retention(office=world.office, drafts_months=120, attested_years=7, by=world.member)
    before = everything()
    world.at(NOW.replace(year=NOW.year + years) + timedelta(days=days))
    with django_capture_on_commit_callbacks() as callbacks:
        output = run()
    assert ("Expired attested self-checks: 1 deleted." in output) is not stays
    if stays:
        # But for the file of what was withdrawn, which should have been gone already.
        assert [default_storage.exists(name) for name in names] == [True, True, False]
        assert everything() == before
        return
    assert {name for name, count in everything().items() if count} == LEFT - {"AuditAddress"} | {"Assessment"}
    copy.refresh_from_db()
    assert copy.copied_from is None
    last = AuditEvent.objects.of_chain(world.office.pk).first()
    assert last is not None
    assert (last.action, last.actor, last.record_type) == (Action.PURGED, None, "assessment")
    assert last.record_id == attestation.assessment_id
    assert walk(str(world.office.pk)).fault == ""
    for callback in callbacks:
        callback()
    assert not any(map(default_storage.exists, names))


@pytest.mark.postgres
def test_files_stay_until_the_deletion_is_kept(world, monkeypatch):
    _, names = whole(world)
    monkeypatch.setattr(audit, "append", _broken)
    world.at(NOW.replace(year=2034))
    with pytest.raises(CommandError, match="The next run tries again"):
        run()
    assert Attestation.objects.exists()
    assert all(map(default_storage.exists, names[:2]))


def _broken(**_: Any) -> None:
    raise DatabaseError("what a row says")


def test_one_that_cannot_be_deleted_stops_no_other(world, monkeypatch, caplog):
    stuck, other = world.draft(), world.draft()
    real = retention._delete

    def delete(keys: Any) -> None:
        if stuck.pk in keys:
            raise DatabaseError("what a row says")
        real(keys)

    monkeypatch.setattr(retention, "_delete", delete)
    world.at(NOW.replace(year=2029))
    with pytest.raises(CommandError, match=f"self-checks {stuck.pk}\\."):
        run()
    assert list(Assessment.objects.all()) == [stuck]
    assert "what a row says" not in caplog.text
    monkeypatch.undo()
    world.at(NOW.replace(year=2029))
    run()
    assert not Assessment.objects.exists()
    assert other.pk


def test_an_office_that_is_busy_stops_no_other(world, monkeypatch):
    retention.set_retention(office=world.office, drafts_months=1, attested_years=1, by=world.member)
    draft = world.draft()
    world.at(NOW.replace(year=2029))
    busy = office_of(person("busy"), "Ward 99")
    later = ShorterRetention.objects.get()
    ShorterRetention.objects.create(
        office=busy,
        keep_drafts_months=1,
        keep_attested_years=1,
        chosen_by=world.member,
        starts_at=later.starts_at,
    )
    real = retention._locked

    def locked(office: Office) -> Office:
        if office.pk == busy.pk:
            raise OperationalError("locked")
        return real(office)

    monkeypatch.setattr(retention, "_locked", locked)
    with pytest.raises(CommandError, match=f"offices {busy.pk}\\."):
        run()
    assert not Assessment.objects.filter(pk=draft.pk).exists()
    assert list(ShorterRetention.objects.values_list("office", flat=True)) == [busy.pk]
    assert Office.objects.get(pk=world.office.pk).keep_attested_years == 1


@pytest.mark.postgres
@pytest.mark.parametrize(
    "meanwhile",
    [
        lambda w, draft: w.answer(draft),
        lambda w, draft: w.comment(draft),
        lambda w, _: retention.set_hold(office=w.office, **HOLD, by=w.admin),
        lambda w, draft: drafts.delete_draft(assessment=draft, by=w.member),
        lambda _, __: Office.objects.update(keep_drafts_months=120),
    ],
    ids=["answered", "commented on", "held", "deleted, and so restorable", "kept longer"],
)
def test_what_changed_as_it_was_about_to_go_stays(world, monkeypatch, meanwhile: Callable[..., Any]):
    draft = world.draft()
    world.at(NOW.replace(year=2029))
    real = retention._locked

    def locked(office: Office) -> Office:
        monkeypatch.undo()
        meanwhile(world, draft)
        return real(office)

    monkeypatch.setattr(retention, "_locked", locked)
    retention.purge_expired()
    assert Assessment.objects.filter(pk=draft.pk).exists()


@pytest.mark.postgres
def test_a_legal_hold_stops_everything_of_its_office_and_of_no_other(world):
    token = current_address.set("192.0.2.7")
    _, names = whole(world)
    draft = world.draft()
    drafts.delete_draft(assessment=draft, by=world.staff)
    world.draft()
    other = world.elsewhere
    elsewhere = account_of(other)
    drafts.start_assessment(account=elsewhere, by=other.member)
    current_address.reset(token)
    retention.set_hold(office=world.office, **HOLD, by=world.admin)
    addresses = AuditAddress.objects.filter(event__office=world.office).count()
    world.at(NOW.replace(year=2050))
    output = run()
    assert "Offices under a legal hold, whose records are kept: 1." in output
    assert Assessment.objects.filter(account=world.account).count() == 3
    assert all(map(default_storage.exists, names))
    assert not Assessment.objects.filter(account=elsewhere).exists()
    assert AuditAddress.objects.filter(event__office=world.office).count() == addresses
    assert not AuditAddress.objects.filter(event__office=other).exists()
    mark = Office.objects.get(pk=world.office.pk).hold_mark
    retention.lift_hold(office=world.office, seen=mark, by=world.admin)
    run()
    assert not Assessment.objects.exists()
    assert not AuditAddress.objects.exists()


@pytest.mark.parametrize(("days", "stays"), [(89, True), (90, False), (91, False)])
def test_network_addresses_are_kept_for_ninety_days(world, days, stays):
    token = current_address.set("192.0.2.7")
    world.draft()
    retention.set_hold(office=world.office, **HOLD, by=world.admin)
    mark = Office.objects.get(pk=world.office.pk).hold_mark
    retention.lift_hold(office=world.office, seen=mark, by=world.admin)
    current_address.reset(token)
    world.at(NOW + timedelta(days=days))
    assert f"90 days old: {0 if stays else 3} deleted." in run()
    assert AuditAddress.objects.count() == (3 if stays else 0)
    assert {walk(chain).fault for chain in (str(world.office.pk), "portal")} == {""}


def test_files_of_what_was_withdrawn_or_is_gone_are_found_again(world):
    attestation, names = whole(world)
    lost = [
        default_storage.save(f"{folder}/987654/{'1' * 60}.pdf", ContentFile(b"a print"))
        for folder in ("attestations", "shares")
    ]
    elsewhere = default_storage.save("attestations/read.me", ContentFile(b"no print"))
    assert "withdrawn or deleted records: 3 to delete." in run("--dry-run")
    assert "withdrawn or deleted records: 3 deleted." in run()
    assert [*map(default_storage.exists, [*names, *lost, elsewhere])] == [
        True,
        True,
        False,
        False,
        False,
        True,
    ]
    assert "withdrawn or deleted records: 0 deleted." in run()
    assert attestation.pdfs.count() == 1


def test_a_print_of_what_was_withdrawn_goes_even_where_its_printer_was_stopped_before_it_was_counted(world):
    _, names = whole(world)
    folder = names[2].rpartition("/")[0]
    uncounted = default_storage.save(f"{folder}/{'1' * 64}.pdf", ContentFile(b"a print"))
    assert "withdrawn or deleted records: 2 deleted." in run()
    assert not default_storage.exists(uncounted)


def test_a_file_that_cannot_be_deleted_is_tried_again(world, monkeypatch):
    _, names = whole(world)

    def refuse(_: str) -> None:
        raise PermissionError

    monkeypatch.setattr(default_storage, "delete", refuse)
    assert "withdrawn or deleted records: 0 deleted." in run()
    monkeypatch.undo()
    world.at(NOW)
    assert "withdrawn or deleted records: 1 deleted." in run()
    assert not default_storage.exists(names[2])


def test_what_a_killed_check_of_the_storage_left_goes_after_a_day(world):
    name = default_storage.save("health/0123", ContentFile(b"ready"))
    written = default_storage.get_modified_time(name)
    world.at(written + timedelta(days=1, seconds=-1))
    assert "withdrawn or deleted records: 0 deleted." in run()
    world.at(written + timedelta(days=1))
    assert "withdrawn or deleted records: 1 deleted." in run()
    assert not default_storage.exists(name)


@pytest.mark.parametrize("how", [(), ("--dry-run",)])
def test_without_its_storage_all_else_is_done_and_it_ends_with_a_fault(world, monkeypatch, how):
    def refuse(_: str) -> None:
        raise OSError("no answer")

    drafts.delete_draft(assessment=world.draft(), by=world.staff)
    world.at(NOW.replace(year=2050))
    monkeypatch.setattr(default_storage, "listdir", refuse)
    with pytest.raises(CommandError, match="Cannot read the file storage"):
        run(*how)
    assert Assessment.objects.exists() is bool(how)


@pytest.mark.postgres
def test_a_dry_run_counts_all_of_it_and_changes_nothing(world):
    token = current_address.set("192.0.2.7")
    _, names = whole(world)
    drafts.delete_draft(assessment=world.draft(), by=world.staff)
    world.draft()
    current_address.reset(token)
    world.at(NOW.replace(year=2050))
    before = everything()
    addresses = AuditAddress.objects.count()
    output = run("--dry-run")
    assert everything() == before
    assert all(map(default_storage.exists, names))
    assert "Nothing was deleted." in output
    lines = [line.rpartition(": ")[2] for line in output.splitlines() if line.endswith("to delete.")]
    assert lines == [f"{count} to delete." for count in (1, 1, 1, 0, addresses, 1)]


# --- Erasing by the member ------------------------------------------------------------------------


@pytest.mark.postgres
def test_the_member_erases_everything_and_the_trail_stays_without_addresses(
    world, django_capture_on_commit_callbacks
):
    token = current_address.set("192.0.2.7")
    _, names = whole(world)
    drafts.delete_draft(assessment=world.draft(), by=world.staff)
    current_address.reset(token)
    client, address = client_of(world.member), f"/office/{world.office.pk}/erase"
    page = client.get(address).content.decode()
    assert "2 self-checks will be permanently deleted now" in page
    assert "Type the name of your office" in page
    assert (
        "This is not the name of your office"
        in client.post(address, {"name_of_office": "Ward 1"}).content.decode()
    )
    assert Assessment.objects.count() == 2
    events = AuditEvent.objects.of_chain(world.office.pk).count()
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(address, {"name_of_office": " ward\u00a010\u200b "}, follow=True)
    assert "2 self-checks are erased" in answer.content.decode()
    assert {name for name, count in everything().items() if count} == LEFT - {"AuditAddress"}
    assert not any(map(default_storage.exists, names))
    done = AuditEvent.objects.of_chain(world.office.pk).order_by("number").values_list("action", flat=True)
    assert list(done)[events:] == [Action.SHARE_WITHDRAWN, Action.ERASED]
    assert walk(str(world.office.pk)).fault == ""
    assert client.get(f"/office/{world.office.pk}/trail").status_code == 200


def test_under_a_hold_nothing_is_erased_and_the_page_says_so(world):
    whole(world)
    client, address = client_of(world.member), f"/office/{world.office.pk}/erase"
    retention.set_hold(office=world.office, **HOLD, by=world.admin)
    before = everything()
    assert 'name="name_of_office"' not in client.get(address).content.decode()
    page = client.post(address, {"name_of_office": "Ward 10"}).content.decode()
    assert "This office is under a legal hold, so nothing can be erased" in page
    assert everything() == before


def test_nobody_else_erases_and_the_member_only_after_a_fresh_proof(world):
    world.draft()
    address = f"/office/{world.office.pk}/erase"
    with pytest.raises(NotTheMember):
        retention.erase(office=world.office, by=world.staff)
    for user in (world.staff, world.admin):
        assert client_of(user).post(address, {"name_of_office": "Ward 10"}).status_code == 404
    stale = client_of(world.member)
    world.at(NOW + timedelta(minutes=16))
    assert stale.post(address, {"name_of_office": "Ward 10"}).status_code == 409
    assert stale.get(address).status_code == 302
    assert Assessment.objects.exists()


@pytest.mark.postgres
def test_an_erasure_that_fails_half_way_erases_nothing(world, monkeypatch):
    _, names = whole(world)
    before = everything()
    monkeypatch.setattr(audit, "append", _broken)
    with pytest.raises(DatabaseError):
        retention.erase(office=world.office, by=world.member)
    assert everything() == before
    assert all(map(default_storage.exists, names))


def test_after_a_term_the_member_can_still_erase(world):
    world.draft()
    Office.objects.update(ends_on=date(2026, 6, 14))
    client_of(world.member).post(f"/office/{world.office.pk}/erase", {"name_of_office": "Ward 10"})
    assert not Assessment.objects.exists()


def test_the_trail_tells_of_each_in_words(world):
    retention.set_retention(office=world.office, drafts_months=1, attested_years=1, by=world.member)
    draft = world.draft()
    drafts.delete_draft(assessment=draft, by=world.staff)
    drafts.restore_draft(assessment=draft, by=world.member)
    world.at(NOW.replace(year=2028))
    retention.purge_expired()
    retention.erase(office=world.office, by=world.member)
    page = client_of(world.member).get(f"/office/{world.office.pk}/trail").content.decode()
    for words in (
        "Ana Silva chose shorter retention periods: Ward 10",
        "The portal changed the retention periods: Ward 10",
        "The portal deleted a self-check past its retention period",
        "Ana Silva erased all self-checks: Ward 10",
    ):
        assert words in page


# --- Two at the same moment -------------------------------------------------------------------


def at_once(*works: Callable[[], Any]) -> list[Exception]:
    """Run functions in threads that start together; return the exceptions."""
    start, trouble = threading.Barrier(len(works)), []

    def go(work: Callable[[], Any]) -> None:
        start.wait(timeout=20)
        try:
            work()
        except Exception as error:  # noqa: BLE001 - returned below
            trouble.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=go, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return trouble


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgres
def test_who_deletes_and_who_works_take_turns_and_never_wait_in_a_circle(
    time_machine, files_of_this_test, monkeypatch
):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite lets one in after the other, whatever the code does")
    for module in (attesting, sharing):
        monkeypatch.setattr(module, "print_soon", lambda _: None)
    world = World(make(), time_machine)
    attestation = attested(world.account)
    shares = [shared(attestation, ask="May I?", nonce=f"{at:064x}") for at in range(12)]
    old, answered = [world.draft() for _ in range(12)], set()
    world.at(NOW.replace(year=2030))

    def answer() -> None:
        for draft in old:
            with suppress(DraftGone):
                world.answer(draft)
                answered.add(draft.pk)

    def withdraw() -> None:
        for share in shares:
            with suppress(Share.DoesNotExist):
                sharing.withdraw(share=share, by=world.member)

    def comment() -> None:
        for _ in range(12):
            with suppress(DraftGone):
                world.comment(attestation.assessment)

    def delete() -> None:
        assert retention.purge_expired().failed == []
        retention.erase(office=world.office, by=world.member)

    assert at_once(answer, withdraw, comment, delete) == []
    assert not Attestation.objects.exists()
    # The draft that someone answered was not purged by its age, and in the end everything was erased.
    purged = AuditEvent.objects.filter(action=Action.PURGED).values_list("record_id", flat=True)
    assert not set(purged) & answered
    assert walk(str(world.office.pk)).fault == ""
