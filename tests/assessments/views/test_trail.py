"""The pages of the audit trails: an office's, and the portal's own."""

import re
from datetime import UTC, date, datetime
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from assessments.models import (
    AccessReview,
    Action,
    AuditEvent,
    Export,
    Invitation,
    Membership,
    Office,
    StoredPdf,
    User,
)
from assessments.reports.trail import GONE, OF_THE_PORTAL, PORTAL, RECORD_KINDS, SENTENCES, in_words
from assessments.services import audit, people, reviewing, sign_in_changes
from assessments.services.drafts import start_assessment
from tests.cast import HANDLE, Cast, account_of, person

pytestmark = pytest.mark.django_db
ACCOUNT = f"TikTok: {HANDLE}"


def append(office: Office | None, action: Action, on: Any, by: User | None) -> str:
    """Record an event; return its sentence."""
    with transaction.atomic():
        audit.append(office=office, action=action, about=on, by=by)
    chain = AuditEvent.objects.of_chain(office.pk if office else None)
    return in_words([chain.first()])[0].words  # type: ignore[list-item]


def page(cast: Cast, query: str = "", client: Client | None = None) -> str:
    """Ward 4's trail, in which nothing is unless its test wrote it."""
    client = client or cast.client("stranger")
    return str(client.get(f"/office/{cast.elsewhere_pk}/trail{query}").content.decode())


def lines(html: str) -> list[str]:
    return [unescape(line) for line in re.findall(r'<td class="note" dir="auto">(.*?)</td>', html)]


def test_every_action_has_words_of_its_own_that_name_who_and_what():
    assert {str(action) for action in Action} == {str(action) for action in SENTENCES}
    assert len(set(SENTENCES.values())) == len(SENTENCES)
    assert all(words.startswith("{who} ") for words in SENTENCES.values())
    # Administrators read these, and may not know what was shared.
    nameless = {Action.SHARE_ASSIGNED, Action.SHARE_DEALT, Action.SHARE_REOPENED}
    # What people do to their own sign-in: who and what are the same.
    own = {
        Action.SIGNED_IN,
        Action.SIGNED_IN_NEW_DEVICE,
        Action.SIGNED_OUT,
        Action.PASSWORD_CHANGED,
        Action.SECOND_STEP_ADDED,
        Action.SECOND_STEP_REMOVED,
        Action.RECOVERY_CODES_MADE,
        Action.RECOVERY_CODE_USED,
        Action.SSO_LINKED,
    }
    assert {action for action, words in SENTENCES.items() if "{what}" not in words} == nameless | own


def test_each_kind_of_record_is_named_in_words_that_people_know(cast, attestation, share_):
    office, member, draft = cast.office, cast.member, cast.draft
    staff = User.objects.create_user("sam@example.ca", name="Sam {Roy}")
    thread = reviewing.comment(assessment=draft, about="whole", subject="", text="Secret.", by=member)
    people.invite(email="new@example.ca", role="staff", office=office, by=member)
    membership = Membership.objects.create(office=office, user=staff)
    stored = StoredPdf.objects.create(share=share_, name="a.pdf", sha256="0" * 64, size=1)
    cases = {
        "assessment": (Action.REASSESSED, draft, f"started the next self-check of {ACCOUNT}"),
        "attestation": (Action.ATTESTED, attestation, f"attested the self-check of {ACCOUNT}"),
        "share": (Action.SHARED, share_, f"shared the self-check of {ACCOUNT}"),
        "storedpdf": (Action.PRINTED, stored, f"made the PDF of what was shared about {ACCOUNT}"),
        "socialaccount": (
            Action.ACCOUNT_ADDED,
            cast.account,
            f"added an account to the register: {ACCOUNT}",
        ),
        "thread": (Action.COMMENTED, thread, f"wrote a comment about {ACCOUNT}"),
        "invitation": (Action.INVITED, Invitation.objects.get(), "invited new@example.ca"),
        "membership": (Action.STAFF_REMOVED, membership, "removed Sam {Roy} from the staff"),
        "office": (Action.TERM_ENDED, office, "ended the term: Ward 10"),
        "accessreview": (
            Action.ACCESS_REVIEWED,
            AccessReview.objects.create(office=office, starts_on=date(2026, 10, 1), reviewed_by=member),
            "confirmed who has access, in the review of October 2026",
        ),
        "export": (
            Action.SHARES_EXPORTED,
            Export.objects.create(form=Export.Form.CSV, shares=[share_.pk]),
            "exported what was shared, some of it by members",
        ),
        "user": (Action.SIGN_IN_CLOSED, staff, "suspended sign-in for Sam {Roy}"),
    }
    assert cases.keys() == RECORD_KINDS.keys()
    for action, on, words in cases.values():
        assert append(office, action, on, member) == f"Ana Silva {words}"


def test_an_act_by_nobody_and_a_record_that_was_deleted_have_words(cast):
    doomed = account_of(cast.elsewhere)
    append(cast.elsewhere, Action.PURGED, doomed, None)
    doomed.delete()
    event = AuditEvent.objects.of_chain(cast.elsewhere_pk).latest("number")
    words = f"{PORTAL} deleted a self-check past its retention period: {GONE}"
    assert in_words([event])[0].words == words


def test_the_page_lists_the_newest_first_in_toronto_time_and_never_what_was_written(cast, time_machine):
    time_machine.move_to(datetime(2026, 11, 3, 2, 30, tzinfo=UTC), tick=False)
    by = cast.stranger
    draft = start_assessment(account=account_of(cast.elsewhere), by=by)
    reviewing.comment(assessment=draft, about="whole", subject="", text="Between us.", by=by)
    html = page(cast)
    assert lines(html) == [
        f"Kim Tran wrote a comment about X: {HANDLE}",
        f"Kim Tran started a self-check of X: {HANDLE}",
    ]
    assert html.count("2 November 2026, 21:30") == 2
    assert "Between us" not in html
    assert "127.0.0.1" not in html


@pytest.mark.postgres
def test_fifty_are_on_a_page_and_the_rest_on_the_next_ones(cast):
    office, by, client = cast.elsewhere, cast.stranger, cast.client("stranger")
    for _ in range(101):
        append(office, Action.TERM_ENDED, office, by)
    first = page(cast, client=client)
    assert len(lines(first)) == 50
    assert 'href="?before=52"' in first
    second = page(cast, "?before=52", client)
    assert len(lines(second)) == 50
    assert 'href="?before=2"' in second
    last = page(cast, "?before=2", client)
    assert len(lines(last)) == 1
    assert "Earlier</a>" not in last
    assert "Back to the newest" in last
    assert "No earlier events." in page(cast, "?before=1", client)


@pytest.mark.postgres
def test_a_number_that_is_none_shows_the_newest(cast):
    append(cast.elsewhere, Action.TERM_ENDED, cast.elsewhere, cast.stranger)
    client = cast.client("stranger")
    for before in ("x", "-1", "²", "9" * 40, ""):
        assert len(lines(page(cast, f"?before={before}", client))) == 1, before


def test_a_page_asks_the_database_as_often_for_many_events_as_for_few(cast):
    client = cast.client("stranger")
    account = account_of(cast.elsewhere)

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            page(cast, client=client)
        return len(queries)

    def work(number: int) -> None:
        draft = start_assessment(account=account, by=person(f"worker {number}"))
        reviewing.comment(assessment=draft, about="whole", subject="", text="Hm.", by=cast.stranger)
        append(cast.elsewhere, Action.ACCOUNT_DESCRIBED, account, cast.stranger)

    work(0)
    asked()  # the first request of a session writes that it is in use
    few = asked()
    for number in range(1, 8):
        work(number)
    assert asked() == few


@pytest.mark.parametrize(("who", "own"), [("member", True), ("staff", False)])
def test_the_settings_of_the_office_lead_to_each_page_that_the_person_may_see(cast, who, own):
    client, office = cast.client(who), f"/office/{cast.office_pk}"
    assert f'href="{office}/settings"' in client.get("/office/").content.decode()
    html = client.get(f"{office}/settings").content.decode()
    for name in ("people", "trail", "keeping"):
        assert f'href="{office}/{name}"' in html
        assert f'href="{office}/settings"' in client.get(f"{office}/{name}").content.decode()
    for name in ("export", "erase"):
        assert (f'href="{office}/{name}"' in html) is own
        assert not own or f'href="{office}/settings"' in client.get(f"{office}/{name}").content.decode()


# --- The portal's own --------------------------------------------------------------------------


def portal_page(cast: Cast, query: str = "") -> str:
    return str(cast.client("administrator").get(f"/people/trail{query}").content.decode())


def test_administrators_read_the_portals_trail_and_filter_it_by_person_and_event(cast):
    member, officer, administrator = cast.member, cast.officer, cast.administrator
    append(None, Action.SIGNED_IN, member, member)
    append(None, Action.SIGN_IN_CLOSED, member, administrator)
    append(None, Action.SIGNED_IN, officer, officer)
    append(cast.office, Action.RENAMED, member, member)
    suspended = "Alex Martin suspended sign-in for Ana Silva"
    assert lines(portal_page(cast)) == ["Robin Ng signed in", suspended, "Ana Silva signed in"]
    for query, shown in (
        (f"?person={member.pk}", [suspended, "Ana Silva signed in"]),
        ("?action=signed_in", ["Robin Ng signed in", "Ana Silva signed in"]),
        (f"?person={officer.pk}&action=sign_in_closed", []),
    ):
        assert lines(portal_page(cast, query)) == shown, query
    assert "No events match these filters." in portal_page(cast, "?action=guessing")


def test_the_portals_trail_says_how_to_learn_who_guessed_and_is_no_page_of_results(cast):
    page_ = portal_page(cast)
    assert "The portal’s security log shows the network that each guess came from" in page_
    assert "Results are based on your own answers" not in page_


@pytest.mark.parametrize(
    "query", ["?person=abc", "?person=999999", "?person=%00", "?action=printed", "?action=x"]
)
def test_a_filter_that_is_none_is_left_out_and_named(cast, query):
    append(None, Action.SIGNED_IN, cast.member, cast.member)
    page_ = portal_page(cast, query)
    assert "There is a problem" in page_
    assert lines(page_) == ["Ana Silva signed in"]


def test_the_portals_trail_is_paged_and_keeps_its_filter(cast):
    for _ in range(60):
        append(None, Action.SIGNED_IN, cast.member, cast.member)
    first = portal_page(cast, f"?person={cast.member.pk}")
    (earlier,) = re.findall(r'<a href="(\?person[^"]+before=\d+)">', first)
    assert len(lines(first)) == 50
    assert len(lines(portal_page(cast, unescape(earlier)))) == 10


def test_no_page_of_a_trail_shows_a_network_address(cast):
    token = audit.current_address.set("192.0.2.7")
    append(None, Action.SIGNED_IN, cast.member, cast.member)
    append(cast.elsewhere, Action.RENAMED, cast.elsewhere, cast.stranger)
    audit.current_address.reset(token)
    assert "192.0.2.7" not in portal_page(cast) + page(cast)


def test_the_filter_has_every_action_that_a_service_puts_into_the_portals_trail():
    services = Path(audit.__file__).parent
    sources = [
        path.read_text(encoding="utf-8")
        for path in [*services.glob("*.py"), *services.parent.glob("views/*.py")]
    ]
    named = {name for text in sources for name in re.findall(r"office=None,\s*action=Action\.(\w+)", text)}
    assert len(named) > 10
    changes = {action for action, _ in sign_in_changes.RECORDED_AS.values()}
    assert {Action[name] for name in named} | changes <= set(OF_THE_PORTAL)
