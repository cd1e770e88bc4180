"""The blank questionnaire: conditions in words that a reader with a pen can follow, and the PDF read back."""

import re
import subprocess
from pathlib import Path

import pytest

from assessments.rendering.asked_in_words import fact_in_words, in_words
from assessments.rendering.documents import questionnaire_html, questionnaire_pdf
from assessments.scoring.wording import choice_words
from bulletin.encoding.conditions import parse
from tests.bulletin.other_editions import with_section_renamed
from tests.reading import assert_pdf_ua, blocks_of_pdf, flat, opened
from tests.tables import edition, election

NUMBERS = {
    question.id: f"{at}.{place}"
    for at, section in enumerate(edition().sheet.sections, 1)
    for place, question in enumerate([q for q in edition().questions if q.section == section.id], 1)
}
CANDIDATE = "3.3 (Nomination papers filed, or decision to file)"
VALUE = "8.3 (Highest total from one source in a year)"
USE = "3.1 (Used for your re-election)"
CAMPAIGN = (
    "you answered “Not yet, but I want to”, “Yes, now (whether or not I have filed or decided)” or “Not now, but it"
    f" was a campaign account of mine earlier in the campaign period” to {USE}"
)


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("always", ""),
        ("uses_city_resources", "the account uses City resources"),
        ("election.candidate is yes", f"you answered “Yes” to {CANDIDATE}"),
        ("not election.candidate is yes", f"you answered “No” to {CANDIDATE}"),
        (
            "election.candidate is yes and election.use is none and not campaign_over",
            (
                f"you answered “Yes” to {CANDIDATE} and you answered "
                f"“No, not in this campaign period, and I do not want to” to {USE},"
                " unless the campaign period has ended"
            ),
        ),
        (
            "gifts.value at most 500.00",
            "the amount in 8.3 (Highest total from one source in a year) is at most $500.00",
        ),
        (
            "not gifts.value at most 500.00",
            f"the amount in {VALUE} is more than $500.00",
        ),
        ("moderation.grounds has spam", "you chose “{}” in 10.2 (Grounds for removing or blocking)"),
        (
            "resources.email is yes or resources.logo is yes",
            "you answered “Yes” to 2.1 (toronto.ca address in the registration) or 2.5 (City logo or mark)",
        ),
        (
            "terms.adopted is yes and terms.public is yes and terms.content is yes",
            "you answered “Yes” to all of 9.1 to 9.3",
        ),
        (
            "resources.email is yes or resources.identity is yes or resources.logo is yes",
            "you answered “Yes” to any of 2.1 to 2.2 or 2.5",
        ),
    ],
)
def test_a_condition_is_given_in_words(condition, words):
    spam = choice_words(edition(), edition().question["moderation.grounds"])["spam"]
    assert in_words(edition(), parse(condition), NUMBERS) == words.replace("{}", spam)


@pytest.mark.parametrize(
    ("fact", "words"),
    [
        ("city_sign", "you answered “Yes” to any of 2.1 to 2.7"),
        # A fact within a fact is given as the answers that make it.
        ("uses_city_resources", "you answered “Yes” to any of 2.1 to 2.8"),
        ("re_election", CAMPAIGN),
        (
            "conversion",
            f"{CAMPAIGN} and you answered “Yes” to any of 2.1 to 2.8 or 3.6",
        ),
        ("terms_complete", "you answered “Yes” to all of 9.1 to 9.9"),
    ],
)
def test_a_fact_is_given_by_the_answers_that_make_it(fact, words):
    assert fact_in_words(edition(), edition().fact[fact], NUMBERS) == words


@pytest.fixture(scope="module")
def printed() -> bytes:
    return questionnaire_pdf(edition(), election("toronto-2026"))


@pytest.fixture
def text(printed, tmp_path) -> str:
    path = tmp_path / "questionnaire.pdf"
    path.write_bytes(printed)
    run = subprocess.run(["pdftotext", str(path), "-"], capture_output=True, check=True)  # noqa: S607
    return flat(run.stdout.decode())


def test_the_pdf_has_every_question_in_order_with_its_number_its_choices_and_when_each_is_asked(printed):
    blocks = [flat(text) for _, text in blocks_of_pdf(opened(printed))]
    at = 0
    for question in edition().questions:
        at = blocks.index(NUMBERS[question.id], at) + 1
        assert blocks[at].startswith(flat(question.asks))
        asked = in_words(edition(), question.asked, NUMBERS)
        assert not asked or blocks[at + 1] == flat(f"Answer this if {asked}."), question.id
        for label in choice_words(edition(), question).values():
            assert any(flat(label) in block for block in blocks[at : at + 14]), question.id


def test_the_pdf_warns_before_the_questions_on_elections_and_says_what_to_do_when_not_sure(text):
    warning = text.index(flat("Before you continue: not on a City device"))
    assert warning < text.index(flat(f"3.1{edition().question['election.use'].asks}"))
    assert flat("If you’re not sure, answer the question.") in text
    assert flat(edition().sheet.contact.telephone) in text
    assert flat(f"{edition().id} · revision {edition().sheet.revision}") in text


def test_the_pdf_is_pdf_ua_the_same_bytes_each_time_and_not_too_long(printed, tmp_path, monkeypatch):
    path = Path(tmp_path, "questionnaire.pdf")
    path.write_bytes(printed)
    assert_pdf_ua(path, monkeypatch)
    assert questionnaire_pdf(edition(), election("toronto-2026")) == printed
    run = subprocess.run(["pdfinfo", str(path)], capture_output=True, check=True, text=True)  # noqa: S607
    pages = re.search(r"Pages:\s+(\d+)", run.stdout)
    assert pages
    assert 8 <= int(pages[1]) <= 14


@pytest.mark.parametrize("by", [edition(), with_section_renamed("election", "campaign")])
def test_the_warning_comes_before_the_section_on_campaigning_whatever_its_id(by):
    (warned,) = re.findall(
        r'<section class="guarded">.*?</h2>', questionnaire_html(by, election("toronto-2026")), re.DOTALL
    )
    assert "Elections and referendums" in warned
