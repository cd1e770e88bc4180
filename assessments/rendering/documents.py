"""The printed documents, as PDF/UA-1: the advisory, the page for staff and the blank questionnaire.

Equal input gives equal bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from django.conf import settings
from django.template.loader import render_to_string

from assessments.pdf.authenticity import RECORD_NAME, Proof, qr_svg
from assessments.pdf.press import Enclosed, print_pdf
from assessments.pdf.typeset import Typeset, typeset
from assessments.rendering.asked_in_words import fact_in_words, in_words
from assessments.rendering.projection import SUBJECT, Projection, cite
from assessments.rendering.staff_page import StaffPage
from assessments.scoring.wording import choice_words, in_election
from bulletin.encoding.conditions import Fact
from bulletin.encoding.digest import digest
from bulletin.encoding.elections import Election
from bulletin.encoding.schema import Edition, Question, Section


@dataclass(frozen=True)
class PrintedNote:
    """A note typeset line by line, since each line may be in another script. A shared note comes with its answer."""

    short: str
    lines: tuple[Typeset, ...]
    answer: str = ""


def advisory_pdf(projection: Projection, proof: Proof | None = None, *, for_stranger: bool = False) -> bytes:
    """The PDF of an advisory. With a proof, it says how to verify it and encloses the record that it was made from.

    Raises PressError, whose message is for people.
    """
    enclosed = Enclosed(RECORD_NAME, "application/json", proof.about, proof.record) if proof else None
    html = advisory_html(projection, proof)
    return print_pdf(html, css=advisory_css(), enclosed=enclosed, for_stranger=for_stranger)


def advisory_css() -> str:
    """The stylesheet of the printed advisory."""
    return print_css("advisory.css")


def advisory_html(projection: Projection, proof: Proof | None = None) -> str:
    """The HTML that is printed. Everything that people wrote is typeset and escaped."""
    account = [(label, typeset(value)) for label, value in projection.account]
    notes = [PrintedNote(note.short, _lines(note.text)) for note in projection.notes]
    answers = [
        (
            section.title,
            [PrintedNote(given.short, _lines(given.note), given.answer) for given in section.answers],
        )
        for section in projection.answers
    ]
    noted = [*notes, *(note for _, section_notes in answers for note in section_notes)]
    written = [value for _, value in account] + [line for note in noted for line in note.lines]
    stamp = [projection.stamp]
    if proof:
        attested = typeset(proof.stamp)
        written.append(attested)
        stamp.append(f"{proof.code} · {attested.text}")
    return render_to_string(
        "assessments/advisory_pdf.html",
        {
            "a": projection,
            "subject": [value for label, value in account if label in SUBJECT],
            "others": [(label, value) for label, value in account if label not in SUBJECT],
            "handle": account[-1][1].text if account else "",
            "answers": answers,
            "notes": notes,
            "proof": proof and printed_proof(proof),
            "stamp": "\n".join(stamp),
            "unprintable": list(dict.fromkeys(name for text in written for name in text.unprintable)),
        },
    )


def _lines(note: str) -> tuple[Typeset, ...]:
    return tuple(typeset(line) for line in note.splitlines() if line.strip())


def printed_proof(proof: Proof) -> dict[str, object]:
    """What a document prints about its proof."""
    digits = proof.record_sha256
    return {
        "code": proof.code,
        "address": proof.address,
        "qr": qr_svg(proof.address),
        "name": RECORD_NAME,
        "sha256": [digits[at : at + 8] for at in range(0, len(digits), 8)],
    }


def staff_pdf(page: StaffPage, *, for_stranger: bool = False) -> bytes:
    """The PDF of the page for staff. Raises PressError, whose message is for people."""
    return print_pdf(staff_html(page), css=print_css("staff.css"), for_stranger=for_stranger)


def staff_html(page: StaffPage) -> str:
    """The HTML that is printed. What people wrote in it is typeset and escaped."""
    account, member = [typeset(value) for value in page.account], typeset(page.member)
    unprintable = [name for text in (*account, member) for name in text.unprintable]
    context = {
        "page": page,
        "account": account,
        "member": member,
        "unprintable": list(dict.fromkeys(unprintable)),
    }
    return render_to_string("assessments/staff_pdf.html", context)


def questionnaire_pdf(edition: Edition, election: Election) -> bytes:
    """The PDF of the blank questionnaire about an election, to fill in by hand. Anyone may ask for it.

    Raises PressError, whose message is for people.
    """
    html = questionnaire_html(edition, election)
    return print_pdf(html, css=print_css("questionnaire.css"), for_stranger=True)


def questionnaire_html(edition: Edition, election: Election) -> str:
    """Every section and question with empty boxes, and when to answer each question in words."""
    sheet = edition.sheet
    questions = {
        s.id: [in_election(q, election) for q in edition.questions if q.section == s.id]
        for s in sheet.sections
    }
    numbers = {
        question.id: f"{at}.{place}"
        for at, section in enumerate(sheet.sections, 1)
        for place, question in enumerate(questions[section.id], 1)
    }
    context = {
        "sheet": sheet,
        "stamp": f"{edition.id} · revision {sheet.revision} · digest {digest(edition)[:16]}",
        "sections": [
            _printed_section(edition, section, str(at), questions[section.id], numbers)
            for at, section in enumerate(sheet.sections, 1)
        ],
    }
    return render_to_string("assessments/questionnaire_pdf.html", context)


def _printed_section(
    edition: Edition, section: Section, number: str, questions: list[Question], numbers: Mapping[str, str]
) -> dict[str, object]:
    named = [term.name for q in questions for term in q.asked.terms() if isinstance(term, Fact)]
    return {
        "number": number,
        "title": section.title,
        "intro": section.intro,
        "guarded": section.id in edition.guarded_sections,
        "facts": [
            (edition.fact[name].title, fact_in_words(edition, edition.fact[name], numbers))
            for name in dict.fromkeys(named)
        ],
        "questions": [
            {
                "number": numbers[q.id],
                "asks": q.asks,
                "hint": q.hint,
                "kind": q.kind,
                "citation": cite(q.paragraphs),
                "asked": in_words(edition, q.asked, numbers),
                "options": tuple(choice_words(edition, q).values()),
            }
            for q in questions
        ],
    }


@cache
def print_css(*more: str) -> str:
    """The stylesheet of all PDFs, with the sheets that one document adds. It uses the colours of the pages."""
    folder = settings.BASE_DIR / "static" / "css"
    return "\n".join((folder / name).read_text() for name in ("tokens.css", "pdf.css", *more))
