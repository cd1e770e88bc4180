"""The form of one section of the questionnaire, built from the edition.

A page shows only the questions that are asked, yet the form reads every question of its section: an answer to a
question that is no longer asked is kept, and counts again should the question come back.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Layout, LayoutObject
from django import forms
from django.http import QueryDict
from django.template.loader import render_to_string

from assessments.models import AnswerRow
from assessments.reports.data import answer_data
from assessments.reports.draft import DraftState
from assessments.reports.projection import cite
from assessments.scoring.answers import MAX_NOTE, AnswerError, read_answer, wrong_with_text
from assessments.scoring.wording import answer_in_words
from assessments.services.answering import Change, Conflict
from bulletin.encoding.conditions import UNSURE
from bulletin.encoding.schema import Question

NOTE, SEEN, UNSURE_BOX, CHOOSE = "note.", "seen.", "unsure.", "choose"
"""What the names of a question's other inputs begin with; its answer bears the question's own name."""


def element_id(question: str) -> str:
    """A question's id on the page: ids with dots are awkward in links and in stylesheets."""
    return "q-" + question.replace(".", "-").replace("_", "-")


def stamp(row: AnswerRow | None) -> str:
    """What a page remembers of the answer that it was made from: its version, and a mark of its content.

    The mark tells an input that someone changed from one that merely came back as it was.
    """
    version, value, note = (row.version, row.value, row.note) if row else (0, None, "")
    return f"{version}.{mark(value, note)}"


def mark(value: Any, note: str) -> str:
    """A short mark of an answer and its note; equal content has the same mark."""
    return hashlib.sha256(json.dumps([value, note], sort_keys=True).encode()).hexdigest()[:12]


@dataclass
class Slot:
    """One question as the page shows it: what it asks, what is typed, and what is wrong with that."""

    question: Question
    shown: bool
    value: Any
    text: str
    unsure: bool
    note: str
    stamp: str
    row: AnswerRow | None
    why: str
    says: tuple[tuple[str, str], ...]
    error: str = ""
    note_error: str = ""
    conflict: str = ""
    conflict_note: str = ""

    @property
    def id(self) -> str:
        return element_id(self.question.id)

    @property
    def citation(self) -> str:
        return cite(self.question.paragraphs)

    @property
    def options(self) -> tuple[tuple[str, str, bool], ...]:
        """Value, label and whether chosen, for the kinds that have options."""
        question, chosen = self.question, self.value
        labels = {"yes": "Yes", "no": "No"} if question.kind == "ynu" else dict(question.choices)
        if question.may_be_unsure and question.kind != "choices":
            labels[UNSURE] = "I'm not sure"
        picked = chosen if isinstance(chosen, list) else [chosen]
        return tuple((value, label, value in picked) for value, label in labels.items())


class _Lean(LayoutObject):  # type: ignore[misc]  # crispy-forms ships no types
    """Lays out all shown questions of a section through one template, a fifth of the usual cost of a field each."""

    def render(self, form: SectionForm, context: Any, **_: Any) -> str:
        return "".join(form.slot_html(slot) for slot in form.slots.values())


class SectionForm(forms.Form):
    """The questions of one section of a draft; after validation, `changes` is what someone changed."""

    def __init__(self, state: DraftState, section: str, data: QueryDict | None = None) -> None:
        super().__init__(data)
        self.state, self.section, self.posted = state, section, data
        self.slots = {q.id: self._slot(q) for q in state.questions_of(section)}
        self.changes: list[Change] = []
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True
        self.helper.layout = Layout(_Lean())

    def _slot(self, question: Question) -> Slot:
        row = self.state.rows.get(question.id)
        value = row.value if row else None
        unsure = value == UNSURE
        return Slot(
            question=question,
            shown=question.id in self.state.advisory.asked,
            value=value,
            text="" if unsure or not isinstance(value, str) else value,
            unsure=unsure,
            note=row.note if row else "",
            stamp=stamp(row),
            row=row,
            why=why_asked(self.state, question),
            says=what_the_bulletin_says(self.state, question),
        )

    def clean(self) -> dict[str, Any]:
        """Read every question that was posted; keep what was typed on the page whatever is wrong with it."""
        chosen = self._chosen()
        for question_id, slot in self.slots.items():
            if self.posted is None or SEEN + question_id not in self.posted:
                continue
            value = self._typed(slot)
            slot.note = self.posted.get(NOTE + question_id, "").replace("\r\n", "\n").strip()
            version, _, was = self.posted.get(SEEN + question_id, "").partition(".")
            seen = int(version) if re.fullmatch(r"[0-9]{1,9}", version) else 0
            pick = chosen.get(question_id)
            if pick and pick[0] == "theirs":
                self.slots[question_id] = self._slot(slot.question)
                continue
            if pick:
                seen = pick[1]
            if says := wrong_with_text(slot.note, longest=MAX_NOTE, lines=True):
                slot.note_error = f"Your note: {says}."
                self.add_error(None, forms.ValidationError(slot.note_error, code=question_id))
            try:
                answer = answer_data(read_answer(slot.question, value))
            except AnswerError:
                slot.error = in_plain_words(slot.question)
                self.add_error(None, forms.ValidationError(slot.error, code=question_id))
                continue
            if not slot.note_error and (pick or mark(answer, slot.note) != was):
                self.changes.append(Change(question_id, answer, slot.note, seen))
        return {}

    def _chosen(self) -> dict[str, tuple[str, int]]:
        """Of two answers that met: for each question, whose was chosen, and the version that it was chosen over."""
        found = {}
        for chosen in self.posted.getlist(CHOOSE) if self.posted is not None else ():
            question, _, rest = chosen.partition(":")
            whose, _, version = rest.partition(":")
            if (
                question in self.slots
                and whose in ("mine", "theirs")
                and re.fullmatch(r"[0-9]{1,9}", version)
            ):
                found[question] = (whose, int(version))
        return found

    def _typed(self, slot: Slot) -> Any:
        """The posted answer as an answers document would give it; the slot keeps it as it was typed."""
        if self.posted is None:
            return None
        name, question = slot.question.id, slot.question
        typed = [one for one in self.posted.getlist(name) if one]
        slot.unsure = UNSURE_BOX + name in self.posted
        slot.text = typed[0].strip() if typed else ""
        if slot.unsure and question.kind in ("choices", "money"):
            slot.value = UNSURE
        elif question.kind == "choices":
            slot.value = typed
        elif question.kind == "money":
            slot.value = plain_amount(slot.text) or None
        else:
            slot.value = slot.text or None
        return slot.value

    def tell(self, conflicts: list[Conflict]) -> None:
        """Show on each question that changed meanwhile what stands now, beside what was typed."""
        for conflict in conflicts:
            slot, stored = self.slots[conflict.change.question], conflict.stored
            edition = self.state.edition
            answer = read_answer(slot.question, stored.value)
            slot.row = stored
            slot.conflict = answer_in_words(edition, slot.question.id, answer)
            slot.conflict_note = stored.note
            slot.shown = True

    def slot_html(self, slot: Slot) -> str:
        """One question, or the empty place that it takes when it comes up."""
        return render_to_string("assessments/_question.html", {"slot": slot})

    @property
    def problems(self) -> list[tuple[str, str]]:
        """Each thing that is wrong, with the id of the input to mend."""
        wrong = []
        for slot in self.slots.values():
            if slot.error:
                wrong.append((f"{slot.id}-input", slot.error))
            if slot.note_error:
                wrong.append((f"{slot.id}-note", slot.note_error))
        return wrong


def plain_amount(text: str) -> str:
    """An amount as people write it, `$1,250.00`, as the engine reads it: `1250.00`."""
    return re.sub(r"[$\s]|,(?=[0-9]{3}(?:[^0-9]|$))", "", text.removeprefix("CA"))


def in_plain_words(question: Question) -> str:
    """What is wrong with an answer, for someone who never saw an answers file."""
    match question.kind:
        case "money":
            return f"{question.short}: write an amount from 0 to 1,000,000 dollars, such as 620 or 620.50."
        case "date":
            return f"{question.short}: write a day that is in the calendar, such as 2026-08-21."
        case _:
            return f"{question.short}: choose one of the answers shown."


def why_asked(state: DraftState, question: Question) -> str:
    """Which answers bring the question up, in words; empty for one that is always asked."""
    verdict = question.asked.weigh(_Known(state))
    named = sorted(verdict.rests_on, key=state.edition.position.__getitem__)
    return "; ".join(
        f"{state.edition.question[one].short}: "
        f"{answer_in_words(state.edition, one, state.advisory.answers.get(one))}"
        for one in named
    )


class _Known:
    """The settled answers and facts of a draft, to weigh a condition against."""

    def __init__(self, state: DraftState) -> None:
        self.answers: Mapping[str, Any] = state.advisory.answers
        self._facts = state.advisory.facts

    def fact(self, name: str) -> Any:
        return self._facts[name]


def what_the_bulletin_says(state: DraftState, question: Question) -> tuple[tuple[str, str], ...]:
    """The paragraphs that a question is about, in plain language: how each is cited, and what it says."""
    told = []
    for citation in question.paragraphs:
        base, bracket, point = citation.partition("(")
        paragraph = state.edition.paragraph[base]
        told.append((cite([citation]), paragraph.points[bracket + point] if bracket else paragraph.says))
    return tuple(told)
