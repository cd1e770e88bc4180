"""The election calendar: its dates, the default election of a day, and the faults it refuses."""

from datetime import date
from pathlib import Path

import pytest

from bulletin import shelf
from bulletin.encoding.loader import EncodingFaults, load_calendar
from tests.bulletin.contract import columns
from tests.bulletin.minimal import MINIMAL, edition_of, edition_with
from tests.tables import table

FAULTS = table("calendar_faults.yaml")
MONDAY, FRIDAY = 0, 4


def faults_of(folder: Path) -> list[str]:
    with pytest.raises(EncodingFaults) as raised:
        load_calendar(folder / "elections.yaml")
    return raised.value.faults


def test_the_elections_have_these_dates_in_this_order():
    actual = [
        [
            election.id,
            str(election.nominations_open or ""),
            str(election.nominations_close or ""),
            str(election.voting_day or ""),
            str(election.campaign_ends or ""),
            str(election.confirmed).lower(),
        ]
        for election in shelf.calendar().elections
    ]
    assert actual == columns("elections")


@pytest.mark.parametrize(
    "election", [e for e in shelf.calendar().elections if not e.undated], ids=lambda election: election.id
)
def test_voting_is_on_the_fourth_monday_of_october_and_nominations_close_on_the_third_friday_of_august(
    election,
):
    voting, close = election.voting_day, election.nominations_close
    assert (voting.month, voting.weekday(), (voting.day - 1) // 7) == (10, MONDAY, 3)
    assert (close.month, close.weekday(), (close.day - 1) // 7) == (8, FRIDAY, 2)
    assert close.year == voting.year == election.campaign_ends.year


def test_the_2022_end_is_the_bulletins_own_and_its_note_gives_the_other_date():
    election = shelf.calendar().get("toronto-2022")
    assert election
    assert "Interpretation Bulletin" in election.source
    assert "3 January 2023" in election.note


def test_an_election_that_is_not_confirmed_says_so_in_its_note():
    notes = [e.note for e in shelf.calendar().elections if not e.confirmed and not e.undated]
    assert notes
    assert all("not yet confirmed" in note.lower() for note in notes)


def test_a_by_election_has_no_dates_and_is_never_the_default():
    undated = [election.id for election in shelf.calendar().elections if election.undated]
    assert undated == ["by-election"]
    assert shelf.calendar().default_for(date.max).id == "toronto-2030"


@pytest.mark.parametrize(
    ("voting_day", "campaign_ends", "end", "given"),
    [
        (None, None, None, False),
        (date(2027, 6, 26), None, date(2027, 8, 10), False),
        (None, date(2027, 9, 1), date(2027, 9, 1), True),
        (date(2027, 6, 26), date(2027, 9, 1), date(2027, 9, 1), True),
        (date(2027, 6, 26), date(2027, 6, 1), date(2027, 6, 1), True),
    ],
)
def test_the_campaign_of_a_by_election_ends_45_days_after_the_vote_or_on_the_day_that_a_person_gives(
    voting_day, campaign_ends, end, given
):
    election = shelf.calendar().get("by-election")
    assert election
    dated = election.with_dates(voting_day=voting_day, campaign_ends=campaign_ends)
    assert (dated.voting_day, dated.campaign_ends, dated.given) == (voting_day, end, given)


def test_an_end_that_a_person_gives_counts_for_an_election_with_dates_too():
    election = shelf.calendar().get("toronto-2026")
    assert election
    extended = election.with_dates(campaign_ends=date(2027, 6, 30))
    assert (extended.campaign_ends, extended.given) == (date(2027, 6, 30), True)
    assert (election.campaign_ends, election.given) == (date(2026, 12, 31), False)


def test_the_elections_that_an_edition_names_are_in_the_calendar():
    for edition in shelf.editions().values():
        for name in edition.sheet.names_elections:
            assert shelf.calendar().get(name), f"{edition.id} names {name}"


def test_an_election_that_is_not_there_is_none():
    assert shelf.calendar().get("toronto-2018") is None


@pytest.mark.parametrize(
    ("day", "meant"),
    [
        (date.min, "toronto-2022"),
        (date(2022, 12, 30), "toronto-2022"),
        (date(2022, 12, 31), "toronto-2022"),
        (date(2023, 1, 1), "toronto-2026"),
        (date(2026, 12, 30), "toronto-2026"),
        (date(2026, 12, 31), "toronto-2026"),
        (date(2027, 1, 1), "toronto-2030"),
        (date(2030, 12, 30), "toronto-2030"),
        (date(2030, 12, 31), "toronto-2030"),
        (date(2031, 1, 1), "toronto-2030"),
        (date.max, "toronto-2030"),
    ],
    ids=str,
)
def test_the_first_election_whose_campaign_has_not_ended_by_this_day_is_meant(day, meant):
    assert shelf.calendar().default_for(day).id == meant


@pytest.mark.parametrize("row", FAULTS, ids=lambda row: row["case"])
def test_this_slip_in_a_calendar_is_named_with_its_place(row, tmp_path):
    assert faults_of(edition_with(tmp_path, row)) == row["says"]


def test_a_sound_calendar_is_read():
    spring, autumn = load_calendar(MINIMAL / "elections.yaml").elections
    assert (spring.nominations_open, autumn.nominations_open) == (date(2026, 1, 2), None)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "the file cannot be read (No such file or directory)"),
        ("", "the file is empty; write a list"),
        ("[]", "the list is empty; add at least one election"),
        ("spring", "write a list here; begin each entry with `- id:`"),
        ("[" * 100, "more than 12 nested levels"),
    ],
    ids=["missing", "empty", "no election", "a word", "a hundred brackets"],
)
def test_a_file_that_is_no_calendar_makes_one_fault(content, message, tmp_path):
    (fault,) = faults_of(edition_of(tmp_path, {"elections.yaml": content}))
    assert fault.partition(" ")[2] == message
