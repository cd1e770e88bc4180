"""`demo_data` fills an empty database to explore; `purge_expired` deletes what has ended."""

import io
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from assessments.management import demo_authenticator
from assessments.management.commands.demo_data import ADMINISTRATOR, OFFICER, SIGN_INS, SignIn
from assessments.models import (
    AnonymousCheck,
    Answer,
    Assessment,
    DeskEntry,
    Office,
    Share,
    SocialAccount,
    User,
)
from assessments.records.state import assessment_state
from assessments.services.answering import Change, save_answers
from assessments.services.drafts import start_check
from bulletin.publish import publish_edition
from bulletin.shelf import editions
from tests.second_step import with_second_step

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
    client, sent = Client(), {"login": who.email, "password": who.password}
    answer = client.post("/account/login/", sent)
    if who in (OFFICER, ADMINISTRATOR):
        assert answer["Location"] == "/account/second-step/"
        (code,) = re.findall(rf"{re.escape(who.password)} +code (\d{{6}})$", printed, re.MULTILINE)
        answer = client.post("/account/second-step/", {"code": code})
    begins = {ADMINISTRATOR: "/people/", OFFICER: "/desk/"}.get(who, "/office/")
    assert answer["Location"] == begins
    assert client.get(begins).status_code == 200


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
    assert share.request.needed_by == date(2026, 7, 15)
    assert share.attestation.overall == "contact_commissioner"


@pytest.mark.parametrize("day", [date(2026, 2, 1), date(2026, 11, 30), date(2027, 1, 15), date(2031, 3, 1)])
def test_on_any_day_the_desk_shows_when_to_contact_and_that_an_answer_is_needed(debug, time_machine, day):
    time_machine.move_to(datetime(day.year, day.month, day.day, 17, tzinfo=UTC))
    run("demo_data")
    entry = DeskEntry.objects.get()
    assert entry.contact == "now"
    assert (entry.advice_asked, entry.needed_by, entry.answered_at) == (True, day + timedelta(days=14), None)


def test_the_answers_show_two_names(debug):
    run("demo_data")
    names = Answer.objects.order_by().values_list("answered_by__name", flat=True).distinct()
    assert set(names) == {"Pat Lee", "Sam Roy"}


def test_a_second_run_adds_nothing_and_prints_the_sign_ins_again(debug, time_machine):
    time_machine.move_to(datetime(2026, 7, 1, 12, tzinfo=UTC), tick=False)
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


def test_a_demonstration_without_authenticators_gets_them_at_the_next_run(debug):
    run("demo_data")
    run("forget_second_step", OFFICER.email)
    run("demo_data")
    assert Authenticator.objects.filter(user__email=OFFICER.email).exists()


def test_people_in_whose_place_no_demonstration_was_made_get_no_authenticator(debug):
    User.objects.create_user(OFFICER.email, name="Somebody else", is_officer=True)
    run("demo_data")
    assert not Authenticator.objects.exists()


# --- The code of the moment -----------------------------------------------------

AT = datetime(2026, 7, 1, 12, 0, 10, tzinfo=UTC)
"""Ten seconds into a code's half minute."""


@pytest.fixture
def demonstration(debug, time_machine) -> Any:
    time_machine.move_to(AT, tick=False)
    run("demo_data")
    return time_machine


def code_line(who: SignIn) -> tuple[str, int]:
    (line,) = run("demo_code", who.email).splitlines()
    match = re.fullmatch(rf"{re.escape(who.email)} +(\d{{6}}) +valid for (\d+) seconds", line)
    assert match, line
    return match[1], int(match[2])


def sign_in(who: SignIn, code: str) -> bool:
    client = Client()
    client.post("/account/login/", {"login": who.email, "password": who.password})
    client.post("/account/second-step/", {"code": code})
    return client.get("/account/sessions/").status_code == 200


def test_the_code_signs_in_until_the_seconds_are_over(demonstration):
    code, seconds = code_line(OFFICER)
    assert seconds == 50
    demonstration.move_to(AT + timedelta(seconds=50), tick=False)
    assert not sign_in(OFFICER, code)
    demonstration.move_to(AT + timedelta(seconds=49), tick=False)
    assert sign_in(OFFICER, code)


def test_whoever_signs_in_twice_in_a_row_gets_a_second_code_and_then_how_long_to_wait(demonstration):
    first, _ = code_line(OFFICER)
    assert sign_in(OFFICER, first)
    second, seconds = code_line(OFFICER)
    assert second != first
    assert seconds == 80
    assert sign_in(OFFICER, second)
    assert run("demo_code", OFFICER.email) == f"{OFFICER.email}  wait 20 seconds, then run demo_code\n"
    demonstration.move_to(AT + timedelta(seconds=20), tick=False)
    third, _ = code_line(OFFICER)
    assert sign_in(OFFICER, third)


def test_one_person_s_code_is_not_used_up_by_another(demonstration):
    code, _ = code_line(OFFICER)
    assert sign_in(OFFICER, code)
    assert code_line(ADMINISTRATOR)[0] == code


def test_without_an_address_both_get_their_line(demonstration):
    lines = run("demo_code").splitlines()
    assert [line.split()[0] for line in lines] == [OFFICER.email, ADMINISTRATOR.email]


def test_the_secret_is_the_same_on_one_machine_and_another_on_every_other(demonstration, settings):
    secret = demo_authenticator.secret()
    assert demo_authenticator.secret() == secret
    settings.SECRET_KEY = "another"
    assert demo_authenticator.secret() != secret


def test_outside_debug_there_is_no_code_and_no_secret(demonstration, settings):
    settings.DEBUG = False
    with pytest.raises(CommandError, match=r"^demo_code needs DEBUG=true[^.]*\.$"):
        run("demo_code", OFFICER.email)
    with pytest.raises(ImproperlyConfigured):
        demo_authenticator.secret()


@pytest.mark.parametrize(
    ("email", "refusal"),
    [
        (SIGN_INS[0].email, "signs in without a code"),
        ("someone@example.ca", "is not in the demonstration"),
    ],
)
def test_nobody_else_has_a_code(demonstration, email, refusal):
    User.objects.create_user("someone@example.ca", name="Someone", is_officer=True)
    with pytest.raises(CommandError, match=refusal):
        run("demo_code", email)


def test_without_a_demonstration_it_says_how_to_make_one(debug):
    with pytest.raises(CommandError, match="demo_data"):
        run("demo_code")


def test_of_an_authenticator_of_their_own_it_says_how_to_have_the_demonstrations_back(demonstration):
    user = User.objects.get(email=OFFICER.email)
    Authenticator.objects.filter(user=user).delete()
    with_second_step(user)
    for command in ("demo_code", "demo_data"):
        assert f"run forget_second_step {OFFICER.email}, then demo_data" in run(command)


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
