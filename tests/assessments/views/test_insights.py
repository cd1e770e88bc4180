"""The summary of shares: right counts, bars that agree with tables, and no small count in print."""

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assessments.models import Attestation
from assessments.reports.insights import FEWER, Insights, Row, Table, answer_times, rounded
from assessments.services import desk, sharing
from tests.cast import Cast, attested, shared
from tests.reading import assert_pdf_ua, blocks_of_pdf, flat, opened

NOW = datetime(2026, 7, 1, 15, 0, tzinfo=UTC)


# --- What is rounded away -----------------------------------------------------------------------


def whole(*counts: int, durations: tuple[timedelta, ...] = (), waiting: int = 0) -> Insights:
    rows = tuple(Row(str(at), count) for at, count in enumerate(counts))
    times = answer_times(durations, waiting=waiting)
    return Insights("", Row("", sum(counts)), Row("", 3), (Table("", "", "", rows),), times)


def rounded_counts(*counts: int) -> list[int | None]:
    return [row.count for row in rounded(whole(*counts)).tables[0].rows]


@pytest.mark.parametrize(
    ("count", "kept"),
    [(0, 0), (1, None), (4, None), (5, 5), (7, 5), (8, 10), (12, 10), (13, 15), (1_234, 1_235)],
)
def test_a_count_is_rounded_to_five_and_one_under_five_is_hidden(count, kept):
    assert rounded_counts(count) == [kept]
    few = rounded(whole(count)).count_words
    assert few.startswith(f"Shares counted: {FEWER if kept is None else f'{kept:,}'}.")
    assert few.endswith(f"Withdrawn shares, not counted: {FEWER}.")


@pytest.mark.parametrize("small", [(1, 1, 6), (4, 4, 20), (3, 30), (1, 2, 20), (3, 6, 14)])
def test_no_small_count_can_be_worked_out_from_the_others_and_the_sum(small):
    shown = rounded(whole(*small))
    total = shown.shares.count or 0
    rows = [row.count for row in shown.tables[0].rows]

    def fits(counts: tuple[int, ...]) -> bool:
        return rounded_counts(*counts) == rows and (rounded(whole(*counts)).shares.count or 0) == total

    around = [range(1, 5) if kept is None else range(kept - 2, kept + 3) for kept in rows]
    possible = [counts for counts in itertools.product(*around) if fits(counts)]
    for at, kept in enumerate(rows):
        if kept is None:
            assert len({counts[at] for counts in possible}) >= 3


@pytest.mark.parametrize(
    ("hours", "waiting", "text"),
    [
        ([], 0, "No member asked for advice."),
        ([], 2, "Requests for advice: 2. Waiting for a reply: 2."),
        ([2], 0, "Waiting for a reply: 0. Replied to: 1, within 2 hours."),
        (
            [2, 4, 100],
            1,
            "Replied to: 3. Half of the replies came within 4 hours. All replies came within 5 days.",
        ),
        ([1.2, 1.4], 0, "Replied to: 2, all within 2 hours."),
        ([0.2], 0, "Replied to: 1, within an hour."),
        ([2.4], 0, "Replied to: 1, within 3 hours."),
    ],
)
def test_the_time_to_answer_in_words(hours, waiting, text):
    assert text in answer_times([timedelta(hours=h) for h in hours], waiting=waiting).words


def test_requests_dealt_with_without_a_reply_do_not_wait():
    words = answer_times([], waiting=1, closed=2).words
    assert words == "Requests for advice: 3. Waiting for a reply: 1. Dealt with, no reply: 2."


@pytest.mark.parametrize(
    ("answered", "waiting", "text"),
    [
        (0, 0, "No member asked for advice."),
        (3, 0, f"Requests for advice: {FEWER}. Waiting for a reply: 0."),
        (4, 9, "Requests for advice: 15. Waiting for a reply: 10."),
        (
            5,
            1,
            f"Requests for advice: 5. Waiting for a reply: {FEWER}. Replied to: 5. Half",
        ),
    ],
)
def test_in_print_few_times_to_answer_are_hidden(answered, waiting, text):
    durations = tuple(timedelta(hours=2) for _ in range(answered))
    assert rounded(whole(9, durations=durations, waiting=waiting)).answer_times.words.startswith(text)


def test_in_print_the_longest_time_is_hidden_since_it_is_one_persons():
    durations = tuple(timedelta(hours=h) for h in (2, 2, 3, 3, 400))
    assert rounded(whole(9, durations=durations)).answer_times.words.endswith(
        "Half of the replies came within 3 hours."
    )


def test_each_shown_count_has_a_bar_in_proportion_and_a_hidden_one_has_none():
    rows = Table("", "", "", (Row("<b>", 10), Row("c", 5), Row("few", None), Row("d", 0))).shown
    assert [row.count_text for row in rows] == ["10", "5", FEWER, "0"]
    assert [row.bar for row in rows] == [20, 10, 0, 0]


# --- What is counted ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def module_attestation(module_cast, module_time) -> int:
    """What `attestation` is in this module."""
    with module_time():
        return attested(module_cast.account, {"conduct.abuse": "yes", "resources.email": "unsure"}).pk


@dataclass
class World:
    """The cast with shares of one attestation, at a time that its test sets."""

    cast: Cast
    attestation: Attestation
    clock: Any
    number: Any = field(default_factory=itertools.count)

    def share(self, **more: Any) -> Any:
        return shared(self.attestation, nonce=f"{next(self.number):064x}", **more)

    def see(self, address: str = "/desk/insights", **data: Any) -> Any:
        return self.cast.client("officer").get(address, data)


@pytest.fixture
def world(cast, attestation, time_machine) -> World:
    time_machine.move_to(NOW, tick=False)
    return World(cast, attestation, time_machine)


@pytest.mark.postgres
def test_each_kind_of_count(world):
    world.share(rules={"17a"})
    world.share(rules={"9"}, questions={"resources.email"})
    world.share(rules={"9"}, questions={"resources.email"})
    gone = world.share(rules={"17a"}, questions={"resources.email"})
    sharing.withdraw(share=gone, by=world.cast.member)
    i = world.see().context["i"]
    assert (i.shares.count, i.withdrawn.count) == (3, 1)
    rows = {table.title: {row.label: row.count for row in table.rows} for table in i.tables}
    assert rows["Results"] == {
        "Contact the Integrity Commissioner": 1,
        "Nothing flagged in the part that was shared": 2,
    }
    assert rows["When to contact the Commissioner"]["None in what was shared"] == 2
    assert rows["Points to raise with the Commissioner"] == {"¶17: How you treat people": 1}
    ((question, count),) = rows["Questions that members are not sure of"].items()
    assert count == 2
    assert "(" in question
    assert rows["Editions of the bulletin"] == {"Use of Social Media by Members of Council, version 1.1": 3}
    assert rows["Elections"] == {"Toronto municipal election of 26 October 2026": 3}


NARROWED: list[tuple[dict[str, str], int]] = [
    ({}, 2),
    ({"since": "2026-07-02"}, 1),
    ({"until": "2026-07-01"}, 1),
    ({"since": "2026-07-01", "until": "2026-07-02"}, 2),
    ({"edition": "toronto-social-media-1.1"}, 2),
    ({"election": "toronto-2026"}, 2),
    ({"election": "toronto-2030"}, 0),
    ({"since": "yesterday"}, 2),
]


@pytest.mark.postgres
def test_a_period_an_edition_and_an_election_narrow_it_down(world):
    world.share()
    # 23:00 in Toronto on the 2nd, which is the 3rd in UTC.
    world.clock.move_to(datetime(2026, 7, 3, 3, 0, tzinfo=UTC), tick=False)
    world.share()
    officer = world.cast.client("officer")
    for data, shares in NARROWED:
        answer = officer.get("/desk/insights", data)
        assert answer.context["i"].shares.count == shares, data
        assert ("Enter the date as" in answer.content.decode()) is ("yesterday" in data.values())


def test_withdrawn_shares_are_not_counted_for_an_edition_or_an_election(world):
    sharing.withdraw(share=world.share(), by=world.cast.member)
    assert "Withdrawn shares, not counted: 1." in world.see().content.decode()
    for data in {"edition": "toronto-social-media-1.1"}, {"election": "toronto-2026"}:
        assert "Withdrawn, and not counted" not in world.see(**data).content.decode()


def test_a_last_day_before_the_first_is_reported_and_left_out(world):
    world.share()
    answer = world.see(since="2026-07-01", until="2026-06-01")
    assert "Enter a day that does not come before" in answer.content.decode()
    assert answer.context["i"].shares.count == 1


def test_the_time_to_answer_is_counted_from_when_it_was_shared(world):
    world.share(ask="May I?")
    answered, closed = world.share(ask="And this?"), world.share(ask="And that?")
    desk.open_share(share=closed, by=world.cast.officer)
    desk.mark_dealt(share=closed, by=world.cast.officer, without_reply=True)
    world.clock.move_to(NOW + timedelta(days=3), tick=False)
    sharing.write_advice(share=answered, text="You may.", by=world.cast.officer)
    words = world.see().context["i"].answer_times.words
    assert "Requests for advice: 3. Waiting for a reply: 1. Dealt with, no reply: 1." in words
    assert "within 3 days" in words


def test_with_nothing_shared_the_page_says_none(world):
    assert "No shares to count." in world.see().content.decode()


def test_more_shares_cost_no_more_queries(world):
    counts = []
    client = world.cast.client("officer")
    for more in (2, 6):
        for _ in range(more):
            world.share(rules={"17a", "9"}, questions={"resources.email"})
        client.get("/desk/insights")
        with CaptureQueriesContext(connection) as queries:
            client.get("/desk/insights")
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_the_pdf_shows_no_count_under_five_and_is_tagged(world, tmp_path, monkeypatch):
    for _ in range(6):
        world.share(rules={"9"})
    world.share(rules={"17a"})
    pdf = world.see("/desk/insights.pdf").content
    words = flat(" ".join(text for _, text in blocks_of_pdf(opened(pdf))))
    assert flat("Shares counted: 5.") in words
    assert flat(f"Contact the Integrity Commissioner {FEWER}") in words
    assert flat("Nothing flagged in the part that was shared 5") in words
    (tmp_path / "a.pdf").write_bytes(pdf)
    assert_pdf_ua(tmp_path / "a.pdf", monkeypatch)


@pytest.mark.parametrize("address", ["/desk/insights", "/desk/insights.pdf"])
def test_members_see_none_of_it(cast, address):
    assert cast.client("member").get(address).status_code == 404
