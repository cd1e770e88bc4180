"""JSON, text, page and PDF say the same, and show what people wrote as they wrote it."""

import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pdfua.rules.structure
import pikepdf
import pytest
from django.template.loader import render_to_string
from pdfua.validator import validate

from assessments.models import AnonymousCheck
from assessments.pdf.press import PressError
from assessments.rendering.data import advisory_json, answer_data
from assessments.rendering.documents import advisory_html, advisory_pdf
from assessments.rendering.projection import project
from assessments.rendering.text import advisory_text
from assessments.samples import TITLES, sample
from assessments.scoring.advisory import Advisory
from assessments.scoring.assess import assess
from assessments.scoring.document import Document, read_document
from assessments.views.workspace import Workspace
from bulletin import shelf
from tests.reading import (
    AdvisoryContents,
    blocks_of_html,
    blocks_of_pdf,
    contents_of_blocks,
    contents_of_json,
    contents_of_text,
    flat,
    margins_of_pdf,
    opened,
)
from tests.tables import BASE, EDITION, advised, answers_of, edition, rows_of_rules

ROOT = Path(__file__).resolve().parents[3]
MOST_PDFS = 10
WIDE = 1_500
"""Columns enough that no line of these documents is wrapped."""


@dataclass(frozen=True, eq=False)
class Case:
    """An answers document and its advisory."""

    name: str
    document: Document
    advisory: Advisory

    @property
    def pairs(self) -> frozenset[tuple[str, ...]]:
        """Each rule with its outcome."""
        return frozenset((f.rule.id, f.outcome) for f in self.advisory.findings)

    @property
    def times(self) -> frozenset[tuple[str, ...]]:
        """Each outcome with its contact, and the overall result."""
        carried = frozenset((f.outcome, f.contact or "") for f in self.advisory.findings)
        return carried | {(self.advisory.overall,)}

    @property
    def json(self) -> AdvisoryContents:
        return contents_of_json(advisory_json(self.advisory), self.advisory, self.document)


def case_of(name: str, raw: bytes) -> Case:
    document = read_document(raw, shelf.editions(), shelf.calendar())
    assert document.as_of
    on = document.election or shelf.calendar().default_for(document.as_of)
    return Case(name, document, assess(document.edition, document.answers, as_of=document.as_of, election=on))


def raw_of(**whole: Any) -> bytes:
    return json.dumps({"edition": EDITION, "as_of": "2026-07-01", "answers": {}} | whole).encode()


def case_of_row(rule: str, row: dict[str, Any]) -> Case:
    """A row of rules.yaml as a document."""
    advisory = advised(row["given"], as_of=row["as_of"])
    answers = answers_of(row["given"]) | dict(advisory.answers)
    raw = raw_of(
        as_of=row["as_of"],
        election=BASE["election"],
        answers={question: answer_data(answer) for question, answer in answers.items()},
    )
    return case_of(f"{rule}: {row['case']}", raw)


@cache
def samples() -> tuple[Case, ...]:
    return tuple(case_of(name, sample(name)) for name in TITLES)


@cache
def rows() -> tuple[Case, ...]:
    return tuple(case_of_row(rule, row) for rule, row in rows_of_rules())


@cache
def mixtures() -> tuple[Case, ...]:
    """Documents with random answers, the same each time. Each shows many outcomes."""
    random = Random(1)  # noqa: S311 - nothing is kept secret with it
    return tuple(case_of(f"mixture {number}", raw_of(**_mixture(random))) for number in range(300))


def _mixture(random: Random) -> dict[str, Any]:
    left_out, unsure = random.random() * 0.4, random.random() * 0.4
    answers: dict[str, Any] = {}
    for question in edition().questions:
        if random.random() < left_out:
            continue
        if question.may_be_unsure and random.random() < unsure:
            answers[question.id] = "unsure"
            continue
        match question.kind:
            case "ynu" | "choice":
                answers[question.id] = random.choice(question.values)
            case "choices":
                answers[question.id] = random.sample(question.values, random.randint(1, 3))
            case "money":
                answers[question.id] = random.choice(["500.00", "500.01"])
            case "date":
                answers[question.id] = random.choice(["2026-06-30", "2026-07-01", "2026-08-21"])
    as_of = random.choice(["2026-07-01", "2026-12-31", "2027-01-01"])
    return {"answers": answers, "as_of": as_of, "election": "toronto-2026"}


def covering(wanted: str, cases: Iterable[Case], chosen: Iterable[Case] = ()) -> list[Case]:
    """The `chosen`, and as few of `cases` as show all that is `wanted`: each step adds the case that shows most."""
    left = list(cases)
    covering_cases = list(chosen)
    shown = frozenset[tuple[str, ...]]().union(*(getattr(case, wanted) for case in covering_cases))
    while True:
        best = max(left, key=lambda case: len(getattr(case, wanted) - shown))
        if not getattr(best, wanted) - shown:
            return covering_cases
        covering_cases.append(best)
        shown |= getattr(best, wanted)


@cache
def every_outcome() -> list[Case]:
    """The samples, and as many other cases as show every outcome of every rule and every contact."""
    by_outcome = covering("pairs", rows() + mixtures(), samples())
    return covering("times", rows() + mixtures(), by_outcome)


@cache
def to_print() -> list[Case]:
    """At most MOST_PDFS cases: every outcome with every contact, and as many outcomes of rules as fit."""
    by_contact = covering("times", rows() + mixtures(), samples())
    return covering("pairs", rows() + mixtures(), by_contact)[:MOST_PDFS]


@cache
def printed(case: Case) -> pikepdf.Pdf:
    return opened(pdf_of(case))


@cache
def pdf_of(case: Case) -> bytes:
    return advisory_pdf(project(case.advisory, case.document))


def page_of(case: Case) -> str:
    """The page of a self-check in its browser, with everything that the page offers."""
    context = {"a": project(case.advisory, case.document), "workspace": Workspace(AnonymousCheck(), None)}
    return render_to_string("assessments/advisory.html", context)


def text_of(case: Case, width: int = 80) -> str:
    return advisory_text(project(case.advisory, case.document), width=width)


def assert_same(contents: AdvisoryContents, expected: AdvisoryContents) -> None:
    """Assert that the contents are the expected ones, part by part, so that a difference is easy to see."""
    actual, wanted = asdict(contents), asdict(expected)
    for loose in ("details", "contact_block"):
        text = "".join(actual.pop(loose))
        assert [detail for detail in wanted.pop(loose) if detail not in text] == []
    for part, value in wanted.items():
        assert actual[part] == value, part


# --- Parity -------------------------------------------------------------------


def test_the_documents_compared_show_every_outcome_of_every_rule_and_every_contact():
    pairs = {pair for case in every_outcome() for pair in case.pairs}
    assert pairs == {(rule.id, outcome) for rule in edition().rules for outcome in rule.outcomes}
    times = {time for case in to_print() for time in case.times}
    assert times == {time for case in rows() for time in case.times}
    assert len({case.advisory.overall for case in to_print()}) == 5
    assert len({pair for case in to_print() for pair in case.pairs}) > 0.8 * len(pairs)


def test_the_text_says_what_the_json_says_for_every_outcome_of_every_rule():
    for case in every_outcome():
        assert_same(contents_of_text(text_of(case, WIDE), case.advisory), case.json)


def test_the_page_says_what_the_json_says_for_every_outcome_of_every_rule():
    for case in every_outcome():
        assert_same(contents_of_blocks(blocks_of_html(page_of(case)), case.advisory), case.json)


def test_what_is_sent_to_print_says_what_the_json_says_for_every_outcome_of_every_rule():
    for case in every_outcome():
        html = advisory_html(project(case.advisory, case.document))
        assert_same(contents_of_blocks(blocks_of_html(html), case.advisory), case.json)


@pytest.mark.parametrize("number", range(MOST_PDFS))
def test_the_pdf_read_back_says_what_the_json_says(number):
    if number >= len(to_print()):
        pytest.skip("fewer show all there is")
    case = to_print()[number]
    assert_same(contents_of_blocks(blocks_of_pdf(printed(case)), case.advisory), case.json)


@pytest.mark.parametrize("width", [10, 40, 57, 80])
def test_the_text_says_the_same_at_any_width_and_runs_over_at_none(width):
    for case in samples()[:2]:
        wide, narrow = text_of(case, WIDE), text_of(case, width)
        assert flat(narrow.replace("─", "")) == flat(wide.replace("─", ""))
        assert max(map(len, narrow.splitlines())) <= max(width, 40)


@pytest.mark.parametrize(
    ("election", "as_of", "note"),
    [
        ("toronto-2022", "2022-11-01", False),
        ("toronto-2026", "2026-11-01", True),
        ("toronto-2030", "2030-11-01", True),
    ],
)
def test_the_calendar_note_stands_exactly_where_the_edition_does_not_name_the_election(election, as_of, note):
    answers = {"election.candidate": "yes", "election.use": "now", "resources.email": "yes"}
    case = case_of(election, raw_of(election=election, as_of=as_of, answers=answers))
    expected = case.json
    assert len(expected.limits) == len(edition().sheet.limits) + note
    assert ("notyetconfirmed" in expected.limits[-1]) == (election == "toronto-2030")
    for contents in (
        contents_of_text(text_of(case, WIDE), case.advisory),
        contents_of_blocks(blocks_of_html(page_of(case)), case.advisory),
        contents_of_blocks(
            blocks_of_html(advisory_html(project(case.advisory, case.document))), case.advisory
        ),
    ):
        assert_same(contents, expected)


@pytest.mark.parametrize(
    ("filing", "warned"),
    [("2026-04-30", True), ("2026-05-01", False), ("2026-08-21", False), ("2026-08-22", True)],
)
def test_a_filing_date_outside_the_days_for_filing_is_warned_of_in_text_page_and_print(filing, warned):
    answers = {"election.candidate": "yes", "election.nomination_date": filing}
    case = case_of(filing, raw_of(answers=answers, election="toronto-2026"))
    html = advisory_html(project(case.advisory, case.document))
    for contents in (
        contents_of_text(text_of(case, WIDE), case.advisory),
        contents_of_blocks(blocks_of_html(page_of(case)), case.advisory),
        contents_of_blocks(blocks_of_html(html), case.advisory),
    ):
        assert_same(contents, case.json)
        warnings = [remark for remark in contents.remarks if "from1May2026to21August2026" in remark]
        assert len(warnings) == warned


def test_contacts_and_things_to_do_come_with_the_most_pressing_first():
    words = edition().sheet.words.contact
    order = [flat(words[when].title) for when in ("now", "before_acting", "before_filing", "before_launch")]
    for case in every_outcome():
        contents = contents_of_blocks(blocks_of_html(page_of(case)), case.advisory)
        assert list(contents.contacts) == sorted(
            contents.contacts, key=lambda when: order.index(when.partition(",on")[0])
        )
        due = {flat(d.text.rstrip(".")): (not d.is_now, d.due or date.max) for d in case.advisory.deadlines}
        assert list(contents.to_do) == sorted(contents.to_do, key=lambda by_when: due[by_when])


# --- The PDF ------------------------------------------------------------------


@pytest.mark.parametrize("case", samples(), ids=lambda case: case.name)
def test_a_samples_pdf_has_three_to_five_pages_each_with_its_number_and_the_stamp(case):
    pdf = printed(case)
    assert 3 <= len(pdf.pages) <= 5
    stamp = project(case.advisory, case.document).stamp
    assert stamp.startswith(f"{EDITION} · revision {edition().sheet.revision} · digest ")
    for number, margins in enumerate(margins_of_pdf(pdf), start=1):
        assert stamp in margins
        assert f"Page {number} of {len(pdf.pages)}" in margins


@pytest.mark.parametrize("case", samples(), ids=lambda case: case.name)
def test_a_samples_pdf_is_pdf_ua_by_every_check_and_none_is_skipped(case, tmp_path, monkeypatch):
    # 0.1.3 asks pikepdf's arrays whether they are integers, which raises, and so skips a check.
    monkeypatch.setattr(pdfua.rules.structure, "as_integer", lambda kid: kid if type(kid) is int else None)
    path = tmp_path / "advisory.pdf"
    path.write_bytes(pdf_of(case))
    report = validate(str(path))
    assert len(report.outcomes) >= 12
    assert [(o.rule_id, o.skipped_reason) for o in report.outcomes if o.skipped_reason] == []
    assert [(finding.rule_id, finding.message) for finding in report.findings] == []


def test_a_pdf_names_its_language_account_and_day_and_bears_no_other_date():
    case = samples()[1]
    pdf = printed(case)
    assert str(pdf.Root.Lang) == "en-CA"
    with pdf.open_metadata() as metadata:
        assert metadata["pdfuaid:part"] == "1"
        assert metadata["dc:title"] == "Social media self-check: advisory, @CouncillorLee, 10 May 2026"
    assert str(pdf.docinfo["/CreationDate"]).startswith("D:20260510")
    assert "/ModDate" not in pdf.docinfo


def test_a_pdfs_headings_go_down_one_level_at_a_time():
    for case in samples():
        levels = [int(tag[1]) for tag, _ in blocks_of_pdf(printed(case)) if re.fullmatch("h[1-6]", tag)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_a_pdf_is_the_same_bytes_twice_and_from_another_process(tmp_path):
    case = samples()[1]
    assert advisory_pdf(project(case.advisory, case.document)) == pdf_of(case)
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


def with_notes(notes: dict[str, str], **account: str) -> Case:
    return case_of("notes", raw_of(notes=notes, account=account))


@pytest.fixture(scope="module")
def scripts() -> Case:
    return with_notes(SCRIPTS, member="Lê Thị Ánh", handle="@アカウント")


def test_notes_in_many_scripts_stand_in_the_pdf_letter_by_letter(scripts):
    assert_same(contents_of_blocks(blocks_of_pdf(printed(scripts)), scripts.advisory), scripts.json)
    text = flat("".join(text for _, text in blocks_of_pdf(printed(scripts))))
    assert "cannotbeprinted" not in text


def test_notes_in_many_scripts_stand_in_text_and_page_as_they_were_written(scripts):
    assert_same(contents_of_text(text_of(scripts, WIDE), scripts.advisory), scripts.json)
    assert_same(contents_of_blocks(blocks_of_html(page_of(scripts)), scripts.advisory), scripts.json)


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
    html = advisory_html(project(noted.advisory, noted.document))
    assert "Paid by [flag CA]" in html
    assert "named in brackets instead: flag CA." in html


def test_markup_is_shown_as_it_was_typed_in_text_page_and_pdf_and_asks_for_nothing():
    case = with_notes({"gifts.value": MARKUP}, handle="<b>@x</b>", member="{{ member }}", platform="[b]X[/b]")
    expected = case.json
    assert expected.notes == {flat(edition().question["gifts.value"].short): flat(MARKUP)}
    assert_same(contents_of_text(text_of(case, WIDE), case.advisory), expected)
    assert_same(contents_of_blocks(blocks_of_pdf(printed(case)), case.advisory), expected)
    for html in (page_of(case), advisory_html(project(case.advisory, case.document))):
        assert_same(contents_of_blocks(blocks_of_html(html), case.advisory), expected)
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
    projection = project(samples()[0].advisory, samples()[0].document)
    plain, coloured = advisory_text(projection), advisory_text(projection, colour=True)
    assert "\x1b[" not in plain
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured).split() == plain.split()


def test_notes_that_are_too_long_to_print_together_are_refused_in_words():
    case = with_notes({question.id: "word " * 399 for question in edition().questions})
    with pytest.raises(PressError, match=r"too long to print: [0-9,]+ characters .* Shorten the notes"):
        advisory_pdf(project(case.advisory, case.document))
