"""Who signs in, who tries to, and what changes: lines in the log, audit events and emails, by real requests.

Each case is a story about one person: what is done, and then what each of the three has.
"""

import io
import json
import logging
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.core import mail
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse
from django.test import Client

from assessments.middleware.after_response import work_after_response
from assessments.models import AuditEvent, OutgoingMail, User
from assessments.services import mail as sending
from assessments.services import outbox, sign_in_changes
from assessments.services.after_response import after_response
from assessments.services.audit import current_address
from assessments.services.people import set_active
from assessments.services.security_log import key_of_address
from tests.cast import PASSWORD, SECRET, code_at, person, with_second_step

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
SIGN_IN, STEP = "/account/login/", "/account/second-step/"
NEW = "loud-valley-77"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; rv:130.0) Gecko/20100101 Firefox/130.0"


@pytest.fixture(autouse=True)
def clock(time_machine):
    time_machine.move_to(NOW, tick=False)
    return time_machine


@pytest.fixture(autouse=True)
def lines(monkeypatch):
    """What the security log has, parsed."""
    stream = io.StringIO()
    handler = next(h for h in logging.getLogger("portal").handlers if type(h) is logging.StreamHandler)
    monkeypatch.setattr(handler, "stream", stream)

    def read() -> list[dict[str, Any]]:
        parsed = [json.loads(line) for line in stream.getvalue().splitlines()]
        return [line for line in parsed if line["logger"] == "portal.security"]

    return read


@pytest.fixture(autouse=True)
def commits(django_capture_on_commit_callbacks, monkeypatch):
    """Requests commit, as they do outside of tests."""
    request = Client.request

    def committed(self: Client, **environ: Any) -> Any:
        with django_capture_on_commit_callbacks(execute=True):
            return request(self, **environ)

    monkeypatch.setattr(Client, "request", committed)


def people() -> User:
    """A member who has been here before: it is not their first sign-in."""
    return person("member", password=PASSWORD, last_login=NOW - timedelta(days=9))


def enter(client: Client, user: User, password: str = PASSWORD, **options: Any) -> Any:
    return client.post(SIGN_IN, {"login": user.email, "password": password}, **options)


def known_to(user: User) -> Client:
    """A browser in which the person has signed in before, and is signed out. What that wrote is dropped."""
    client = Client()
    enter(client, user)
    client.post("/account/logout/")
    return client


def code(seconds: int = 0) -> str:
    return code_at(NOW.timestamp() + seconds, SECRET)


# --- One story each ---------------------------------------------------------------------------


def signs_in(user: User) -> None:
    enter(known_to(user), user)


def signs_in_on_a_new_device(user: User) -> None:
    enter(Client(headers={"User-Agent": FIREFOX}), user)


def enters_a_wrong_password(user: User) -> None:
    enter(Client(), user, "wrong")


def has_a_suspended_sign_in(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)
    enter(Client(), user)


def guesses_too_often(user: User) -> None:
    for _ in range(7):
        enter(Client(), user, "wrong")


def signs_out(user: User) -> None:
    client = known_to(user)
    enter(client, user)
    client.post("/account/logout/")


def confirms_the_password(user: User) -> None:
    client = known_to(user)
    enter(client, user)
    client.post("/account/reauthenticate/", {"password": "wrong"})
    client.post("/account/reauthenticate/", {"password": PASSWORD})


def confirms_by_a_code(user: User) -> None:
    with_second_step(user)
    client = Client()
    enter(client, user)
    client.post(STEP, {"code": code()})
    for typed in ("000000", code(30)):
        client.post(f"{STEP}again/", {"code": typed})


def changes_the_password(user: User) -> None:
    client, elsewhere = known_to(user), known_to(user)
    for browser in (client, elsewhere):
        enter(browser, user)
    form = {"oldpassword": "wrong", "password1": NEW, "password2": NEW}
    client.post("/account/password/change/", form)
    client.post("/account/password/change/", form | {"oldpassword": PASSWORD})


def sets_a_password_by_the_link(user: User) -> None:
    client = Client()
    client.post("/account/password/reset/", {"email": user.email})
    (link,) = re.findall(r"/account/password/reset/key/\S+", str(mail.outbox.pop().body))
    landed = client.get(link, follow=True)
    client.post(landed.request["PATH_INFO"], {"password1": NEW, "password2": NEW})


def takes_the_second_step(user: User) -> None:
    with_second_step(user)
    client = Client()
    enter(client, user)
    client.post(STEP, {"code": "000000"})
    client.post(STEP, {"code": code()})


def uses_a_recovery_code(user: User) -> None:
    with_second_step(user)
    steps = Authenticator.objects.create(
        user=user, type=Authenticator.Type.RECOVERY_CODES, data={"used_mask": 0, "seed": _sealed("0" * 40)}
    )
    client = Client()
    enter(client, user)
    client.post(STEP, {"code": steps.wrap().get_unused_codes()[0]})


def sends_a_wrong_passkey(user: User) -> None:
    with_second_step(user)
    client = Client()
    enter(client, user)
    client.post(STEP, {"credential": '{"id": "zq7"}'})


def adds_and_removes_an_app(user: User) -> None:
    client, elsewhere = known_to(user), known_to(user)
    for browser in (client, elsewhere):
        enter(browser, user)
    client.get("/account/app/")
    secret = client.session["mfa.totp.secret"]
    client.post("/account/app/", {"code": code_at(NOW.timestamp(), secret)})
    client.post("/account/app/remove/")


def makes_recovery_codes(user: User) -> None:
    with_second_step(user)
    client = Client()
    enter(client, user)
    client.post(STEP, {"code": code()})
    client.post("/account/codes/new/")


def ends_a_session_from_the_list(user: User) -> None:
    client, elsewhere = known_to(user), known_to(user)
    for browser in (client, elsewhere):
        enter(browser, user)
    other = UserSession.objects.get(session_key=elsewhere.session.session_key)
    client.post(f"/account/sessions/{other.pk}/end/")


def ends_all_others_from_the_list(user: User) -> None:
    client, elsewhere = known_to(user), known_to(user)
    for browser in (client, elsewhere):
        enter(browser, user)
    client.post("/account/sessions/")


def _sealed(text: str) -> str:
    return str(get_adapter().encrypt(text))


Line = tuple[str, str | None, str | None]
OK: Line = ("sign_in", "password", None)
Story = tuple[Callable[[User], None], Sequence[Line], list[str], list[str]]
STORIES: list[Story] = [
    (signs_in, [OK], ["signed_in"], []),
    (signs_in_on_a_new_device, [OK], ["signed_in_new_device"], ["new_device"]),
    (enters_a_wrong_password, [("sign_in_failed", "password", "wrong_password")], [], []),
    (has_a_suspended_sign_in, [("sign_in_failed", "password", "suspended")], [], []),
    (
        guesses_too_often,
        [("sign_in_failed", "password", "wrong_password")] * 5
        + [("locked_out", "password", "too_many_guesses")] * 2,
        ["locked_out"],
        [],
    ),
    (signs_out, [OK, ("session_ended", None, "signed_out")], ["signed_in", "signed_out"], []),
    (
        confirms_the_password,
        [
            OK,
            ("identity_not_confirmed", "password", "wrong_password"),
            ("identity_confirmed", "password", None),
        ],
        ["signed_in"],
        [],
    ),
    (
        confirms_by_a_code,
        [
            ("second_step", "app_code", None),
            OK,
            ("identity_not_confirmed", "code", "wrong_code"),
            ("identity_confirmed", "app_code", None),
        ],
        ["signed_in_new_device"],
        ["new_device"],
    ),
    (
        changes_the_password,
        [
            OK,
            OK,
            ("identity_not_confirmed", "password", "wrong_password"),
            ("session_ended", None, "new_password"),
            ("password_changed", None, None),
        ],
        ["signed_in", "signed_in", "password_changed"],
        ["password_changed"],
    ),
    (
        sets_a_password_by_the_link,
        [("password_reset_asked", "link", None), ("password_reset", "link", None)],
        ["password_reset"],
        ["password_reset"],
    ),
    (
        takes_the_second_step,
        [("second_step_failed", "code", "wrong_code"), ("second_step", "app_code", None), OK],
        ["signed_in_new_device"],
        ["new_device"],
    ),
    (
        uses_a_recovery_code,
        [("second_step", "recovery_code", None), ("recovery_code_used", "recovery_code", None), OK],
        ["recovery_code_used", "signed_in_new_device"],
        ["recovery_code_used", "new_device"],
    ),
    (sends_a_wrong_passkey, [("second_step_failed", "passkey", "wrong_passkey")], [], []),
    (
        adds_and_removes_an_app,
        [
            OK,
            OK,
            ("session_ended", None, "first_second_step"),
            ("second_step_added", "app_code", None),
            ("second_step_removed", "app_code", None),
        ],
        ["signed_in", "signed_in", "second_step_added", "second_step_removed"],
        ["second_step_added", "second_step_removed"],
    ),
    (
        makes_recovery_codes,
        [("second_step", "app_code", None), OK, ("recovery_codes_made", None, None)],
        ["signed_in_new_device", "recovery_codes_made"],
        ["new_device", "recovery_codes_made"],
    ),
    (
        ends_a_session_from_the_list,
        [OK, OK, ("session_ended", None, "ended_from_list")],
        ["signed_in", "signed_in", "session_ended"],
        [],
    ),
    (
        ends_all_others_from_the_list,
        [OK, OK, ("session_ended", None, "ended_from_list")],
        ["signed_in", "signed_in", "session_ended"],
        [],
    ),
]


@pytest.fixture
def mails(monkeypatch) -> list[str]:
    """What each email is about, in order."""
    kinds: list[str] = []
    send = sending.send_mail

    def noted(**details: Any) -> None:
        kinds.append(details["context"].get("what", details["name"]))
        send(**details)

    monkeypatch.setattr(outbox, "send_mail", noted)
    return kinds


@pytest.mark.parametrize("case", STORIES, ids=[story.__name__ for story, *_ in STORIES])
def test_what_happens_to_a_sign_in_is_logged_recorded_and_mailed(lines, mails, monkeypatch, case):
    story, logged, recorded, mailed = case
    user = people()
    before: list[int] = []

    def quiet(user: User) -> Client:
        client = KNOWN(user)
        before[:] = [len(lines()), AuditEvent.objects.count(), len(mails)]
        return client

    monkeypatch.setitem(globals(), "known_to", quiet)
    story(user)
    first_line, first_event, first_mail = before or (0, 0, 0)
    own = lines()[first_line:]
    assert [(line["event"], line["method"], line["reason"]) for line in own] == logged
    assert {line["person"] for line in own} == {str(user.pk)}
    assert {line["by"] for line in own if line["event"].startswith("identity_")} <= {str(user.pk)}
    assert {line["by"] for line in own if line["event"].endswith("_failed")} <= {None}
    events = list(AuditEvent.objects.of_chain(None).order_by("number"))[first_event:]
    assert [event.action for event in events] == recorded
    assert {(event.record_type, event.record_id) for event in events} <= {("user", user.pk)}
    assert mails[first_mail:] == mailed
    assert not OutgoingMail.objects.exists()
    assert not AuditEvent.objects.exclude(office=None).exists()


KNOWN = known_to


# --- What a line has --------------------------------------------------------------------------


def test_a_line_has_who_where_from_and_by_which_request_and_nothing_typed(lines):
    user = people()
    answer = Client().post(
        f"{SIGN_IN}?next=/office/zq7query",
        {"login": user.email, "password": "zq7secret"},
        REMOTE_ADDR="192.0.2.44",
    )
    (line,) = lines()
    assert (line["person"], line["by"], line["address"]) == (str(user.pk), None, "192.0.2.44")
    assert (line["request"], line["outcome"], line["level"]) == (
        answer["X-Request-ID"],
        "failure",
        "warning",
    )
    assert not re.search("zq7|example", json.dumps(line))


def test_guesses_at_an_address_without_a_sign_in_have_one_name_that_is_not_the_address(lines):
    for email in ("zq7@example.ca", "Zq7@Example.ca ", "zq8@example.ca"):
        Client().post(SIGN_IN, {"login": email, "password": "wrong"})
    names = [line["person"] for line in lines()]
    assert names == [key_of_address("zq7@example.ca")] * 2 + [key_of_address("zq8@example.ca")]
    assert {line["reason"] for line in lines()} == {"unknown_address"}
    assert "zq" not in json.dumps(lines())
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize("reason", ["idle", "maximum_time"])
def test_a_session_whose_time_is_up_ends_with_a_line_and_an_event(lines, clock, reason):
    officer, client = person("officer", password=PASSWORD, is_officer=True), Client()
    enter(client, officer)
    client.post(STEP, {"code": code()})
    for _ in range(1 if reason == "idle" else 30):
        clock.shift(timedelta(minutes=31 if reason == "idle" else 25))
        answer = client.get("/desk/")
    assert answer.status_code == 302
    ended = lines()[-1]
    assert (ended["event"], ended["reason"], ended["by"]) == ("session_ended", reason, None)
    event = AuditEvent.objects.of_chain(None).latest("number")
    assert (event.action, event.actor, event.record_id) == ("session_ended", None, officer.pk)


def test_suspending_a_sign_in_is_logged_with_who_did_it_and_each_session_that_ends(
    lines, django_capture_on_commit_callbacks
):
    user, administrator = people(), person("administrator", is_staff=True)
    for _ in range(2):
        enter(Client(), user)
    with django_capture_on_commit_callbacks(execute=True):
        set_active(user=user, active=False, by=administrator)
    ended = [("session_ended", "ended_by_administrator")] * 2
    assert [(line["event"], line["reason"]) for line in lines()[2:]] == [*ended, ("sign_in_suspended", None)]
    assert {line["by"] for line in lines()[2:]} == {str(administrator.pk)}


def test_lost_second_steps_that_an_operator_removes_are_recorded_and_the_person_is_told(
    lines, mails, django_capture_on_commit_callbacks
):
    user = with_second_step(people())
    with django_capture_on_commit_callbacks(execute=True):
        call_command("forget_second_step", user.email)
    (line,) = lines()
    assert (line["event"], line["person"], line["by"]) == ("second_steps_reset", str(user.pk), None)
    assert AuditEvent.objects.of_chain(None).get().action == "second_steps_reset"
    assert mails == ["second_steps_reset"]


# --- What people are told ---------------------------------------------------------------------


def test_the_first_sign_in_of_all_is_on_no_new_device(mails):
    user = person("member", password=PASSWORD)
    enter(Client(), user)
    assert mails == []
    enter(Client(), user)
    assert mails == ["new_device"]


def test_people_who_share_a_browser_stay_known_in_it(mails):
    client, colleague = Client(), person("colleague", password=PASSWORD)
    for user in (people(), colleague) * 3:
        enter(client, user)
        client.post("/account/logout/")
    assert mails == ["new_device"]
    cookie = next(morsel for name, morsel in client.cookies.items() if name.endswith("known"))
    assert "example" not in cookie.value
    for number in range(8):
        enter(client, person(f"visitor {number}", password=PASSWORD))
        client.post("/account/logout/")
    enter(client, colleague)
    assert mails == ["new_device"] * 2
    assert len(cookie.value) < 1_000


def test_after_a_change_of_address_the_browser_is_still_known(mails, django_capture_on_commit_callbacks):
    user, client = people(), Client()
    enter(client, user)
    client.post("/your-details/email", {"email": "new@example.ca"})
    link = re.findall(r"/your-details/email/\S+", str(mail.outbox[-2].body) + str(mail.outbox[-1].body))[0]
    client.post(link)
    client.post("/account/logout/")
    mails.clear()
    user.refresh_from_db()
    assert user.email == "new@example.ca"
    enter(client, user)
    assert mails == []


def test_an_email_says_what_happened_when_and_with_what_and_what_to_do(settings):
    settings.PORTAL_URL = "https://check.example.ca"
    user = people()
    signs_in_on_a_new_device(user)
    message: Any = mail.outbox[0]
    assert message.to == [user.email]
    assert message.subject == "New sign-in to the social media self-check"
    for part in (message.body, message.alternatives[0].content):
        for words in (
            "2 March 2026, 09:00 EST",
            "with Firefox on Windows",
            "https://check.example.ca/account/password/reset/",
            "https://check.example.ca/account/security/",
        ):
            assert words in part
        assert "127.0.0.1" not in part


def test_a_browser_puts_no_words_of_its_own_into_an_email():
    user = people()
    enter(Client(headers={"User-Agent": "zq7 call 416-555-0100"}), user)
    (message,) = mail.outbox
    assert "zq7" not in message.body
    assert ", with" not in message.body


@pytest.mark.parametrize("what", sign_in_changes.Change)
def test_every_change_has_words_of_its_own(django_capture_on_commit_callbacks, clock, what):
    with django_capture_on_commit_callbacks(execute=True):
        sign_in_changes.tell_of_change(user=people(), what=what, by=None)
    clock.shift(timedelta(minutes=5))
    outbox.send_waiting()
    message: Any = mail.outbox[0]
    words = message.body.split("\n\n")[1]
    assert "2 March 2026, 09:00 EST" in words
    assert words in unescape(message.alternatives[0].content)


def test_an_email_says_how_to_check_without_its_links_and_what_a_reset_by_a_stranger_means(
    django_capture_on_commit_callbacks, clock
):
    with django_capture_on_commit_callbacks(execute=True):
        sign_in_changes.tell_of_change(user=people(), what=sign_in_changes.Change.PASSWORD_RESET, by=None)
    clock.shift(timedelta(minutes=5))
    outbox.send_waiting()
    message: Any = mail.outbox[0]
    for words in (message.body, unescape(message.alternatives[0].content)):
        assert "someone can read your email. First change the password of your email account. Then:" in words
        assert "If you aren’t sure that this email is real, don’t use its links." in words


def test_an_email_that_strangers_cause_leaves_with_the_timer(django_capture_on_commit_callbacks, clock):
    change = sign_in_changes.Change.PASSWORD_GUESSES
    with django_capture_on_commit_callbacks(execute=True):
        sign_in_changes.tell_of_change(user=people(), what=change, by=None)
    assert mail.outbox == []
    clock.shift(timedelta(minutes=5))
    assert outbox.send_waiting() == (1, 0)


def test_work_that_waits_for_the_response_is_done_once_when_it_closes():
    done: list[str] = []

    def view(_: Any) -> HttpResponse:
        after_response("a test", done.append, current_address.get())
        after_response("a test", (1).__truediv__, 0)
        after_response("a test", after_response, "more", done.append, "more")
        return HttpResponse("sent")

    token = current_address.set("192.0.2.7")
    response = work_after_response(view)(HttpRequest())
    current_address.reset(token)
    assert done == []
    response.close()
    response.close()
    assert done == ["192.0.2.7", "more"]


def test_the_trail_with_all_of_it_verifies_and_an_accepted_role_is_in_it(
    django_capture_on_commit_callbacks,
):
    user = people()
    changes_the_password(user)
    guesses_too_often(user)
    call_command("verify_audit")
    assert AuditEvent.objects.of_chain(None).count() > 4
