"""The page of an office's audit trail."""

import re
from datetime import UTC, date, datetime
from html import unescape
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from assessments.models import Action, AuditEvent, Invitation, Membership, Office, SocialAccount, User
from assessments.reports.trail import GONE, PORTAL, RECORD_KINDS, SENTENCES, in_words
from assessments.services import audit, people, reviewing
from assessments.services.drafts import start_assessment
from bulletin.publish import publish_edition
from bulletin.shelf import editions
from tests.attested import attested, shared

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


@pytest.fixture
def member() -> User:
    return User.objects.create_user("pat@example.ca", name="Pat Lee")


@pytest.fixture
def office(member):
    for edition in editions().values():
        publish_edition(edition=edition)
    return Office.objects.create(name="Ward 10", member=member, starts_on=date(2022, 11, 15))


@pytest.fixture
def account(office):
    return SocialAccount.objects.create(office=office, platform="TikTok", handle="@pat")


def append(office: Office, action: Action, on: Any, by: User | None) -> str:
    """Record an event; return its sentence."""
    with transaction.atomic():
        audit.append(office=office, action=action, about=on, by=by)
    return in_words([AuditEvent.objects.of_chain(office.pk).first()])[0].words  # type: ignore[list-item]


def page(office: Office, who: User, query: str = "") -> str:
    client = Client()
    client.force_login(who)
    return str(client.get(f"/office/{office.pk}/trail{query}").content.decode())


def lines(html: str) -> list[str]:
    return [unescape(line) for line in re.findall(r'<span class="note" dir="auto">(.*?)</span>', html)]


def test_every_action_has_words_of_its_own_that_name_who_and_what():
    assert {str(action) for action in Action} == {str(action) for action in SENTENCES}
    assert len(set(SENTENCES.values())) == len(SENTENCES)
    assert all(words.startswith("{who} ") and "{what}" in words for words in SENTENCES.values())


def test_each_kind_of_record_is_named_in_words_that_people_know(office, account, member):
    staff = User.objects.create_user("sam@example.ca", name="Sam {Roy}")
    attestation = attested(account)
    share = shared(attestation)
    draft = start_assessment(account=account, by=member)
    thread = reviewing.comment(assessment=draft, about="whole", subject="", text="Secret.", by=member)
    people.invite(email="new@example.ca", role="staff", office=office, by=member)
    membership = Membership.objects.create(office=office, user=staff)
    cases = {
        "assessment": (Action.REASSESSED, draft, "Pat Lee began a reassessment of TikTok: @pat"),
        "attestation": (Action.ATTESTED, attestation, "Pat Lee attested the assessment of TikTok: @pat"),
        "share": (Action.SHARED, share, "Pat Lee shared the assessment of TikTok: @pat"),
        "socialaccount": (
            Action.ACCOUNT_ADDED,
            account,
            "Pat Lee added an account to the register: TikTok: @pat",
        ),
        "thread": (Action.COMMENTED, thread, "Pat Lee wrote a comment about TikTok: @pat"),
        "invitation": (Action.INVITED, Invitation.objects.get(), "Pat Lee invited new@example.ca"),
        "membership": (Action.STAFF_REMOVED, membership, "Pat Lee removed Sam {Roy} from the staff"),
        "office": (Action.TERM_ENDED, office, "Pat Lee ended the term: Ward 10"),
        "user": (Action.SIGN_IN_CLOSED, staff, "Pat Lee closed the sign-in of Sam {Roy}"),
    }
    assert cases.keys() == RECORD_KINDS.keys()
    for action, on, words in cases.values():
        assert append(office, action, on, member) == words


def test_an_act_by_nobody_and_a_record_that_was_deleted_have_words(office, account):
    doomed = SocialAccount.objects.create(office=office, platform="X", handle="@gone")
    append(office, Action.PURGED, doomed, None)
    doomed.delete()
    event = AuditEvent.objects.of_chain(office.pk).latest("number")
    words = f"{PORTAL} deleted what had been kept long enough: {GONE}"
    assert in_words([event])[0].words == words


def test_the_page_lists_the_newest_first_in_toronto_time_and_never_what_was_written(
    office, account, member, time_machine
):
    time_machine.move_to(datetime(2026, 11, 3, 2, 30, tzinfo=UTC), tick=False)
    draft = start_assessment(account=account, by=member)
    reviewing.comment(assessment=draft, about="whole", subject="", text="Between us.", by=member)
    html = page(office, member)
    assert lines(html) == [
        "Pat Lee wrote a comment about TikTok: @pat",
        "Pat Lee began a self-check of TikTok: @pat",
    ]
    assert html.count("2 November 2026, 21:30") == 2
    assert "Between us" not in html
    assert "127.0.0.1" not in html


def test_fifty_are_on_a_page_and_the_rest_on_the_next_ones(office, account, member):
    for _ in range(101):
        append(office, Action.ACCOUNT_DESCRIBED, account, member)
    first = page(office, member)
    assert len(lines(first)) == 50
    assert 'href="?before=52"' in first
    second = page(office, member, "?before=52")
    assert len(lines(second)) == 50
    assert 'href="?before=2"' in second
    last = page(office, member, "?before=2")
    assert len(lines(last)) == 1
    assert "Earlier</a>" not in last
    assert "Back to the newest" in last
    assert "There is nothing earlier." in page(office, member, "?before=1")


@pytest.mark.parametrize("before", ["x", "-1", "²", "9" * 40, ""])
def test_a_number_that_is_none_shows_the_newest(office, account, member, before):
    append(office, Action.ACCOUNT_DESCRIBED, account, member)
    assert len(lines(page(office, member, f"?before={before}"))) == 1


def test_a_page_asks_the_database_as_often_for_many_events_as_for_few(office, account, member):
    client = Client()
    client.force_login(member)

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            client.get(f"/office/{office.pk}/trail")
        return len(queries)

    def work() -> None:
        draft = start_assessment(
            account=account, by=User.objects.create_user(f"{User.objects.count()}@example.ca")
        )
        reviewing.comment(assessment=draft, about="whole", subject="", text="Hm.", by=member)
        append(office, Action.ACCOUNT_DESCRIBED, account, member)

    work()
    asked()  # the first request of a session writes that it is in use
    few = asked()
    for _ in range(12):
        work()
    assert asked() == few


def test_the_people_page_leads_to_the_trail(office, member):
    client = Client()
    client.force_login(member)
    assert f"/office/{office.pk}/trail" in client.get(f"/office/{office.pk}/people").content.decode()
