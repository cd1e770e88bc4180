"""`demo_data` fills an empty database to explore; `purge_expired` deletes what has ended."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from assessments.management.commands.demo_data import ADMINISTRATOR, OFFICER, SIGN_INS
from assessments.models import AnonymousCheck, Answer, Assessment, Office, Share, SocialAccount, User
from assessments.records.state import assessment_state
from assessments.services.answering import Change, save_answers
from assessments.services.drafts import start_check
from bulletin.publish import publish_edition
from bulletin.shelf import editions

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


@pytest.fixture(autouse=True)
def edition(db) -> None:
    for edition in editions().values():
        publish_edition(edition=edition)


@pytest.fixture
def debug(settings) -> None:
    settings.DEBUG = True


def run(command: str, *arguments: str) -> str:
    out = io.StringIO()
    call_command(command, *arguments, stdout=out)
    return out.getvalue()


# --- Demonstration --------------------------------------------------------------


def test_outside_debug_nobody_is_made_with_a_password_that_everybody_knows():
    with pytest.raises(CommandError, match="DEBUG=true"):
        run("demo_data")
    assert not User.objects.exists()


@pytest.mark.parametrize("who", SIGN_INS, ids=lambda person: person.role)
def test_each_role_signs_in_with_what_is_printed(debug, who):
    printed = run("demo_data")
    assert who.email in printed
    assert who.password in printed
    sent = {"login": who.email, "password": who.password}
    begins = {ADMINISTRATOR: "/people/", OFFICER: "/desk/"}.get(who, "/office/")
    assert Client().post("/account/login/", sent)["Location"] == begins


def test_the_member_and_their_staff_see_the_accounts_and_nobody_else_does(debug):
    run("demo_data")
    seen = [
        SocialAccount.objects.visible_to(User.objects.get(email=person.email)).count() for person in SIGN_INS
    ]
    assert seen == [4, 4, 0, 0]


def test_one_assessment_is_done_one_nearly_and_one_begun(debug):
    run("demo_data")
    today = timezone.localdate()
    left = [
        len(assessment_state(assessment, as_of=today).advisory.unanswered)
        for assessment in Assessment.objects.order_by("pk")
    ]
    assert left[0] == 0
    assert 0 < left[1] <= 6
    assert left[2] > 10


def test_one_is_attested_and_a_part_of_it_shared_with_a_question(debug, time_machine):
    time_machine.move_to(datetime(2026, 7, 1, 12, tzinfo=UTC))
    run("demo_data")
    share = Share.objects.get()
    assert share.request.question.endswith("?")
    assert share.attestation.overall == "contact_commissioner"


def test_the_answers_show_two_names(debug):
    run("demo_data")
    names = Answer.objects.order_by().values_list("answered_by__name", flat=True).distinct()
    assert set(names) == {"Pat Lee", "Sam Roy"}


def test_a_second_run_adds_nothing_and_prints_the_sign_ins_again(debug):
    first = run("demo_data")
    assert run("demo_data") == first
    assert (User.objects.count(), Office.objects.count(), Assessment.objects.count()) == (5, 2, 4)


def test_where_people_are_nothing_is_made(debug):
    User.objects.create_user("someone@example.ca")
    assert "no demonstration was added" in run("demo_data")
    assert (User.objects.count(), Office.objects.count()) == (1, 0)


def test_a_run_that_fails_half_way_leaves_nothing(debug, monkeypatch):
    monkeypatch.setattr(
        "assessments.management.commands.demo_data.save_answers",
        lambda **_: (_ for _ in ()).throw(RuntimeError("no disk")),
    )
    with pytest.raises(RuntimeError):
        run("demo_data")
    assert not User.objects.exists()


# --- What has ended ---------------------------------------------------------------


@pytest.fixture
def checks() -> tuple[AnonymousCheck, AnonymousCheck]:
    """One that has ended, and one that has not."""
    (ended, _), (live, _) = start_check(), start_check()
    for check in (ended, live):
        save_answers(draft=check, changes=[Change("resources.email", "yes", "", 0)], by=None)
    AnonymousCheck.objects.filter(pk=ended.pk).update(ends_at=timezone.now() - timedelta(seconds=1))
    return ended, live


def test_checks_that_have_ended_are_deleted_with_their_answers_and_others_stay(checks):
    _, live = checks
    assert run("purge_expired").startswith("Anonymous self-checks deleted: 1.\n")
    assert list(AnonymousCheck.objects.all()) == [live]
    assert live.answers.count() == live.answers.model.objects.count() == 1


def test_where_people_were_signed_in_is_forgotten_with_the_session(db, client):
    who = User.objects.create_user("member@example.ca", "quiet-harbour-9", name="Member")
    for _ in range(2):
        Client().post("/account/login/", {"login": who.email, "password": "quiet-harbour-9"})
    ended = UserSession.objects.earliest("pk")
    Session.objects.filter(session_key=ended.session_key).update(expire_date=timezone.now())
    run("purge_expired")
    assert list(UserSession.objects.exclude(pk=ended.pk)) == list(UserSession.objects.all())
    assert UserSession.objects.count() == 1


def test_a_dry_run_counts_and_deletes_nothing(checks):
    assert "have ended: 1" in run("purge_expired", "--dry-run")
    assert AnonymousCheck.objects.count() == 2
