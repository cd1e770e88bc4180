"""Placeholders in texts, and sentences that are left out where a day is not known."""

from datetime import date

import pytest

from assessments.scoring.wording import election_in_words, in_election
from bulletin.encoding.filling import filled, only
from tests.tables import edition, election

WORDS = (
    "Papers can be filed from {nominations}. The period ends on {campaign_ends}! Did you file for {election}?"
)
ONLY = "is not filled in; only {election} and {campaign_ends} are"
DAYS = {"nominations": "1 May to 21 August 2026", "campaign_ends": "31 December 2026", "election": "the vote"}


@pytest.mark.parametrize(
    ("unknown", "text"),
    [
        ([], WORDS.format(**DAYS)),
        (["nominations"], "The period ends on 31 December 2026! Did you file for the vote?"),
        (["nominations", "campaign_ends"], "Did you file for the vote?"),
        (["nominations", "campaign_ends", "election"], ""),
    ],
)
def test_a_sentence_whose_placeholder_has_no_value_is_left_out(unknown, text):
    assert filled(WORDS, DAYS | dict.fromkeys(unknown, "")) == text


def test_a_text_without_placeholders_stays_as_it_is():
    assert filled("Is it 5.5 km?  Yes.", {}) == "Is it 5.5 km?  Yes."


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("Before {campaign_end}.", f"{{campaign_end}} {ONLY}; did you mean campaign_ends?"),
        ("In {}.", f"{{}} {ONLY}"),
    ],
)
def test_a_placeholder_that_nobody_fills_in_is_refused_with_what_would_be_right(text, fault):
    with pytest.raises(ValueError, match="is not filled in") as refused:
        only("election", "campaign_ends")(text)
    assert str(refused.value) == fault


@pytest.mark.parametrize(
    ("name", "day", "words"),
    [
        ("toronto-2026", None, "the Toronto municipal election of 26 October 2026"),
        ("by-election", None, "the City by-election"),
        ("by-election", date(2027, 3, 8), "the City by-election of 8 March 2027"),
    ],
)
def test_an_election_is_named_with_its_day(name, day, words):
    assert election_in_words(election(name).with_dates(voting_day=day)) == words


@pytest.mark.parametrize("name", ["toronto-2022", "toronto-2026", "toronto-2030", "by-election"])
def test_no_placeholder_is_left_in_the_words_of_any_question(name):
    for question in edition().questions:
        words = in_election(question, election(name))
        assert words.asks
        assert words.hint
        assert "{" not in f"{words.asks}{words.hint}{words.example}"
