"""Every text of the projection is in the page, in print, in the PDF and in the terminal: in order, and once."""

import itertools
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pikepdf
import pytest
from django.template.loader import render_to_string

from assessments.models import AnonymousCheck
from assessments.pdf.press import PressError
from assessments.rendering.documents import advisory_html, advisory_pdf, print_css
from assessments.rendering.findings import REST_TITLES, Act, ChangeInWords, Item
from assessments.rendering.projection import LEFT_BEHIND, OpenQuestion, Projection
from assessments.rendering.text import advisory_text
from assessments.samples import sample
from assessments.views.workspace import Workspace
from tests.assessments.rendering.cases import Case, every_outcome, rows, samples, to_print, with_notes
from tests.reading import (
    assert_pdf_ua,
    blocks_of_html,
    blocks_of_pdf,
    flat,
    margins_of_pdf,
    opened,
    texts_of_pages,
)
from tests.tables import EDITION, edition

ROOT = Path(__file__).resolve().parents[3]
FORMS = ("page", "print", "terminal")


# --- What each form says -----------------------------------------------------------


def page_of(case: Case) -> str:
    """The page of a self-check in its browser, with everything that the page offers."""
    context = {"a": case.projection, "workspace": Workspace(AnonymousCheck(), None)}
    return render_to_string("assessments/advisory.html", context)


def text_of(case: Case, width: int = 80) -> str:
    return advisory_text(case.projection, width=width)


@cache
def pdf_of(case: Case) -> bytes:
    return advisory_pdf(case.projection)


@cache
def printed(case: Case) -> pikepdf.Pdf:
    return opened(pdf_of(case))


def words_of(form: str, case: Case) -> str:
    match form:
        case "page":
            words = "".join(text for _, text in blocks_of_html(page_of(case)))
            # Beside the advisory, the page lists its headings once more.
            return words.partition("On this page")[0]
        case "print":
            return "".join(text for _, text in blocks_of_html(advisory_html(case.projection)))
        case "pdf":
            return "".join(text for _, text in blocks_of_pdf(printed(case)))
        case _:
            return text_of(case)


# --- What each form is to say, in its own order ----------------------------------------

Line = tuple[str | None, ...]
"""Texts with nothing but punctuation between them."""


def lines_of(form: str, p: Projection) -> Iterator[Line]:
    """The texts of a projection, with the headings and labels without which they would mean something else."""
    form = form.replace("pdf", "print")
    yield from _head(form, p)
    yield (p.answer,)
    if form == "terminal":
        yield from _left_behind(p)
    yield from _raised(form, p)
    if form == "print":
        yield from _left_behind(p)
    yield ("What to do",)
    for acts in p.acts:
        yield (acts.heading,)
        for act in acts.acts:
            yield from _act(form, act)
    yield (None if p.acts else p.no_to_do,)
    yield (p.filing_note,)
    yield from _questions("Facts to check", p.check)
    rests = {"page": _rest_of_page, "print": _rest_of_print, "terminal": _rest_of_terminal}
    yield from rests[form](p)
    yield ("Edition", p.edition, "revision", str(p.revision), "digest", p.digest)


def _rest_of_page(p: Projection) -> Iterator[Line]:
    yield from _rests("page", p)
    yield from _questions("left", p.unanswered)
    yield from _ignored(p)
    yield from _notes(p)
    yield from _facts(p)
    yield ("What this advisory covers, and its limits",)
    yield from p.account
    yield from (("As of", p.as_of_text), ("Election", p.election), ("Bulletin", p.bulletin))
    yield from _limits(p)
    yield from _reached(p)


def _rest_of_print(p: Projection) -> Iterator[Line]:
    yield from _questions("Questions left", p.unanswered)
    yield from _notes(p)
    yield ("Appendix",)
    yield from _called_for(p)
    yield from _rests("print", p)
    yield from _ignored(p)
    yield from ((reading.text, reading.citation) for reading in p.readings)
    yield from _facts(p)
    yield ("What this advisory covers, and its limits", p.bulletin)
    yield from _limits(p)


def _rest_of_terminal(p: Projection) -> Iterator[Line]:
    yield from _items(p)
    yield from _questions("Questions left", p.unanswered)
    yield from _ignored(p)
    yield from _notes(p)
    yield from _facts(p)
    yield ("What this advisory covers, and its limits",)
    yield from _limits(p)


def _raised(form: str, p: Projection) -> Iterator[Line]:
    """The points to raise, and how to reach the office."""
    for group in p.contacts:
        yield (group.when,)
        for item, about in group.items:
            yield from ((item.title, item.citation), (about,))
            if item.outcome == "ask":
                yield from _details(form, (item,), item.change)
    yield p.remarks
    block = p.contact_block
    if form == "terminal":
        yield (block.office, block.telephone, block.email)
        yield (block.organisation, block.street, block.place, block.website)
    elif form == "print":
        yield from _reached(p)


def _reached(p: Projection) -> Iterator[Line]:
    block = p.contact_block
    yield (block.office, block.organisation, block.street, block.place)
    yield (block.telephone, block.email, block.website)


def _head(form: str, p: Projection) -> Iterator[Line]:
    if form == "terminal":
        yield (p.title, p.bulletin)
        yield from p.account
        yield from (("As of", p.as_of_text), ("Election", p.election))
    else:
        yield from ((p.subject,), (p.member,), ("As of", p.as_of_text))
        yield (p.election,) if form == "print" else ()


def _left_behind(p: Projection) -> Iterator[Line]:
    if p.left_behind:
        yield ("Answers that could not be used", LEFT_BEHIND)
        yield from ((left.short, left.text) for left in p.left_behind)


def _act(form: str, act: Act) -> Iterator[Line]:
    if not act.is_to_do or form == "terminal":
        yield (act.text, act.citation)
    else:
        yield (act.text, act.status, act.due, act.citation)
    if form == "terminal":
        yield (act.due,)
    if act.is_to_do:
        yield from _details(form, act.items, act.change)


def _details(form: str, items: tuple[Item, ...], change: ChangeInWords) -> Iterator[Line]:
    if form != "terminal" or items[0].outcome != "ask":
        for item in items:
            yield (item.title if len(items) > 1 else None, None)
            yield (item.advice,)
    if form == "terminal":
        yield (str(change),)
    else:
        yield (change.opening,)
        yield from ((sentence,) for sentence in change.each)
    for item in items if form == "page" else ():
        yield (item.section, item.force)
        yield (f"Based on: {item.rests_on}" if item.because else None,)
        yield from ((reading,) for reading in item.readings)


def _questions(heading: str, questions: tuple[OpenQuestion, ...]) -> Iterator[Line]:
    if questions:
        yield (heading,)
        yield from ((question.asks, question.citation) for question in questions)


def _ignored(p: Projection) -> Iterator[Line]:
    if p.ignored:
        yield ("kept but not counted",)
        yield p.ignored


def _notes(p: Projection) -> Iterator[Line]:
    if p.notes:
        yield ("Your notes",)
        yield from ((note.short, note.text) for note in p.notes)


def _facts(p: Projection) -> Iterator[Line]:
    yield ("What your answers show",)
    yield from ((fact.title, fact.truth, fact.because) for fact in p.facts)


def _limits(p: Projection) -> Iterator[Line]:
    yield from ((limit,) for limit in (*p.limits, p.calendar_note))


def _items(p: Projection) -> Iterator[Line]:
    """The findings one by one."""
    for section in p.sections:
        yield (section.title, section.count)
        for item in section.items:
            yield (item.citation, item.title, item.force, item.status)
            if item.contact:
                yield ("Contact the Commissioner", item.contact.lower())
            yield (item.advice,)
            if item.because:
                yield ("Based on", item.rests_on)
            yield from ((reading,) for reading in item.readings)


def _called_for(p: Projection) -> Iterator[Line]:
    """What the points to raise and the things to do rest on."""
    for section in p.sections:
        items = [item for item in section.items if item.outcome not in REST_TITLES]
        if items:
            yield (section.title,)
        for item in items:
            yield (item.title, item.force.lower(), item.citation, item.status)
            if item.because:
                yield ("Based on", item.rests_on)


def _rests(form: str, p: Projection) -> Iterator[Line]:
    """The findings that ask for nothing now, by outcome."""
    for rest in p.rests:
        yield (rest.title, rest.status)
        for section in rest.sections:
            yield (section.title,)
            if section.common_basis:
                yield ("All based on", section.common_basis)
            for finding in section.findings:
                yield (finding.names,)
                yield (finding.advice,)
                if finding.own_basis:
                    yield ("Also based on" if section.common_basis else "Based on", finding.own_basis)
                yield from ((reading,) for reading in finding.readings if form == "page")


LONG = 25
"""A line of so many letters is never among a form's own words."""


def assert_in_order(words: str, lines: Iterable[Line]) -> None:
    """Assert that some words have each of the lines, one after the other, and no long one twice."""
    patterns = [r"\W*".join(re.escape(flat(text)) for text in line if text) for line in lines if any(line)]
    left, others = flat(words), ""
    for pattern in patterns:
        match = re.search(pattern, left)
        assert match, f"{pattern[:200]} is not in {left[:500]}"
        others += f"{left[: match.start()]}\n"
        left = left[match.end() :]
    others += left
    assert [pattern for pattern in patterns if len(pattern) > LONG and re.search(pattern, others)] == []


# --- Every text, in order, and once ------------------------------------------------------


def test_the_cases_show_every_outcome_of_every_rule_every_contact_and_every_part():
    pairs = {pair for case in every_outcome() for pair in case.pairs}
    assert pairs == {(rule.id, outcome) for rule in edition().rules for outcome in edition().outcomes(rule)}
    times = {time for case in to_print() for time in case.times}
    assert times == {time for case in rows() for time in case.times}
    assert len({case.advisory.overall for case in to_print()}) == 5
    projections = [case.projection for case in every_outcome()]
    parts = ("account", "contacts", "to_do", "check", "unanswered", "ignored", "left_behind", "notes")
    for part in (*parts, "filing_note"):
        assert {bool(getattr(projection, part)) for projection in projections} == {True, False}, part


@pytest.mark.parametrize("form", FORMS)
def test_each_form_has_every_text_of_an_advisory_in_order_and_once(form):
    for case in every_outcome():
        assert_in_order(words_of(form, case), lines_of(form, case.projection))


def test_the_pdf_read_back_has_them_as_they_were_sent_to_print():
    for case in to_print():
        assert_in_order(words_of("pdf", case), lines_of("print", case.projection))


def test_a_text_that_is_missing_moved_changed_or_there_twice_is_reported():
    lines = [("¶9", "Before 1 May 2026, remove the City's logo."), ("¶10", "Tell the Commissioner about it.")]
    first, second = (" ".join(line) for line in lines)
    assert_in_order(f"Advisory: {first} - {second} Page 1", lines)
    for fault in (
        first,
        f"{second} {first}",
        f"{first} {second} {first}",
        f"{first.replace('¶9', '¶9(a)')} {second}",
        f"{first} {second.replace('Tell', 'tell')}",
    ):
        with pytest.raises(AssertionError):
            assert_in_order(fault, lines)


@pytest.mark.parametrize("width", [10, 40, 57])
def test_the_terminals_text_is_the_same_at_any_width_and_runs_over_at_none(width):
    for case in samples()[:2]:
        wide, narrow = text_of(case), text_of(case, width)
        assert flat(narrow.replace("─", "")) == flat(wide.replace("─", ""))
        assert max(map(len, wide.splitlines())) <= 80
        assert max(map(len, narrow.splitlines())) <= max(width, 40)


# --- The PDF ------------------------------------------------------------------


@pytest.mark.parametrize("case", samples(), ids=lambda case: case.name)
def test_a_samples_pdf_is_pdf_ua_with_three_pages_and_an_appendix_each_with_its_number_and_the_stamp(
    case, tmp_path, monkeypatch
):
    path = tmp_path / "advisory.pdf"
    path.write_bytes(pdf_of(case))
    assert_pdf_ua(path, monkeypatch)
    pdf = printed(case)
    assert len(pdf.pages) <= 8
    assert next(n for n, text in enumerate(texts_of_pages(pdf), start=1) if "Appendix" in text) <= 3
    stamp = case.projection.stamp
    assert stamp.startswith(f"{EDITION} · revision {edition().sheet.revision} · digest ")
    for number, margins in enumerate(margins_of_pdf(pdf), start=1):
        assert stamp in margins
        assert f"Page {number} of {len(pdf.pages)}" in margins
    # The headings go down one level at a time.
    levels = [int(tag[1]) for tag, _ in blocks_of_pdf(pdf) if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_no_printed_document_has_css_columns_which_take_most_of_the_time_to_lay_out():
    css = print_css("advisory.css", "questionnaire.css", "summary.css", "insights.css")
    assert not re.search(r"[;{\s](?:columns|column-count|column-width)\s*:", css)


def test_a_pdf_names_its_language_account_and_day_and_bears_no_other_date():
    pdf = printed(samples()[1])
    assert str(pdf.Root.Lang) == "en-CA"
    with pdf.open_metadata() as metadata:
        assert metadata["pdfuaid:part"] == "1"
        assert metadata["dc:title"] == "Social media self-check: advisory, @CouncillorLee, 10 May 2026"
    assert str(pdf.docinfo["/CreationDate"]).startswith("D:20260510000000-04'00")
    assert "/ModDate" not in pdf.docinfo


def test_a_pdf_is_the_same_bytes_from_another_process(tmp_path):
    case = samples()[1]
    target = tmp_path / "advisory.pdf"
    subprocess.run(
        [sys.executable, "manage.py", "advise", "-", "--format", "pdf", "--output", target],
        cwd=ROOT,
        input=sample(case.name),
        env=os.environ | {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"},
        check=True,
    )
    assert target.read_bytes() == pdf_of(case)


# --- What people wrote --------------------------------------------------------

SCRIPTS = {
    "resources.email": "இந்த கணக்கு அதிகாரப்பூர்வமானது.",
    "resources.logo": "这个账户是官方账户。\n這個帳戶是官方帳戶。",
    "resources.people": "هذا حساب رسمي على فيسبوك، منذ عام 2022.",
    "resources.print": "Это официальный аккаунт. Čapek, Œuvre.",
    "gifts.value": "이 계정은 공식 계정입니다. यह खाता आधिकारिक है।",
}
MARKUP = (
    "<script>alert(1)</script> <b>bold</b> &amp; {{ a.digest }} {% now 'Y' %} [red]x[/red] :smile: "
    "<img src=file:///etc/passwd> https://example.com/?a=1&b=2 \"quoted\" 'so' --> ]]> `ls` $HOME %s"
)


@pytest.fixture(scope="module")
def scripts() -> Case:
    return with_notes(SCRIPTS, member="Lê Thị Ánh", handle="@アカウント")


@pytest.mark.parametrize("form", ["page", "terminal", "pdf"])
def test_notes_in_many_scripts_are_there_letter_by_letter(scripts, form):
    words = words_of(form, scripts)
    assert_in_order(words, lines_of(form, scripts.projection))
    assert "cannot be printed" not in words


def test_a_pdf_says_in_so_many_words_what_it_cannot_print_of_notes_and_of_the_accounts_name():
    case = with_notes({}, handle="@party\U0001f389", member="\U0001f600")
    text = " ".join(block for _, block in blocks_of_pdf(printed(case)))
    assert "[grinning face]" in text
    assert (
        "Some characters cannot be printed here and are named in brackets instead: grinning face, party popper."
    ) in text
    assert "\U0001f600" in page_of(case)
    assert "\U0001f600" in text_of(case)
    noted = with_notes({"gifts.value": "Paid by \U0001f1e8\U0001f1e6"})
    html = advisory_html(noted.projection)
    assert "Paid by [flag CA]" in html
    assert "named in brackets instead: flag CA." in html


def test_markup_is_shown_as_it_was_typed_in_text_page_and_pdf_and_asks_for_nothing():
    case = with_notes({"gifts.value": MARKUP}, handle="<b>@x</b>", member="{{ member }}", platform="[b]X[/b]")
    for form in (*FORMS, "pdf"):
        assert_in_order(words_of(form, case), lines_of(form, case.projection))
    for html in (page_of(case), advisory_html(case.projection)):
        assert "<script" not in html
        assert "<img" not in html
        assert "&lt;script&gt;alert(1)" in html
    with printed(case).open_metadata() as metadata:
        assert metadata["dc:title"] == "Social media self-check: advisory, <b>@x</b>, 1 July 2026"
    for asked in (b"/JavaScript", b"/Launch", b"/EmbeddedFile", b"/URI", b"/OpenAction", b"/SubmitForm"):
        assert asked not in pdf_of(case)


def test_nothing_that_steers_a_terminal_is_in_the_text_of_any_note_that_is_let_in():
    harmless = (
        "tab\there, line\r\nbreak, soft\u00adhyphen, \u200bzero, \u200f mark, \U000e0041 tag, é, 👩‍👩‍👧"
    )
    for case in (with_notes({"gifts.value": harmless, "resources.email": MARKUP}), *samples()):
        for width in (40, 80):
            text = text_of(case, width)
            assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)


def test_text_is_coloured_only_where_it_is_asked_for():
    projection = samples()[0].projection
    plain, coloured = advisory_text(projection), advisory_text(projection, colour=True)
    assert "\x1b[" not in plain
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured).split() == plain.split()


def test_notes_that_are_too_long_to_print_together_are_refused_in_words():
    case = with_notes({question.id: "word " * 399 for question in edition().questions})
    with pytest.raises(PressError, match=r"too long to print: [0-9,]+ characters .* Shorten the notes"):
        advisory_pdf(case.projection)
