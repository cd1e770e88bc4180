"""The Commissioner's desk: what it knows of a share, what it lists first, how it is searched and paged."""

import html
import importlib
import re
import threading
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from assessments.models import Attestation, AuditEvent, DeskEntry, DeskFinding, DeskUnsure, Share, User
from assessments.models.desk import Place
from assessments.records.desk_facts import desk_facts
from assessments.records.shared import Picked
from assessments.reports.trail import in_words
from assessments.services import desk, retention, sharing
from assessments.services.audit import append_access
from assessments.typed.folding import searchable
from bulletin import shelf
from tests.cast import (
    HANDLE,
    Cast,
    account_of,
    at_the_same_moment,
    attested,
    make,
    office_of,
    person,
    shared,
    together,
)

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 7, 1, 15, 0, tzinfo=UTC)
GIVEN = {"conduct.abuse": "yes", "resources.email": "unsure"}
NOTES = {"conduct.abuse": "Jones Street, ÉTÉ.", "gifts.value": "Withheld zq7."}


def attest_both(cast: Cast) -> tuple[Attestation, Attestation]:
    """An attestation of Ward 10 and one of Ward 4."""
    return attested(cast.account, GIVEN, notes=NOTES), attested(account_of(cast.elsewhere, handle="@bo"))


@dataclass
class World:
    """The cast with two attestations, at a time that its test sets."""

    cast: Cast
    attestation: Attestation
    theirs: Attestation
    clock: Any

    def at(self, **later: int) -> None:
        self.clock.move_to(NOW + timedelta(**later), tick=False)

    def share(self, number: int = 0, *, of: Attestation | None = None, **more: Any) -> Share:
        return shared(of or self.attestation, nonce=f"{number:064x}", **more)

    def see(self, address: str = "/desk/", **data: Any) -> Any:
        return self.cast.client("officer").get(address, data)


@pytest.fixture(scope="module")
def attestations(module_cast, module_time) -> tuple[int, int]:
    with module_time():
        mine, theirs = attest_both(module_cast)
    return mine.pk, theirs.pk


@pytest.fixture
def world(cast, attestations, time_machine) -> World:
    time_machine.move_to(NOW, tick=False)
    mine, theirs = (Attestation.objects.get(pk=pk) for pk in attestations)
    return World(cast, mine, theirs, time_machine)


def text_of(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def listed(answer: Any) -> list[int]:
    return [int(pk) for pk in re.findall(r'<a href="/shares/(\d+)"', answer.content.decode())]


# --- What a row knows ------------------------------------------------------------------------


def test_a_row_says_what_was_shared_and_nothing_of_what_was_not(cast, world):
    share = world.share(
        rules={"17a", "9"}, questions={"conduct.abuse"}, notes={"conduct.abuse"}, ask="May I, please?"
    )
    entry = DeskEntry.objects.get(share=share)
    fields = (
        entry.office,
        entry.office_name,
        entry.account,
        entry.overall,
        entry.advice_asked,
        entry.waiting,
    )
    assert fields == (cast.office, "Ward 10", f"TikTok {HANDLE}", "contact_commissioner", True, True)
    assert set(DeskFinding.objects.values_list("rule", flat=True)) == {"17a", "9"}
    assert not DeskUnsure.objects.exists()
    for word in ("jones street, ete.", "may i, please?", HANDLE, "ward 10"):
        assert word in entry.words
    for withheld in ("zq7", "resources"):
        assert withheld not in entry.words


def test_a_question_that_a_shared_answer_is_not_sure_of_is_counted(world):
    world.share(questions={"resources.email", "conduct.abuse"})
    assert list(DeskUnsure.objects.values_list("question", flat=True)) == ["resources.email"]


def test_of_several_times_to_contact_the_earliest_counts(world):
    share = world.share(rules={"17a"})
    record = share.content.record
    assert desk_facts(record).contact in ("now", "before_launch", "unstated")
    assert (
        desk_facts(
            record.replace('"contact":[{', '"contact":[{"rule":"x","when":"now","why":""},{', 1)
        ).contact
        == "now"
    )


def test_search_does_not_mind_capitals_accents_as_written_or_blanks():
    assert searchable("  E\u0301té\n  STRASSE") == searchable("ÉTÉ straße")


def test_opened_answered_and_added_to_it_waits_and_waits_not(cast, world):
    share = world.share(ask="May I?")

    def entry() -> DeskEntry:
        return DeskEntry.objects.get(share=share)

    def state() -> tuple[bool, bool, bool]:
        return entry().is_unread, entry().is_to_answer, entry().waiting

    assert state() == (True, True, True)
    world.at(hours=1)
    desk.open_share(share=share, by=cast.officer)
    assert state() == (False, True, True)
    world.at(hours=2)
    sharing.write_advice(share=share, text="You may.", by=cast.officer)
    assert state() == (False, False, False)
    assert entry().answered_at == NOW + timedelta(hours=2)
    world.at(hours=3)
    sharing.write_advice(share=share, text="Thanks.", by=cast.member)
    assert state() == (True, False, True)
    world.at(hours=4)
    world.see(f"/shares/{share.pk}")
    assert state() == (False, False, False)
    world.at(hours=5)
    sharing.write_advice(share=share, text="And this.", by=cast.officer)
    assert entry().answered_at == NOW + timedelta(hours=2)


def test_the_members_own_look_leaves_it_unread(cast, world):
    share = world.share()
    cast.client("member").get(f"/shares/{share.pk}")
    assert DeskEntry.objects.get().opened_at is None


def test_withdrawn_only_the_times_are_left(cast, world):
    share = world.share(questions={"resources.email"}, ask="May I?")
    sharing.withdraw(share=share, by=cast.member)
    entry = DeskEntry.objects.get()
    assert entry.withdrawn_at == NOW
    blank = (entry.office, entry.office_name, entry.account, entry.overall, entry.words, entry.waiting)
    assert blank == (None, "", "", "", "", False)
    assert not DeskFinding.objects.exists()
    assert not DeskUnsure.objects.exists()


def test_what_is_erased_leaves_no_row(cast, world):
    world.share()
    retention.erase(office=cast.office, by=cast.member)
    assert not DeskEntry.objects.exists()


def rows_of(model: Any) -> list[Any]:
    left_out = ("id",) if model is not DeskEntry else ()
    fields = [field.attname for field in model._meta.fields if field.attname not in left_out]
    return sorted(model.objects.values_list(*fields), key=repr)


@pytest.mark.postgres
def test_what_was_shared_before_there_was_a_desk_is_listed_as_it_would_have_been(cast, world):
    shares = [
        world.share(number, questions={"resources.email"}, ask="May I?" * (number % 2)) for number in range(6)
    ]
    shares.append(world.share(6, rules=set(), questions={"resources.email"}))
    world.at(hours=1)
    sharing.write_advice(share=shares[1], text="You may.", by=cast.officer)
    sharing.write_advice(share=shares[3], text="You may.", by=cast.officer)
    world.at(hours=2)
    sharing.write_advice(share=shares[3], text="Thanks. ÉCOLE!", by=cast.member)
    sharing.withdraw(share=shares[4], by=cast.member)
    sharing.withdraw(share=shares[5], by=cast.member)
    models = (DeskEntry, DeskFinding, DeskUnsure)
    as_kept = [rows_of(model) for model in models]
    DeskEntry.objects.all().delete()
    importlib.import_module("assessments.migrations.0007_desk").enter_all(apps, None)
    importlib.import_module("assessments.migrations.0009_desk_room").enter_again(apps, None)
    importlib.import_module("assessments.migrations.0012_folding").search_by_folded_words(apps, None)
    importlib.import_module("assessments.migrations.0023_desk_handling").read_again(apps, None)
    assert [rows_of(model) for model in models] == as_kept


@pytest.mark.parametrize(("meanwhile", "status"), [("withdrawn", 200), ("erased", 404)])
def test_what_went_while_an_officer_opened_it_is_not_shown_nor_recorded_as_read(
    cast, world, monkeypatch, meanwhile, status
):
    share = world.share(ask="May I?")

    def gone_first(**opened: Any) -> None:
        if meanwhile == "withdrawn":
            sharing.withdraw(share=share, by=cast.member)
        else:
            retention.erase(office=cast.office, by=cast.member)
        desk.open_share(**opened)

    monkeypatch.setattr("assessments.views.sharing.open_share", gone_first)
    answer = world.see(f"/shares/{share.pk}")
    assert answer.status_code == status
    assert "May I?" not in text_of(answer)
    assert not AuditEvent.objects.filter(action="share_viewed").exists()


# --- The list ------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["member", "stranger"])
def test_only_officers_see_it(cast, world, who):
    world.share()
    assert cast.client(who).get("/desk/").status_code == 404
    assert not DeskEntry.objects.visible_to(cast.user(who)).exists()


def test_with_nothing_shared_it_says_so_and_counts_nothing_else(world):
    page = text_of(world.see())
    assert "No self-checks are shared yet." in page
    assert "Ward 10" not in page


def test_with_everything_withdrawn_no_filter_says_that_nothing_was_ever_shared(cast, world):
    sharing.withdraw(share=world.share(), by=cast.member)
    assert "Members have withdrawn everything that they shared." in text_of(world.see())
    page = text_of(world.see(state="unread"))
    assert "No self-checks are shared now." in page
    assert "shared yet" not in page


@pytest.mark.postgres
def test_what_waits_comes_first_then_the_newest(cast, world):
    shares = []
    for number in range(4):
        world.at(days=number)
        shares.append(world.share(number))
    desk.open_share(share=shares[3], by=cast.officer)
    desk.open_share(share=shares[1], by=cast.officer)
    assert listed(world.see()) == [shares[n].pk for n in (2, 0, 3, 1)]
    page = re.sub("<[^>]+>", "", text_of(world.see()))
    assert "2 unread, 0 need a reply, 4 shared." in page


def test_a_look_at_the_list_is_in_the_portals_trail_once(cast, world):
    world.see()
    world.see()
    (event,) = AuditEvent.objects.filter(action="desk_viewed")
    assert (event.actor, event.office_id) == (cast.officer, None)


STANDING = {"new", "asked", "read", "theirs", "answered", "dealt", "replied", "closed"}
DEALT = {"dealt", "replied", "closed"}
FILTERS: list[tuple[dict[str, str], set[str]]] = [
    # The office and the paragraph are filled in.
    ({"state": "unread"}, {"new", "asked", "theirs"}),
    ({"state": "to_answer"}, {"asked"}),
    ({"state": "read"}, {"read"}),
    ({"state": "answered"}, {"answered", "replied"}),
    ({"state": "dealt"}, DEALT),
    ({"state": "dealt_unanswered"}, {"closed"}),
    # Addresses from before `state` had these values.
    ({"waiting": "unread"}, {"new", "asked", "theirs"}),
    ({"waiting": "to_answer", "office": ""}, set()),
    ({"assigned": "me"}, {"read"}),
    ({"assigned": "nobody"}, {"new", "asked", "theirs", "answered", *DEALT}),
    ({"office": ""}, {"theirs"}),
    ({"overall": "contact_commissioner"}, {"asked"}),
    ({"contact": "none"}, {"new", "read", "theirs", "answered", *DEALT}),
    ({"paragraph": ""}, {"asked"}),
    ({"advice": "asked"}, {"asked", "answered", "replied", "closed"}),
    ({"advice": "none"}, {"new", "read", "theirs", "dealt"}),
    ({"advice": "answered"}, {"answered", "replied"}),
    ({"since": "2026-07-03"}, {"read", "theirs", "gone", "answered", *DEALT}),
    ({"until": "2026-07-02"}, {"new", "asked"}),
    ({"since": "2026-07-02", "until": "2026-07-02"}, {"asked"}),
    ({"since": "2026-07-05", "until": "2026-07-01"}, set()),
    ({"since": "0001-01-01", "until": "9999-12-31"}, {*STANDING, "gone"}),
    ({"since": "9999-12-31"}, set()),
    ({"edition": "toronto-social-media-1.1"}, STANDING),
    ({"state": "withdrawn"}, {"gone"}),
    ({"state": "standing"}, STANDING),
    ({}, {*STANDING, "gone"}),
]


WRONG = [
    ("since", "yesterday", "Enter the date as year-month-day, such as 2026-08-21."),
    ("overall", "nonsense", "Choose one of the options in the list."),
    ("state", "nonsense", "State: Choose one of the options in the list."),
    ("assigned", "987654", "Assigned to: Choose one of the options in the list."),
    ("assigned", "\0", "Choose one of the options in the list."),
    ("office", "987654", "Choose one of the options in the list."),
    ("office", "9" * 40, "Choose one of the options in the list."),
    ("office", "\0", "Choose one of the options in the list."),
]


@pytest.mark.postgres
def test_a_filter_keeps_what_it_says(cast, world):
    paragraph = shelf.editions()["toronto-social-media-1.1"].rule["17a"].paragraphs[0]
    made = {"new": world.share(1)}
    # 22:00 in Toronto, which is the next day in UTC.
    world.at(days=1, hours=11)
    made["asked"] = world.share(2, rules={"17a"}, ask="May I?")
    world.at(days=2)
    made["read"] = world.share(3)
    made["theirs"] = world.share(4, of=world.theirs)
    made["gone"] = world.share(5)
    sharing.withdraw(share=made["gone"], by=cast.member)
    made["answered"], made["dealt"] = world.share(6, ask="And this?"), world.share(7)
    made["replied"], made["closed"] = world.share(8, ask="And this?"), world.share(9, ask="And that?")
    for share in (made["read"], made["dealt"], made["closed"]):
        desk.open_share(share=share, by=cast.officer)
    for name in ("answered", "replied"):
        sharing.write_advice(share=made[name], text="You may.", by=cast.officer)
    for name in DEALT:
        desk.mark_dealt(share=made[name], by=cast.officer, without_reply=name == "closed")
        states = {state.value for state in entry_of(made[name]).states}
        assert (
            states
            == {"dealt": {"dealt"}, "replied": {"answered", "dealt"}, "closed": {"dealt_unanswered"}}[name]
        )
    desk.assign_share(share=made["read"], to=cast.officer, seen=None, by=cast.officer)
    named = {"office": str(cast.elsewhere_pk), "paragraph": paragraph}
    client = cast.client("officer")
    for chosen, kept in FILTERS:
        data = {field: named.get(field, value) for field, value in chosen.items()}
        assert set(listed(client.get("/desk/", data))) == {made[name].pk for name in kept}, chosen


@pytest.mark.postgres
def test_a_filter_that_means_nothing_is_reported_and_the_others_count(cast, world):
    world.share(1)
    theirs = world.share(2, of=world.theirs)
    client = cast.client("officer")
    for field, wrong, message in WRONG:
        right = {"until": "2026-07-02", "advice": "none", "office": cast.elsewhere_pk}
        answer = client.get("/desk/", right | {field: wrong})
        assert answer.status_code == 200
        assert message in text_of(answer), wrong
        assert f"({len({**right, field: wrong}) - 1} applied)" in text_of(answer), wrong
        assert theirs.pk in listed(answer)
        assert len(listed(answer)) == (2 if field == "office" else 1), wrong


@pytest.mark.postgres
def test_words_are_looked_for_in_what_was_shared_and_are_in_no_address(cast, world):
    share = world.share(1, notes={"conduct.abuse"}, questions={"conduct.abuse"})
    world.share(2)
    client = cast.client("officer")
    answer = client.post("/desk/", {"words": "  JONES\n été ", "office": cast.office.pk})
    assert "jones" not in answer["Location"].lower()
    page = client.get(answer["Location"])
    assert listed(page) == [share.pk]
    assert 'value="JONES été"' in text_of(page)
    assert listed(client.get(client.post("/desk/", {"words": "zq7"})["Location"])) == []
    assert listed(client.get(client.post("/desk/", {"words": "100%"})["Location"])) == []


@pytest.mark.postgres
def test_an_account_is_looked_for_in_accounts_alone_and_is_in_no_address(cast, world):
    world.share(1, questions={"conduct.abuse"}, notes={"conduct.abuse"}, ask="What of @bo?")
    theirs = world.share(2, of=world.theirs)
    client = cast.client("officer")
    answer = client.post("/desk/", {"account": " @BO ", "advice": "none"})
    # Beside the other filter there is a token, which is made by chance.
    assert re.fullmatch(r"/desk/\?advice=none&search=[\w-]{12}", answer["Location"])
    page = client.get(answer["Location"])
    assert listed(page) == [theirs.pk]
    assert 'value="@BO"' in text_of(page)
    assert "(2 applied)" in text_of(page)
    assert len(listed(client.get("/desk/", {"account": "@bo"}))) == 2


@pytest.mark.postgres
def test_no_words_are_too_odd_to_look_for(cast, world):
    world.share(1, questions={"conduct.abuse"}, notes={"conduct.abuse"})
    client = cast.client("officer")
    for words in ("\0", "jones\0street", "%", "\\", "'", "a " * 50, "@", "//", "http://[", "x.com/%ff"):
        answer = client.get(client.post("/desk/", {"words": words, "account": words})["Location"])
        assert answer.status_code == 200


def test_of_what_is_withdrawn_nothing_is_offered_to_take_away(cast, world):
    share = world.share()
    assert "Prepare download" in text_of(world.see())
    sharing.withdraw(share=share, by=cast.member)
    assert "Prepare download" not in text_of(world.see(state="withdrawn"))


def test_a_search_that_is_forgotten_says_so(world):
    world.share()
    assert "This search has expired." in text_of(world.see(search="unknown"))


# --- Page by page --------------------------------------------------------------------------------


@pytest.mark.postgres
def test_every_row_is_on_one_page_in_either_direction(cast, world, monkeypatch):
    monkeypatch.setattr("assessments.views.desk.PAGE_SIZE", 2)
    shares = [world.share(number) for number in range(7)]
    for read in shares[::3]:
        desk.open_share(share=read, by=cast.officer)
    client, address, down = cast.client("officer"), "/desk/", []
    pages = []
    while address:
        page = client.get(address)
        pages.append(listed(page))
        down += listed(page)
        further = re.search(r'href="(\?[^"]*after=[^"]*)"', page.content.decode())
        address = f"/desk/{further[1]}" if further else ""
    # All at one moment: the key decides.
    waiting = [s.pk for s in reversed(shares) if s not in shares[::3]]
    assert down == waiting + [s.pk for s in reversed(shares[::3])]
    for expected in reversed(pages[:-1]):
        back = re.search(r'href="(\?[^"]*before=[^"]*)"', page.content.decode())
        assert back
        page = client.get(f"/desk/{back[1]}")
        assert listed(page) == expected
    assert "before=" not in page.content.decode()


def back_from(page: Any) -> str:
    match = re.search(r'<a href="([^"]+)">Back to shared self-checks</a>', page.content.decode())
    assert match
    return html.unescape(match[1])


def test_from_what_was_shared_the_way_back_keeps_filters_search_and_place(cast, world, monkeypatch):
    monkeypatch.setattr("assessments.views.desk.PAGE_SIZE", 1)
    first, second, gone = world.share(), world.share(1), world.share(2)
    sharing.withdraw(share=gone, by=cast.member)
    client = cast.client("officer")
    assert back_from(client.get(f"/shares/{first.pk}")) == "/desk/"
    address = client.post("/desk/", {"words": "Ward 10", "state": "standing", "since": "2026-07-01"})[
        "Location"
    ]
    further = re.search(r'href="(\?[^"]*after=[^"]*)"', client.get(address).content.decode())
    assert further
    seen = f"/desk/{html.unescape(further[1])}"
    client.get(seen)
    for share in (first, second, gone):
        back = back_from(client.get(f"/shares/{share.pk}"))
        assert parse_qs(back) == parse_qs(seen)
        assert "ward" not in back.lower()
    for part in ("search=", "state=standing", "since=2026-07-01", "after="):
        assert part in seen
    client.get("/desk/", {"after": "nowhere", "words": "Jones", "account": HANDLE, "other": "x"})
    assert back_from(client.get(f"/shares/{first.pk}")) == "/desk/"


def test_members_are_led_back_to_their_own_assessment(cast, world):
    share = world.share()
    page = cast.client("member").get(f"/shares/{share.pk}")
    assert f'href="/assessments/{world.attestation.assessment_id}/">Back to the self-check' in text_of(page)


@pytest.mark.parametrize(("who", "is_there"), [("officer", True), ("member", False)])
def test_help_speaks_of_the_desk_to_officers_alone(cast, who, is_there):
    page = text_of(cast.client(who).get("/help"))
    assert ("What is on the desk?" in page) is is_there


PLACES = ["x", "1.2", "1.2.3.4", "2.1.1", "1.-5.1", "٣.1.1", "9" * 80, "1.99999999999999999999.1"]


@pytest.mark.postgres
def test_a_place_that_there_is_not_shows_the_top_and_says_so(cast, world):
    share, client = world.share(), cast.client("officer")
    for place in ("", *PLACES):
        page = client.get("/desk/", {"after": place})
        assert listed(page) == [share.pk], place
        assert ("does not lead to a page" in text_of(page)) is bool(place), place


def test_a_place_reads_back_as_it_was_written():
    place = Place(True, datetime(2026, 7, 1, 15, 0, 0, 123456, tzinfo=UTC), 42)
    assert Place.read(str(place)) == place


def test_a_page_costs_the_same_queries_for_two_rows_and_for_ten(cast, world):
    counts = []
    client = cast.client("officer")
    for many in (2, 10):
        while (number := Share.objects.count()) < many:
            share = world.share(number, ask="May I?" * (number % 2))
            office = office_of(person(f"member {number}"), f"Office {number}")
            DeskEntry.objects.filter(pk=share.pk).update(office=office)
        # The first look is noted in the trail.
        client.get("/desk/")
        with CaptureQueriesContext(connection) as queries:
            assert len(listed(client.get("/desk/"))) == many
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 14


@pytest.mark.postgres
def test_a_time_that_is_not_whole_seconds_loses_no_row(cast, world):
    shares = []
    for micros in (3, 1, 2):
        world.clock.move_to(NOW.replace(microsecond=micros), tick=False)
        shares.append(world.share(micros))
    rows = DeskEntry.objects.visible_to(cast.officer)
    first = rows.page(size=1)
    rest = rows.page(size=5, after=first.older)
    assert [row.pk for row in (*first.rows, *rest.rows)] == [shares[n].pk for n in (0, 2, 1)]


@pytest.mark.postgres
@pytest.mark.parametrize("way", [{}, {"after": Place(False, NOW, 5)}, {"before": Place(True, NOW, 5)}])
def test_a_page_is_read_along_the_index_without_sorting(world, way):
    with CaptureQueriesContext(connection) as queries:
        DeskEntry.objects.filter(withdrawn_at__isnull=True).page(size=25, **way)
    assert queries.captured_queries
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # A table this small is read whole, whatever there is.
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
        for query in queries.captured_queries:
            cursor.execute(f"EXPLAIN {'QUERY PLAN ' if connection.vendor == 'sqlite' else ''}{query['sql']}")
            plan = "\n".join(str(row[-1]) for row in cursor.fetchall())
            assert re.search(r"desk_order.*waiting *=", plan, re.DOTALL), plan
            assert not re.search(r"ANY\(|B-TREE|Sort", plan), plan


def test_a_row_says_what_it_is_of_when_and_by_when(world):
    share = world.share(rules={"17a"}, ask="May I?")
    DeskEntry.objects.filter(pk=share.pk).update(needed_by=date(2026, 7, 15))
    page = text_of(world.see())
    for text in (
        f"Ward 10: TikTok {HANDLE}, shared on 1 July 2026, 11:00 EDT",
        "Ana Silva",
        "Contact the Integrity Commissioner",
        "1 Jul 2026",
        '<strong class="date">15 Jul 2026</strong>',
        "Unread",
        "Needs a reply",
    ):
        assert text in page, text


# --- Two at the same moment ----------------------------------------------------------------------


@at_the_same_moment
def test_an_officer_who_opens_while_the_member_erases_waits_for_no_one_in_a_circle(monkeypatch):
    cast = make()
    office, member, officer = cast.office, cast.member, cast.officer
    attestation, _ = attest_both(cast)
    share, *_ = (shared(attestation, nonce=f"{number:064x}") for number in range(3))
    opened = threading.Event()

    def note_slowly(**noted: Any) -> None:
        opened.set()
        time.sleep(0.5)
        append_access(**noted)

    monkeypatch.setattr("assessments.services.desk.append_access", note_slowly)

    def erase() -> None:
        opened.wait(timeout=20)
        retention.erase(office=office, by=member)

    assert together(lambda: desk.open_share(share=share, by=officer), erase) == [None, None]
    assert not DeskEntry.objects.exists()


def test_a_search_that_is_too_long_comes_back_whole_and_finds_nothing(cast):
    client, words = cast.client("officer"), "word " * 61
    for name, told in (
        ("words", "Use at most 300 characters to search."),
        ("account", "Use at most 300 char"),
    ):
        page = client.get(client.post("/desk/", {name: words})["Location"]).content.decode()
        assert told in page
        assert words.strip() in page


# --- Searching by account, code and member ---------------------------------------------------------


SEARCHES = [
    ("Silva", {"mine", "asked"}),
    ("https://www.tiktok.com/@Ward10-6142?lang=en", {"mine", "asked"}),
    ("tiktok.com/@ward10-6142", {"mine", "asked"}),
    ("https://www.instagram.com/ward10-6142/", set()),
    ("https://x.com/BO?s=20", {"theirs"}),
    ("https://mobile.twitter.com/bo", {"theirs"}),
    ("@bo", {"theirs"}),
    ("Ward @Bo", {"theirs"}),
    ("see https://example.com/notes", {"asked"}),
]


@pytest.mark.postgres
def test_members_profile_addresses_and_handles_find_their_shares(cast, world):
    made = {
        "mine": world.share(1),
        "asked": world.share(2, ask="Please see https://example.com/notes."),
        "theirs": world.share(3, of=world.theirs),
    }
    client = cast.client("officer")
    for words, kept in SEARCHES:
        answer = client.post("/desk/", {"words": words})
        assert re.fullmatch(r"/desk/\?search=[\w-]{12}", answer["Location"]), words
        assert set(listed(client.get(answer["Location"]))) == {made[name].pk for name in kept}, words


@pytest.mark.postgres
def test_a_verification_code_finds_its_share_however_it_is_typed(cast, world):
    share, gone = world.share(1), world.share(2)
    sharing.withdraw(share=gone, by=cast.member)
    client = cast.client("officer")
    for typed in (
        share.code,
        share.code.lower().replace("-", " "),
        f"Verification code {share.code}.",
        f"https://portal.example/verify/{share.code}",
    ):
        answer = client.post("/desk/", {"words": typed})
        assert share.code not in answer["Location"]
        assert listed(client.get(answer["Location"])) == [share.pk], typed
    assert listed(client.get(client.post("/desk/", {"words": gone.code})["Location"])) == [gone.pk]
    # The code of the attestation was not shared.
    assert listed(client.get(client.post("/desk/", {"words": world.attestation.code})["Location"])) == []


# --- Handling ----------------------------------------------------------------------------------


@pytest.fixture
def colleague(cast) -> User:
    return person("colleague", is_officer=True)


def entry_of(share: Share) -> DeskEntry:
    return DeskEntry.objects.get(share=share)


def assign(client: Any, share: Share, to: User | None, *, seen: User | None = None) -> str:
    sent = {"officer": to.pk if to else "", "seen": seen.pk if seen else ""}
    return text_of(client.post(f"/shares/{share.pk}/assign", sent, follow=True))


@pytest.mark.postgres
def test_a_share_is_assigned_to_oneself_to_another_and_to_no_one(cast, world, colleague):
    share, client = world.share(), cast.client("officer")
    for to, seen, message, named in (
        (cast.officer, None, "Assigned to you.", "Me"),
        (colleague, cast.officer, "Assigned to Colleague.", "Colleague"),
        (None, colleague, "Assigned to no one.", ""),
    ):
        assert message in assign(client, share, to, seen=seen)
        assert entry_of(share).assigned_to == to
        cell = text_of(client.get("/desk/")).partition('data-label="Assigned to"')[2].partition("</td>")[0]
        assert re.sub("<[^>]*>", "", cell).strip().removeprefix('class="is-empty">').strip("> ") == named


@pytest.mark.postgres
def test_an_officer_who_assigns_after_another_did_changes_nothing_and_is_told(cast, world, colleague):
    share, client = world.share(), cast.client("officer")
    desk.assign_share(share=share, to=colleague, seen=None, by=colleague)
    assert "Another officer assigned this share" in assign(client, share, cast.officer)
    assert entry_of(share).assigned_to == colleague
    # The same choice twice is no conflict, and one event.
    assert "Assigned to Colleague." in assign(client, share, colleague)
    assert AuditEvent.objects.filter(action="share_assigned").count() == 1


def test_no_share_is_assigned_to_anyone_but_an_officer_who_can_sign_in(cast, world, colleague):
    share, client = world.share(), cast.client("officer")
    User.objects.filter(pk=colleague.pk).update(is_active=False)
    for to in (colleague, cast.member, cast.administrator):
        assert "Choose an officer from the list." in assign(client, share, to)
        with pytest.raises(desk.NotAnOfficer):
            desk.assign_share(share=share, to=to, seen=None, by=cast.officer)
    for odd in ("x", "9" * 40, "\0", "-1"):
        sent = {"officer": odd, "seen": odd}
        answer = client.post(f"/shares/{share.pk}/assign", sent, follow=True)
        assert (answer.status_code, entry_of(share).assigned_to) == (200, None), odd


def test_what_is_assigned_to_an_officer_who_left_says_so_and_can_be_found_and_assigned_again(
    cast, world, colleague
):
    share, client = world.share(), cast.client("officer")
    desk.assign_share(share=share, to=colleague, seen=None, by=colleague)
    User.objects.filter(pk=colleague.pk).update(is_officer=False)
    for page in ("/desk/", f"/desk/?assigned={colleague.pk}", f"/shares/{share.pk}"):
        assert "Colleague (no longer an officer)" in text_of(client.get(page)), page
    assert listed(client.get(f"/desk/?assigned={colleague.pk}")) == [share.pk]
    assert "Assigned to you." in assign(client, share, cast.officer, seen=colleague)


@pytest.mark.postgres
def test_dealt_with_a_share_needs_no_attention_until_the_member_adds_something(cast, world):
    share, client = world.share(ask="May I?"), cast.client("officer")
    address = f"/shares/{share.pk}/dealt"
    # Not yet read.
    assert "The member just added something." in text_of(client.post(address, follow=True))
    assert entry_of(share).dealt_at is None
    # It has no reply, so the page asks first, with and without scripts.
    page = text_of(client.post(address, follow=True))
    assert "this request has no reply yet" in page
    assert "Mark it as dealt with anyway?" in page
    assert entry_of(share).dealt_at is None
    anyway = {"without_reply": "1"}
    assert "Marked as dealt with." in text_of(client.post(address, anyway, follow=True))
    world.at(hours=1)
    client.post(address)
    entry = entry_of(share)
    assert (entry.dealt_at, entry.dealt_by, entry.waiting) == (NOW, cast.officer, False)
    assert entry.states == (DeskEntry.State.DEALT_UNANSWERED,)
    client = cast.client("officer")
    assert "Dealt with, no reply" in text_of(client.get(f"/shares/{share.pk}"))
    assert "0 need a reply" in re.sub("<[^>]+>", "", text_of(client.get("/desk/")))
    assert "Reopened." in text_of(client.post(address, {"reopen": "1"}, follow=True))
    assert entry_of(share).states == (DeskEntry.State.TO_ANSWER,)
    client.post(address, anyway)
    world.at(hours=2)
    sharing.write_advice(share=share, text="And this?", by=cast.member)
    entry = entry_of(share)
    assert (entry.dealt_at, entry.dealt_by, entry.waiting) == (None, None, True)
    assert entry.states == (DeskEntry.State.UNREAD, DeskEntry.State.TO_ANSWER)
    actions = AuditEvent.objects.filter(record_type="share", record_id=share.pk, office=None)
    assert [event.action for event in actions.order_by("number")] == [
        "share_dealt",
        "share_reopened",
        "share_dealt",
    ]


def test_once_replied_to_the_day_a_reply_is_needed_by_is_past(cast, world):
    share = sharing.share(
        attestation=world.attestation,
        picked=Picked(frozenset({"9"}), frozenset(), frozenset(), {}),
        by=cast.member,
        nonce="7" * 64,
        asked=sharing.Asked("May I?", ("9",), date(2026, 7, 15)),
    )
    officer, member, address = cast.client("officer"), cast.client("member"), f"/shares/{share.pk}"
    for client in (officer, member):
        assert "A reply is needed by <strong>15 July 2026</strong>." in text_of(client.get(address))
    sharing.write_advice(share=share, text="You may.", by=cast.officer)
    for client in (officer, member):
        page = text_of(client.get(address))
        assert "A reply was needed by 15 July 2026. The Commissioner’s office replied on 1 July 2026." in page
    row = text_of(officer.get("/desk/"))
    assert "Replied 1 Jul 2026" in row
    assert '<strong class="date">' not in row


def test_a_mark_without_an_officer_is_refused_by_the_database(world):
    share = world.share()
    for columns in {"dealt_at": NOW}, {"dealt_by": world.cast.officer}:
        with pytest.raises(IntegrityError, match="dealt_with"), transaction.atomic():
            DeskEntry.objects.filter(share=share).update(**columns)


def test_members_and_administrators_do_not_see_who_handles_a_share(cast, world):
    share = world.share()
    desk.open_share(share=share, by=cast.officer)
    desk.assign_share(share=share, to=cast.officer, seen=None, by=cast.officer)
    desk.mark_dealt(share=share, by=cast.officer)
    assert "Only officers see “Handling”." in text_of(cast.client("officer").get(f"/shares/{share.pk}"))
    for who in ("member", "staff"):
        page = text_of(cast.client(who).get(f"/shares/{share.pk}"))
        assert "Handling" not in page
        assert "Robin Ng" not in page
        trail = text_of(cast.client(who).get(f"/office/{cast.office_pk}/trail"))
        assert "dealt with" not in trail
        assert "assigned" not in trail
    events = AuditEvent.objects.visible_to(cast.administrator).filter(record_type="share")
    assert [line.words for line in in_words(events.order_by("number"))] == [
        "Robin Ng assigned a shared self-check to an officer",
        "Robin Ng marked a shared self-check as dealt with",
    ]


@pytest.mark.postgres
def test_withdrawn_a_share_keeps_nothing_of_its_handling_and_cannot_be_handled(cast, world):
    share, client = world.share(), cast.client("officer")
    desk.open_share(share=share, by=cast.officer)
    desk.assign_share(share=share, to=cast.officer, seen=None, by=cast.officer)
    desk.mark_dealt(share=share, by=cast.officer)
    sharing.withdraw(share=share, by=cast.member)
    entry = entry_of(share)
    assert (entry.assigned_to, entry.dealt_at, entry.dealt_by, entry.member) == (None, None, None, "")
    assert entry.states == (DeskEntry.State.WITHDRAWN,)
    for action, sent in (("assign", {"officer": cast.officer.pk}), ("dealt", {}), ("dealt", {"reopen": "1"})):
        answer = client.post(f"/shares/{share.pk}/{action}", sent, follow=True)
        assert "Handling" not in text_of(answer)
        assert entry_of(share).assigned_to is None
    assert client.post("/shares/987654/assign").status_code == 404


@at_the_same_moment
def test_of_two_officers_who_assign_at_the_same_moment_one_does():
    cast = make()
    colleague = person("colleague", is_officer=True)
    attestation, _ = attest_both(cast)
    share = shared(attestation)

    def assign_to(to: User) -> Any:
        return lambda: desk.assign_share(share=share, to=to, seen=None, by=to)

    results = together(assign_to(cast.officer), assign_to(colleague))
    assert sorted(type(result).__name__ for result in results) == ["AssignedElsewhere", "NoneType"]
    assert AuditEvent.objects.filter(action="share_assigned").count() == 1


# --- Many ----------------------------------------------------------------------------------------


def test_five_thousand_shares_are_counted_paged_and_exported_whole(cast, world):
    first = world.share()
    like = DeskEntry.objects.get()
    values = {field.attname: getattr(like, field.attname) for field in DeskEntry._meta.fields}
    shares = Share.objects.bulk_create(
        Share(
            attestation=first.attestation,
            shared_by=first.shared_by,
            sha256=f"{number:064x}",
            code=f"{number:024d}",
        )
        for number in range(4_999)
    )
    DeskEntry.objects.bulk_create(DeskEntry(**values | {"share_id": share.pk}) for share in shares)
    client = cast.client("officer")
    page = text_of(client.get("/desk/"))
    assert "5,000 shared self-checks" in page
    assert "the export has all of them (5,000)" in page
    assert "Next page" in page
    address = client.post("/desk/export", {"form": "csv"})["Location"]
    assert "5,000 shared self-checks: spreadsheet (CSV)" in text_of(client.get(address))
    content = b"".join(client.post(address).streaming_content).decode("utf-8-sig")
    assert content.count("\r\n") == 5_001


def test_a_look_at_the_exports_own_address_leads_back_to_the_desk(cast, world):
    client = cast.client("officer")
    client.get("/desk/?state=unread")
    assert client.get("/desk/export")["Location"] == "/desk/?state=unread"
