"""What a self-check gives to use elsewhere: the page, the calendar file and the page for staff."""

import html
import re
from datetime import date
from typing import Any

import pytest
import time_machine
from django.test import Client
from icalendar import Calendar

from assessments.models import AnonymousCheck, Assessment, SocialAccount
from assessments.pdf.press import BUSY, PressError, PrintProblem
from assessments.services.answering import AnswerVersion, Change, save_answers
from assessments.services.attesting import attest, reassess
from tests.cast import account_of, answered, earlier_published, seen
from tests.tables import BASE, edition

pytestmark = pytest.mark.django_db

NOW = "2026-07-01 16:00:00Z"
FILING = "election.nomination_date"
TO_CONVERT = {
    "resources.email": "yes",
    "election.use": "planned",
    "election.candidate": "yes",
    FILING: "2026-08-14",
    "election.supported": "yes",
    "election.plan": "no",
    "election.profile": "no",
}
"""Some steps of paragraph 13 are to do before the member files on 14 August 2026."""
AWKWARD = "@a;b,c\\d \U0001f600"


@pytest.fixture(autouse=True)
def on_the_day():
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


def draft_of(cast: Any, answers: dict[str, str] = TO_CONVERT, **account: Any) -> Assessment:
    return answered(account_of(cast.office, **{"handle": "@conversion"} | account), cast.member, answers)


def save(draft: Assessment, **answers: str) -> None:
    rows = {row.question: row for row in draft.answers.all()}
    values = {question.replace("_", ".", 1): value for question, value in answers.items()}
    changes = [
        Change(q, v, "", AnswerVersion(rows[q].version if q in rows else 0)) for q, v in values.items()
    ]
    saved = save_answers(draft=Assessment.objects.get(pk=draft.pk), changes=changes, by=draft.started_by)
    assert not saved.conflicts


def dates_of(client: Client, draft: Assessment) -> list[Any]:
    response = client.get(f"/assessments/{draft.pk}/dates.ics")
    assert response["Content-Type"] == "text/calendar; charset=utf-8; method=PUBLISH"
    assert response["Content-Disposition"] == 'attachment; filename="dates-2026-07-01.ics"'
    return list(Calendar.from_ical(response.content).walk("VEVENT"))


def page_of(client: Client, address: str) -> str:
    return " ".join(html.unescape(client.get(address).content.decode()).split())


def attest_now(draft: Assessment) -> None:
    attest(assessment=Assessment.objects.get(pk=draft.pk), by=draft.account.office.member, seen=seen(draft))


def next_of(draft: Assessment) -> Assessment:
    """The next self-check of the same account, with every answer confirmed."""
    copy = reassess(assessment=Assessment.objects.get(pk=draft.pk), by=draft.account.office.member)
    copy.answers.update(carried=False)
    return Assessment.objects.select_related("account__office__member", "started_by").get(pk=copy.pk)


# --- The calendar file -----------------------------------------------------------------


def test_a_draft_gives_the_days_of_what_is_to_do(cast):
    draft = draft_of(cast, handle=AWKWARD)
    events = dates_of(cast.client("staff"), draft)
    assert {event["dtstart"].dt for event in events} == {date(2026, 8, 14)}
    assert "Remove the City's name, logo and your title from the profile" in [
        str(e["summary"]) for e in events
    ]
    assert all(f"X {AWKWARD}, 1 July 2026." in str(event["description"]) for event in events)


def test_a_day_that_moves_moves_the_same_event(cast, on_the_day):
    client, draft = cast.client("member"), draft_of(cast)
    before = {str(e["uid"]): e for e in dates_of(client, draft)}
    assert dates_of(client, draft) == list(before.values())
    on_the_day.shift(60)
    save(draft, election_nomination_date="2026-08-20")
    after = {str(e["uid"]): e for e in dates_of(client, draft)}
    assert before.keys() == after.keys()
    for uid, event in after.items():
        assert event["dtstart"].dt == date(2026, 8, 20)
        assert event["sequence"] == before[uid]["sequence"] + 60


def test_a_new_name_of_the_account_is_newer_too(cast, on_the_day):
    client, draft = cast.client("member"), draft_of(cast)
    before = {str(e["uid"]): e for e in dates_of(client, draft)}
    on_the_day.shift(60)
    SocialAccount.objects.filter(pk=draft.account_id).update(handle="@renamed")
    for event in dates_of(client, draft):
        assert "@renamed" in str(event["description"])
        assert event["sequence"] > before[str(event["uid"])]["sequence"]


def test_the_next_self_check_moves_the_events_of_the_attested_one_and_cancels_what_is_done(cast, on_the_day):
    client, draft = cast.client("member"), draft_of(cast)
    attest_now(draft)
    attested = {str(e["summary"]): e for e in dates_of(client, draft)}
    on_the_day.shift(60)
    later = next_of(draft)
    save(later, election_profile="yes", resources_email="no", resources_identity="yes")
    moved = {str(e["summary"]): e for e in dates_of(client, later)}
    assert attested.keys() == moved.keys() | attested.keys()
    for title, event in moved.items():
        assert event["uid"] == attested[title]["uid"]
        assert event["sequence"] > attested[title]["sequence"]
    gone = [title for title, event in moved.items() if event["status"] == "CANCELLED"]
    assert gone == ["Remove City email addresses and phone numbers from the registration"]
    assert "It also removes a date of the attested self-check before this one." in page_of(
        client, f"/assessments/{later.pk}/copies"
    )


def test_when_nothing_is_left_the_file_only_cancels(cast, on_the_day):
    client, draft = cast.client("member"), draft_of(cast)
    attest_now(draft)
    on_the_day.shift(60)
    later = next_of(draft)
    save(later, election_use="none")
    assert {str(e["status"]) for e in dates_of(client, later)} == {"CANCELLED"}
    assert "The file removes the dates of the attested self-check before this one" in page_of(
        client, f"/assessments/{later.pk}/copies"
    )


def test_a_day_that_has_passed_is_not_cancelled(cast, on_the_day):
    draft = draft_of(cast)
    attest_now(draft)
    on_the_day.move_to("2026-08-14 16:00:00Z")
    later = next_of(draft)
    response = cast.client("member").get(f"/assessments/{later.pk}/dates.ics")
    assert (response.status_code, response["Location"]) == (302, f"/assessments/{later.pk}/copies")


def test_another_account_of_the_office_has_events_of_its_own(cast):
    client = cast.client("member")
    uids = [
        {str(e["uid"]) for e in dates_of(client, draft_of(cast, handle=name))} for name in ("@one", "@two")
    ]
    assert not uids[0] & uids[1]


def test_a_check_without_sign_in_has_the_file_too(published):
    client = Client()
    client.post("/check/start")
    check = AnonymousCheck.objects.get()
    AnonymousCheck.objects.update(platform="X", handle="@a\n;b")
    save_answers(draft=check, changes=[Change(q, value, "") for q, value in TO_CONVERT.items()], by=None)
    page = page_of(client, "/check/copies")
    assert 'href="/check/dates.ics"' in page
    assert "Calendars are often shared." in page
    events = Calendar.from_ical(client.get("/check/dates.ics").content).walk("VEVENT")
    assert len(events) > 1
    assert 'href="/check/copies"' in page_of(client, "/check/advisory")


def test_without_dates_the_link_is_not_offered_and_the_address_leads_to_the_page_that_says_so(cast):
    client, draft = cast.client("member"), cast.draft
    response = client.get(f"/assessments/{draft.pk}/dates.ics", follow=True)
    assert response.redirect_chain == [(f"/assessments/{draft.pk}/copies", 302)]
    page = response.content.decode()
    assert "This advisory has no upcoming dates, so there is nothing to add to a calendar." in page
    assert "dates.ics" not in page


# --- The text ---------------------------------------------------------------------------


def test_the_text_has_the_points_with_dates_and_paragraphs_as_it_is_pasted(cast):
    draft = draft_of(cast, handle=AWKWARD)
    response = cast.client("staff").get(f"/assessments/{draft.pk}/copies")
    box = re.search(r"<textarea[^>]*readonly[^>]*>(.*?)</textarea>", response.content.decode(), re.DOTALL)
    assert box
    text = html.unescape(box[1])
    assert f"Social media self-check: Ana Silva, X, {AWKWARD}\nAs of 1 July 2026\n" in text
    assert (
        "\n\nBefore you file your nomination papers on 14 August 2026:\n"
        "- Remove the City's name, logo and your title from the profile (¶13(c)(i))\n"
    ) in text
    assert "- Consult the Commissioner about your plan (¶13(a))" in text


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (["conduct.abuse"], "1 question is left. Its answer may change this."),
        (["conduct.abuse", "influence.local"], "2 questions are left. Their answers may change this."),
    ],
)
def test_the_text_of_a_draft_says_how_many_questions_are_left(cast, left, words):
    draft = draft_of(cast)
    draft.answers.filter(question__in=left).delete()
    page = html.unescape(cast.client("staff").get(f"/assessments/{draft.pk}/copies").content.decode())
    assert f"about 1 point.\nThe self-check isn’t finished: {words}\n" in page


def test_the_text_of_a_whole_self_check_says_nothing_of_questions_left(cast):
    draft = draft_of(cast, BASE["answers"])
    page = html.unescape(cast.client("staff").get(f"/assessments/{draft.pk}/copies").content.decode())
    assert "isn’t finished" not in page


# --- The page for staff --------------------------------------------------------------------


def test_the_page_for_staff_is_a_pdf_whose_name_says_nothing_of_the_account(cast):
    draft = draft_of(cast)
    response = cast.client("staff").get(f"/assessments/{draft.pk}/for-staff.pdf")
    assert response.content.startswith(b"%PDF")
    assert response["Content-Disposition"] == 'attachment; filename="for-staff-2026-07-01.pdf"'


def test_a_page_for_staff_that_cannot_be_printed_leads_back(cast, monkeypatch):
    def busy(*_: object, **__: object) -> bytes:
        raise PressError(PrintProblem.BUSY, BUSY)

    monkeypatch.setattr("assessments.views.copies.staff_pdf", busy)
    response = cast.client("staff").get(f"/assessments/{cast.draft.pk}/for-staff.pdf")
    assert response.status_code == 503
    assert f'href="/assessments/{cast.draft.pk}/copies"' in response.content.decode()


def test_an_earlier_revision_has_no_page_for_staff_and_says_so(cast):
    earlier = earlier_published(edition().earlier[1])
    draft = draft_of(cast)
    draft.answers.all().delete()
    Assessment.objects.filter(pk=draft.pk).update(edition=earlier)
    client = cast.client("staff")
    response = client.get(f"/assessments/{draft.pk}/for-staff.pdf", follow=True)
    assert response.redirect_chain == [(f"/assessments/{draft.pk}/copies", 302)]
    assert "which has no page for staff" in response.content.decode()
