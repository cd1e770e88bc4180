"""What shares come to together: right counts, bars and tables that agree, and nothing told of few in print."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assessments.models import Office, SocialAccount, User
from assessments.reports.insights import FEWER, Insights, Row, Table, answering, rounded
from assessments.services import sharing
from bulletin import shelf
from bulletin.publish import publish_edition
from tests.attested import attested, shared
from tests.reading import assert_pdf_ua, blocks_of_pdf, flat, opened
from tests.second_step import fresh_client, with_second_step

NOW = datetime(2026, 7, 1, 15, 0, tzinfo=UTC)


# --- What is rounded away -----------------------------------------------------------------------


def told(*counts: int) -> list[int | None]:
    rows = tuple(Row(str(at), count) for at, count in enumerate(counts))
    whole = Insights("", sum(counts), 0, (Table("", "", "", rows),), "Words.")
    return [row.count for row in rounded(whole).tables[0].rows]


@pytest.mark.parametrize(
    ("counts", "kept"),
    [
        ([5, 6], [5, 6]),
        ([4, 9, 20], [None, None, 20]),
        ([1, 2, 20], [None, None, 20]),
        ([4], [None]),
        ([5], [5]),
        ([0, 7], [0, 7]),
        ([3, 30], [None, None]),
        ([], []),
    ],
)
def test_a_count_under_five_is_left_out_and_cannot_be_worked_out_from_the_others(counts, kept):
    assert told(*counts) == kept


@pytest.mark.parametrize(("count", "says"), [(4, FEWER), (5, "5"), (0, "0"), (1_234, "1,234")])
def test_a_sum_is_told_from_five_on(count, says):
    few = rounded(Insights("", count, 0, (), "Words."))
    assert f"Shared and standing: {says}." in few.count_words
    assert few.answering == ("Words." if count >= 5 else "")


@pytest.mark.parametrize(
    ("hours", "waiting", "says"),
    [
        ([], 0, "No advice was asked for."),
        ([], 2, "Advice was asked for 2 times; 2 of these wait for an answer."),
        ([2], 0, "Half were answered within 2 hours, all within 2 hours."),
        ([2, 4, 100], 1, "Half were answered within 4 hours, all within 4 days."),
        ([0.2], 0, "Half were answered within an hour"),
    ],
)
def test_the_time_to_answer_in_words(hours, waiting, says):
    assert says in answering([timedelta(hours=h) for h in hours], waiting=waiting).words


def test_a_chart_shows_each_row_escapes_what_it_says_and_has_no_style_of_its_own():
    chart = Table("A & B", "", "", (Row("<b>", 10), Row("c", 5), Row("few", None))).chart
    assert chart.count("<rect ") == 3
    assert "&lt;b&gt;" in chart
    assert "Bars for: A &amp; B" in chart
    assert "style" not in chart
    widths = [part.split('"')[0] for part in chart.split(' width="')[1:]]
    assert int(widths[0]) == 2 * int(widths[1])


# --- What is counted ----------------------------------------------------------------------------


class World:
    def __init__(self, clock: Any) -> None:
        for edition in shelf.editions().values():
            publish_edition(edition=edition)
        self.clock = clock
        self.member = User.objects.create_user("ana@example.ca", name="Ana Silva")
        self.officer = with_second_step(
            User.objects.create_user("ola@example.ca", name="Ola", is_officer=True)
        )
        office = Office.objects.create(name="Ward 10", member=self.member, starts_on=date(2022, 11, 15))
        account = SocialAccount.objects.create(office=office, platform="X", handle="@ana")
        self.attestation = attested(account, {"conduct.abuse": "yes", "resources.email": "unsure"})
        self.number = 0

    def share(self, **more: Any) -> Any:
        self.number += 1
        return shared(self.attestation, nonce=f"{self.number:064x}", **more)

    def see(self, address: str = "/desk/insights", **data: Any) -> Any:
        return fresh_client(self.officer).get(address, data)

    def rows(self, title: str, **data: Any) -> dict[str, int]:
        tables = {table.title: table for table in self.see(**data).context["i"].tables}
        return {row.label: row.count for row in tables[title].rows}


@pytest.fixture
def world(db, time_machine) -> World:
    time_machine.move_to(NOW, tick=False)
    return World(time_machine)


def test_each_kind_of_count(world):
    world.share(rules={"17a"})
    world.share(rules={"9"}, questions={"resources.email"})
    world.share(rules={"9"}, questions={"resources.email"})
    gone = world.share(rules={"17a"}, questions={"resources.email"})
    sharing.withdraw(share=gone, by=world.member)
    i = world.see().context["i"]
    assert (i.shares, i.withdrawn) == (3, 1)
    assert world.rows("What shares come to") == {
        "Contact the Integrity Commissioner": 1,
        "Nothing flagged in the part that was shared": 2,
    }
    assert world.rows("When to contact the Commissioner")["No contact called for"] == 2
    assert world.rows("To ask the Commissioner, by paragraph") == {"¶17": 1}
    ((question, count),) = world.rows("What people are not sure of").items()
    assert count == 2
    assert "(" in question
    assert world.rows("Edition of the bulletin") == {"toronto-social-media-1.1": 3}


@pytest.mark.parametrize(
    ("data", "shares"),
    [
        ({}, 2),
        ({"since": "2026-07-02"}, 1),
        ({"until": "2026-07-01"}, 1),
        ({"since": "2026-07-01", "until": "2026-07-02"}, 2),
        ({"edition": "toronto-social-media-1.1"}, 2),
        ({"election": "toronto-2026"}, 2),
        ({"election": "toronto-2030"}, 0),
        ({"since": "yesterday"}, 2),
    ],
)
def test_a_period_an_edition_and_an_election_narrow_it_down(world, data, shares):
    world.share()
    # 23:00 in Toronto on the 2nd, which is the 3rd in UTC.
    world.clock.move_to(datetime(2026, 7, 3, 3, 0, tzinfo=UTC), tick=False)
    world.share()
    answer = world.see(**data)
    assert answer.context["i"].shares == shares
    assert ("Write a day such as" in answer.content.decode()) is ("yesterday" in data.values())


def test_the_time_to_answer_is_counted_from_when_it_was_shared(world):
    world.share(ask="May I?")
    answered = world.share(ask="And this?")
    world.clock.move_to(NOW + timedelta(days=3), tick=False)
    sharing.write_advice(share=answered, text="You may.", by=world.officer)
    words = world.see().context["i"].answering
    assert "asked for 2 times; 1 of these wait" in words
    assert "within 3 days" in words


def test_with_nothing_shared_the_page_says_none(world):
    assert "None." in world.see().content.decode()


def test_more_shares_cost_no_more_queries(world):
    counts = []
    client = fresh_client(world.officer)
    for more in (2, 10):
        for _ in range(more):
            world.share(rules={"17a", "9"}, questions={"resources.email"})
        client.get("/desk/insights")
        with CaptureQueriesContext(connection) as queries:
            client.get("/desk/insights")
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.one_database
def test_the_pdf_tells_no_count_under_five_and_is_tagged(world, tmp_path, monkeypatch):
    for _ in range(6):
        world.share(rules={"9"})
    world.share(rules={"17a"})
    pdf = world.see("/desk/insights.pdf").content
    words = flat(" ".join(text for _, text in blocks_of_pdf(opened(pdf))))
    assert flat("Shared and standing: 7.") in words
    # One alone: the next smallest goes with it.
    assert flat(f"Contact the Integrity Commissioner {FEWER}") in words
    assert flat(f"Nothing flagged in the part that was shared {FEWER}") in words
    (tmp_path / "a.pdf").write_bytes(pdf)
    assert_pdf_ua(tmp_path / "a.pdf", monkeypatch)


@pytest.mark.parametrize("address", ["/desk/insights", "/desk/insights.pdf"])
def test_members_see_none_of_it(world, address):
    assert fresh_client(world.member).get(address).status_code == 404
