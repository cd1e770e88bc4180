"""The people of the demonstration: how they sign in, what they see, and the code of the moment."""

import io
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.test import Client, override_settings
from django.utils import timezone

from assessments.management import demo_authenticator
from assessments.management.commands.demo_data import ADMINISTRATOR, MEMBER, OFFICER, SIGN_INS, SignIn
from assessments.models import Answer, Assessment, Office, Share, SocialAccount, User
from assessments.records.state import assessment_state
from tests.cast import person, with_second_step

NOW = datetime(2026, 7, 1, 12, 0, 10, tzinfo=UTC)
"""Ten seconds into a code's half minute."""


def run(command: str, *arguments: str) -> str:
    out = io.StringIO()
    call_command(command, *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture(scope="module")
def printed(module_published: None, module_time: Any) -> str:
    """What demo_data prints as it makes the demonstration."""
    with module_time(), override_settings(DEBUG=True):
        return run("demo_data")


@pytest.fixture
def demonstration(printed: str, db: None, settings: Any, time_machine: Any) -> Any:
    settings.DEBUG = True
    time_machine.move_to(NOW, tick=False)
    return time_machine


@pytest.mark.parametrize("who", SIGN_INS, ids=lambda who: who.role)
def test_each_role_signs_in_with_what_is_printed(demonstration, printed, who):
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


def test_the_member_and_their_staff_see_the_accounts_and_nobody_else_does(demonstration):
    seen = [SocialAccount.objects.visible_to(User.objects.get(email=who.email)).count() for who in SIGN_INS]
    assert seen == [4, 4, 0, 0]


def test_one_assessment_is_done_one_nearly_and_one_begun(demonstration):
    today = timezone.localdate()
    left = [
        len(assessment_state(assessment, as_of=today).advisory.unanswered)
        for assessment in Assessment.objects.order_by("pk")
    ]
    assert left[0] == 0
    assert 0 < left[1] <= 8
    assert left[2] > 10


def test_one_is_attested_and_a_part_of_it_shared_with_a_question(demonstration):
    share = Share.objects.get(attestation__attested_by__email=MEMBER.email)
    assert share.request.question.endswith("?")
    assert share.request.needed_by == date(2026, 7, 15)
    assert share.attestation.overall == "contact_commissioner"


def test_the_answers_show_two_names(demonstration):
    names = (
        Answer.objects.filter(draft__account__office__member__email=MEMBER.email)
        .order_by()
        .values_list("answered_by__name", flat=True)
        .distinct()
    )
    assert set(names) == {"Pat Lee", "Sam Roy"}


def test_a_second_run_adds_nothing_and_prints_the_sign_ins_again(demonstration, printed):
    assert run("demo_data") == printed
    assert (User.objects.count(), Office.objects.count(), Assessment.objects.count()) == (7, 4, 6)


def test_a_demonstration_without_authenticators_gets_them_at_the_next_run(demonstration):
    run("forget_second_step", OFFICER.email)
    run("demo_data")
    assert Authenticator.objects.filter(user__email=OFFICER.email).exists()


# --- The code of the moment -----------------------------------------------------


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
    demonstration.move_to(NOW + timedelta(seconds=50), tick=False)
    assert not sign_in(OFFICER, code)
    demonstration.move_to(NOW + timedelta(seconds=49), tick=False)
    assert sign_in(OFFICER, code)


def test_whoever_signs_in_twice_in_a_row_gets_a_second_code_and_then_how_long_to_wait(demonstration):
    first, _ = code_line(OFFICER)
    assert sign_in(OFFICER, first)
    second, seconds = code_line(OFFICER)
    assert second != first
    assert seconds == 80
    assert sign_in(OFFICER, second)
    assert run("demo_code", OFFICER.email) == f"{OFFICER.email}  wait 20 seconds, then run demo_code\n"
    demonstration.move_to(NOW + timedelta(seconds=20), tick=False)
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
    person("someone", is_officer=True)
    with pytest.raises(CommandError, match=refusal):
        run("demo_code", email)


def test_of_an_authenticator_of_their_own_it_says_how_to_have_the_demonstrations_back(demonstration):
    user = User.objects.get(email=OFFICER.email)
    Authenticator.objects.filter(user=user).delete()
    with_second_step(user)
    for command in ("demo_code", "demo_data"):
        assert f"run forget_second_step {OFFICER.email}, then demo_data" in run(command)
