"""The calendar file: which days it has, and what RFC 5545 asks of it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from icalendar import Calendar

from assessments.rendering.calendar_file import DatedEntry, calendar_file, dated_entries
from assessments.rendering.projection import project
from assessments.samples import sample
from assessments.scoring.document import Document
from tests.assessments.rendering.cases import case_of, samples
from tests.tables import advised

REVISED = datetime(2026, 7, 1, 12, 30, 15, 987_654, tzinfo=UTC)
SOURCE = "https://portal.example.ca/account-1"
AWKWARD = "@a;b,c\\d\nnext line \U0001f600 " + "é" * 60


def entries_of(name: str) -> tuple[DatedEntry, ...]:
    case = case_of(name, sample(name))
    return dated_entries(case.advisory, case.projection)


def file_of(*entries: DatedEntry, cancelled=(), source=SOURCE, revised_at=REVISED) -> bytes:
    return calendar_file(entries, cancelled, source=source, revised_at=revised_at)


def events_of(file: bytes) -> list[Any]:
    return list(Calendar.from_ical(file).walk("VEVENT"))


def entry(*, title="Do it", details="Before you file.", day=date(2026, 8, 14), rule="9") -> DatedEntry:
    return DatedEntry("act", rule, day, title, details)


# --- Which days ---------------------------------------------------------------------


def test_the_days_are_those_of_the_things_to_do_and_the_points_to_raise():
    entries = entries_of("conversion")
    assert {e.day for e in entries} == {date(2026, 8, 14)}
    # To consult the Commissioner is both, and there once.
    assert [e.key for e in entries] == [
        "act-13a",
        "act-13c-i",
        "act-13c-ii",
        "act-13c-iv",
        "act-13c-v",
        "act-13c-vi",
    ]
    assert entries[1].title == "Remove the City's name, logo and your title from the profile"
    assert entries[1].details == (
        "Before you file your nomination papers on 14 August 2026. ¶13(c)(i). "
        "From the self-check of Instagram @CouncillorLee, 10 May 2026."
    )


def test_a_point_to_raise_before_the_filing_has_its_day_and_names_only_the_paragraph():
    given = {
        "account.stage": "live",
        "resources.email": "unsure",
        "resources.identity": "unsure",
        "election.use": "planned",
        "election.candidate": "yes",
        "election.nomination_date": "2026-08-14",
        "election.plan": "unsure",
    }
    advisory = advised(given)
    document = Document(advisory.edition, advisory.given, {}, {}, advisory.as_of, advisory.election)
    contacts = [e for e in dated_entries(advisory, project(advisory, document)) if e.kind == "contact"]
    assert [(e.rule, e.day, e.title) for e in contacts] == [
        ("13a", date(2026, 8, 14), "Contact the Integrity Commissioner about ¶13(a)")
    ]
    assert contacts[0].details.startswith(
        "Before you start converting the account, and before you file, on 14 "
    )


@pytest.mark.parametrize("name", ["nothing-flagged", "first-ten-minutes"])
def test_an_advisory_without_days_has_no_entries(name):
    assert entries_of(name) == ()


def test_what_holds_until_the_campaign_period_ends_is_one_entry_on_its_last_day():
    (until,) = entries_of("campaign-from-city-hall")
    assert (until.key, until.day) == ("until-until_campaign_ends", date(2026, 12, 31))
    assert until.title == "Last day: Keep the steps in place until the campaign period ends"
    assert until.details.startswith("The campaign period ends today. Until then: Keep the steps in place")


def test_no_entry_has_an_answer_or_a_note():
    for case in samples():
        answers = {
            answer for section in case.projection.sections for i in section.items for answer in i.because
        }
        for dated in dated_entries(case.advisory, case.projection):
            assert not [str(answer) for answer in answers if str(answer) in dated.details + dated.title]


# --- What RFC 5545 asks -----------------------------------------------------------------


def test_lines_end_with_crlf_and_are_folded_at_75_bytes_between_characters():
    file = file_of(entry(title=AWKWARD, details=AWKWARD * 3))
    lines = file.split(b"\r\n")
    assert lines[-1] == b""
    assert not any(b"\n" in line or b"\r" in line for line in lines)
    assert max(map(len, lines)) <= 75
    for line in lines:
        line.decode()  # no character is cut in two


def test_commas_semicolons_backslashes_and_line_breaks_are_escaped_and_come_back():
    file = file_of(entry(title=AWKWARD))
    unfolded = file.replace(b"\r\n ", b"").decode()
    assert "SUMMARY:@a\\;b\\,c\\\\d\\nnext line \U0001f600 " in unfolded
    assert str(events_of(file)[0]["summary"]) == AWKWARD


def test_an_event_is_a_whole_day_without_a_time_zone():
    file = file_of(entry()).decode()
    assert "METHOD:PUBLISH\r\n" in file
    assert "DTSTART;VALUE=DATE:20260814\r\n" in file
    assert "DTSTAMP:20260701T123015Z\r\n" in file
    assert "TZID" not in file
    assert "DTEND" not in file


def test_equal_input_gives_equal_bytes():
    assert file_of(*entries_of("conversion")) == file_of(*entries_of("conversion"))


def test_a_day_that_moved_has_the_same_uid_and_a_higher_sequence():
    before = events_of(file_of(entry()))[0]
    moved = entry(day=date(2026, 8, 20), title="Do it soon")
    after = events_of(file_of(moved, revised_at=REVISED + timedelta(seconds=1)))[0]
    assert before["uid"] == after["uid"]
    assert after["sequence"] == before["sequence"] + 1
    assert (before["dtstart"].dt, after["dtstart"].dt) == (date(2026, 8, 14), date(2026, 8, 20))


def test_uids_differ_by_rule_kind_and_source_and_show_none_of_them():
    contact = DatedEntry("contact", "9", date(2026, 8, 14), "Call", "")
    events = [
        *events_of(file_of(entry(), entry(rule="13a"), contact)),
        *events_of(file_of(entry(), source="https://portal.example.ca/account-2")),
    ]
    assert len({str(event["uid"]) for event in events}) == 4
    assert not [event for event in events if "13a" in event["uid"] or "account" in event["uid"]]


def test_an_event_that_no_longer_holds_is_cancelled():
    events = events_of(file_of(entry(), cancelled=[entry(rule="13a")]))
    assert [str(event["status"]) for event in events] == ["CONFIRMED", "CANCELLED"]


def test_the_sequence_fits_its_32_bits_for_decades():
    late = datetime(2080, 1, 1, tzinfo=UTC)
    assert events_of(file_of(entry(), revised_at=late))[0]["sequence"] < 2**31
