"""Inviting a list of people: what each list would do, and that nothing is half-sent, sent twice or lost."""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from assessments.forms.invitation_list import MAX_PEOPLE, ListedPerson
from assessments.models import AuditEvent, Invitation, OutgoingMail, User
from assessments.models.invitations import key_hash
from assessments.services import outbox, people
from assessments.services.invitation_list import queue_invitations
from assessments.services.mail import send_mail
from tests.cast import PASSWORD, Cast, at_the_same_moment, make, office_of, person, together

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=ZoneInfo("America/Toronto"))
PAGE = "/people/invite"
HEAD = "Email;Role;Seat;First day"
PAT = "pat@example.ca;Member of Council;Councillor, Ward 11;2026-12-01"
LEE = "lee@example.ca;Commissioner’s office;;"


@pytest.fixture(autouse=True)
def now(time_machine: Any) -> None:
    time_machine.move_to(NOW, tick=False)


@pytest.fixture
def browser(cast: Cast) -> Client:
    return cast.client("administrator")


def listed(*lines: str, head: str = HEAD) -> str:
    return "\n".join([head, *lines])


def problems(html: str) -> list[str]:
    """The problems that a page lists."""
    summary = re.search(r'class="error-summary".*?</div>', html, re.DOTALL)
    items = re.findall(r"<(?:li|p)>(.*?)</(?:li|p)>", summary[0], re.DOTALL) if summary else []
    return [re.sub(r"<[^>]+>|&quot;", "", each).replace("&#x27;", "’").strip() for each in items]


def mark(html: str) -> str:
    return str(re.findall(r'name="previewed" value="(\w+)"', html)[0])


def preview(browser: Client, text: str) -> str:
    return browser.post(PAGE, {"invitations": text, "check": "yes"}).content.decode()


def upload(browser: Client, raw: bytes, name: str = "list.csv", **more: str) -> str:
    return browser.post(PAGE, {"file": SimpleUploadedFile(name, raw), **more}).content.decode()


def send(browser: Client, text: str) -> Any:
    html = preview(browser, text)
    assert problems(html) == []
    return browser.post(PAGE, {"invitations": text, "previewed": mark(html), "send": "yes"})


def keys_in_outbox() -> dict[str, str]:
    """The key in the newest email to each address."""
    keys = {}
    for message in mail.outbox:
        link = re.search(r"/invitation/(\S+)", str(message.body))
        assert link
        keys[message.to[0]] = link[1]
    return keys


# --- What each line does ------------------------------------------------------------


def test_a_list_is_previewed_then_sent_by_the_next_run_and_each_person_joins(browser, cast, time_machine):
    html = preview(browser, listed(PAT, LEE))
    assert "2 invitations will be sent. Nothing has been sent yet." in html
    for words in (
        "pat@example.ca",
        "Member of Council",
        "Councillor, Ward 11",
        "1 Dec 2026",
        "lee@example.ca",
    ):
        assert words in html
    assert not Invitation.objects.exists()
    answer = browser.post(PAGE, {"invitations": listed(PAT, LEE), "previewed": mark(html), "send": "yes"})
    assert answer["Location"] == "/people/"
    page = browser.get("/people/").content.decode()
    assert "2 invitations will be sent within about ten minutes." in page
    assert page.count("Not sent yet") == 2
    assert mail.outbox == []
    events = AuditEvent.objects.filter(action="invited", office=None)
    assert {event.record_id for event in events} == {each.pk for each in Invitation.objects.all()}
    assert {event.actor for event in events} == {cast.administrator}
    time_machine.shift(timedelta(minutes=3))
    call_command("send_notices")
    assert not OutgoingMail.objects.exists()
    assert "Not sent yet" not in browser.get("/people/").content.decode()
    for email, key in keys_in_outbox().items():
        invitation = Invitation.objects.get(email=email)
        assert invitation.key_hash == key_hash(key)
        assert invitation.ends_at == NOW + timedelta(minutes=3, days=7)
        new = {"name": "New Person", "new_password1": PASSWORD, "new_password2": PASSWORD}
        assert Client().post(f"/invitation/{key}", new).status_code == 302
    pat = User.objects.get(email="pat@example.ca")
    office = pat.offices.get()
    assert (office.name, office.starts_on) == ("Councillor, Ward 11", date(2026, 12, 1))
    assert User.objects.get(email="lee@example.ca").is_officer


MENDED = [
    (" Pat Lee <PAT@Example.ca>;member;Mayor;1 Dec 2026", "member", "Mayor"),
    ("mailto:pat@example.ca;Councillor;Mayor;2026/12/1", "member", "Mayor"),
    ("pat@example.ca;MEMBER OF COUNCIL;Mayor;déc. 1, 2026", "member", "Mayor"),
    (
        "pat@example.ca;Member of Council;Ward\u00a010\u200b  East;2026-12-01 00:00:00",
        "member",
        "Ward 10 East",
    ),
    ("pat@example.ca;Commissioner's office;-;n/a", "officer", ""),
    ("pat@example.ca;officer", "officer", ""),
    ("pat@example.ca;Admin;;", "administrator", ""),
]


@pytest.mark.parametrize(("line", "role", "seat"), MENDED)
def test_what_is_safe_to_mend_is_mended_unseen(browser, line, role, seat):
    assert send(browser, listed(line)).status_code == 302
    invitation = Invitation.objects.get()
    assert (invitation.email, invitation.role, invitation.seat) == ("pat@example.ca", role, seat)
    assert invitation.starts_on == (date(2026, 12, 1) if role == "member" else None)


LEFT_OUT: dict[str, tuple[str, Callable[[Cast], Any]]] = {
    "Already invited.": (
        PAT,
        lambda cast: people.invite(
            email="pat@example.ca",
            role="member",
            seat="Councillor, Ward 11",
            starts_on=date(2026, 12, 1),
            by=cast.administrator,
        ),
    ),
    "Already has this role. (member)": (
        PAT,
        lambda _: office_of(person("pat"), "Councillor, Ward 11"),
    ),
    "Already has this role. (officer)": (LEE, lambda _: person("lee", is_officer=True)),
    "Same as line 2.": (f"{LEE}\nLee@example.ca;Officer;;", lambda _: None),
}


@pytest.mark.parametrize("reason", LEFT_OUT)
def test_a_line_with_nothing_left_to_do_is_left_out_and_sends_nothing(browser, cast, reason):
    lines, prepare = LEFT_OUT[reason]
    prepare(cast)
    html = preview(browser, listed(lines, "new@example.ca;Officer;;"))
    assert problems(html) == []
    assert reason.partition(" (")[0] in html
    assert "1 line will be left out." in html
    mails = len(mail.outbox)
    send(browser, listed(lines, "new@example.ca;Officer;;"))
    queued = set(OutgoingMail.objects.values_list("address", flat=True))
    assert queued == {"new@example.ca"} | ({"lee@example.ca"} if "line 2" in reason else set())
    assert len(mail.outbox) == mails


def test_the_lines_left_out_are_first_in_the_preview(browser):
    html = preview(browser, listed(PAT, LEE, LEE))
    assert re.findall(r'data-label="Line">(\d+)<', html) == ["4", "2", "3"]


def test_two_problems_of_a_line_are_each_listed_with_the_other_lines_that_have_them(browser):
    office_of(person("kim"), "Councillor, Ward 11")
    html = preview(
        browser,
        listed(
            "pat@example.ca;Member of Council;Councillor, Ward 11;12/01/2026",
            "lee@example.ca;Member of Council;Councillor, Ward 12;12/01/2026",
        ),
    )
    day, seat = problems(html)
    assert day.startswith("Lines 2 and 3: First day: “12/01/2026” could mean two dates.")
    assert seat.startswith("Line 2: Kim holds this seat.")


def test_the_page_of_people_leads_to_the_invitations_far_below(browser):
    assert 'href="#invitations"' not in browser.get("/people/").content.decode()
    send(browser, listed(PAT, LEE))
    html = browser.get("/people/").content.decode()
    assert re.search(r'<a href="#invitations">[^<]+</a>: 2\s', html)
    assert html.count('id="invitations"') == 1


def test_a_line_whose_email_is_not_sent_says_so(browser):
    send(browser, listed(LEE))
    assert "Already invited, but the email is not sent yet." in preview(browser, listed(LEE))


def test_an_invitation_with_another_first_day_is_replaced_once_the_new_email_is_sent(
    browser, cast, time_machine
):
    old = people.invite(
        email="pat@example.ca",
        role="member",
        seat="Councillor, Ward 11",
        starts_on=date(2026, 12, 2),
        by=cast.administrator,
    )
    assert "The link in the earlier email will stop working." in preview(browser, listed(PAT))
    send(browser, listed(PAT))
    assert Invitation.objects.open().filter(pk=old.pk).exists()
    time_machine.shift(timedelta(minutes=3))
    call_command("send_notices")
    assert [each.starts_on for each in Invitation.objects.open()] == [date(2026, 12, 1)]


SEAT_LINE = "sam@example.ca;Member of Council;{};2026-12-01"

PROBLEMS: list[tuple[str, str]] = [
    (
        "pat@example;Officer;;",
        "Line 2: Enter one valid email address, such as pat@example.ca.",
    ),
    (";Officer;;", "Line 2: Enter the email address."),
    ("=cmd@example.ca;Officer;;", "Line 2: Email: “=cmd@example.ca” looks like a formula."),
    ("+pat@example.ca;Officer;;", "Line 2: Email: “+pat@example.ca” looks like a formula."),
    ("-pat@example.ca;Officer;;", "Line 2: Email: “-pat@example.ca” looks like a formula."),
    ("@example.ca;Officer;;", "Line 2: Email: “@example.ca” looks like a formula."),
    (SEAT_LINE.format("=A2"), "Line 2: Seat: “=A2” looks like a formula. Enter the text itself."),
    (SEAT_LINE.format("#REF!"), "Line 2: Seat: “#REF!” looks like a formula."),
    (
        "pat@example.ca;;;",
        "Line 2: The role is missing. Use Member of Council, Commissioner’s office or Administrator.",
    ),
    ("pat@example.ca;Boss;;", "Line 2: “Boss” is not a role. Use Member of Council,"),
    ("pat@example.ca;Member's staff;;", "Line 2: Members invite their own staff. Delete this line."),
    (SEAT_LINE.format(""), "Line 2: Enter the member’s seat."),
    (SEAT_LINE.format("x" * 201), "Line 2: Seat: Use at most 200 characters. You entered 201."),
    ("pat@example.ca;Member;Mayor;", "Line 2: Enter the first day of the member’s term."),
    ("pat@example.ca;Member;Mayor;46357", "Line 2: First day: Enter the date as year-month-day"),
    ("pat@example.ca;Member;Mayor;02/12/2026", "could mean two dates. Enter 2026-02-12 or 2026-12-02."),
    ("pat@example.ca;Member;Mayor;Dec 1", "“Dec 1” has no year."),
    ("pat@example.ca;Member;Mayor;1999-12-01", "Enter a day at most 5 years ago"),
    (
        SEAT_LINE.format("Ward 10"),
        "Line 2: Ana Silva holds this seat. End that term first, or enter another seat.",
    ),
    (SEAT_LINE.format("WARD  10"), "Line 2: Ana Silva holds this seat."),
    (
        f"{PAT}\n{SEAT_LINE.format('councillor,  ward 11')}",
        "Line 3: The seat councillor, ward 11 is also on line 2.",
    ),
    (
        f"{PAT}\npat@example.ca;Officer;;",
        "Line 3: pat@example.ca is also on line 2, with another role, seat or day.",
    ),
    ("member@example.ca;Officer;;", "works in a member’s office, and cannot have this role as well."),
    ("officer@example.ca;Admin;;", "Robin Ng is already an officer"),
    ("closed@example.ca;Officer;;", "Closed’s sign-in is suspended. Restore it first."),
    ("invited@example.ca;Admin;;", "invited@example.ca already has an invitation that is not accepted yet"),
    (SEAT_LINE.format("Ward 12"), "ann@example.ca is already invited to the seat Ward 12."),
    ("pat@example.ca;Officer;;;x", "Line 2: There are more cells than columns."),
    (
        'pat@example.ca;"Officer',
        "Line 2 can’t be read. Check that each opening quotation mark has a closing one.",
    ),
    ("a@b;Officer;;\nb@c;Officer;;", "Lines 2 and 3: Enter one valid email address"),
    (
        "\n".join(f"{n}@b;Officer;;" for n in range(9)),
        "Lines 2, 3, 4, 5, 6 and 4 more: Enter one",
    ),
]


@pytest.fixture
def others(cast: Cast) -> None:
    """Somebody suspended, and two who are invited."""
    person("closed", is_active=False)
    by = cast.administrator
    people.invite(email="invited@example.ca", role="officer", by=by)
    people.invite(email="ann@example.ca", role="member", seat="Ward 12", starts_on=date(2026, 12, 1), by=by)


@pytest.mark.parametrize(("lines", "message"), PROBLEMS, ids=[message[:60] for _, message in PROBLEMS])
def test_a_problem_names_the_line_and_what_to_do_and_nothing_is_sent(browser, others, lines, message):
    text, before = listed(lines, "fine@example.ca;Officer;;"), Invitation.objects.count()
    html = preview(browser, text)
    assert len([each for each in problems(html) if message in each]) == 1, problems(html)
    assert len(problems(html)) == 1
    answer = browser.post(PAGE, {"invitations": text, "send": "yes", "previewed": "0" * 64})
    assert (answer.status_code, Invitation.objects.count()) == (200, before)
    for line in text.splitlines():
        assert line.replace("’", "&#x27;").replace("'", "&#x27;").replace(
            '"', "&quot;"
        ) in answer.content.decode().replace("’", "&#x27;")


# --- Files --------------------------------------------------------------------------

CSV = listed(PAT, LEE)


@pytest.mark.parametrize(
    ("name", "taken"),
    [("list.csv", True), ("LIST.TXT", True), ("list.tsv", True), ("list.csv.exe", False), ("list", False)],
)
def test_a_list_has_a_name_of_its_kind_and_other_names_are_refused(browser, name, taken):
    found = problems(upload(browser, listed("a@example.ca;Officer;;").encode(), name))
    assert bool(found) is not taken
    assert taken or "doesn’t end in .csv" in found[0]


FILES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "This file is empty. Choose another one."),
    "blank": (b"\n\n", "The list is empty."),
    "only names": (HEAD.encode(), "The list has only its first line. Add a line for each person."),
    "no names": (
        b"Who;What\nPat;Boss",
        "The first line must name the columns: Email, Role, Seat, First day.",
    ),
    "no role": (
        b"Email;Seat\na@example.ca;Mayor",
        "The list has no Role column. Add it, with its name in the first line.",
    ),
    "no email": (
        b"Role;Seat\nMember;Mayor",
        "The list has no Email column. Add it, with its name in the first line.",
    ),
    "no seat": (b"Email;Role\na@example.ca;Member", "Line 2: Members need a Seat column."),
    "a PDF": (b"%PDF-1.7\n\x00\x01", "This is a PDF. Save the list as a CSV file"),
    "a large PDF": (b"%PDF-1.7\n" + b"x" * 1_500_000, "This is a PDF."),
    "a workbook": (b"PK\x03\x04\x00\x00", "This is a spreadsheet file, not a CSV file."),
    "an image": (b"\x89PNG\r\n\x00\x00", "This is not a text file."),
    "10,000 lines": (
        listed(*(f"p{n}@example.ca;Officer;;" for n in range(10_000))).encode(),
        "The list has 10,000 people. Split it into lists of at most 500.",
    ),
    "1.5 MB": (b"Email;Role\n" + b"x" * 1_500_000, "The list is larger than 1 MB."),
    "5 MB": (b"Email;Role\n" + b"x" * 5_000_000, "The list is larger than 1 MB."),
}


@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_cannot_be_used_is_refused_with_one_message(browser, kind):
    raw, message = FILES[kind]
    found = problems(upload(browser, raw))
    assert len(found) == 1
    assert message in found[0]
    assert not Invitation.objects.exists()


@pytest.mark.parametrize(
    "raw",
    [
        CSV.encode(),
        b"\xef\xbb\xbf" + CSV.encode(),
        CSV.encode("utf-16"),
        CSV.encode("cp1252"),
        CSV.replace("’", "'").encode("latin-1"),
        CSV.replace("\n", "\r\n").encode(),
        CSV.replace(";", "\t").encode(),
        CSV.replace("Councillor, Ward 11", '"Councillor, Ward 11"').replace(";", ",").encode(),
        CSV.replace("Councillor, Ward 11", '"Councillor,\r\nWard 11"').encode(),
        "\n".join(
            ";".join([x, "", *reversed(rest)]) for x, *rest in (each.split(";") for each in CSV.split("\n"))
        )
        .replace("Email;;", "E-mail;Name;")
        .encode(),
    ],
)
def test_a_file_from_any_spreadsheet_does_the_same(browser, raw):
    html = upload(browser, raw)
    assert problems(html) == []
    assert "2 invitations will be sent." in html
    assert "Councillor, Ward 11" in html
    text = re.search(r"<textarea[^>]*>\n?(.*?)</textarea>", html, re.DOTALL)
    assert text
    unescaped = text[1].replace("&quot;", '"').replace("&#x27;", "'")
    answer = browser.post(PAGE, {"invitations": unescaped, "previewed": mark(html), "send": "yes"})
    assert answer.status_code == 302
    assert Invitation.objects.count() == 2


def test_what_was_uploaded_stays_in_the_box_where_it_can_be_corrected(browser):
    html = upload(browser, listed("pat@example;Officer;;").encode())
    assert "pat@example;Officer;;</textarea>" in html


def test_the_template_can_be_downloaded_and_uploaded_again(browser):
    answer = browser.get("/people/invitations.csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.content.decode() == "\ufeffEmail,Role,Seat,First day\r\n"
    assert "2 invitations" in upload(
        browser,
        answer.content
        + (PAT.replace(";", ",").replace("Councillor, ", "") + "\r\n" + LEE.replace(";", ",")).encode(),
    )


# --- Between the preview and the confirmation ---------------------------------------


@pytest.mark.parametrize("change", ["the list", "the portal", "no preview"])
def test_what_was_not_previewed_is_previewed_first(browser, cast, change):
    text = listed(PAT, LEE)
    seen = mark(preview(browser, text))
    if change == "the list":
        text = listed(PAT.replace("Ward 11", "Ward 12"), LEE)
    elif change == "the portal":
        people.invite(email="lee@example.ca", role="officer", by=cast.administrator)
    else:
        seen = ""
    before = Invitation.objects.count()
    answer = browser.post(PAGE, {"invitations": text, "previewed": seen, "send": "yes"})
    html = answer.content.decode()
    assert answer.status_code == 409
    assert "has changed since the preview" in html
    assert Invitation.objects.count() == before
    assert (
        browser.post(PAGE, {"invitations": text, "previewed": mark(html), "send": "yes"}).status_code == 302
    )


def test_a_second_press_sends_nothing_twice(browser):
    send(browser, CSV)
    html = preview(browser, CSV)
    assert "This list has no one new to invite." in html
    assert 'name="send"' not in html
    again = browser.post(PAGE, {"invitations": CSV, "previewed": mark(html), "send": "yes"})
    assert (again.status_code, Invitation.objects.count()) == (409, 2)


def test_three_lists_may_be_sent_in_an_hour_and_no_preview_counts(browser):
    for n in range(3):
        preview(browser, listed(f"p{n}@example.ca;Officer;;"))
        assert send(browser, listed(f"p{n}@example.ca;Officer;;")).status_code == 302
    answer = send(browser, CSV)
    assert answer.status_code == 429
    assert "Try again in an hour. Nothing was sent." in answer.content.decode()
    assert "pat@example.ca" in answer.content.decode()
    assert Invitation.objects.count() == 3


def test_a_list_does_not_use_up_single_invitations(browser):
    send(browser, listed(*(f"p{n}@example.ca;Officer;;" for n in range(40))))
    assert browser.post("/people/", {"email": "one@example.ca", "role": "officer"}).status_code == 302


def test_without_a_fresh_proof_the_list_is_given_back(cast):
    browser = cast.client("administrator", fresh=False)
    assert browser.get(PAGE).status_code == 302
    answer = browser.post(PAGE, {"invitations": CSV, "check": "yes"})
    assert answer.status_code == 409
    assert "pat@example.ca;Member of Council" in answer.content.decode()
    assert "List of people to invite" in answer.content.decode()


def test_no_address_or_log_has_what_was_listed(browser, caplog, capfd):
    html = preview(browser, CSV)
    answer = send(browser, CSV)
    assert "pat" not in answer["Location"]
    assert "?" not in "".join(re.findall(r'(?:action|href)="([^"]+)"', html)).replace("?next", "")
    logs = caplog.text + "".join(capfd.readouterr())
    assert "pat@" not in logs
    assert "Ward 11" not in logs


def test_a_long_list_takes_no_more_queries_to_preview_than_a_short_one(browser):
    counts = []
    # The first request of a browser takes a few more.
    for length in (2, 2, MAX_PEOPLE):
        text = listed(*(f"p{n}@example.ca;Member;Ward {n + 100};2026-12-01" for n in range(length)))
        with CaptureQueriesContext(connection) as queries:
            assert f"{length} invitations will be sent." in preview(browser, text)
        counts.append(len(queries))
    assert counts[1] == counts[2]


# --- A mail server that does not respond ----------------------------------------------


def test_a_dead_mail_server_holds_up_neither_the_request_nor_the_next_run(
    browser, monkeypatch, time_machine, caplog
):
    tries: list[str] = []

    def fail(*, to: str, **_: Any) -> None:
        tries.append(to)
        raise OSError(f"cannot reach {to}")

    monkeypatch.setattr(outbox, "send_mail", fail)
    send(browser, listed(*(f"p{n}@example.ca;Officer;;" for n in range(12))))
    assert tries == []
    time_machine.shift(timedelta(minutes=3))
    call_command("send_notices")
    assert len(tries) == outbox.GIVE_UP_AFTER
    assert "p1@" not in caplog.text
    time_machine.shift(timedelta(minutes=3))
    call_command("send_notices")
    assert len(set(tries)) == 2 * outbox.GIVE_UP_AFTER
    monkeypatch.setattr(outbox, "send_mail", send_mail)
    time_machine.shift(timedelta(minutes=3))
    call_command("send_notices")
    assert len(keys_in_outbox()) == 12
    assert not OutgoingMail.objects.exists()
    hashes = set(Invitation.objects.values_list("key_hash", flat=True))
    assert hashes == {key_hash(key) for key in keys_in_outbox().values()}


@pytest.mark.parametrize("how", ["withdrawn", "sender suspended"])
def test_an_invitation_that_is_withdrawn_before_it_is_sent_is_not_sent(browser, cast, how, time_machine):
    send(browser, listed(LEE))
    if how == "withdrawn":
        people.revoke(invitation=Invitation.objects.get(), by=cast.administrator)
    else:
        people.set_active(user=cast.administrator, active=False, by=person("second", is_staff=True))
    time_machine.shift(timedelta(minutes=3))
    call_command("send_notices")
    assert mail.outbox == []
    assert not OutgoingMail.objects.exists()


def test_an_invitation_sent_again_before_its_turn_is_sent_once(browser, time_machine):
    send(browser, listed(LEE))
    browser.post(f"/invitations/{Invitation.objects.get().pk}/resend")
    assert len(mail.outbox) == 1
    time_machine.shift(timedelta(minutes=3))
    call_command("send_notices")
    assert len(mail.outbox) == 1
    (key,) = keys_in_outbox().values()
    assert Invitation.objects.open().get().key_hash == key_hash(key)


def test_no_stored_row_has_a_link_that_works(browser):
    send(browser, listed(LEE))
    queued = OutgoingMail.objects.get()
    assert (queued.path, queued.words) == ("/people/", {"invitation": Invitation.objects.get().pk})


@at_the_same_moment
def test_the_same_list_sent_twice_at_the_same_moment_invites_each_once(transactional_db, time_machine):
    cast = make()
    listed_people = [
        ListedPerson(2, "lee@example.ca", Invitation.Role.OFFICER),
        ListedPerson(3, "pat@example.ca", Invitation.Role.MEMBER, "Mayor", date(2026, 12, 1)),
    ]
    counts = together(*[lambda: queue_invitations(people=listed_people, by=cast.administrator)] * 2)
    assert sorted(counts) == [0, 2]
    assert Invitation.objects.count() == OutgoingMail.objects.count() == 2
