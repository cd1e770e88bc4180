"""`demo_data` fills an empty database to explore; `purge_expired` deletes what has ended."""

import io
from datetime import UTC, date, datetime, timedelta

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from assessments.management.commands.demo_data import OFFICER
from assessments.models import AnonymousCheck, DeskEntry, Office, User
from assessments.services.answering import Change, save_answers
from assessments.services.drafts import start_check
from tests.cast import PASSWORD, person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("published")]


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


@pytest.mark.parametrize("day", [date(2026, 2, 1), date(2026, 11, 30), date(2027, 1, 15), date(2031, 3, 1)])
def test_on_any_day_the_desk_shows_when_to_contact_and_that_an_answer_is_needed(debug, time_machine, day):
    time_machine.move_to(datetime(day.year, day.month, day.day, 17, tzinfo=UTC))
    run("demo_data")
    assert DeskEntry.objects.count() > 1
    entry = DeskEntry.objects.get(member="Pat Lee")
    assert entry.contact == "now"
    assert (entry.advice_asked, entry.needed_by, entry.answered_at) == (True, day + timedelta(days=14), None)


def test_where_people_are_nothing_is_made(debug):
    person("someone")
    assert "No demonstration was added" in run("demo_data")
    assert (User.objects.count(), Office.objects.count()) == (1, 0)


def test_a_run_that_fails_half_way_leaves_nothing(debug, monkeypatch):
    monkeypatch.setattr(
        "assessments.management.commands.demo_data.save_answers",
        lambda **_: (_ for _ in ()).throw(RuntimeError("no disk")),
    )
    with pytest.raises(RuntimeError):
        run("demo_data")
    assert not User.objects.exists()


def test_people_in_whose_place_no_demonstration_was_made_get_no_authenticator(debug):
    User.objects.create_user(OFFICER.email, name="Somebody else", is_officer=True)
    run("demo_data")
    assert not Authenticator.objects.exists()


def test_without_a_demonstration_it_says_how_to_make_one(debug):
    with pytest.raises(CommandError, match="demo_data"):
        run("demo_code")


# --- What has ended ---------------------------------------------------------------


@pytest.fixture
def checks() -> tuple[AnonymousCheck, AnonymousCheck]:
    """One that has ended, and one that has not."""
    (ended, _), (live, _) = start_check(), start_check()
    for check in (ended, live):
        save_answers(draft=check, changes=[Change("resources.email", "yes", "")], by=None)
    AnonymousCheck.objects.filter(pk=ended.pk).update(ends_at=timezone.now() - timedelta(seconds=1))
    return ended, live


def test_checks_that_have_ended_are_deleted_with_their_answers_and_others_stay(checks):
    _, live = checks
    assert run("purge_expired").startswith("Anonymous self-checks deleted: 1.\n")
    assert list(AnonymousCheck.objects.all()) == [live]
    assert live.answers.count() == live.answers.model.objects.count() == 1


def test_where_people_were_signed_in_is_forgotten_with_the_session():
    who = person("member", password=PASSWORD)
    for _ in range(2):
        Client().post("/account/login/", {"login": who.email, "password": PASSWORD})
    ended = UserSession.objects.earliest("pk")
    Session.objects.filter(session_key=ended.session_key).update(expire_date=timezone.now())
    run("purge_expired")
    assert list(UserSession.objects.exclude(pk=ended.pk)) == list(UserSession.objects.all())
    assert UserSession.objects.count() == 1


def test_a_dry_run_counts_and_deletes_nothing(checks):
    assert "have ended: 1" in run("purge_expired", "--dry-run")
    assert AnonymousCheck.objects.count() == 2
