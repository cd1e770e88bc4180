"""The page for staff: the rules that apply, on one sheet, and none of the member's answers."""

import re

import pytest

from assessments.rendering.documents import staff_html, staff_pdf
from assessments.rendering.projection import project
from assessments.rendering.staff_page import StaffPage, staff_page
from assessments.samples import TITLES, sample
from assessments.scoring.assess import assess
from assessments.scoring.document import Document
from bulletin import shelf
from tests.assessments.rendering.cases import Case, case_of, every_outcome
from tests.reading import assert_pdf_ua, blocks_of_html, blocks_of_pdf, flat, opened
from tests.tables import advised, edition

OPENINGS = re.compile(r"Do not |[A-Z][^.]* only (as|if|on) ")


def page_of(case: Case) -> StaffPage:
    page = staff_page(case.advisory, case.projection)
    assert page
    return page


def rules_in(page: StaffPage) -> list[str]:
    return [rule.text for section in page.sections for rule in section.rules]


def of(given: dict[str, str], about: dict[str, str] | None = None) -> StaffPage:
    advisory = advised(given)
    document = Document(advisory.edition, advisory.given, {}, about or {}, advisory.as_of, advisory.election)
    page = staff_page(advisory, project(advisory, document))
    assert page
    return page


def sentence(rule: str) -> str:
    text = edition().advice[rule].staff
    assert text
    return text


def test_every_sentence_says_what_not_to_do_or_only_if():
    texts = [advice.staff for advice in edition().advice.values() if advice.staff]
    assert len(texts) > 25
    assert [text for text in texts if not OPENINGS.match(text)] == []


@pytest.mark.parametrize(
    ("given", "rule", "is_there"),
    [
        ({}, "17a", True),
        ({}, "9", False),
        ({"resources.email": "yes"}, "9", True),
        ({"resources.email": "unsure"}, "9", True),
        ({}, "11", False),
        ({"election.use": "now", "election.candidate": "yes"}, "11", True),
        ({"election.use": "now", "election.candidate": "yes", "resources.email": "yes"}, "13b", True),
        ({"influence.local": "yes"}, "16-even", True),
        ({}, "16-even", False),
    ],
)
def test_a_rule_is_there_while_it_applies_or_may_apply(given, rule, is_there):
    assert (sentence(rule) in rules_in(of(given))) == is_there


def test_without_any_answer_it_has_the_rules_that_apply_to_every_account_and_says_what_is_left():
    advisory = assess(
        edition(), {}, as_of=advised({}).as_of, election=shelf.calendar().default_for(advised({}).as_of)
    )
    document = Document(edition(), {}, {}, {}, advisory.as_of, advisory.election)
    page = staff_page(advisory, project(advisory, document))
    assert page
    assert sentence("20") in rules_in(page)
    assert sentence("9") not in rules_in(page)
    assert f"{len(advisory.unanswered)} questions are left." in flat_free(staff_html(page))


def flat_free(html: str) -> str:
    return " ".join(html.split())


def test_an_edition_without_sentences_has_no_page():
    earlier = edition().earlier[1]
    as_of = advised({}).as_of
    advisory = assess(earlier, {}, as_of=as_of, election=shelf.calendar().default_for(as_of))
    document = Document(earlier, {}, {}, {}, as_of, advisory.election)
    assert staff_page(advisory, project(advisory, document)) is None


def test_it_has_no_answer_note_status_or_point_to_raise():
    case = case_of("conversion", sample("conversion"))
    assert case.projection.notes
    page = flat_free(staff_html(page_of(case)))
    for note in case.projection.notes:
        assert note.text not in page
    for section in case.projection.sections:
        for item in section.items:
            assert item.advice not in page
            assert item.status not in page
            assert not item.because or item.rests_on not in page


@pytest.mark.parametrize("name", TITLES)
def test_the_page_is_one_sheet_of_pdf_ua_with_every_sentence_in_order(name, tmp_path, monkeypatch):
    page = page_of(case_of(name, sample(name)))
    pdf = staff_pdf(page)
    path = tmp_path / "staff.pdf"
    path.write_bytes(pdf)
    assert_pdf_ua(path, monkeypatch)
    printed = opened(pdf)
    assert len(printed.pages) == 1
    read = [(tag, flat(text)) for tag, text in blocks_of_pdf(printed)]
    assert read == [(tag, flat(text)) for tag, text in blocks_of_html(staff_html(page)) if flat(text)]
    assert [text for tag, text in read if tag == "li"] == [
        flat(f"{rule.text} {rule.citation}") for section in page.sections for rule in section.rules
    ]
    assert flat(f"From the self-check of {page.as_of_text}") in read[3][1]


def test_the_account_with_the_most_rules_still_has_one_sheet():
    pages = [page for case in every_outcome() if (page := staff_page(case.advisory, case.projection))]
    most = max(pages, key=lambda page: len(rules_in(page)))
    assert len(rules_in(most)) > 30
    assert len(opened(staff_pdf(most)).pages) == 1


def test_a_name_in_any_script_is_typeset_and_what_cannot_be_printed_is_named():
    page = of({}, {"platform": "X", "handle": "@ward;10,\\ 😀 أحمد", "member": "<b>Lee</b>"})
    html = staff_html(page)
    assert "<b>Lee" not in html
    assert "[grinning face]" in html
    assert "named in brackets instead: grinning face" in flat_free(html)
    assert staff_pdf(page).startswith(b"%PDF")
