"""The member sees every answer before it is shared, the Commissioner's office after, alone or with others."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest
from django.template.loader import render_to_string

from assessments.models import AnonymousCheck, User
from assessments.pdf.authenticity import Proof
from assessments.records.shared import (
    BLACKED_OUT,
    ONLY_A_NOTE,
    Picked,
    offered,
    shared_projection,
    shared_record,
)
from assessments.records.state import AssessmentState
from assessments.rendering.documents import advisory_html, advisory_pdf
from assessments.rendering.projection import Projection
from assessments.scoring.wording import answer_in_words
from bulletin.encoding.conditions import Answer
from tests.reading import (
    Block,
    assert_pdf_ua,
    blocks_of_html,
    blocks_of_pdf,
    flat,
    opened,
)
from tests.tables import BASE, answers_of, edition, election, rows_of_asking, rows_of_rules

ANSWERS = flat("Answers that were shared")
NOTES = {
    "conduct.abuse": "Once, by Jo Tremblay.\nمرحبا",
    "gifts.unpaid": "Two videos.",
    "terms.adopted": "zq7",
}
CODE = "K35Q-TSNS-BJ65-ZH2C-CK3Y"


def state_of(given: Mapping[str, Any], notes: Mapping[str, str] = NOTES) -> AssessmentState:
    """The base situation, but for what is given."""
    rows: Any = {question: SimpleNamespace(note=note) for question, note in notes.items()}
    return AssessmentState(
        self_check=AnonymousCheck(),
        about={"member": "Pat Lee", "platform": "X", "handle": "@pat"},
        edition=edition(),
        election=election(BASE["election"]),
        as_of=date.fromisoformat(BASE["as_of"]),
        rows=rows,
        answers=answers_of(BASE["answers"] | dict(given)),
    )


def record_of(state: AssessmentState, picked: Picked) -> str:
    return shared_record(
        state, picked, at=datetime(2026, 7, 1, 15, 0, tzinfo=UTC), office="Ward 10", nonce="a" * 64
    )


@cache
def situations() -> dict[str, dict[Answer, AssessmentState]]:
    """For each question, a situation for each answer to it that the tables have."""
    states: dict[str, dict[Answer, AssessmentState]] = {question: {} for question in edition().question}
    for row in (*rows_of_asking(), *(row for _, row in rows_of_rules())):
        state = state_of(row["given"])
        for question, answer in state.advisory.answers.items():
            states[question].setdefault(answer, state)
    return states


def seen(projection: Projection) -> dict[str, list[Block]]:
    """The blocks of the preview, of the page and of the PDF."""
    names = {"a": projection, "office_name": "Ward 10", "account_name": "X @pat"}
    share = {"pk": 1, "code": CODE, "shared_by": "Pat Lee"}
    officer = User(name="Robin", is_officer=True)
    return {
        "preview": blocks_of_html(render_to_string("sharing/preview.html", names)),
        "page": blocks_of_html(
            render_to_string("sharing/share.html", names | {"share": share, "user": officer})
        ),
        "pdf": blocks_of_html(advisory_html(projection)),
    }


def answers_in(blocks: list[Block]) -> list[str]:
    """The lines under the heading of the answers: each a question, its answer and its note."""
    lines: list[str] = []
    titles = [flat(text) if tag == "h2" else "" for tag, text in blocks]
    for tag, text in blocks[titles.index(ANSWERS) + 1 :]:
        match tag:
            case "h2":
                break
            case "dt" | "li":
                lines.append(flat(text))
            case "dd":
                lines[-1] += f":{flat(text)}"
            case "p":
                lines[-1] += flat(text)
    return lines


def line(question: str, answer: str, note: str = "") -> str:
    return flat(f"{edition().question[question].short}:{answer}{note}")


@pytest.mark.parametrize("question", edition().question)
def test_each_answer_that_is_shared_alone_is_seen_on_the_preview_the_page_and_the_pdf(question):
    assert situations()[question]
    for answer, state in situations()[question].items():
        record = record_of(state, Picked(frozenset(), frozenset({question}), frozenset(), {}))
        for where, blocks in seen(shared_projection(record, edition())).items():
            expected = line(question, answer_in_words(edition(), question, answer))
            assert answers_in(blocks) == [expected], where
            assert not [text for tag, text in blocks if tag == "h3" and "rule" in text], where


def whole() -> tuple[AssessmentState, Picked]:
    state = state_of({"resources.email": "yes", "election.use": "now", "conduct.abuse": "yes"})
    every = offered(state)
    black_out = {"conduct.abuse": ("Jo Tremblay",)}
    return state, Picked(
        every.rules, every.questions - {"gifts.unpaid"}, every.notes - {"terms.adopted"}, black_out
    )


def lines_of_whole(state: AssessmentState, picked: Picked) -> Iterator[str]:
    for question, answer in state.advisory.answers.items():
        note = {"conduct.abuse": f"Once, by {BLACKED_OUT}.مرحبا"}.get(question, "")
        if question in picked.questions:
            yield line(question, answer_in_words(edition(), question, answer), note)
        elif question == "gifts.unpaid":
            yield line(question, ONLY_A_NOTE, NOTES[question])


def test_all_that_are_shared_are_listed_once_in_the_editions_order_with_their_notes():
    state, picked = whole()
    for where, blocks in seen(shared_projection(record_of(state, picked), edition())).items():
        assert answers_in(blocks) == list(lines_of_whole(state, picked)), where
        words = flat(" ".join(text for _, text in blocks))
        for withheld in ("Tremblay", "zq7"):
            assert withheld not in words, where
        assert flat("on your answers") not in words
        assert flat("that your answers come to") not in words
        assert "Yournotes" not in words


def test_the_printed_one_lists_them_too_tagged(tmp_path, monkeypatch):
    state, picked = whole()
    record = record_of(state, picked)
    projection = shared_projection(record, edition())
    proof = Proof(CODE, f"https://check.example.ca/verify/{CODE}", record.encode(), "Shared")
    pdf = advisory_pdf(projection, proof)
    assert answers_in(blocks_of_pdf(opened(pdf))) == list(lines_of_whole(state, picked))
    (tmp_path / "a.pdf").write_bytes(pdf)
    assert_pdf_ua(tmp_path / "a.pdf", monkeypatch)


def test_nothing_says_that_sharing_is_not_asking_where_a_question_was_asked():
    state, picked = whole()
    record, limit = record_of(state, picked), edition().sheet.sharing_limit
    assert limit in shared_projection(record, edition()).limits
    assert limit not in shared_projection(record, edition(), asks=True).limits


def test_a_note_that_is_longer_than_a_page_is_printed_to_its_end():
    lines = list(map(str, range(400)))
    state = state_of({}, {"terms.adopted": "\n".join(lines)})
    picked = Picked(frozenset(), frozenset({"terms.adopted"}), frozenset({"terms.adopted"}), {})
    pdf = advisory_pdf(shared_projection(record_of(state, picked), edition()))
    # To a screen reader, an item that goes on over a page is several items.
    text = "".join(answers_in(blocks_of_pdf(opened(pdf))))
    assert text == line("terms.adopted", "Yes", "".join(lines))


@pytest.mark.parametrize(("questions", "is_there"), [((), False), (("conduct.abuse",), True)])
def test_what_has_nothing_in_it_has_no_heading(questions, is_there):
    state = state_of({"conduct.abuse": "yes"})
    record = record_of(state, Picked(frozenset({"17a", "19"}), frozenset(questions), frozenset(), {}))
    for where, blocks in seen(shared_projection(record, edition())).items():
        headings = [flat(text) for tag, text in blocks if tag == "h2"]
        assert (ANSWERS in headings) is is_there, where
        assert "1 point with nothing to do" in [text.strip() for tag, text in blocks if tag == "h3"], where
